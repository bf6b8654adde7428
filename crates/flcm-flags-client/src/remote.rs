//! Follows a source. `Delivery` decides when to ask it, and what its answers mean; here they are asked for and put in use.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flcm_flags_host::{Delivery, DeliveryAction, DeliveryOptions};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::active_flags::ActiveFlags;
use crate::clock::millis;
use crate::error::{Code, Error};
use crate::event::{Event, State};
use cache::{CachedSnapshot, SnapshotCache};
use source::{FetchResult, Source};
use sync_request::SyncRequest;

pub(crate) mod cache;
pub(crate) mod events;
pub(crate) mod file_watch;
pub(crate) mod source;
pub(crate) mod stream;
pub(crate) mod sync_request;

/// How well the flags in use are known to be the source's, and when it has confirmed them, in milliseconds of the clock.
#[derive(Debug, Default)]
pub(crate) struct Status(Mutex<(State, Option<u64>)>);

impl Status {
    fn locked(&self) -> MutexGuard<'_, (State, Option<u64>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self) -> State {
        self.locked().0
    }

    pub(crate) fn confirmed(&self) -> Option<Duration> {
        self.locked().1.map(Duration::from_millis)
    }
}

type Fetching = Pin<Box<dyn Future<Output = Result<FetchResult, Error>> + Send>>;

/// What a remote is made of.
pub(crate) struct Parts {
    pub(crate) active: Arc<ActiveFlags>,
    pub(crate) source: Option<Arc<Source>>,
    pub(crate) cache: Option<SnapshotCache>,
    pub(crate) status: Arc<Status>,
    pub(crate) requests: mpsc::UnboundedReceiver<SyncRequest>,
    /// Notified when the server has answered: a stream that waits need not wait for long then.
    pub(crate) answered: Arc<Notify>,
    pub(crate) closing: CancellationToken,
}

pub(crate) struct Remote {
    parts: Parts,
    delivery: Delivery,
    fetching: Option<Fetching>,
    /// Who waits for the end of the request that is under way.
    waiting: Vec<oneshot::Sender<()>>,
}

impl Remote {
    pub(crate) fn new(parts: Parts, options: DeliveryOptions) -> Self {
        let delivery = Delivery::new(options, parts.source.is_some());
        Self { parts, delivery, fetching: None, waiting: Vec::new() }
    }

    /// Puts in use what is at hand, then asks the source.
    pub(crate) fn open(&mut self, bootstrap: Option<Vec<u8>>) -> Result<(), Error> {
        let active = Arc::clone(&self.parts.active);
        if let Some(bytes) = bootstrap {
            active.use_bytes(bytes)?;
        }
        let etag = self.use_cached();
        let digest = active.flags().map(|flags| flags.digest());
        self.delivery.open(digest.as_deref(), etag, active.clock.moment());
        self.act();
        if self.parts.source.is_none() {
            self.report_sync(false);
        }
        Ok(())
    }

    /// Follows the source until everything is closed.
    pub(crate) async fn run(mut self) {
        let (clock, closing) = (Arc::clone(&self.parts.active.clock), self.parts.closing.clone());
        loop {
            tokio::select! {
                () = closing.cancelled() => break,
                result = under_way(&mut self.fetching) => self.fetched(result),
                request = self.parts.requests.recv() => match request {
                    Some(request) => self.take(request),
                    None => break,
                },
                () = clock.sleep_until(self.delivery.next_deadline()) => self.delivery.poll(clock.moment()),
            }
            self.act();
            if !self.delivery.is_fetching() {
                for waiting in self.waiting.drain(..) {
                    let _ = waiting.send(());
                }
            }
        }
    }

    fn take(&mut self, request: SyncRequest) {
        let now = self.parts.active.clock.moment();
        match request {
            SyncRequest::Announced { digest, is_new } => self.delivery.announce(&digest, is_new, now),
            SyncRequest::FileChanged => self.delivery.file_changed(now),
            SyncRequest::Settled(reply) => self.waiting.push(reply),
            SyncRequest::Sync(reply) => {
                self.waiting.push(reply);
                self.delivery.sync();
            }
        }
    }

    /// Does what `Delivery` asks for.
    fn act(&mut self) {
        while let Some(action) = self.delivery.take_action() {
            match action {
                DeliveryAction::Fetch { etag } => {
                    let source = self.parts.source.clone().filter(|_| !self.parts.closing.is_cancelled());
                    self.fetching =
                        source.map(|source| -> Fetching { Box::pin(async move { source.get(etag).await }) });
                }
                DeliveryAction::State { from, to, age } => {
                    *self.parts.status.locked() = (to, self.delivery.confirmed());
                    self.parts.active.events.emit(&Event::State { from, to, age: age.map(Duration::from_millis) });
                }
            }
        }
    }

    fn fetched(&mut self, result: Result<FetchResult, Error>) {
        self.fetching = None;
        let clock = Arc::clone(&self.parts.active.clock);
        match result.and_then(|result| self.apply(result)) {
            Ok(changed) => {
                self.parts.status.locked().1 = self.delivery.confirmed();
                self.parts.answered.notify_waiters();
                self.act();
                self.report_sync(changed);
            }
            Err(error) => {
                let retry_after = millis(error.retry_after.unwrap_or_default());
                self.delivery.failed(error.code == Code::NotModified, retry_after, clock.moment());
                self.act();
                self.parts.active.events.error(error);
            }
        }
    }

    /// Takes what the source gives; answers whether it is another snapshot.
    fn apply(&mut self, result: FetchResult) -> Result<bool, Error> {
        let Parts { active, cache, .. } = &self.parts;
        let FetchResult::Snapshot { bytes, etag } = result else {
            self.delivery.not_modified(active.clock.moment());
            return Ok(false);
        };
        let changed = active.use_bytes(bytes)?;
        if let Some(flags) = active.flags() {
            let is_new = self.delivery.applied(&flags.digest(), etag.clone(), active.clock.moment());
            if let Some(cache) = cache.as_ref().filter(|_| is_new) {
                cache.set(flags.snapshot.as_bytes(), etag.as_deref());
            }
        }
        Ok(changed)
    }

    /// Uses the flags of the cache unless something newer is at hand; answers their `ETag`.
    fn use_cached(&self) -> Option<String> {
        let cache = self.parts.cache.as_ref()?;
        let CachedSnapshot { bytes, etag } = cache.get()?;
        match self.parts.active.use_bytes(bytes) {
            Ok(_) => return etag,
            Err(error) if error.code == Code::OlderRevision => {}
            Err(error) => cache.failed("the flags that were kept are not used", &error.message),
        }
        None
    }

    fn report_sync(&self, changed: bool) {
        if let Some(flags) = self.parts.active.flags() {
            self.parts.active.events.emit(&Event::Sync { changed, revision: flags.snapshot.revision() });
        }
    }
}

/// The end of the request that is under way; none ever, when none is.
async fn under_way(fetching: &mut Option<Fetching>) -> Result<FetchResult, Error> {
    match fetching {
        Some(fetching) => fetching.await,
        None => std::future::pending().await,
    }
}
