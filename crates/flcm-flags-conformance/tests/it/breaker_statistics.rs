//! The acceptance scenarios of rolling back that are about its statistics, by their numbers.

use flcm_flags::breaker::{Breaker, Plan, Scope};
use flcm_flags::{Counts, Millis, Policy, Sample};
use flcm_flags_config::simulate::{Course, Delays, Random, Source, Traffic};

const DAY: u64 = 86_400;
const HOUR: u64 = 3_600;

fn plan() -> Plan {
    Plan::new(&Policy::DEFAULT, Scope::Fleet)
}

fn traffic(requests: f64, treatment: f64, control: f64) -> Source {
    Source::new(&Traffic { requests, share: 0.1, treatment, control })
}

#[test]
fn scenario_08_healthy_days_are_not_rolled_back() {
    // A tenth of the days of the scenario; `conformance false-alarms` runs twenty times as many.
    for requests in [1.0, 10.0, 100.0] {
        let course = Course::healthy(traffic(requests, 0.01, 0.01), DAY);
        let delays = Delays::of(course.runs(&plan(), 8, 0..30));
        assert_eq!((delays.falsely, delays.found.len()), (0, 0), "{requests} requests a second");
    }
}

fn delays(requests: f64, rate: f64, healthy_seconds: u64) -> (u64, u64) {
    let healthy = traffic(requests, 0.01, 0.01);
    let course =
        Course { healthy, healthy_seconds, failing: traffic(requests, rate, 0.01), seconds: healthy_seconds + DAY };
    let delays = Delays::of(course.runs(&plan(), 9, 0..200));
    (delays.quantile(0.5).expect("a median"), delays.quantile(0.9).expect("nine of ten"))
}

#[test]
fn scenario_09_half_of_the_requests_fail_from_the_start() {
    let (median, most) = delays(10.0, 0.5, 0);
    assert!(median <= 15 && most <= 30, "{median} s, {most} s");
}

#[test]
fn scenario_10_half_of_the_requests_fail_after_an_hour() {
    let (median, most) = delays(10.0, 0.5, HOUR);
    assert!(median <= 30 && most <= 45, "{median} s, {most} s");
}

#[test]
fn scenario_11_little_traffic_that_fails_altogether() {
    let (median, _) = delays(1.0, 1.0, 0);
    assert!(median <= 45, "{median} s");
}

#[test]
fn scenario_12_stage_and_baseline_move_together() {
    let plan = plan();
    let before = Source::new(&Traffic { requests: 100.0, share: 0.01, treatment: 0.005, control: 0.005 });
    let after = Source::new(&Traffic { requests: 100.0, share: 0.5, treatment: 0.03, control: 0.03 });
    for run in 0..200 {
        let (mut breaker, mut random) = (Breaker::new(run, Millis(0)), Random::new(Random::seed(12, run)));
        for second in 0..2 * HOUR {
            let (source, percent) = if second < HOUR { (&before, 1_000) } else { (&after, 50_000) };
            breaker.stage(percent, Millis(second * 1000));
            let (treatment, control) = source.draw(&mut random);
            let counts = Counts { generation: breaker.generation(), age: 0, treatment, control };
            assert_eq!(breaker.record(&plan, &counts, Millis(second * 1000)), None, "run {run}, second {second}");
        }
    }
}

/// Failing users who retry: each failure of the source is a burst of a geometric number of them, ten on average.
fn bursts(sample: Sample, random: &mut Random) -> Sample {
    let mut errors = 0;
    for _ in 0..sample.errors {
        errors += 1;
        while random.unit() < 0.9 {
            errors += 1;
        }
    }
    Sample { total: sample.total - sample.errors + errors, errors, ..sample }
}

#[test]
fn scenario_14_bursts_are_learnt_before_the_rollout() {
    let plan = plan();
    // A tenth of the errors, each ten times: 1 % in all.
    let source = traffic(10.0, 0.001, 0.001);
    let mut trips = 0;
    for run in 0..40 {
        let (mut breaker, mut random) = (Breaker::new(run, Millis(0)), Random::new(Random::seed(14, run)));
        for second in 0..HOUR + DAY {
            let (treatment, control) = source.draw(&mut random);
            let (mut treatment, mut control) = (bursts(treatment, &mut random), bursts(control, &mut random));
            if second < HOUR {
                control.add(&treatment);
                treatment = Sample::default();
            }
            let counts = Counts { generation: breaker.generation(), age: 0, treatment, control };
            if breaker.record(&plan, &counts, Millis(second * 1000)).is_some() {
                trips += 1;
                break;
            }
        }
        let spread = breaker.report(&plan).spread;
        assert!(trips > 0 || (8.0..32.0).contains(&spread), "bursts of ten are seen as such: {spread}");
    }
    assert!(trips <= 1, "{trips} of 40 days");
}

