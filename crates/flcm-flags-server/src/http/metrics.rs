//! `GET /metrics`, for Prometheus, and the removal of custom metrics.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::accept::Accept;
use super::access::{Admin, Authorized, Server};
use super::{Context, Problem, problem};
use crate::fleet::RemoveMetric;
use crate::metrics::catalog;
use crate::metrics::text::{MetricsText, TextFormat};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The metrics of hosts, of breakers, and of the server, in the text format of Prometheus, or in that of `OpenMetrics`
/// if `Accept` prefers it.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses(
    (status = 200, description = "The metrics", content(
        (String = "text/plain"), (String = "application/openmetrics-text"),
    )),
    (status = 401, body = Problem), (status = 403, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn get_metrics(
    _: Authorized<Server>,
    State(app): Context,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let snapshot = app.fleet.metrics_snapshot().await?;
    let (format, media_type) = format_for(&Accept::of(&headers));
    let mut text = MetricsText::new(format);
    catalog::of_hosts(&snapshot, &mut text);
    catalog::of_server(&app, &snapshot, &mut text);
    Ok(([(header::CONTENT_TYPE, media_type), (header::VARY, "accept")], text.finish()).into_response())
}

/// The format that the client prefers, and its media type. Anything else than `OpenMetrics` gets plain text.
fn format_for(accept: &Accept<'_>) -> (TextFormat, &'static str) {
    let [open_metrics, plain] = ["application/openmetrics-text", "text/plain"].map(|name| accept.quality(name));
    if open_metrics > plain { (TextFormat::OpenMetrics, OPEN_METRICS) } else { (TextFormat::Prometheus, PROMETHEUS) }
}

/// Removes a custom metric, and its name with it: there is room for a limited number of names.
///
/// A host that still counts under the name brings it back with its next batch, from zero.
#[utoipa::path(delete, path = "/metrics/{name}", tag = "operation", params(
    ("name" = String, Path, description = "The name that applications count under"),
), responses(
    (status = 204, description = "It is removed"), (status = 400, body = Problem), (status = 401, body = Problem),
    (status = 403, body = Problem), (status = 404, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn delete_metric(
    key: Authorized<Admin>,
    State(app): Context,
    name: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path(name) = name.map_err(|error| problem::bad_path(&error))?;
    app.fleet.remove_metric(RemoveMetric { name, actor: key.name(), address: key.address() }).await?;
    Ok(StatusCode::NO_CONTENT)
}
