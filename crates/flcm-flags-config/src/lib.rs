//! Feature-flag documents: read, checked, and compiled into the snapshot that `flcm-flags` decides from.
//!
//! ```text
//! text ──parse──▶ Document ──check──▶ Config ──compile──▶ bytes
//! ```
//!
//! [`check`] does the first two steps and finds every problem at once; [`compile`] cannot fail.
//!
//! ```
//! let (config, diagnostics) = flcm_flags_config::check("flags: { checkout: { rollout: { percentage: 10 } } }");
//! let bytes = flcm_flags_config::compile(&config.expect("a valid document"));
//! let snapshot = flcm_flags::Snapshot::from_bytes(bytes).expect("a snapshot of our own");
//! assert!(snapshot.flag("checkout").is_some() && diagnostics.is_empty());
//! ```

mod check;
mod compile;
pub mod config;
mod context;
mod diagnostics;
pub mod diff;
pub mod document;
pub mod explanation;
mod graph;
mod inherit;
pub mod json;
pub mod limits;
mod lint;
mod operand;
mod parse;
mod pattern;
mod rules;
mod schema;
pub mod simulate;
mod source;
pub mod view;
mod word;
mod writer;

pub use check::check;
pub use compile::compile;
pub use config::Config;
pub use context::{Attribute, ContextError, OwnedContext};
pub use diagnostics::{Diagnostic, Diagnostics, Severity, Span, did_you_mean};
pub use document::Document;
pub use explanation::Explanation;
pub use schema::schema;
