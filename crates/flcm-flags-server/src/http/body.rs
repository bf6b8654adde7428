//! Request bodies: their media types, JSON, and the problems of reading them.

use axum::body::Body;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;

use super::Problem;
use super::problem::Kind;
use crate::ingest::{BodyError, BodyMemory, Content, TIMEOUT};
use crate::state::App;

/// The largest body that is JSON.
const JSON_BYTES: usize = 256 << 10;

/// Reads a body of at most `limit` bytes into the memory of its kind.
pub(super) async fn read(memory: &BodyMemory, body: Body, limit: usize) -> Result<Content, Problem> {
    memory.read(body, limit).await.map_err(|error| match error {
        BodyError::Incomplete => Problem::bad_request("the body ended early", "send all of it"),
        BodyError::NoMemory => Problem::busy(),
        BodyError::Timeout => {
            let message = format!("the body did not arrive within {} s", TIMEOUT.as_secs());
            Problem::new(Kind::TooSlow, message, "send it faster")
        }
        BodyError::TooLarge => {
            let message = format!("the body is larger than {limit} bytes");
            Problem::new(Kind::TooLarge, message, "send less at once")
        }
    })
}

/// Reads the JSON body of a command; an empty one is `{}`, and needs no type. A page must name the type JSON in any
/// case, which it cannot for another origin without a preflight request.
pub(super) async fn read_json<T: DeserializeOwned>(app: &App, headers: &HeaderMap, body: Body) -> Result<T, Problem> {
    const JSON: &[&str] = &["application/json"];
    if is_of_page(headers) {
        expect_type(headers, JSON)?;
    }
    let content = read(&app.bodies.commands, body, JSON_BYTES).await?;
    let mut text: &[u8] = b"{}";
    if !content.bytes.is_empty() {
        expect_type(headers, JSON)?;
        text = &content.bytes;
    }
    parse(text).map_err(|error| {
        Problem::bad_request(format!("the body is invalid: {error}"), "GET /openapi.json describes it")
    })
}

/// Whether a browser sends a request: it adds at least one of these to each POST.
pub(super) fn is_of_page(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN)
        || headers.contains_key("sec-fetch-site")
        || headers.contains_key(header::REFERER)
}

/// Parses an object. (serde would also accept a list of its fields.)
pub(super) fn parse<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(text)?;
    serde_json::from_value(object.into())
}

/// Refuses a body of another type.
pub(super) fn expect_type(headers: &HeaderMap, types: &[&str]) -> Result<(), Problem> {
    if types.iter().any(|expected| is_type(headers, expected)) {
        return Ok(());
    }
    let given = given_type(headers);
    let found = if given.is_empty() { "the body has no type".to_owned() } else { format!("the body is `{given}`") };
    let message = format!("{found}; it must be {}", types.join(" or "));
    Err(Problem::new(Kind::WrongType, message, "name it in `Content-Type`"))
}

/// Whether a body has this type, whatever its parameters.
pub(super) fn is_type(headers: &HeaderMap, expected: &str) -> bool {
    given_type(headers).split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(expected)
}

fn given_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
