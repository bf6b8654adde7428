//! The breaker against figures that were computed by other means, to the digit.

use flcm_flags::breaker::{Breaker, Cause, Event, Plan, Scope, Transition};
use flcm_flags::{Counts, Millis, Policy, Sample};

fn sample(errors: u32, total: u32) -> Sample {
    Sample { total, errors, ..Sample::default() }
}

/// A breaker that is told the same counts every second.
struct Steady {
    plan: Plan,
    breaker: Breaker,
    second: u64,
}

impl Steady {
    fn new(scope: Scope) -> Self {
        Self { plan: Plan::new(&Policy::DEFAULT, scope), breaker: Breaker::new(1, Millis(0)), second: 0 }
    }

    /// One second, and what is said when it is over.
    fn tick(&mut self, treatment: Sample, control: Sample) -> Option<Transition> {
        let counts = Counts { generation: self.breaker.generation(), age: 0, treatment, control };
        let early = self.breaker.record(&self.plan, &counts, Millis(self.second * 1000));
        assert_eq!(early, None);
        self.second += 1;
        self.breaker.poll(&self.plan, Millis(self.second * 1000))
    }

    /// Ticks until something happens; the number of ticks, and what it was.
    fn until(&mut self, treatment: Sample, control: Sample) -> (u64, Transition) {
        for _ in 0..100_000 {
            if let Some(transition) = self.tick(treatment, control) {
                return (self.second, transition);
            }
        }
        panic!("nothing happened");
    }

    fn statistics(&self) -> (f64, f64) {
        let errors = self.breaker.report(&self.plan).errors;
        (errors.absolute, errors.relative)
    }
}

#[track_caller]
fn close(value: f64, wanted: f64) {
    assert!((value / wanted - 1.0).abs() < 5e-12, "{value}, not {wanted}");
}

#[test]
fn scenario_1_a_total_failure_trips_at_the_fourth_second() {
    let mut steady = Steady::new(Scope::Fleet);
    for _ in 0..3 {
        assert_eq!(steady.tick(sample(1, 1), sample(0, 9)), None);
    }
    let (absolute, relative) = steady.statistics();
    close(absolute, 202.879_617_198);
    close(relative, 28.424_008_090_2);
    let (second, tripped) = steady.until(sample(1, 1), sample(0, 9));
    assert_eq!((second, tripped.event, tripped.cause), (4, Event::Tripped, Some(Cause::Absolute)));
    close(tripped.report.errors.absolute, 2_858.389_559_01);
}

#[test]
fn scenario_2_two_failures_of_ten_are_little() {
    let mut steady = Steady::new(Scope::Fleet);
    assert_eq!(steady.tick(sample(2, 10), sample(1, 90)), None);
    let (absolute, relative) = steady.statistics();
    close(absolute, 0.538_909_219_479);
    close(relative, 1.505_711_649_8);
}

#[test]
fn scenario_3_a_fault_after_a_healthy_minute() {
    let mut steady = Steady::new(Scope::Fleet);
    for _ in 0..60 {
        assert_eq!(steady.tick(sample(0, 10), sample(1, 90)), None);
    }
    let (second, tripped) = steady.until(sample(5, 10), sample(1, 90));
    assert_eq!((second, tripped.cause), (63, Some(Cause::Relative)));
}

#[test]
fn scenario_4_what_the_control_shares_is_not_the_flags_fault() {
    let mut steady = Steady::new(Scope::Fleet);
    let (second, tripped) = steady.until(sample(2, 10), sample(18, 90));
    assert_eq!((second, tripped.cause), (8, Some(Cause::Shared)));
    close(tripped.report.errors.absolute, 3_903.576_996_698_054);
    assert!(tripped.report.errors.relative < 1.0);
}

#[test]
fn scenario_4_the_relative_half_stays_below_one() {
    let mut steady = Steady::new(Scope::Fleet);
    steady.breaker.set_mode(&steady.plan, flcm_flags::breaker::Mode::ForcedClosed, Millis(0));
    for _ in 0..20 {
        assert_eq!(steady.tick(sample(2, 10), sample(18, 90)), None);
    }
    close(steady.statistics().1, 5.796_426_879_134_741e-6);
}

#[test]
fn scenario_5_without_a_control_the_absolute_half_works_alone() {
    let mut steady = Steady::new(Scope::Fleet);
    let (second, tripped) = steady.until(sample(1, 5), sample(0, 0));
    assert_eq!((second, tripped.cause), (16, Some(Cause::Absolute)));
    let mut steady = Steady::new(Scope::Fleet);
    steady.breaker.set_mode(&steady.plan, flcm_flags::breaker::Mode::ForcedClosed, Millis(0));
    for _ in 0..30 {
        steady.tick(sample(1, 5), sample(0, 0));
    }
    close(steady.statistics().1, 0.250_173_611_111);
}

#[test]
fn scenario_6_a_certain_failure_is_answered() {
    let (second, tripped) = Steady::new(Scope::Fleet).until(sample(10, 10), sample(0, 90));
    assert_eq!((second, tripped.event), (1, Event::Tripped));
}

/// The table "errors needed": from a fresh start, and long after one.
#[test]
fn as_many_errors_are_needed_as_the_table_says() {
    for (scope, fresh, later) in [(Scope::Fleet, 4, 8), (Scope::Host, 6, 10)] {
        assert_eq!(Steady::new(scope).until(sample(1, 1), sample(0, 0)).0, fresh, "{scope:?}");
        let mut steady = Steady::new(scope);
        for _ in 0..10_000 {
            assert_eq!(steady.tick(sample(0, 10), sample(0, 0)), None);
        }
        assert_eq!(steady.until(sample(1, 1), sample(0, 0)).0 - 10_000, later, "{scope:?}");
    }
    for (total, fresh) in [(10, 6), (20, 8), (100, 18), (1000, 86), (10_000, 652)] {
        let trips = |errors| Steady::new(Scope::Fleet).tick(sample(errors, total), sample(0, 0)).is_some();
        assert!(trips(fresh) && !trips(fresh - 1), "{fresh} of {total}");
    }
}

#[test]
fn scenario_29_a_million_requests_at_the_threshold_do_not_trip() {
    let mut steady = Steady::new(Scope::Fleet);
    for _ in 0..100 {
        assert_eq!(steady.tick(sample(500_000, 10_000_000), sample(500_000, 10_000_000)), None);
    }
    assert!(steady.statistics().0.is_finite() && steady.statistics().1.is_finite());
    let tripped = steady.tick(sample(10_000_000, 10_000_000), sample(0, 10_000_000)).expect("a trip");
    assert!(tripped.report.errors.absolute.is_finite());
}

/// "The display window apart": what is left is two metrics, the machine and the spread.
#[test]
fn a_breaker_takes_at_most_340_bytes_beside_its_window() {
    let size = size_of::<Breaker>() - size_of::<flcm_flags::breaker::Window>();
    assert!(size <= 340, "{size} bytes");
}
