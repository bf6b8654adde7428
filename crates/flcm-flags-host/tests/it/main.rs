//! All integration tests of the crate in one program, a module per subject.

mod batches;
mod breakers;
mod chance;
mod changed;
mod delivery;
mod host;
mod persistence;
mod statements;
mod vectors;
