//! Publishing: a new document, the history of revisions, their differences, and reverting to one.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use flcm_flags::Millis;
use flcm_flags_config::diff::{Difference, Version, compare};
use flcm_flags_config::{CheckOptions, Diagnostics, Severity, limits};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::access::{Authorized, Publisher, Viewer};
use super::problem::Kind;
use super::{Context, Problem, body};
use crate::clock::wall;
use crate::document_file::EditError;
use crate::fleet::{FleetError, PublishRequest};
use crate::notification::RefusedDocument;
use crate::options::Edits;
use crate::published::{Published, removed_flags};
use crate::state::App;
use crate::store::{Revision, Summary};

/// The types of a document.
const DOCUMENT: &[&str] = &["application/yaml", "application/x-yaml", "text/yaml", JSON];

/// A document of this type must be JSON. YAML accepts more.
const JSON: &str = "application/json";

/// How a document is published.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct PublishQuery {
    /// The reason, for the history and the audit.
    reason: String,
    /// Reports what would change, and changes nothing.
    dry_run: bool,
    /// Publishes although flags that are in use are removed.
    allow_removal: bool,
}

/// How a document is published again.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct RevertQuery {
    /// Publishes although flags that are in use are removed.
    allow_removal: bool,
}

/// A page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// Only those that have changed this flag.
    flag: Option<String>,
    /// Only what is before this number.
    pub(super) before: Option<u64>,
    /// How many, at most 1000. Default: 100.
    #[param(minimum = 1, maximum = 1000)]
    pub(super) limit: Option<u32>,
}

/// The revision to compare with.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct DiffQuery {
    /// The later one. Default: the revision in use.
    to: Option<u64>,
}

/// The details of a revert.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RevertRequest {
    /// The reason, for the history and the audit.
    reason: String,
}

/// The published revision.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PublishAnswer {
    /// The number of the revision; with `dry_run`, the number that it would have.
    revision: u64,
    /// The digest of its snapshot.
    digest: String,
    /// Whether it is in use now.
    published: bool,
    /// The flags that it removes.
    removed: Vec<String>,
    /// Warnings about the document.
    #[schema(value_type = Vec<Object>)]
    warnings: Diagnostics,
    /// Which flags change, and for whom: what `flcm diff --json` prints.
    #[schema(value_type = Object)]
    difference: Difference,
}

impl PageQuery {
    /// The number before which the page starts, and its length.
    pub(super) fn bounds(&self) -> Result<(i64, u32), Problem> {
        let limit = self.limit.unwrap_or(100);
        if !(1..=1000).contains(&limit) {
            return Err(Problem::bad_request(format!("`limit` is {limit}"), "write a number from 1 to 1000"));
        }
        let before = i64::try_from(self.before.unwrap_or(i64::MAX.cast_unsigned()));
        let before =
            before.map_err(|_| Problem::bad_request("`before` is too large", "leave it out for the newest"))?;
        Ok((before, limit))
    }
}

