// Only makes the config for the Rust peer superposition_core (there is no in-process npm peer without a native FFI package).
import { PLANS_IN, W } from '../lib/workload.js';

const cfg = (flags, seg) => {
  const default_configs = {},
    contexts = [],
    overrides = {},
    experiments = [],
    experiment_groups = [];
  const dim = (position, dimension_type, dependency_graph, schema = {}) => ({
    schema,
    position,
    dimension_type,
    dependency_graph,
    value_compute_function_name: null,
    description: '',
  });
  const cohort = (on, name, logic) => ({
    LOCAL_COHORT: on,
    schema: { type: 'string', enum: [name, 'otherwise'], definitions: { [name]: logic } },
  });
  const C = {
    age30: cohort('age', 'yes', { '>': [{ var: 'age' }, W.AGE] }),
    plan_in: cohort('plan', 'yes', { in: [{ var: 'plan' }, PLANS_IN] }),
    seg: cohort('userId', 'yes', { in: [{ var: 'userId' }, seg] }),
  };
  const needSeg = flags.some((f) => f.kind === 'W4');
  const dimensions = {
    variantIds: dim(0, { REGULAR: {} }, { variantIds: [] }),
    country: dim(1, { REGULAR: {} }, { country: [] }),
    age: dim(2, { REGULAR: {} }, { age: ['age30'], age30: [] }),
    plan: dim(3, { REGULAR: {} }, { plan: ['plan_in'], plan_in: [] }),
    age30: dim(4, { LOCAL_COHORT: 'age' }, { age30: [] }, C.age30.schema),
    plan_in: dim(5, { LOCAL_COHORT: 'plan' }, { plan_in: [] }, C.plan_in.schema),
  };
  if (needSeg) {
    dimensions.userId = dim(6, { REGULAR: {} }, { userId: ['seg'], seg: [] });
    dimensions.seg = dim(7, { LOCAL_COHORT: 'userId' }, { seg: [] }, C.seg.schema);
  }
  let pr = 1;
  const ctx = (id, condition, o) => {
    overrides[`o-${id}`] = o;
    contexts.push({ id, condition, priority: pr, weight: pr++, override_with_keys: [`o-${id}`] });
  };
  const exp = (key, condition, list) => {
    // list: [[variant, from, to, value]] in percent
    const variants = [],
      buckets = Array(100).fill(null);
    for (const [v, from, to, value] of list) {
      const id = `${key}-${v}`;
      for (let b = from; b < to; b++) buckets[b] = { variant_id: id, experiment_id: `e-${key}` };
      variants.push({
        id,
        variant_type: 'EXPERIMENTAL',
        context_id: `c-${id}`,
        override_id: `o-${id}`,
        overrides: { [key]: value },
      });
      ctx(id, { ...condition, variantIds: id }, { [key]: value });
    }
    const top = list[list.length - 1][2];
    experiments.push({
      id: `e-${key}`,
      traffic_percentage: Math.ceil(top / list.length),
      variants,
      context: condition,
      status: 'INPROGRESS',
    });
    experiment_groups.push({
      id: `g-${key}`,
      context: condition,
      traffic_percentage: top,
      member_experiment_ids: [`e-${key}`],
      group_type: 'SYSTEM_GENERATED',
      buckets,
    });
  };
  for (const f of flags) {
    if (f.kind === 'W1') default_configs[f.key] = f.on;
    if (f.kind === 'W2') {
      default_configs[f.key] = false;
      exp(f.key, {}, [['on', 0, W.W2_PCT, true]]);
    }
    if (f.kind === 'W3') {
      default_configs[f.key] = 'off';
      const h = Math.ceil(W.W3_PCT / 2);
      exp(f.key, { country: 'DE', age30: 'yes', plan_in: 'yes' }, [
        ['A', 0, h, 'A'],
        ['B', h, W.W3_PCT, 'B'],
      ]);
    }
    if (f.kind === 'W4') {
      default_configs[f.key] = false;
      exp(f.key, {}, [['on', 0, W.W4_PCT, true]]);
      ctx(`seg-${f.key}`, { seg: 'yes' }, { [f.key]: true });
    }
  }
  return { config: { contexts, overrides, default_configs, dimensions }, experiments, experiment_groups };
};
export const peers = [
  { name: 'superposition-config', genOnly: true, config: (flags, { seg }) => JSON.stringify(cfg(flags, seg)) },
];
