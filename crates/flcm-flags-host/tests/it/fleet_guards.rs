//! The breakers of a fleet: servers and pages have one each.

use std::net::Ipv4Addr;

use flcm_flags::breaker::{Breaker, Cause, Event, Mode, State};
use flcm_flags::{Counts, FlagId, Millis, Sample, Snapshot, Source, TripState};
use flcm_flags_host::{FleetGuards, Network, Page, SavedBreakers, SourcedTransition};

const START: u64 = 1_800_000_000_000;
const FLAG: FlagId = FlagId(0);
const BOTH: &str = "evidence: [servers, pages]";

fn load(threshold: &str) -> Snapshot<Vec<u8>> {
    let threshold = if threshold.is_empty() { String::new() } else { format!(", error_threshold: {{ {threshold} }}") };
    let document = format!("flags: {{ f: {{ rollout: {{ percentage: 50 }}{threshold} }} }}");
    let (config, diagnostics) = flcm_flags_config::check(&document);
    let config = config.unwrap_or_else(|| panic!("{}", diagnostics.render("document", &document, false)));
    Snapshot::from_bytes(flcm_flags_config::compile(&config)).expect("a snapshot of our own")
}

/// A flag at 50 %, its breakers, and the time.
struct World {
    snapshot: Snapshot<Vec<u8>>,
    guards: FleetGuards,
    happened: Vec<SourcedTransition>,
    now: u64,
    /// Makes each page another one.
    pages: u64,
}

impl World {
    fn new(threshold: &str) -> Self {
        let snapshot = load(&format!("rate: 0.05, {threshold}"));
        let mut guards = FleetGuards::none(snapshot.flags().len());
        guards.guard(&snapshot, Millis(START));
        Self { snapshot, guards, happened: Vec::new(), now: START, pages: 0 }
    }

    fn breaker(&self, source: Source) -> &Breaker {
        self.guards.breaker_of(source, FLAG).expect("a breaker").0
    }

    fn trip(&self) -> TripState {
        self.guards.trips().state(FLAG)
    }

    fn counts(&self, treatment: (u32, u32), control: (u32, u32)) -> Counts {
        let sample = |(total, errors)| Sample { total, errors, ..Sample::default() };
        let generation = self.guards.breaker(FLAG).expect("a breaker").0.generation();
        Counts { generation, age: 0, treatment: sample(treatment), control: sample(control) }
    }

    fn servers(&mut self, treatment: (u32, u32), control: (u32, u32)) {
        let counts = self.counts(treatment, control);
        self.guards.record(&self.snapshot, FLAG, &counts, Millis(self.now), &mut self.happened);
    }

    /// A page of each of these networks reports one outcome of each arm.
    fn pages(&mut self, networks: std::ops::Range<u32>, failed: (bool, bool)) -> bool {
        let counts = self.counts((1, failed.0.into()), (1, failed.1.into()));
        networks.fold(true, |_, number| {
            self.pages += 1;
            let network = Network::from(Ipv4Addr::from(number << 8));
            let page = Page { instance: self.pages, epoch: 1, network };
            self.guards.record_page(FLAG, &counts, &page, Millis(self.now))
        })
    }

    fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now += 1000;
            self.guards.poll(&self.snapshot, Millis(self.now), &mut self.happened);
        }
    }

    /// The feature fails on pages, until something happens.
    fn fail_on_pages(&mut self) {
        for _ in 0..30 {
            self.pages(0..40, (true, false));
            self.pass(2);
            if self.trip() != TripState::Clear {
                return;
            }
        }
        panic!("pages cannot trip: {:?}", self.happened);
    }

    fn fail_on_servers(&mut self) {
        self.servers((40, 40), (40, 0));
        self.pass(1);
    }

    fn take(&mut self) -> Vec<(Source, Event, Option<Cause>)> {
        let short = |(_, source, transition): SourcedTransition| (source, transition.event, transition.cause);
        std::mem::take(&mut self.happened).into_iter().map(short).collect()
    }

    fn publish(&mut self, threshold: &str) {
        let snapshot = load(threshold);
        let mut guards = FleetGuards::none(snapshot.flags().len());
        guards.guard(&snapshot, Millis(self.now));
        guards.carry(&snapshot, (&self.guards, &self.snapshot), Millis(self.now), &mut self.happened);
        (self.guards, self.snapshot) = (guards, snapshot);
    }
}

