//! What a host holds beside the snapshot in use: overrides of its flags, and what is to survive a restart.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use flcm_flags::breaker::{BreakerError, Mode, Scope};
use flcm_flags::{FlagId, Millis, Snapshot, TripState};

use crate::breakers::FlagTransition;
use crate::overrides::{FleetFlag, FleetState, Overrides};
use crate::persistence::{PersistedState, Persistence};
use crate::state::HostState;

/// A transition of a breaker is reported to the fleet's server within so many milliseconds.
pub const REPORT_TRANSITION_WITHIN: u64 = 100;

/// A failure is reported within so many milliseconds: it may be one of many that only the fleet sees together.
pub const REPORT_FAILURE_WITHIN: u64 = 5000;

/// Breakers are polled within so many milliseconds of an outcome: that is when its second is over.
pub const POLL_AFTER_OUTCOME: u64 = 1000;

/// A snapshot and its state.
pub type InUse<'a, B> = (&'a Snapshot<B>, &'a mut HostState);

/// Overrides and persistence of a host. Its calls are given the snapshot in use and its state.
#[derive(Debug, Default)]
pub struct Host {
    overrides: Overrides,
    /// Changes that are to be written.
    pub persistence: Persistence,
    /// Whether the state of the fleet may only hold flags back: it is not signed, where snapshots must be.
    pub only_stricter: bool,
    /// Breakers that were stored before the start, until their flags come.
    restored: BTreeMap<String, Vec<u8>>,
}

impl Host {
    /// A host that goes on with what was stored.
    #[must_use]
    pub fn new(PersistedState { breakers, fleet, held }: PersistedState) -> Self {
        let fleet = fleet.into_iter().map(|(key, trip)| (key, FleetFlag { trip, generation: None })).collect();
        Self {
            overrides: Overrides::new(fleet, held),
            persistence: Persistence::default(),
            only_stricter: false,
            restored: breakers,
        }
    }

    /// Takes over from the snapshot before; the first one takes what was stored. Answers the flags whose stored
    /// breakers cannot be read.
    pub fn follow<B: AsRef<[u8]>>(
        &mut self,
        (snapshot, state): InUse<'_, B>,
        before: Option<InUse<'_, B>>,
        now: Millis,
    ) -> Vec<(String, BreakerError)> {
        match before {
            Some((older, before)) => state.take_over(snapshot, (before, older), now),
            None => state.guard(snapshot, Scope::Host, now),
        }
        let unread = self.restore(snapshot, state);
        // Trips of flags that both snapshots have were taken over; flags that are new may have been spoken about
        // before.
        for key in self.overrides.keys() {
            self.apply((snapshot, state), &key);
        }
        unread
    }

    /// Takes the fleet's state, whole: a flag that is not named is clear. Where the fleet's breaker has decided anew to let
    /// a flag go on, a trip of this host's own gives way to it, unless the fleet may only hold back. Answers the trips
    /// that are not clear.
    pub fn apply_fleet_state<B: AsRef<[u8]>>(
        &mut self,
        fleet: FleetState,
        in_use: Option<InUse<'_, B>>,
        now: Millis,
    ) -> BTreeMap<String, TripState> {
        let keys = self.overrides.set_fleet(fleet);
        if let Some((snapshot, state)) = in_use {
            for (key, has_advanced) in keys {
                self.apply((snapshot, state), &key);
                let lets_go_on =
                    has_advanced && !self.only_stricter && self.overrides.external(&key) != TripState::HeldOff;
                if let Some(flag) = snapshot.flag(&key).filter(|_| lets_go_on) {
                    self.acknowledge((snapshot, state), flag, now);
                }
            }
        }
        let trips = self.overrides.fleet_trips();
        self.persistence.fleet(trips.clone());
        trips
    }

    /// Sets how far the breaker of a flag may go. A flag without one can only be held.
    pub fn set_mode<B: AsRef<[u8]>>(&mut self, (snapshot, state): InUse<'_, B>, flag: FlagId, mode: Mode, now: Millis) {
        let Some(key) = snapshot.describe(flag).map(|flag| flag.key().to_owned()) else { return };
        // A hold stands beside the breaker: an update may take that away, or bring one.
        let is_held = mode == Mode::Held;
        if self.overrides.set_held(&key, is_held) {
            self.persistence.held(&key, is_held);
        }
        self.apply((snapshot, state), &key);
        let HostState { guards, transitions, .. } = state;
        guards.set_mode(snapshot, flag, mode, now, transitions);
    }

    /// Lets a flag go on that was rolled back, and waits for a person.
    pub fn acknowledge<B: AsRef<[u8]>>(&self, (snapshot, state): InUse<'_, B>, flag: FlagId, now: Millis) {
        let HostState { guards, transitions, .. } = state;
        let generation = guards.breaker(flag).map_or(0, |(breaker, _)| breaker.generation());
        guards.acknowledge(snapshot, flag, generation, now, transitions);
    }

    /// What has happened to breakers since it was taken last. Their new state is to be stored.
    pub fn take_transitions<B: AsRef<[u8]>>(&mut self, (snapshot, state): InUse<'_, B>) -> Vec<FlagTransition> {
        let transitions = core::mem::take(&mut state.transitions);
        for (flag, _) in &transitions {
            let key = snapshot.describe(*flag).map(|flag| flag.key());
            if let (Some(key), Some(bytes)) = (key, state.guards.save(*flag)) {
                self.persistence.breaker(key, bytes);
            }
        }
        transitions
    }

    /// Goes on with stored breakers, each when its flag comes first.
    fn restore<B: AsRef<[u8]>>(
        &mut self,
        snapshot: &Snapshot<B>,
        HostState { guards, transitions, .. }: &mut HostState,
    ) -> Vec<(String, BreakerError)> {
        let mut unread = Vec::new();
        self.restored.retain(|key, bytes| {
            let Some(flag) = snapshot.flag(key) else { return true };
            if let Err(error) = guards.restore(flag, bytes, transitions) {
                unread.push((key.clone(), error));
            }
            false
        });
        unread
    }

    /// Sets the trip that operator and fleet ask for.
    fn apply<B: AsRef<[u8]>>(&self, (snapshot, state): InUse<'_, B>, key: &str) {
        let Some(flag) = snapshot.flag(key) else { return };
        state.guards.set_external_trip(flag, self.overrides.external(key));
        // Under this generation the fleet's breaker takes what is counted here as evidence.
        let counted = state.measures.as_mut().and_then(|measures| measures.flag(snapshot, flag));
        if let (Some(generation), Some(counted)) = (self.overrides.generation(key), counted) {
            counted.set_generation(generation);
        }
    }
}
