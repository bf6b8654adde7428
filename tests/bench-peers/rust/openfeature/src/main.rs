use bench_common::{args, run, Peer, User};
use open_feature::{Client, EvaluationContext, OpenFeature};
use open_feature_flagd::{CacheSettings, FlagdOptions, FlagdProvider, ResolverType};

// open-feature is async: each evaluation is a future driven with block_on on a current-thread runtime (its cost is in the no-op row)
struct P {
    c: Client,
    rt: tokio::runtime::Runtime,
    noop: bool,
}
impl Peer for P {
    type Ctx = EvaluationContext;
    fn ctx(&self, u: &User) -> EvaluationContext {
        EvaluationContext::default()
            .with_targeting_key(u.id.clone())
            .with_custom_field("country", u.country.clone())
            .with_custom_field("age", u.age)
            .with_custom_field("plan", u.plan.clone())
    }
    fn boolean(&self, key: &str, c: &EvaluationContext) -> bool {
        self.rt.block_on(self.c.get_bool_value(key, Some(c), None)).unwrap_or(self.noop)
    }
    fn variant(&self, key: &str, c: &EvaluationContext) -> bool {
        matches!(self.rt.block_on(self.c.get_string_value(key, Some(c), None)).as_deref(), Ok("A") | Ok("B"))
    }
    fn supports(&self, w: &str) -> bool {
        !self.noop || w == "W1"
    }
}
fn main() {
    let noop = args().peer.contains("no-op");
    run(if noop { "0.3.0" } else { "0.3.0 + 0.3.0" }, |_text, a| {
        let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // flagd's file connector watches the file on its own task: give it a multi-thread runtime that lives on
        let bg = Box::leak(Box::new(
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap(),
        ));
        let config = a.config.clone();
        let c = bg.block_on(async move {
            let mut of = OpenFeature::singleton_mut().await;
            if !noop {
                let p = FlagdProvider::new(FlagdOptions {
                    resolver_type: ResolverType::File,
                    source_configuration: Some(config),
                    cache_settings: None::<CacheSettings>,
                    ..Default::default()
                })
                .await
                .unwrap();
                of.set_provider(p).await;
            }
            of.create_client()
        });
        P { c, rt, noop }
    });
}
