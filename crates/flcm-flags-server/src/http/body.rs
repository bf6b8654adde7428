//! Bodies of requests: as large as they may be, and there in time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{App, Problem};

/// A body must be there within so long.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The largest body that is JSON.
const JSON_BYTES: usize = 256 << 10;

/// All bodies that are being read, or whose requests are not answered yet, have at most so many bytes together.
const ROOM: usize = 256 << 20;
/// Room is given in pieces of so many.
const PIECE: usize = 64 << 10;

/// Room for bodies, so that many large ones at once cannot fill the memory.
#[derive(Debug)]
pub(crate) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(ROOM / PIECE)))
    }
}

/// A body that was read, and the room that it takes until nobody needs it any more.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) bytes: Bytes,
    _room: Option<OwnedSemaphorePermit>,
}

/// Reads a body. Room is taken as it arrives: one that is only announced keeps nobody else out.
pub(super) async fn read(app: &App, body: Body, most: usize) -> Result<Content, Problem> {
    if axum::body::HttpBody::size_hint(&body).lower() > most as u64 {
        return Err(too_large(most));
    }
    tokio::time::timeout(TIMEOUT, gather(&app.room, body, most)).await.unwrap_or_else(|_| {
        let message = format!("the body was not there within {} s", TIMEOUT.as_secs());
        Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "TOO_SLOW", message, "send it faster"))
    })
}

async fn gather(room: &Room, body: Body, most: usize) -> Result<Content, Problem> {
    let mut body = Limited::new(body, most);
    let (mut first, mut joined, mut length) = (Bytes::new(), Vec::new(), 0);
    let mut taken: Option<OwnedSemaphorePermit> = None;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| if error.is::<LengthLimitError>() { too_large(most) } else { broken() })?;
        let Ok(part) = frame.into_data() else { continue };
        let has = taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let more = u32::try_from((length + part.len()).div_ceil(PIECE) - has).unwrap_or(u32::MAX);
        let permit = Arc::clone(&room.0).try_acquire_many_owned(more).map_err(|_| Problem::busy())?;
        match &mut taken {
            Some(taken) => taken.merge(permit),
            None => taken = Some(permit),
        }
        // Joined as they come: kept apart, parts of a byte each would take many times their length. Most bodies come in one.
        if length == 0 {
            first = part;
        } else {
            if joined.is_empty() {
                joined.extend_from_slice(&first);
            }
            joined.extend_from_slice(&part);
        }
        length = first.len().max(joined.len());
    }
    let bytes = if joined.is_empty() { first } else { joined.into() };
    Ok(Content { bytes, _room: taken })
}

fn too_large(most: usize) -> Problem {
    let message = format!("the body is larger than {most} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "TOO_LARGE", message, "send less at once")
}

fn broken() -> Problem {
    Problem::bad_request("the body ended early", "send all of it")
}

/// Reads a body of JSON, which must say so: a page of another origin cannot send that unasked. An empty one is `{}`.
pub(super) async fn read_json<T: DeserializeOwned>(app: &App, headers: &HeaderMap, body: Body) -> Result<T, Problem> {
    expect_type(headers, &["application/json"])?;
    let content = read(app, body, JSON_BYTES).await?;
    let text: &[u8] = if content.bytes.is_empty() { b"{}" } else { &content.bytes };
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
