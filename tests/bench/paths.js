// The ways into an engine, each as a function that runs a number of times. Fastest of many batches: the machine's noise
// only ever adds.

import { attributes, document, key, NOW, users } from './workload.js';

const FLAGS = 1000;
const keys = Array.from({ length: FLAGS }, (_, index) => key(index));

/** Answers go here, so that no work can be dropped as unused. */
export let sink = 0;

/** The paths that both kinds of engine have, by name. */
function commonPaths(snapshot, bound) {
  return {
    'repeated decision, by id': (count) => {
      for (let i = 0, flag = 0; i < count; i++, flag = flag === 999 ? 0 : flag + 1) sink += bound.decide(flag, NOW);
    },
    'repeated decision, by name': (count) => {
      for (let i = 0, flag = 0; i < count; i++, flag = flag === 999 ? 0 : flag + 1)
        sink += +bound.isEnabled(keys[flag], NOW);
    },
    // A thousand flags for each context, so that making it is a thousandth.
    'first decision, by name': (count) => {
      for (let i = 0; i < count; i += FLAGS) {
        const context = snapshot.context(users[(i / FLAGS) % 1000], attributes);
        for (const name of keys) sink += +context.isEnabled(name, NOW);
      }
    },
    'make a context of 5 attributes': (count) => {
      for (let i = 0; i < count; i++) sink += snapshot.context(users[i % 1000], attributes) ? 1 : 0;
    },
    'decision in words, by name': (count) => {
      for (let i = 0; i < count; i++) sink += bound.decision(keys[i % 1000], NOW).enabled ? 1 : 0;
    },
  };
}

/** The paths through an engine, by name. */
export function enginePaths(engine, bytes, manyBytes) {
  const snapshot = engine.load(bytes);
  const bound = snapshot.context(users[0], attributes);
  bound.decideAll(NOW);
  for (const name of keys) bound.isEnabled(name, NOW);
  const out = new Uint32Array(FLAGS * 2);
  return {
    ...commonPaths(snapshot, bound),
    'isEnabled(flag, user, object), fresh user': (count) => {
      for (let i = 0; i < count; i++) sink += +snapshot.isEnabled(keys[i % 7], users[i % 1000], attributes, NOW);
    },
    'decide all, per flag': (count) => {
      for (let i = 0; i < count; i += FLAGS) sink += bound.decideAll(NOW, out)[1];
    },
    'load 1,000 flags': (count) => {
      for (let i = 0; i < count; i++) engine.load(bytes).free();
    },
    'load 10,000 flags': (count) => {
      for (let i = 0; i < count; i++) engine.load(manyBytes).free();
    },
  };
}

/** The same through the engine of pages. It remembers no answers, has nothing to free, and takes 8,192 flags at most. */
export function pagePaths(engine, bytes) {
  const snapshot = engine.load(bytes);
  const bound = snapshot.context(users[0], attributes);
  return {
    ...commonPaths(snapshot, bound),
    'isEnabled(flag, user, object), fresh user': (count) => {
      for (let i = 0; i < count; i++)
        sink += +snapshot.context(users[i % 1000], attributes).isEnabled(keys[i % 7], NOW);
    },
    'decide all, per flag': (count) => {
      for (let i = 0; i < count; i += FLAGS) sink += bound.decideAll(NOW)[1];
    },
    'load 1,000 flags': (count) => {
      for (let i = 0; i < count; i++) sink += engine.load(bytes).flagCount;
    },
  };
}

/** The paths that the rival has. */
export function plainPaths(Plain) {
  const plain = new Plain(document(FLAGS));
  // The least that remembering can cost: an answer in a table, and an answer in a map.
  const byId = new Int32Array(FLAGS);
  const byName = new Map(keys.map((name, id) => [name, byId[id]]));
  return {
    'repeated decision, by id': (count) => {
      for (let i = 0, flag = 0; i < count; i++, flag = flag === 999 ? 0 : flag + 1) sink += byId[flag];
    },
    'repeated decision, by name': (count) => {
      for (let i = 0, flag = 0; i < count; i++, flag = flag === 999 ? 0 : flag + 1) sink += byName.get(keys[flag]);
    },
    'isEnabled(flag, user, object), fresh user': (count) => {
      for (let i = 0; i < count; i++) sink += +plain.isEnabled(keys[i % 7], users[i % 1000], attributes);
    },
    'first decision, by name': (count) => {
      for (let i = 0; i < count; i++) sink += +plain.isEnabled(keys[i % 1000], users[0], attributes);
    },
    'decide all, per flag': (count) => {
      for (let i = 0; i < count; i++) sink += +plain.isEnabled(keys[i % 1000], users[0], attributes);
    },
  };
}

/** How often a path runs at first, and how long a batch takes at least: the clocks of browsers are coarse. */
const FEWEST = { 'load 1,000 flags': 20, 'load 10,000 flags': 4 };
const LEAST_MS = 5;

/**
 * Nanoseconds a call: the fastest of `rounds` batches. The subjects take turns, so that a slow moment of the machine
 * hits all of them, and the order turns around, so that none always follows the same one.
 *
 * @param {Record<string, Record<string, (count: number) => void>>} subjects
 */
export function measure(subjects, rounds) {
  const fastest = Object.fromEntries(Object.keys(subjects).map((subject) => [subject, {}]));
  const all = Object.entries(subjects).flatMap(([subject, paths]) =>
    Object.entries(paths).map(([path, run]) => ({ subject, path, run, count: batchOf(run, FEWEST[path] ?? 10_000) })),
  );
  const paths = [...new Set(all.map(({ path }) => path))];
  for (let round = 0; round < rounds; round++) {
    for (const path of paths) {
      const turn = all.filter((one) => one.path === path);
      for (const { subject, run, count } of round % 2 ? turn.reverse() : turn) {
        const nanoseconds = (milliseconds(run, count) * 1e6) / count;
        fastest[subject][path] = Math.min(fastest[subject][path] ?? Number.POSITIVE_INFINITY, nanoseconds);
      }
    }
  }
  return fastest;
}

/** The least of three, because a slow moment would make a batch too short. */
function batchOf(run, fewest) {
  let count = fewest;
  while (Math.min(...[1, 2, 3].map(() => milliseconds(run, count))) < LEAST_MS) count *= 2;
  return count;
}

function milliseconds(run, count) {
  const start = performance.now();
  run(count);
  return performance.now() - start;
}

/**
 * Milliseconds from a module's bytes to the first decision: the fastest of so many fresh instances, which take turns.
 *
 * @param {Record<string, { start(): Promise<any>, bytes: Uint8Array }>} subjects
 */
export async function firstDecisions(subjects, rounds) {
  const fastest = {};
  for (let round = 0; round < rounds; round++) {
    for (const [subject, { start, bytes }] of Object.entries(subjects)) {
      const begin = performance.now();
      const engine = await start();
      sink += +engine.load(bytes).context(users[0], attributes).isEnabled(keys[0], NOW);
      fastest[subject] = Math.min(fastest[subject] ?? Number.POSITIVE_INFINITY, performance.now() - begin);
    }
  }
  return fastest;
}
