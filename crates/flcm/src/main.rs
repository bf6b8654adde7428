//! The command line of FLCM Flags.
fn main() {}
