//! The breakers of a fleet, with pages.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| flcm_flags_fuzz::pages(bytes));
