// The ways into an engine, each as a function that runs a number of times. Fastest of many batches: the machine's noise
// only ever adds.

import { attributes, document, key, NOW, users } from './workload.js';

const FLAGS = 1000;
const keys = Array.from({ length: FLAGS }, (_, index) => key(index));

/** Answers go here, so that no work can be dropped as unused. */
export let sink = 0;

/** The paths through an engine, by name. */
export function enginePaths(engine, bytes, manyBytes) {
  const snapshot = engine.load(bytes);
  const bound = snapshot.context(users[0], attributes);
  bound.decideAll(NOW);
  for (const name of keys) bound.isEnabled(name, NOW);
  const out = new Uint32Array(FLAGS * 2);
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
    'isEnabled(flag, user, object), fresh user': (count) => {
      for (let i = 0; i < count; i++) sink += +snapshot.isEnabled(keys[i % 7], users[i % 1000], attributes, NOW);
    },
    'decision in words, by name': (count) => {
      for (let i = 0; i < count; i++) sink += bound.decision(keys[i % 1000], NOW).enabled ? 1 : 0;
    },
    'decide all, per flag': (count) => {
      for (let i = 0; i < count; i += FLAGS) sink += bound.decideAll(NOW, out)[1];
    },
    'load 10,000 flags': (count) => {
      for (let i = 0; i < count; i++) engine.load(manyBytes).free();
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

/** How many times a path runs in a batch: long enough for the coarse clocks of browsers. */
const BATCH = { 'load 10,000 flags': 20 };

/**
 * Nanoseconds a call: the fastest of `rounds` batches. The subjects take turns, so that a slow moment of the machine
 * hits all of them.
 *
 * @param {Record<string, Record<string, (count: number) => void>>} subjects
 */
export function measure(subjects, rounds) {
  const fastest = Object.fromEntries(Object.keys(subjects).map((subject) => [subject, {}]));
  for (let round = 0; round < rounds; round++) {
    for (const [subject, paths] of Object.entries(subjects)) {
      for (const [path, run] of Object.entries(paths)) {
        const count = BATCH[path] ?? 50_000;
        const start = performance.now();
        run(count);
        const nanoseconds = ((performance.now() - start) * 1e6) / count;
        fastest[subject][path] = Math.min(fastest[subject][path] ?? Number.POSITIVE_INFINITY, nanoseconds);
      }
    }
  }
  return fastest;
}

/** Milliseconds from a module's bytes to the first decision: the fastest of so many fresh instances. */
export async function firstDecision(start, bytes, rounds) {
  let fastest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const begin = performance.now();
    const engine = await start();
    sink += +engine.load(bytes).isEnabled(keys[0], users[0], attributes, NOW);
    fastest = Math.min(fastest, performance.now() - begin);
  }
  return fastest;
}
