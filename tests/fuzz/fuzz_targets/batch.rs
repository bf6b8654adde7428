//! Batches of metrics, read and written again.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| flcm_flags_fuzz::batch(bytes));
