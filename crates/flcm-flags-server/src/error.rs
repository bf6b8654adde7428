//! Why a server does not start.

use std::fmt;

use flcm_flags_config::{Diagnostics, Severity};

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

impl StartError {
    /// Logs it, with each error of the document.
    #[cfg(feature = "command-line")]
    pub(crate) fn log(&self) {
        match self {
            Self::Other(what, help) => tracing::error!(help, "{what}"),
            Self::Refused(diagnostics) => {
                log_diagnostics("the document", diagnostics);
                tracing::error!("{self}");
            }
        }
    }
}

/// Logs what is wrong with a document: errors as errors, and warnings as warnings.
pub(crate) fn log_diagnostics(document: impl fmt::Display, diagnostics: &Diagnostics) {
    for problem in diagnostics {
        match problem.severity {
            Severity::Error => tracing::error!("{document}:{problem}"),
            Severity::Warning => tracing::warn!("{document}:{problem}"),
            // An operator need not act on it.
            Severity::Hint => {}
        }
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
