//! When a rollout is held rather than rolled back, what a policy's numbers mean to the letter, and what must not follow from them.

use flcm_flags::breaker::{Breaker, Cause, Event, Plan, Scope, State, Transition};
use flcm_flags::{Action, Counts, FlagId, Millis, Policy, Recovery, Sample, Shared, TripState};
use flcm_flags_conformance::vectors::run::load;
use flcm_flags_host::Guards;

fn sample(total: u32, errors: u32) -> Sample {
    Sample { total, errors, ..Sample::default() }
}

/// Bytes of a new breaker, other ones at a place; whether a breaker still comes of them.
fn is_accepted(place: usize, other: &[u8]) -> bool {
    let plan = Plan::new(&Policy::DEFAULT, Scope::Fleet);
    let mut bytes = Breaker::new(7, Millis(1_800_000_000_000)).to_bytes(&plan);
    bytes[place..place + other.len()].copy_from_slice(other);
    Breaker::from_bytes(&bytes, &plan).is_ok()
}

#[test]
fn what_no_breaker_becomes_is_no_breaker() {
    // Where the fields stand, from the list of them in `bytes.rs`.
    const NOW: usize = 4 + 12 + 14;
    const CANDIDATE: usize = NOW + 32 + 4;
    const MASS: usize = NOW + 32 + 20;
    const BETS: usize = MASS + 16 + 24 + 24;
    const PROBE: usize = BETS + 88;
    const START: usize = BETS + 192 + 960;
    for place in [MASS, BETS, BETS + 72, BETS + 96, BETS + 96 + 72] {
        assert!(is_accepted(place, &1e12_f64.to_le_bytes()), "{place}");
        for number in [-1e300, -1.0, 1e13, 1e308, f64::NAN] {
            assert!(!is_accepted(place, &f64::to_le_bytes(number)), "{number} at {place}");
        }
    }
    assert!(is_accepted(PROBE, &(-4.0_f64).to_le_bytes()) && !is_accepted(PROBE, &(-1e308_f64).to_le_bytes()));
    assert!(is_accepted(CANDIDATE, &100_000_u32.to_le_bytes()) && !is_accepted(CANDIDATE, &100_001_u32.to_le_bytes()));
    assert!(is_accepted(NOW, &Millis::LATEST.0.to_le_bytes()));
    for time in [Millis::LATEST.0 + 1, u64::MAX] {
        assert!(!is_accepted(NOW, &time.to_le_bytes()), "which stands still for ever");
    }
    assert!(!is_accepted(START, &1_800_000_001_u64.to_le_bytes()), "a window that begins when it is over");
    assert!(is_accepted(START + 8, &29_u32.to_le_bytes()) && !is_accepted(START + 8, &30_u32.to_le_bytes()));
}

/// A breaker at 10 %, and its time in seconds.
struct Run {
    plan: Plan,
    breaker: Breaker,
    second: u64,
}

impl Run {
    fn new(policy: Policy) -> Self {
        let mut breaker = Breaker::new(1, Millis(0));
        breaker.stage(10_000, Millis(0));
        Self { plan: Plan::new(&policy, Scope::Fleet), breaker, second: 0 }
    }

    /// So many seconds with these outcomes; what happened.
    fn seconds(&mut self, seconds: u64, treatment: Sample, control: Sample) -> Vec<Transition> {
        let mut transitions = Vec::new();
        for _ in 0..seconds {
            let counts = Counts { generation: self.breaker.generation(), age: 0, treatment, control };
            transitions.extend(self.breaker.record(&self.plan, &counts, Millis(self.second * 1000)));
            self.second += 1;
        }
        transitions.extend(self.breaker.poll(&self.plan, Millis(self.second * 1000)));
        transitions
    }
}

fn events(transitions: &[Transition]) -> Vec<Event> {
    transitions.iter().map(|transition| transition.event).collect()
}

const HOLD: Policy = Policy { shared: Shared::Hold, ..Policy::DEFAULT };

#[test]
fn a_held_rollout_goes_on_when_the_outage_ends() {
    for (treated, left_out) in [(10, 90), (50, 450), (200, 1800)] {
        let mut run = Run::new(HOLD);
        assert_eq!(events(&run.seconds(600, sample(treated, 0), sample(left_out, left_out / 100))), []);
        let held = run.seconds(60, sample(treated, treated / 2), sample(left_out, left_out / 2));
        assert_eq!(events(&held), [Event::StageHeld]);
        assert_eq!(run.breaker.trip_state(), TripState::Capped(10_000));
        let ended = run.seconds(600, sample(treated, 0), sample(left_out, left_out / 100));
        assert_eq!(events(&ended), [Event::StageReleased], "the outage is no reason to roll back once it is over");
        assert_eq!(run.breaker.trip_state(), TripState::Clear);
    }
}

