use bench_common::{args, run, Peer, User};
use growthbook_rust::client::{GrowthBookClient, GrowthBookClientBuilder, GrowthBookClientTrait};
use growthbook_rust::model_public::FeatureResult;
use growthbook_rust::model_public::{GrowthBookAttribute, GrowthBookAttributeValue as V};

struct P {
    c: GrowthBookClient,
    engine: bool,
    _rt: tokio::runtime::Runtime,
}
impl P {
    // GrowthBookClient clones the whole feature map under its lock for each evaluation; "engine only" asks GrowthBook::check behind the same lock without the clone
    fn ev(&self, key: &str, c: &[GrowthBookAttribute]) -> FeatureResult {
        if self.engine {
            self.c.gb.read().unwrap().check(key, &Some(c.to_vec()))
        } else {
            self.c.feature_result(key, Some(c.to_vec()))
        }
    }
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
    // the API takes the attributes by value: the clone is the caller's cost of asking more than one flag
    fn boolean(&self, key: &str, c: &Self::Ctx) -> bool {
        self.ev(key, c).on
    }
    fn variant(&self, key: &str, c: &Self::Ctx) -> bool {
        matches!(self.ev(key, c).value.as_str(), Some("A") | Some("B"))
    }
}
fn main() {
    let engine = args().peer.contains("engine");
    run("0.4.0", |text, _| {
        let rt = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let v: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let c = rt.block_on(async {
            let sg = serde_json::from_value(v["savedGroups"].clone()).unwrap();
            GrowthBookClientBuilder::new()
                .features_json(v["features"].clone())
                .unwrap()
                .saved_groups(sg)
                .auto_refresh(false)
                .build()
                .await
                .unwrap()
        });
        P { c, engine, _rt: rt }
    });
}
