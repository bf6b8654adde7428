//! Links only when the core needs neither `std` nor an allocator: there is none here, and the panic handler is our own.
#![no_std]

use flcm_flags::breaker::{Breaker, Plan, Scope};
use flcm_flags::metrics::FlagMetrics;
use flcm_flags::{Arm, Context, Counts, Millis, Policy, Sample, Snapshot, Trips, evaluate};

static BYTES: &[u8] = include_bytes!("../../fuzz/corpus/snapshot/feature-flags");

/// How many flags of the example are on for one user; -1 when the bytes are no snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn decide(account_age_days: f64, now: u64) -> i32 {
    let Ok(snapshot) = Snapshot::from_bytes(BYTES) else { return -1 };
    let attributes = [("account_age_days", account_age_days.into())];
    let context = Context::new(Some("alice"), &attributes).bind(&snapshot);
    let is_on = |flag| evaluate(&snapshot, &Trips::NONE, flag, &context, Millis(now)).enabled();
    snapshot.flags().map(|flag| i32::from(is_on(flag))).sum()
}

/// Seconds of total failure after which a breaker trips, and about how many milliseconds the calls took, summed.
#[unsafe(no_mangle)]
pub extern "C" fn roll_back(duration: f64) -> f64 {
    let (plan, mut breaker) = (Plan::new(&Policy::DEFAULT, Scope::Fleet), Breaker::new(1, Millis(0)));
    let mut metrics = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
    let treatment = Sample { total: 1, errors: 1, ..Sample::default() };
    for second in 0_u32.. {
        let counts = Counts { generation: breaker.generation(), treatment, ..Counts::default() };
        if breaker.record(&plan, &counts, Millis(u64::from(second) * 1000)).is_some() {
            return f64::from(second) + metrics.summary().durations.p50;
        }
        metrics.outcome(Arm::Treatment, &treatment, duration);
    }
    0.0
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
