//! The breaker's bytes, and what is done to a breaker.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| flcm_flags_fuzz::breaker(bytes));
