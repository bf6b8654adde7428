//! `GET /keys`: which keys there are, and how they are used.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use super::access::{Admin, Authorized};
use super::{Context, Problem};
use crate::keys::KeyReport;

/// All keys, and how they are used since the server was started.
#[utoipa::path(get, path = "/keys", tag = "people", responses(
    (status = 200, body = Vec<KeyReport>),
    (status = 401, body = Problem), (status = 403, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn list_keys(_: Authorized<Admin>, State(app): Context) -> Result<impl IntoResponse, Problem> {
    let keys = app.keys.load();
    let text = serde_json::to_string(&keys.list().collect::<Vec<_>>()).map_err(|_| Problem::internal())?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text))
}
