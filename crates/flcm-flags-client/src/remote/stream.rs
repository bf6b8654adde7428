//! Events of a server: as they happen, over one connection or none and with one attempt at a time, or those of now.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flcm_flags::TripState;
use flcm_flags_host::{FleetFlag, FleetState, Reconnect, StreamCursor};
use futures_util::StreamExt;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Response, Url};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::events::{EventReader, ServerEvent};
use super::source_link::{SourceLink, SyncRequest};
use crate::clock::millis;
use crate::error::{Code, Error};
use crate::http::Http;
use crate::http::request::{failed, status_error, timed};

pub(crate) struct Stream {
    url: Url,
    http: Http,
    silence: Duration,
    link: Arc<SourceLink>,
    /// The last events that were read without keeping a connection.
    polled: Mutex<StreamCursor>,
}

impl Stream {
    pub(crate) fn new(url: Url, http: Http, silence: Duration, link: Arc<SourceLink>) -> Self {
        Self { url, http, silence, link, polled: Mutex::new(StreamCursor::polled()) }
    }

    /// Stays connected until everything is closed.
    pub(crate) async fn run(&self) {
        tokio::select! {
            () = self.link.closing.cancelled() => {}
            () = self.connect_for_ever() => {}
        }
    }

    async fn connect_for_ever(&self) {
        let clock = &self.link.active.clock;
        let mut reconnect = Reconnect::default();
        loop {
            let ended = self.read(self.url.clone(), &mut StreamCursor::default(), || reconnect.received()).await;
            let error = ended.err().unwrap_or_else(|| Error::new(Code::StreamFailed, "the server ended it"));
            reconnect.failed(millis(error.retry_after.unwrap_or_default()), clock.moment());
            self.report(&error);
            while !reconnect.is_due(clock.moment()) {
                tokio::select! {
                    () = clock.sleep_until(reconnect.next_deadline()) => {}
                    () = self.link.answered.notified() => reconnect.server_answered(clock.moment()),
                }
            }
        }
    }

    /// Reads the events of now, for a host that keeps no connection. A failure is reported.
    pub(crate) async fn read_once(&self) {
        let mut url = self.url.clone();
        url.set_query(Some("once=true"));
        let Http { clock, timeout, .. } = &self.http;
        let mut cursor = self.polled.lock().await;
        if let Err(error) = timed(&**clock, *timeout, self.read(url, &mut cursor, || {})).await {
            self.report(&error);
        }
    }

    fn report(&self, error: &Error) {
        let message = format!("{}: {}", self.url, error.message);
        self.link.active.events.error(Error::new(Code::StreamFailed, message));
    }

    /// Reads one connection until the server ends it.
    async fn read(&self, url: Url, cursor: &mut StreamCursor, mut received: impl FnMut()) -> Result<(), Error> {
        let response = self.within_silence(self.connect(url)).await??;
        let (mut reader, mut parts) = (EventReader::default(), response.bytes_stream());
        loop {
            let Some(part) = self.within_silence(parts.next()).await? else { return Ok(()) };
            let part = part.map_err(|error| failed(&self.url, error))?;
            // Comments count as well: the server sends them to show that it is there.
            received();
            if reader.feed(&part, &mut |event| self.take(&event, cursor)).is_err() {
                return Err(Error::new(Code::StreamFailed, "an event is too large"));
            }
        }
    }

    async fn within_silence<T>(&self, something: impl Future<Output = T>) -> Result<T, Error> {
        tokio::select! {
            something = something => Ok(something),
            () = self.link.active.clock.sleep(self.silence) => {
                Err(Error::new(Code::StreamFailed, format!("silent for {} ms", self.silence.as_millis())))
            }
        }
    }

    async fn connect(&self, url: Url) -> Result<Response, Error> {
        let request = self.http.client.get(url).headers(self.http.headers.clone());
        let response = request.header(ACCEPT, "text/event-stream").send().await;
        let response = response.map_err(|error| failed(&self.url, error))?;
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if response.status() != 200 {
            Err(status_error(&response, self.link.active.clock.now()))
        } else if !media_type.is_some_and(|text| text.to_ascii_lowercase().starts_with("text/event-stream")) {
            Err(Error::new(Code::WrongType, "it is no stream of events"))
        } else {
            Ok(response)
        }
    }

    fn take(&self, event: &ServerEvent, cursor: &mut StreamCursor) {
        let taken = match event.name.as_str() {
            "snapshot" => self.announce(&event.data, cursor).map_err(|message| (Code::StreamFailed, message)),
            "trips" => self.apply_trips(&event.data, cursor).map_err(|message| (Code::InvalidTrips, message)),
            _ => Ok(()),
        };
        if let Err((code, message)) = taken {
            let message = format!("{}: `{}` cannot be read: {message}", self.url, event.name);
            self.link.active.events.error(Error::new(code, message));
        }
    }

    fn announce(&self, data: &str, cursor: &mut StreamCursor) -> Result<(), String> {
        let Announced { digest } = serde_json::from_str(data).map_err(|error| error.to_string())?;
        self.link.request(SyncRequest::Announced { digest, is_new: cursor.snapshot() });
        Ok(())
    }

    fn apply_trips(&self, data: &str, cursor: &mut StreamCursor) -> Result<(), String> {
        let trips: Trips = serde_json::from_str(data).map_err(|error| error.to_string())?;
        let fleet = trips.fleet()?;
        if cursor.fleet(trips.epoch, trips.sequence) {
            self.link.active.apply_fleet_state(fleet);
        }
        Ok(())
    }
}

/// The event `snapshot`.
#[derive(Deserialize)]
struct Announced {
    digest: String,
}

/// The event `trips`: the fleet's state, numbered since the start of the server.
#[derive(Deserialize)]
struct Trips {
    epoch: u64,
    sequence: u64,
    flags: BTreeMap<String, Trip>,
}

#[derive(Deserialize)]
struct Trip {
    trip: String,
    generation: Option<u32>,
}

impl Trips {
    /// One flag that cannot be read makes all of it an error, because a state is applied as a whole or not at all.
    fn fleet(&self) -> Result<FleetState, String> {
        let flag = |(key, Trip { trip, generation }): (&String, &Trip)| {
            let read = TripState::parse(trip).ok_or_else(|| format!("`{key}` has the unknown trip `{trip}`"))?;
            Ok((key.clone(), FleetFlag { trip: read, generation: *generation }))
        };
        self.flags.iter().map(flag).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Trips;

    #[test]
    fn the_fleet_s_state_is_read_as_a_whole_or_not_at_all() {
        let read = |text: &str| serde_json::from_str::<Trips>(text).map_err(|error| error.to_string())?.fleet();
        let fleet =
            read(r#"{"epoch":1,"sequence":2,"flags":{"a":{"trip":"capped 500","generation":4},"b":{"trip":"clear"}}}"#);
        assert_eq!(fleet.unwrap()["a"].generation, Some(4));
        for text in [
            "null",
            r#"{"epoch":9,"flags":{}}"#,
            r#"{"epoch":9,"sequence":1.5,"flags":{}}"#,
            r#"{"epoch":9,"sequence":9,"flags":[]}"#,
            r#"{"epoch":9,"sequence":9,"flags":{"a":{"trip":"clear"},"b":null}}"#,
            r#"{"epoch":9,"sequence":9,"flags":{"a":{"trip":"clear","generation":-1}}}"#,
            r#"{"epoch":9,"sequence":9,"flags":{"a":{"trip":"purple"}}}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