#[test]
fn a_hold_holds_what_is_served_rather_than_what_is_written() {
    let mut run = Run::new(HOLD);
    let quiet = run.breaker.poll(&run.plan, Millis(300_000)).expect("no data");
    assert_eq!((quiet.event, run.breaker.trip_state()), (Event::NoData, TripState::Capped(10_000)));
    // The schedule goes on in the dark, and in the first second with data all fails.
    run.breaker.stage(50_000, Millis(301_000));
    run.second = 302;
    let transitions = run.seconds(1, sample(400, 200), sample(900, 450));
    assert_eq!((events(&transitions), transitions[0].percent_before), (vec![Event::StageHeld], 10_000));
    assert_eq!(run.breaker.trip_state(), TripState::Capped(10_000));
    assert_eq!(events(&run.seconds(600, sample(50, 0), sample(450, 4))), [Event::StageReleased]);
    assert_eq!(run.breaker.trip_state(), TripState::Clear);
}

#[test]
fn a_fault_that_outlasts_the_outage_is_rolled_back() {
    let mut run = Run::new(HOLD);
    run.seconds(600, sample(50, 0), sample(450, 4));
    run.seconds(60, sample(50, 25), sample(450, 225));
    let transitions = run.seconds(60, sample(50, 25), sample(450, 4));
    assert_eq!(events(&transitions), [Event::StageReleased, Event::Tripped]);
}

#[test]
fn a_held_rollout_hides_no_slow_calls() {
    let mut run = Run::new(Policy { slow_ms: 500, ..HOLD });
    run.seconds(60, sample(50, 0), sample(450, 4));
    run.seconds(30, sample(50, 25), sample(450, 225));
    let slow = Sample { slow: 48, ..sample(50, 25) };
    let transitions = run.seconds(30, slow, sample(450, 225));
    assert_eq!(transitions.first().and_then(|tripped| tripped.cause), Some(Cause::SlowRelative));
}

#[test]
fn what_has_been_taken_back_stays_there_when_all_fails_and_heals() {
    let mut run = Run::new(Policy { action: Action::StepBack, recovery: Recovery::Sticky, ..HOLD });
    run.seconds(700, sample(50, 0), sample(450, 4));
    run.breaker.stage(50_000, Millis(700_000));
    let transitions = run.seconds(1, sample(250, 60), sample(250, 2));
    assert_eq!((events(&transitions), run.breaker.trip_state()), (vec![Event::Tripped], TripState::Capped(10_000)));
    run.seconds(60, sample(50, 25), sample(450, 225));
    assert!(matches!(run.breaker.trip_state(), TripState::Capped(10_000)), "not raised by a hold");
    run.seconds(120, sample(50, 0), sample(450, 4));
    assert_eq!(run.breaker.trip_state(), TripState::Capped(10_000), "nor lowered by its end");
}

#[test]
fn a_percentage_that_was_rolled_back_has_not_proved_itself() {
    let mut run = Run::new(Policy { action: Action::StepBack, ..Policy::DEFAULT });
    let tripped = run.seconds(30, sample(50, 25), sample(450, 4))[0];
    assert_eq!((tripped.event, tripped.percent_after), (Event::Tripped, 0));
    // Two hours later, while it is off, the schedule goes on.
    run.breaker.stage(50_000, Millis(7_200_000));
    let generation = run.breaker.generation();
    assert!(run.breaker.acknowledge(&run.plan, generation, Millis(7_300_000)).is_some());
    run.second = 7_301;
    let again = run.seconds(30, sample(250, 120), sample(250, 2))[0];
    assert_eq!((again.event, again.percent_after), (Event::Tripped, 0), "there is nothing good to go back to");
}

#[test]
fn a_rule_for_everyone_of_some_is_no_ramp() {
    let text = "
flags:
  f:
    rules: [{ conditions: [{ attribute: staff, operator: '==', value: true }] }]
    rollout: { percentage: 10, schedule: [{ at: 1970-01-01T01:00:00Z, percentage: 50 }] }
";
    let (_, snapshot) = load(text, "staff and the others");
    let flag = snapshot.describe(FlagId(0)).unwrap();
    assert_eq!((flag.percentage_at(Millis(0)), flag.percentage_at(Millis(3_600_000))), (10_000, 50_000));
}

#[test]
fn another_policy_lifts_a_hold() {
    let mut run = Run::new(HOLD);
    run.seconds(60, sample(50, 25), sample(450, 225));
    assert_eq!(run.breaker.trip_state(), TripState::Capped(10_000));
    let configured = run.breaker.configure(&run.plan, Millis(60_000));
    assert_eq!((configured.event, run.breaker.trip_state()), (Event::Configured, TripState::Clear));
}

