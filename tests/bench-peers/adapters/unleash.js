import { version } from '../lib/paths.js';
import { PLANS_IN, W } from '../lib/workload.js';

let U;
export const unleashConfig = (flags, seg) => {
  const features = flags.map((f) => {
    const base = {
      name: f.key,
      type: 'release',
      enabled: true,
      project: 'default',
      stale: false,
      impressionData: false,
      variants: [],
    };
    const fr = (pct) => ({
      name: 'flexibleRollout',
      parameters: { rollout: String(pct), stickiness: 'userId', groupId: f.key },
    });
    if (f.kind === 'W1') return { ...base, enabled: f.on, strategies: [{ name: 'default', parameters: {} }] };
    if (f.kind === 'W2') return { ...base, strategies: [{ ...fr(W.W2_PCT), constraints: [], variants: [] }] };
    if (f.kind === 'W3')
      return {
        ...base,
        strategies: [
          {
            ...fr(W.W3_PCT),
            constraints: [
              { contextName: 'country', operator: 'IN', values: ['DE'], inverted: false, caseInsensitive: false },
              { contextName: 'age', operator: 'NUM_GT', value: String(W.AGE), values: [], inverted: false },
              { contextName: 'plan', operator: 'IN', values: PLANS_IN, inverted: false, caseInsensitive: false },
            ],
            variants: [
              { name: 'A', weight: 500, weightType: 'variable', stickiness: 'userId' },
              { name: 'B', weight: 500, weightType: 'variable', stickiness: 'userId' },
            ],
          },
        ],
      };
    return {
      ...base,
      strategies: [
        { ...fr(100), constraints: [], segments: [1], variants: [] },
        { ...fr(W.W4_PCT), constraints: [], variants: [] },
      ],
    };
  });
  return {
    version: 2,
    features,
    segments: [
      {
        id: 1,
        name: 'seg',
        constraints: [{ contextName: 'userId', operator: 'IN', values: seg, inverted: false, caseInsensitive: false }],
      },
    ],
  };
};
const common = {
  version: version('unleash-client'),
  async importPeer() {
    U = await import('unleash-client');
  },
  config: (flags, { seg }) => JSON.stringify(unleashConfig(flags, seg)),
  ctx: (u) => ({ userId: u.id, properties: { country: u.country, age: u.age, plan: u.plan } }),
  bool: (c, k, x) => c.isEnabled(k, x),
  variant: (c, k, x) => c.getVariant(k, x).name,
};
const load = (extra) => async (text, env) => {
  const d = JSON.parse(text);
  const c = new U.Unleash({
    appName: 'bench',
    url: `${env.http}/api/`,
    refreshInterval: 0,
    metricsInterval: 3_600_000,
    bootstrap: { data: d.features, segments: d.segments },
    storageProvider: new U.InMemStorageProvider(),
    ...extra,
  });
  c.on('error', () => {});
  await new Promise((r) => c.once('ready', r));
  return c;
};
export const peers = [
  { ...common, name: 'unleash', load: load({}) }, // the default: counts metrics per evaluation
  { ...common, name: 'unleash (metrics off)', noBoot: true, load: load({ disableMetrics: true }) },
];
