//! What a host keeps beside its snapshot: holds, the fleet's state, and breakers that were stored before the start.

use std::collections::{BTreeMap, BTreeSet};

use flcm_flags::breaker::{Event, Mode};
use flcm_flags::metrics::batch::Header;
use flcm_flags::{Arm, FlagId, Millis, Snapshot, TripState};
use flcm_flags_host::{FleetFlag, FleetState, Host, HostState, Outcome, PersistedState};

const START: u64 = 1_800_000_000_000;

const RISKY: &str = "flags: { risky: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05 } } }";
const PLAIN: &str = "flags: { plain: { rollout: { percentage: 100 } } }";
const BOTH: &str = "flags: {
  plain: { rollout: { percentage: 100 } },
  risky: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05 } },
}";

fn load(document: &str) -> Snapshot<Vec<u8>> {
    let (config, diagnostics) = flcm_flags_config::check(document);
    let config = config.unwrap_or_else(|| panic!("{}", diagnostics.render("document", document, false)));
    Snapshot::from_bytes(flcm_flags_config::compile(&config)).unwrap()
}

/// A call of somebody who had the feature.
const CALL: Outcome = Outcome {
    arm: Arm::Treatment,
    variant: None,
    unit: None,
    failed: false,
    missing: false,
    duration: f64::NAN,
    generation: 0,
};

/// A host with a snapshot in use.
struct World {
    host: Host,
    snapshot: Snapshot<Vec<u8>>,
    state: HostState,
    now: u64,
}

impl World {
    fn new(document: &str, stored: PersistedState) -> (Self, Vec<String>) {
        let (mut host, snapshot) = (Host::new(stored), load(document));
        let mut state = HostState::none(snapshot.flags().len());
        let unread = host.follow((&snapshot, &mut state), None, Millis(START));
        let unread = unread.into_iter().map(|(key, _)| key).collect();
        (Self { host, snapshot, state, now: START }, unread)
    }

    fn update(&mut self, document: &str) {
        let next = load(document);
        let mut state = HostState::none(next.flags().len());
        assert!(state.measure_totals(&next));
        let before = Some((&self.snapshot, &mut self.state));
        assert_eq!(self.host.follow((&next, &mut state), before, Millis(self.now)), []);
        (self.snapshot, self.state) = (next, state);
    }

    fn flag(&self, key: &str) -> FlagId {
        self.snapshot.flag(key).unwrap()
    }

    fn trip(&self, key: &str) -> TripState {
        self.state.guards.trips().state(self.flag(key))
    }

    fn fleet(&mut self, trips: &[(&str, TripState)]) -> BTreeMap<String, TripState> {
        self.fleet_at(9, trips)
    }

    /// The fleet's state, its breakers in this generation.
    fn fleet_at(&mut self, generation: u32, trips: &[(&str, TripState)]) -> BTreeMap<String, TripState> {
        let generation = Some(generation);
        let flag = |(key, trip): &(&str, TripState)| ((*key).to_owned(), FleetFlag { trip: *trip, generation });
        let fleet: FleetState = trips.iter().map(flag).collect();
        self.host.apply_fleet_state(fleet, Some((&self.snapshot, &mut self.state)), Millis(self.now))
    }

    fn set_mode(&mut self, key: &str, mode: Mode) {
        let flag = self.flag(key);
        self.host.set_mode((&self.snapshot, &mut self.state), flag, mode, Millis(self.now));
    }

    /// Calls that all fail where the feature is on, until it is rolled back; answers what happened to the breaker.
    fn fail(&mut self, key: &str) -> Vec<Event> {
        let flag = self.flag(key);
        for number in 0..6000_u64 {
            let (arm, failed) = if number % 2 == 0 { (Arm::Treatment, true) } else { (Arm::Control, false) };
            let unit = Some(number);
            let outcome = Outcome { arm, unit, failed, ..CALL };
            self.state.outcome(&self.snapshot, flag, &outcome, Millis(self.now));
            self.now += 10;
        }
        self.now += 1000;
        self.state.guards.poll(&self.snapshot, Millis(self.now), &mut self.state.transitions);
        let transitions = self.host.take_transitions((&self.snapshot, &mut self.state));
        transitions.into_iter().map(|(_, transition)| transition.event).collect()
    }

    /// What is stored from now on.
    fn stored(&mut self) -> PersistedState {
        let bytes = self.host.persistence.begin_write(None);
        self.host.persistence.written(true);
        PersistedState::from_bytes(&bytes).unwrap()
    }
}

