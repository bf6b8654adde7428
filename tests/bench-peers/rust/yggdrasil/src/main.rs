use bench_common::{args, run, Peer, User};
use std::collections::HashMap;
use unleash_yggdrasil::{Context, EngineState, UpdateMessage};

struct P {
    e: EngineState,
    metrics: bool,
}
impl Peer for P {
    type Ctx = Context;
    fn ctx(&self, u: &User) -> Context {
        let mut props = HashMap::with_capacity(3);
        props.insert("country".to_string(), u.country.clone());
        props.insert("age".to_string(), u.age.to_string());
        props.insert("plan".to_string(), u.plan.clone());
        Context { user_id: Some(u.id.clone()), properties: Some(props), ..Default::default() }
    }
    fn boolean(&self, key: &str, c: &Context) -> bool {
        let r = self.e.is_enabled(key, c, &None);
        if self.metrics {
            self.e.count_toggle(key, r);
        }
        r
    }
    fn variant(&self, key: &str, c: &Context) -> bool {
        let v = self.e.get_variant(key, c, &None);
        if self.metrics {
            self.e.count_toggle(key, v.feature_enabled);
            self.e.count_variant(key, &v.name);
        }
        v.name == "A" || v.name == "B"
    }
    fn all(&self, c: &Context) -> Option<usize> {
        Some(self.e.resolve_all(c, &None)?.iter().filter(|(_, t)| t.enabled).count())
    }
}
fn main() {
    let metrics = args().peer.contains("metrics");
    run("0.21.7", |text, _| {
        let e = EngineState::default();
        let m: UpdateMessage = serde_json::from_slice(&text).unwrap();
        if let Some(w) = e.take_state(m) {
            if !w.is_empty() {
                eprintln!("warnings {}", w.len());
            }
        }
        P { e, metrics }
    });
}
