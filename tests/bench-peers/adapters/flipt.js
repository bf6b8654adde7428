import { positive } from '../lib/measure.js';
import { version } from '../lib/paths.js';
import { PLANS_IN, W } from '../lib/workload.js';

let F;
const cfg = (flags, seg) => {
  const c = (type, property, operator, value) => ({ id: '', type, property, operator, value });
  const S = 'STRING_CONSTRAINT_COMPARISON_TYPE',
    N = 'NUMBER_CONSTRAINT_COMPARISON_TYPE',
    E = 'ENTITY_ID_CONSTRAINT_COMPARISON_TYPE';
  const sg = (key, constraints) => ({
    key,
    name: key,
    description: '',
    matchType: 'ALL_SEGMENT_MATCH_TYPE',
    constraints,
  });
  return {
    namespace: { key: 'default', name: 'default' },
    digest: 'x',
    flags: flags.map((f) => {
      const b = {
        key: f.key,
        name: f.key,
        description: '',
        enabled: true,
        type: 'BOOLEAN_FLAG_TYPE',
        rules: [],
        rollouts: [],
      };
      const thr = (rank, pct) => ({
        type: 'THRESHOLD_ROLLOUT_TYPE',
        rank,
        threshold: { percentage: pct, value: true },
      });
      // a boolean flag's "enabled" is its default value when no rollout matches
      if (f.kind === 'W1') return { ...b, enabled: f.on };
      if (f.kind === 'W2') return { ...b, enabled: false, rollouts: [thr(1, W.W2_PCT)] };
      if (f.kind === 'W3')
        return {
          ...b,
          type: 'VARIANT_FLAG_TYPE',
          rules: [
            {
              id: 'r',
              rank: 1,
              segmentOperator: 'OR_SEGMENT_OPERATOR',
              segments: [
                sg('w3', [
                  c(S, 'country', 'eq', 'DE'),
                  c(N, 'age', 'gt', String(W.AGE)),
                  c(S, 'plan', 'isoneof', JSON.stringify(PLANS_IN)),
                ]),
              ],
              distributions: [
                { id: '', ruleId: '', variantId: 'a', variantKey: 'A', variantAttachment: '', rollout: W.W3_PCT / 2 },
                { id: '', ruleId: '', variantId: 'b', variantKey: 'B', variantAttachment: '', rollout: W.W3_PCT / 2 },
                {
                  id: '',
                  ruleId: '',
                  variantId: 'o',
                  variantKey: 'off',
                  variantAttachment: '',
                  rollout: 100 - W.W3_PCT,
                },
              ],
            },
          ],
        };
      return {
        ...b,
        enabled: false,
        rollouts: [
          {
            type: 'SEGMENT_ROLLOUT_TYPE',
            rank: 1,
            segment: {
              value: true,
              segmentOperator: 'OR_SEGMENT_OPERATOR',
              segments: [sg('seg', [c(E, 'entity', 'isoneof', JSON.stringify(seg))])],
            },
          },
          thr(2, W.W4_PCT),
        ],
      };
    }),
  };
};
export const peers = [
  {
    name: 'flipt-client-js',
    version: version('@flipt-io/flipt-client-js'),
    async importPeer() {
      F = await import('@flipt-io/flipt-client-js/node');
    },
    config: (flags, { seg }) => JSON.stringify(cfg(flags, seg)),
    async load(text) {
      return F.FliptClient.init({
        namespace: 'default',
        url: 'http://127.0.0.1:1',
        updateInterval: 0,
        fetcher: async () => ({
          ok: true,
          status: 200,
          statusText: 'OK',
          headers: { get: () => null },
          json: async () => JSON.parse(text),
        }),
      });
    },
    ctx: (u) => ({ entityId: u.id, context: { country: u.country, age: String(u.age), plan: u.plan } }), // the context is string -> string
    bool: (c, k, x) => c.evaluateBoolean({ flagKey: k, entityId: x.entityId, context: x.context }).enabled,
    variant: (c, k, x) => c.evaluateVariant({ flagKey: k, entityId: x.entityId, context: x.context }).variantKey,
    all: (c, x, env) => {
      const reqs = env.keys.map((k) => ({ flagKey: k, entityId: x.entityId, context: x.context }));
      let n = 0;
      for (const r of c.evaluateBatch(reqs).responses) {
        const e = r.booleanEvaluationResponse?.enabled ?? r.variantEvaluationResponse?.variantKey;
        if (positive(e)) n++;
      }
      return n;
    },
  },
];
