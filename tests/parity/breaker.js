// Vectors of kind `breaker`: what is done to the breaker of one flag, and what it says. Statistics are compared by their bits.

import { compile, withSnapshot } from './ask.js';
import { print, same, sha256 } from './compare.js';

/** The only flag of such a document. */
const FLAG = 0;

export async function breaker(subject, file, name) {
  // Only a server has the breaker of pages, and the server runs no JavaScript: Rust runs these steps.
  if (file.scope === 'pages') return 0;
  const document = { flags: { f: { rollout: file.rollout, error_threshold: file.policy } } };
  const digests = withSnapshot(subject, compile(subject, JSON.stringify(document), name), (snapshot) => {
    snapshot.breakers.guard(file.scope, 0);
    return file.steps.map((step, index) => {
      const what = () => `${name}: step ${index}: ${print(step)}`;
      const transitions = take(step, snapshot.breakers);
      const { bytes, ...wanted } = step.then;
      same(said(snapshot, transitions), wanted, what);
      return [snapshot.breakers.save(FLAG), bytes, what];
    });
  });
  for (const [bytes, wanted, what] of digests) same(await sha256(bytes), wanted, what);
  return file.steps.length;
}

function take({ acknowledge, age, at, control, generation, mode, times = 1, treatment }, breakers) {
  const transitions = [];
  if (mode !== undefined) transitions.push(...breakers.setMode(FLAG, mode, at));
  if (acknowledge !== undefined) transitions.push(...breakers.acknowledge(FLAG, acknowledge, at));
  for (let time = 0; time < times; time += 1) {
    const now = at + time * 1000;
    transitions.push(...breakers.poll(now));
    if (treatment === undefined && control === undefined) continue;
    const counts = {
      generation: generation ?? breakers.report(FLAG).generation,
      ageMs: age,
      treatment: sample(treatment),
      control: sample(control),
    };
    transitions.push(...breakers.record(FLAG, counts, now));
  }
  return transitions;
}

const sample = ([total, errors, slow, missing] = [0, 0, 0, 0]) => ({ total, errors, slow, missing });

/** What came of a step, as vectors have it. */
function said(snapshot, transitions) {
  return {
    transitions: transitions.map(happened),
    trip: snapshot.trip(FLAG),
    nextDeadline: snapshot.breakers.nextDeadline() ?? null,
    statistics: statistics(snapshot.breakers.report(FLAG)),
  };
}

function happened(transition) {
  const { attempt, at, cause, event, from, generation, next, nextAt, sequence, to, trips } = transition;
  const { controlErrors, controlMissing, controlSlow, controlTotal, errors, missing, slow, total } = transition;
  const optional = { ...(cause === undefined ? {} : { cause }), ...(nextAt === undefined ? {} : { nextAt }) };
  const percent = [transition.percentBefore, transition.percentAfter].map((part) => Math.round(part * 1000));
  const window = [
    [total, errors, slow, missing],
    [controlTotal, controlErrors, controlSlow, controlMissing],
  ];
  const numbers = { attempt, at, generation, sequence, trips };
  return { ...optional, ...numbers, event, from, to, next, percent, window, statistics: statistics(transition) };
}

const statistics = ({ absolute, relative, slowAbsolute, slowRelative }) =>
  [absolute, relative, slowAbsolute, slowRelative].map(bits);

const bits = (number) => new BigUint64Array(new Float64Array([number]).buffer)[0].toString(16).padStart(16, '0');
