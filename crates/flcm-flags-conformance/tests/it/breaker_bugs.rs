//! Bugs that other breakers and guarded rollouts had, each with a test that it is not ours. Issue numbers are those of the
//! projects that are named.

use flcm_flags::breaker::{
    Breaker, Cause, Event, Mode, Plan, SAMPLE_RATIO_ALARM, Scope, State, Transition, Units, sample_ratio,
};
use flcm_flags::{
    Action, Context, Counts, Detector, FlagId, Millis, Policy, Recovery, Sample, TripState, Trips, evaluate,
};
use flcm_flags_config::simulate::{Course, Delays, Random, Source, Traffic};
use flcm_flags_conformance::vectors::run::load;
use flcm_flags_host::{FlagTransition, Guards};

fn plan_of(policy: Policy) -> Plan {
    Plan::new(&policy, Scope::Fleet)
}

fn plan() -> Plan {
    plan_of(Policy { recovery: Recovery::Auto, ..Policy::DEFAULT })
}

fn sample(total: u32, errors: u32) -> Sample {
    Sample { total, errors, ..Sample::default() }
}

fn counts(breaker: &Breaker, treatment: Sample, control: Sample) -> Counts {
    Counts { generation: breaker.generation(), age: 0, treatment, control }
}

/// Trips a breaker within a second; the time after it, in milliseconds.
fn tripped(breaker: &mut Breaker, plan: &Plan, now: u64) -> (u64, Transition) {
    let outcomes = counts(breaker, sample(40, 40), sample(90, 90));
    let _ = breaker.record(plan, &outcomes, Millis(now));
    let transition = breaker.poll(plan, Millis(now + 1000)).expect("a trip");
    assert_eq!(transition.event, Event::Tripped);
    (now + 1000, transition)
}

/// A breaker that is half-open since the time that comes with it.
fn half_open(plan: &Plan) -> (Breaker, u64) {
    let mut breaker = Breaker::new(5, Millis(0));
    tripped(&mut breaker, plan, 0);
    let now = breaker.next_deadline(plan).expect("a probe").0;
    assert_eq!(breaker.poll(plan, Millis(now)).map(|transition| transition.event), Some(Event::HalfOpened));
    (breaker, now)
}

/// resilience4j #903, #935, #1389, #2028; opossum #119, #276: a permit was taken and never given back, and the breaker stayed
/// half-open for ever.
#[test]
fn half_open_ends_although_nobody_reports() {
    let plan = plan();
    let (mut breaker, now) = half_open(&plan);
    assert_eq!(breaker.next_deadline(&plan), Some(Millis(now + 600_000)));
    assert_eq!(breaker.poll(&plan, Millis(now + 599_999)), None);
    let ended = breaker.poll(&plan, Millis(now + 600_000)).expect("the end");
    assert_eq!((ended.event, ended.to), (Event::ProbeInconclusive, State::Open));
}

/// resilience4j #1432, Polly #216, opossum #119, safe-global #3442: more calls than permitted half-open, however many came.
#[test]
fn half_open_lets_a_share_of_users_through_however_often_they_come() {
    let (_, snapshot) = load("flags: { f: { rollout: {}, error_threshold: { rate: 0.05, probe: 5 } } }", "probe");
    let mut trips = Trips::new([0; Trips::bytes_for(1)]);
    trips.set(FlagId(0), TripState::Probing);
    let passes = |user: u32| {
        let name = format!("user-{user}");
        let context = Context::new(Some(&name), &[]).bind(&snapshot);
        evaluate(&snapshot, &trips, FlagId(0), &context, Millis(0)).enabled()
    };
    let first: Vec<bool> = (0..20_000).map(passes).collect();
    assert_eq!((0..20_000).map(passes).collect::<Vec<_>>(), first, "the same users each time");
    let share = first.iter().filter(|passed| **passed).count();
    assert!((900..1100).contains(&share), "{share} of 20,000");
}

