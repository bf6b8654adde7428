//! Events of a server, as they happen. There is one connection, or none, and one attempt at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flcm_flags::TripState;
use futures_util::StreamExt;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Response, Url};
use serde::Deserialize;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use super::Ask;
use super::events::{EventReader, ServerEvent};
use super::request::{failed, status_error};
use crate::clock::{Alarm, back_off, first};
use crate::error::{Code, Error};
use crate::options::Http;
use crate::watched::{Fleet, FleetFlag, Watched};

/// A stream that breaks for one host is connected anew within so long. It may have broken for all of them.
const SOON: Duration = Duration::from_secs(10);

/// Once the server answers a poll a stream waits no longer than that: polls come in a crowd after an outage, and streams are not to
/// double it.
const ANSWERED: Duration = Duration::from_mins(1);

/// Where that fails the server is away, and all hosts come back to it: a crowd of 10,000 as slowly as it polls.
const FIRST_WAIT: Duration = Duration::from_mins(2);
const LONGEST_WAIT: Duration = Duration::from_mins(5);

pub(crate) struct Stream {
    pub(crate) url: Url,
    pub(crate) http: Http,
    pub(crate) silence: Duration,
    pub(crate) watched: Arc<Watched>,
    pub(crate) asks: mpsc::UnboundedSender<Ask>,
    /// Rung whenever the server has answered a poll.
    pub(crate) answered: Arc<Notify>,
    pub(crate) closing: CancellationToken,
}

/// What a connection has said.
#[derive(Debug, Default)]
struct Told {
    /// What there was when this host began to listen is told first.
    is_greeted: bool,
    /// Trips are numbered: what comes late, or twice, is no news.
    last: Option<(u64, u64)>,
}

impl Stream {
    /// Stays connected until everything is closed.
    pub(crate) async fn run(self) {
        let closing = self.closing.clone();
        tokio::select! {
            () = closing.cancelled() => {}
            () = self.connect_for_ever() => {}
        }
    }

    async fn connect_for_ever(&self) {
        let mut failures = 0;
        loop {
            let error = self.read(&mut failures).await;
            failures += 1;
            let asked = error.retry_after.unwrap_or_default();
            let message = format!("{}: {}", self.url, error.message);
            self.watched.events.error(Error::new(Code::StreamFailed, message));
            self.pause(asked, asked + self.wait(failures)).await;
        }
    }

    /// Waits; for less once the server answers a poll, but never for less than it has asked for.
    async fn pause(&self, asked: Duration, wait: Duration) {
        let clock = &*self.watched.clock;
        let asked_until = clock.elapsed() + asked;
        let mut retry = Alarm::default();
        retry.set(clock, wait);
        while !retry.rings(clock) {
            tokio::select! {
                () = first(clock, [retry]) => {}
                () = self.answered.notified() => {
                    let asked = asked_until.saturating_sub(clock.elapsed());
                    retry.hasten(clock, asked + ANSWERED.mul_f64(clock.random()));
                }
            }
        }
    }

    fn wait(&self, failures: u32) -> Duration {
        let clock = &*self.watched.clock;
        if failures == 1 {
            return SOON.mul_f64(clock.random());
        }
        back_off(clock, failures - 1, FIRST_WAIT, LONGEST_WAIT)
    }

    /// Reads one connection to its end; answers why it ended.
    async fn read(&self, failures: &mut u32) -> Error {
        let response = match self.within_silence(self.connect()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) | Err(error) => return error,
        };
        let (mut told, mut reader) = (Told::default(), EventReader::default());
        let mut parts = response.bytes_stream();
        loop {
            let part = match self.within_silence(parts.next()).await {
                Ok(Some(Ok(part))) => part,
                Ok(Some(Err(error))) => return failed(&self.url, error),
                Ok(None) => return Error::new(Code::StreamFailed, "the server ended it"),
                Err(silent) => return silent,
            };
            // Whatever comes shows that it lives; it was connected well once something came.
            *failures = 0;
            let fed = reader.feed(&part, &mut |event| self.hear(&event, &mut told));
            if fed.is_err() {
                return Error::new(Code::StreamFailed, "an event is too large");
            }
        }
    }

    async fn within_silence<T>(&self, something: impl Future<Output = T>) -> Result<T, Error> {
        tokio::select! {
            something = something => Ok(something),
            () = self.watched.clock.sleep(self.silence) => {
                Err(Error::new(Code::StreamFailed, format!("silent for {} ms", self.silence.as_millis())))
            }
        }
    }

    async fn connect(&self) -> Result<Response, Error> {
        let request = self.http.client.get(self.url.clone()).headers(self.http.headers.clone());
        let response = request.header(ACCEPT, "text/event-stream").send().await;
        let response = response.map_err(|error| failed(&self.url, error))?;
        let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if response.status() != 200 {
            Err(status_error(&response, self.watched.clock.now()))
        } else if !media_type.is_some_and(|text| text.to_ascii_lowercase().starts_with("text/event-stream")) {
            Err(Error::new(Code::WrongType, "it is no stream of events"))
        } else {
            Ok(response)
        }
    }

    fn hear(&self, event: &ServerEvent, told: &mut Told) {
        let heard = match event.name.as_str() {
            "snapshot" => self.snapshot(&event.data, told).map_err(|message| (Code::StreamFailed, message)),
            "trips" => self.trips(&event.data, told).map_err(|message| (Code::InvalidTrips, message)),
            _ => Ok(()),
        };
        if let Err((code, message)) = heard {
            let message = format!("{}: `{}` cannot be read: {message}", self.url, event.name);
            self.watched.events.error(Error::new(code, message));
        }
    }

    fn snapshot(&self, data: &str, told: &mut Told) -> Result<(), String> {
        let Announced { digest } = serde_json::from_str(data).map_err(|error| error.to_string())?;
        let is_new = std::mem::replace(&mut told.is_greeted, true);
        let _ = self.asks.send(Ask::Announced { digest, is_new });
        Ok(())
    }

    fn trips(&self, data: &str, told: &mut Told) -> Result<(), String> {
        let said: Trips = serde_json::from_str(data).map_err(|error| error.to_string())?;
        let fleet = said.fleet()?;
        let number = (said.epoch, said.sequence);
        if told.last.is_some_and(|last| number <= last) {
            return Ok(());
        }
        told.last = Some(number);
        self.watched.obey(fleet);
        Ok(())
    }
}

#[derive(Deserialize)]
struct Announced {
    digest: String,
}

/// What the server says of the fleet, numbered since its start.
#[derive(Deserialize)]
struct Trips {
    epoch: u64,
    sequence: u64,
    flags: BTreeMap<String, Said>,
}

#[derive(Deserialize)]
struct Said {
    trip: String,
    generation: Option<u32>,
}

impl Trips {
    /// Checked as a whole, so that trips are obeyed as a whole or not at all.
    fn fleet(&self) -> Result<Fleet, String> {
        let flag = |(key, said): (&String, &Said)| {
            let trip = TripState::from_word(&said.trip)
                .ok_or_else(|| format!("the server says `{}` of `{key}`", said.trip))?;
            Ok((key.clone(), FleetFlag { trip, generation: said.generation }))
        };
        self.flags.iter().map(flag).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Trips;

    #[test]
    fn trips_are_read_as_a_whole_or_not_at_all() {
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
