//! Reads and checks feature-flag documents, and compiles them into the snapshots that `flcm-flags` evaluates.
//!
//! ```text
//! text ──parse──▶ Document ──check──▶ Config ──compile──▶ bytes
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | `parse` | reads YAML or JSON into a [`Document`], in which every value has its position |
//! | `config` | the checked document, its dependency graph, and its compiled regular expressions |
//! | `check` | resolves `extends`, checks names, types and limits, and builds the [`Config`]; `check::lint` warns |
//! | `compile` | writes the bytes of a snapshot |
//! | `explain` | explains a decision as a tree; describes the flags of a snapshot |
//! | `diff` | compares two versions: what changes, and for how many users |
//! | `simulate` | shows how soon a policy would roll a flag back, and how often by mistake |
//!
//! A module uses only modules that stand above it in this table.
//!
//! [`check`] does the first two steps and reports all problems at once; [`compile`] cannot fail.
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
pub mod explain;
pub mod limits;
pub mod parse;
pub mod simulate;

pub use check::check;
pub use compile::compile;
pub use config::Config;
pub use context::{Attribute, ContextError, OwnedContext};
pub use diagnostics::{Diagnostic, Diagnostics, Severity, Span, did_you_mean};
pub use explain::Explanation;
pub use parse::document::Document;
pub use parse::schema::schema;
