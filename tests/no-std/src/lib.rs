//! Links only when the core needs neither `std` nor an allocator: there is none here, and the panic handler is our own.
#![no_std]

use flcm_flags::{Context, Millis, Snapshot, Trips, evaluate};

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

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
