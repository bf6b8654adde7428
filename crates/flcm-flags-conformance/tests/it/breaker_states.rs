//! Every sequence of inputs up to a depth at which every pair of neighbouring states has been seen, and what must hold after
//! each.

use std::collections::BTreeSet;

use flcm_flags::breaker::{Breaker, Event, Mode, Plan, Scope, State, Transition};
use flcm_flags::{Action, Counts, Millis, Policy, Recovery, Sample, Shared, TripState};

const HOUR: u64 = 3_600_000;

/// What a host can do to a breaker.
#[derive(Clone, Copy, Debug)]
enum Input {
    Healthy,
    Failing,
    BothFailing,
    SlowOnly,
    Late,
    OldGeneration,
    Impossible,
    Second,
    Deadline,
    IdleHours,
    ClockBack,
    StageUp,
    StageDown,
    Rest,
    Acknowledge,
    Mode(Mode),
    Configure,
}

const INPUTS: [Input; 20] = [
    Input::Healthy,
    Input::Failing,
    Input::BothFailing,
    Input::SlowOnly,
    Input::Late,
    Input::OldGeneration,
    Input::Impossible,
    Input::Second,
    Input::Deadline,
    Input::IdleHours,
    Input::ClockBack,
    Input::StageUp,
    Input::StageDown,
    Input::Rest,
    Input::Acknowledge,
    Input::Mode(Mode::Auto),
    Input::Mode(Mode::Held),
    Input::Mode(Mode::ForcedClosed),
    Input::Mode(Mode::Observe),
    Input::Configure,
];

fn sample(total: u32, errors: u32, slow: u32) -> Sample {
    Sample { total, errors, slow, missing: 0 }
}

/// A breaker, its time, and what it may have seen of this generation.
#[derive(Clone)]
struct Explored {
    breaker: Breaker,
    now: u64,
    percent: u32,
    /// Failures, or slow calls, of treated users that were marked with the generation.
    evidence: bool,
}

impl Explored {
    fn new(plan: &Plan) -> Self {
        let mut breaker = Breaker::new(3, Millis(HOUR));
        breaker.stage(10_000, Millis(HOUR));
        assert_eq!(breaker.poll(plan, Millis(HOUR)), None);
        Self { breaker, now: HOUR, percent: 10_000, evidence: false }
    }

    /// Applies an input; everything that happened.
    fn apply(&mut self, input: Input, plan: &Plan) -> Vec<Transition> {
        let generation = self.breaker.generation();
        let outcomes = |treatment, control, age| Counts { generation, age, treatment, control };
        let mut happened = Vec::new();
        match input {
            Input::Healthy => happened.extend(self.record(plan, outcomes(sample(300, 0, 0), sample(300, 0, 0), 0))),
            Input::Failing => happened.extend(self.record(plan, outcomes(sample(20, 20, 0), sample(90, 1, 0), 0))),
            Input::BothFailing => happened.extend(self.record(plan, outcomes(sample(90, 30, 0), sample(90, 30, 0), 0))),
            Input::SlowOnly => happened.extend(self.record(plan, outcomes(sample(50, 0, 50), sample(90, 0, 0), 0))),
            Input::Late => happened.extend(self.record(plan, outcomes(sample(20, 20, 0), sample(90, 1, 0), 60_000))),
            Input::OldGeneration => {
                let old =
                    Counts { generation: generation.wrapping_sub(1), ..outcomes(sample(9, 9, 9), sample(9, 0, 0), 0) };
                self.ignores(plan, old);
                happened.extend(self.record(plan, old));
            }
            Input::Impossible => {
                let refused = outcomes(sample(3, 9, 0), sample(0, 0, 0), 0);
                let before = self.breaker.anomalies().1;
                happened.extend(self.record(plan, refused));
                assert_eq!(self.breaker.anomalies().1, before + 1);
            }
            Input::Second => self.now += 1000,
            Input::Deadline => self.now = self.now.max(self.breaker.next_deadline(plan).map_or(self.now, |at| at.0)),
            Input::IdleHours => self.now += 10 * HOUR,
            Input::ClockBack => self.clock_back(plan),
            Input::StageUp => self.stage(self.percent * 2),
            Input::StageDown => self.stage(self.percent / 2),
            Input::Rest => self.breaker.rest(Millis(self.now)),
            Input::Acknowledge => happened.extend(self.breaker.acknowledge(plan, generation, Millis(self.now))),
            Input::Mode(mode) => happened.extend(self.breaker.set_mode(plan, mode, Millis(self.now))),
            Input::Configure => happened.push(self.breaker.configure(plan, Millis(self.now))),
        }
        happened.extend(self.breaker.poll(plan, Millis(self.now)));
        happened
    }

