//! Proves that every implementation decides alike.
//!
//! - [`cases`] writes decisions that both agree on, for implementations in other languages.
//! - [`oracle`] decides directly from the configuration, slowly and by the letter of the contract.
//! - [`generate`] makes random documents, contexts and trips out of a seed.
//! - [`parity`] compares the core with the oracle over what was generated.
//! - [`sources`] finds the files that the tidy checks look at.
//! - [`world`] simulates hosts, links and a fleet's breaker.
//! - [`vectors`] reads the language-neutral files under `tests/vectors` and runs them.
//!
//! The program `conformance` compares for longer than the tests do, and writes files that other suites read.
//! `seeded-faults.sh` proves that these tests can fail.
//!
//! What all of them compare is an [`Answer`]: a decision as plain data.
#![expect(clippy::missing_panics_doc, reason = "a test crate: a panic is how it says what is wrong")]

pub mod answer;
pub mod cases;
pub mod generate;
pub mod oracle;
pub mod parity;
pub mod sources;
pub mod vectors;
pub mod world;

pub use answer::Answer;
pub use flcm_flags_config::{Attribute, OwnedContext};
pub use oracle::{Oracle, Question};