#[test]
fn who_is_only_notified_is_held_by_nothing() {
    let mut run = Run::new(Policy { action: Action::Notify, ..HOLD });
    assert_eq!(events(&run.seconds(60, sample(50, 25), sample(450, 225))), [Event::WouldTrip]);
    assert_eq!(run.breaker.poll(&run.plan, Millis(10_000_000)), None, "no data is no reason either");
    assert_eq!(run.breaker.trip_state(), TripState::Clear);
    // Acknowledged, it is looked for anew.
    let generation = run.breaker.generation();
    assert!(run.breaker.acknowledge(&run.plan, generation, Millis(10_000_000)).is_some());
    run.second = 10_001;
    assert_eq!(events(&run.seconds(60, sample(50, 25), sample(450, 225))), [Event::WouldTrip]);
}

#[test]
fn outcomes_that_neither_arm_reports_are_not_the_flags_fault() {
    let lost = |total: u32| Sample { total, missing: total, ..Sample::default() };
    let mut run = Run::new(Policy::DEFAULT);
    run.seconds(60, sample(50, 0), sample(450, 4));
    let transitions = run.seconds(30, lost(50), lost(450));
    assert_eq!(transitions.first().and_then(|tripped| tripped.cause), Some(Cause::Shared));
}

#[test]
fn a_host_needs_no_less_evidence_than_its_fleet() {
    let strict = Policy { budget: 1e-7, ..Policy::DEFAULT };
    let limit = |policy: &Policy, scope| Plan::new(policy, scope).limit();
    assert!(limit(&strict, Scope::Host) >= limit(&strict, Scope::Fleet));
    assert!(limit(&Policy::DEFAULT, Scope::Host) > limit(&Policy::DEFAULT, Scope::Fleet));
}

#[test]
fn a_window_is_as_long_as_it_says() {
    for (window, seconds) in [(5, 5), (10, 10), (29, 29), (30, 30), (31, 32), (300, 300)] {
        let mut run = Run::new(Policy { window, ..Policy::DEFAULT });
        run.seconds(1_000, sample(1, 0), sample(1, 0));
        let total = run.breaker.window().total().treatment.total;
        // The part that is being filled has only begun.
        let part = u32::div_ceil(seconds, 30);
        assert!((seconds - part..=seconds).contains(&total), "{window} s: {total}");
    }
}

#[test]
fn a_long_cooldown_is_kept() {
    let mut run = Run::new(Policy { cooldown: 7_200, recovery: Recovery::Auto, ..Policy::DEFAULT });
    let tripped = run.seconds(2, sample(50, 50), sample(450, 4))[0];
    let wait = run.breaker.next_deadline(&run.plan).expect("a probe").0 - tripped.at.0;
    assert!((7_200_000 * 8 / 10..=7_200_000 * 12 / 10).contains(&wait), "{wait} ms");
}

#[test]
fn what_waits_for_another_flag_has_no_deadline_in_the_past() {
    let text = "
flags:
  child: { dependencies: [parent], rollout: { percentage: 50 }, error_threshold: { rate: 0.05, recovery: auto } }
  parent: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05, recovery: sticky } }
";
    let (_, snapshot) = load(text, "a child and its parent");
    let (child, parent) = (FlagId(0), FlagId(1));
    let mut guards = Guards::none(2);
    guards.guard(&snapshot, Scope::Fleet, Millis(0));
    let mut transitions = Vec::new();
    let mut fail = |guards: &mut Guards, flag, now| {
        let generation = guards.breaker(flag).unwrap().0.generation();
        let counts = Counts { generation, age: 0, treatment: sample(50, 50), control: sample(450, 400) };
        guards.record(&snapshot, flag, &counts, Millis(now), &mut transitions);
        guards.poll(&snapshot, Millis(now + 1000), &mut transitions);
    };
    fail(&mut guards, child, 0);
    fail(&mut guards, parent, 2_000);
    let mut transitions = Vec::new();
    for second in 4..1_000 {
        guards.poll(&snapshot, Millis(second * 1000), &mut transitions);
        let next = guards.next_deadline().expect("both are open");
        assert!(next.0 > second * 1000, "due at {next:?}, and it is second {second}");
    }
    assert_eq!(guards.breaker(child).unwrap().0.state(), State::Open, "not probed while its parent is off");
    let generation = guards.breaker(parent).unwrap().0.generation();
    guards.acknowledge(&snapshot, parent, generation, Millis(1_000_000), &mut transitions);
    for second in 1_000..1_100 {
        guards.poll(&snapshot, Millis(second * 1000), &mut transitions);
    }
    assert_eq!(guards.breaker(child).unwrap().0.state(), State::HalfOpen);
}

#[test]
fn a_flag_that_is_switched_off_lacks_no_data() {
    let text = "flags: { off: { enabled: false, rollout: { percentage: 50 }, error_threshold: { rate: 0.05 } } }";
    let (_, snapshot) = load(text, "switched off");
    let mut guards = Guards::none(1);
    guards.guard(&snapshot, Scope::Fleet, Millis(0));
    let mut transitions = Vec::new();
    guards.poll(&snapshot, Millis(10_000_000), &mut transitions);
    assert!(transitions.is_empty(), "{transitions:?}");
}
