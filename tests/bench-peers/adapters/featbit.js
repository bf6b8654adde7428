import { positive } from '../lib/measure.js';
import { version } from '../lib/paths.js';
import { PLANS_IN, W } from '../lib/workload.js';

let F;
const cfg = (flags, seg) => {
  const at = '2024-01-01T00:00:00.000Z';
  const rv = (id, a, b) => ({ id, rollout: [a, b], exptRollout: 1 });
  const featureFlags = flags.map((f, _i) => {
    const b = {
      id: `id-${f.key}`,
      key: f.key,
      variationType: 'boolean',
      isEnabled: true,
      targetUsers: [],
      rules: [],
      disabledVariationId: 'off',
      variations: [
        { id: 'on', value: 'true' },
        { id: 'off', value: 'false' },
      ],
      updatedAt: at,
      exptIncludeAllTargets: false,
    };
    const ft = (variations) => ({ dispatchKey: 'keyId', includedInExpt: false, variations });
    if (f.kind === 'W1') return { ...b, isEnabled: f.on, fallthrough: ft([rv('on', 0, 1)]) };
    if (f.kind === 'W2') return { ...b, fallthrough: ft([rv('on', 0, W.W2_PCT / 100), rv('off', W.W2_PCT / 100, 1)]) };
    if (f.kind === 'W3') {
      const p = W.W3_PCT / 100;
      return {
        ...b,
        variationType: 'string',
        variations: ['A', 'B', 'off'].map((x) => ({ id: x, value: x })),
        fallthrough: ft([rv('off', 0, 1)]),
        rules: [
          {
            id: 'r1',
            name: 'r1',
            dispatchKey: 'keyId',
            includedInExpt: false,
            conditions: [
              { id: 'c1', property: 'country', op: 'Equal', value: 'DE' },
              { id: 'c2', property: 'age', op: 'BiggerThan', value: String(W.AGE) },
              { id: 'c3', property: 'plan', op: 'IsOneOf', value: JSON.stringify(PLANS_IN) },
            ],
            variations: [rv('A', 0, p / 2), rv('B', p / 2, p), rv('off', p, 1)],
          },
        ],
      };
    }
    return {
      ...b,
      rules: [
        {
          id: 'r1',
          name: 'r1',
          dispatchKey: 'keyId',
          includedInExpt: false,
          conditions: [{ id: 'c1', property: 'User is in segment', op: '', value: '["seg"]' }],
          variations: [rv('on', 0, 1)],
        },
      ],
      fallthrough: ft([rv('on', 0, W.W4_PCT / 100), rv('off', W.W4_PCT / 100, 1)]),
    };
  });
  return {
    messageType: 'data-sync',
    data: {
      eventType: 'full',
      featureFlags,
      segments: [{ id: 'seg', included: seg, excluded: [], rules: [], updatedAt: at }],
    },
  };
};
export const peers = [
  {
    name: 'featbit',
    version: version('@featbit/node-server-sdk'),
    async: true,
    async importPeer() {
      F = await import('@featbit/node-server-sdk');
      F = F.default?.FbClientBuilder ? F.default : F;
    },
    config: (flags, { seg }) => JSON.stringify(cfg(flags, seg)),
    async load(text) {
      const c = new F.FbClientBuilder().sdkKey('x').offline(true).useJsonBootstrapProvider(text).build();
      await c.waitForInitialization();
      return c;
    },
    ctx: (u) =>
      new F.UserBuilder(u.id).custom('country', u.country).custom('age', u.age).custom('plan', u.plan).build(),
    bool: (c, k, x) => c.boolVariation(k, x, false),
    variant: (c, k, x) => c.stringVariation(k, x, 'off'),
    async all(c, x) {
      let n = 0;
      for (const r of await c.getAllVariations(x)) if (r.value === 'true' || positive(r.value)) n++;
      return n;
    },
  },
];
