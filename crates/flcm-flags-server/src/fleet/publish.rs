//! Publishing: another revision replaces the one in use, and breakers keep their state.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use flcm_flags::breaker::Mode;
use flcm_flags::{FlagId, Millis, Snapshot, Source, TripState};
use flcm_flags_host::FleetGuards;
use serde_json::json;

use super::removal::listed;
use super::touched::Touched;
use super::{Fleet, FleetError, PublishRequest};
use crate::notification::{EventKind, Notification, NotificationData, because};
use crate::published::{changed_flags, removed_flags};
use crate::store::{CommandInForce, Revision, Summary};

/// The audit names at most so many of the flags that a revision removes.
const RECORDED: usize = 1000;

impl Fleet {
    /// Stores a revision and puts it in use; returns its number. One that removes flags which are in use is refused,
    /// unless it names them.
    pub(super) fn publish(&mut self, request: PublishRequest) -> Result<u64, FleetError> {
        let PublishRequest { published, after, author, address, reason, origin, allow_removal, dry_run } = request;
        if after != self.published.number {
            return Err(FleetError::Conflict);
        }
        let removed = removed_flags(&self.published.snapshot, &published.snapshot);
        if !allow_removal {
            // What was signed elsewhere names nothing.
            let named = published.config.as_ref().map(|config| &config.removed);
            self.check_removal(&removed, named.unwrap_or(&BTreeSet::new()))?;
        }
        let (number, digest) = (published.number, published.digest());
        if dry_run {
            return Ok(number);
        }
        let detail = json!({ "digest": digest, "origin": origin, "before": after, "removed": &removed[..removed.len().min(RECORDED)] });
        let mut record = self.record(&author, "publish", &reason, detail);
        record.revision = Some(number);
        record.address = address.map(|address| address.to_string());
        let summary = Summary { number, at: record.at, author, reason, origin: origin.to_owned(), digest };
        let revision = Revision { summary, document: published.text.clone() };
        // Batches since the last checkpoint were counted under the revision in use; the next one may not have their
        // flags.
        let announced = self.announcement(&revision.summary, &removed);
        let deliveries = self.deliveries_of(EventKind::Publish, &announced);
        let flags = changed_flags(Some(&self.published), &published);
        let stored = self.checkpoint().and_then(|()| self.store.publish(&revision, &flags, &record, &deliveries));
        stored.map_err(|error| {
            self.log_store_failure("a revision could not be stored; the previous one stays in use", &error);
            FleetError::NotStored(error)
        })?;
        let Summary { at, author, reason, .. } = revision.summary;
        tracing::info!(revision = number, author, reason, origin, "published");
        if !removed.is_empty() {
            tracing::warn!(revision = number, author, "the revision has removed {}", listed(&removed));
        }
        self.published_at = Millis(at);
        self.follow(published);
        // Flags have other numbers now, and pages read all of them again.
        self.touched = Touched::default();
        self.totals.renumber();
        self.announce_audit();
        Ok(number)
    }

    fn announcement(&mut self, summary: &Summary, removed: &[String]) -> Notification {
        let Summary { number, author, reason, origin, .. } = summary;
        let mut text = because(format!("{author} published revision {number}"), reason);
        if !removed.is_empty() {
            text = format!("{text}; it removes {}", listed(removed));
        }
        let removed = removed[..removed.len().min(RECORDED)].to_vec();
        let data = NotificationData { text, revision: Some(*number), removed, ..self.data_of(author, reason) };
        let name = if origin == "revert" { "revision.reverted" } else { "revision.published" };
        self.notification(name, data)
    }

    fn follow(&mut self, published: crate::published::Published) {
        let published = published.behind(&self.published);
        let before = std::mem::replace(&mut self.published, Arc::new(published));
        let (snapshot, now) = (&self.published.snapshot, self.clock.now());
        let mut guards = FleetGuards::none(snapshot.flags().len());
        guards.guard(snapshot, now);
        let mut transitions = Vec::new();
        guards.carry(snapshot, (&self.guards, &before.snapshot), now, &mut transitions);
        let guards = std::mem::replace(&mut self.guards, guards);
        self.retain_trips(&guards, &before.snapshot);
        self.forget_commands();
        self.ignored.clear();
        self.apply_holds();
        self.persist_transitions(&transitions, "breaker", "the document has changed");
        self.broadcast();
    }

    /// Applies the holds to the flags of the revision in use.
    pub(super) fn apply_holds(&mut self) {
        let snapshot = &self.published.snapshot;
        let flags = self.holds.iter().filter_map(|(key, trip)| Some((snapshot.flag(key)?, *trip)));
        for (flag, trip) in flags.collect::<Vec<_>>() {
            self.set_external_trip(flag, trip);
        }
    }

    /// Sets the trip of a flag that does not come from its breaker; the stricter of both is in force.
    pub(super) fn set_external_trip(&mut self, flag: FlagId, trip: TripState) {
        self.guards.set_external_trip(flag, trip);
    }

    /// Keeps the trips of flags that have lost the breaker that tripped, or are gone. They stay until an operator
    /// releases them, even if the flag comes back.
    fn retain_trips(&mut self, before: &FleetGuards, older: &Snapshot<Bytes>) {
        for id in older.flags() {
            let Some(key) = older.describe(id).filter(|_| before.breaker(id).is_some()).map(|flag| flag.key()) else {
                continue;
            };
            let flag = self.published.snapshot.flag(key);
            let guarded_by = |source| flag.is_some_and(|flag| self.guards.breaker_of(source, flag).is_some());
            let trip = if guarded_by(Source::Servers) || guarded_by(Source::Pages) {
                self.guards.retained(flag, (before, id))
            } else {
                self.unstored.flags.insert(key.to_owned());
                before.trips().state(id)
            };
            if trip != TripState::Clear {
                self.hold_behind_breaker(key, trip);
            }
        }
    }

    /// Holds a flag as its breaker has left it.
    pub(super) fn hold_behind_breaker(&mut self, key: &str, trip: TripState) {
        self.holds.insert(key.to_owned(), trip);
        self.unstored.holds = true;
        // An operator's command comes first: the breaker only carried it out.
        if !self.commands.contains_key(key) {
            let (at, reason) = self
                .events
                .get(key)
                .map_or((self.clock.now(), String::new()), |event| (event.transition.at, event.text()));
            let command = CommandInForce { actor: "breaker".to_owned(), reason, at: at.0 };
            self.commands.insert(key.to_owned(), command);
        }
    }

    /// Forgets commands that went with the breaker of their flag, such as `observe`.
    pub(super) fn forget_commands(&mut self) {
        let (holds, guards, snapshot) = (&self.holds, &self.guards, &self.published.snapshot);
        let mode = |key: &str| Some(guards.breaker(snapshot.flag(key)?)?.0.mode());
        let before = self.commands.len();
        self.commands.retain(|key, _| holds.contains_key(key) || mode(key).is_some_and(|mode| mode != Mode::Auto));
        self.unstored.holds |= self.commands.len() != before;
    }
}
