//! Sends what was counted. `Batches` decides what is sent when; here batches are stored, posted and drained.

use std::sync::Arc;
use std::time::Duration;

use flcm_flags_host::{BatchAction, BatchName, Batches, Delivered};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Response, Url};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::active_flags::ActiveFlags;
use crate::clock::{millis, millis_at_least};
use crate::error::{Code, Error};
use crate::event::Event;
use crate::http::Http;
use crate::http::request::{failed, status_error, timed};
use crate::store::{Folder, Store};

const BATCH_TYPE: &str = "application/vnd.flcm.batch";

/// How long closing waits for the last batch.
const LAST_WAIT: Duration = Duration::from_secs(2);

pub(crate) struct Collector {
    active: Arc<ActiveFlags>,
    url: Url,
    http: Http,
    store: Option<Store>,
    batches: Batches,
}

/// Asks for a flush, and is answered at its end.
pub(crate) type FlushRequest = oneshot::Sender<()>;

type Requests = mpsc::UnboundedReceiver<FlushRequest>;

impl Collector {
    /// Looks for batches that were never acknowledged.
    pub(crate) fn new(
        active: Arc<ActiveFlags>,
        (url, http): (Url, Http),
        store: Option<Store>,
        instance: u64,
        interval: Duration,
    ) -> Self {
        let files = store.as_ref().map_or_else(|| Ok(Vec::new()), Store::names).unwrap_or_else(|error| {
            active.events.error(unread(&error));
            Vec::new()
        });
        let files = files.iter().map(String::as_str);
        let batches = Batches::new(instance, millis_at_least(interval), files, active.clock.moment());
        Self { active, url, http, store, batches }
    }

    /// Sends until everything is closed, and then what is left, but not for long.
    pub(crate) async fn run(mut self, mut requests: Requests, closing: CancellationToken) {
        let clock = Arc::clone(&self.active.clock);
        let last_moment = async {
            closing.cancelled().await;
            clock.sleep(LAST_WAIT).await;
        };
        tokio::select! {
            () = self.flush_until(&closing, &mut requests) => {}
            () = last_moment => {}
        }
        self.store_the_rest();
        if let Some(store) = &self.store {
            store.written().await;
        }
    }

    async fn flush_until(&mut self, closing: &CancellationToken, requests: &mut Requests) {
        loop {
            let waiting = tokio::select! {
                () = closing.cancelled() => break,
                waiting = self.next(requests) => waiting,
            };
            self.flush().await;
            for waiting in waiting {
                let _ = waiting.send(());
            }
        }
        self.flush().await;
    }

    /// Waits until it is time to send; answers who waits for that.
    async fn next(&mut self, requests: &mut Requests) -> Vec<FlushRequest> {
        let active = Arc::clone(&self.active);
        let clock = &active.clock;
        while !self.batches.is_flushing() {
            tokio::select! {
                Some(request) = requests.recv() => {
                    let others = std::iter::from_fn(|| requests.try_recv().ok());
                    return std::iter::once(request).chain(others).collect();
                }
                within = active.flush_soon.requested() => self.batches.flush_within(within, clock.moment()),
                () = clock.sleep_until(self.batches.next_deadline()) => self.batches.poll(clock.moment()),
            }
        }
        Vec::new()
    }

    /// Sends what is on its way, what was stored, and what was counted since.
    async fn flush(&mut self) {
        if self.active.in_use().is_some() {
            self.batches.flags_in_use();
        }
        self.batches.flush();
        while let Some(action) = self.batches.take_action() {
            match action {
                BatchAction::Read(name) => self.read(name).await,
                BatchAction::Send(name) => self.send(name).await,
                action => self.act(action),
            }
        }
    }

    /// What was counted while a batch was on its way is stored behind it.
    fn store_the_rest(&mut self) {
        if self.store.is_none() {
            return;
        }
        let mut action = Some(self.batches.close());
        while let Some(next) = action {
            self.act(next);
            action = self.batches.take_action();
        }
    }

