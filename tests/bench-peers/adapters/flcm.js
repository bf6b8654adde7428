// This project: asked with a user id and attributes, or of a context that `for` has made. It counts every decision.
import { readFileSync } from 'node:fs';
import { PLANS_IN, W } from '../lib/workload.js';

const conditions = [
  { attribute: 'country', operator: '==', value: 'DE' },
  { attribute: 'age', operator: '>', value: W.AGE },
  { attribute: 'plan', operator: 'in', value: PLANS_IN },
];
const variants = ['A', 'B'].map((name) => ({ name, weight: 50, value: name }));
const written = {
  W1: ({ on }) => ({ enabled: on, rollout: { percentage: 100 } }),
  W2: () => ({ rollout: { percentage: W.W2_PCT } }),
  W3: () => ({ conditions, rollout: { percentage: W.W3_PCT }, variants, default: 'off' }),
  W4: () => ({ rollout: { percentage: W.W4_PCT, cohorts: { seg: true } } }),
};

/** JSON is YAML. */
export function flcmDocument(flags, seg) {
  const cohorts = flags.some(({ kind }) => kind === 'W4') ? { seg: { users: seg } } : {};
  return JSON.stringify({
    cohorts,
    flags: Object.fromEntries(flags.map((flag) => [flag.key, written[flag.kind](flag)])),
  });
}

let runtime, node, wasm, features;

async function importPeer() {
  runtime = await import('@flcm/features');
  node = await import('@flcm/flags-node');
}

async function importWasm() {
  await importPeer();
  wasm = await import('@flcm/flags-node/wasm');
}

/** `for` needs the features that a context belongs to. */
async function load(options) {
  features = await runtime.createFeatures(options);
  return features;
}

const peer = {
  version: '0.1.0',
  ours: true,
  importPeer,
  config: (flags, { seg }) => flcmDocument(flags, seg),
  load: (document) => load({ document }),
};

const asked = {
  ...peer,
  ctx: ({ id, ...attributes }) => ({ id, attributes }),
  bool: (features, key, { id, attributes }) => features.isEnabled(key, id, attributes),
  variant: (features, key, { id, attributes }) => features.variant(key, id, attributes),
  all: (features, { id, attributes }) => count(features.decideAll(id, attributes)),
};

const bound = {
  ...peer,
  ctx: ({ id, ...attributes }) => features.for({ targetingKey: id, ...attributes }),
  bool: (_features, key, user) => user.isEnabled(key),
  variant: (_features, key, user) => user.variant(key),
  all: (_features, user) => count(user.decideAll()),
};

const byWasm = {
  importPeer: importWasm,
  load: (document) => load({ document, engine: wasm.engine, compiler: wasm.compiler }),
};

function count(decisions) {
  let enabled = 0;
  for (const key in decisions) if (decisions[key].enabled) enabled++;
  return enabled;
}

export const peers = [
  { ...asked, name: 'flcm isEnabled', base: true, noBoot: true },
  { ...bound, name: 'flcm for', base: true },
  { ...asked, ...byWasm, name: 'flcm isEnabled (wasm)', noBoot: true },
  { ...bound, ...byWasm, name: 'flcm for (wasm)' },
  {
    ...bound,
    name: 'flcm for (snapshot)',
    onlyBoot: true,
    config: (flags, { seg }) => node.compiler.compile(flcmDocument(flags, seg)).snapshot,
    load: (_text, { configFile }) => load({ snapshot: readFileSync(configFile) }),
  },
];
