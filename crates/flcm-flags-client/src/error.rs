//! What has gone wrong. Whatever it is: the last known good flags stay in use.

use std::fmt;
use std::time::Duration;

use flcm_flags_host::RevisionError;

/// Kinds of errors, with the codes that hosts in other languages use as well.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Code {
    /// The cache cannot be read or written, or holds something else.
    CacheFailed,
    /// The flags were closed.
    Closed,
    /// Nothing is in the body.
    Empty,
    /// No answer: no connection, a broken one, or a failing certificate.
    FetchFailed,
    /// The file cannot be read.
    FileFailed,
    /// The answer has a status that carries no flags.
    HttpStatus,
    /// The document has errors; the message has them all.
    InvalidDocument,
    /// An option is missing, or is none.
    InvalidOptions,
    /// The bytes are no snapshot, or are damaged.
    InvalidSnapshot,
    /// The server sent trips that cannot be read.
    InvalidTrips,
    /// A listener panicked.
    ListenerFailed,
    /// 304, although nothing is in hand that it could speak of.
    NotModified,
    /// The revision is lower than the one in use.
    OlderRevision,
    /// The revision is more than 2^32 above the one in use.
    RevisionJump,
    /// An older revision is in use, because the source has answered with nothing newer for 24 hours.
    RevisionReset,
    /// The signature of the flags in use has expired: the source may be held back.
    SignatureExpired,
    /// What was signed cannot be trusted; the message says why.
    SignatureInvalid,
    /// The snapshot is not signed.
    SignatureMissing,
    /// Counts could not be sent; they are sent again.
    SinkFailed,
    /// Counts were refused for good, and are dropped.
    SinkRefused,
    /// The stream broke, was silent for too long, or sent something that cannot be read.
    StreamFailed,
    /// Not all of the answer came in time.
    Timeout,
    /// The body or the file is larger than `max_bytes`.
    TooLarge,
    /// The body is something else: a page, most likely.
    WrongType,
}

impl Code {
    /// The code as text, such as `FETCH_FAILED`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CacheFailed => "CACHE_FAILED",
            Self::Closed => "CLOSED",
            Self::Empty => "EMPTY",
            Self::FetchFailed => "FETCH_FAILED",
            Self::FileFailed => "FILE_FAILED",
            Self::HttpStatus => "HTTP_STATUS",
            Self::InvalidDocument => "INVALID_DOCUMENT",
            Self::InvalidOptions => "INVALID_OPTIONS",
            Self::InvalidSnapshot => "INVALID_SNAPSHOT",
            Self::InvalidTrips => "INVALID_TRIPS",
            Self::ListenerFailed => "LISTENER_FAILED",
            Self::NotModified => "NOT_MODIFIED",
            Self::OlderRevision => "OLDER_REVISION",
            Self::RevisionJump => "REVISION_JUMP",
            Self::RevisionReset => "REVISION_RESET",
            Self::SignatureExpired => "SIGNATURE_EXPIRED",
            Self::SignatureInvalid => "SIGNATURE_INVALID",
            Self::SignatureMissing => "SIGNATURE_MISSING",
            Self::SinkFailed => "SINK_FAILED",
            Self::SinkRefused => "SINK_REFUSED",
            Self::StreamFailed => "STREAM_FAILED",
            Self::Timeout => "TIMEOUT",
            Self::TooLarge => "TOO_LARGE",
            Self::WrongType => "WRONG_TYPE",
        }
    }
}

/// Something that has gone wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    /// What kind of thing.
    pub code: Code,
    /// What, where, and how to mend it.
    pub message: String,
    /// How long the other side wants to be left alone.
    pub retry_after: Option<Duration>,
}

impl Error {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after: None }
    }
}

impl From<RevisionError> for Error {
    fn from(error: RevisionError) -> Self {
        let code = match error {
            RevisionError::Jump { .. } => Code::RevisionJump,
            RevisionError::Older { .. } => Code::OlderRevision,
        };
        Self::new(code, error.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.message, self.code.as_str())
    }
}

impl std::error::Error for Error {}

/// The message of an error with those of its causes: `error sending request` alone does not help.
pub(crate) fn message_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
