//! `GET /events`: what happens, for the dashboard.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, watch};
use utoipa::IntoParams;

use super::access::{Authorized, Viewer};
use super::revisions::bad_query;
use super::stream::HEADERS;
use super::{Context, Problem};
use crate::fleet::FleetError;
use crate::serving::{StreamState, event};
use crate::state::App;
use crate::store::{Reader, Record, Stored};
use crate::watched::Watch;

/// Something is sent at least this often, so that pages and proxies see that the stream is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// So many records are read at once. A stream that is further behind begins with the newest of them.
const RECORDS: u32 = 500;

/// So many flags of a revision are named.
const FLAGS: u32 = 1000;

/// What a page looks at.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Also what is counted of this flag in each second.
    flag: Option<String>,
}

/// One stream. What was recorded is read from the database, from the last record that was sent; of what changes each
/// second it sends the latest. So it keeps no queue that a slow page could fill.
struct Listener {
    app: Arc<App>,
    key: Authorized<Viewer>,
    audited: watch::Receiver<i64>,
    live: watch::Receiver<Bytes>,
    hosts: watch::Receiver<Bytes>,
    /// The flag that the page looks at.
    watch: Option<Watch>,
    state: watch::Receiver<StreamState>,
    /// The last record that was sent.
    last: i64,
    waiting: VecDeque<Bytes>,
    _place: OwnedSemaphorePermit,
}

/// What happens, as it happens.
///
/// Server-sent events: `revision {revision, digest, author, reason, flags}` and `breaker`, which is what webhooks
/// receive, both with the number of their record in the audit as `id`, so that `Last-Event-ID` resumes; and at most
/// once a second `live {at, sequence, flags}` with the flags that have changed, as in `GET /overview/live`. Whoever has
/// missed a `sequence` asks there again. `hosts {total, inStep, revision}` comes when it has changed. With `?flag=KEY`,
/// `point` is what was counted of the flag in a second, as in `GET /flags/{key}/series`. A comment comes every 15 s.
#[utoipa::path(get, path = "/events", tag = "people", params(EventsQuery,
    ("Last-Event-ID" = Option<i64>, Header, description = "The last event that was received"),
), responses(
    (status = 200, description = "An endless stream of events", content_type = "text/event-stream"),
    (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 429, body = Problem), (status = 503, body = Problem),
))]
pub(super) async fn open_events(
    key: Authorized<Viewer>,
    State(app): Context,
    query: Result<Query<EventsQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Query(EventsQuery { flag }) = query.map_err(|error| bad_query(&error))?;
    if flag.as_deref().is_some_and(|flag| app.shared.published().snapshot.flag(flag).is_none()) {
        return Err(FleetError::NoSuchFlag.into());
    }
    let place = Arc::clone(&app.listeners).try_acquire_owned().map_err(|_| Problem::busy())?;
    let shared = &app.shared;
    let (audited, state) = (shared.audited.subscribe(), shared.stream.subscribe());
    let (live, hosts) = (shared.live.subscribe(), shared.hosts.subscribe());
    let newest = *audited.borrow();
    let given = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse::<i64>().ok());
    let last = given.unwrap_or(newest).clamp((newest - i64::from(RECORDS)).max(0), newest);
    app.shared.counters.streams.add(1);
    let waiting = VecDeque::from([Bytes::from_static(b": hello\n\n")]);
    let watch = flag.map(|flag| app.shared.watched.watch(flag));
    let listener = Box::new(Listener { app, key, audited, live, hosts, watch, state, last, waiting, _place: place });
    let events = stream::unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((Ok::<_, std::convert::Infallible>(event), listener))
    });
    Ok((HEADERS, Body::from_stream(events)).into_response())
}

impl Listener {
    /// The next event; nothing when the server shuts down, or the sign-in has ended.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.state.borrow_and_update().closing || !self.key.is_valid() {
                return None;
            }
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            if *self.audited.borrow_and_update() > self.last {
                self.read().await?;
            } else if self.live.has_changed().ok()? {
                return Some(self.live.borrow_and_update().clone());
            } else if self.hosts.has_changed().ok()? {
                return Some(self.hosts.borrow_and_update().clone());
            } else if let Some(point) = self.watch.as_mut().and_then(Watch::latest) {
                return Some(point);
            } else {
                tokio::select! {
                    changed = self.audited.changed() => changed.ok()?,
                    changed = self.live.changed() => {
                        changed.ok()?;
                        self.live.mark_changed();
                    }
                    changed = self.hosts.changed() => {
                        changed.ok()?;
                        self.hosts.mark_changed();
                    }
                    () = Watch::changed(self.watch.as_mut()) => {}
                    changed = self.state.changed() => changed.ok()?,
                    () = tokio::time::sleep(HEARTBEAT) => return Some(Bytes::from_static(b": beat\n\n")),
                }
            }
        }
    }

    /// Reads what was recorded since. Where the database cannot be read, the stream ends, and the page begins again.
    async fn read(&mut self) -> Option<()> {
        let after = self.last;
        let (last, events) = self.app.read(move |reader| events_after(reader, after)).await.ok()?;
        self.last = last.max(after + 1);
        self.waiting.extend(events);
        Some(())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.app.shared.counters.streams.subtract(1);
    }
}

/// The events of the records after one, and the last of these records.
fn events_after(reader: &Reader, after: i64) -> Stored<(i64, Vec<Bytes>)> {
    let records = reader.audit_after(after, RECORDS)?;
    let last = records.last().map_or(after, |record| record.id);
    let mut events = Vec::new();
    for record in records {
        events.extend(event_of(reader, &record)?);
    }
    Ok((last, events))
}

/// The event of a record, if pages receive one.
fn event_of(reader: &Reader, record: &Record) -> Stored<Option<Bytes>> {
    let (name, data) = match record {
        Record { action, revision: Some(revision), .. } if action == "publish" => {
            let flags = reader.flags_of_revision(*revision, FLAGS)?;
            let (author, reason, digest) = (&record.actor, &record.reason, &record.detail["digest"]);
            let data =
                json!({ "revision": revision, "digest": digest, "author": author, "reason": reason, "flags": flags });
            ("revision", data)
        }
        // The record of a transition has the whole of it as its detail.
        Record { flag: Some(_), detail, .. } if detail.get("evidence").is_some() => ("breaker", detail.clone()),
        _ => return Ok(None),
    };
    let text = [format!("id: {}\n", record.id).into_bytes(), event(name, &data.to_string()).into()].concat();
    Ok(Some(text.into()))
}
