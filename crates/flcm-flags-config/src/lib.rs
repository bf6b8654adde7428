//! Reads and checks feature-flag documents, and compiles them into the snapshots that `flcm-flags` evaluates.
//!
//! ```text
//! text ──parse──▶ Document ──check──▶ Config ──compile──▶ bytes
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | `limits` | how large documents may be, each limit with its reason |
//! | `diagnostics` | problems with code, position, help and fixes |
//! | `context` | contexts of users as JSON, for explanations and the command line |
//! | `parse` | reads YAML or JSON into a [`Document`], in which every value has its position |
//! | `edit` | changes values in the text of a document; comments and layout stay |
//! | `config` | the checked document, its dependency graph, and its compiled regular expressions |
//! | `check` | resolves `extends`, checks names, types and limits, and builds the [`Config`]; `check::lint` warns |
//! | `outline` | a flag or a cohort value by value, each with its place and its origin |
//! | `compile` | writes the bytes of a snapshot |
//! | `explain` | explains a decision as a tree; describes the flags of a snapshot |
//! | `diff` | compares two versions: what changes, and for how many users |
//! | `workbench` | compares drafts with the document that they are based on |
//! | `simulate` | shows how soon a policy would roll a flag back, and how often by mistake |
//!
//! A module uses only modules that stand above it in this table. A test checks that.
//!
//! [`check`] does the first two steps and reports all problems at once; [`compile`] cannot fail.
//!
//! ```
//! let (config, diagnostics) = flcm_flags_config::check("flags: { checkout: { rollout: { percentage: 10 } } }");
//! let bytes = flcm_flags_config::compile(&config.expect("a valid document"));
//! let snapshot = flcm_flags::Snapshot::from_bytes(bytes).expect("a snapshot of our own");
//! assert!(snapshot.flag("checkout").is_some() && diagnostics.is_empty());
//! ```
//!
//! # From text to bytes
//!
//! 1. `parse::source` builds a tree of nodes with byte positions: of JSON and plain YAML by a reader of its own, which
//!    allocates once per list or map, and of all other YAML from the events of `granit-parser`.
//! 2. `parse` fills the [`Document`] and reports what does not fit. A key that no parser asked for is unknown, so there
//!    is no list of keys that could become outdated. A test compares the keys with the JSON Schema.
//! 3. `check::inherit` resolves `extends`.
//! 4. `check` builds the [`Config`]. The short form of a flag becomes rules in `check::rules`.
//! 5. `config::graph` finds cycles of dependencies, and `check::lint` warns.
//! 6. `compile` and `compile::writer` write the bytes.
//!
//! Each step reports all problems that it finds, so that the user sees them all at once.
//!
//! The same document compiles to the same bytes on every machine. Keys of a policy that came later have a section of
//! their own, which is left out while all of them have their default. So older snapshots still load, and older
//! documents still compile to the same bytes.
//!
//! # What the compiler prepares for the core
//!
//! - **Strings become integers.** The compiler interns the strings that `==` and `in` compare. A bound context contains
//!   the ids of its own strings, so the core compares integers.
//! - **Attributes are ordered by use.** The 32 attributes that most conditions read get the lowest ids. A bound context
//!   has slots for these. Other attributes are searched by name when they are read, with the same result.
//! - **Regular expressions become tables** (`config::pattern`). `regex-automata` determinises a pattern. All accepting
//!   states become one, which ends the search. Then states and byte classes that nothing distinguishes are merged. The
//!   core reads one entry of the table per byte of the text.
//! - **Prerequisites become a closure.** A flag lists all its direct and indirect prerequisites, at most 64, in an
//!   order in which each can be decided.

mod check;
mod compile;
pub mod config;
pub mod context;
mod diagnostics;
pub mod diff;
pub mod edit;
pub mod explain;
pub mod limits;
pub mod outline;
pub mod parse;
pub mod simulate;
pub mod workbench;

pub use check::{CheckOptions, check, check_with};
pub use compile::compile;
pub use config::Config;
pub use context::{Attribute, ContextError, OwnedContext};
pub use diagnostics::{Diagnostic, Diagnostics, Edit, Fixed, Position, Severity, Span, TextRange, did_you_mean};
pub use explain::Explanation;
pub use outline::outline;
pub use parse::document::Document;
pub use parse::schema::schema;
pub use workbench::Workbench;
