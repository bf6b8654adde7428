//! Bodies of requests: as large as they may be, and there in time.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{App, Problem};

/// A body must be there within so long.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The largest body that is JSON.
const JSON_BYTES: usize = 256 << 10;

/// All bodies that are being read hold at most so many bytes together.
const ROOM: usize = 256 << 20;
/// Room is given in pieces of so many.
const PIECE: usize = 64 << 10;

/// Room for bodies, so that many large ones at once cannot fill the memory.
#[derive(Debug)]
pub(crate) struct Room(Semaphore);

impl Default for Room {
    fn default() -> Self {
        Self(Semaphore::new(ROOM / PIECE))
    }
}

impl Room {
    /// Takes room for a body that may become so large.
    fn take(&self, bytes: usize) -> Result<SemaphorePermit<'_>, Problem> {
        let pieces = u32::try_from(bytes.div_ceil(PIECE)).unwrap_or(u32::MAX);
        self.0.try_acquire_many(pieces).map_err(|_| Problem::busy())
    }
}

/// Reads a body.
pub(super) async fn read(app: &App, body: Body, most: usize) -> Result<Bytes, Problem> {
    let too_large = || {
        let message = format!("the body is larger than {most} bytes");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", message, "send less at once")
    };
    let hint = axum::body::HttpBody::size_hint(&body);
    if hint.lower() > most as u64 {
        return Err(too_large());
    }
    let expected = hint.exact().and_then(|exact| usize::try_from(exact).ok()).unwrap_or(most);
    let _room = app.room.take(expected)?;
    match tokio::time::timeout(TIMEOUT, to_bytes(body, most)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(error)) => {
            let is_too_large = std::error::Error::source(&error)
                .is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
            let broken = || Problem::bad_request("the body ended early", "send all of it");
            Err(if is_too_large { too_large() } else { broken() })
        }
        Err(_) => {
            let message = format!("the body was not there within {} s", TIMEOUT.as_secs());
            Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "TOO_SLOW", message, "send it faster"))
        }
    }
}

/// Reads a body of JSON, which must say so: a page of another origin cannot send that unasked. An empty one is `{}`.
pub(super) async fn read_json<T: DeserializeOwned>(app: &App, headers: &HeaderMap, body: Body) -> Result<T, Problem> {
    expect_type(headers, &["application/json"])?;
    let bytes = read(app, body, JSON_BYTES).await?;
    let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
    parse(text).map_err(|error| {
        Problem::bad_request(format!("the body is not what is expected: {error}"), "see /openapi.json")
    })
}

/// Reads an object: serde would take a list of its fields as well.
pub(super) fn parse<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(text)?;
    serde_json::from_value(object.into())
}

/// Refuses a body of another type.
pub(super) fn expect_type(headers: &HeaderMap, types: &[&str]) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if types.iter().any(|expected| essence.eq_ignore_ascii_case(expected)) {
        return Ok(());
    }
    let message = format!("the body is `{given}`; it must be {}", types.join(" or "));
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "WRONG_TYPE", message, "say so in `Content-Type`"))
}