/// Publishes a document.
///
/// A document with errors changes nothing. Neither does one that removes flags which hosts have used within the hour, or
/// more than a third of all, unless it names them in `removed`, or `allow_removal` is set. `If-Match` is the `ETag` of the revision that the document was made from, in
/// any media type and encoding; `*` matches any revision.
#[utoipa::path(put, path = "/flags", tag = "publishing", params(PublishQuery,
    ("If-Match" = String, Header, description = "The ETag of the revision that the document was made from"),
), request_body(content((String = "application/yaml"), (String = "application/json"))), responses(
    (status = 200, body = PublishAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 408, body = Problem), (status = 409, description = "It removes flags in use, or the file has another edit", body = Problem),
    (status = 412, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
    (status = 422, description = "The document has errors", body = Problem), (status = 428, body = Problem),
    (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn publish_document(
    key: Authorized<Publisher>,
    State(app): Context,
    query: Result<Query<PublishQuery>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Problem> {
    let (author, address) = (key.name(), key.address());
    let Query(PublishQuery { reason, dry_run, allow_removal }) = query.map_err(|error| bad_query(&error))?;
    body::expect_type(&headers, DOCUMENT)?;
    let current = app.shared.published();
    expect_match(&headers, &current)?;
    let document = body::read(&app.bodies.documents, content, limits::DOCUMENT_BYTES).await?;
    let text = String::from_utf8(document.bytes.to_vec()).map_err(|error| {
        let position = error.utf8_error().valid_up_to();
        Problem::bad_request(format!("the document is not UTF-8 at byte {position}"), "save it as UTF-8")
    })?;
    let json = body::is_type(&headers, JSON);
    Change { text, json, author, address, reason, origin: "put", allow_removal, dry_run }.make(&app, current).await
}

/// A document on its way to being published.
struct Change {
    text: String,
    /// Whether it was sent as JSON.
    json: bool,
    author: String,
    address: IpAddr,
    reason: String,
    origin: &'static str,
    allow_removal: bool,
    dry_run: bool,
}

impl Change {
    async fn make(self, app: &Arc<App>, current: Arc<Published>) -> Result<Response, Problem> {
        let Self { text, json, author, address, reason, origin, allow_removal, dry_run } = self;
        if app.edits == Edits::None && !dry_run {
            return Err(Problem::managed());
        }
        let address = Some(address);
        let after = current.number;
        let options = CheckOptions { json: json || must_be_json(app), ..CheckOptions::default() };
        let made = tokio::task::spawn_blocking(move || {
            let (published, warnings) = Published::new(text, after, options)?;
            let difference = difference_of(&current, &published);
            let removed = removed_flags(&current.snapshot, &published.snapshot);
            Ok((published, removed, warnings, difference))
        });
        let (published, removed, warnings, difference) =
            made.await.map_err(|_| Problem::internal())?.map_err(|refused| {
                refuse(app, dry_run, RefusedDocument { address, ..invalid(&author, &reason, &refused) });
                Problem::refused(refused)
            })?;
        let etag = published.as_snapshot.plain.etag.clone();
        let digest = published.digest();
        let request = PublishRequest { published, after, author, address, reason, origin, allow_removal, dry_run };
        let revision = publish(app, request).await?;
        let answer = PublishAnswer { revision, digest, published: !dry_run, removed, warnings, difference };
        Ok(([(header::ETAG, etag)], Json(answer)).into_response())
    }
}

/// Whether the document is written to a file that must be JSON.
fn must_be_json(app: &App) -> bool {
    let file = app.document.as_ref().filter(|_| app.edits == Edits::File);
    file.is_some_and(|file| CheckOptions::of_file(&file.path).json)
}

/// Counts a document that is refused. One that was only tried is no event.
fn refuse(app: &App, dry_run: bool, document: RefusedDocument) {
    if dry_run {
        app.shared.counters.refused_documents.add(1);
    } else {
        app.refuse_document(document);
    }
}

/// A document with errors, of which the first is named.
fn invalid(author: &str, reason: &str, refused: &Diagnostics) -> RefusedDocument {
    let first = refused.iter().find(|problem| problem.severity == Severity::Error);
    let first = first.map(|problem| format!("; the first: {problem}")).unwrap_or_default();
    RefusedDocument {
        author: author.to_owned(),
        reason: reason.to_owned(),
        code: "INVALID_DOCUMENT",
        detail: format!("it has {} errors{first}", refused.counts().0),
        address: None,
    }
}

/// Publishes, and writes to the file where edits go there.
async fn publish(app: &Arc<App>, request: PublishRequest) -> Result<u64, Problem> {
    let (of_task, dry_run) = (Arc::clone(app), request.dry_run);
    let (author, reason, address) = (request.author.clone(), request.reason.clone(), request.address);
    // A task of its own, which goes on when the client is gone: the file would be behind the revision.
    let published = tokio::spawn(async move {
        let App { document, edits, fleet, .. } = &*of_task;
        match document {
            Some(document) if *edits == Edits::File => document.publish(fleet, request).await,
            _ => Ok(fleet.publish(request).await?),
        }
    });
    let published = published.await.map_err(|_| Problem::internal())?;
    match &published {
        // The file has what is published now.
        Ok(_) if app.edits == Edits::File && !dry_run => app.shared.refuse_edit(None),
        Err(EditError::Fleet(FleetError::RemovesFlags(removal))) => {
            let (code, detail) = ("REMOVES_FLAGS", removal.to_string());
            refuse(app, dry_run, RefusedDocument { author, reason, code, detail, address });
        }
        _ => {}
    }
    Ok(published?)
}

/// The history, the newest first.
#[utoipa::path(get, path = "/revisions", tag = "publishing", params(PageQuery), responses(
    (status = 200, body = Vec<Summary>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn list_revisions(
    _: Authorized<Viewer>,
    State(app): Context,
    query: Result<Query<PageQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Vec<Summary>>, Problem> {
    let Query(query) = query.map_err(|error| bad_query(&error))?;
    let (before, limit) = query.bounds()?;
    app.read(move |reader| reader.revisions(query.flag.as_deref(), before, limit)).await.map(Json)
}

/// The document of a revision.
#[utoipa::path(get, path = "/revisions/{number}", tag = "publishing", params(("number" = u64, Path)), responses(
    (status = 200, description = "As it was written", body = String, content_type = "application/yaml"),
    (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
    (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn get_revision(
    _: Authorized<Viewer>,
    State(app): Context,
    number: Result<Path<u64>, axum::extract::rejection::PathRejection>,
) -> Result<Response, Problem> {
    let revision = find(&app, number.map_err(|error| bad_number(&error))?.0).await?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/yaml"))], revision.document).into_response())
}

/// The difference between a revision and a later one: which flags change, and for whom.
#[utoipa::path(get, path = "/revisions/{number}/diff", tag = "publishing", params(("number" = u64, Path), DiffQuery), responses(
    (status = 200, description = "What `flcm diff --json` prints", body = Object),
    (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
    (status = 422, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn diff_revisions(
    _: Authorized<Viewer>,
    State(app): Context,
    number: Result<Path<u64>, axum::extract::rejection::PathRejection>,
    query: Result<Query<DiffQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Difference>, Problem> {
    let (Path(from), Query(DiffQuery { to })) =
        (number.map_err(|error| bad_number(&error))?, query.map_err(|error| bad_query(&error))?);
    let old = find(&app, from).await?;
    let new = find(&app, to.unwrap_or(app.shared.published().number)).await?;
    let compared = tokio::task::spawn_blocking(move || {
        let republished = |revision: Revision| Published::republished(revision.document, revision.summary.number);
        Ok(difference_of(&republished(old)?, &republished(new)?))
    });
    compared.await.map_err(|_| Problem::internal())?.map(Json).map_err(Problem::refused)
}

/// Publishes the document of a revision again, under a new number.
#[utoipa::path(post, path = "/revisions/{number}/revert", tag = "publishing", params(("number" = u64, Path), RevertQuery,
    ("If-Match" = String, Header, description = "The ETag of the revision in use"),
), request_body(content = Option<RevertRequest>, content_type = "application/json"), responses(
    (status = 200, body = PublishAnswer), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 404, body = Problem), (status = 408, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem),
    (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem), (status = 429, body = Problem),
    (status = 503, body = Problem),
))]
pub(super) async fn revert_to_revision(
    key: Authorized<Publisher>,
    State(app): Context,
    number: Result<Path<u64>, axum::extract::rejection::PathRejection>,
    query: Result<Query<RevertQuery>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Problem> {
    let (author, address) = (key.name(), key.address());
    let Path(number) = number.map_err(|error| bad_number(&error))?;
    let Query(RevertQuery { allow_removal }) = query.map_err(|error| bad_query(&error))?;
    let RevertRequest { reason } = body::read_json(&app, &headers, content).await?;
    let current = app.shared.published();
    expect_match(&headers, &current)?;
    let text = find(&app, number).await?.document;
    let reason = format!("back to revision {number}{}{reason}", if reason.is_empty() { "" } else { ": " });
    let change = Change { text, json: false, author, address, reason, origin: "revert", allow_removal, dry_run: false };
    change.make(&app, current).await
}

pub(super) async fn find(app: &Arc<App>, number: u64) -> Result<Revision, Problem> {
    let found = app.read(move |reader| reader.revision(number)).await?;
    found.ok_or_else(|| Problem::no_such_revision(number))
}

fn difference_of(old: &Published, new: &Published) -> Difference {
    let [before, after] = [old, new].map(|published| format!("revision {}", published.number));
    let old = Version { name: &before, snapshot: &old.snapshot, config: old.config.as_ref() };
    let new = Version { name: &after, snapshot: &new.snapshot, config: new.config.as_ref() };
    compare(&old, &new, Millis(wall()))
}

/// Whoever publishes must have seen the revision that is replaced. What was signed elsewhere is replaced only by what
/// is signed there: hosts take nothing else.
fn expect_match(headers: &HeaderMap, current: &Published) -> Result<(), Problem> {
    if current.statements.is_some() {
        let help = "sign the change with `flcm sign`, and replace the file that is served";
        return Err(Problem::new(Kind::Managed, "the snapshot in use was signed elsewhere", help));
    }
    let etags = headers.get(header::IF_MATCH).ok_or_else(|| {
        let help = "send the ETag that GET /flags gave, or `*`";
        Problem::new(Kind::PreconditionRequired, "the header `If-Match` is missing", help)
    })?;
    let is_named = etags.to_str().is_ok_and(|etags| current.if_match(etags));
    if is_named { Ok(()) } else { Err(Problem::conflict()) }
}

pub(super) fn bad_query(error: &axum::extract::rejection::QueryRejection) -> Problem {
    Problem::bad_request(error.body_text(), "GET /openapi.json describes it")
}

fn bad_number(error: &axum::extract::rejection::PathRejection) -> Problem {
    Problem::bad_request(error.body_text(), "write the number of a revision: GET /revisions lists them")
}
