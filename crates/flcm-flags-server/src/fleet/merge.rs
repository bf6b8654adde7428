//! Batches: stored, then counted, then acknowledged.

use std::sync::Arc;

use flcm_flags::metrics::batch::{Batch, Receipt};
use flcm_flags::{FlagId, Millis, TripState};

use super::handle::BatchRequest;
use super::hosts::Hosts;
use super::ledgers::{Before, oldest_ms};
use super::{BatchAccepted, BatchRefusal, Fleet, FleetError, SourcedTransition};
use crate::ingest::{Origin, ReceivedBatch};
use crate::inventory::AppVersion;

impl Fleet {
    /// Accepts batches that came together: in one commit, each once.
    pub(super) fn accept_batches(&mut self, batches: Vec<BatchRequest>) {
        let now = self.clock.now();
        let (mut fresh, mut before, mut accepted) = (Vec::new(), Vec::new(), Vec::new());
        for (batch, reply) in batches {
            match self.admit(&batch, now) {
                Ok((Receipt::Apply, line)) => {
                    fresh.push(batch);
                    before.push(line);
                    accepted.push((reply, BatchAccepted { repeated: false }));
                }
                Ok(_) => accepted.push((reply, BatchAccepted { repeated: true })),
                Err(refusal) => {
                    self.count_refusal(refusal);
                    reply.send(Err(FleetError::Batch(refusal)));
                }
            }
        }
        let stored = self.store_batches(&fresh, before, now);
        for (reply, taken) in accepted {
            // A repeated batch is not acknowledged either: the first one may be among those that could not be stored.
            reply.send(if stored { Ok(taken) } else { Err(FleetError::Busy) });
        }
    }

    /// Stores batches, then counts them; whether they are stored.
    fn store_batches(&mut self, fresh: &[Box<ReceivedBatch>], before: Vec<Before>, now: Millis) -> bool {
        if fresh.is_empty() {
            return true;
        }
        let last = match self.store.append(now, fresh.iter().map(|batch| (batch.checked.bytes(), &batch.origin))) {
            Ok(last) => last,
            Err(error) => {
                self.log_store_failure("batches could not be stored; hosts will send them again", &error);
                before.into_iter().rev().for_each(|line| self.ledgers.undo(line));
                return false;
            }
        };
        let mut transitions = Vec::new();
        for ReceivedBatch { checked, origin, app } in fresh.iter().map(Box::as_ref) {
            self.logged_bytes += checked.bytes().len();
            self.add(&checked.batch(), (origin, Some(app)), now, |_| true, &mut transitions);
        }
        self.last_batch = last;
        self.shared.counters.batches.add(fresh.len() as u64);
        self.persist_and_broadcast(&transitions, "breaker", "");
        true
    }

    fn admit(&mut self, batch: &ReceivedBatch, now: Millis) -> Result<(Receipt, Before), BatchRefusal> {
        let header = batch.checked.header();
        if u64::from(header.age) > oldest_ms(batch.origin.role) {
            return Err(BatchRefusal::TooOld);
        }
        if !self.ledgers.has_room_for(header, batch.origin.role) {
            return Err(BatchRefusal::Full);
        }
        match self.ledgers.accept(header, &batch.origin, now) {
            (Receipt::Gap, _) => Err(BatchRefusal::Gap),
            accepted => Ok(accepted),
        }
    }

    fn count_refusal(&self, refusal: BatchRefusal) {
        let counters = &self.shared.counters;
        if refusal == BatchRefusal::Gap { counters.gaps.add(1) } else { counters.invalid.add(1) }
    }

    /// Counts a batch. It is evidence for a breaker only if `is_evidence` holds: a restored breaker may contain it
    /// already.
    pub(super) fn add(
        &mut self,
        batch: &Batch<'_>,
        (origin, app): (&Origin, Option<&AppVersion>),
        now: Millis,
        is_evidence: impl Fn(&str) -> bool,
        transitions: &mut Vec<SourcedTransition>,
    ) {
        let (instance, published) = (batch.header().instance, Arc::clone(&self.published));
        // Strangers have client keys: they could list hosts and name metrics until there is no room for others.
        let is_server = !origin.role.is_public();
        let counted_at = now.0.saturating_sub(batch.header().age.into());
        let page = origin.page(batch.header());
        self.settle_before(now);
        let app = app.map(|app| self.asking.app(app, !is_server, now));
        let mut expected = FlagId(0);
        for counted in batch.flags() {
            // A page counts what it was given. So its counts reveal nothing of other flags, and change none.
            if !published.is_for(origin.role, counted.key()) {
                self.shared.counters.unknown_flags.add(1);
                continue;
            }
            // Hosts write flags in the order of their keys, so mostly it is the next one.
            let is_expected = published.snapshot.describe(expected).is_some_and(|flag| flag.key() == counted.key());
            let id = if is_expected { Some(expected) } else { published.snapshot.flag(counted.key()) };
            expected = FlagId(id.map_or(0, |id| id.0 + 1));
            let Some(place) = self.totals.place(counted.key(), id) else {
                self.shared.counters.unknown_flags.add(1);
                continue;
            };
            let totals = self.totals.at_mut(place);
            totals.counts.last_counted = totals.counts.last_counted.max(counted_at);
            let added = totals.add(&counted, |name| id.is_some_and(|id| published.has_variant(id, name)));
            if totals.mark_counted() {
                self.series.mark(place, now);
            }
            if let Some(app) = app {
                self.asking.add(app, place, added.decisions);
            }
            let Some(id) = id else { continue };
            self.touched.insert(id);
            let fleet_trip = self.fleet_trip_of(id);
            let counts = counted.evidence();
            if fleet_trip.1.is_some()
                && (counts.treatment.total > 0 || counts.control.total > 0)
                && is_evidence(counted.key())
            {
                self.weigh((counted.key(), id), &counts, page.as_ref(), now, transitions);
            }
            if is_server {
                self.hosts.note(
                    instance,
                    counted.key(),
                    Hosts::disagreement(&counts, added.held_back, fleet_trip),
                    now,
                );
            }
        }
        if is_server { self.totals.customs.add(batch) } else { self.totals.customs.refuse(batch) }
    }

    /// The fleet's trip of a flag, and its generation if it has a breaker.
    pub(super) fn fleet_trip_of(&self, flag: FlagId) -> (TripState, Option<u32>) {
        (self.guards.trips().state(flag), self.guards.breaker(flag).map(|(breaker, _)| breaker.generation()))
    }
}
