import { version } from '../lib/paths.js';
import { PLANS_IN, W } from '../lib/workload.js';

let E;
export const eppoConfig = (flags, seg, doLog) => {
  const out = {};
  const cond = (attribute, operator, value) => ({ attribute, operator, value });
  for (const f of flags) {
    const bool = {
      key: f.key,
      enabled: true,
      variationType: 'BOOLEAN',
      variations: { on: { key: 'on', value: true }, off: { key: 'off', value: false } },
      totalShards: 10000,
    };
    const pct = (p) => ({
      variationKey: 'on',
      shards: [{ salt: `${f.key}-traffic`, ranges: [{ start: 0, end: p * 100 }] }],
    });
    const def = { key: 'default', splits: [{ variationKey: 'off', shards: [] }], doLog: false };
    if (f.kind === 'W1')
      out[f.key] = {
        ...bool,
        enabled: f.on,
        allocations: [{ key: 'a', splits: [{ variationKey: 'on', shards: [] }], doLog: false }],
      };
    if (f.kind === 'W2') out[f.key] = { ...bool, allocations: [{ key: 'a', splits: [pct(W.W2_PCT)], doLog }, def] };
    if (f.kind === 'W3')
      out[f.key] = {
        key: f.key,
        enabled: true,
        variationType: 'STRING',
        variations: { A: { key: 'A', value: 'A' }, B: { key: 'B', value: 'B' } },
        totalShards: 10000,
        allocations: [
          {
            key: 'exp',
            rules: [
              {
                conditions: [
                  cond('country', 'ONE_OF', ['DE']),
                  cond('age', 'GT', W.AGE),
                  cond('plan', 'ONE_OF', PLANS_IN),
                ],
              },
            ],
            splits: [
              ['A', 0, 5000],
              ['B', 5000, 10000],
            ].map(([variationKey, start, end]) => ({
              variationKey,
              shards: [
                { salt: `${f.key}-traffic`, ranges: [{ start: 0, end: W.W3_PCT * 100 }] },
                { salt: `${f.key}-split`, ranges: [{ start, end }] },
              ],
            })),
            doLog,
          },
        ],
      };
    if (f.kind === 'W4')
      out[f.key] = {
        ...bool,
        allocations: [
          {
            key: 'seg',
            rules: [{ conditions: [cond('id', 'ONE_OF', seg)] }],
            splits: [{ variationKey: 'on', shards: [] }],
            doLog: false,
          },
          { key: 'a', splits: [pct(W.W4_PCT)], doLog },
          def,
        ],
      };
  }
  return {
    createdAt: '2024-01-01T00:00:00.000Z',
    format: 'SERVER',
    environment: { name: 'Test' },
    flags: out,
    bandits: {},
    banditReferences: {},
  };
};
const common = {
  version: version('@eppo/node-server-sdk'),
  async importPeer() {
    E = await import('@eppo/node-server-sdk');
    E = E.default ?? E;
  },
  async load(_text, env) {
    return E.init({
      apiKey: 'bench',
      baseUrl: env.http,
      pollingIntervalMs: 3_600_000,
      assignmentLogger: { logAssignment() {} },
    });
  },
  ctx: (u) => ({ id: u.id, attrs: { country: u.country, age: u.age, plan: u.plan } }), // the SDK takes (key, attributes); "id" is added as an attribute by the SDK
  bool: (c, k, x) => c.getBooleanAssignment(k, x.id, x.attrs, false),
  variant: (c, k, x) => c.getStringAssignment(k, x.id, x.attrs, 'off'),
};
export const peers = [
  // no assignment events
  { ...common, name: 'eppo', config: (flags, { seg }) => JSON.stringify(eppoConfig(flags, seg, false)) },
  // experiments log each new assignment (an LRU of 50k deduplicates) to a no-op logger
  {
    ...common,
    name: 'eppo (doLog)',
    noBoot: true,
    config: (flags, { seg }) => JSON.stringify(eppoConfig(flags, seg, true)),
  },
];
