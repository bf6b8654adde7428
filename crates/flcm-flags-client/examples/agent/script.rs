//! What a process of its own does, by the machine's clock: tests kill it meanwhile.

use std::error::Error;

use flcm_flags_client::{Context, Features};
use tokio::runtime::Builder;

use crate::options::AgentOptions;

/// Runs a script to its end.
pub(crate) fn run(script: &str, options: &str) -> Result<(), Box<dyn Error>> {
    let given: AgentOptions = serde_json::from_str(options)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let features = Features::start(given.options()).await?;
        match script {
            "counts" => counts(&features).await,
            "sends" => sends(&features).await,
            "syncs" => syncs(&features).await,
            _ => return Err("no such script".into()),
        }
        Ok(())
    })
}

/// Decides for a hundred users, and sends that.
async fn counts(features: &Features) {
    for user in 0..100 {
        let _ = features.is_enabled("old", &Context::new(Some(&format!("user{user}")), &[]));
    }
    features.flush().await;
}

/// Sends what a process before has left.
async fn sends(features: &Features) {
    features.flush().await;
    features.close().await;
}

/// Asks the source sixty times.
async fn syncs(features: &Features) {
    for _ in 0..60 {
        features.sync().await;
    }
    features.close().await;
}
