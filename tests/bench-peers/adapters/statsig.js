import { version } from '../lib/paths.js';
import { PLANS_IN, W } from '../lib/workload.js';

let S;
export const statsigSpecs = (flags, seg, compact = false) => {
  const condition_map = {
    pub: { type: 'public', targetValue: null, operator: null, field: null, additionalValues: {}, idType: 'userID' },
  };
  const feature_gates = {},
    dynamic_configs = {};
  const rule = (name, passPercentage, conditions, returnValue, extra) => ({
    name,
    groupName: name,
    passPercentage,
    conditions,
    returnValue,
    id: name,
    salt: `${name}-salt`,
    idType: 'userID',
    ...extra,
  });
  const gate = (key, rules, entity = 'feature_gate', enabled = true) => {
    feature_gates[key] = {
      type: 'feature_gate',
      salt: `salt-${key}`,
      enabled,
      defaultValue: false,
      rules,
      idType: 'userID',
      entity,
      version: 1,
    };
  };
  let id = 1000;
  const seen = new Map(); // the service keys conditions by their content: equal conditions are shared
  const cond = (c) => {
    const t = JSON.stringify(c);
    let k = seen.get(t);
    if (!k) {
      k = String(id++);
      seen.set(t, k);
      condition_map[k] = {
        targetValue: null,
        operator: null,
        field: null,
        additionalValues: {},
        idType: 'userID',
        ...c,
      };
    }
    return k;
  };
  if (flags.some((f) => f.kind === 'W4'))
    gate(
      'segment:seg',
      [rule('seg', 100, [cond({ type: 'unit_id', operator: 'any', field: 'userID', targetValue: seg })], true)],
      'segment',
    );
  for (const f of flags) {
    if (f.kind === 'W1') gate(f.key, f.on ? [rule(`${f.key}-r`, 100, ['pub'], true)] : [], 'feature_gate', f.on);
    if (f.kind === 'W2') gate(f.key, [rule(`${f.key}-r`, W.W2_PCT, ['pub'], true)]);
    if (f.kind === 'W4')
      gate(f.key, [
        rule(`${f.key}-s`, 100, [cond({ type: 'pass_gate', operator: null, targetValue: 'segment:seg' })], true),
        rule(`${f.key}-r`, W.W4_PCT, ['pub'], true),
      ]);
    if (f.kind === 'W3') {
      // an experiment: inline targeting (a segment gate with the 3 conditions), allocation 25% of 1000 buckets, two groups 50/50
      const tg = `segment:inline_${f.key}`;
      gate(
        tg,
        [
          rule(
            `${f.key}-t`,
            100,
            [
              cond({ type: 'user_field', operator: 'any_case_sensitive', field: 'country', targetValue: ['DE'] }),
              cond({ type: 'user_field', operator: 'gt', field: 'age', targetValue: W.AGE }),
              cond({ type: 'user_field', operator: 'any_case_sensitive', field: 'plan', targetValue: PLANS_IN }),
            ],
            true,
          ),
        ],
        'segment',
      );
      const buckets = Object.fromEntries(Array.from({ length: W.W3_PCT * 10 }, (_, i) => [String(i), true]));
      dynamic_configs[f.key] = {
        type: 'dynamic_config',
        salt: `salt-${f.key}`,
        enabled: true,
        defaultValue: {},
        idType: 'userID',
        entity: 'experiment',
        version: 1,
        isActive: true,
        hasSharedParams: false,
        rules: [
          rule('inlineTargetingRules', 100, [cond({ type: 'fail_gate', operator: null, targetValue: tg })], {}),
          rule(
            'layerAssignment',
            100,
            [
              cond({
                type: 'user_bucket',
                ...(compact
                  ? { operator: 'gte', targetValue: W.W3_PCT * 10 }
                  : { operator: 'none', targetValue: buckets }),
                additionalValues: { salt: `alloc-${f.key}` },
              }),
            ],
            {},
          ),
          rule(
            `${f.key}-A`,
            100,
            [
              cond({
                type: 'user_bucket',
                operator: 'lt',
                targetValue: 500,
                additionalValues: { salt: `split-${f.key}` },
              }),
            ],
            { value: 'A' },
            { isExperimentGroup: true },
          ),
          rule(
            `${f.key}-B`,
            100,
            [
              cond({
                type: 'user_bucket',
                operator: 'lt',
                targetValue: 1000,
                additionalValues: { salt: `split-${f.key}` },
              }),
            ],
            { value: 'B' },
            { isExperimentGroup: true },
          ),
        ],
      };
    }
  }
  return {
    dynamic_configs,
    feature_gates,
    experiment_to_layer: {},
    layer_configs: {},
    has_updates: true,
    time: 1723061643057,
    company_id: 'bench',
    condition_map,
    response_format: 'dcs-v2',
    id_lists: {},
    diagnostics: {},
    param_stores: {},
  };
};
const load = (o) => async (text, env) => {
  const c = new S.Statsig('secret-bench', {
    dataStore: {
      async initialize() {},
      async shutdown() {},
      async get(k) {
        return /v2/.test(k) || /download_config_specs|statsig/.test(k) ? { result: text, time: Date.now() } : {};
      },
      async set() {},
      async supportPollingUpdatesFor() {
        return false;
      },
    },
    specAdaptersConfig: [{ adapterType: 'data_store', initTimeoutMs: 5000 }],
    disableCountryLookup: true,
    waitForCountryLookupInit: false,
    waitForUserAgentInit: false,
    enableIdLists: false,
    outputLogLevel: 'none',
    specsUrl: `${env.http}/v2/download_config_specs`,
    logEventUrl: `${env.http}/v1/log_event`,
    specsSyncIntervalMs: 3_600_000,
    ...o,
  });
  const r = await c.initialize();
  if (!r.isSuccess) throw new Error(r.error);
  if (!c.getExperimentList().length) throw new Error('no specs loaded');
  return c;
};
const args = (u) => ({ userID: u.id, country: u.country, custom: { age: u.age, plan: u.plan } });
const common = {
  version: version('@statsig/statsig-node-core'),
  async importPeer() {
    S = await import('@statsig/statsig-node-core');
    S = S.default?.Statsig ? S.default : S;
  },
  config: (flags, { seg }) => JSON.stringify(statsigSpecs(flags, seg)),
  ctx: (u) => new S.StatsigUser(args(u)), // W1..W4: made once per user (native object), W5: made per request
};
const NOEXP = { disableExposureLogging: true };
export const peers = [
  {
    ...common,
    name: 'statsig-node-core',
    load: load({}), // the default: exposures are logged (deduplicated), events go to a local sink
    bool: (c, k, x) => c.checkGate(x, k),
    variant: (c, k, x) => c.getExperiment(x, k).get('value', 'off'),
  },
  {
    ...common,
    name: 'statsig-node-core (compact allocation)',
    onlyBoot: true,
    load: load({}),
    config: (flags, { seg }) => JSON.stringify(statsigSpecs(flags, seg, true)), // the same experiment without the service's list of 250 allocated buckets per experiment
    bool: (c, k, x) => c.checkGate(x, k),
    variant: (c, k, x) => c.getExperiment(x, k).get('value', 'off'),
  },
  {
    ...common,
    name: 'statsig-node-core (exposures off)',
    load: load({ disableAllLogging: true }),
    noBoot: true,
    bool: (c, k, x) => c.checkGate(x, k, NOEXP),
    variant: (c, k, x) => c.getExperiment(x, k, NOEXP).get('value', 'off'),
    all: (c, x) => {
      const r = JSON.parse(c.getClientInitializeResponse(x, { hashAlgorithm: 'none' }));
      let n = 0;
      for (const k in r.feature_gates) if (r.feature_gates[k].value && !k.startsWith('segment:')) n++;
      for (const k in r.dynamic_configs) if (r.dynamic_configs[k].value.value) n++;
      return n;
    },
  },
];
