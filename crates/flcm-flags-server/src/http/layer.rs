//! What is done around each request, whatever its path.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Context, Problem, caching, origin};
use crate::admission::Place;
use crate::peer::PeerAddress;
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
    let peer = address(&app, &mut request);
    let place = request.extensions().get::<Arc<Place>>().cloned();
    if let Some(place) = &place {
        place.touch();
    }
    let is_chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    let checked = origin::name_host(&mut request).and_then(|()| expect_open(&app, path));
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    if let Some(place) = &place {
        place.touch();
    }
    // Only the parser knows where a request in chunks ends: nothing is read behind it.
    let is_last = is_chunked || place.is_some_and(|place| place.is_refused());
    if is_last && version <= Version::HTTP_11 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    caching::limit(method, path, &mut response);
    let (milliseconds, status) = (begun.elapsed().as_secs_f64() * 1000.0, response.status().as_u16());
    app.requests.count(path, (method, status), milliseconds);
    tracing::debug!(peer = peer.map(tracing::field::display), method, path, status, milliseconds, "answered");
    response
}

/// The address that the request came from: its peer's, or the one that a trusted proxy names, which takes its place.
fn address(app: &App, request: &mut Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<PeerAddress>()?.0;
    let forwarded = request.headers().get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let address = proxies::origin(&app.proxies, peer, forwarded);
    if address != peer {
        request.extensions_mut().insert(PeerAddress(address));
    }
    Some(address)
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
