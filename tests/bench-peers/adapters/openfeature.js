import { positive } from '../lib/measure.js';
import { version } from '../lib/paths.js';
import { PLANS_IN, W } from '../lib/workload.js';

let OF, FC;
export const flagdConfig = (flags, seg) => {
  const F = {};
  for (const f of flags) {
    const b = { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'off' };
    if (f.kind === 'W1') F[f.key] = { ...b, defaultVariant: f.on ? 'on' : 'off' };
    if (f.kind === 'W2')
      F[f.key] = {
        ...b,
        targeting: {
          fractional: [
            ['on', W.W2_PCT],
            ['off', 100 - W.W2_PCT],
          ],
        },
      };
    if (f.kind === 'W3')
      F[f.key] = {
        state: 'ENABLED',
        variants: { A: 'A', B: 'B', off: 'off' },
        defaultVariant: 'off',
        targeting: {
          if: [
            {
              and: [
                { '==': [{ var: 'country' }, 'DE'] },
                { '>': [{ var: 'age' }, W.AGE] },
                { in: [{ var: 'plan' }, PLANS_IN] },
              ],
            },
            {
              fractional: [
                ['A', W.W3_PCT * 5],
                ['B', W.W3_PCT * 5],
                ['off', 1000 - W.W3_PCT * 10],
              ],
            },
            'off',
          ],
        },
      };
    if (f.kind === 'W4')
      F[f.key] = {
        ...b,
        targeting: {
          if: [
            { $ref: 'seg' },
            'on',
            {
              fractional: [
                ['on', W.W4_PCT],
                ['off', 100 - W.W4_PCT],
              ],
            },
          ],
        },
      };
  }
  return {
    $schema: 'https://flagd.dev/schema/v0/flags.json',
    flags: F,
    $evaluators: { seg: { in: [{ var: 'targetingKey' }, seg] } },
  };
};
const ctx = (u) => ({ targetingKey: u.id, country: u.country, age: u.age, plan: u.plan });

const flagd = version('@openfeature/flagd-core');
const sdk = version('@openfeature/server-sdk');
const importSdk = async () => {
  OF = await import('@openfeature/server-sdk');
};
const importFlagd = async () => {
  FC = await import('@openfeature/flagd-core');
};
const loadFlagd = async (text, options) => {
  const core = new FC.FlagdCore(undefined, undefined, options);
  core.setConfigurations(text);
  return core;
};
const clientOf = async (provider) => {
  await OF.OpenFeature.setProviderAndWait(provider);
  return OF.OpenFeature.getClient();
};

/** flagd's evaluation, called directly. */
const flagdCore = {
  version: flagd,
  ctx,
  importPeer: importFlagd,
  config: (flags, { seg }) => JSON.stringify(flagdConfig(flags, seg)),
  load: (text) => loadFlagd(text),
  bool: (c, k, x) => c.resolveBooleanEvaluation(k, false, x).value,
  variant: (c, k, x) => c.resolveStringEvaluation(k, 'off', x).value,
  all: (c, x) => c.resolveAll(x).filter(({ value }) => positive(value)).length,
};

const client = {
  async: true,
  version: sdk,
  noBoot: true,
  ctx,
  importPeer: importSdk,
  bool: (c, k, x) => c.getBooleanValue(k, false, x),
  variant: (c, k, x) => c.getStringValue(k, 'off', x),
};

/** What is left of a client when nothing is evaluated. */
const layer = {
  ...client,
  evaluates: false,
  skip: ['W2', 'W3', 'W3h', 'W4', 'W5'],
  config: () => '{}',
  bool: (c, k, x) => c.getBooleanValue(k, true, x),
};

/** The thinnest provider over flagd-core: what flagd's own does in its in-process mode, without gRPC. */
class FlagdCoreProvider {
  metadata = { name: 'flagd-core' };
  runsOn = 'server';
  constructor(core) {
    this.core = core;
  }
  async resolveBooleanEvaluation(k, d, x, l) {
    return this.core.resolveBooleanEvaluation(k, d, x, l);
  }
  async resolveStringEvaluation(k, d, x, l) {
    return this.core.resolveStringEvaluation(k, d, x, l);
  }
}

export const peers = [
  // json-logic is interpreted rather than compiled with `new Function`.
  {
    ...flagdCore,
    name: 'flagd-core (interpreted)',
    load: (text) => loadFlagd(text, { disableDynamicCodeGeneration: true }),
  },
  { ...flagdCore, name: 'flagd-core (direct)' },
  {
    ...client,
    name: 'openfeature + flagd-core',
    version: `${sdk} + ${flagd}`,
    importPeer: () => Promise.all([importSdk(), importFlagd()]),
    config: flagdCore.config,
    load: async (text) => clientOf(new FlagdCoreProvider(await loadFlagd(text))),
  },
  {
    ...layer,
    name: 'openfeature + trivial provider',
    load: () =>
      clientOf({
        metadata: { name: 'trivial' },
        runsOn: 'server',
        async resolveBooleanEvaluation(_k, d) {
          return { value: d, reason: 'STATIC' };
        },
      }),
  },
  // The SDK's own provider is never ready: each evaluation throws and catches an error inside.
  { ...layer, name: 'openfeature (no provider set)', load: async () => OF.OpenFeature.getClient() },
  // Static flags only: the model has no rules.
  {
    ...layer,
    name: 'openfeature + InMemoryProvider',
    config: (flags) => JSON.stringify(Object.fromEntries(flags.map(({ key, on = false }) => [key, inMemory(on)]))),
    load: (text) => clientOf(new OF.InMemoryProvider(JSON.parse(text))),
  },
];

function inMemory(on) {
  return { disabled: false, variants: { on: true, off: false }, defaultVariant: on ? 'on' : 'off' };
}