#[test]
fn pages_are_no_evidence_unless_the_document_names_them() {
    let mut world = World::new("window: 300");
    for _ in 0..60 {
        assert!(!world.pages(0..400, (true, false)));
        world.pass(1);
    }
    assert_eq!((world.trip(), world.take()), (TripState::Clear, vec![]));
}

#[test]
fn a_flag_is_off_when_either_trips_and_on_only_when_both_are_well() {
    let mut world = World::new(&format!("{BOTH}, recovery: auto"));
    world.fail_on_pages();
    assert_eq!(world.take(), [(Source::Pages, Event::Tripped, Some(Cause::Pages))]);
    assert_eq!((world.trip(), world.breaker(Source::Servers).state()), (TripState::HeldOff, State::Closed));

    let mut world = World::new(&format!("{BOTH}, recovery: auto"));
    world.fail_on_servers();
    assert_eq!(world.take(), [(Source::Servers, Event::Tripped, Some(Cause::Relative))]);
    assert_eq!((world.trip(), world.breaker(Source::Pages).state()), (TripState::HeldOff, State::Closed));
    world.pass(80);
    assert_eq!(world.trip(), TripState::Probing);
    // While servers probe it, pages find that it fails.
    for _ in 0..30 {
        world.pages(0..40, (true, false));
        world.pass(2);
    }
    assert_eq!(world.trip(), TripState::HeldOff, "probing and off: the stricter");
}

#[test]
fn outcomes_of_pages_hide_nothing_from_the_breaker_of_servers() {
    let delay = |masked: bool| {
        let mut world = World::new(BOTH);
        for second in 0..600 {
            world.servers((10, 3), (10, 0));
            if masked {
                world.pages(0..400, (false, true));
            }
            world.pass(1);
            if world.trip() != TripState::Clear {
                return second;
            }
        }
        panic!("never");
    };
    assert_eq!(delay(true), delay(false));
}

#[test]
fn a_trip_of_pages_never_waits_for_an_operator() {
    let mut world = World::new(&format!("{BOTH}, recovery: sticky"));
    for _ in 0..8 {
        world.fail_on_pages();
        let (pages, _) = world.guards.breaker_of(Source::Pages, FLAG).unwrap();
        assert_eq!(pages.state(), State::Open);
        for _ in 0..3_000 {
            world.pages(0..40, (false, false));
            world.pass(2);
            if world.trip() == TripState::Clear {
                break;
            }
        }
        assert_eq!(world.trip(), TripState::Clear, "{:?}", world.happened.last());
    }
    let happened = world.take();
    assert!(happened.iter().all(|(source, ..)| *source == Source::Pages), "{happened:?}");
    assert!(happened.iter().filter(|(_, event, _)| *event == Event::Recovered).count() == 8, "{happened:?}");
}

#[test]
fn one_network_that_always_lies_causes_no_rollback_in_a_day() {
    for lies in [(true, false), (false, true)] {
        let mut world = World::new(BOTH);
        for _ in 0..28_800 {
            // Few honest networks, so that one has all of the 5 % that it can have.
            world.pages(1..20, (false, false));
            world.pages(0..1, lies);
            world.servers((1, 0), (1, 0));
            world.pass(3);
        }
        assert_eq!(world.take(), [], "{lies:?}");
    }
}

#[test]
fn both_have_one_generation_and_no_two_events_the_same_identity() {
    let mut world = World::new(&format!("{BOTH}, recovery: auto"));
    for _ in 0..4 {
        world.servers((40, 40), (40, 0));
        world.fail_on_pages();
        world.servers((40, 40), (40, 0));
        for _ in 0..600 {
            world.pages(0..40, (false, false));
            world.servers((40, 0), (40, 0));
            world.pass(2);
        }
    }
    let ids: Vec<String> = world.happened.iter().map(|(_, _, transition)| transition.id("f").to_string()).collect();
    let different: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert!(ids.len() > 5 && ids.len() == different.len(), "{ids:#?}");
    let generations: Vec<u32> = world.happened.iter().map(|(_, _, transition)| transition.generation).collect();
    assert!(generations.is_sorted(), "{generations:?}");
    assert_eq!(world.breaker(Source::Servers).generation(), world.breaker(Source::Pages).generation());
}

#[test]
fn evidence_of_servers_stays_when_pages_begin_a_generation() {
    let mut world = World::new(BOTH);
    world.servers((3, 3), (30, 0));
    world.pass(1);
    let plan = *world.guards.breaker_of(Source::Servers, FLAG).unwrap().1;
    let before = world.breaker(Source::Servers).report(&plan).errors.absolute;
    world.fail_on_pages();
    let after = world.breaker(Source::Servers).report(&plan).errors.absolute;
    assert!(before > 0.0 && after >= before, "{before} {after}");
}

