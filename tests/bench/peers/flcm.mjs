// This project in the bench of peers: see run.sh. Contexts are plain objects, or made beforehand by `for`.

import { createFeatures } from '@flcm/features';
import { engine as wasm } from '@flcm/flags-node/wasm';

const conditions = [
  { attribute: 'country', operator: '==', value: 'DE' },
  { attribute: 'age', operator: '>', value: 30 },
  { attribute: 'plan', operator: 'in', value: ['pro', 'team', 'enterprise'] },
];
const variants = ['A', 'B'].map((name) => ({ name, weight: 1 }));
const kinds = {
  W1: ({ on }) => ({ enabled: on, rollout: { percentage: 100 } }),
  W2: () => ({ rollout: { percentage: 10 } }),
  W3: () => ({ conditions, rollout: { percentage: 25 }, variants }),
  W4: () => ({ rollout: { percentage: 20, cohorts: { seg: true } } }),
};

/** A document of the bench's flags; JSON is YAML. */
function config(flags, { seg }) {
  const written = flags.map((flag) => [flag.key, kinds[flag.kind](flag)]);
  const cohorts = flags.some(({ kind }) => kind === 'W4') ? { seg: { users: seg } } : undefined;
  return JSON.stringify({ cohorts, flags: Object.fromEntries(written) });
}

const common = {
  version: '0.1.0',
  async importPeer() {},
  config,
  close: (features) => features.close(),
};

/** `isEnabled(flag, user, object)`. */
const plain = {
  ctx: ({ id, ...attributes }) => ({ id, attributes }),
  bool: (features, key, { id, attributes }) => features.isEnabled(key, id, attributes),
  variant: (features, key, { id, attributes }) => features.variant(key, id, attributes),
};

/** `for(context)`, made where the bench makes its contexts. */
let made;
const bound = {
  ctx: ({ id, ...attributes }) => ({ targetingKey: id, ...attributes }),
  bool: (features, key, context) => of(features, context).isEnabled(key),
  variant: (features, key, context) => of(features, context).variant(key),
};

/** A request asks many flags for one user: the context is made once. */
function of(features, context) {
  if (made?.context !== context) made = { context, user: features.for(context) };
  return made.user;
}

export const peers = [
  { ...common, ...plain, name: 'flcm isEnabled(flag, user, object)', load: (document) => createFeatures({ document }) },
  { ...common, ...bound, name: 'flcm for(context)', load: (document) => createFeatures({ document }) },
  {
    ...common,
    ...plain,
    name: 'flcm isEnabled, wasm engine',
    load: (document) => createFeatures({ document, engine: wasm }),
  },
];
