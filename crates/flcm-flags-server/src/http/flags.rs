//! `GET /flags`: the revision in use, as a snapshot or as the document.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName};
use axum::response::Response;
use flcm_flags::Millis;
use flcm_flags_host::SIGNATURE_HEADER;

use super::accept::Accept;
use super::access::{Authorized, Client};
use super::problem::Kind;
use super::{Context, Problem, encoded};
use crate::ahead::AheadHost;
use crate::clock::wall;
use crate::inventory::HostQuery;
use crate::keys::Role;
use crate::published::{Body, Published};

/// The header by which a host says which revision it uses.
const REVISION: &str = "flcm-revision";

/// The statements about a snapshot.
pub(super) const SIGNATURE: HeaderName = HeaderName::from_static(SIGNATURE_HEADER);

/// The revision in use.
///
/// `Accept` chooses between the snapshot and the document as it was written, which needs a key `server`. A key `client`
/// gets the part of the snapshot that the document allows pages, which has a digest of its own. Each has a strong `ETag`, which is compared with `If-None-Match`. A server that signs snapshots sends `flcm-signature` with
/// each of them, with 304 as well. The query is for `GET /hosts`, and needs `instance`.
#[utoipa::path(get, path = "/flags", tag = "hosts", params(
    HostQuery,
    ("If-None-Match" = Option<String>, Header, description = "The ETag of what the host has"),
    ("flcm-revision" = Option<u64>, Header, description = "The revision that the host uses"),
), responses(
    (status = 200, description = "The snapshot or the document", content(
        (String = "application/vnd.flcm.snapshot"), (String = "application/yaml"),
    ), headers(
        ("ETag" = String, description = "Identifies exactly these bytes"),
        ("flcm-signature" = String, description = "Statements about the snapshot, with their signatures"),
    )),
    (status = 304, description = "The host has this revision"),
    (status = 401, body = Problem), (status = 403, body = Problem), (status = 406, body = Problem), (status = 429, body = Problem),
))]
pub(super) async fn get_flags(
    key: Authorized<Client>,
    State(app): Context,
    query: Result<Query<HostQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let query = query.map(|Query(query)| query).unwrap_or_default();
    query.instance().inspect(|instance| app.shared.inventory.note(*instance, key.caller().role, &query, wall()));
    let serving = app.shared.serving.load();
    let used = headers.get(REVISION).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if let Some(revision) = used.filter(|used| *used > serving.published.number) {
        let host = AheadHost { address: key.address(), role: key.caller().role, revision, last_seen: wall() };
        app.shared.ahead.note(host, serving.published.number);
    }
    let role = key.caller().role;
    let body = choose(&serving.published, role, &headers)?;
    // A snapshot contains hashes of users, the document their names.
    let is_document = !std::ptr::eq(body, serving.published.body_for(role));
    key.require(if is_document { Role::Server } else { Role::Client })?;
    let mut response = encoded::answer(&headers, body);
    // Not part of what the `ETag` names: a new signature of the same bytes comes with `304 Not Modified` as well.
    let signature = if is_document { None } else { app.signatures.header(&serving.published, role, Millis(wall())) };
    signature.map(|value| response.headers_mut().insert(SIGNATURE, value));
    Ok(response)
}

/// The body that the client prefers; the snapshot, if it prefers neither.
fn choose<'p>(published: &'p Published, role: Role, headers: &HeaderMap) -> Result<&'p Body, Problem> {
    let accept = Accept::of(headers);
    if accept.is_empty() {
        return Ok(published.body_for(role));
    }
    let liked = |body: &&Body| accept.quality(body.media_type.to_str().unwrap_or_default());
    // Of those that are liked as well the last one counts: the snapshot.
    let bodies = published.as_document.iter().chain([published.body_for(role)]);
    bodies.filter(|body| liked(body) > 0).max_by_key(liked).ok_or_else(|| {
        let message = format!("no media type of `Accept: {}` is available", accept.text());
        let help = "ask for application/vnd.flcm.snapshot, or for application/yaml, or for */*; a snapshot that was \
                    signed elsewhere has no document";
        Problem::new(Kind::NotAcceptable, message, help)
    })
}