#[test]
fn scenario_33_one_second_split_over_any_number_of_hosts_is_the_same_evidence() {
    let plan = plan();
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let (mut whole, mut split) = (Breaker::new(1, Millis(0)), Breaker::new(1, Millis(0)));
        for second in 0..20_u64 {
            let mut parts = Vec::new();
            for _ in 0..=random.bits() % 40 {
                let arm = |random: &mut Random| {
                    let total = u32::try_from(random.bits() % 50).unwrap();
                    Sample {
                        total,
                        errors: u32::try_from(random.bits() % (u64::from(total) / 8 + 1)).unwrap(),
                        ..Sample::default()
                    }
                };
                parts.push((arm(&mut random), arm(&mut random)));
            }
            let generation = whole.generation();
            let mut sum = Counts { generation, ..Counts::default() };
            for (index, (treatment, control)) in (0..).zip(&parts) {
                sum.treatment.add(treatment);
                sum.control.add(control);
                let counts = Counts { generation, age: 0, treatment: *treatment, control: *control };
                let now = second * 1000 + index * 1000 / parts.len() as u64;
                assert_eq!(split.record(&plan, &counts, Millis(now)), None);
            }
            assert_eq!(whole.record(&plan, &sum, Millis(second * 1000)), None);
            let end = Millis(second * 1000 + 1000);
            // Polls in between change nothing either.
            let (first, second) = (whole.poll(&plan, end), split.poll(&plan, end));
            assert_eq!(first, second, "seed {seed}");
            if first.is_some() {
                break;
            }
        }
        let bits = |breaker: &Breaker| format!("{:?}", breaker.report(&plan));
        assert_eq!(bits(&whole), bits(&split), "seed {seed}");
    }
}

/// The expectation of a stratum's bet when the treatment's rate is exactly what is tolerated, summed over everything that can
/// happen.
fn expectation(more: f64, ratio: f64, margin: f64, control_rate: f64, treated: u32, left_out: u32) -> f64 {
    let rate = ratio * control_rate + margin;
    let binomial = |total: u32, rate: f64| -> Vec<f64> {
        let mut weights = vec![(1.0 - rate).powi(i32::try_from(total).unwrap())];
        for hit in 1..=total {
            let before = weights[hit as usize - 1];
            weights.push(before * f64::from(total - hit + 1) / f64::from(hit) * rate / (1.0 - rate));
        }
        weights
    };
    let (ours, theirs) = (ratio * f64::from(treated), f64::from(left_out));
    let factor = (ours + theirs) / (ours * more + theirs);
    let mut sum = 0.0;
    for (failed, ours) in (0_u32..).map(f64::from).zip(binomial(treated, rate)) {
        for (control, theirs) in (0_u32..).map(f64::from).zip(binomial(left_out, control_rate)) {
            let logarithm = failed * more.ln() + (failed + control) * factor.ln()
                - margin * f64::from(treated) * (more * factor - 1.0);
            sum += ours * theirs * logarithm.exp();
        }
    }
    sum
}

#[test]
fn scenario_34_no_bet_grows_on_the_edge_of_what_is_tolerated() {
    let mut largest: f64 = 0.0;
    for (ratio, margin) in [(1.0, 0.0), (1.25, 0.001), (1.5, 0.01), (2.0, 0.0), (3.0, 0.05)] {
        for control_rate in [0.0005, 0.005, 0.01, 0.05, 0.2, 0.3] {
            for (treated, left_out) in [(3, 3), (3, 27), (10, 10), (10, 90), (40, 3), (50, 50)] {
                for more in [1.6, 2.5, 5.0, 12.0, 60.0] {
                    largest = largest.max(expectation(more, ratio, margin, control_rate, treated, left_out));
                }
            }
        }
    }
    assert!(largest <= 1.0 + 1e-9, "{largest}");
    assert!(largest > 0.99, "the edge is an edge");
}
