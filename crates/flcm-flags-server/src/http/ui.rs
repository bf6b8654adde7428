//! `/ui/`: the dashboard's files. They are the same for everyone; what they show comes from the other routes.

use std::path::{Component, Path, PathBuf};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;

use super::accept::Accept;
use super::access::Public;
use super::{Context, Problem, encoded, problem};
use crate::gzip::gunzip;
use crate::options::{Asset, Dashboard};
use crate::published::etag_matches;

/// What a page may do: run its own scripts and its own WebAssembly, and talk to this server. Nothing comes from
/// elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; \
                      style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types flcm";

/// Names of these files contain their hash.
const HASHED: &str = "assets/";
const FOREVER: &str = "public, max-age=31536000, immutable";

/// Shows each page of the dashboard.
const INDEX: &str = "index.html";

/// What is shown where the program was built without the dashboard.
const WITHOUT: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>FLCM Flags</title>\n\
    <h1>This program was built without the dashboard</h1>\n\
    <p>In a checkout, <code>npx --yes rust-just@1.57.0 dashboard</code> makes it; then build the program again. Releases \
    contain it.</p>\n\
    <p>Everything else works: <a href=\"/openapi.json\">the interface</a>.</p>\n</html>\n";

/// The largest file of a folder that is served.
const LARGEST: u64 = 32 << 20;

/// Leads a browser to the dashboard.
pub(super) async fn to_dashboard(_: Public, State(app): Context, headers: HeaderMap) -> Response {
    let is_browser = headers.contains_key(header::ACCEPT) && {
        let accept = Accept::of(&headers);
        accept.quality("text/html") > accept.quality("application/json")
    };
    if is_browser && !matches!(app.dashboard, Dashboard::None) {
        return Redirect::to("/ui/").into_response();
    }
    problem::no_such_path().await.into_response()
}

/// A file of the dashboard.
pub(super) async fn get_file(
    _: Public,
    State(app): Context,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut path = uri.path().strip_prefix("/ui").unwrap_or_default().trim_start_matches('/');
    if matches!(app.dashboard, Dashboard::None) {
        return Err(problem::no_such_path().await);
    }
    let mut found = file(&app.dashboard, path, &headers).await;
    // What is no file is a page of the dashboard: keys of flags may contain dots.
    if found.is_none() && !path.starts_with(HASHED) {
        path = INDEX;
        found = file(&app.dashboard, path, &headers).await;
    }
    let mut response = match found {
        Some(response) => response,
        None if path == INDEX => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], WITHOUT).into_response(),
        None => return Err(problem::no_such_path().await),
    };
    let kept = if path.starts_with(HASHED) { FOREVER } else { "no-cache" };
    for (name, value) in [
        (header::CACHE_CONTROL, kept),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (header::VARY, "accept-encoding"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

async fn file(dashboard: &Dashboard, path: &str, headers: &HeaderMap) -> Option<Response> {
    match dashboard {
        Dashboard::None => None,
        Dashboard::Embedded(asset) => asset(path).map(|asset| embedded(headers, asset)),
        Dashboard::Folder(folder) => read(folder, path).await,
    }
}

fn embedded(headers: &HeaderMap, Asset { media_type, etag, gzip, brotli }: Asset) -> Response {
    let takes = |coding| encoded::takes(headers, coding);
    let (coding, bytes) = match () {
        () if takes("br") => (Some("br"), Bytes::from_static(brotli)),
        () if takes("gzip") => (Some("gzip"), Bytes::from_static(gzip)),
        () => (None, gunzip(gzip).into()),
    };
    // Each coding has bytes of its own, and so a tag.
    let etag = coding.map_or_else(|| etag.to_owned(), |coding| etag.replacen('"', &format!("\"{coding}-"), 1));
    let etag = HeaderValue::try_from(etag).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|etags| etag_matches(etags, &etag)) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    let coding = coding.map(|coding| [(header::CONTENT_ENCODING, coding)]);
    ([(header::CONTENT_TYPE, media_type)], [(header::ETAG, etag)], coding, bytes).into_response()
}

/// A file of a folder, for whoever works on the dashboard.
async fn read(folder: &Path, path: &str) -> Option<Response> {
    let relative = PathBuf::from(path);
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return None;
    }
    let file = folder.join(&relative);
    let size = tokio::fs::metadata(&file).await.ok().filter(std::fs::Metadata::is_file)?.len();
    let bytes = if size <= LARGEST { tokio::fs::read(&file).await.ok()? } else { return None };
    Some(([(header::CONTENT_TYPE, media_type(&relative))], bytes).into_response())
}

fn media_type(path: &Path) -> &'static str {
    match path.extension().and_then(std::ffi::OsStr::to_str).unwrap_or_default() {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "wasm" => "application/wasm",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
