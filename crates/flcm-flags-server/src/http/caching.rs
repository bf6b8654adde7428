//! What caches may keep of a response. One place decides, so that no handler can forget it.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

/// Caches keep nothing: responses are for one key, and change at any time.
const NOTHING: HeaderValue = HeaderValue::from_static("no-store");

/// For streams: proxies must not compress them either, which would delay events.
const NOTHING_AS_IS: HeaderValue = HeaderValue::from_static("no-store, no-transform");

/// The cache of a browser or a host may keep flags, and asks each time whether they have changed.
const PRIVATE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// All that flags depend on.
const VARY: HeaderValue = HeaderValue::from_static("authorization, x-api-key, cookie, accept, accept-encoding, origin");

/// Sets what caches may keep of the response.
pub(super) fn limit(method: &str, path: &str, response: &mut Response) {
    let is_served = matches!(response.status(), StatusCode::OK | StatusCode::NOT_MODIFIED);
    let value = match path {
        "/flags" | "/overview" if is_served && matches!(method, "GET" | "HEAD") => {
            set(response, header::VARY, VARY);
            PRIVATE
        }
        "/events" | "/flags/stream" => NOTHING_AS_IS,
        // The dashboard's files are the same for everyone.
        "/ui" | "/ui/" | "/ui/{*path}" if is_served => return,
        _ => NOTHING,
    };
    set(response, header::CACHE_CONTROL, value);
}

/// Replaces all values that a header has.
fn set(response: &mut Response, name: HeaderName, value: HeaderValue) {
    response.headers_mut().insert(name, value);
}
