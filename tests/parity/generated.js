// Generated cases, a document each, as `parity-cases` wrote them.

import { answer, compile, isOn, split, trip, withSnapshot } from './ask.js';
import { print, same, sha256 } from './compare.js';

/** Asks every binding what a document's cases ask; answers how much was compared. */
export async function generated(subject, document) {
  const name = `seed ${document.seed}`;
  const bytes = compile(subject, document.document, name);
  same(await sha256(bytes), document.snapshot, () => `${name}: the bytes of the snapshot`);
  const counts = { documents: 1, decisions: 0, words: 0, transcripts: 0 };
  const transcripts = withSnapshot(subject, bytes, (snapshot) => {
    same(snapshot.digest, document.digest, () => `${name}: the digest`);
    const flags = document.keys.map((key) => snapshot.flag(key));
    const [first, ...others] = document.cases.map((asked, index) => {
      const otherTime = document.cases.at(index - 1).now;
      return { ...asked, name, document, flags, bytes, otherTime };
    });
    const early = bind(snapshot, first);
    const texts = [first, ...others].map((asked) => {
      counts.decisions += asked.answers.length;
      const trips = outcomes(snapshot, asked);
      counts.words += words(snapshot, asked);
      return transcript(subject, trips, asked);
    });
    // What was bound before all others, and has been moved out since, still decides, by the trips of now.
    trip(snapshot, first.trips);
    compareAll(first, 'a context after many others', (flag) => early.decide(flag, first.now));
    return texts;
  });
  const digests = await Promise.all(transcripts.map(sha256));
  document.cases.forEach((asked, index) => {
    same(
      digests[index],
      asked.transcript,
      () => `${describe({ ...asked, name })}: explanations:\n${transcripts[index]}`,
    );
  });
  counts.transcripts = digests.length;
  return counts;
}

function bind(snapshot, { context }) {
  const { attributes, targetingKey } = split(context);
  return snapshot.context(targetingKey, attributes);
}

/** Compares the numbers of each binding; answers the bytes of the trips. */
function outcomes(snapshot, asked) {
  const { context, document, flags, now } = asked;
  const { attributes, targetingKey } = split(context);
  const bound = bind(snapshot, asked);
  // What a context remembers of other trips, and of another time, must not count afterwards.
  flags.forEach((flag) => {
    bound.decide(flag, now);
  });
  const trips = trip(snapshot, asked.trips);
  flags.forEach((flag) => {
    bound.decide(flag, asked.otherTime);
  });
  compareAll(asked, 'context.decide', (flag) => bound.decide(flag, now));
  compareAll(asked, 'context.decide, remembered', (flag) => bound.decide(flag, now));
  compareAll(asked, 'snapshot.decide', (flag) => snapshot.decide(flag, targetingKey, attributes, now));
  const all = bound.decideAll(now);
  asked.answers.forEach((wanted, index) => {
    const flag = flags[index];
    const key = document.keys[index];
    const what = (binding) => () => `${describe(asked)}: ${binding}: \`${key}\``;
    if (flag >= 0) same([all[2 * flag], all[2 * flag + 1]], wanted, what('context.decideAll'));
    const on = [bound.isEnabled(key, now), snapshot.isEnabled(key, targetingKey, attributes, now)];
    same(on, [isOn(wanted[1]), isOn(wanted[1])], what('isEnabled'));
  });
  return trips;
}

function compareAll(asked, binding, decide) {
  asked.answers.forEach(([, wanted], index) => {
    const what = () => `${describe(asked)}: ${binding}: \`${asked.document.keys[index]}\``;
    same(decide(asked.flags[index]), wanted, what);
  });
}

/** Compares the words of each decision; answers how many there were. */
function words(snapshot, asked) {
  const bound = bind(snapshot, asked);
  const { document, now } = asked;
  asked.answers.forEach(([rule, outcome], index) => {
    const wanted = document.decisions[`${index}:${rule}:${outcome}`];
    const what = () => `${describe(asked)}: context.decision: \`${document.keys[index]}\``;
    same(answer(bound.decision(document.keys[index], now)), wanted, what);
  });
  return asked.answers.length;
}

/** What is said of every flag, as the text that the core wrote. */
function transcript({ compiler }, trips, { answers, bytes, context, document, now }) {
  const question = { ...split(context), snapshot: bytes, trips, now };
  const explain = (_, index) => `${print(compiler.explain({ ...question, flag: document.keys[index] }))}\n`;
  return answers.map(explain).join('');
}

const describe = ({ context, name, now, trips }) => `${name}: ${print({ context, trips, now })}`;
