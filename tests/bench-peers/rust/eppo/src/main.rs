use bench_common::{run, Peer, User};
use eppo_core::eval::{Evaluator, EvaluatorConfig};
use eppo_core::ufc::{UniversalFlagConfig, VariationType};
use eppo_core::{configuration_store::ConfigurationStore, Attributes, Configuration, SdkMetadata, Str};
use std::sync::Arc;

struct P {
    e: Evaluator,
}
impl Peer for P {
    type Ctx = (Str, Arc<Attributes>);
    fn ctx(&self, u: &User) -> Self::Ctx {
        let a: Attributes = [
            (Str::from_static_str("country"), u.country.as_str().into()),
            (Str::from_static_str("age"), (u.age as f64).into()),
            (Str::from_static_str("plan"), u.plan.as_str().into()),
        ]
        .into_iter()
        .collect();
        (Str::new(&u.id), Arc::new(a))
    }
    fn boolean(&self, key: &str, c: &Self::Ctx) -> bool {
        self.e
            .get_assignment(key, &c.0, &c.1, Some(VariationType::Boolean))
            .ok()
            .flatten()
            .and_then(|a| a.value.as_boolean())
            .unwrap_or(false)
    }
    fn variant(&self, key: &str, c: &Self::Ctx) -> bool {
        self.e
            .get_assignment(key, &c.0, &c.1, Some(VariationType::String))
            .ok()
            .flatten()
            .map(|a| matches!(a.value.as_str(), Some("A") | Some("B")))
            .unwrap_or(false)
    }
}
fn main() {
    run("10.0.0", |text, _| {
        let meta = SdkMetadata { name: "bench", version: "0" };
        let flags = UniversalFlagConfig::from_json(meta.clone(), text).unwrap();
        let store = Arc::new(ConfigurationStore::new());
        store.set_configuration(Arc::new(Configuration::from_server_response(flags, None)));
        P { e: Evaluator::new(EvaluatorConfig { configuration_store: store, sdk_metadata: meta }) }
    });
}
