//! `POST /metrics`: batches of counts from hosts, and counts of pages as JSON.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use tokio::task::spawn_blocking;

use super::access::{Authorized, Host};
use super::{Context, Kind, Problem, body};
use crate::clock::wall;
use crate::fleet::BatchRefusal;
use crate::ingest::{Content, Origin, ReceivedBatch};
use crate::inventory::{AppVersion, HostQuery};
use crate::keys::Caller;
use crate::page_counts::PageCounts;
use crate::peer::AddressPrefix;
use crate::serving::Shared;
use crate::state::App;

const BATCH: &str = "application/vnd.flcm.batch";
const COUNTS: &str = "application/vnd.flcm.counts+json";

/// The largest batch of a page. Anyone can send one, and what a page counts in a minute takes a few kilobytes.
const PAGE_BYTES: usize = 64 << 10;

/// A larger batch is checked on a thread for blocking work: it takes more than a tenth of a millisecond.
const LARGE: usize = 64 << 10;

/// The same for counts as JSON, from which a batch is made first.
const LARGE_COUNTS: usize = 4 << 10;

/// Accepts a batch of counts.
///
/// A batch is acknowledged when it is on the disk, and counted once, however often it is sent. The query is for
/// `GET /hosts`; nothing else depends on it.
#[utoipa::path(post, path = "/metrics", tag = "hosts", params(HostQuery), request_body(content((Vec<u8> = "application/vnd.flcm.batch"), (PageCounts = "application/vnd.flcm.counts+json"))), responses(
    (status = 204, description = "The batch was counted, now or before"),
    (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 408, body = Problem),
    (status = 409, description = "An earlier batch is missing", body = Problem), (status = 413, body = Problem),
    (status = 415, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn post_batch(
    key: Authorized<Host>,
    State(app): Context,
    query: Result<Query<HostQuery>, QueryRejection>,
    headers: HeaderMap,
    content: Body,
) -> Result<StatusCode, Problem> {
    body::expect_type(&headers, &[BATCH, COUNTS])?;
    let is_json = body::is_type(&headers, COUNTS);
    let Caller { name, role, .. } = key.caller().clone();
    let (prefix, is_page) = (AddressPrefix::of(key.address()), role.is_public());
    // Kept until the response.
    let turn = is_page.then(|| app.bodies.turns_of_pages.take(prefix).ok_or_else(Problem::busy));
    let _turn = turn.transpose()?;
    let memory = if is_page { &app.bodies.batches_of_pages } else { &app.bodies.batches };
    let limit = if is_page || is_json { PAGE_BYTES.min(app.batch_bytes) } else { app.batch_bytes };
    let origin = Origin { role, prefix, key: name };
    let content = body::read(memory, content, limit).await?;
    // A query that cannot be read is ignored: the batch counts all the same.
    let query = query.map(|Query(query)| query).unwrap_or_default();
    let of = query.app();
    let batch = if is_json {
        let shared = Arc::clone(&app.shared);
        let is_large = content.bytes.len() > LARGE_COUNTS;
        check(&app, is_large, move || received(batch_of(content, &shared, limit)?, origin, of)).await?
    } else {
        let is_large = content.bytes.len() > LARGE;
        check(&app, is_large, move || received(content, origin, of)).await?
    };
    let instance = batch.checked.header().instance;
    let taken = app.fleet.batch(batch).await?;
    app.shared.inventory.note(instance, role, &query, wall());
    if taken.repeated {
        app.shared.counters.repeated.add(1);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Checks a batch here, and not on the thread of the fleet, which every other batch waits for.
async fn check(
    app: &App,
    is_large: bool,
    check: impl FnOnce() -> Result<ReceivedBatch, Problem> + Send + 'static,
) -> Result<ReceivedBatch, Problem> {
    let checked = if is_large {
        let _turn = app.checks.acquire().await;
        spawn_blocking(check).await.map_err(|_| Problem::internal())?
    } else {
        check()
    };
    checked.inspect_err(|_| app.shared.counters.invalid.add(1))
}

fn received(content: Content, origin: Origin, of: AppVersion) -> Result<ReceivedBatch, Problem> {
    ReceivedBatch::check(content, origin, of).map_err(|error| BatchRefusal::Invalid(error.as_str()).into())
}

/// Makes a batch of counts as JSON. It may be no larger than other batches, because it takes the place of the body.
fn batch_of(content: Content, shared: &Shared, limit: usize) -> Result<Content, Problem> {
    let counts = PageCounts::from_json(&content.bytes).map_err(|why| Problem::invalid_counts(&why))?;
    let (batch, unknown) = counts.to_batch(&shared.published());
    shared.counters.unknown_flags.add(unknown);
    if batch.len() > limit {
        let message = format!("the counts take {} bytes as a batch, and {limit} are allowed", batch.len());
        return Err(Problem::new(Kind::TooLarge, message, "send fewer rows at once"));
    }
    Ok(content.with(batch.into()))
}
