//! A start: the fleet recovers the last checkpoint, and counts the batches after it again.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use flcm_flags::TripState;
use flcm_flags::metrics::batch::Batch;
use serde_json::json;

use super::activity::Activity;
use super::asking::AskingApps;
use super::handle::FleetHandle;
use super::hosts::Hosts;
use super::ledgers::Ledgers;
use super::pages::Ignored;
use super::persist::Unstored;
use super::queue::{Requests, queue};
use super::series::Series;
use super::touched::Touched;
use super::{Fleet, FleetGuards, Millis, SourcedTransition};
use crate::clock::Clock;
use crate::error::StartError;
use crate::notification::Subscription;
use crate::published::{Published, changed_flags};
use crate::serving::{ServingState, Shared, StreamState};
use crate::sessions::Session;
use crate::store::{Record, RecoveredState, Revision, Store, Stored, StoredBatch, StoredBreaker, Summary};
use crate::totals::Totals;
use crate::transition::FleetTransition;

/// A fleet that can be run, its handle, and the state that it shares.
pub(crate) struct Started {
    pub(crate) fleet: Fleet,
    pub(crate) requests: Requests,
    pub(crate) handle: FleetHandle,
    pub(crate) shared: Arc<Shared>,
    /// When the database was created, in milliseconds since 1970: all totals were zero then.
    pub(crate) began: u64,
    /// The revision whose text the document's file had last.
    pub(crate) of_file: Option<Revision>,
    pub(crate) sessions: Vec<Session>,
}

/// Recovers the stored state, or starts with a document if nothing is stored.
pub(crate) fn start(
    mut store: Store,
    document: Option<(&Path, String)>,
    webhooks: Vec<Subscription>,
) -> Result<Started, StartError> {
    let recovered = store.load()?;
    let clock = Clock::behind(recovered.clock);
    let (published, published_at) = first_revision(&mut store, document, clock)?;
    let of_file = store.of_file()?;
    let published = Arc::new(published);
    let flags = published.snapshot.flags().len();
    let serving = ServingState { published: Arc::clone(&published), trips: FleetGuards::none(flags).trips().clone() };
    let shared = Arc::new(Shared::new(serving, StreamState::default()));
    let mut fleet = Fleet {
        store,
        clock,
        shared: Arc::clone(&shared),
        guards: FleetGuards::none(flags),
        published,
        published_at,
        holds: BTreeMap::new(),
        commands: BTreeMap::new(),
        ledgers: Ledgers::default(),
        totals: Totals::default(),
        hosts: Hosts::default(),
        activity: Activity::default(),
        asking: AskingApps::default(),
        series: Series::default(),
        touched: Touched::default(),
        live_sequence: 0,
        ignored: Ignored::default(),
        events: BTreeMap::new(),
        unstored: Unstored::default(),
        webhooks,
        notified: 0,
        epoch: recovered.starts,
        sequence: 0,
        last_batch: 0,
        logged_bytes: 0,
        checkpointed: clock.now(),
        is_failing: false,
        ticked: 0,
    };
    fleet.recover(recovered)?;
    let began = fleet.store.began()?;
    let sessions = fleet.store.sessions()?;
    fleet.log_audit_head();
    fleet.announce_audit();
    let (queue, requests) = queue();
    Ok(Started { fleet, requests, handle: FleetHandle::new(queue), shared, began, of_file, sessions })
}

/// The newest stored revision. If nothing is stored, or nothing that this version accepts, the document is.
///
/// Returns also when it was published.
fn first_revision(
    store: &mut Store,
    document: Option<(&Path, String)>,
    clock: Clock,
) -> Result<(Published, Millis), StartError> {
    let newest = store.newest()?;
    let (last, at) = newest.as_ref().map_or((0, 0), |newest| (newest.summary.number, newest.summary.at));
    let stored = newest.map(|Revision { summary, document }| Published::republished(document, summary.number));
    let refused = match stored {
        Some(Ok(stored)) => return Ok((stored, Millis(at))),
        Some(Err(diagnostics)) => Some(diagnostics),
        None => None,
    };
    match document.map(|(path, text)| Published::of_file(path, text, last)) {
        Some(Ok((published, _))) => {
            let now = clock.now();
            store_first(store, &published, now).map(|()| (published, now))
        }
        Some(Err(diagnostics)) => Err(StartError::Refused(diagnostics)),
        None => Err(refused.map_or_else(nothing_to_serve, StartError::Refused)),
    }
}

