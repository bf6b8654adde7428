import { positive } from '../lib/measure.js';
import { version } from '../lib/paths.js';
import { PLANS_IN, W } from '../lib/workload.js';

let LD, INT;
export const ldConfig = (flags, seg) => {
  const F = {};
  for (const f of flags) {
    const b = {
      key: f.key,
      version: 1,
      on: true,
      salt: `s-${f.key}`,
      prerequisites: [],
      targets: [],
      contextTargets: [],
      rules: [],
      offVariation: 1,
      fallthrough: { variation: 1 },
      variations: [true, false],
      clientSideAvailability: { usingMobileKey: true, usingEnvironmentId: true },
      clientSide: true,
      trackEvents: false,
      trackEventsFallthrough: false,
      debugEventsUntilDate: null,
      deleted: false,
    };
    const roll = (pct) => ({
      rollout: {
        contextKind: 'user',
        variations: [
          { variation: 0, weight: pct * 1000 },
          { variation: 1, weight: 100000 - pct * 1000 },
        ],
      },
    });
    if (f.kind === 'W1') F[f.key] = { ...b, on: f.on, fallthrough: { variation: 0 } };
    if (f.kind === 'W2') F[f.key] = { ...b, fallthrough: roll(W.W2_PCT) };
    if (f.kind === 'W3')
      F[f.key] = {
        ...b,
        variations: ['A', 'B', 'off'],
        offVariation: 2,
        fallthrough: { variation: 2 },
        rules: [
          {
            id: 'r1',
            trackEvents: false,
            clauses: [
              { contextKind: 'user', attribute: 'country', op: 'in', values: ['DE'], negate: false },
              { contextKind: 'user', attribute: 'age', op: 'greaterThan', values: [W.AGE], negate: false },
              { contextKind: 'user', attribute: 'plan', op: 'in', values: PLANS_IN, negate: false },
            ],
            rollout: {
              contextKind: 'user',
              variations: [
                { variation: 0, weight: W.W3_PCT * 500 },
                { variation: 1, weight: W.W3_PCT * 500 },
                { variation: 2, weight: 100000 - W.W3_PCT * 1000 },
              ],
            },
          },
        ],
      };
    if (f.kind === 'W4')
      F[f.key] = {
        ...b,
        rules: [
          {
            id: 'r1',
            variation: 0,
            trackEvents: false,
            clauses: [{ contextKind: 'user', attribute: '', op: 'segmentMatch', values: ['seg'], negate: false }],
          },
        ],
        fallthrough: roll(W.W4_PCT),
      };
  }
  return {
    flags: F,
    segments: {
      seg: {
        key: 'seg',
        version: 1,
        included: seg,
        excluded: [],
        includedContexts: [],
        excludedContexts: [],
        rules: [],
        salt: 'x',
        unbounded: false,
        deleted: false,
      },
    },
  };
};
const logger = {
  debug() {},
  info() {},
  warn() {},
  error(...a) {
    process.stderr.write(`${a.join(' ')}\n`);
  },
};
const common = {
  version: version('@launchdarkly/node-server-sdk'),
  async: true,
  async importPeer() {
    LD = await import('@launchdarkly/node-server-sdk');
    INT = await import('@launchdarkly/node-server-sdk/integrations');
  },
  config: (flags, { seg }) => JSON.stringify(ldConfig(flags, seg)),
  ctx: (u) => ({ kind: 'user', key: u.id, country: u.country, age: u.age, plan: u.plan }),
  bool: (c, k, x) => c.variation(k, x, false),
  variant: (c, k, x) => c.variation(k, x, 'off'),
  async all(c, x) {
    const s = (await c.allFlagsState(x)).allValues();
    let n = 0;
    for (const k in s) {
      const v = s[k];
      if (positive(v)) n++;
    }
    return n;
  },
};
const load = (extra) => async (_text, env) => {
  const c = LD.init('sdk-key', {
    logger,
    updateProcessor: new INT.FileDataSourceFactory({ paths: [env.configFile] }).getFactory(),
    diagnosticOptOut: true,
    baseUri: env.http,
    streamUri: env.http,
    eventsUri: env.http,
    ...extra,
  });
  await c.waitForInitialization({ timeout: 10 });
  return c;
};
export const peers = [
  { ...common, name: 'launchdarkly', load: load({ sendEvents: true }) }, // the default: analytics events on (summary counts + a deduplicated index event per user), flushed to a local sink
  { ...common, name: 'launchdarkly (events off)', noBoot: true, load: load({ sendEvents: false }) },
];