    /// Outcomes, and the second in which they are weighed.
    fn record(&mut self, plan: &Plan, counts: Counts) -> Option<Transition> {
        let transition = self.breaker.record(plan, &counts, Millis(self.now));
        self.evidence |= counts.is_valid() && counts.generation == self.breaker.generation();
        self.now += 1000;
        transition
    }

    /// Outcomes of an older generation leave no trace.
    fn ignores(&self, plan: &Plan, old: Counts) {
        let (mut told, mut untold) = (self.breaker.clone(), self.breaker.clone());
        let _ = told.record(plan, &old, Millis(self.now));
        let _ = untold.poll(plan, Millis(self.now));
        assert_eq!(told, untold, "an outcome of an older generation was counted");
    }

    /// A clock that steps back changes nothing but the complaint about it.
    fn clock_back(&mut self, plan: &Plan) {
        let mut stepped = self.breaker.clone();
        let _ = stepped.poll(plan, Millis(self.now - HOUR / 2));
        let (backward, refused) = stepped.anomalies();
        assert_eq!(stepped.state(), self.breaker.state());
        assert_eq!((backward, refused), (self.breaker.anomalies().0 + 1, self.breaker.anomalies().1));
        let same = |breaker: &Breaker| (breaker.trip_state(), breaker.generation(), breaker.report(plan));
        assert_eq!(same(&stepped), same(&self.breaker));
        assert_eq!(stepped.next_deadline(plan), self.breaker.next_deadline(plan));
        self.breaker = stepped;
    }

    fn stage(&mut self, percent: u32) {
        self.percent = percent.clamp(1, 100_000);
        self.breaker.stage(self.percent, Millis(self.now));
    }

    /// What must hold of one thing that happened.
    fn check(&mut self, (was, numbered): (State, u32), transition: &Transition, plan: &Plan) {
        let Transition { event, from, to, generation, sequence, mode, percent_after, .. } = *transition;
        let renewed = !matches!(
            event,
            Event::WouldTrip | Event::StageHeld | Event::StageReleased | Event::NoData | Event::Reminder
        );
        assert_eq!(generation.wrapping_sub(numbered), u32::from(renewed), "{event}: generation");
        assert!(sequence > 0, "events are counted");
        assert_eq!(from, was, "{event}: from");
        match event {
            Event::Tripped => {
                assert!(self.evidence, "a trip without evidence");
                assert_eq!((to, mode), (State::Open, Mode::Auto));
                let statistics = [transition.report.errors, transition.report.slow];
                let highest = statistics.iter().flat_map(|both| [both.absolute, both.relative]).fold(0.0, f64::max);
                assert!(plan.policy().detector == flcm_flags::Detector::Rate || highest >= plan.limit());
            }
            Event::WouldTrip => assert!(self.evidence && to == from, "it is only said"),
            Event::HalfOpened => assert_eq!((from, to), (State::Open, State::HalfOpen)),
            Event::Reopened | Event::ProbeInconclusive => assert_eq!((from, to), (State::HalfOpen, State::Open)),
            Event::Recovered => assert_eq!((from, to), (State::HalfOpen, State::Closed)),
            Event::Acknowledged => assert_eq!(to, State::Closed),
            _ => {}
        }
        if event == Event::Tripped {
            assert!(percent_after < self.percent, "a rollback lowers the percentage: {transition:?}");
        }
        if renewed {
            self.evidence = false;
        }
    }

    /// From here the breaker can be closed: by waiting, or by what a person can do.
    fn can_close(&self, plan: &Plan) {
        let mut breaker = self.breaker.clone();
        let mut now = self.now;
        for _ in 0..40 {
            match (breaker.mode(), breaker.state()) {
                (Mode::Auto, State::Closed) => return,
                (Mode::Auto, State::HalfOpen) => {
                    let healthy =
                        Counts { generation: breaker.generation(), treatment: sample(500, 0, 0), ..Counts::default() };
                    let _ = breaker.record(plan, &healthy, Millis(now));
                    now += 1000;
                    let _ = breaker.poll(plan, Millis(now));
                }
                (Mode::Auto, State::Open) => {
                    let at = breaker.next_deadline(plan).expect("an open breaker waits for something");
                    now = now.max(at.0);
                    let event = breaker.poll(plan, Millis(now)).expect("and when it is time something happens").event;
                    if event == Event::Reminder {
                        let generation = breaker.generation();
                        assert!(breaker.acknowledge(plan, generation, Millis(now)).is_some());
                    }
                }
                _ => assert!(breaker.release(plan, Millis(now)).is_some()),
            }
        }
        panic!("stuck: {:?}", self.breaker);
    }

