use bench_common::{run, Peer, User};
use growthbook_rust_sdk::client::{GrowthBookClient, GrowthBookClientTrait};
use growthbook_rust_sdk::model_public::{GrowthBookAttribute, GrowthBookAttributeValue as V};
use std::time::Duration;

struct P {
    c: GrowthBookClient,
    _rt: tokio::runtime::Runtime,
}
impl Peer for P {
    type Ctx = Vec<GrowthBookAttribute>;
    fn ctx(&self, u: &User) -> Self::Ctx {
        vec![
            GrowthBookAttribute::new("id".into(), V::String(u.id.clone())),
            GrowthBookAttribute::new("country".into(), V::String(u.country.clone())),
            GrowthBookAttribute::new("age".into(), V::Int(u.age)),
            GrowthBookAttribute::new("plan".into(), V::String(u.plan.clone())),
        ]
    }
    fn boolean(&self, key: &str, c: &Self::Ctx) -> bool {
        self.c.is_on(key, Some(c.clone()))
    }
    fn variant(&self, key: &str, c: &Self::Ctx) -> bool {
        matches!(self.c.feature_result(key, Some(c.clone())).value.as_str(), Some("A") | Some("B"))
    }
}
fn main() {
    // only loads over HTTP: <http>/api/features/<key>
    run("1.1.0", |_text, a| {
        let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let http = a.http.clone();
        let c = rt.block_on(async move {
            GrowthBookClient::new(&http, "sdk-bench", Some(Duration::from_secs(3600)), Some(Duration::from_secs(10)))
                .await
                .unwrap()
        });
        P { c, _rt: rt }
    });
}