/// opossum #613, cockatiel #73, Polly #2381: one lucky or unlucky probe decided.
#[test]
fn one_probe_decides_nothing() {
    let plan = plan();
    for errors in [0, 1] {
        let (mut breaker, now) = half_open(&plan);
        let outcomes = counts(&breaker, sample(1, errors), Sample::default());
        let _ = breaker.record(&plan, &outcomes, Millis(now));
        assert_eq!(breaker.poll(&plan, Millis(now + 1000)), None);
        assert_eq!(breaker.state(), State::HalfOpen);
    }
}

/// denoland/std #7306, k8s-breakglass #981: results of an older period were counted in the new one.
#[test]
fn outcomes_of_an_older_period_are_not_counted() {
    let plan = plan();
    let (mut breaker, now) = half_open(&plan);
    let old = Counts { generation: breaker.generation() - 1, ..counts(&breaker, sample(900, 900), Sample::default()) };
    let before = breaker.clone();
    let _ = breaker.record(&plan, &old, Millis(now));
    assert_eq!(breaker, before);
}

/// cockatiel #64: buckets were rotated by calls, so that after five minutes of silence old failures counted.
#[test]
fn after_a_pause_nothing_of_before_is_counted() {
    let plan = plan_of(Policy { detector: Detector::Rate, window: 5, min_samples: 5, ..Policy::DEFAULT });
    let mut breaker = Breaker::new(1, Millis(0));
    let outcomes = counts(&breaker, sample(4, 4), Sample::default());
    assert_eq!(breaker.record(&plan, &outcomes, Millis(0)), None);
    assert_eq!(breaker.poll(&plan, Millis(1_000)), None);
    let outcomes = counts(&breaker, sample(1, 1), Sample::default());
    assert_eq!(breaker.record(&plan, &outcomes, Millis(300_000)), None);
    assert_eq!(breaker.poll(&plan, Millis(301_000)), None);
    assert_eq!(breaker.window().total().treatment, sample(1, 1));
}

/// resilience4j #1262, #1335: eviction forgot a field, and counts became negative.
#[test]
fn the_window_is_the_sum_of_what_is_in_it() {
    let plan = plan_of(Policy { window: 60, action: Action::Notify, ..Policy::DEFAULT });
    for seed in 0..200 {
        let (mut random, mut breaker) = (Random::new(seed), Breaker::new(1, Millis(0)));
        let mut kept: Vec<(u64, Counts)> = Vec::new();
        let mut second = 0_u64;
        for _ in 0..60 {
            second += [0, 1, 1, 1, 2, 7, 61][usize::try_from(random.bits() % 7).unwrap()];
            let mut arm = || {
                let [total, errors, slow] = [random.bits() % 50, random.bits() % 20, random.bits() % 30]
                    .map(|number| u32::try_from(number).unwrap());
                Sample { total: total + 50, errors, slow, missing: errors / 2 }
            };
            let outcomes = counts(&breaker, arm(), arm());
            let _ = breaker.record(&plan, &outcomes, Millis(second * 1000));
            kept.push((second, outcomes));
            // Parts of two seconds each, thirty of them, this one included.
            kept.retain(|(then, _)| then / 2 + 30 > second / 2);
            let mut sum = (Sample::default(), Sample::default());
            for (_, outcomes) in &kept {
                sum.0.add(&outcomes.treatment);
                sum.1.add(&outcomes.control);
            }
            let total = breaker.window().total();
            assert_eq!((total.treatment, total.control), sum, "seed {seed}, second {second}");
        }
    }
}

/// resilience4j's sliding window, Polly, Hystrix, failsafe-rs: the wall clock stepped back, and a window was emptied, or panicked.
#[test]
fn a_clock_that_steps_back_stands_still() {
    let plan = plan();
    let mut breaker = Breaker::new(1, Millis(3_600_000));
    for (step, now) in [(0, 3_600_000), (1, 3_601_000), (2, 1_000), (3, 0), (4, 3_601_500)] {
        let outcomes = counts(&breaker, sample(10, 0), sample(90, 1));
        assert_eq!(breaker.record(&plan, &outcomes, Millis(now)), None);
        assert_eq!(breaker.window().total().treatment.total, 10 * (step + 1));
    }
    assert_eq!(breaker.anomalies(), (2, 0));
}

