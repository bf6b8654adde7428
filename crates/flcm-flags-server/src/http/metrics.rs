//! `GET /metrics`, for Prometheus.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::access::{Authorized, Server};
use super::{Context, Problem};
use crate::metrics::catalog;
use crate::metrics::openmetrics::OpenMetricsText;

const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The metrics of hosts, of breakers, and of the server, as `OpenMetrics` text.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses(
    (status = 200, body = String, content_type = "application/openmetrics-text"),
    (status = 401, body = Problem), (status = 403, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn get_metrics(_: Authorized<Server>, State(app): Context) -> Result<Response, Problem> {
    let snapshot = app.fleet.metrics_snapshot().await?;
    let mut text = OpenMetricsText::default();
    catalog::of_hosts(&snapshot, &mut text);
    catalog::of_server(&app, &snapshot, &mut text);
    Ok(([(header::CONTENT_TYPE, TEXT)], text.finish()).into_response())
}
