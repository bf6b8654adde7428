//! Breakers of many flags together: what a rollback does to dependants, and what a host says beside it.

use flcm_flags::breaker::{Breaker, Event, Mode, Scope, State};
use flcm_flags::{Context, Counts, FlagId, Millis, Sample, Snapshot, TripState};
use flcm_flags_host::{FlagTransition, Guards};

const START: u64 = 1_800_000_000_000;

/// A policy that probes, whatever the cause.
const PROBED: &str = "error_threshold: { rate: 0.05, recovery: auto }";

fn load(document: &str) -> Snapshot<Vec<u8>> {
    let (config, diagnostics) = flcm_flags_config::check(document);
    let config = config.unwrap_or_else(|| panic!("{}", diagnostics.render("document", document, false)));
    Snapshot::from_bytes(flcm_flags_config::compile(&config)).expect("a snapshot of our own")
}

/// A snapshot, its breakers, and the time.
struct World {
    snapshot: Snapshot<Vec<u8>>,
    guards: Guards,
    transitions: Vec<FlagTransition>,
    now: u64,
}

impl World {
    /// Flags of a document; `POLICY` stands for [`PROBED`], and each is at 50 %.
    fn new(flags: &str) -> Self {
        let flags = flags.replace("POLICY", PROBED).replace("HALF", "rollout: { percentage: 50 }");
        let snapshot = load(&format!("flags: {{ {flags} }}"));
        let mut guards = Guards::none(snapshot.flags().len());
        guards.guard(&snapshot, Scope::Fleet, Millis(START));
        Self { snapshot, guards, transitions: Vec::new(), now: START }
    }

    fn flag(&self, key: &str) -> FlagId {
        self.snapshot.flag(key).expect("a flag")
    }

    fn breaker(&self, key: &str) -> &Breaker {
        self.guards.breaker(self.flag(key)).expect("a flag with a policy").0
    }

    /// Outcomes of one flag: of 40 users treated so many failed, of 90 left out one.
    fn told(&mut self, key: &str, errors: u32) {
        self.told_late(key, errors, 0);
    }

    /// Like [`told`](Self::told), held back for so many milliseconds.
    fn told_late(&mut self, key: &str, errors: u32, age: u32) {
        let sample = |total, errors| Sample { total, errors, ..Sample::default() };
        let generation = self.breaker(key).generation();
        let counts = Counts { generation, age, treatment: sample(40, errors), control: sample(90, 1) };
        self.guards.record(&self.snapshot, self.flag(key), &counts, Millis(self.now), &mut self.transitions);
    }

    /// These flags fail for certain.
    fn fail(&mut self, keys: &[&str]) {
        for key in keys {
            self.told(key, 40);
        }
    }

    /// Lets seconds pass; what happened meanwhile, in order.
    fn pass(&mut self, seconds: u64) -> Vec<(String, Event)> {
        self.now += seconds * 1000;
        self.guards.poll(&self.snapshot, Millis(self.now), &mut self.transitions);
        let key = |flag: FlagId| self.snapshot.describe(flag).expect("a flag").key().to_owned();
        self.transitions.drain(..).map(|(flag, transition)| (key(flag), transition.event)).collect()
    }

    /// Like [`pass`](Self::pass), a second at a time; every second these flags fail.
    fn failing(&mut self, keys: &[&str], seconds: u64) -> Vec<(String, Event)> {
        let mut happened = Vec::new();
        for _ in 0..seconds {
            self.fail(keys);
            happened.extend(self.pass(1));
        }
        happened
    }

    fn acknowledge(&mut self, key: &str) {
        let (flag, generation) = (self.flag(key), self.breaker(key).generation());
        self.guards.acknowledge(&self.snapshot, flag, generation, Millis(self.now), &mut self.transitions);
        assert_eq!(self.transitions.pop().map(|(_, transition)| transition.event), Some(Event::Acknowledged));
    }

