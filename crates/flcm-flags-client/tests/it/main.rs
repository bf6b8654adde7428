//! All integration tests of the crate in one program, a module per subject.

mod features;
#[cfg(feature = "open-feature")]
mod open_feature;
mod readers;
