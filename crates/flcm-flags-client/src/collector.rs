//! Sends what was counted. One batch is on its way while the next one accumulates, and it is sent unchanged but for its age until it
//! was acknowledged: nothing is lost or counted twice.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use flcm_flags::metrics::batch::{Batch, Header, set_age};
use flcm_flags_host::Measures;
use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::clock::{Alarm, back_off, draw, first};
use crate::error::{Code, Error};
use crate::event::Event;
use crate::options::Http;
use crate::remote::request::{failed, status_error, timed};
use crate::store::Store;
use crate::watched::Watched;

const BATCH_TYPE: &str = "application/vnd.flcm.batch";

/// Statuses that will be the same for the same batch.
const REFUSED: [u16; 6] = [400, 404, 405, 413, 415, 422];

/// The server has lost count: the batch is to be named anew.
const GAP: u16 = 409;

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// Milliseconds after which counts are no evidence. A batch kept over a restart gets this age: its own is unknown.
const OLD: u32 = 120_001;

/// How long closing waits for the last batch.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// A batch on its way.
#[derive(Debug)]
struct Sending {
    name: Name,
    bytes: Vec<u8>,
    /// When it was drained; `None` when that was before a restart.
    since: Option<Duration>,
}

/// What tells a batch of this host from its others.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Name {
    sequence: u64,
    epoch: u64,
}

impl Name {
    /// Batches that survive a restart are kept under their name.
    fn file(self) -> String {
        format!("batch-{}-{}", self.epoch, self.sequence)
    }

    fn of(file: &str) -> Option<Self> {
        let (epoch, sequence) = file.strip_prefix("batch-")?.split_once('-')?;
        Some(Self { sequence: sequence.parse().ok()?, epoch: epoch.parse().ok()? })
    }
}

/// Why a batch did not arrive.
enum Unsent {
    /// It never will.
    Refused(Error),
    /// The server does not know what came before.
    LostCount,
    /// Later, again.
    Failed(Error),
}

/// What a collector is made with.
pub(crate) struct Parts {
    pub(crate) watched: Arc<Watched>,
    pub(crate) http: Http,
    pub(crate) url: Url,
    pub(crate) interval: Duration,
    pub(crate) instance: u64,
    pub(crate) store: Option<Store>,
    pub(crate) closing: CancellationToken,
}

pub(crate) struct Collector {
    parts: Parts,
    epoch: u64,
    sequence: u64,
    sending: Option<Sending>,
    /// What was kept by a process that ended before it was acknowledged.
    left: VecDeque<Name>,
    failures: u32,
    alarm: Alarm,
}

impl Collector {
    /// Looks for batches that were never acknowledged.
    pub(crate) fn new(parts: Parts) -> Self {
        let mut left = Vec::new();
        if let Some(store) = &parts.store {
            match store.names() {
                Ok(names) => left.extend(names.iter().filter_map(|name| Name::of(name))),
                Err(error) => parts.watched.events.error(unread(&error.to_string())),
            }
        }
        // Each in its turn: a server takes what comes after a gap for another host's.
        left.sort_unstable();
        let epoch = draw(&*parts.watched.clock);
        Self { parts, epoch, sequence: 0, sending: None, left: left.into(), failures: 0, alarm: Alarm::default() }
    }

    /// Sends until everything is closed, and then what is left.
    pub(crate) async fn run(mut self, mut asks: mpsc::UnboundedReceiver<oneshot::Sender<()>>) {
        let (clock, closing) = (Arc::clone(&self.parts.watched.clock), self.parts.closing.clone());
        let last_moment = async {
            closing.cancelled().await;
            clock.sleep(LAST_WAIT).await;
        };
        tokio::pin!(last_moment);
        self.rest(self.parts.interval);
        let mut is_late = false;
        while !is_late {
            let waiting = tokio::select! {
                () = closing.cancelled() => break,
                waiting = self.next(&mut asks) => waiting,
            };
            tokio::select! {
                () = self.flush() => {}
                () = &mut last_moment => is_late = true,
            }
            for waiting in waiting {
                let _ = waiting.send(());
            }
        }
        if !is_late {
            tokio::select! {
                () = self.flush() => {}
                () = &mut last_moment => {}
            }
        }
        self.keep_the_rest();
        self.written().await;
    }

