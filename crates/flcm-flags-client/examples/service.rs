//! A service that asks through `OpenFeature`: `cargo run -p flcm-flags-client --features open-feature --example service
//! -- URL [KEY]`. Says as a line of JSON what it serves, whenever that changes. A line `fail SHARE` makes that share of
//! the new checkout's calls fail.

use std::io::BufRead;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use flcm_flags_client::{CallOutcome, Context, Features, FlcmProvider, Options};
use open_feature::{Client, EvaluationContext, OpenFeature};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().ok_or("say where the server is: service URL [KEY]")?;
    let options = Options { key: arguments.next(), flush_interval: Duration::from_secs(1), ..Options::url(url) };
    let features = Features::start(options).await?;
    let mut api = OpenFeature::singleton_mut().await;
    api.set_provider(FlcmProvider::new(features.clone())).await;
    drop(api);
    let client = OpenFeature::singleton().await.create_client();

    let mut service = Service { client, features, users: 0, failing: 0.0, printed: String::new() };
    let lines = lines();
    while service.obeys(&lines) {
        service.serve().await;
        service.print().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    service.features.close().await;
    let decisions = service.features.summary("checkout_v2").map_or(0, |summary| summary.decisions);
    println!(r#"{{"decisions":{decisions}}}"#);
    Ok(())
}

struct Service {
    client: Client,
    features: Features,
    users: u64,
    /// How many calls of the new checkout fail.
    failing: f64,
    printed: String,
}

impl Service {
    /// Reads commands; answers whether to go on.
    fn obeys(&mut self, lines: &Receiver<String>) -> bool {
        loop {
            match lines.try_recv() {
                Ok(line) => {
                    self.failing = line.strip_prefix("fail ").and_then(|share| share.parse().ok()).unwrap_or(0.0);
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// Users buy. The outcomes are recorded, so that the checkout can be rolled back.
    async fn serve(&mut self) {
        for _ in 0..10 {
            self.users += 1;
            let user = format!("rust-{}", self.users);
            let is_new = self.is_new(&user).await;
            let failed = is_new && rand::random::<f64>() < self.failing;
            // The OpenFeature SDK for Rust has no tracking, so outcomes are recorded with `Features`.
            let outcome = if failed { CallOutcome::FAILURE } else { CallOutcome::SUCCESS };
            self.features.record("checkout_v2", &Context::new(Some(&user), &[]), outcome);
        }
    }

    /// What forty users and a guest see.
    async fn print(&mut self) {
        let mut on = 0;
        for user in 0..40 {
            on += u32::from(self.is_new(&format!("user-{user}")).await);
        }
        let guest = EvaluationContext::default().with_targeting_key("guest");
        let banner = self.client.get_string_value("banner", Some(&guest), None).await;
        let seen = format!(r#""on":{on},"banner":"{}""#, banner.as_deref().unwrap_or("No banner"));
        if seen != self.printed {
            let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
            println!(r#"{{"at":{at},{seen}}}"#);
        }
        self.printed = seen;
    }

    async fn is_new(&self, user: &str) -> bool {
        let context = EvaluationContext::default().with_targeting_key(user);
        self.client.get_bool_value("checkout_v2", Some(&context), None).await.unwrap_or(false)
    }
}

/// What is written to it, line by line.
fn lines() -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        std::io::stdin().lock().lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
    });
    lines
}
