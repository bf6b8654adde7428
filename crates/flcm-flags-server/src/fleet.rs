//! The fleet: one thread that owns everything which changes. Batches, documents and commands come to it one after the other, so
//! nothing needs a lock, and what is acknowledged is on the disk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use flcm_flags::{Millis, TripState};
use flcm_flags_engine::Guards;

use crate::clock::Clock;
use crate::ingest::Content;
use crate::published::Published;
use crate::serving::Shared;
use crate::store::{Record, Store};
use crate::totals::Totals;
use crate::transition::FleetTransition;

mod commands;
mod handle;
mod hosts;
mod ledgers;
mod merge;
mod persist;
mod publish;
mod report;
mod start;

pub(crate) use commands::{Action, BreakerCommand};
pub(crate) use handle::{BatchRefusal, FleetError, FleetHandle, FleetRequest, PublishRequest, Taken};
pub(crate) use hosts::Host;
pub(crate) use report::{BreakerStatuses, FlagReport, MetricsSnapshot};
pub(crate) use start::start;

use handle::Reply;
use hosts::Hosts;
use ledgers::Ledgers;
use persist::Unsaved;

/// Questions that are answered together, batches of them in one commit; then it is looked at what is due.
const GROUP: usize = 512;

/// A checkpoint is made when batches of so many bytes are behind the last, or after so many milliseconds.
const LOGGED_BYTES: usize = 32 << 20;
const CHECKPOINT_MS: u64 = 10_000;

/// The state of the fleet.
#[derive(Debug)]
pub(crate) struct Fleet {
    store: Store,
    clock: Clock,
    shared: Arc<Shared>,
    published: Arc<Published>,
    guards: Guards,
    /// Trips of flags without a breaker: a person's, and those of breakers whose flags have lost their threshold since.
    holds: BTreeMap<String, TripState>,
    ledgers: Ledgers,
    totals: Totals,
    hosts: Hosts,
    /// What happened last to each flag that something has happened to.
    events: BTreeMap<String, FleetTransition>,
    unsaved: Unsaved,
    /// The names of the webhooks.
    webhooks: Vec<String>,
    /// Number of this start, and of what was said of trips since.
    epoch: u64,
    sequence: u64,
    /// The last batch that was added up.
    last_batch: i64,
    logged_bytes: usize,
    checkpointed: Millis,
    /// The second of the last tick.
    ticked: u64,
}

impl Fleet {
    /// Does what it is asked to, until nobody can ask any more; whether everything is stored then.
    pub(crate) fn run(mut self, requests: &Receiver<FleetRequest>) -> bool {
        let mut goes_on = true;
        while goes_on {
            match requests.recv_timeout(self.clock.until_second()) {
                Ok(request) => goes_on = self.handle(request, requests),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => goes_on = false,
            }
            self.tick();
        }
        let is_stored = self.make_checkpoint();
        if is_stored {
            tracing::info!("everything is stored");
        } else {
            tracing::error!("the end has come before everything could be stored");
        }
        is_stored
    }

    /// Answers a question, and those that wait behind it; batches together. Whether there may be more.
    fn handle(&mut self, first: FleetRequest, requests: &Receiver<FleetRequest>) -> bool {
        let mut batches: Vec<(Content, Reply<Taken>)> = Vec::new();
        let (mut next, mut goes_on, mut answered) = (Some(first), true, 0);
        while let Some(request) = next {
            answered += 1;
            match request {
                FleetRequest::Batch(batch, reply) => batches.push((batch, reply)),
                // Strangers may ask this, and must not part what shares a commit.
                FleetRequest::Ping(reply) => reply.give(Ok(())),
                FleetRequest::Stop => goes_on = false,
                other => {
                    self.take_batches(std::mem::take(&mut batches));
                    self.handle_one(other);
                }
            }
            next = (goes_on && answered < GROUP).then(|| requests.try_recv().ok()).flatten();
        }
        self.take_batches(batches);
        goes_on
    }

    fn handle_one(&mut self, request: FleetRequest) {
        match request {
            FleetRequest::Command(command, reply) => reply.give(self.command(&command)),
            FleetRequest::Delivered(delivery, result, reply) => {
                if let Err(error) = self.store.record_delivery(delivery, &result) {
                    self.log_store_failure("a delivery could not be taken down; it will be made again", &error);
                }
                reply.give(Ok(()));
            }
            FleetRequest::Metrics(reply) => reply.give(Ok(self.metrics_snapshot())),
            FleetRequest::Publish(publish, reply) => reply.give(self.publish(*publish)),
            FleetRequest::Breakers(reply) => reply.give(Ok(self.breaker_statuses())),
            // These do not wait for their turn.
            FleetRequest::Batch(..) | FleetRequest::Ping(_) | FleetRequest::Stop => {}
        }
    }

    /// What is due once a second.
    fn tick(&mut self) {
        let now = self.clock.now();
        if now.0 / 1000 == self.ticked {
            return;
        }
        self.ticked = now.0 / 1000;
        let mut transitions = Vec::new();
        self.guards.poll(&self.published.snapshot, now, &mut transitions);
        self.persist_and_broadcast(&transitions, "breaker", "");
        self.hosts.forget(now);
        self.save();
        let is_due = now.0.saturating_sub(self.checkpointed.0) >= CHECKPOINT_MS && self.logged_bytes > 0;
        if is_due || self.logged_bytes >= LOGGED_BYTES {
            self.make_checkpoint();
        }
    }

    fn log_store_failure(&self, what: &str, error: &crate::store::StoreError) {
        self.shared.counters.store_failures.add(1);
        tracing::error!(%error, "{what}");
    }

    fn record(&self, actor: &str, action: &str, reason: &str, detail: serde_json::Value) -> Record {
        let (actor, action, reason) = (actor.to_owned(), action.to_owned(), reason.to_owned());
        Record { id: 0, at: self.clock.now().0, actor, action, flag: None, revision: None, reason, detail }
    }
}

/// How long a question may wait for its answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