    /// Waits until it is time to send; answers who waits for that.
    async fn next(&mut self, asks: &mut mpsc::UnboundedReceiver<oneshot::Sender<()>>) -> Vec<oneshot::Sender<()>> {
        let watched = Arc::clone(&self.parts.watched);
        loop {
            tokio::select! {
                Some(asked) = asks.recv() => {
                    let mut waiting = vec![asked];
                    while let Ok(asked) = asks.try_recv() {
                        waiting.push(asked);
                    }
                    return waiting;
                }
                within = watched.hurry.asked() => {
                    // A sink that fails is left alone.
                    if self.failures == 0 {
                        self.alarm.hasten(&*watched.clock, within);
                    }
                }
                () = first(&*watched.clock, [self.alarm]) => {
                    self.alarm.clear();
                    return Vec::new();
                }
            }
        }
    }

    /// Sends nothing of its own accord for so long; never any more for zero.
    fn rest(&mut self, wait: Duration) {
        if !wait.is_zero() {
            self.alarm.set(&*self.parts.watched.clock, wait);
        }
    }

    /// What was counted while a batch was on its way is kept behind it.
    fn keep_the_rest(&mut self) {
        if self.parts.store.is_some() {
            self.drain();
        }
    }

    async fn written(&self) {
        if let Some(store) = &self.parts.store {
            store.written().await;
        }
    }

    /// Sends what is on its way, what was kept, and what was counted since.
    async fn flush(&mut self) {
        let sent = self.send_all().await;
        let clock = &*self.parts.watched.clock;
        let wait = match sent {
            Ok(()) => {
                self.failures = 0;
                self.parts.interval
            }
            Err(error) => {
                self.failures += 1;
                let asked = error.retry_after.unwrap_or_default();
                self.parts.watched.events.error(Error { code: Code::SinkFailed, ..error });
                asked + back_off(clock, self.failures + 1, FIRST_WAIT, LONGEST_WAIT)
            }
        };
        self.rest(wait);
    }

    async fn send_all(&mut self) -> Result<(), Error> {
        loop {
            if self.sending.is_none() {
                self.sending = self.kept().await;
            }
            if self.sending.is_none() {
                break;
            }
            self.send().await?;
        }
        // Once: under load there is always more.
        self.sending = self.drain();
        if self.sending.is_some() { self.send().await } else { Ok(()) }
    }

    async fn send(&mut self) -> Result<(), Error> {
        let Some(sending) = &mut self.sending else { return Ok(()) };
        let elapsed = self.parts.watched.clock.elapsed();
        let age = sending
            .since
            .map_or(OLD, |since| u32::try_from(elapsed.saturating_sub(since).as_millis()).unwrap_or(u32::MAX));
        // Evidence is weighed by when it was counted.
        let aged = set_age(&mut sending.bytes, age);
        debug_assert!(aged.is_ok(), "it was written by us, or checked");
        let (name, bytes) = (sending.name, sending.bytes.clone());
        let size = bytes.len();
        match self.post(bytes).await {
            Ok(()) => {
                self.forget(name);
                self.parts.watched.events.emit(&Event::Flush { bytes: size, sequence: name.sequence });
            }
            Err(Unsent::Refused(error)) => {
                self.forget(name);
                self.parts.watched.events.error(error);
            }
            Err(Unsent::LostCount) => {
                self.rename();
                let message = "the server has lost count of this host, which begins anew";
                return Err(Error::new(Code::SinkFailed, message));
            }
            Err(Unsent::Failed(error)) => return Err(error),
        }
        self.sending = None;
        Ok(())
    }

