//! Why a command fails, and how that is reported.

use std::io;
use std::process::ExitCode;

use crate::style;

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The reader of the output is gone, as with `flcm decide … | head`.
    BrokenPipe,
    /// A problem that is reported to the user.
    Problem {
        /// What is wrong, and where.
        what: String,
        /// How to fix it.
        help: Option<String>,
    },
    /// The problem has been reported already.
    Reported,
}

impl Failure {
    pub(crate) fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Problem { what: what.into(), help: Some(help.into()) }
    }

    /// A file that cannot be read or written.
    pub(crate) fn file(action: &str, name: &str, error: &io::Error) -> Self {
        let help = match error.kind() {
            io::ErrorKind::IsADirectory => "name a file, not a folder".to_owned(),
            io::ErrorKind::NotFound => "check the path".to_owned(),
            io::ErrorKind::PermissionDenied => "check the permissions".to_owned(),
            _ => "check that it is a file, and that the disk has room".to_owned(),
        };
        Self::new(format!("cannot {action} {name}: {}", plain(error)), help)
    }

    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::BrokenPipe => ExitCode::SUCCESS,
            Self::Problem { what, help } => {
                style::error(&what);
                if let Some(help) = help {
                    style::help(&help);
                }
                ExitCode::FAILURE
            }
            Self::Reported => ExitCode::FAILURE,
        }
    }
}

/// For the standard output; [`Failure::file`] is for files.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::BrokenPipe,
            _ => Self::file("write", "the standard output", &error),
        }
    }
}

/// The error in lower case, and without the number that the system adds.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}