#[test]
fn a_command_is_for_both_and_one_event() {
    let mut world = World::new(BOTH);
    world.fail_on_pages();
    world.take();
    let (generation, now) = (world.breaker(Source::Servers).generation(), Millis(world.now));
    world.guards.acknowledge(&world.snapshot, FLAG, generation, now, &mut world.happened);
    assert_eq!((world.trip(), world.take().len()), (TripState::Clear, 1), "the trip of pages is acknowledged");

    for mode in [Mode::Held, Mode::ForcedClosed, Mode::Observe, Mode::Auto] {
        world.guards.set_mode(&world.snapshot, FLAG, mode, now, &mut world.happened);
        assert_eq!(world.take(), [(Source::Servers, Event::ModeChanged, Some(Cause::Manual))]);
        let trip = if mode == Mode::Held { TripState::HeldOff } else { TripState::Clear };
        let modes = Source::ALL.iter().map(|source| world.breaker(*source).mode()).collect::<Vec<_>>();
        assert_eq!((world.trip(), modes), (trip, vec![mode; 2]));
    }
    let generations = Source::ALL.iter().map(|source| world.breaker(*source).generation()).collect::<Vec<_>>();
    assert_eq!(generations[0], generations[1]);
}

#[test]
fn a_flag_of_pages_alone_has_one_breaker() {
    let mut world = World::new("evidence: [pages]");
    assert!(world.guards.breaker_of(Source::Servers, FLAG).is_none());
    world.servers((40, 40), (40, 0));
    world.pass(400);
    assert_eq!(world.take(), [], "servers are no evidence, and silence of pages is no fault");
    world.fail_on_pages();
    assert_eq!(world.take(), [(Source::Pages, Event::Tripped, Some(Cause::Pages))]);
    let now = Millis(world.now);
    world.guards.set_mode(&world.snapshot, FLAG, Mode::Held, now, &mut world.happened);
    world.guards.set_mode(&world.snapshot, FLAG, Mode::Auto, now, &mut world.happened);
    assert_eq!((world.take().len(), world.trip()), (2, TripState::Clear));
}

#[test]
fn both_outlive_a_restart() {
    let mut world = World::new(BOTH);
    world.fail_on_pages();
    let saved = world.guards.save(FLAG).unwrap();
    assert!(saved.servers.is_some() && saved.pages.is_some());
    let mut again = World::new(BOTH);
    assert_eq!(again.guards.restore(FLAG, &saved, &mut again.happened), Ok(true));
    assert_eq!((again.trip(), again.take()), (TripState::HeldOff, vec![]));
    assert_eq!(again.guards.save(FLAG), Some(saved.clone()));

    let broken = SavedBreakers { pages: Some(vec![1, 2, 3]), ..saved };
    assert!(World::new(BOTH).guards.restore(FLAG, &broken, &mut Vec::new()).is_err());
    assert!(World::new("").guards.restore(FLAG, &broken, &mut Vec::new()).is_ok(), "pages are no source here");
}

#[test]
fn what_follows_from_other_sources_in_the_document() {
    let mut world = World::new("window: 300");
    world.guards.set_mode(&world.snapshot, FLAG, Mode::Observe, Millis(world.now), &mut world.happened);
    world.take();
    world.publish(&format!("rate: 0.05, {BOTH}"));
    assert_eq!(world.take(), [(Source::Servers, Event::Configured, None)]);
    assert_eq!(world.breaker(Source::Pages).mode(), Mode::Observe, "as the operator has set it");
    world.guards.set_mode(&world.snapshot, FLAG, Mode::Auto, Millis(world.now), &mut world.happened);

    world.fail_on_pages();
    let generation = world.breaker(Source::Servers).generation();
    world.publish("rate: 0.05");
    assert_eq!(world.trip(), TripState::Clear, "pages are no source any more");
    assert!(world.breaker(Source::Servers).generation() > generation, "so that hosts know");

    world.fail_on_servers();
    world.publish("rate: 0.05, evidence: [pages]");
    assert_eq!(world.trip(), TripState::HeldOff, "what servers had tripped stays");

    let mut world = World::new(BOTH);
    world.fail_on_pages();
    world.publish("");
    assert_eq!(world.trip(), TripState::HeldOff, "to take the threshold away is no acknowledgement");
}