    async fn post(&self, bytes: Vec<u8>) -> Result<(), Unsent> {
        let Parts { http, url, .. } = &self.parts;
        let request = http.client.post(url.clone()).headers(http.headers.clone());
        let request = request.header(CONTENT_TYPE, BATCH_TYPE).body(bytes);
        let sending = async { request.send().await.map_err(|error| failed(url, error)) };
        let response = timed(&*http.clock, http.timeout, sending).await.map_err(Unsent::Failed)?;
        // A redirect makes another request of it, whose answer says nothing of the batch.
        if response.url() != url {
            let message = format!("{url} redirects to {}: give that address", response.url());
            return Err(Unsent::Failed(Error::new(Code::SinkFailed, message)));
        }
        match response.status() {
            status if status.is_success() => Ok(()),
            status if status == GAP => Err(Unsent::LostCount),
            status => {
                let error = status_error(&response, http.clock.now());
                if REFUSED.contains(&status.as_u16()) {
                    Err(Unsent::Refused(Error { code: Code::SinkRefused, ..error }))
                } else {
                    Err(Unsent::Failed(error))
                }
            }
        }
    }

    /// Takes what was counted as the next batch.
    fn drain(&mut self) -> Option<Sending> {
        let name = Name { epoch: self.epoch, sequence: self.sequence + 1 };
        let bytes = self.parts.watched.drain(self.header(name))?;
        self.sequence += 1;
        self.keep(name, &bytes);
        Some(Sending { name, bytes, since: Some(self.parts.watched.clock.elapsed()) })
    }

    fn header(&self, Name { epoch, sequence }: Name) -> Header {
        Header { instance: self.parts.instance, epoch, sequence, age: 0 }
    }

    /// Gives the batch under way another name: that of a host which has just begun.
    fn rename(&mut self) {
        let Some(Sending { name: before, bytes, since }) = self.sending.take() else { return };
        self.epoch = draw(&*self.parts.watched.clock);
        self.sequence = 1;
        let name = Name { epoch: self.epoch, sequence: 1 };
        let bytes = self.renamed(&bytes, name).unwrap_or(bytes);
        self.keep(name, &bytes);
        self.forget(before);
        self.sending = Some(Sending { name, bytes, since });
    }

    fn renamed(&self, bytes: &[u8], name: Name) -> Option<Vec<u8>> {
        let flags = self.parts.watched.flags()?;
        let mut measures = Measures::new(flags.snapshot.flags().len())?;
        measures.merge(&flags.snapshot, bytes).ok()?;
        Some(measures.drain(&flags.snapshot, self.header(name)))
    }

    /// A batch that a process before has kept. Its name is inside, so it counts once whoever sends it.
    async fn kept(&mut self) -> Option<Sending> {
        // What was counted before the start waits for the first flags, as what is counted now does.
        self.parts.watched.flags()?;
        let name = self.left.pop_front()?;
        let store = self.parts.store.clone()?;
        let read = tokio::task::spawn_blocking(move || store.read(&name.file())).await.ok()?;
        match read {
            Ok(None) => None,
            Ok(Some(bytes)) => match Batch::from_bytes(&bytes) {
                Ok(_) => Some(Sending { name, bytes, since: None }),
                Err(error) => {
                    self.parts.watched.events.error(unread(&error.to_string()));
                    // It would be no better at the next start.
                    self.forget(name);
                    None
                }
            },
            Err(error) => {
                self.parts.watched.events.error(unread(&error.to_string()));
                None
            }
        }
    }

    fn keep(&self, name: Name, bytes: &[u8]) {
        let Some(store) = &self.parts.store else { return };
        let (bytes, events) = (bytes.to_vec(), self.parts.watched.events.clone());
        store.run(move |folder| {
            if let Err(error) = folder.write(&name.file(), &bytes) {
                events.error(Error::new(Code::CacheFailed, format!("counts on their way cannot be kept: {error}")));
            }
        });
    }

    fn forget(&self, name: Name) {
        let Some(store) = &self.parts.store else { return };
        let events = self.parts.watched.events.clone();
        store.run(move |folder| {
            if let Err(error) = folder.delete(&name.file()) {
                events
                    .error(Error::new(Code::CacheFailed, format!("counts that arrived cannot be forgotten: {error}")));
            }
        });
    }
}

fn unread(message: &str) -> Error {
    Error::new(Code::CacheFailed, format!("counts that were kept cannot be read: {message}"))
}
