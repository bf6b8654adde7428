//! The fleet: an actor, one thread that owns all state which changes. Batches, documents and commands reach it one
//! after the other, so nothing needs a lock. What it acknowledges is on the disk.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flcm_flags::{FlagId, Millis, TripState};
use flcm_flags_host::{FleetGuards, SourcedTransition};

use crate::clock::Clock;
use crate::notification::Subscription;
use crate::published::Published;
use crate::serving::Shared;
use crate::store::{CommandInForce, Record, Store};
use crate::totals::Totals;
use crate::transition::FleetTransition;

mod activity;
mod asking;
mod commands;
mod handle;
mod hosts;
mod ledgers;
mod live;
mod merge;
mod notify;
mod pages;
mod persist;
mod publish;
mod queue;
mod removal;
mod report;
mod series;
mod start;
mod touched;

pub(crate) use commands::{Action, BreakerCommand};
pub(crate) use handle::{BatchAccepted, BatchRefusal, FleetError, FleetHandle, PublishRequest, RemoveMetric};
pub(crate) use hosts::{Disagreement, Host};
pub(crate) use live::LiveOverview;
pub(crate) use pages::HINT as PAGES_HINT;
pub(crate) use removal::Removal;
pub(crate) use report::{BreakerStatuses, FlagReport, MetricsSnapshot, PagesReport};
pub(crate) use start::start;

use activity::Activity;
pub(crate) use asking::AskingApp;
use asking::AskingApps;
use handle::FleetRequest;
use hosts::Hosts;
use ledgers::Ledgers;
use pages::Ignored;
use persist::Unstored;
use queue::{Next, Requests};
use series::Series;
use touched::Touched;

/// A checkpoint is made after batches of so many bytes, with so many changed ledgers, or after so many milliseconds. So
/// a start never has to count more batches than these again.
const LOGGED_BYTES: usize = 32 << 20;
const CHANGED_LEDGERS: usize = 10_000;
const CHECKPOINT_MS: u64 = 10_000;

/// The state of the fleet.
#[derive(Debug)]
pub(crate) struct Fleet {
    store: Store,
    clock: Clock,
    shared: Arc<Shared>,
    published: Arc<Published>,
    /// When that was.
    published_at: Millis,
    guards: FleetGuards,
    /// Trips of flags without a breaker: set by an operator, or left by a breaker whose flag has lost its threshold.
    holds: BTreeMap<String, TripState>,
    /// What operators have set flags to, as long as it is in force.
    commands: BTreeMap<String, CommandInForce>,
    ledgers: Ledgers,
    totals: Totals,
    hosts: Hosts,
    activity: Activity,
    asking: AskingApps,
    series: Series,
    touched: Touched,
    /// Counts the announcements of how flags are used.
    live_sequence: u64,
    /// Flags of which pages report outcomes that are no evidence.
    ignored: Ignored,
    /// The last transition of each flag that has had one.
    events: BTreeMap<String, FleetTransition>,
    unstored: Unstored,
    webhooks: Vec<Subscription>,
    /// Counts notifications that no breaker caused.
    notified: u64,
    /// The number of this start, and of the broadcasts since.
    epoch: u64,
    sequence: u64,
    /// The last batch that was counted.
    last_batch: i64,
    logged_bytes: usize,
    checkpointed: Millis,
    /// Whether the last checkpoint failed: then the next one is tried at a tick, and not after each group.
    is_failing: bool,
    /// The second of the last tick.
    ticked: u64,
}

impl Fleet {
    /// Handles requests until it is stopped or all handles are gone; whether everything is stored then.
    pub(crate) fn run(mut self, requests: &Requests) -> bool {
        loop {
            let next = requests.next(self.clock.until_second());
            // First what is due for the second that is over: what comes now belongs to another one. But a request waits
            // for no checkpoint.
            let is_new_second = self.tick();
            let is_request = matches!(next, Next::Request(_));
            if !is_request {
                self.checkpoint_if_due(is_new_second, requests);
            }
            match next {
                Next::Batches(group) => self.accept_batches(group),
                Next::Nothing => {}
                Next::Pings(pings) => pings.into_iter().for_each(|reply| reply.send(Ok(()))),
                Next::Request(request) => self.handle(request),
                Next::Stop => break,
            }
            if is_request {
                self.checkpoint_if_due(is_new_second, requests);
            }
        }
        let is_stored = self.make_checkpoint();
        self.store_incidents(true);
        if is_stored {
            tracing::info!("everything is stored");
            self.log_audit_head();
        } else {
            tracing::error!("the server ends before everything could be stored");
        }
        is_stored
    }

