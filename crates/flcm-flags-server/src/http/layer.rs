//! What is done around each request, whatever its path.

use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Context, Problem, caching, origin};
use crate::admission::Connection;
use crate::proxies;
use crate::state::App;

/// Counts and logs requests, refuses those that are ambiguous or too late, and adds the headers that all responses
/// have.
pub(super) async fn around_each_request(State(app): Context, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    // Counted by route, not by path: invented paths must not fill the memory.
    let path = request.extensions().get::<MatchedPath>().cloned();
    let path = path.as_ref().map_or("other", MatchedPath::as_str);
    let (method, version) = (name(request.method()), request.version());
    let connection = connection(&app, &mut request);
    if let Some(Connection { place, .. }) = &connection {
        place.touch();
    }
    let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let checked = origin::name_host(&mut request).and_then(|()| expect_open(&app, path));
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    if let Some(Connection { place, .. }) = &connection {
        place.touch();
    }
    // Only the parser knows where a request in chunks ends: nothing is read behind it.
    let is_last = is_chunked || connection.as_ref().is_some_and(|connection| connection.place.is_refused());
    if is_last && version <= Version::HTTP_11 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    caching::limit(method, path, &mut response);
    let (milliseconds, status) = (begun.elapsed().as_secs_f64() * 1000.0, response.status().as_u16());
    app.requests.count(path, (method, status), milliseconds);
    let peer = connection.map(|connection| tracing::field::display(connection.address));
    tracing::debug!(peer, method, path, status, milliseconds, "answered");
    response
}

/// The connection that the request came on. The address that a trusted proxy names takes the place of the proxy's.
fn connection(app: &App, request: &mut Request) -> Option<Connection> {
    let mut connection = request.extensions().get::<Connection>()?.clone();
    if !app.proxies.is_empty() {
        let forwarded = request.headers().get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        connection.address = proxies::origin(&app.proxies, connection.address, forwarded);
        request.extensions_mut().insert(connection.clone());
    }
    Some(connection)
}

/// Refuses requests that come after the shutdown has begun. Health checks go on: the process lives.
fn expect_open(app: &App, path: &str) -> Result<(), Problem> {
    let is_health = matches!(path, "/healthz" | "/readyz");
    if app.is_closing.load(Ordering::Relaxed) && !is_health { Err(Problem::closing()) } else { Ok(()) }
}

/// Methods that are counted by name: clients may invent others.
fn name(method: &Method) -> &'static str {
    const NAMES: [&str; 6] = ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"];
    NAMES.into_iter().find(|name| method == name).unwrap_or("other")
}