/// What a person says again and again must not swallow the seconds in which it is said.
#[test]
fn what_is_refused_takes_no_time() {
    let plan = plan();
    for is_mode in [true, false] {
        let mut breaker = Breaker::new(1, Millis(0));
        let outcomes = counts(&breaker, sample(40, 40), sample(90, 1));
        assert_eq!(breaker.record(&plan, &outcomes, Millis(0)), None);
        let said = if is_mode {
            breaker.set_mode(&plan, Mode::Auto, Millis(1_000))
        } else {
            breaker.acknowledge(&plan, 77, Millis(1_000))
        };
        assert_eq!(said, None);
        let tripped = breaker.poll(&plan, Millis(1_000));
        assert_eq!(tripped.map(|transition| transition.event), Some(Event::Tripped));
    }
}

/// A host whose outcomes all come late has data all the same.
#[test]
fn what_comes_late_is_not_missed() {
    let plan = plan();
    let mut breaker = Breaker::new(1, Millis(0));
    breaker.stage(10_000, Millis(0));
    for second in 0..400 {
        let outcomes = Counts { age: 20_000, ..counts(&breaker, sample(10, 0), sample(90, 1)) };
        assert_eq!(breaker.record(&plan, &outcomes, Millis(second * 1000)), None, "second {second}");
    }
}

/// An hour is sixty minutes, and a user is remembered for one.
#[test]
fn who_failed_an_hour_ago_counts_again() {
    let mut units = Units::new([0; 64]);
    for minute in 0..1_000 {
        assert!(units.counts(1, 42, true, Millis(minute * 60_000)), "minute {minute}");
        assert!(units.counts(1, 42, true, Millis((minute + 64) * 60_000)), "minute {minute} and 64");
    }
}

/// opossum #217, #288: the first failure is 100 %, and opened the breaker.
#[test]
fn the_first_failure_opens_nothing() {
    let plan = plan();
    let mut breaker = Breaker::new(1, Millis(0));
    for second in 0..3 {
        let outcomes = counts(&breaker, sample(1, 1), Sample::default());
        assert_eq!(breaker.record(&plan, &outcomes, Millis(second * 1000)), None, "failure {second}");
    }
}

/// resilience4j #1443: a minimum of calls that is never reached made the breaker blind.
#[test]
fn little_traffic_is_no_blindness() {
    let little = |treatment| Source::new(&Traffic { requests: 1.0, share: 0.1, treatment, control: 0.01 });
    let course = Course { healthy: little(0.01), healthy_seconds: 0, failing: little(1.0), seconds: 86_400 };
    assert_eq!(Delays::of(course.runs(&plan(), 1, 0..100)).never, 0);
    // What a minimum of 100 calls in 300 seconds makes of it.
    let minimum = plan_of(Policy { detector: Detector::Rate, min_samples: 100, ..Policy::DEFAULT });
    assert_eq!(Delays::of(course.runs(&minimum, 1, 0..20)).never, 20);
}

/// gobreaker #37, PR #119: a callback under the lock, which dead-locked; and outside of it, which lost the order.
#[test]
fn what_happens_comes_back_as_values_in_order() {
    let plan = plan();
    let (mut breaker, mut now) = half_open(&plan);
    let mut sequences = Vec::new();
    for _ in 0..8 {
        now = now.max(breaker.next_deadline(&plan).expect("something is to come").0);
        let transition = breaker.poll(&plan, Millis(now)).expect("it comes");
        sequences.push(transition.sequence);
    }
    // Two came before: the trip and the first probe.
    assert_eq!(sequences, (3..11).collect::<Vec<_>>());
}