    fn say(&mut self, key: &str, state: TripState) {
        self.guards.set_external_trip(self.flag(key), state);
    }

    fn trip(&self, key: &str) -> TripState {
        self.guards.trips().state(self.flag(key))
    }

    /// How many of a hundred users have a flag.
    fn users(&self, key: &str) -> usize {
        let has = |user: &u32| {
            let name = format!("user-{user}");
            let context = Context::new(Some(&name), &[]).bind(&self.snapshot);
            self.guards.decide(&self.snapshot, self.flag(key), &context, Millis(self.now)).enabled()
        };
        (0..100).filter(has).count()
    }
}

/// What is expected to have happened.
fn events(expected: &[(&str, Event)]) -> Vec<(String, Event)> {
    expected.iter().map(|(key, event)| ((*key).to_owned(), *event)).collect()
}

#[test]
fn ancestors_come_first_and_their_dependants_rest() {
    // The child has the lower id, so no order but that of dependencies puts the parent first.
    let mut world = World::new("a_child: { dependencies: [parent], HALF, POLICY }, parent: { HALF, POLICY }");
    assert!(world.users("a_child") > 5);
    world.fail(&["a_child", "parent"]);
    assert_eq!(world.pass(1), events(&[("parent", Event::Tripped)]));
    assert_eq!((world.trip("parent"), world.trip("a_child")), (TripState::HeldOff, TripState::Clear));
    assert_eq!(world.users("a_child"), 0, "off by its dependency");
    // While the parent is off nothing is evidence against the child.
    assert_eq!(world.failing(&["a_child"], 20), []);
    world.acknowledge("parent");
    // Nor in the half minute after: the last rest was told a second ago.
    assert_eq!(world.failing(&["a_child"], 28), []);
    assert_eq!(world.trip("a_child"), TripState::Clear);
    assert!(world.users("a_child") > 5, "it returns with its parent");
    assert_eq!(world.failing(&["a_child"], 5), events(&[("a_child", Event::Tripped)]));
}

#[test]
fn outcomes_of_a_new_second_settle_the_one_before_for_all_flags() {
    let mut world = World::new("a_child: { dependencies: [parent], HALF, POLICY }, parent: { HALF, POLICY }");
    world.fail(&["a_child", "parent"]);
    world.now += 1_000;
    // Nobody polls: the child is told of an outcome.
    world.told("a_child", 0);
    assert_eq!(world.pass(0), events(&[("parent", Event::Tripped)]));
    assert_eq!(world.pass(10), []);
}

#[test]
fn evidence_of_before_is_kept_while_a_dependant_rests() {
    let mut world = World::new("a_child: { dependencies: [parent], HALF, POLICY }, parent: { HALF, POLICY }");
    world.told("a_child", 5);
    assert_eq!(world.pass(1), []);
    let report = |world: &World| {
        let (breaker, plan) = world.guards.breaker(world.flag("a_child")).expect("a breaker");
        breaker.report(plan).errors
    };
    let before = report(&world);
    assert!(before.absolute > 0.2, "{before:?}");
    assert_eq!(world.failing(&["a_child", "parent"], 40), events(&[("parent", Event::Tripped)]));
    assert_eq!(report(&world), before);
}

#[test]
fn what_comes_late_of_a_dependant_rests_as_well() {
    let mut world = World::new("a_child: { dependencies: [parent], HALF, POLICY }, parent: { HALF, POLICY }");
    world.told("a_child", 0);
    world.told("parent", 0);
    assert_eq!(world.pass(1), []);
    world.told_late("a_child", 40, 60_000);
    world.told_late("parent", 40, 60_000);
    assert_eq!(world.pass(1), events(&[("parent", Event::Tripped)]));
    world.acknowledge("parent");
    assert_eq!(world.pass(60), []);
    world.told("a_child", 0);
    assert_eq!(world.pass(1), [], "nor do they count when it goes on");
}

