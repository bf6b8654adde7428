//! The provider, asked through OpenFeature's client: each evaluation is a future that is driven to its end.

use bench_common::{Peer, User};
use flcm_flags_client::{FlcmProvider, Options};
use open_feature::{Client, EvaluationContext, OpenFeature};
use tokio::runtime::Runtime;

use crate::client::started;

pub struct Provided {
    client: Client,
    runtime: Runtime,
}

impl Provided {
    pub fn new(options: Options) -> Self {
        let provider = FlcmProvider::new(started(options).clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = runtime.block_on(async {
            let mut api = OpenFeature::singleton_mut().await;
            api.set_provider(provider).await;
            api.create_client()
        });
        Self { client, runtime }
    }
}

impl Peer for Provided {
    type Ctx = EvaluationContext;

    fn ctx(&self, user: &User) -> EvaluationContext {
        EvaluationContext::default()
            .with_targeting_key(user.id.clone())
            .with_custom_field("country", user.country.clone())
            .with_custom_field("age", user.age)
            .with_custom_field("plan", user.plan.clone())
    }

    fn boolean(&self, key: &str, context: &EvaluationContext) -> bool {
        self.runtime.block_on(self.client.get_bool_value(key, Some(context), None)).unwrap_or(false)
    }

    fn variant(&self, key: &str, context: &EvaluationContext) -> bool {
        let value = self.runtime.block_on(self.client.get_string_value(key, Some(context), None));
        matches!(value.as_deref(), Ok("A" | "B"))
    }
}