/// Hystrix #1633, #1861: open for ever after the service had recovered.
#[test]
fn open_is_looked_at_again_whatever_is_called() {
    let plan = plan();
    let mut breaker = Breaker::new(1, Millis(0));
    let (now, _) = tripped(&mut breaker, &plan, 0);
    // Only ever told of outcomes, never polled.
    let outcomes = counts(&breaker, sample(1, 0), Sample::default());
    let opened = breaker.record(&plan, &outcomes, Millis(now + 80_000)).expect("half-open");
    assert_eq!(opened.event, Event::HalfOpened);
}

/// Envoy #3263, #26877, #27066: a cap was computed before the action, and exceeded by it.
#[test]
fn a_cap_is_what_remains_after_the_action() {
    let plan = plan_of(Policy { slow_ms: 500, action: Action::StepBack, ..Policy::DEFAULT });
    let mut breaker = Breaker::new(1, Millis(0));
    breaker.stage(5_000, Millis(0));
    breaker.stage(30_000, Millis(700_000));
    let slow = Sample { slow: 300, ..sample(300, 0) };
    let outcomes = counts(&breaker, slow, sample(300, 0));
    let _ = breaker.record(&plan, &outcomes, Millis(701_000));
    let stepped = breaker.poll(&plan, Millis(702_000)).expect("a trip");
    assert_eq!((stepped.percent_before, stepped.percent_after), (30_000, 5_000));
    assert_eq!(breaker.trip_state(), TripState::Capped(5_000));
    // And if that was not enough: off.
    let outcomes = counts(&breaker, slow, sample(300, 0));
    let _ = breaker.record(&plan, &outcomes, Millis(703_000));
    let off = breaker.poll(&plan, Millis(704_000)).expect("another");
    assert_eq!((off.percent_before, off.percent_after, breaker.trip_state()), (5_000, 0, TripState::HeldOff));
}

/// Envoy #26758: the back-off did not grow.
#[test]
fn each_attempt_waits_twice_as_long() {
    let plan = plan();
    let mut breaker = Breaker::new(9, Millis(0));
    let (mut now, _) = tripped(&mut breaker, &plan, 0);
    let mut waits = Vec::new();
    while let Some(at) = breaker.next_deadline(&plan).filter(|_| waits.len() < 5) {
        waits.push(at.0 - now);
        now = at.0;
        breaker.poll(&plan, Millis(now)).expect("half-open");
        let outcomes = counts(&breaker, sample(100, 100), Sample::default());
        let _ = breaker.record(&plan, &outcomes, Millis(now));
        now += 1000;
        assert_eq!(breaker.poll(&plan, Millis(now)).map(|transition| transition.event), Some(Event::Reopened));
    }
    for (attempt, wait) in waits.iter().enumerate() {
        let usual = 60_000 << attempt;
        assert!((usual * 8 / 10..=usual * 12 / 10).contains(wait), "attempt {attempt}: {wait} ms");
    }
}

/// Hystrix #1537: 240 histograms a command. Here memory is fixed, and nothing is allocated.
#[test]
fn a_million_outcomes_take_no_memory() {
    let plan = plan_of(Policy { slow_ms: 500, action: Action::Notify, ..Policy::DEFAULT });
    let mut breaker = Breaker::new(1, Millis(0));
    let mut random = Random::new(1);
    let measured = allocation_counter::measure(|| {
        for second in 0..100_000_u64 {
            let errors = u32::try_from(random.bits() % 4).unwrap();
            let outcomes = counts(&breaker, Sample { slow: errors, ..sample(10, errors) }, sample(90, 1));
            let _ = breaker.record(&plan, &outcomes, Millis(second * 1000));
        }
        breaker.stage(20_000, Millis(100_000_000));
        let _ = breaker.set_mode(&plan, Mode::Held, Millis(100_000_000));
    });
    assert_eq!(measured.count_total, 0);
}

