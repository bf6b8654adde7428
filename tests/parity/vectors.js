// One function a kind of vectors; each runs a file and says how many cases there were.

import { answer, compile, isOn, split, trip, withSnapshot } from './ask.js';
import { print, same, sameBytes } from './compare.js';

const text = (document) => {
  if (typeof document === 'string') return document;
  return Array.isArray(document) ? document.join('\n') : JSON.stringify(document);
};

export function evaluate(subject, file, name) {
  decisions(subject, compile(subject, text(file.document), name), file.cases, name);
  return file.cases.length;
}

/** Today's compiler writes the bytes that were kept unless they are older, and today's engine decides from them. */
export function snapshot(subject, file, name, kept) {
  const written = compile(subject, text(file.document), name);
  if (file.older !== true && !sameBytes(written, kept)) throw new Error(`${name}: other bytes`);
  withSnapshot(subject, kept, (loaded) => {
    same(loaded.digest, file.digest, () => `${name}: the digest`);
    if (!sameBytes(loaded.bytes(), kept)) throw new Error(`${name}: bytes do not come back`);
  });
  decisions(subject, kept, file.cases, name);
  return file.cases.length;
}

function decisions(subject, bytes, cases, name) {
  withSnapshot(subject, bytes, (loaded) => {
    for (const { answer: wanted, context, flag, now = 0, trips = {}, note } of cases) {
      const what = (binding) => () => `${name}: ${binding}: ${note ?? ''} ${print({ flag, context, now, trips })}`;
      const states = Object.entries(trips).map(([key, state]) => [key, word(state)]);
      const question = { ...split(context), trips: trip(loaded, Object.fromEntries(states)), flag, now };
      const bound = loaded.context(question.targetingKey, question.attributes);
      same(answer(bound.decision(flag, now)), wanted, what('decision'));
      same(answer(bound.decision(flag, now)), wanted, what('decision that is remembered'));
      const { explanation, text } = subject.compiler.explain({ ...question, snapshot: bytes });
      same(answer(explanation), wanted, what('explain'));
      same(text.startsWith(`${flag} → ${said(wanted)}`), true, what(`explain says ${text}`));
      const on = [
        bound.isEnabled(flag, now),
        loaded.isEnabled(flag, question.targetingKey, question.attributes, now),
        isOn(bound.decide(loaded.flag(flag), now)),
        isOn(loaded.decide(loaded.flag(flag), question.targetingKey, question.attributes, now)),
      ];
      same(on, on.fill(wanted.enabled), what('whether it is on'));
    }
  });
}

/** A trip of a vector (`held_off`, or `{capped: 12500}`) as the engine's word for it. */
const word = (state) => (typeof state === 'string' ? state.replace('held_off', 'off') : `capped ${state.capped}`);

const said = ({ enabled, errorCode }) => (errorCode === null ? (enabled ? 'on' : 'off') : `error ${errorCode}`);

export function condition(subject, file, name) {
  for (const test of file.cases) {
    const value = test.value === null ? {} : { value: test.value };
    const document = { flags: { f: { conditions: [{ attribute: 'a', operator: test.operator, ...value }] } } };
    const what = () => `${name}: ${print(test)}`;
    withSnapshot(subject, compile(subject, JSON.stringify(document), name), (loaded) => {
      // Absent in each of its forms.
      const forms =
        test.attribute === null ? [{}, { a: null }, { a: undefined }, { a: Number.NaN }] : [{ a: test.attribute }];
      for (const attributes of forms) {
        same(loaded.isEnabled('f', undefined, attributes, 0), test.holds, what);
        same(loaded.context(undefined, attributes).decision('f', 0).enabled, test.holds, what);
      }
    });
  }
  return file.cases.length;
}

export function inherit(subject, file, name) {
  const [written, plain] = [file.document, file.equals].map((document) => compile(subject, text(document), name));
  if (!sameBytes(written, plain)) throw new Error(`${name}: \`document\` and \`equals\` compile to other bytes`);
  return 1;
}