#[test]
fn a_hold_is_stricter_than_the_fleet_and_both_end_on_their_own() {
    let (mut world, _) = World::new(PLAIN, PersistedState::default());
    let capped = TripState::Capped(500);
    world.fleet(&[("plain", capped)]);
    assert_eq!(world.trip("plain"), capped);
    world.set_mode("plain", Mode::Held);
    assert_eq!(world.trip("plain"), TripState::HeldOff);
    assert!(world.fleet(&[("plain", TripState::Clear)]).is_empty(), "clear trips are no trips");
    assert_eq!(world.trip("plain"), TripState::HeldOff);
    world.fleet(&[("plain", capped)]);
    world.set_mode("plain", Mode::Auto);
    assert_eq!(world.trip("plain"), capped);
    world.fleet(&[]);
    assert_eq!(world.trip("plain"), TripState::Clear, "a flag that is not named is clear");
}

#[test]
fn a_trip_of_this_host_gives_way_to_a_newer_decision_of_the_fleet() {
    let (mut world, _) = World::new(RISKY, PersistedState::default());
    world.fleet_at(3, &[("risky", TripState::Clear)]);
    assert!(world.fail("risky").contains(&Event::Tripped));
    world.fleet_at(3, &[("risky", TripState::Clear)]);
    assert_eq!(world.trip("risky"), TripState::HeldOff, "the fleet has decided nothing since");
    world.fleet_at(4, &[("risky", TripState::HeldOff)]);
    assert_eq!(world.trip("risky"), TripState::HeldOff, "the fleet's own");
    world.fleet_at(5, &[("risky", TripState::Clear)]);
    assert_eq!(world.trip("risky"), TripState::Clear);
}

#[test]
fn what_was_said_of_a_flag_that_comes_later_holds_from_its_first_moment() {
    let (mut world, _) = World::new(PLAIN, PersistedState::default());
    world.fleet(&[("risky", TripState::HeldOff)]);
    world.update(BOTH);
    assert_eq!(world.trip("risky"), TripState::HeldOff);
    assert_eq!(world.trip("plain"), TripState::Clear);
}

#[test]
fn holds_and_the_fleet_s_trips_are_stored_and_hold_again_after_a_restart() {
    let (mut world, _) = World::new(BOTH, PersistedState::default());
    world.fleet(&[("risky", TripState::Capped(500)), ("gone", TripState::HeldOff)]);
    world.set_mode("plain", Mode::Held);
    let stored = world.stored();
    assert_eq!(stored.held, BTreeSet::from(["plain".to_owned()]));
    assert_eq!(stored.fleet.keys().collect::<Vec<_>>(), ["gone", "risky"]);
    let (next, unread) = World::new(BOTH, stored);
    assert!(unread.is_empty());
    assert_eq!([next.trip("plain"), next.trip("risky")], [TripState::HeldOff, TripState::Capped(500)]);
}

#[test]
fn a_rolled_back_breaker_is_stored_and_waits_for_its_flag_after_a_restart() {
    let (mut world, _) = World::new(RISKY, PersistedState::default());
    assert_eq!(world.fail("risky"), [Event::Tripped]);
    let off = world.trip("risky");
    assert_ne!(off, TripState::Clear);
    let (mut next, unread) = World::new(PLAIN, world.stored());
    assert!(unread.is_empty(), "its flag is not there yet");
    next.now = world.now;
    next.update(BOTH);
    assert_eq!(next.trip("risky"), off);
}

#[test]
fn a_stored_breaker_that_cannot_be_read_is_named_and_the_flag_begins_anew() {
    let breakers = BTreeMap::from([("risky".to_owned(), vec![1, 2, 3])]);
    let (world, unread) = World::new(RISKY, PersistedState { breakers, ..PersistedState::default() });
    assert_eq!(unread, ["risky"]);
    assert_eq!(world.trip("risky"), TripState::Clear);
}

#[test]
fn totals_outlive_a_batch_and_an_update() {
    let (mut world, _) = World::new(RISKY, PersistedState::default());
    world.update(BOTH);
    let flag = world.flag("risky");
    let outcome = Outcome { failed: true, duration: 1.0, ..CALL };
    let calls = |world: &World| {
        let counted = world.state.counted(world.flag("risky"));
        counted.map_or(0, |counted| counted.summary().outcomes.treatment.total)
    };
    world.state.outcome(&world.snapshot, flag, &outcome, Millis(world.now));
    assert!(world.state.drain(&world.snapshot, Header::default()).is_some());
    assert!(world.state.drain(&world.snapshot, Header::default()).is_none(), "nothing is drained twice");
    assert_eq!(calls(&world), 1);
    world.update(RISKY);
    let flag = world.flag("risky");
    world.state.outcome(&world.snapshot, flag, &outcome, Millis(world.now));
    assert_eq!(calls(&world), 2);
}