/// gobreaker's distributed breaker held a lock of a store during the request. Here hosts share nothing: what they count is added up
/// later, in any order.
#[test]
fn what_hosts_count_adds_up_in_any_order() {
    let plan = plan();
    let (mut forward, mut backward) = (Breaker::new(1, Millis(0)), Breaker::new(1, Millis(0)));
    let parts: Vec<Counts> =
        (0..30).map(|host| counts(&forward, sample(host, host / 20), sample(9 * host, host / 10))).collect();
    for part in &parts {
        assert_eq!(forward.record(&plan, part, Millis(0)), None);
    }
    for part in parts.iter().rev() {
        assert_eq!(backward.record(&plan, part, Millis(999)), None);
    }
    assert_eq!((forward.poll(&plan, Millis(1000)), forward), (backward.poll(&plan, Millis(1000)), backward));
}

/// `GrowthBook`'s `getSafeRolloutResultStatus`: a mismatch of the samples hid the rollback.
#[test]
fn a_sample_ratio_alarm_hides_no_rollback() {
    assert!(sample_ratio(0.5, 20, 9_000) > SAMPLE_RATIO_ALARM, "half of the users were to be treated");
    let plan = plan();
    let mut breaker = Breaker::new(1, Millis(0));
    let outcomes = counts(&breaker, sample(20, 20), sample(9_000, 90));
    let _ = breaker.record(&plan, &outcomes, Millis(0));
    assert_eq!(breaker.poll(&plan, Millis(1000)).map(|transition| transition.event), Some(Event::Tripped));
}

/// `GrowthBook`'s `evaluateMonitoredStep`: while a step was held, guardrails were not looked at. Flagger #1801: nor while traffic was
/// waited for.
#[test]
fn neither_a_new_stage_nor_a_held_one_hides_a_rollback() {
    let plan = plan();
    let mut breaker = Breaker::new(1, Millis(0));
    breaker.stage(10_000, Millis(0));
    assert_eq!(breaker.poll(&plan, Millis(301_000)).map(|transition| transition.event), Some(Event::NoData));
    breaker.stage(50_000, Millis(302_000));
    let (_, transition) = tripped(&mut breaker, &plan, 302_000);
    assert_eq!((transition.percent_after, breaker.trip_state()), (0, TripState::HeldOff));
}

/// `GrowthBook`: 50 failures of 50 against 5 of 450 gave `ZERO_NEGATIVE_VARIANCE`, and no result; 25 of 50 against none as well.
#[test]
fn certain_failure_is_visible() {
    for (treatment, control) in [(sample(50, 50), sample(450, 5)), (sample(50, 25), sample(450, 0))] {
        let plan = plan();
        let mut breaker = Breaker::new(1, Millis(0));
        let outcomes = counts(&breaker, treatment, control);
        let _ = breaker.record(&plan, &outcomes, Millis(0));
        assert_eq!(breaker.poll(&plan, Millis(1000)).and_then(|trip| trip.cause), Some(Cause::Relative));
    }
}

/// `GrowthBook`: a rollback that covered nothing said nothing. Here the transition says what is served before and after.
#[test]
fn a_rollback_says_what_it_has_changed() {
    let plan = plan();
    let mut breaker = Breaker::new(1, Millis(0));
    breaker.stage(10_000, Millis(0));
    let (_, transition) = tripped(&mut breaker, &plan, 0);
    assert_eq!((transition.percent_before, transition.percent_after), (10_000, 0));
    let text = transition.describe("checkout").to_string();
    assert!(
        text.starts_with("`checkout` rolled back 10 % → 0 %: 40 of 40 failed (100 %) against 100 % of 90"),
        "{text}"
    );
}

