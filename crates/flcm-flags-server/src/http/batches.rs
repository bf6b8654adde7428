//! `POST /metrics`: batches of counts from hosts.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use super::access::{Authorized, Client};
use super::{Context, Problem, body};

const BATCH: &str = "application/vnd.flcm.batch";

/// Accepts a batch of counts.
///
/// A batch is acknowledged when it is on the disk, and counted once, however often it is sent.
#[utoipa::path(post, path = "/metrics", tag = "hosts", request_body(content = Vec<u8>, content_type = "application/vnd.flcm.batch"), responses(
    (status = 204, description = "The batch was counted, now or before"),
    (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 408, body = Problem),
    (status = 409, description = "An earlier batch is missing", body = Problem), (status = 413, body = Problem),
    (status = 415, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn post_batch(
    _: Authorized<Client>,
    State(app): Context,
    headers: HeaderMap,
    content: Body,
) -> Result<StatusCode, Problem> {
    body::expect_type(&headers, &[BATCH])?;
    let batch = body::read(&app, content, app.batch_bytes).await?;
    let taken = app.fleet.batch(batch).await?;
    if taken.repeated {
        app.shared.counters.repeated.add(1);
    }
    Ok(StatusCode::NO_CONTENT)
}
