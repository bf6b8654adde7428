//! What overrides a host's own breakers from outside: holds of an operator, and trips of the fleet.

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;

use flcm_flags::TripState;

/// The state of a flag in the fleet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FleetFlag {
    /// The state of the fleet's breaker.
    pub trip: TripState,
    /// The generation under which the fleet's breaker takes counts as evidence.
    pub generation: Option<u32>,
}

/// The fleet's state by flag key. A flag that is not in it is clear.
pub type FleetState = BTreeMap<String, FleetFlag>;

/// Holds and the fleet's state. Both outlive the snapshot in use: they are stored by flag key, because flags may come
/// later than their overrides.
#[derive(Debug, Default)]
pub struct Overrides {
    fleet: FleetState,
    held: BTreeSet<String>,
}

impl Overrides {
    /// What was known before a restart.
    #[must_use]
    pub fn new(fleet: FleetState, held: BTreeSet<String>) -> Self {
        Self { fleet, held }
    }

    /// Takes the whole state of the fleet. Answers the keys of all flags that it names, or named before, and for
    /// each whether the fleet's breaker has decided anew since: its generation is higher.
    pub fn set_fleet(&mut self, fleet: FleetState) -> BTreeMap<String, bool> {
        let before = core::mem::replace(&mut self.fleet, fleet);
        let keys = before.keys().chain(self.fleet.keys());
        keys.map(|key| (key.clone(), self.has_advanced(&before, key))).collect()
    }

    fn has_advanced(&self, before: &FleetState, key: &str) -> bool {
        let before = before.get(key).and_then(|flag| flag.generation);
        before.zip(self.generation(key)).is_some_and(|(before, now)| now > before)
    }

    /// Holds a flag, or ends its hold; whether that changed anything.
    pub fn set_held(&mut self, key: &str, held: bool) -> bool {
        if held { self.held.insert(key.to_owned()) } else { self.held.remove(key) }
    }

    /// The trip of a flag apart from its own breaker's. A hold is stricter than any trip of the fleet.
    #[must_use]
    pub fn external(&self, key: &str) -> TripState {
        if self.held.contains(key) {
            return TripState::HeldOff;
        }
        self.fleet.get(key).map_or(TripState::Clear, |flag| flag.trip)
    }

    /// The generation of the fleet's breaker of a flag, if the server named it.
    #[must_use]
    pub fn generation(&self, key: &str) -> Option<u32> {
        self.fleet.get(key)?.generation
    }

    /// The keys of all flags that are held or named by the fleet.
    #[must_use]
    pub fn keys(&self) -> BTreeSet<String> {
        self.fleet.keys().chain(&self.held).cloned().collect()
    }

    /// The trips of the fleet that are not clear, by flag key.
    #[must_use]
    pub fn fleet_trips(&self) -> BTreeMap<String, TripState> {
        let tripped = self.fleet.iter().filter(|(_, flag)| flag.trip != TripState::Clear);
        tripped.map(|(key, flag)| (key.clone(), flag.trip)).collect()
    }
}
