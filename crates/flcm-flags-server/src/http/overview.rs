//! `GET /overview`: all flags of the revision in use, for the dashboard's list; and `GET /overview/live`: how they are
//! used at present.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use flcm_flags::Millis;
use flcm_flags_config::config::Kind;
use serde::Serialize;
use utoipa::ToSchema;

use super::access::{Authorized, Viewer};
use super::{Context, Problem, encoded};
use crate::fleet::LiveOverview;
use crate::published::{Body, Published};
use crate::state::App;
use crate::store::{Changed, Reader};

/// All flags of a revision.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Overview<'p> {
    /// The revision in use.
    revision: u64,
    /// The digest of its snapshot.
    digest: String,
    flags: Columns<'p>,
}

/// One list for each property, in which each flag has the same place. Nothing in it depends on time.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Columns<'p> {
    /// The keys, in their order.
    key: Vec<&'p str>,
    /// What each is for.
    description: Vec<Option<&'p str>>,
    /// Who is responsible.
    owner: Vec<Option<&'p str>>,
    /// Tags.
    tags: Vec<Vec<&'p str>>,
    /// `release`, `experiment`, `ops` or `permanent`.
    #[schema(value_type = Vec<Option<String>>)]
    kind: Vec<Option<Kind>>,
    /// When it should be gone, in milliseconds since 1970.
    until: Vec<Option<u64>>,
    /// The kill switch.
    enabled: Vec<bool>,
    /// The highest percentage of its rules, before any schedule begins.
    percentage: Vec<f64>,
    /// Whether a rule has a schedule.
    scheduled: Vec<bool>,
    /// How many rules it has.
    rules: Vec<usize>,
    /// How many variants.
    variants: Vec<usize>,
    /// The places of the flags that it depends on.
    needs: Vec<Vec<u32>>,
    /// Whether it rolls back on errors.
    threshold: Vec<bool>,
    /// The revision that changed it last.
    changed: Vec<Option<u64>>,
    /// When that was published, in milliseconds since 1970.
    changed_at: Vec<Option<u64>>,
}

/// All flags of the revision in use.
///
/// The `ETag` is that of the revision: nothing in it depends on time.
#[utoipa::path(get, path = "/overview", tag = "people", params(
    ("If-None-Match" = Option<String>, Header, description = "The ETag of what the client has"),
), responses(
    (status = 200, body = Overview, headers(("ETag" = String, description = "Identifies exactly these bytes"))),
    (status = 304, description = "The client has this one"),
    (status = 401, body = Problem), (status = 403, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn get_overview(
    _: Authorized<Viewer>,
    State(app): Context,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    Ok(encoded::answer(&headers, &*overview(&app).await?))
}

/// How flags are used at present: those that hosts have counted within the hour, and those that are held back.
///
/// `sequence` counts the `live` events of `GET /events`: whoever has missed one asks here again.
#[utoipa::path(get, path = "/overview/live", tag = "people", responses(
    (status = 200, body = LiveOverview),
    (status = 401, body = Problem), (status = 403, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn get_live(_: Authorized<Viewer>, State(app): Context) -> Result<Json<LiveOverview>, Problem> {
    Ok(Json(app.fleet.live_overview().await?))
}

/// The overview of the revision in use. Many ask at once when it changes: the first one makes it.
async fn overview(app: &Arc<App>) -> Result<Arc<Body>, Problem> {
    let published = app.shared.published();
    let mut cached = app.overview.lock().await;
    if let Some((_, body)) = cached.as_ref().filter(|(revision, _)| *revision == published.number) {
        return Ok(Arc::clone(body));
    }
    let changed = app.read(Reader::changed).await?;
    let number = published.number;
    let made = tokio::task::spawn_blocking(move || body_of(&published, &changed));
    let made = Arc::new(made.await.map_err(|_| Problem::internal())?);
    *cached = Some((number, Arc::clone(&made)));
    Ok(made)
}

fn body_of(published: &Published, changed: &HashMap<String, Changed>) -> Body {
    let (revision, digest) = (published.number, published.digest());
    let tag = format!("{digest}-overview");
    let overview = Overview { revision, digest, flags: Columns::of(published, changed) };
    let text = serde_json::to_vec(&overview).unwrap_or_default();
    Body::new("application/json", text.into(), &tag)
}

impl<'p> Columns<'p> {
    fn of(published: &'p Published, changed: &HashMap<String, Changed>) -> Self {
        let mut columns = Self::default();
        let snapshot = &published.snapshot;
        for flag in snapshot.flags().filter_map(|id| snapshot.describe(id)) {
            let written = published.config.as_ref().and_then(|config| config.flags.get(flag.key()));
            let last = changed.get(flag.key());
            columns.key.push(flag.key());
            columns.description.push(written.and_then(|flag| flag.description.as_deref()));
            columns.owner.push(written.and_then(|flag| flag.owner.as_deref()));
            columns.tags.push(written.map(|flag| flag.tags.iter().map(String::as_str).collect()).unwrap_or_default());
            columns.kind.push(written.and_then(|flag| flag.kind));
            columns.until.push(written.and_then(|flag| flag.until));
            columns.enabled.push(flag.enabled());
            columns.percentage.push(f64::from(flag.percentage_at(Millis(0))) / 1000.0);
            columns.scheduled.push(flag.rules().any(|rule| rule.schedule().next().is_some()));
            columns.rules.push(flag.rules().count());
            columns.variants.push(flag.variants().count());
            columns.needs.push(flag.dependencies().map(|(id, _)| id.0).collect());
            columns.threshold.push(flag.policy().is_some());
            columns.changed.push(last.map(|last| last.revision));
            columns.changed_at.push(last.map(|last| last.at));
        }
        columns
    }
}
