//! A body that was made once, in the encoding that the client takes, or `304 Not Modified`.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::accept::weight;
use crate::published::{Body, Encoded, etag_matches};

/// The body, unless the client has it already.
pub(super) fn answer(headers: &HeaderMap, body: &Body) -> Response {
    let takes_gzip = takes(headers, "gzip");
    let Encoded { etag, bytes } = if takes_gzip { &body.gzip } else { &body.plain };
    let common = [(header::ETAG, etag.clone())];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|etags| etags == "*" || etag_matches(etags, etag)) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let media_type = [(header::CONTENT_TYPE, body.media_type.clone())];
    let mut response = (common, media_type, bytes.clone()).into_response();
    if takes_gzip {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Whether the client takes a coding, such as `gzip`.
pub(super) fn takes(headers: &HeaderMap, coding: &str) -> bool {
    let lists = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|one| {
        let mut parts = one.split(';').map(str::trim);
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding)) && weight(parts) > 0
    })
}
