//! Edits of texts of any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| flcm_flags_fuzz::edit(bytes));
