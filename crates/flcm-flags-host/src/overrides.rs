//! What a host was told about its flags from outside their own breakers: holds of an operator, and trips of the fleet.

use flcm_flags::TripState;

use crate::keyed::Keyed;

/// What the fleet's server says about a flag.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FleetFlag {
    /// The state of the fleet's breaker.
    pub trip: TripState,
    /// The generation under which the fleet's breaker takes counts as evidence.
    pub generation: Option<u32>,
}

/// The fleet's state by flag key. A flag that is not in it is clear.
pub type FleetState = Keyed<FleetFlag>;

/// Holds and the fleet's state. Both outlive the snapshot in use: they are kept by flag key, and flags may come later than
/// what is said about them.
#[derive(Debug, Default)]
pub struct Overrides {
    fleet: FleetState,
    held: Keyed<()>,
}

impl Overrides {
    /// What was known before a restart.
    #[must_use]
    pub fn new(fleet: FleetState, held: Keyed<()>) -> Self {
        Self { fleet, held }
    }

    /// Takes the whole state of the fleet; answers the one before.
    pub fn set_fleet(&mut self, fleet: FleetState) -> FleetState {
        core::mem::replace(&mut self.fleet, fleet)
    }

    /// Holds a flag, or ends its hold; whether that changed anything.
    pub fn set_held(&mut self, key: &str, held: bool) -> bool {
        if held { self.held.insert(key, ()).is_none() } else { self.held.remove(key).is_some() }
    }

    /// The trip of a flag apart from its own breaker's. A hold is stricter than anything the fleet can say.
    #[must_use]
    pub fn external(&self, key: &str) -> TripState {
        if self.held.get(key).is_some() {
            return TripState::HeldOff;
        }
        self.fleet.get(key).map_or(TripState::Clear, |flag| flag.trip)
    }

    /// The generation of the fleet's breaker of a flag, if the server named it.
    #[must_use]
    pub fn generation(&self, key: &str) -> Option<u32> {
        self.fleet.get(key)?.generation
    }

    /// The keys of all flags about which something is said; one may come twice.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.fleet.keys().chain(self.held.keys())
    }

    /// The trips of the fleet that are not clear, by flag key.
    #[must_use]
    pub fn fleet_trips(&self) -> Keyed<TripState> {
        let tripped = self.fleet.iter().filter(|(_, flag)| flag.trip != TripState::Clear);
        tripped.map(|(key, flag)| (key, flag.trip)).collect()
    }
}
