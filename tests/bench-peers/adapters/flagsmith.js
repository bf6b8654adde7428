import { positive } from '../lib/measure.js';
import { version } from '../lib/paths.js';
import { PLANS_IN, W } from '../lib/workload.js';

let F;
const cfg = (flags, seg) => {
  const feature_states = [],
    segments = [];
  let sid = 1;
  const at = (id, f, extra) => ({
    id,
    django_id: id,
    feature: { id: f.fid, name: f.key, type: f.kind === 'W3' ? 'MULTIVARIATE' : 'STANDARD' },
    enabled: false,
    feature_state_value: null,
    featurestate_uuid: `00000000-0000-4000-8000-${String(id).padStart(12, '0')}`,
    multivariate_feature_state_values: [],
    feature_segment: null,
    ...extra,
  });
  const segment = (name, conditions, f, extra, priority = 0) =>
    segments.push({
      id: sid,
      name,
      rules: [{ type: 'ALL', rules: [], conditions }],
      feature_states: [at(100000 + sid++, f, { enabled: true, feature_segment: { priority }, ...extra })],
    });
  flags.forEach((f0, i) => {
    const f = { ...f0, fid: i + 1 };
    feature_states.push(
      at(i + 1, f, { enabled: f.kind === 'W1' ? f.on : false, feature_state_value: f.kind === 'W3' ? 'off' : null }),
    );
    const pct = (p) => ({ operator: 'PERCENTAGE_SPLIT', value: String(p), property_: null });
    if (f.kind === 'W2') segment(`p-${f.key}`, [pct(W.W2_PCT)], f);
    if (f.kind === 'W3')
      segment(
        `s-${f.key}`,
        [
          { operator: 'EQUAL', property_: 'country', value: 'DE' },
          { operator: 'GREATER_THAN', property_: 'age', value: String(W.AGE) },
          { operator: 'IN', property_: 'plan', value: PLANS_IN.join(',') },
          pct(W.W3_PCT),
        ],
        f,
        {
          feature_state_value: 'off',
          multivariate_feature_state_values: [
            ['A', 1],
            ['B', 2],
          ].map(([v, k]) => ({
            id: i * 2 + k,
            mv_fs_value_uuid: `00000000-0000-4000-9000-${String(i * 2 + k).padStart(12, '0')}`,
            percentage_allocation: 50,
            multivariate_feature_option: { id: i * 2 + k, value: v },
          })),
        },
      );
    if (f.kind === 'W4') {
      segment(`m-${f.key}`, [{ operator: 'IN', property_: '$.identity.identifier', value: seg.join(',') }], f);
      segment(`p-${f.key}`, [pct(W.W4_PCT)], f, {}, 1);
    }
  });
  return {
    id: 1,
    api_key: 'bench',
    name: 'bench',
    identity_overrides: [],
    feature_states,
    project: {
      id: 1,
      name: 'bench',
      hide_disabled_flags: false,
      organisation: {
        id: 1,
        name: 'bench',
        feature_analytics: false,
        stop_serving_flags: false,
        persist_trait_data: true,
      },
      segments,
    },
  };
};
export const peers = [
  {
    name: 'flagsmith-nodejs (offline)',
    version: version('flagsmith-nodejs'),
    async: true,
    skip: ['W1', 'W2', 'W3', 'W3h', 'W4', 'W5'], // there is no per-flag evaluation: getIdentityFlags() evaluates the whole environment
    async importPeer() {
      F = await import('flagsmith-nodejs');
    },
    config: (flags, { seg }) => JSON.stringify(cfg(flags, seg)),
    async load(_text, env) {
      return new F.Flagsmith({
        offlineMode: true,
        offlineHandler: new F.LocalFileHandler(env.configFile),
        logger: {
          debug() {},
          info() {},
          warn() {},
          error() {},
          trace() {},
          fatal() {},
          child() {
            return this;
          },
        },
      });
    },
    ctx: (u) => ({ id: u.id, traits: { country: u.country, age: u.age, plan: u.plan } }),
    variant: async (c, k, x) => {
      const f = (await c.getIdentityFlags(x.id, x.traits)).getFlag(k);
      return f.enabled ? f.value : 'off';
    },
    async all(c, x) {
      let n = 0;
      for (const f of (await c.getIdentityFlags(x.id, x.traits)).allFlags()) {
        if (f.enabled && (f.value == null || positive(f.value))) n++;
      }
      return n;
    },
  },
];
