//! Errors as problem details (RFC 9457), with a stable code for programs, and help for people.

use std::borrow::Cow;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::response::{IntoResponse, Response};
use flcm_flags_config::Diagnostics;
use serde::Serialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};

use crate::document_file::EditError;
use crate::fleet::{BatchRefusal, FleetError, Removal};
use crate::keys::Denial;
use crate::store::StoreError;

mod kind;

pub(crate) use kind::Kind;

/// The media type of a problem.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request failed.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: Kind,
    detail: String,
    help: &'static str,
    diagnostics: Option<Diagnostics>,
    flags: Option<Vec<String>>,
    /// On the heap, because most have none.
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

/// The body of a response that is an error: problem details, as RFC 9457 describes them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
struct Body<'p> {
    /// `urn:flcm:problem:` and the code in lower case, with hyphens.
    r#type: String,
    /// What kind of problem it is; the same text for each problem of a code.
    title: &'static str,
    /// The status of the response.
    status: u16,
    /// What is wrong this time.
    detail: &'p str,
    /// Stays the same in later releases.
    code: &'static str,
    /// How to fix it.
    help: &'static str,
    /// The errors, warnings and hints of a document, all at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<Object>>)]
    diagnostics: Option<&'p Diagnostics>,
    /// The flags that a document would remove.
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<&'p [String]>,
}

impl Problem {
    pub(crate) fn new(kind: Kind, detail: impl Into<String>, help: &'static str) -> Self {
        Self { kind, detail: detail.into(), help, diagnostics: None, flags: None, header: None }
    }

    pub(super) fn refused(diagnostics: Diagnostics) -> Self {
        let detail = format!("the document has {} errors", diagnostics.counts().0);
        let help = "fix what `diagnostics` lists; the revision in use has not changed";
        Self { diagnostics: Some(diagnostics), ..Self::new(Kind::InvalidDocument, detail, help) }
    }

    pub(super) fn bad_request(detail: impl Into<String>, help: &'static str) -> Self {
        Self::new(Kind::InvalidRequest, detail, help)
    }

    pub(super) fn invalid_counts(why: &str) -> Self {
        let help = "drop them, they will never be accepted; GET /openapi.json describes them";
        Self::new(Kind::InvalidBatch, format!("the body is no counts: {why}"), help)
    }

    pub(super) fn internal() -> Self {
        Self::new(Kind::Internal, "the server could not handle the request", "look at the server's log")
    }

    pub(super) fn not_stored(error: &StoreError) -> Self {
        let help = "look at the server's log; nothing has changed";
        Self::new(Kind::StoreFailed, error.to_string(), help).retry(5)
    }

    pub(super) fn no_such_revision(number: u64) -> Self {
        let help = "GET /revisions lists the revisions";
        Self::new(Kind::RevisionNotFound, format!("there is no revision {number}"), help)
    }

    pub(super) fn host_not_allowed() -> Self {
        let detail = "without keys the server answers only requests to `localhost` or a loopback address";
        Self::new(Kind::HostNotAllowed, detail, "call it as localhost, or start it with --keys")
    }

    pub(super) fn proxy_not_allowed(sign: &str) -> Self {
        let detail = format!(
            "without keys the server answers only programs of this machine, and `{sign}` shows that a proxy passed \
             this request on"
        );
        let help = "make a key with `flcm key NAME --role admin`, and start the server with --keys";
        Self::new(Kind::ProxyNotAllowed, detail, help)
    }

    pub(super) fn too_many_connections() -> Self {
        let detail = "the server has as many connections with public keys as it accepts, of all or of this network";
        Self::new(Kind::TooManyConnections, detail, "try again later").retry(5)
    }

    pub(super) fn conflict() -> Self {
        let help = "GET /flags, and apply the change to that revision";
        Self::new(Kind::Conflict, "the revision in use is not the one that `If-Match` names", help)
    }

