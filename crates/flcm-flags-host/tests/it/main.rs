//! All integration tests of the crate in one program, a module per subject.

mod batches;
mod breakers;
mod chance;
mod changed;
mod delivery;
mod fleet_guards;
mod host;
mod page_evidence;
mod persistence;
mod statements;
mod vectors;
