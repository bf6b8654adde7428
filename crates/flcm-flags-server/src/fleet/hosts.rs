//! Hosts that disagree with the fleet: their own breaker holds a flag back, or they have not received a rollback yet.

use std::collections::BTreeMap;

use flcm_flags::{Counts, Millis, TripState};
use serde::Serialize;
use utoipa::ToSchema;

/// A disagreement is forgotten when no batch has shown it for this long.
const FORGET_MS: u64 = 60_000;

/// At most so many hosts are listed for a flag.
const MOST: usize = 100;

/// How a host disagrees.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Disagreement {
    /// It counts under an earlier generation: it has not received a change yet.
    Behind,
    /// Its own breaker holds the flag back, and the fleet's does not.
    Stricter,
}

/// A host that disagrees about a flag.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Host {
    /// The number that the host has chosen for itself, in 16 hexadecimal digits.
    #[serde(serialize_with = "hexadecimal")]
    #[schema(value_type = String)]
    pub(crate) instance: u64,
    /// How it disagrees.
    pub(crate) disagreement: Disagreement,
    /// Since when, in milliseconds since 1970.
    pub(crate) since: u64,
    /// When its latest batch arrived, in milliseconds since 1970.
    pub(crate) last_seen: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn hexadecimal<S: serde::Serializer>(instance: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{instance:016x}"))
}

#[derive(Debug, Default)]
pub(super) struct Hosts(BTreeMap<String, BTreeMap<u64, Host>>);

impl Hosts {
    /// How the counts of a host disagree with the fleet's trip, and with its generation if the flag has a breaker.
    pub(super) fn disagreement(
        counts: &Counts,
        held_back: bool,
        (trip, generation): (TripState, Option<u32>),
    ) -> Option<Disagreement> {
        if counts.treatment.total > 0 && generation.is_some_and(|current| counts.generation < current) {
            return Some(Disagreement::Behind);
        }
        (held_back && trip == TripState::Clear).then_some(Disagreement::Stricter)
    }

    /// Records whether the latest batch of a host disagrees about a flag.
    pub(super) fn note(&mut self, instance: u64, flag: &str, disagreement: Option<Disagreement>, now: Millis) {
        let Some(disagreement) = disagreement else {
            if let Some(hosts) = self.0.get_mut(flag) {
                hosts.remove(&instance);
            }
            return;
        };
        let hosts = self.0.entry(flag.to_owned()).or_default();
        let since =
            hosts.get(&instance).filter(|host| host.disagreement == disagreement).map_or(now.0, |host| host.since);
        if hosts.len() < MOST || hosts.contains_key(&instance) {
            hosts.insert(instance, Host { instance, disagreement, since, last_seen: now.0 });
        }
    }

    /// Forgets disagreements that no batch has shown for a while.
    pub(super) fn forget(&mut self, now: Millis) {
        for hosts in self.0.values_mut() {
            hosts.retain(|_, host| now.0.saturating_sub(host.last_seen) < FORGET_MS);
        }
        self.0.retain(|_, hosts| !hosts.is_empty());
    }

    pub(super) fn of(&self, flag: &str) -> Vec<Host> {
        self.0.get(flag).map(|hosts| hosts.values().copied().collect()).unwrap_or_default()
    }
}