    /// Does what need not be waited for.
    fn act(&mut self, action: BatchAction) {
        match action {
            BatchAction::Drain(header) => {
                let bytes = self.active.drain(header);
                self.batches.drained(bytes, self.active.clock.moment());
            }
            BatchAction::Write(name) => {
                let bytes = self.batches.stored_bytes().unwrap_or_default().to_vec();
                self.store("counts that are sent cannot be stored", move |folder| folder.write(&name.file(), &bytes));
            }
            BatchAction::Delete(name) => {
                self.store("counts that have arrived cannot be deleted", move |folder| folder.delete(&name.file()));
            }
            BatchAction::Read(_) | BatchAction::Send(_) => {}
        }
    }

    async fn read(&mut self, name: BatchName) {
        let store = self.store.clone();
        let read = move || store.map_or(Ok(None), |store| store.read(&name.file()));
        let read = tokio::task::spawn_blocking(read).await.unwrap_or(Ok(None));
        let events = &self.active.events;
        let bytes = read.unwrap_or_else(|error| {
            events.error(unread(&error));
            None
        });
        if let Err(error) = self.batches.read(name, bytes) {
            events.error(unread(&error));
        }
    }

    async fn send(&mut self, name: BatchName) {
        let active = Arc::clone(&self.active);
        let Some(bytes) = self.batches.bytes(active.clock.moment()).map(<[u8]>::to_vec) else { return };
        let size = bytes.len();
        let (delivered, error) = self.post(bytes).await;
        self.batches.sent(delivered, active.clock.moment());
        match error {
            Some(error) => active.events.error(error),
            None => active.events.emit(&Event::Flush { bytes: size, sequence: name.sequence }),
        }
    }

    /// Posts a batch; answers what became of it, and the error to report.
    async fn post(&self, bytes: Vec<u8>) -> (Delivered, Option<Error>) {
        let (http, url) = (&self.http, &self.named_url());
        let request = http.client.post(url.clone()).headers(http.headers.clone());
        let request = request.header(CONTENT_TYPE, BATCH_TYPE).body(bytes);
        let sending = async { request.send().await.map_err(|error| failed(url, error)) };
        let response = match timed(&*http.clock, http.timeout, sending).await {
            Ok(response) => response,
            Err(error) => return (Delivered::Failed { retry_after: 0 }, Some(sink_failed(error))),
        };
        if let Some(target) = redirect_of(&response, url) {
            let message = format!("{url} redirects to {target}: give that address");
            return (Delivered::Failed { retry_after: 0 }, Some(Error::new(Code::SinkFailed, message)));
        }
        let error = status_error(&response, http.clock.now());
        let retry_after = millis(error.retry_after.unwrap_or_default());
        let delivered = Delivered::of_status(response.status().as_u16(), retry_after);
        let error = match delivered {
            Delivered::Acknowledged => None,
            Delivered::Failed { .. } => Some(sink_failed(error)),
            Delivered::LostCount => {
                let message = "the server has lost count of this host, which begins anew";
                Some(Error::new(Code::SinkFailed, message))
            }
            Delivered::Refused => Some(Error { code: Code::SinkRefused, ..error }),
        };
        (delivered, error)
    }

    /// Where a batch goes, with the revision in use.
    fn named_url(&self) -> Url {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("revision", &self.active.revision().to_string());
        url
    }

    /// Changes the store, once all that was to be changed before it is.
    fn store(&self, what: &'static str, change: impl FnOnce(&Folder) -> std::io::Result<()> + Send + 'static) {
        let Some(store) = &self.store else { return };
        let events = self.active.events.clone();
        store.run(move |folder| {
            if let Err(error) = change(folder) {
                events.error(Error::new(Code::CacheFailed, format!("{what}: {error}")));
            }
        });
    }
}

/// Where the answer redirects to, or was redirected to by a client of the application's own. A redirect turns the POST
/// into another request, whose answer is not about the batch.
fn redirect_of(response: &Response, url: &Url) -> Option<String> {
    if response.url() != url {
        return Some(response.url().to_string());
    }
    let target = response.headers().get(LOCATION).and_then(|target| target.to_str().ok());
    response.status().is_redirection().then(|| target.unwrap_or("another address").to_owned())
}

fn sink_failed(error: Error) -> Error {
    Error { code: Code::SinkFailed, ..error }
}

fn unread(error: &dyn std::error::Error) -> Error {
    Error::new(Code::CacheFailed, format!("stored counts cannot be read: {error}"))
}
