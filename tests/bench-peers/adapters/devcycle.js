import { positive } from '../lib/measure.js';
import { version } from '../lib/paths.js';
import { PLANS_IN, W } from '../lib/workload.js';

let D;
const oid = (n, p) => p + n.toString(16).padStart(23, '0'); // 24 hex
const cfg = (flags, seg) => {
  const variables = [],
    variableHashes = {},
    features = [],
    featureVariationMap = {};
  const date = '2020-01-01T00:00:00.000Z';
  const roll = (pct) => ({ type: 'gradual', startPercentage: pct / 100, startDate: date, stages: [] });
  flags.forEach((f, i) => {
    const _var = oid(i, 'a'),
      fid = oid(i, 'b');
    const vid = (j) => oid(i * 4 + j, 'c');
    const str = f.kind === 'W3';
    variables.push({ _id: _var, key: f.key, type: str ? 'String' : 'Boolean' });
    const variation = (j, value) => ({ _id: vid(j), key: `v${j}`, name: `v${j}`, variables: [{ _var, value }] });
    const target = (j, filters, distribution, rollout) => ({
      _id: oid(i * 4 + j, 'd'),
      _audience: { _id: oid(i * 4 + j, 'e'), filters: { operator: 'and', filters } },
      ...(rollout ? { rollout } : {}),
      distribution,
    });
    const all = [{ type: 'all', comparator: '=' }];
    const on = [{ _variation: vid(0), percentage: 1 }];
    let variations, targets;
    if (f.kind === 'W1') {
      variations = [variation(0, f.on)];
      targets = [target(0, all, on)];
    }
    if (f.kind === 'W2') {
      variations = [variation(0, true)];
      targets = [target(0, all, on, roll(W.W2_PCT))];
    }
    if (f.kind === 'W3') {
      variations = [variation(0, 'A'), variation(1, 'B')];
      targets = [
        target(
          0,
          [
            { type: 'user', subType: 'country', comparator: '=', values: ['DE'] },
            {
              type: 'user',
              subType: 'customData',
              dataKey: 'age',
              dataKeyType: 'Number',
              comparator: '>',
              values: [W.AGE],
            },
            {
              type: 'user',
              subType: 'customData',
              dataKey: 'plan',
              dataKeyType: 'String',
              comparator: '=',
              values: PLANS_IN,
            },
          ],
          [
            { _variation: vid(0), percentage: 0.5 },
            { _variation: vid(1), percentage: 0.5 },
          ],
          roll(W.W3_PCT),
        ),
      ];
    }
    if (f.kind === 'W4') {
      variations = [variation(0, true)];
      targets = [
        target(0, [{ type: 'audienceMatch', comparator: '=', _audiences: ['5'.repeat(24)] }], on),
        target(1, all, on, roll(W.W4_PCT)),
      ];
    }
    features.push({
      _id: fid,
      key: `f_${f.key}`,
      type: 'release',
      variations,
      configuration: { _id: oid(i, 'f'), targets },
    });
  });
  return {
    project: {
      _id: '1'.repeat(24),
      key: 'bench',
      a0_organization: 'org_bench',
      settings: { edgeDB: { enabled: false }, disablePassthroughRollouts: false },
    },
    environment: { _id: '2'.repeat(24), key: 'bench' },
    audiences: {
      ['5'.repeat(24)]: {
        filters: { operator: 'and', filters: [{ type: 'user', subType: 'user_id', comparator: '=', values: seg }] },
      },
    },
    features,
    variables,
    variableHashes,
    featureVariationMap,
    clientSDKKey: 'client-x',
  };
};
const common = {
  version: version('@devcycle/nodejs-server-sdk'),
  async importPeer() {
    D = await import('@devcycle/nodejs-server-sdk');
    D = D.default?.initializeDevCycle ? D.default : D;
  },
  config: (flags, { seg }) => JSON.stringify(cfg(flags, seg)),
  ctx: (u) => ({ user_id: u.id, country: u.country, customData: { age: u.age, plan: u.plan } }),
  bool: (c, k, x) => c.variableValue(x, k, false),
  variant: (c, k, x) => c.variableValue(x, k, 'off'),
  all: (c, x) => {
    const r = c.allVariables(x);
    let n = 0;
    for (const k in r) {
      const v = r[k].value;
      if (positive(v)) n++;
    }
    return n;
  },
};
const load = (o) => async (_text, env) => {
  const c = D.initializeDevCycle('dvc_server_bench', {
    configCDNURI: env.http,
    eventsAPIURI: env.http,
    bucketingAPIURI: env.http,
    configPollingIntervalMS: 3_600_000,
    disableRealTimeUpdates: true,
    disableAutomaticEventLogging: true,
    disableCustomEventLogging: true,
    logger: {
      debug() {},
      info() {},
      warn() {},
      error(m) {
        process.stderr.write(`${String(m)}\n`);
      },
    },
    ...o,
  });
  await c.onClientInitialized();
  return c;
};
export const peers = [
  { ...common, name: 'devcycle (events off)', load: load({}) },
  {
    ...common,
    name: 'devcycle',
    noBoot: true,
    load: load({ disableAutomaticEventLogging: false, disableCustomEventLogging: false }),
  }, // the default: aggregated variable events inside the wasm, flushed to a local sink
];
