//! Times of breakers: `just bench core`. Compare the column `fastest`; machines are noisy.

use divan::{Bencher, black_box};
use flcm_flags::breaker::{Breaker, Plan, Scope};
use flcm_flags::{Counts, Millis, Policy, Sample};

fn main() {
    divan::main();
}

/// A policy with slow calls, or without.
fn plan(slow: bool) -> Plan {
    Plan::new(&Policy { slow_ms: if slow { 500 } else { 0 }, ..Policy::DEFAULT }, Scope::Fleet)
}

/// A healthy second: outcomes of both arms, some of which fail and are slow.
const HEALTHY: Counts = Counts {
    generation: 1,
    age: 0,
    treatment: Sample { total: 10, errors: 0, slow: 1, missing: 0 },
    control: Sample { total: 90, errors: 1, slow: 9, missing: 0 },
};

// Each call is a second with outcomes, and weighs the one before.
#[divan::bench(sample_size = 1000, args = [false, true])]
fn step_with_traffic(bencher: Bencher<'_, '_>, slow: bool) {
    let (plan, mut breaker, mut now) = (plan(slow), Breaker::new(1, Millis(0)), 0);
    bencher.bench_local(|| {
        now += 1000;
        breaker.record(&plan, black_box(&HEALTHY), Millis(now)).is_some()
    });
}

#[divan::bench(sample_size = 1000)]
fn step_without_traffic(bencher: Bencher<'_, '_>) {
    let (plan, mut breaker, mut now) = (plan(true), Breaker::new(1, Millis(0)), 0);
    bencher.bench_local(|| {
        now += 1000;
        breaker.poll(&plan, black_box(Millis(now))).is_some()
    });
}

#[divan::bench(sample_size = 1000)]
fn record_an_outcome(bencher: Bencher<'_, '_>) {
    let (plan, mut breaker) = (plan(true), Breaker::new(1, Millis(0)));
    let one = Counts { treatment: Sample { total: 1, ..Sample::default() }, control: Sample::default(), ..HEALTHY };
    bencher.bench_local(|| breaker.record(&plan, black_box(&one), Millis(500)).is_some());
}

/// Ten thousand flags, of which one in `traffic` has had outcomes in the second.
#[divan::bench(sample_size = 1, sample_count = 50, args = [1, 10, 10_000])]
fn step_10_000_flags(bencher: Bencher<'_, '_>, traffic: usize) {
    let (plan, mut now) = (plan(false), 0);
    let mut breakers: Vec<Breaker> = (0..10_000).map(|seed| Breaker::new(seed, Millis(0))).collect();
    bencher.bench_local(|| {
        now += 1000;
        for (index, breaker) in breakers.iter_mut().enumerate() {
            if index % traffic == 0 {
                black_box(breaker.record(&plan, &HEALTHY, Millis(now)));
            } else {
                black_box(breaker.poll(&plan, Millis(now)));
            }
        }
    });
}

#[divan::bench(sample_size = 100)]
fn plan_of_a_policy(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| Plan::new(black_box(&Policy::DEFAULT), Scope::Fleet));
}

#[divan::bench(sample_size = 100)]
fn to_bytes_and_back(bencher: Bencher<'_, '_>) {
    let (breaker, plan) = (Breaker::new(1, Millis(0)), Plan::new(&Policy::DEFAULT, Scope::Fleet));
    bencher.bench_local(|| Breaker::from_bytes(&black_box(&breaker).to_bytes(&plan), &plan).is_ok());
}