export function diagnostics(subject, file, name) {
  // JavaScript compiles texts: it knows neither the name of their file nor, for schedules, the time. It hints at nothing.
  const cases = file.cases.filter(({ json, now, hint_clients }) => !json && now === undefined && !hint_clients);
  for (const { document, diagnostics: wanted } of cases) {
    const { diagnostics: found, snapshot: bytes, report } = subject.compiler.compile(text(document));
    const kept = found.map(({ code, severity, path, line, column, range }, index) => ({
      ...{ code, severity, path, line, column },
      ...(wanted[index]?.range === undefined ? {} : { range }),
    }));
    const what = () => `${name}: ${text(document)}`;
    same(kept, wanted, what);
    same(
      bytes === undefined,
      wanted.some(({ severity }) => severity === 'error'),
      what,
    );
    same(report === '', wanted.length === 0, what);
  }
  return cases.length;
}

/** Doors give no percentage, but an explanation does, and whoever is in or out must be so by it. */
export function schedule(subject, file, name) {
  let count = 0;
  for (const { note, percentages, rollout } of file.cases) {
    const bytes = compile(subject, JSON.stringify({ flags: { f: { rollout } } }), name);
    withSnapshot(subject, bytes, (loaded) => {
      for (const [now, wanted] of percentages) {
        const what = () => `${name}: ${note}: at ${now}`;
        const drawn = find('rollout', subject, { snapshot: bytes, flag: 'f', targetingKey: 'alice', now });
        same(drawn.percentage, wanted, what);
        same(loaded.isEnabled('f', 'alice', undefined, now), drawn.bucket < wanted, what);
        count += 1;
      }
    });
  }
  return count;
}

/** Of the numbers of the hash, buckets and split points can be seen from outside; digests and hashes cannot. */
export function bucket(subject, file, name) {
  for (const test of file.cases) {
    const { gate, probe, salt, splits, unit } = test;
    const what = () => `${name}: ${print(test)}`;
    const out = (bucket) => ({ salt, rollout: { percentage: bucket / 1000 } });
    const guarded = (bucket) => ({ salt, rollout: {}, error_threshold: { rate: 0.05, probe: bucket / 1000 } });
    const flags = { out: out(gate), in: out(gate + 1), stopped: guarded(probe), passed: guarded(probe + 1) };
    // Who draws this point gets the second variant, and whoever draws a lower one the first.
    const between = (total, point) => ({
      salt,
      rollout: {},
      variants: [
        { name: 'below', weight: point },
        { name: 'above', weight: total - point },
      ],
    });
    const reachable = Object.entries(splits).filter(([total]) => total <= LARGEST_WEIGHT);
    for (const [total, point] of reachable) {
      flags[`${total} above`] = between(total, point);
      flags[`${total} below`] = between(total, point + 1);
    }
    const bytes = compile(subject, JSON.stringify({ flags }), name);
    withSnapshot(subject, bytes, (loaded) => {
      const trips = trip(loaded, { passed: 'probing', stopped: 'probing' });
      for (const [flag, on] of [
        ['in', true],
        ['out', false],
        ['passed', true],
        ['stopped', false],
      ]) {
        same(loaded.isEnabled(flag, unit, undefined, 0), on, what);
      }
      const draw = (check, flag) => find(check, subject, { snapshot: bytes, trips, flag, targetingKey: unit, now: 0 });
      same(draw('rollout', 'out').bucket, gate, what);
      same(draw('breaker', 'stopped').bucket, probe, what);
      for (const [total] of reachable) {
        for (const side of ['above', 'below']) {
          same(loaded.context(unit).decision(`${total} ${side}`, 0).variant, side, what);
        }
      }
    });
  }
  return file.cases.length;
}

/** The largest weight that a variant may have. */
const LARGEST_WEIGHT = 2 ** 20;

/** The last check of a kind in the explanation of a flag. */
function find(kind, { compiler }, question) {
  const { explanation } = compiler.explain(question);
  const inside = (checks) => checks.flatMap((check) => [check, ...inside(check.checks ?? [])]);
  const found = inside(explanation.checks).findLast(({ check }) => check === kind);
  if (found === undefined) throw new Error(`no check \`${kind}\` in ${print(explanation)}`);
  return found;
}