#[test]
fn by_a_plain_rate_as_well_a_dependant_is_not_to_blame() {
    let by_rate = PROBED.replace("recovery", "detector: rate, recovery");
    let mut world =
        World::new(&format!("a_child: {{ dependencies: [parent], HALF, {by_rate} }}, parent: {{ HALF, POLICY }}"));
    world.fail(&["a_child", "parent"]);
    assert_eq!(world.pass(1), events(&[("parent", Event::Tripped)]));
    world.acknowledge("parent");
    assert_eq!(world.pass(60), []);
    for _ in 0..5 {
        world.told("a_child", 0);
        assert_eq!(world.pass(1), []);
    }
}

#[test]
fn a_probed_child_is_not_to_blame_for_its_parent() {
    let mut world = World::new("a_child: { dependencies: [parent], HALF, POLICY }, parent: { HALF, POLICY }");
    world.fail(&["a_child"]);
    assert_eq!(world.pass(1), events(&[("a_child", Event::Tripped)]));
    assert_eq!(world.pass(100), events(&[("a_child", Event::HalfOpened)]));
    world.fail(&["a_child", "parent"]);
    assert_eq!(world.pass(1), events(&[("parent", Event::Tripped)]));
    assert_eq!(world.breaker("a_child").state(), State::HalfOpen);
}

#[test]
fn a_chain_of_three_rests_through_a_flag_without_a_breaker() {
    let flags = "a: { dependencies: [b], HALF, POLICY }, b: { dependencies: [c], HALF }, c: { HALF, POLICY }";
    let mut world = World::new(flags);
    world.fail(&["a", "c"]);
    assert_eq!(world.pass(1), events(&[("c", Event::Tripped)]));
    assert_eq!(world.failing(&["a"], 40), []);
    // And if all have one: only the flag at fault.
    let mut world = World::new(&flags.replace("b: { dependencies: [c], HALF", "b: { dependencies: [c], HALF, POLICY"));
    world.fail(&["a", "b", "c"]);
    assert_eq!(world.pass(1), events(&[("c", Event::Tripped)]));
    world.acknowledge("c");
    assert_eq!(world.pass(60), []);
    // The middle is at fault: its parent is not touched, its child rests.
    world.fail(&["a", "b"]);
    assert_eq!(world.pass(1), events(&[("b", Event::Tripped)]));
    assert_eq!((world.trip("a"), world.trip("c")), (TripState::Clear, TripState::Clear));
}

#[test]
fn a_diamond_rests_below_the_side_that_is_off() {
    let mut world = World::new(
        "a_top: { dependencies: [left, right], HALF, POLICY },
        left: { dependencies: [base], HALF, POLICY }, right: { dependencies: [base], HALF, POLICY },
        base: { HALF, POLICY }",
    );
    let all = ["a_top", "left", "right", "base"];
    world.fail(&all);
    assert_eq!(world.pass(1), events(&[("base", Event::Tripped)]));
    assert_eq!(world.failing(&["a_top", "left", "right"], 40), []);
    world.acknowledge("base");
    assert_eq!(world.pass(60), []);
    world.fail(&["a_top", "left"]);
    assert_eq!(world.pass(1), events(&[("left", Event::Tripped)]));
    // The other side does not need the one that is off, so it answers for itself.
    world.fail(&["a_top", "right"]);
    assert_eq!(world.pass(1), events(&[("right", Event::Tripped)]));
    world.acknowledge("right");
    assert_eq!(world.failing(&["a_top"], 40), [], "one side that is off is enough");
}

#[test]
fn who_needs_a_flag_to_be_off_does_not_rest_when_it_trips() {
    let mut world = World::new(
        "a_child: { dependencies: [{ flag: parent, enabled: false }], HALF, POLICY }, parent: { HALF, POLICY }",
    );
    world.fail(&["a_child", "parent"]);
    assert_eq!(world.pass(1), events(&[("parent", Event::Tripped), ("a_child", Event::Tripped)]));
}

