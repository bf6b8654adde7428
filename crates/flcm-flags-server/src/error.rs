//! Why a server does not start.

use std::fmt;

use flcm_flags_config::Diagnostics;

/// Why a server does not start.
#[derive(Debug)]
pub enum StartError {
    /// What is wrong, and how to fix it.
    Other(String, String),
    /// The document has errors.
    Refused(Diagnostics),
}

impl StartError {
    pub(crate) fn other(what: impl Into<String>, help: &str) -> Self {
        Self::Other(what.into(), help.to_owned())
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(what, help) => write!(formatter, "{what} ({help})"),
            Self::Refused(diagnostics) => write!(formatter, "the document has {} errors", diagnostics.counts().0),
        }
    }
}

impl std::error::Error for StartError {}
