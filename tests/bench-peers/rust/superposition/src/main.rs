use bench_common::{run, Peer, User};
use serde_json::{Map, Value};
use superposition_core::{
    eval,
    experiment::{get_applicable_variants, FfiExperiment, FfiExperimentGroup},
    Config, MergeStrategy,
};

#[derive(serde::Deserialize)]
struct Data {
    config: Config,
    experiments: Vec<FfiExperiment>,
    experiment_groups: Vec<FfiExperimentGroup>,
}
struct P {
    d: Data,
}
impl P {
    // what superposition_core::ffi::ProviderCache::eval_config does, without its JSON-string boundary
    fn resolve(&self, prefix: Option<&str>, c: &(String, Map<String, Value>)) -> Map<String, Value> {
        let p = prefix.map(|k| vec![k.to_string()]);
        let mut q = c.1.clone();
        let v = get_applicable_variants(
            &self.d.config.dimensions,
            self.d.experiments.clone(),
            &self.d.experiment_groups,
            q.clone(),
            &c.0,
            p.clone(),
            None,
        );
        q.insert("variantIds".into(), v.into());
        eval(
            self.d.config.default_configs.clone(),
            &self.d.config.contexts,
            &self.d.config.overrides,
            &self.d.config.dimensions,
            q,
            MergeStrategy::MERGE,
            p,
            None,
        )
    }
}
impl Peer for P {
    type Ctx = (String, Map<String, Value>);
    fn ctx(&self, u: &User) -> Self::Ctx {
        let mut m = Map::new();
        m.insert("userId".into(), u.id.clone().into());
        m.insert("country".into(), u.country.clone().into());
        m.insert("age".into(), u.age.into());
        m.insert("plan".into(), u.plan.clone().into());
        (u.id.clone(), m)
    }
    fn boolean(&self, key: &str, c: &Self::Ctx) -> bool {
        self.resolve(Some(key), c).get(key).and_then(|v| v.as_bool()).unwrap_or(false)
    }
    fn variant(&self, key: &str, c: &Self::Ctx) -> bool {
        matches!(self.resolve(Some(key), c).get(key).and_then(|v| v.as_str()), Some("A") | Some("B"))
    }
    fn all(&self, c: &Self::Ctx) -> Option<usize> {
        Some(
            self.resolve(None, c)
                .values()
                .filter(|v| v.as_bool() == Some(true) || matches!(v.as_str(), Some("A") | Some("B")))
                .count(),
        )
    }
}
fn main() {
    run("0.118.2", |text, _| P { d: serde_json::from_slice(&text).unwrap() });
}