#[test]
fn off_and_on_through_a_flag_between() {
    // Off with its base, the middle is what the child needs.
    let mut world = World::new(
        "a_child: { dependencies: [{ flag: middle, enabled: false }], HALF, POLICY },
        middle: { dependencies: [base], HALF }, base: { HALF, POLICY }",
    );
    world.fail(&["a_child", "base"]);
    assert_eq!(world.pass(1), events(&[("base", Event::Tripped), ("a_child", Event::Tripped)]));
    // On because its base is off, as well.
    let mut world = World::new(
        "a_child: { dependencies: [middle], HALF, POLICY },
        middle: { dependencies: [{ flag: base, enabled: false }], HALF }, base: { HALF, POLICY }",
    );
    world.fail(&["a_child", "base"]);
    assert_eq!(world.pass(1), events(&[("base", Event::Tripped), ("a_child", Event::Tripped)]));
    // A variant that it needs is not served while the parent is off.
    let mut world = World::new(
        "a_child: { dependencies: [{ flag: parent, variant: b }], HALF, POLICY },
        parent: { variants: [{ name: a, weight: 1 }, { name: b, weight: 1 }], HALF, POLICY }",
    );
    world.fail(&["a_child", "parent"]);
    assert_eq!(world.pass(1), events(&[("parent", Event::Tripped)]));
}

#[test]
fn what_is_on_when_it_is_off_takes_along_who_needs_it_off() {
    let on = "parent: { default: true, HALF, POLICY }";
    let mut world = World::new(&format!("a_child: {{ dependencies: [parent], HALF, POLICY }}, {on}"));
    world.fail(&["a_child", "parent"]);
    assert!(world.users("a_child") > 5);
    assert_eq!(world.pass(1), events(&[("parent", Event::Tripped), ("a_child", Event::Tripped)]));
    let mut world =
        World::new(&format!("a_child: {{ dependencies: [{{ flag: parent, enabled: false }}], HALF, POLICY }}, {on}"));
    world.fail(&["a_child", "parent"]);
    assert_eq!(world.pass(1), events(&[("parent", Event::Tripped)]));
    assert_eq!((world.users("a_child"), world.failing(&["a_child"], 40)), (0, vec![]));
    // A flag between serves its default as well.
    let mut world = World::new(
        "a_child: { dependencies: [middle], HALF, POLICY },
        middle: { default: true, dependencies: [base], HALF }, base: { HALF, POLICY }",
    );
    world.fail(&["a_child", "base"]);
    assert_eq!(world.pass(1), events(&[("base", Event::Tripped), ("a_child", Event::Tripped)]));
}

#[test]
fn who_needs_a_flag_that_is_switched_off_is_not_missed() {
    let document = "a_child: { dependencies: [parent], HALF, POLICY }, parent: { enabled: false }";
    assert_eq!(World::new(document).pass(301), []);
    let document = document.replace("enabled: false", "enabled: false, default: true");
    assert_eq!(World::new(&document).pass(301), events(&[("a_child", Event::NoData)]));
}

#[test]
fn an_open_child_is_not_probed_while_its_parent_is_off() {
    let mut world = World::new("a_child: { dependencies: [parent], HALF, POLICY }, parent: { HALF, POLICY }");
    world.fail(&["a_child"]);
    assert_eq!(world.pass(1), events(&[("a_child", Event::Tripped)]));
    // A fleet, or a person, has switched the parent off.
    world.say("parent", TripState::HeldOff);
    for _ in 0..20 {
        assert_eq!(world.pass(60), []);
        let next = world.guards.next_deadline().expect("a probe is to come");
        assert!(next.0 > world.now, "nobody is to poll for what cannot happen yet: {next:?} at {}", world.now);
    }
    assert_eq!((world.breaker("a_child").state(), world.trip("a_child")), (State::Open, TripState::HeldOff));
    world.say("parent", TripState::Probing);
    assert_eq!(world.pass(100), [], "nor while the parent is probed");
    world.say("parent", TripState::Clear);
    assert_eq!(world.pass(29), []);
    assert_eq!(world.pass(1), events(&[("a_child", Event::HalfOpened)]));
}

