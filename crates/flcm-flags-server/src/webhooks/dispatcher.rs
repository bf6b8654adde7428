//! Telling webhooks what has happened: signed, in order for each flag, and again until they take it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;

use super::signature::signature;
use crate::clock::wall;
use crate::error::StartError;
use crate::event;
use crate::fleet::FleetHandle;
use crate::options::{Webhook, WebhookFormat};
use crate::retry::{BackOff, retry_after};
use crate::serving::Shared;
use crate::store::{Delivery, Letter, Reader, Record, detail_of};
use crate::tls;

/// An attempt may take so long.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How often the outbox is looked at: what happens is told within so long.
const LOOKS: Duration = Duration::from_millis(500);

/// The waits behind failed attempts double from the first to the longest; a letter is given up after a day.
const BACK_OFF: BackOff = BackOff { first: Duration::from_secs(1), longest: Duration::from_mins(5) };
const GIVE_UP_MS: u64 = 24 * 3_600_000;

/// Brings letters to webhooks.
#[derive(Debug)]
pub(crate) struct Courier {
    hooks: Arc<Vec<Webhook>>,
    database: PathBuf,
    fleet: FleetHandle,
    shared: Arc<Shared>,
    client: Client,
}

/// Why a delivery failed.
#[derive(Debug)]
struct Failure {
    what: String,
    /// The pause that the receiver asks for.
    asked: Option<Duration>,
}

impl Failure {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), asked: None }
    }
}

impl Courier {
    pub(crate) fn new(
        hooks: Vec<Webhook>,
        database: PathBuf,
        fleet: FleetHandle,
        shared: Arc<Shared>,
    ) -> Result<Self, StartError> {
        let client = tls::client(TIMEOUT).build().map_err(|error| {
            StartError::other(format!("no client for webhooks: {error}"), "check the system's certificates")
        })?;
        Ok(Self { hooks: Arc::new(hooks), database, fleet, shared, client })
    }

    /// Brings letters for ever.
    pub(crate) async fn run(self) {
        if self.hooks.is_empty() {
            return;
        }
        let mut told = Told::default();
        loop {
            tokio::time::sleep(LOOKS).await;
            let path = self.database.clone();
            let letters = tokio::task::spawn_blocking(move || Reader::open(&path)?.letters()).await;
            let Ok(Ok(letters)) = letters else { continue };
            told.forget_stored(&letters);
            for (letter, delivery) in &told.0 {
                let _ = self.fleet.delivered(*letter, delivery.clone()).await;
            }
            let is_due = |letter: &Letter| letter.due <= wall() && !told.0.contains_key(&letter.id);
            let due: Vec<Letter> = letters.into_iter().filter(is_due).collect();
            told.0.extend(futures_util::future::join_all(due.into_iter().map(|letter| self.attempt(letter))).await);
        }
    }

    async fn attempt(&self, letter: Letter) -> (i64, Delivery) {
        let outcome = match self.hooks.iter().find(|hook| hook.name() == letter.hook) {
            Some(hook) => self.post(hook, &letter).await,
            None => Err(Failure::new("the webhook is not among the options any more")),
        };
        let delivery = match outcome {
            Ok(()) => {
                self.shared.counters.delivered.add(1);
                Delivery::Done
            }
            Err(failure) => {
                self.shared.counters.undelivered.add(1);
                let (flag, attempt) = (&letter.event.flag, letter.attempts + 1);
                tracing::warn!(flag, attempt, error = failure.what, "a webhook was not delivered");
                after_failure(&letter, &failure)
            }
        };
        let _ = self.fleet.delivered(letter.id, delivery.clone()).await;
        (letter.id, delivery)
    }

    async fn post(&self, hook: &Webhook, letter: &Letter) -> Result<(), Failure> {
        let body = match hook.format {
            WebhookFormat::Json => event::to_json(&letter.event).map_err(|error| Failure::new(error.to_string()))?,
            WebhookFormat::Slack => serde_json::json!({ "text": letter.event.text() }).to_string(),
        };
        let (id, at) = (letter.event.id(), wall() / 1000);
        let mut request = self.client.post(&hook.url).header("content-type", "application/json");
        request = request.header("webhook-id", &id).header("webhook-timestamp", at);
        if let Some(secret) = &hook.secret {
            request = request.header("webhook-signature", signature(secret, &id, at, &body));
        }
        let response = request.body(body).send().await;
        let response = response.map_err(|error| Failure::new(error.without_url().to_string()))?;
        if response.status().is_success() {
            return Ok(());
        }
        let asked = retry_after(response.headers(), wall());
        Err(Failure { what: format!("status {}", response.status()), asked })
    }
}

/// How letters went of which that may not be stored yet: a full disk must not have them delivered again and again.
#[derive(Debug, Default)]
struct Told(HashMap<i64, Delivery>);

impl Told {
    /// Those that are gone, or wait for the time that was to be taken down, are stored.
    fn forget_stored(&mut self, letters: &[Letter]) {
        self.0.retain(|id, delivery| {
            let letter = letters.iter().find(|letter| letter.id == *id);
            letter.is_some_and(|letter| !matches!(delivery, Delivery::Later(due) if *due == letter.due))
        });
    }
}

/// When to try again, if at all.
fn after_failure(letter: &Letter, failure: &Failure) -> Delivery {
    let now = wall();
    if now.saturating_sub(letter.event.transition.at.0) > GIVE_UP_MS {
        return Delivery::GivenUp(Record {
            id: 0,
            at: now,
            actor: "server".to_owned(),
            action: "notification_failed".to_owned(),
            flag: Some(letter.event.flag.clone()),
            revision: None,
            reason: format!("given up after {} attempts: {}", letter.attempts + 1, failure.what),
            detail: detail_of(&letter.event),
        });
    }
    let wait = BACK_OFF.wait(letter.attempts, failure.asked).as_millis();
    Delivery::Later(now + u64::try_from(wait).unwrap_or(u64::MAX))
}
