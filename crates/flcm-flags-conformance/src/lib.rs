//! Proves that every implementation decides alike.
//!
//! | module | what it does |
//! |---|---|
//! | [`vectors`] | reads the language-neutral files in `tests/vectors`, and runs them |
//! | [`oracle`] | decides directly from the configuration, slowly and exactly as the contract has it |
//! | [`generate`] | makes random documents, contexts and trips out of a seed |
//! | [`parity`] | compares the core with the oracle over what was generated |
//! | [`edits`] | compares edits of random texts with edits of their values |
//! | [`cases`] | writes decisions on which both agree, for implementations in other languages |
//! | [`world`] | simulates hosts of `flcm-flags-host`, their links, and the fleet's breaker |
//! | [`sources`] | finds the files that the tidy tests check |
//!
//! Random documents and contexts must get the same decision from core and oracle, with the same reason and rule. What
//! is compared is an [`Answer`]: a decision as plain data.
//!
//! The program `conformance` compares for longer than the tests do, and writes files that other suites read.
//! `seeded-faults.sh` puts one-line faults into the core, and the comparison must find each of them. So it shows that
//! these tests can fail.
#![expect(clippy::missing_panics_doc, reason = "a test crate: a panic is how it says what is wrong")]

pub mod answer;
pub mod cases;
pub mod edits;
pub mod generate;
pub mod oracle;
pub mod parity;
pub mod sources;
pub mod vectors;
pub mod world;

pub use answer::Answer;
pub use flcm_flags_config::{Attribute, OwnedContext};
pub use oracle::{Oracle, Question};
