//! Sends webhooks: signed, in order for each flag, and repeated until the receiver accepts them.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use reqwest::Client;
use tokio::time::MissedTickBehavior;

use super::signature::signature;
use crate::clock::wall;
use crate::error::StartError;
use crate::fleet::FleetHandle;
use crate::notification::Notification;
use crate::options::{Webhook, WebhookFormat};
use crate::retry::{BackOff, retry_after};
use crate::serving::Shared;
use crate::store::{DeliveryResult, Reader, Record, WebhookDelivery};
use crate::tls;

/// The limit for one attempt.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The interval between two looks at the outbox.
const INTERVAL: Duration = Duration::from_millis(500);

const BACK_OFF: BackOff = BackOff { first: Duration::from_secs(1), longest: Duration::from_mins(5) };

/// A delivery is abandoned after this time, in milliseconds: a day.
const ABANDON_MS: u64 = 24 * 3_600_000;

/// Sends what is in the outbox to webhooks.
#[derive(Debug)]
pub(crate) struct WebhookDispatcher {
    webhooks: Vec<Webhook>,
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

impl WebhookDispatcher {
    pub(crate) fn new(
        webhooks: Vec<Webhook>,
        database: PathBuf,
        fleet: FleetHandle,
        shared: Arc<Shared>,
    ) -> Result<Self, StartError> {
        let client = tls::client(TIMEOUT).build().map_err(|error| {
            StartError::other(format!("cannot make a client for webhooks: {error}"), "check the system's certificates")
        })?;
        Ok(Self { webhooks, database, fleet, shared, client })
    }

    /// Sends deliveries until the task is aborted.
    pub(crate) async fn run(self) {
        if self.webhooks.is_empty() {
            return;
        }
        let (mut unrecorded, mut attempts) = (UnrecordedDeliveries::default(), FuturesUnordered::new());
        let mut under_way = HashSet::new();
        let mut look = tokio::time::interval(INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Attempts go on beside each other: a receiver that does not respond delays only what is for it.
            tokio::select! {
                Some((id, result)) = attempts.next() => {
                    under_way.remove(&id);
                    unrecorded.0.insert(id, result);
                    continue;
                }
                _ = look.tick() => {}
            }
            let Some(pending) = self.pending().await else { continue };
            unrecorded.forget_recorded(&pending);
            for (id, result) in &unrecorded.0 {
                let _ = self.fleet.delivered(*id, result.clone()).await;
            }
            for delivery in pending {
                let is_due = delivery.due <= wall() && !unrecorded.0.contains_key(&delivery.id);
                if is_due && under_way.insert(delivery.id) {
                    attempts.push(self.attempt(delivery));
                }
            }
        }
    }

    /// What is in the outbox; `None` if that cannot be read now.
    async fn pending(&self) -> Option<Vec<WebhookDelivery>> {
        let path = self.database.clone();
        tokio::task::spawn_blocking(move || Reader::open(&path)?.pending()).await.ok()?.ok()
    }

    async fn attempt(&self, delivery: WebhookDelivery) -> (i64, DeliveryResult) {
        let sent = match self.webhooks.iter().find(|webhook| webhook.name() == delivery.webhook) {
            Some(webhook) => self.send(webhook, &delivery.event).await,
            None => Err(Failure::new("the webhook is no longer among the options")),
        };
        let result = match sent {
            Ok(()) => {
                self.shared.counters.delivered.add(1);
                DeliveryResult::Delivered
            }
            Err(failure) => {
                self.shared.counters.undelivered.add(1);
                let (event, attempt) = (&delivery.event, delivery.attempts + 1);
                tracing::warn!(
                    event = event.name,
                    flag = event.data.flag,
                    attempt,
                    error = failure.what,
                    "a webhook was not delivered"
                );
                after_failure(&delivery, &failure)
            }
        };
        let _ = self.fleet.delivered(delivery.id, result.clone()).await;
        (delivery.id, result)
    }

    async fn send(&self, webhook: &Webhook, event: &Notification) -> Result<(), Failure> {
        let body = match webhook.format {
            WebhookFormat::Json => serde_json::to_string(event).map_err(|error| Failure::new(error.to_string()))?,
            WebhookFormat::Slack => serde_json::json!({ "text": escaped(&event.data.text) }).to_string(),
        };
        let (id, at) = (&event.id, wall() / 1000);
        let mut request = self.client.post(&webhook.url).header("content-type", "application/json");
        request = request.header("webhook-id", id).header("webhook-timestamp", at);
        if let Some(secret) = &webhook.secret {
            request = request.header("webhook-signature", signature(secret, id, at, &body));
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

/// A text as Slack shows it. Unescaped, `<!channel>` would notify everybody, and `<http://…>` would be a link.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Results of deliveries that may not be stored yet. Without them a full disk would have the server send the same again
/// and again.
#[derive(Debug, Default)]
struct UnrecordedDeliveries(HashMap<i64, DeliveryResult>);

impl UnrecordedDeliveries {
    /// Forgets results that are stored: the delivery is gone, or waits for the time that was to be stored.
    fn forget_recorded(&mut self, pending: &[WebhookDelivery]) {
        self.0.retain(|id, result| {
            let delivery = pending.iter().find(|delivery| delivery.id == *id);
            delivery.is_some_and(|delivery| !matches!(result, DeliveryResult::RetryAt(due) if *due == delivery.due))
        });
    }
}

/// When to try again, if at all.
fn after_failure(delivery: &WebhookDelivery, failure: &Failure) -> DeliveryResult {
    let (now, event) = (wall(), &delivery.event);
    if now.saturating_sub(event.data.at) > ABANDON_MS {
        return DeliveryResult::Abandoned(Record {
            at: now,
            actor: "server".to_owned(),
            action: "notification_failed".to_owned(),
            flag: event.data.flag.clone(),
            reason: format!("abandoned after {} attempts: {}", delivery.attempts + 1, failure.what),
            detail: serde_json::to_value(event).unwrap_or_default(),
            ..Record::default()
        });
    }
    let wait = BACK_OFF.wait(delivery.attempts, failure.asked).as_millis();
    DeliveryResult::RetryAt(now + u64::try_from(wait).unwrap_or(u64::MAX))
}