#[test]
fn what_is_held_off_by_others_is_neither_probed_nor_missed() {
    let mut world = World::new("f: { HALF, POLICY }, g: { HALF, POLICY }");
    world.fail(&["f"]);
    assert_eq!(world.pass(1), events(&[("f", Event::Tripped)]));
    world.say("f", TripState::HeldOff);
    world.say("g", TripState::HeldOff);
    for _ in 0..20 {
        assert_eq!(world.pass(60), []);
        assert!(world.guards.next_deadline().is_some_and(|next| next.0 > world.now));
    }
    world.say("f", TripState::Clear);
    assert_eq!(world.trip("f"), TripState::HeldOff, "its own breaker is still open");
    assert_eq!(world.pass(30), events(&[("f", Event::HalfOpened)]));
}

#[test]
fn a_cap_of_the_parent_is_no_reason_to_rest() {
    let mut world = World::new("a_child: { dependencies: [parent], HALF, POLICY }, parent: { HALF }");
    world.say("parent", TripState::Capped(10_000));
    world.fail(&["a_child"]);
    assert_eq!(world.pass(1), events(&[("a_child", Event::Tripped)]));
}

#[test]
fn the_stricter_of_what_is_said_and_of_the_breaker_counts() {
    let mut world = World::new("f: { HALF, POLICY }, g: { HALF }");
    let (before, clear) = (world.users("f"), TripState::Clear);
    assert!((30..70).contains(&before));
    for (said, most) in [(TripState::HeldOff, 0), (TripState::Probing, 15), (TripState::Capped(10_000), 25)] {
        world.say("f", said);
        world.say("g", said);
        assert_eq!((world.trip("f"), world.trip("g")), (said, said));
        assert!(world.users("f") <= most, "{said}: {}", world.users("f"));
        world.say("f", clear);
        world.say("g", clear);
        assert_eq!((world.trip("f"), world.trip("g"), world.users("f")), (clear, clear, before));
    }
    world.say("f", TripState::Capped(10_000));
    world.fail(&["f"]);
    assert_eq!(world.pass(1), events(&[("f", Event::Tripped)]));
    for said in [TripState::Capped(10_000), clear, TripState::Probing, TripState::HeldOff, clear] {
        world.say("f", said);
        assert_eq!((world.trip("f"), world.users("f")), (TripState::HeldOff, 0), "{said} leaves the breaker's");
    }
    world.say("f", TripState::Capped(10_000));
    world.acknowledge("f");
    assert_eq!(world.trip("f"), TripState::Capped(10_000), "and the breaker's end leaves what was said");
    // Also when it happens while time passes.
    world.fail(&["f"]);
    world.pass(1);
    assert_eq!(world.pass(100), events(&[("f", Event::HalfOpened)]));
    assert_eq!(world.trip("f"), TripState::Probing);
    for _ in 0..20 {
        world.told("f", 0);
        world.pass(1);
    }
    assert_eq!((world.breaker("f").state(), world.trip("f")), (State::Closed, TripState::Capped(10_000)));
}

#[test]
fn a_person_holds_what_the_fleet_lets_go() {
    let mut world = World::new("f: { HALF, POLICY }");
    let flag = world.flag("f");
    world.guards.set_mode(&world.snapshot, flag, Mode::Held, Millis(world.now), &mut world.transitions);
    world.say("f", TripState::Clear);
    assert_eq!((world.trip("f"), world.users("f")), (TripState::HeldOff, 0));
    world.guards.set_mode(&world.snapshot, flag, Mode::Auto, Millis(world.now), &mut world.transitions);
    assert_eq!(world.trip("f"), TripState::Clear);
}

