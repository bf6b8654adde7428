//! All integration tests of the crate in one program, a module per subject.

mod acceptance;
mod breaker_bugs;
mod breaker_golden;
mod breaker_holds;
mod breaker_states;
mod breaker_statistics;
mod dependencies;
mod diagnostic_codes;
mod differences;
mod edits;
mod fixed_points;
mod fixes;
mod metrics;
mod outline;
mod pages;
mod parity;
mod properties;
mod readers;
mod schema;
mod tidy;
mod vectors;
