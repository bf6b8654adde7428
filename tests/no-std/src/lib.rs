//! Links only when the core needs neither `std` nor an allocator: there is no allocator here, and the panic handler is our
//! own.
#![no_std]

use flcm_flags::{Context, Millis, Snapshot, Trips, evaluate};

/// Decides the first flag of a snapshot that the host has written into memory: 1 on, 0 off, -1 for bytes that are no
/// snapshot.
#[unsafe(no_mangle)]
pub extern "C" fn decide(now: u64) -> i32 {
    static BYTES: &[u8] = include_bytes!("../../../crates/flcm-flags/tests/first.snapshot");
    let Ok(snapshot) = Snapshot::from_bytes(BYTES) else { return -1 };
    let context = Context::new(Some("alice"), &[("account_age_days", 45.into())]).bind(&snapshot);
    let flags = snapshot.flags();
    flags.map(|flag| i32::from(evaluate(&snapshot, &Trips::NONE, flag, &context, Millis(now)).enabled())).sum()
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
