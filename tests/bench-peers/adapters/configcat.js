import { positive } from '../lib/measure.js';
import { version } from '../lib/paths.js';
import { PLANS_IN, W } from '../lib/workload.js';

const C = { isOneOf: 0, gt: 14, eq: 28 };
const cfg = (flags, seg) => {
  const f = {};
  const B = (b) => ({ v: { b }, i: b ? 'on' : 'off' });
  const S = (s) => ({ v: { s }, i: s });
  for (const x of flags) {
    if (x.kind === 'W1') f[x.key] = { t: 0, ...B(x.on) };
    if (x.kind === 'W2')
      f[x.key] = {
        t: 0,
        p: [
          { p: W.W2_PCT, ...B(true) },
          { p: 100 - W.W2_PCT, ...B(false) },
        ],
        ...B(false),
      };
    if (x.kind === 'W3')
      f[x.key] = {
        t: 1,
        r: [
          {
            c: [
              { u: { a: 'country', c: C.eq, s: 'DE' } },
              { u: { a: 'age', c: C.gt, d: W.AGE } },
              { u: { a: 'plan', c: C.isOneOf, l: PLANS_IN } },
            ],
            p: [
              { p: Math.ceil(W.W3_PCT / 2), ...S('A') },
              { p: Math.floor(W.W3_PCT / 2), ...S('B') },
              { p: 100 - W.W3_PCT, ...S('off') },
            ],
          },
        ],
        ...S('off'),
      };
    if (x.kind === 'W4')
      f[x.key] = {
        t: 0,
        r: [{ c: [{ s: { s: 0, c: 0 } }], s: B(true) }],
        p: [
          { p: W.W4_PCT, ...B(true) },
          { p: 100 - W.W4_PCT, ...B(false) },
        ],
        ...B(false),
      };
  }
  return {
    p: { u: 'https://cdn-global.configcat.com', r: 0, s: 'c2FsdA==' },
    s: [{ n: 'seg', r: [{ a: 'Identifier', c: C.isOneOf, l: seg }] }],
    f,
  };
};
let M;
const KEY = 'configcat-sdk-1/1234567890123456789012/1234567890123456789012';
const common = (pkg, spec) => ({
  version: version(pkg),
  async importPeer() {
    M = await import(spec);
    M = M.default?.getClient ? M.default : M;
  },
  config: (flags, { seg }) => JSON.stringify(cfg(flags, seg)),
});
// config from local HTTP (baseUrl), manual polling
const getClient = async (env) => {
  const c = M.getClient(KEY, M.PollingMode.ManualPoll, {
    baseUrl: env.http,
    logger: M.createConsoleLogger?.(M.LogLevel.Off) ?? undefined,
  });
  const r = await c.forceRefreshAsync();
  if (r && r.isSuccess === false) throw new Error(r.errorMessage);
  return c;
};
const userPlain = (u) => new M.User(u.id, undefined, u.country, { age: u.age, plan: u.plan, country: u.country });
const snap = (c) => ({
  ctx: userPlain,
  load: async (_t, env) => (await getClient(env)).snapshot(),
  bool: (s, k, x) => s.getValue(k, false, x),
  variant: (s, k, x) => s.getValue(k, 'off', x),
  ...c,
});
const asyn = (c) => ({
  async: true,
  ctx: userPlain,
  load: (_t, env) => getClient(env),
  bool: (cl, k, x) => cl.getValueAsync(k, false, x),
  variant: (cl, k, x) => cl.getValueAsync(k, 'off', x),
  all: async (cl, x) => {
    let n = 0;
    for (const v of await cl.getAllValuesAsync(x)) {
      if (positive(v.settingValue)) n++;
    }
    return n;
  },
  ...c,
});
export const peers = [
  asyn({ ...common('configcat-node', 'configcat-node'), name: 'configcat-node' }),
  snap({ ...common('configcat-node', 'configcat-node'), name: 'configcat-node (snapshot)', noBoot: true }),
  asyn({ ...common('@configcat/sdk', '@configcat/sdk/node'), name: '@configcat/sdk' }),
  snap({ ...common('@configcat/sdk', '@configcat/sdk/node'), name: '@configcat/sdk (snapshot)', noBoot: true }),
];
