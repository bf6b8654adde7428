//! Statements about snapshots.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| flcm_flags_fuzz::statement(bytes));