fn nothing_to_serve() -> StartError {
    let what = "there is nothing to serve: the database has no revision yet";
    StartError::Other(what.to_owned(), "name a document: flcm serve feature-flags.yaml".to_owned())
}

fn store_first(store: &mut Store, published: &Published, now: Millis) -> Result<(), StartError> {
    let summary = Summary {
        number: published.number,
        at: now.0,
        author: "file".to_owned(),
        reason: "read at the start".to_owned(),
        origin: "file".to_owned(),
        digest: published.digest(),
    };
    let record = Record {
        at: now.0,
        actor: "file".to_owned(),
        action: "publish".to_owned(),
        revision: Some(published.number),
        reason: summary.reason.clone(),
        detail: json!({ "digest": summary.digest, "origin": "file" }),
        ..Record::default()
    };
    let flags = changed_flags(None, published);
    Ok(store.publish(&Revision { summary, document: published.text.clone() }, &flags, &record, &[])?)
}

impl Fleet {
    fn recover(&mut self, recovered: RecoveredState) -> Stored<()> {
        self.ledgers.restore(recovered.ledgers, self.clock.now());
        recovered.totals.into_iter().for_each(|(key, stored)| self.totals.restore(key, stored));
        self.totals.restore_customs(&recovered.customs);
        let trips = recovered.holds.into_iter().filter_map(|(flag, trip)| Some((flag, TripState::parse(&trip)?)));
        self.holds = trips.collect();
        let today = self.clock.now().0 / 86_400_000;
        for day in [today.saturating_sub(1), today] {
            for (flag, users) in self.store.users_of(day)? {
                self.series.set_users(flag, day, users);
            }
        }
        self.commands = recovered.commands;
        let start = recovered.first_batch.unwrap_or(self.clock.now());
        self.guards.guard(&self.published.snapshot, start);
        let (mut transitions, mut known) = (Vec::new(), HashMap::new());
        for breaker in recovered.breakers {
            if let Some(event) = &breaker.event {
                self.events.insert(breaker.flag.clone(), event.clone());
            }
            known.insert(breaker.flag.clone(), breaker.upto);
            let restored = self.published.snapshot.flag(&breaker.flag);
            match restored.map_or(Ok(false), |id| self.guards.restore(id, &breaker.saved, &mut transitions)) {
                Ok(true) => {}
                Ok(false) => self.recover_unguarded(&breaker),
                Err(error) => {
                    tracing::error!(flag = breaker.flag, %error, "a stored breaker cannot be read; it starts anew");
                    // What had tripped is held until an operator releases it.
                    self.recover_unguarded(&breaker);
                }
            }
        }
        self.forget_commands();
        self.apply_holds();
        self.repeat_batches(&known, &mut transitions)?;
        let now = self.clock.now();
        self.guards.poll(&self.published.snapshot, now, &mut transitions);
        self.persist_transitions(&transitions, "breaker", "");
        self.broadcast();
        self.make_checkpoint();
        Ok(())
    }

    /// Counts the batches after the checkpoint again: some at a time, because they may be many.
    fn repeat_batches(&mut self, known: &HashMap<String, i64>, transitions: &mut Vec<SourcedTransition>) -> Stored<()> {
        loop {
            let batches = self.store.batches_behind(self.last_batch)?;
            if batches.is_empty() {
                return Ok(());
            }
            for StoredBatch { id, at, origin, bytes } in batches {
                self.last_batch = id;
                self.logged_bytes += bytes.len();
                let Ok(batch) = Batch::from_own_bytes(&bytes) else { continue };
                let _ = self.ledgers.accept(batch.header(), &origin, self.clock.now());
                let is_new = |flag: &str| known.get(flag).is_none_or(|upto| *upto < id);
                self.add(&batch, (&origin, None), at, is_new, transitions);
            }
        }
    }

    /// The flag has lost its breaker, and the server ended before that was stored: a flag that was held back stays so.
    fn recover_unguarded(&mut self, breaker: &StoredBreaker) {
        self.unstored.flags.insert(breaker.flag.clone());
        let holds_back = breaker.event.as_ref().is_some_and(FleetTransition::holds_back);
        if holds_back && !self.holds.contains_key(&breaker.flag) {
            self.hold_behind_breaker(&breaker.flag, TripState::HeldOff);
        }
    }
}
