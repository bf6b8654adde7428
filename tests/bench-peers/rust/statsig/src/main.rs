use bench_common::{args, run, Peer, User};
use statsig_rust::{
    DynamicValue, ExperimentEvaluationOptions, FeatureGateEvaluationOptions, Statsig, StatsigBootstrapSpecsAdapter,
    StatsigOptions, StatsigUser, StatsigUserBuilder,
};
use std::collections::HashMap;
use std::sync::Arc;

struct P {
    s: Statsig,
    no_exposure: bool,
    _rt: tokio::runtime::Runtime,
}
impl Peer for P {
    type Ctx = StatsigUser;
    fn ctx(&self, u: &User) -> StatsigUser {
        let mut m: HashMap<String, DynamicValue> = HashMap::with_capacity(2);
        m.insert("age".into(), DynamicValue::from(u.age));
        m.insert("plan".into(), DynamicValue::from(u.plan.clone()));
        StatsigUserBuilder::new_with_user_id(u.id.clone()).country(Some(u.country.clone())).custom(Some(m)).build()
    }
    fn boolean(&self, key: &str, c: &StatsigUser) -> bool {
        if self.no_exposure {
            self.s.check_gate_with_options(c, key, FeatureGateEvaluationOptions { disable_exposure_logging: true })
        } else {
            self.s.check_gate(c, key)
        }
    }
    fn variant(&self, key: &str, c: &StatsigUser) -> bool {
        let e = if self.no_exposure {
            self.s.get_experiment_with_options(
                c,
                key,
                ExperimentEvaluationOptions { disable_exposure_logging: true, ..Default::default() },
            )
        } else {
            self.s.get_experiment(c, key)
        };
        matches!(e.value.get("value").and_then(|v| v.as_str()), Some("A") | Some("B"))
    }
}
fn main() {
    let no_exposure = args().peer.contains("exposures off");
    run("0.24.0", |text, a| {
        let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let s = rt.block_on(async {
            let mut o = StatsigOptions::new();
            o.specs_adapter = Some(Arc::new(StatsigBootstrapSpecsAdapter::new(String::from_utf8(text).unwrap())));
            o.disable_all_logging = Some(no_exposure);
            o.log_event_url = Some(format!("{}/v1/log_event", a.http));
            o.disable_country_lookup = Some(true);
            o.wait_for_country_lookup_init = Some(false);
            o.wait_for_user_agent_init = Some(false);
            o.enable_id_lists = Some(false);
            let s = Statsig::new("secret-bench", Some(Arc::new(o)));
            s.initialize().await.unwrap();
            s
        });
        P { s, no_exposure, _rt: rt }
    });
}
