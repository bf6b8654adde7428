//! `GET /flags/stream`: server-sent events for each change.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::watch;
use utoipa::IntoParams;

use super::access::{Authorized, Host};
use super::revisions::bad_query;
use super::{Context, Problem};
use crate::clock::wall;
use crate::inventory::HostQuery;
use crate::keys::Role;
use crate::peer::{AddressPrefix, Turn};
use crate::serving::{Events, StreamState};
use crate::state::App;

/// Something is sent at least this often, so that hosts and proxies see that the stream is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Those of each stream.
pub(super) const HEADERS: [(HeaderName, &str); 2] = [
    (header::CONTENT_TYPE, "text/event-stream"),
    // Asks proxies that buffer responses to pass this one on as it comes.
    (HeaderName::from_static("x-accel-buffering"), "no"),
];

/// How long a stream lasts.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// Whether to send the two events of now, and then to end: for hosts that poll, and where a proxy breaks streams.
    once: bool,
}

/// One stream. It keeps no queue: each event carries the full state, so a slow stream is sent the latest one when it
/// can take it.
struct Listener {
    app: Arc<App>,
    key: Authorized<Host>,
    /// That of a page.
    _turn: Option<Turn>,
    state: watch::Receiver<StreamState>,
    /// What was sent last.
    sent: Events,
    /// The number of the host, if it says so.
    instance: Option<u64>,
}

/// Changes, as they happen.
///
/// Server-sent events: `snapshot {digest, revision}` and `trips {epoch, sequence, flags}`, both at once after
/// connecting, and a comment every 15 s. With `once=true` it ends after these two events. The rest of the query is for
/// `GET /hosts`, and needs `instance`.
#[utoipa::path(get, path = "/flags/stream", tag = "hosts", params(StreamQuery, HostQuery), responses(
    (status = 200, description = "A stream of events, endless unless `once` is asked for", content_type = "text/event-stream"),
    (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 429, body = Problem),
    (status = 503, body = Problem),
))]
pub(super) async fn open_stream(
    key: Authorized<Host>,
    State(app): Context,
    stream_query: Result<Query<StreamQuery>, QueryRejection>,
    query: Result<Query<HostQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(StreamQuery { once }) = stream_query.map_err(|error| bad_query(&error))?;
    if once {
        return Ok((HEADERS, events_of_now(&app, key.caller().role)).into_response());
    }
    let network = AddressPrefix::of(key.address());
    let turn = key.caller().role.is_public().then(|| app.streams_of_pages.take(network));
    let turn = turn.map(|turn| turn.ok_or_else(Problem::too_many_connections)).transpose()?;
    app.shared.counters.streams.add(1);
    let query = query.map(|Query(query)| query).unwrap_or_default();
    let instance = query.instance();
    instance.inspect(|instance| app.shared.inventory.note(*instance, key.caller().role, &query, wall()));
    let state = app.shared.stream.subscribe();
    let listener = Box::new(Listener { app, key, _turn: turn, state, sent: Events::default(), instance });
    let events = stream::unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((Ok::<_, std::convert::Infallible>(event), listener))
    });
    Ok((HEADERS, Body::from_stream(events)).into_response())
}

fn events_of_now(app: &App, role: Role) -> Vec<u8> {
    let state = app.shared.stream.borrow();
    let Events { snapshot, trips } = state.events_for(role);
    [&snapshot[..], &trips[..]].concat()
}

impl Listener {
    /// The next event, in memory that all streams share; nothing when the server shuts down, or the key is no longer
    /// valid.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let (Events { snapshot, trips }, closing) = {
                let state = self.state.borrow_and_update();
                (state.events_for(self.key.caller().role).clone(), state.closing)
            };
            if closing || !self.key.is_valid() {
                return None;
            }
            for (sent, latest) in [(&mut self.sent.snapshot, snapshot), (&mut self.sent.trips, trips)] {
                if *sent != latest {
                    sent.clone_from(&latest);
                    return Some(latest);
                }
            }
            match tokio::time::timeout(HEARTBEAT, self.state.changed()).await {
                Err(_) => {
                    self.instance.inspect(|instance| self.app.shared.inventory.note_alive(*instance, wall()));
                    return Some(Bytes::from_static(b": beat\n\n"));
                }
                Ok(changed) => changed.ok()?,
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.app.shared.counters.streams.subtract(1);
    }
}