    /// Deadlines that have passed are dealt with: there is an end to polling.
    fn settles(&self, plan: &Plan) {
        let mut breaker = self.breaker.clone();
        for _ in 0..5 {
            if breaker.poll(plan, Millis(self.now)).is_none() {
                let next = breaker.next_deadline(plan);
                assert!(
                    next.is_none_or(|next| next.0 > self.now),
                    "due at {next:?}, and nothing happens at {}",
                    self.now
                );
                return;
            }
        }
        panic!("polling does not end: {breaker:?}");
    }
}

/// What was seen on the way.
#[derive(Default)]
struct Seen {
    pairs: BTreeSet<(&'static str, &'static str)>,
    events: BTreeSet<&'static str>,
    trips: BTreeSet<&'static str>,
    count: u64,
}

fn explore(explored: &Explored, plan: &Plan, depth: u32, seen: &mut Seen) {
    if depth == 0 {
        return;
    }
    for input in INPUTS {
        let mut next = explored.clone();
        let mut before = (next.breaker.state(), next.breaker.generation());
        for transition in next.apply(input, plan) {
            next.check(before, &transition, plan);
            before = (transition.to, transition.generation);
            seen.pairs.insert((transition.from.as_str(), transition.to.as_str()));
            seen.events.insert(transition.event.as_str());
        }
        seen.trips.insert(next.breaker.trip_state().as_str());
        seen.count += 1;
        let (kept, happened) = Breaker::from_bytes(&next.breaker.to_bytes(plan), plan).expect("a breaker of our own");
        assert_eq!((&kept, happened), (&next.breaker, None));
        if next.breaker.mode() == Mode::ForcedClosed || next.breaker.mode() == Mode::Observe {
            assert_eq!(next.breaker.trip_state(), TripState::Clear, "only observed");
        }
        next.settles(plan);
        next.can_close(plan);
        explore(&next, plan, depth - 1, seen);
    }
}

fn explored(policy: &Policy, depth: u32) -> Seen {
    let plan = Plan::new(policy, Scope::Fleet);
    let mut seen = Seen::default();
    explore(&Explored::new(&plan), &plan, depth, &mut seen);
    println!("{} states after up to {depth} inputs; events: {:?}; {:?}", seen.count, seen.events, seen.trips);
    seen
}

const STATES: [(&str, &str); 7] = [
    ("closed", "closed"),
    ("closed", "open"),
    ("half_open", "closed"),
    ("half_open", "open"),
    ("open", "closed"),
    ("open", "half_open"),
    ("open", "open"),
];

#[test]
fn every_pair_of_states_is_reached_and_nothing_gets_stuck() {
    let policy = Policy { slow_ms: 500, recovery: Recovery::Auto, ..Policy::DEFAULT };
    let seen = explored(&policy, 4);
    for pair in STATES {
        assert!(seen.pairs.contains(&pair), "{pair:?} was not reached");
    }
    assert!(!seen.pairs.contains(&("closed", "half_open")), "nothing is probed that was not rolled back");
    for trip in ["clear", "off", "probing"] {
        assert!(seen.trips.contains(trip), "`{trip}` was not reached");
    }
}

#[test]
fn stepping_back_and_holding_a_stage_get_nothing_stuck() {
    let policy = Policy { action: Action::StepBack, shared: Shared::Hold, recovery: Recovery::Auto, ..Policy::DEFAULT };
    let seen = explored(&policy, 3);
    for event in ["stage_held", "no_data", "tripped", "configured"] {
        assert!(seen.events.contains(event), "`{event}` did not occur");
    }
}

#[test]
fn a_sticky_rollback_waits_for_a_person() {
    let seen = explored(&Policy { recovery: Recovery::Sticky, ..Policy::DEFAULT }, 3);
    assert!(seen.events.contains("acknowledged") && seen.events.contains("reminder"));
    assert!(!seen.events.contains("half_opened"));
}

#[test]
fn notifying_alone_changes_nothing() {
    let seen = explored(&Policy { action: Action::Notify, ..Policy::DEFAULT }, 3);
    assert!(seen.events.contains("would_trip") && !seen.events.contains("tripped"));
}

#[test]
fn the_plain_rate_gets_nothing_stuck() {
    let seen = explored(&Policy { detector: flcm_flags::Detector::Rate, min_samples: 10, ..Policy::DEFAULT }, 3);
    assert!(seen.events.contains("tripped") && seen.events.contains("half_opened"));
}
