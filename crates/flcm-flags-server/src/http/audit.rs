//! `GET /audit`: who did what, when and why.

use axum::Json;
use axum::extract::{Query, State};

use super::access::{Authorized, Viewer};
use super::revisions::{PageQuery, bad_query};
use super::{Context, Problem};
use crate::store::Record;

/// The audit, the newest record first. Records cannot be changed.
#[utoipa::path(get, path = "/audit", tag = "publishing", params(PageQuery), responses(
    (status = 200, body = Vec<Record>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
    (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn list_audit(
    _: Authorized<Viewer>,
    State(app): Context,
    query: Result<Query<PageQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Vec<Record>>, Problem> {
    let (before, limit) = query.map_err(|error| bad_query(&error))?.bounds()?;
    app.read(move |reader| reader.audit(before, limit)).await.map(Json)
}
