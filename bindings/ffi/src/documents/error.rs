//! Why a question about documents has no answer.

use std::fmt;

use flcm_flags::SnapshotError;
use flcm_flags_config::simulate::ScenarioError;
use flcm_flags_config::{ContextError, Diagnostics, Severity};

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum DocumentError {
    /// The document that drafts are based on has errors.
    Base(Diagnostics),
    /// The context cannot be read.
    Context(ContextError),
    /// The time is none.
    Now(f64),
    /// The scenario cannot be simulated.
    Scenario(ScenarioError),
    /// The bytes are no snapshot.
    Snapshot(SnapshotError),
    /// An argument is not the JSON that it should be.
    Text(&'static str, String),
    /// A flag, and what is not the state of a trip.
    Trip(String, String),
}

impl DocumentError {
    /// The code, as JavaScript receives it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Base(_) | Self::Now(_) | Self::Scenario(_) | Self::Text(..) | Self::Trip(..) => "INVALID_ARGUMENT",
            Self::Context(_) => "INVALID_CONTEXT",
            Self::Snapshot(_) => "INVALID_SNAPSHOT",
        }
    }
}

impl fmt::Display for DocumentError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base(diagnostics) => base(diagnostics, formatter),
            Self::Context(error) => error.fmt(formatter),
            Self::Now(now) => {
                write!(formatter, "`now` is {now} (give milliseconds since 1970, from 0 to 2^53)")
            }
            Self::Scenario(error) => error.fmt(formatter),
            Self::Snapshot(error) => write!(formatter, "{error} (compile the document again)"),
            Self::Text(what, error) => write!(formatter, "the {what} cannot be read: {error}"),
            Self::Trip(flag, state) => {
                let states = "give `clear`, `probing`, `off` or `capped N`, in thousandths of a percent";
                write!(formatter, "flag `{flag}` has the trip `{state}` ({states})")
            }
        }
    }
}

/// The first error stands for all: each has its place in what `compile` reports.
fn base(diagnostics: &Diagnostics, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let first = diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error);
    let (line, message) = first.map_or((0, ""), |first| (first.line, &*first.message));
    write!(formatter, "the base has an error in line {line}: {message} (compile it to see all)")
}

impl std::error::Error for DocumentError {}
