//! Transitions are stored, then broadcast. What cannot be stored is in force all the same, and is stored as soon as
//! possible.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Fleet, SourcedTransition};
use crate::keys::Role;
use crate::notification::kind_of;
use crate::serving::{Events, FleetFlag, ServingState, snapshot_event, trips_event};
use crate::store::{Changes, Checkpoint, Record, Stored, StoredBreaker, WebhookDelivery, audit_of};
use crate::transition::FleetTransition;

/// What is in force, and not yet stored.
#[derive(Debug, Default)]
pub(super) struct Unstored {
    pub(super) flags: BTreeSet<String>,
    pub(super) records: Vec<Record>,
    pub(super) deliveries: Vec<WebhookDelivery>,
    /// Whether a hold or a command has changed.
    pub(super) holds: bool,
}

impl Unstored {
    pub(super) fn is_empty(&self) -> bool {
        self.flags.is_empty() && self.records.is_empty() && self.deliveries.is_empty() && !self.holds
    }
}

impl Fleet {
    /// Stores transitions, then broadcasts the new state, whether or not they could be stored.
    pub(super) fn persist_and_broadcast(&mut self, transitions: &[SourcedTransition], actor: &str, reason: &str) {
        if !transitions.is_empty() {
            self.persist_transitions(transitions, actor, reason);
            self.broadcast();
        }
    }

    /// Stores transitions, and whatever else is not stored yet. That comes before the broadcast: what hosts have
    /// received, and its generation, must survive a kill.
    pub(super) fn persist_transitions(&mut self, transitions: &[SourcedTransition], actor: &str, reason: &str) {
        for (id, source, transition) in transitions {
            let Some(flag) = self.published.snapshot.describe(*id) else { continue };
            let (flag, actor) = (flag.key().to_owned(), actor.to_owned());
            let happened = FleetTransition { flag: flag.clone(), actor, source: *source, transition: *transition };
            tracing::warn!(flag, event = %transition.event, actor = happened.actor, "{}", happened.text());
            self.unstored.records.push(audit_of(&happened, reason));
            if let Some(kind) = kind_of(transition) {
                self.enqueue_transition(kind, &happened, reason);
            }
            self.touched.insert(*id);
            self.begin_incident(&happened);
            self.unstored.flags.insert(flag.clone());
            self.events.insert(flag, happened);
        }
        self.store_changes();
    }

    /// Replaces the state from which requests and streams are served by the current one.
    pub(super) fn broadcast(&mut self) {
        self.sequence += 1;
        let serving = ServingState { published: Arc::clone(&self.published), trips: self.guards.trips().clone() };
        self.shared.serving.store(Arc::new(serving));
        let flags = self.fleet_flags();
        let events = |role| {
            let flags = flags.iter().filter(|(key, _)| self.published.is_for(role, key));
            let flags = flags.map(|(key, flag)| (*key, *flag)).collect();
            let trips = trips_event(self.epoch, self.sequence, &flags);
            Events { snapshot: snapshot_event(&self.published, role), trips }
        };
        let all = events(Role::Server);
        let of_clients = if self.published.is_whole_for_clients() { all.clone() } else { events(Role::Client) };
        self.shared.stream.send_modify(|stream| {
            stream.all = all;
            stream.of_clients = of_clients;
        });
    }

    /// Every flag that has a breaker or is held back.
    pub(super) fn fleet_flags(&self) -> BTreeMap<&str, FleetFlag> {
        let snapshot = &self.published.snapshot;
        let flags = snapshot.flags().filter_map(|id| {
            let (trip, generation) = self.fleet_trip_of(id);
            let is_announced = generation.is_some() || trip != flcm_flags::TripState::Clear;
            let state = FleetFlag { trip, generation: generation.unwrap_or(0) };
            is_announced.then_some((snapshot.describe(id)?.key(), state))
        });
        flags.collect()
    }

    /// Stores what is in force and not stored yet. If that fails, the next tick tries again.
    pub(super) fn store_changes(&mut self) {
        if let Err(error) = self.store_unstored() {
            self.log_store_failure("changes are in force, but could not be stored; trying again each second", &error);
        }
    }

    fn store_unstored(&mut self) -> Stored<()> {
        if self.unstored.is_empty() {
            return Ok(());
        }
        let Unstored { flags, records, deliveries, holds } = &self.unstored;
        let is_guarded =
            |key: &str| self.published.snapshot.flag(key).is_some_and(|id| self.guards.breaker(id).is_some());
        let happened = Changes {
            breakers: flags.iter().filter_map(|key| self.stored_breaker(key)).collect(),
            gone: flags.iter().map(String::as_str).filter(|key| !is_guarded(key)).collect(),
            records,
            deliveries,
            holds: holds.then_some(&self.holds),
            commands: holds.then_some(&self.commands),
        };
        self.store.record(&happened)?;
        self.unstored = Unstored::default();
        self.announce_audit();
        Ok(())
    }

    fn stored_breaker(&self, key: &str) -> Option<StoredBreaker> {
        let saved = self.guards.save(self.published.snapshot.flag(key)?)?;
        let event = self.events.get(key).cloned();
        Some(StoredBreaker { flag: key.to_owned(), saved, upto: self.last_batch, event })
    }

    /// Like [`checkpoint`](Self::checkpoint), but a failure is only logged. Whether it succeeded.
    pub(super) fn make_checkpoint(&mut self) -> bool {
        let made = self.checkpoint();
        self.is_failing = made.is_err();
        if let Err(error) = &made {
            self.log_store_failure("the checkpoint could not be stored; trying again", error);
        }
        made.is_ok()
    }

    /// Stores the totals of all batches, so that the batches need not be counted again.
    pub(super) fn checkpoint(&mut self) -> Stored<()> {
        let now = self.clock.now();
        self.checkpointed = now;
        self.settle();
        self.asking.settle();
        // First the transitions that those batches caused: without the batches they could not be derived again.
        self.store_unstored()?;
        let gone = self.ledgers.gone(now);
        let mut series = std::mem::take(&mut self.series);
        let counted = series.unstored(&self.totals, now, |key| self.gauge(key));
        let point = Checkpoint {
            ledgers: self.ledgers.changed(),
            gone,
            breakers: self.totals.changed().filter_map(|key| self.stored_breaker(key)).collect(),
            totals: self.totals.to_store().collect(),
            customs: self.totals.stored_customs(),
            series: counted,
            clock: now,
            upto: self.last_batch,
        };
        let stored = self.store.checkpoint(&point);
        drop(point);
        self.series = series;
        self.series.mark_stored(now, stored?);
        self.ledgers.mark_stored();
        self.totals.mark_stored();
        self.logged_bytes = 0;
        Ok(())
    }
}
