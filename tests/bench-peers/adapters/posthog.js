import { positive } from '../lib/measure.js';
import { version } from '../lib/paths.js';
import { PLANS_IN, W } from '../lib/workload.js';

let P;
const NOEV = { sendFeatureFlagEvents: false };
const cfg = (flags, seg) => ({
  flags: flags.map((f, i) => {
    const b = {
      id: i + 1,
      name: f.key,
      key: f.key,
      active: true,
      version: 1,
      ensure_experience_continuity: false,
      rollout_percentage: null,
    };
    const prop = (key, operator, value) => ({ key, operator, value, type: 'person' });
    const grp = (properties, rollout_percentage) => ({ properties, rollout_percentage, variant: null });
    if (f.kind === 'W1') return { ...b, active: f.on, filters: { groups: [grp([], 100)] } };
    if (f.kind === 'W2') return { ...b, filters: { groups: [grp([], W.W2_PCT)] } };
    if (f.kind === 'W3')
      return {
        ...b,
        filters: {
          groups: [
            grp(
              [prop('country', 'exact', ['DE']), prop('age', 'gt', W.AGE), prop('plan', 'exact', PLANS_IN)],
              W.W3_PCT,
            ),
          ],
          multivariate: {
            variants: [
              { key: 'A', name: 'A', rollout_percentage: 50 },
              { key: 'B', name: 'B', rollout_percentage: 50 },
            ],
          },
        },
      };
    return {
      ...b,
      filters: { groups: [grp([{ key: 'id', value: 1, type: 'cohort', operator: 'in' }], 100), grp([], W.W4_PCT)] },
    };
  }),
  group_type_mapping: {},
  // a static cohort cannot be evaluated locally; a property cohort over the person property "uid" can
  cohorts: {
    1: {
      type: 'OR',
      values: [
        { type: 'AND', values: [{ key: 'uid', operator: 'exact', value: seg, type: 'person', negation: false }] },
      ],
    },
  },
});
const common = {
  version: version('posthog-node'),
  async: true,
  async importPeer() {
    P = (await import('posthog-node')).PostHog;
  },
  config: (flags, { seg }) => JSON.stringify(cfg(flags, seg)),
  async load(_text, env) {
    const c = new P('phc_bench', {
      host: env.http,
      secretKey: 'phx_bench',
      personalApiKey: 'phx_bench',
      featureFlagsPollingInterval: 3_600_000,
      flushInterval: 5000,
      disableGeoip: true,
    });
    c.on?.('error', () => {});
    if (!(await c.waitForLocalEvaluationReady(10000))) throw new Error('local evaluation not ready');
    return c;
  },
  ctx: (u) => ({
    id: u.id,
    o: {
      personProperties: { uid: u.id, country: u.country, age: u.age, plan: u.plan },
      onlyEvaluateLocally: true,
      sendFeatureFlagEvents: false,
    },
  }),
  bool: (c, k, x) => c.isFeatureEnabled(k, x.id, x.o),
  variant: (c, k, x) => c.getFeatureFlag(k, x.id, x.o),
  // the documented API of 5.x: one evaluateFlags() snapshot per request, then synchronous reads
  async all(c, x, env) {
    const s = await c.evaluateFlags(x.id, x.o);
    let n = 0;
    for (const k of env.keys) {
      const v = s.getFlag(k, NOEV);
      if (positive(v)) n++;
    }
    return n;
  },
};
export const peers = [
  { ...common, name: 'posthog (events off)' },
  // the default of the SDK: one $feature_flag_called event per (user, flag) pair, queued and posted to a local sink
  {
    ...common,
    name: 'posthog',
    noBoot: true,
    all: undefined,
    ctx: (u) => ({
      id: u.id,
      o: { personProperties: { uid: u.id, country: u.country, age: u.age, plan: u.plan }, onlyEvaluateLocally: true },
    }),
  },
];
