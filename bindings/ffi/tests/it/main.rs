//! All integration tests of the crate in one program, a module per subject.

mod breakers;
mod compact;
mod hostile;
#[cfg(feature = "local")]
mod local;