/// kortix-ai/suna #3403, Flagger #1501, Argo #1905: little or no traffic aborted good releases.
#[test]
fn no_traffic_is_no_reason_to_roll_back() {
    let plan = plan();
    let mut breaker = Breaker::new(1, Millis(0));
    breaker.stage(10_000, Millis(0));
    let quiet = breaker.poll(&plan, Millis(300_000)).expect("no data");
    assert_eq!((quiet.event, quiet.to), (Event::NoData, State::Closed));
    // The rollout does not go on in the dark, and goes on when there is light.
    breaker.stage(50_000, Millis(400_000));
    assert_eq!(breaker.trip_state(), TripState::Capped(10_000));
    let outcomes = counts(&breaker, sample(10, 0), sample(90, 0));
    assert_eq!(breaker.record(&plan, &outcomes, Millis(401_000)), None);
    let released = breaker.poll(&plan, Millis(402_000)).expect("released");
    assert_eq!((released.event, breaker.trip_state()), (Event::StageReleased, TripState::Clear));
    assert_eq!(breaker.poll(&plan, Millis(36_000_000)).map(|transition| transition.event), Some(Event::NoData));
}

/// A dependency's outage while the spread is learnt would make the breaker blind, did the spread not have an end.
#[test]
fn an_outage_while_learning_does_not_blind() {
    let plan = plan();
    let mut breaker = Breaker::new(1, Millis(0));
    for second in 0..7_200 {
        let errors = if (3_600..3_900).contains(&second) { 90 } else { 1 };
        let outcomes = counts(&breaker, Sample::default(), sample(100, errors));
        assert_eq!(breaker.record(&plan, &outcomes, Millis(second * 1000)), None);
    }
    assert!(breaker.report(&plan).spread <= 32.0);
    let mut seconds = 0;
    loop {
        let outcomes = counts(&breaker, sample(10, 10), sample(90, 1));
        if breaker.record(&plan, &outcomes, Millis((7_200 + seconds) * 1000)).is_some() {
            break;
        }
        seconds += 1;
    }
    assert!(seconds <= 30, "{seconds} s");
}

/// Envoy, again: whoever spoke last was obeyed. A person's or a fleet's word and the breaker's stand beside each other, and
/// the stricter counts.
#[test]
fn a_breaker_lifts_nothing_that_was_said() {
    let document = "flags: { f: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05, recovery: auto } } }";
    let (_, snapshot) = load(document, "said");
    let (mut guards, mut transitions) = (Guards::none(1), Vec::new());
    guards.guard(&snapshot, Scope::Fleet, Millis(0));
    guards.set_external_trip(FlagId(0), TripState::Capped(10_000));
    let told = |guards: &mut Guards, errors, now: Millis, transitions: &mut Vec<FlagTransition>| {
        let (breaker, _) = guards.breaker(FlagId(0)).expect("a breaker");
        let outcomes = counts(breaker, sample(400, errors), sample(90, 1));
        guards.record(&snapshot, FlagId(0), &outcomes, now, transitions);
        guards.poll(&snapshot, Millis(now.0 + 1_000), transitions);
        guards.trips().state(FlagId(0))
    };
    assert_eq!(told(&mut guards, 400, Millis(0), &mut transitions), TripState::HeldOff);
    let probe = guards.next_deadline().expect("a probe");
    guards.poll(&snapshot, probe, &mut transitions);
    assert_eq!(told(&mut guards, 0, probe, &mut transitions), TripState::Capped(10_000), "recovered, and still capped");
    let events: Vec<Event> = transitions.iter().map(|(_, transition)| transition.event).collect();
    assert_eq!(events, [Event::Tripped, Event::HalfOpened, Event::Recovered]);
    for (said, other, stricter) in [
        (TripState::Capped(10_000), TripState::Capped(5_000), TripState::Capped(5_000)),
        (TripState::Capped(10_000), TripState::Clear, TripState::Capped(10_000)),
        (TripState::HeldOff, TripState::Capped(5_000), TripState::HeldOff),
        (TripState::HeldOff, TripState::Probing, TripState::HeldOff),
        (TripState::Probing, TripState::Clear, TripState::Probing),
        (TripState::Probing, TripState::Capped(5_000), TripState::Probing),
        (TripState::Probing, TripState::Capped(0), TripState::Capped(0)),
        (TripState::HeldOff, TripState::Capped(0), TripState::HeldOff),
    ] {
        assert_eq!((said.stricter(other), other.stricter(said)), (stricter, stricter), "{said} and {other}");
    }
}
