//! `GET /flags`: the revision in use, as a snapshot or as the document.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::access::{Authorized, Client};
use super::problem::Kind;
use super::{Context, Problem};
use crate::keys::Role;
use crate::published::{Body, Encoded, Published, etag_matches};

/// The revision in use.
///
/// `Accept` chooses between the snapshot and the document as it was written, which needs a key `server`. Each has a
/// strong `ETag`, which is compared with `If-None-Match`.
#[utoipa::path(get, path = "/flags", tag = "hosts", params(
    ("If-None-Match" = Option<String>, Header, description = "The ETag of what the host has"),
), responses(
    (status = 200, description = "The snapshot or the document", content(
        (String = "application/vnd.flcm.snapshot"), (String = "application/yaml"),
    ), headers(("ETag" = String, description = "Identifies exactly these bytes"))),
    (status = 304, description = "The host has this revision"),
    (status = 401, body = Problem), (status = 403, body = Problem), (status = 406, body = Problem), (status = 429, body = Problem),
))]
pub(super) async fn get_flags(
    key: Authorized<Client>,
    State(app): Context,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let serving = app.shared.serving.load();
    let body = choose(&serving.published, &headers)?;
    // A snapshot contains hashes of users, the document their names.
    let is_document = std::ptr::eq(body, &raw const serving.published.as_document);
    key.require(if is_document { Role::Server } else { Role::Client })?;
    let takes_gzip = headers.get_all(header::ACCEPT_ENCODING).iter().any(takes_gzip);
    let Encoded { etag, bytes } = if takes_gzip { &body.gzip } else { &body.plain };
    let common = [
        (header::ETAG, etag.clone()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::VARY, HeaderValue::from_static("accept, accept-encoding, origin")),
    ];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|etags| etags == "*" || etag_matches(etags, etag)) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let media_type = [(header::CONTENT_TYPE, body.media_type.clone())];
    let mut response = (common, media_type, bytes.clone()).into_response();
    if takes_gzip {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

/// The body that the client prefers; the snapshot, if it prefers neither.
fn choose<'p>(published: &'p Published, headers: &HeaderMap) -> Result<&'p Body, Problem> {
    let bodies = [&published.as_snapshot, &published.as_document];
    let accept: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    if accept.is_empty() {
        return Ok(bodies[0]);
    }
    let liked = |body: &Body| quality(&accept, body.media_type.to_str().unwrap_or_default());
    let [snapshot, document] = bodies.map(liked);
    match (snapshot, document) {
        (0, 0) => {
            let message = format!("no media type of `Accept: {}` is available", accept.join(", "));
            let help = "ask for application/vnd.flcm.snapshot, or for application/yaml, or for */*";
            Err(Problem::new(Kind::NotAcceptable, message, help))
        }
        _ if document > snapshot => Ok(bodies[1]),
        _ => Ok(bodies[0]),
    }
}

/// The quality of a media type in thousandths. The most specific range that matches counts.
fn quality(accept: &[&str], media_type: &str) -> u32 {
    let ranges = accept.iter().flat_map(|list| list.split(','));
    let fitting = ranges.filter_map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next()?;
        let major = name.strip_suffix("/*").filter(|_| name != "*/*");
        let exactness = match major {
            Some(major) => media_type.split('/').next().filter(|own| *own == major).map(|_| 1)?,
            None if name == "*/*" => 0,
            None => name.eq_ignore_ascii_case(media_type).then_some(2)?,
        };
        Some((exactness, weight(parts)))
    });
    fitting.max_by_key(|(exactness, _)| *exactness).map_or(0, |(_, weight)| weight)
}

/// The `q` of a range in thousandths.
fn weight<'r>(mut parameters: impl Iterator<Item = &'r str>) -> u32 {
    let given = parameters.find_map(|parameter| parameter.strip_prefix("q="));
    let weight = given.and_then(|text| text.parse::<f32>().ok()).unwrap_or(1.0);
    // A saturating cast: a number outside of 0 to 1 is taken for 0 or 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 to 1000")]
    let thousandths = (weight.clamp(0.0, 1.0) * 1000.0) as u32;
    thousandths
}

fn takes_gzip(value: &HeaderValue) -> bool {
    let Ok(list) = value.to_str() else { return false };
    list.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip")) && weight(parts) > 0
    })
}

#[cfg(test)]
mod tests {
    use super::quality;

    #[test]
    fn the_most_exact_range_counts() {
        let accept = ["application/vnd.flcm.snapshot, application/json;q=0.5, */*;q=0.1"];
        assert_eq!(quality(&accept, "application/vnd.flcm.snapshot"), 1000);
        assert_eq!(quality(&accept, "application/json"), 500);
        assert_eq!(quality(&accept, "application/yaml"), 100);
        assert_eq!(quality(&["application/*;q=0.4", "text/html"], "application/yaml"), 400);
        assert_eq!(quality(&["text/html"], "application/yaml"), 0);
        assert_eq!(quality(&["*/*, application/yaml;q=0"], "application/yaml"), 0);
    }
}
