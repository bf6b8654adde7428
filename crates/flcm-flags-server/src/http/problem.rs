//! What went wrong, for programs and for people: a code that stays the same, what is wrong, and how to fix it.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flcm_flags_config::Diagnostics;
use serde::Serialize;
use utoipa::ToSchema;

use crate::fleet::{Answer, BatchRefusal};
use crate::keys::Denial;
use crate::store::StoreError;

/// The body of every answer that is an error.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    #[serde(skip)]
    status: u16,
    /// Stays the same in later releases.
    code: &'static str,
    /// What is wrong.
    message: String,
    /// How to fix it.
    help: &'static str,
    /// The problems of a document, all at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    diagnostics: Option<Diagnostics>,
    #[serde(skip)]
    /// On the heap, because most have none.
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>, help: &'static str) -> Self {
        let message = message.into();
        Self { status: status.as_u16(), code, message, help, diagnostics: None, header: None }
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    pub(super) fn refused(diagnostics: Diagnostics) -> Self {
        let message = format!("the document has {} errors", diagnostics.counts().0);
        let help = "mend what `diagnostics` lists; what is in use stays";
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "INVALID_DOCUMENT", message, help);
        Self { diagnostics: Some(diagnostics), ..problem }
    }

    pub(super) fn bad_request(message: impl Into<String>, help: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message, help)
    }

    pub(super) fn internal() -> Self {
        let help = "look at the server's log";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "the server has failed", help)
    }

    pub(super) fn not_stored(error: &StoreError) -> Self {
        let help = "look at the server's log; nothing has changed";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "STORE_FAILED", error.to_string(), help).retry(5)
    }

    pub(super) fn no_such_revision(number: u64) -> Self {
        let message = format!("there is no revision {number}");
        Self::new(StatusCode::NOT_FOUND, "REVISION_NOT_FOUND", message, "GET /revisions lists them")
    }

    pub(super) fn host_not_allowed() -> Self {
        let help = "ask it as localhost, or give it keys";
        Self::new(StatusCode::FORBIDDEN, "FOREIGN_HOST", "without keys only this machine may ask", help)
    }

    /// Another revision came first.
    pub(super) fn conflict() -> Self {
        let help = "GET /flags, and apply the change to what it gives";
        Self::new(StatusCode::PRECONDITION_FAILED, "CONFLICT", "another revision is in use than `If-Match` names", help)
    }

    pub(super) fn busy() -> Self {
        let help = "try again later; nothing was taken";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "BUSY", "the server cannot take it now", help).retry(1)
    }

    fn retry(self, seconds: u64) -> Self {
        self.with(header::RETRY_AFTER, HeaderValue::from(seconds))
    }
}

impl From<Denial> for Problem {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Forbidden => {
                let help = "use a key of a higher role: client, server, admin";
                Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", "the key is not good for this", help)
            }
            Denial::Limited(wait) => {
                let help = "ask less often, or raise the key's `limit`";
                let limited = Self::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", "too many requests", help);
                limited.retry((wait + Duration::from_millis(999)).as_secs().max(1))
            }
            Denial::Unknown => {
                let help = "send `Authorization: Bearer KEY`";
                let unknown =
                    Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "no key, or one that is not known", help);
                unknown.with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            }
        }
    }
}

impl From<Answer> for Problem {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Batch(refusal) => Self::from(refusal),
            Answer::Busy => Self::busy(),
            Answer::Conflict => Self::conflict(),
            Answer::Late => {
                let help = "it may be done yet: look before you ask again";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "LATE", "the server did not answer in time", help).retry(5)
            }
            Answer::Impossible(what, help) => Self::new(StatusCode::CONFLICT, "IMPOSSIBLE", what, help),
            Answer::NoSuchFlag => {
                Self::new(StatusCode::NOT_FOUND, "FLAG_NOT_FOUND", "there is no such flag", "check the key")
            }
            Answer::NotStored(error) => Self::not_stored(&error),
            Answer::NotYetStored => {
                let help =
                    "it is in force until the server ends, and stored as soon as that is possible: look at its log";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "NOT_YET_STORED", "in force, but not stored", help)
            }
        }
    }
}

impl From<BatchRefusal> for Problem {
    fn from(refusal: BatchRefusal) -> Self {
        match refusal {
            BatchRefusal::Full => {
                let help = "send it again later";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "TOO_MANY_HOSTS", "too many hosts are known", help).retry(60)
            }
            BatchRefusal::Gap => {
                let help = "send the same counts as the first batch of another epoch";
                Self::new(StatusCode::CONFLICT, "BATCH_GAP", "a batch before this one is missing", help)
            }
            BatchRefusal::Invalid(what) => Self::new(
                StatusCode::BAD_REQUEST,
                "INVALID_BATCH",
                format!("no batch: {what}"),
                "it will never be taken: drop it",
            ),
            BatchRefusal::TooOld => {
                let message = "the batch was held back for more than a day";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "BATCH_TOO_OLD", message, "drop it")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let header = self.header.clone();
        let mut response = (status, Json(self)).into_response();
        if let Some((name, value)) = header.map(|header| *header) {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

pub(super) async fn no_such_path() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "PATH_NOT_FOUND",
        "there is nothing here",
        "GET /openapi.json lists what there is",
    )
}

/// A part of the path that is no text, or no number.
pub(super) fn bad_path(error: &axum::extract::rejection::PathRejection) -> Problem {
    Problem::bad_request(error.body_text(), "write it in UTF-8, with % for what a path cannot have")
}

pub(super) async fn no_such_method(method: Method) -> Problem {
    let message = format!("{method} is not possible here");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message, "GET /openapi.json lists what there is")
}
