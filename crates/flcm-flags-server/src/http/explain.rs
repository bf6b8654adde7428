//! `POST /explain`: how a decision comes about, for support tools. The dashboard asks an engine of its own.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use bytes::Bytes;
use flcm_flags::{Millis, Snapshot, Trips};
use flcm_flags_config::OwnedContext;
use flcm_flags_config::explain::Explanation;
use serde::Deserialize;
use tokio::task::spawn_blocking;
use utoipa::ToSchema;

use super::access::{Authorized, Viewer};
use super::{Context, Problem, body, revisions};
use crate::clock::wall;
use crate::published::Published;
use crate::serving::ServingState;

/// What is to be explained.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainRequest {
    /// The flag key.
    flag: String,
    /// The targeting key under `targetingKey`, attributes under their names.
    #[serde(default)]
    #[schema(value_type = Object)]
    context: OwnedContext,
    /// Whether flags that are held or rolled back now count as such.
    #[serde(default = "yes")]
    #[schema(default = true)]
    trips: bool,
    /// Default: the revision in use.
    revision: Option<u64>,
}

const fn yes() -> bool {
    true
}

/// How a decision comes about.
///
/// A flag that is not there is explained as well, with the error code `FLAG_NOT_FOUND`.
#[utoipa::path(post, path = "/explain", tag = "publishing", request_body = ExplainRequest, responses(
    (status = 200, description = "What `flcm decide --explain --json` prints of a decision", body = Object),
    (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem),
    (status = 408, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem), (status = 422, body = Problem),
    (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn explain_decision(
    _: Authorized<Viewer>,
    State(app): Context,
    headers: HeaderMap,
    content: Body,
) -> Result<Json<Explanation>, Problem> {
    let request: ExplainRequest = body::read_json(&app, &headers, content).await?;
    let serving = app.shared.serving.load_full();
    let old = match request.revision.filter(|number| *number != serving.published.number) {
        Some(number) => Some(revisions::find(&app, number).await?),
        None => None,
    };
    let explained = spawn_blocking(move || {
        let republished =
            old.map(|revision| Published::republished(revision.document, revision.summary.number)).transpose()?;
        let published = republished.as_ref().unwrap_or(&serving.published);
        Ok(explain(&request, &published.snapshot, &serving))
    });
    explained.await.map_err(|_| Problem::internal())?.map(Json).map_err(Problem::refused)
}

fn explain(request: &ExplainRequest, snapshot: &Snapshot<Bytes>, serving: &ServingState) -> Explanation {
    let ExplainRequest { flag, context, trips, .. } = request;
    let Some(id) = snapshot.flag(flag) else {
        return Explanation::flag_not_found(flag, context.targeting_key.as_deref());
    };
    let trips = if *trips { trips_of(snapshot, serving) } else { Trips::new(Vec::new()) };
    context.with_core(|context| Explanation::of(snapshot, &trips, id, &context.bind(snapshot), Millis(wall())))
}

/// The trips in force, for the flags of a snapshot that may be another one than that in use.
fn trips_of(snapshot: &Snapshot<Bytes>, serving: &ServingState) -> Trips<Vec<u8>> {
    let in_use = &serving.published.snapshot;
    let mut trips = Trips::new(vec![0; Trips::bytes_for(snapshot.flags().len())]);
    for flag in in_use.flags() {
        let id = in_use.describe(flag).and_then(|described| snapshot.flag(described.key()));
        if let Some(id) = id {
            trips.set(id, serving.trips.state(flag));
        }
    }
    trips
}
