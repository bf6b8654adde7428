//! `GET /metrics`, for Prometheus.

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};

use super::accept::Accept;
use super::access::{Authorized, Server};
use super::{Context, Problem};
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