    fn handle(&mut self, request: FleetRequest) {
        match request {
            FleetRequest::AskingApps(flag, reply) => {
                let asking = self.totals.find(&flag).map(|place| self.asking.of(place)).unwrap_or_default();
                reply.send(Ok((asking, self.hosts.of(&flag))));
            }
            FleetRequest::Command(command, reply) => reply.send(self.command(&command)),
            FleetRequest::Delivered(delivery, result, reply) => {
                if let Err(error) = self.store.record_delivery(delivery, &result) {
                    self.log_store_failure(
                        "the result of a webhook delivery could not be stored; trying again",
                        &error,
                    );
                }
                reply.send(Ok(()));
            }
            FleetRequest::Live(reply) => reply.send(Ok(self.live_overview())),
            FleetRequest::Metrics(reply) => reply.send(Ok(self.metrics_snapshot())),
            FleetRequest::NoteFile(number, reply) => {
                reply.send(self.store.note_file(number).map_err(FleetError::NotStored));
            }
            FleetRequest::Publish(publish, reply) => reply.send(self.publish(*publish)),
            FleetRequest::Refused(document) => self.refused(&document),
            FleetRequest::Breakers(reply) => reply.send(Ok(self.breaker_statuses())),
            FleetRequest::RemoveMetric(request, reply) => reply.send(self.remove_metric(request)),
            FleetRequest::Seconds(flag, from, to, reply) => reply.send(Ok(self.seconds(&flag, from, to))),
            FleetRequest::Sessions(change, reply) => {
                let stored = self.store.change_sessions(&change);
                self.announce_audit();
                if let Err(error) = &stored {
                    let what = if change.begun.is_some() {
                        "a sign-in could not be stored: a restart ends it"
                    } else {
                        "the end of a sign-in could not be stored: after a restart it goes on"
                    };
                    self.log_store_failure(what, error);
                }
                reply.send(stored.map_err(FleetError::NotStored));
            }
        }
    }

    /// Does what is due once a second; whether one has begun.
    fn tick(&mut self) -> bool {
        let now = self.clock.now();
        if now.0 / 1000 == self.ticked {
            return false;
        }
        self.ticked = now.0 / 1000;
        let mut transitions = Vec::new();
        self.guards.poll(&self.published.snapshot, now, &mut transitions);
        self.persist_and_broadcast(&transitions, "breaker", "");
        self.hosts.forget(now);
        self.activity.forget(now);
        let touched = std::mem::take(&mut self.touched);
        self.complete_second(&touched);
        self.announce_live(&touched);
        self.announce_hosts();
        self.store_incidents(false);
        self.store_changes();
        true
    }

    /// Makes a checkpoint when one is due. A command does not wait for a batch and for a checkpoint behind it.
    fn checkpoint_if_due(&mut self, is_new_second: bool, requests: &Requests) {
        if self.is_checkpoint_due(is_new_second) && !requests.has_commands() {
            self.make_checkpoint();
        }
    }

    /// Whether a step of series has ended, or a start would have to repeat much work. A checkpoint that has failed is
    /// tried again once a second.
    fn is_checkpoint_due(&self, is_new_second: bool) -> bool {
        // At the ends of the finest steps: so most checkpoints add one step, and change none.
        let is_old = || self.clock.now().0 / CHECKPOINT_MS != self.checkpointed.0 / CHECKPOINT_MS;
        let has_much = self.logged_bytes >= LOGGED_BYTES || self.ledgers.changes() >= CHANGED_LEDGERS;
        has_much && (is_new_second || !self.is_failing) || is_new_second && self.logged_bytes > 0 && is_old()
    }

    /// Logs the newest record of the audit, for `flcm audit verify --head`.
    fn log_audit_head(&self) {
        match self.store.audit_head() {
            Ok(head) => tracing::info!(row = head.id, head = head.hash, "audit"),
            Err(error) => self.log_store_failure("the audit cannot be read", &error),
        }
    }

    /// Announces the newest record of the audit: whoever listens reads from there.
    pub(super) fn announce_audit(&self) {
        if let Ok(head) = self.store.audit_head() {
            self.shared.audited.send_if_modified(|newest| std::mem::replace(newest, head.id) != head.id);
        }
    }

    fn log_store_failure(&self, what: &str, error: &crate::store::StoreError) {
        self.shared.counters.store_failures.add(1);
        tracing::error!(%error, "{what}");
    }

    fn record(&self, actor: &str, action: &str, reason: &str, detail: serde_json::Value) -> Record {
        let (actor, action, reason) = (actor.to_owned(), action.to_owned(), reason.to_owned());
        Record { at: self.clock.now().0, actor, action, reason, detail, ..Record::default() }
    }
}

/// The time limit for a reply.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