/// Another document takes the place of the first.
fn follow(world: &World, document: &str) -> (World, Vec<(String, Event)>) {
    let snapshot = load(document);
    let mut guards = Guards::none(snapshot.flags().len());
    guards.guard(&snapshot, Scope::Fleet, Millis(world.now));
    let mut followed = World { snapshot, guards, transitions: Vec::new(), now: world.now };
    let before = (&world.guards, &world.snapshot);
    followed.guards.carry(&followed.snapshot, before, Millis(world.now), &mut followed.transitions);
    let key = |flag: FlagId| followed.snapshot.describe(flag).expect("a flag").key().to_owned();
    let happened = followed.transitions.drain(..).map(|(flag, transition)| (key(flag), transition.event)).collect();
    (followed, happened)
}

#[test]
fn what_follows_keeps_states_and_evidence_under_their_keys() {
    let mut world = World::new("b: { HALF, POLICY }, c: { HALF, POLICY }, d: { HALF }, e: { HALF, POLICY }");
    world.fail(&["c"]);
    assert_eq!(world.pass(1), events(&[("c", Event::Tripped)]));
    world.told("b", 3);
    assert_eq!(world.pass(1), []);
    world.say("b", TripState::Capped(20_000));
    world.say("d", TripState::HeldOff);
    // Other ids, one flag that is new, one without its policy, one gone, and one that has changed elsewhere.
    let document = format!(
        "flags: {{ a: {{ {PROBED} }}, b: {{ rollout: {{ percentage: 70 }}, {PROBED} }}, c: {{ {PROBED} }}, d: {{}} }}"
    );
    let (mut followed, happened) = follow(&world, &document);
    assert_eq!(happened, []);
    for key in ["b", "c"] {
        assert_eq!(followed.breaker(key), world.breaker(key), "{key}");
    }
    assert_eq!(followed.trip("a"), TripState::Clear);
    assert_eq!((followed.trip("b"), followed.trip("c")), (TripState::Capped(20_000), TripState::HeldOff));
    assert_eq!(followed.trip("d"), TripState::HeldOff);
    assert!(followed.guards.breaker(followed.flag("d")).is_none());
    // It goes on where the other was: the probe comes when it would have come.
    let at = world.breaker("c").next_deadline(world.guards.breaker(world.flag("c")).expect("a breaker").1);
    followed.now = at.expect("a probe").0;
    assert_eq!(followed.pass(0), events(&[("c", Event::HalfOpened)]));
}

#[test]
fn under_another_policy_evidence_starts_anew_and_the_state_stays() {
    let mut world = World::new("b: { HALF, POLICY }, c: { HALF, POLICY }, d: { HALF, POLICY }");
    world.fail(&["c"]);
    assert_eq!(world.pass(1), events(&[("c", Event::Tripped)]));
    world.told("b", 3);
    world.told("d", 3);
    assert_eq!(world.pass(1), []);
    let stricter = PROBED.replace("0.05", "0.04");
    let document =
        format!("flags: {{ b: {{ {stricter} }}, c: {{ {stricter} }}, d: {{ {PROBED}, conditions: [] }}, e: {{}} }}");
    let (followed, happened) = follow(&world, &document);
    assert_eq!(happened, events(&[("b", Event::Configured), ("c", Event::Configured)]));
    let statistics = |world: &World, key| {
        let (breaker, plan) = world.guards.breaker(world.flag(key)).expect("a breaker");
        (breaker.report(plan).errors.absolute, plan.policy().rate)
    };
    assert!(statistics(&world, "b").0 > 0.0);
    assert_eq!(statistics(&followed, "b"), (0.0, 0.04));
    assert_eq!(statistics(&followed, "d"), statistics(&world, "d"));
    assert_eq!(followed.breaker("b").generation(), world.breaker("b").generation() + 1);
    assert_eq!((followed.breaker("c").state(), followed.trip("c")), (State::Open, TripState::HeldOff));
}