    pub(super) fn cross_origin() -> Self {
        let detail = "the request does not come from a page of this server, as far as its headers show";
        let help = "send a key: `Authorization: Bearer KEY`; a browser sends `Sec-Fetch-Site` or `Origin` by itself";
        Self::new(Kind::CrossOrigin, detail, help)
    }

    pub(super) fn too_many_failures(wait: Duration) -> Self {
        let help = "wait for a minute; look up the key before you try again";
        Self::new(Kind::RateLimited, "too many sign-ins from this network have failed", help).retry_after(wait)
    }

    pub(super) fn managed() -> Self {
        let help = "edit the file where it is managed; `?dry_run=true` and `hold` work all the same";
        Self::new(Kind::Managed, "this server publishes only what is in its file", help)
    }

    fn removes_flags(removal: Removal) -> Self {
        let help = "restore the flags, or name them in `removed` of the document, or send `?allow_removal=true`";
        let detail = removal.to_string();
        Self { flags: Some(removal.flags), ..Self::new(Kind::RemovesFlags, detail, help) }
    }

    pub(super) fn busy() -> Self {
        let help = "try again later; nothing has changed";
        Self::new(Kind::Busy, "the server has no capacity for this request now", help).retry(1)
    }

    pub(crate) fn closing() -> Self {
        Self::new(Kind::Closing, "the server is shutting down", "send the request to another server")
    }

    /// The body as JSON.
    pub(crate) fn to_json(&self) -> String {
        let (code, status) = (self.kind.code(), self.kind.status().as_u16());
        let body = Body {
            r#type: format!("urn:flcm:problem:{}", code.to_lowercase().replace('_', "-")),
            title: self.kind.title(),
            status,
            detail: &self.detail,
            code,
            help: self.help,
            diagnostics: self.diagnostics.as_ref(),
            flags: self.flags.as_deref(),
        };
        serde_json::to_string(&body).unwrap_or_default()
    }

    fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    fn retry_after(self, wait: Duration) -> Self {
        self.retry((wait + Duration::from_millis(999)).as_secs().max(1))
    }

    fn retry(self, seconds: u64) -> Self {
        self.with(header::RETRY_AFTER, HeaderValue::from(seconds))
    }
}

impl From<Denial> for Problem {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Forbidden => {
                let help = "use a key with a higher role: client, server, viewer, operator, publisher, admin";
                Self::new(Kind::Forbidden, "the role of this key does not allow this", help)
            }
            Denial::Limited(wait) => {
                let help = "send fewer requests, or raise the key's `limit`";
                Self::new(Kind::RateLimited, "this key has sent too many requests", help).retry_after(wait)
            }
            Denial::Expired => {
                let help = "make another key with `flcm key`, and add its line to the file of keys";
                let expired = Self::new(Kind::Unauthorized, "the key has expired", help);
                expired.with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            }
            Denial::SignedOut => {
                let help = "sign in again";
                let ended = Self::new(Kind::Unauthorized, "the sign-in has ended, or its key was removed", help);
                ended.with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            }
            Denial::Unknown => {
                let help = "send `Authorization: Bearer KEY`";
                let unknown = Self::new(Kind::Unauthorized, "the key is missing or unknown", help);
                unknown.with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            }
        }
    }
}

impl From<FleetError> for Problem {
    fn from(answer: FleetError) -> Self {
        match answer {
            FleetError::Batch(refusal) => Self::from(refusal),
            FleetError::Busy => Self::busy(),
            FleetError::Conflict => Self::conflict(),
            FleetError::InvalidState(detail, help) => Self::new(Kind::InvalidState, detail, help),
            FleetError::Timeout => {
                let help = "it may still be done: look before you send it again";
                Self::new(Kind::Timeout, "the server did not answer in time", help).retry(5)
            }
            FleetError::NoSuchFlag => Self::new(Kind::FlagNotFound, "there is no such flag", "check the key"),
            FleetError::NoSuchMetric => {
                let help = "GET /metrics lists the names of flcm_custom and flcm_custom_values";
                Self::new(Kind::MetricNotFound, "there is no custom metric of this name", help)
            }
            FleetError::NotStored(error) => Self::not_stored(&error),
            FleetError::RemovesFlags(removal) => Self::removes_flags(removal),
            FleetError::NotYetStored => {
                let detail = "the change is in force until the server ends, and is not stored yet";
                Self::new(Kind::NotYetStored, detail, "the server tries again each second: look at its log")
            }
        }
    }
}

