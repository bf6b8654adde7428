//! Health checks.

use std::sync::atomic::Ordering;

use axum::extract::State;

use super::access::Public;
use super::{Context, Problem};

/// The process is alive, also while it shuts down.
#[utoipa::path(get, path = "/healthz", tag = "operation", security(()), responses(
    (status = 200, body = String, content_type = "text/plain"),
))]
pub(super) async fn healthz(_: Public) -> &'static str {
    "ok\n"
}

/// The server is ready for requests.
#[utoipa::path(get, path = "/readyz", tag = "operation", security(()), responses(
    (status = 200, body = String, content_type = "text/plain"), (status = 503, body = Problem),
))]
pub(super) async fn readyz(_: Public, State(app): Context) -> Result<&'static str, Problem> {
    if app.is_draining.load(Ordering::Relaxed) {
        return Err(Problem::closing());
    }
    app.fleet.ping().await?;
    Ok("ready\n")
}