impl From<EditError> for Problem {
    fn from(error: EditError) -> Self {
        match error {
            EditError::FileChanged(detail) => {
                let help = "publish that edit or undo it: nothing has changed; `hold` works all the same";
                Self::new(Kind::FileChanged, detail, help)
            }
            EditError::Fleet(error) => error.into(),
            EditError::NotWritten(detail) => {
                let help = "free some space or set the permissions; nothing has changed";
                Self::new(Kind::FileNotWritten, detail, help).retry(5)
            }
        }
    }
}

impl From<BatchRefusal> for Problem {
    fn from(refusal: BatchRefusal) -> Self {
        match refusal {
            BatchRefusal::Full => {
                let detail = "the server keeps track of as many hosts as it can";
                Self::new(Kind::TooManyHosts, detail, "send it again later").retry(60)
            }
            BatchRefusal::Gap => {
                let help = "send the same counts as the first batch of another epoch";
                Self::new(Kind::BatchGap, "a batch before this one is missing", help)
            }
            BatchRefusal::Invalid(why) => {
                let help = "drop it: it will never be accepted";
                Self::new(Kind::InvalidBatch, format!("the body is not a batch: {why}"), help)
            }
            BatchRefusal::TooOld => {
                let detail = "the batch is more than a day old, or more than half an hour with a client key";
                Self::new(Kind::BatchTooOld, detail, "drop it")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let media_type = HeaderValue::from_static(MEDIA_TYPE);
        let body = self.to_json();
        let mut response = (self.kind.status(), [(header::CONTENT_TYPE, media_type)], body).into_response();
        if let Some((name, value)) = self.header.map(|header| *header) {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// In the description of the interface, a problem is its body.
impl PartialSchema for Problem {
    fn schema() -> RefOr<Schema> {
        Body::schema()
    }
}

impl ToSchema for Problem {
    fn name() -> Cow<'static, str> {
        Body::name()
    }
}

pub(super) async fn no_such_path() -> Problem {
    Problem::new(Kind::PathNotFound, "there is nothing at this path", "GET /openapi.json lists the paths")
}

/// A part of the path is not valid text, or not a number.
pub(super) fn bad_path(error: &PathRejection) -> Problem {
    Problem::bad_request(error.body_text(), "write it in UTF-8, percent-encoded where needed")
}

pub(super) async fn no_such_method(method: Method) -> Problem {
    let help = "GET /openapi.json lists the methods of each path";
    Problem::new(Kind::MethodNotAllowed, format!("{method} is not allowed at this path"), help)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Kind, Problem};

    #[test]
    fn a_problem_is_what_rfc_9457_describes() {
        let problem: serde_json::Value = serde_json::from_str(&Problem::busy().to_json()).unwrap();
        assert_eq!(problem["type"], "urn:flcm:problem:busy");
        assert_eq!((&problem["status"], &problem["code"]), (&503.into(), &"BUSY".into()));
        for member in ["title", "detail", "help"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}");
        }
    }

    #[test]
    fn each_kind_has_its_own_code_and_is_an_error() {
        let codes: BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert!(kind.status().is_client_error() || kind.status().is_server_error(), "{kind:?}");
            assert!(kind.title().starts_with(|first: char| first.is_uppercase() || first == '`'), "{kind:?}");
        }
    }
}
