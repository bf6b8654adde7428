//! Follows a source. `Delivery` decides when to ask it and what an answer means; this makes the requests, and puts
//! snapshots in use.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use flcm_flags::{Millis, Snapshot};
use flcm_flags_host::{Delivery, DeliveryAction, Follows, Revisions, Statement};
use tokio::sync::{mpsc, oneshot};

use crate::active_flags::loaded;
use crate::clock::millis;
use crate::error::{Code, Error};
use crate::event::Event;
use crate::in_use::Flags;
use cache::{CachedSnapshot, SnapshotCache};
use source::{FetchResult, Source};
use source_link::{SourceLink, SyncRequest};
use stream::Stream;
use trust::{SnapshotTrust, expired};

pub(crate) mod cache;
pub(crate) mod events;
pub(crate) mod file_watch;
pub(crate) mod source;
pub(crate) mod source_link;
pub(crate) mod stream;
pub(crate) mod trust;

type Fetching = Pin<Box<dyn Future<Output = Result<FetchResult, Error>> + Send>>;

/// Where keys are pinned: what checks snapshots, and the file of statements beside one.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) trust: Option<SnapshotTrust>,
    pub(crate) statements: Option<Arc<Source>>,
}

pub(crate) struct Remote {
    link: Arc<SourceLink>,
    source: Option<Arc<Source>>,
    cache: Option<SnapshotCache>,
    delivery: Delivery,
    revisions: Revisions,
    signed: Signed,
    /// The events that are read after each request, where no stream stays connected.
    events: Option<Arc<Stream>>,
    fetching: Option<Fetching>,
    /// Who waits for the end of the request that is under way.
    waiting: Vec<oneshot::Sender<()>>,
}

impl Remote {
    pub(crate) fn new(
        link: Arc<SourceLink>,
        source: Option<Arc<Source>>,
        cache: Option<SnapshotCache>,
        delivery: Delivery,
        signed: Signed,
        events: Option<Arc<Stream>>,
    ) -> Self {
        let (revisions, waiting) = (Revisions::default(), Vec::new());
        Self { link, source, cache, delivery, revisions, signed, events, fetching: None, waiting }
    }

    /// Puts in use what is at hand, then asks the source.
    pub(crate) fn open(&mut self, bootstrap: Option<Vec<u8>>) -> Result<(), Error> {
        let active = Arc::clone(&self.link.active);
        if let Some(bytes) = bootstrap {
            active.use_bytes(bytes)?;
        }
        let etag = self.use_cached();
        let digest = active.flags().map(|flags| flags.digest());
        self.delivery.open(digest.as_deref(), etag, active.clock.moment());
        self.act();
        if self.source.is_none() {
            self.report_sync(false);
        }
        Ok(())
    }

    /// Follows the source until everything is closed.
    pub(crate) async fn run(mut self, mut requests: mpsc::UnboundedReceiver<SyncRequest>) {
        let link = Arc::clone(&self.link);
        let clock = &link.active.clock;
        loop {
            tokio::select! {
                () = link.closing.cancelled() => break,
                result = under_way(&mut self.fetching) => self.fetched(result),
                Some(request) = requests.recv() => self.take(request),
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
        let now = self.link.active.clock.moment();
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
        self.link.status.set(self.delivery.state(), self.delivery.confirmed());
        while let Some(action) = self.delivery.take_action() {
            match action {
                DeliveryAction::Fetch { etag } => {
                    let source = self.source.clone().filter(|_| !self.link.closing.is_cancelled());
                    let (revision, statements) = (self.link.active.revision(), self.signed.statements.clone());
                    let events = self.events.clone();
                    self.fetching = source.map(|source| -> Fetching {
                        Box::pin(async move {
                            let mut result = source.get(etag, revision).await?;
                            if let Some(events) = events {
                                events.read_once().await;
                            }
                            if let (None, Some(beside)) = (&result.statements, statements) {
                                result.statements = Some(beside.statements().await?);
                            }
                            Ok(result)
                        })
                    });
                }
                DeliveryAction::Expired => self.expired(),
                DeliveryAction::State { from, to, age } => {
                    self.link.active.events.emit(&Event::State { from, to, age: age.map(Duration::from_millis) });
                }
            }
        }
    }

    fn fetched(&mut self, result: Result<FetchResult, Error>) {
        self.fetching = None;
        let link = Arc::clone(&self.link);
        match result.and_then(|result| self.apply(result)) {
            Ok(changed) => {
                link.answered.notify_waiters();
                self.act();
                self.report_sync(changed);
            }
            Err(error) => {
                let retry_after = millis(error.retry_after.unwrap_or_default());
                self.delivery.failed(error.code == Code::NotModified, retry_after, link.active.clock.moment());
                self.act();
                link.active.events.error(error);
            }
        }
    }

    /// Takes what the source gives; answers whether it is another snapshot.
    fn apply(&mut self, FetchResult { snapshot, etag, statements }: FetchResult) -> Result<bool, Error> {
        let active = Arc::clone(&self.link.active);
        let Some(bytes) = snapshot else {
            self.confirm(statements.as_deref(), etag.as_deref())?;
            // No `ETag` is sent after an older revision, so this ends no row of such answers.
            self.delivery.not_modified(active.clock.moment());
            return Ok(false);
        };
        let statement = self.check(&bytes, statements.as_deref())?;
        let snapshot = loaded(bytes)?;
        let had_older = self.revisions.older_since().is_some();
        let reset = match &statement {
            Some(_) => None,
            None => self.judge(&snapshot)?,
        };
        let changed = active.use_snapshot(snapshot);
        let is_signed_anew = self.accept(statement, statements.as_deref());
        if let Some(flags) = active.flags() {
            let is_new = self.delivery.applied(&flags.digest(), etag.clone(), active.clock.moment());
            if is_new || had_older || is_signed_anew {
                self.store(&flags, etag.as_deref(), None);
            }
        }
        if let Some(error) = reset {
            active.events.error(error);
        }
        Ok(changed)
    }

    /// Checks a snapshot where keys are pinned: who has signed it, and whether it may follow the one in use.
    fn check(&self, bytes: &[u8], statements: Option<&str>) -> Result<Option<Statement>, Error> {
        let Some(trust) = &self.signed.trust else { return Ok(None) };
        let active = &self.link.active;
        let statement = trust.check(bytes, statements, active.clock.now())?;
        trust.judge(&statement, active.revision())?;
        Ok(Some(statement))
    }

    /// What was checked is in use. Answers whether what was signed of it is new.
    fn accept(&mut self, statement: Option<Statement>, statements: Option<&str>) -> bool {
        let Some((trust, statement)) = self.signed.trust.as_mut().zip(statement) else { return false };
        let is_new = trust.in_use.accept(statement, statements);
        self.delivery.signed_until(trust.in_use.expires());
        self.link.active.suspend(false);
        is_new
    }

    /// The source has nothing else, but it may have signed the flags in use again.
    fn confirm(&mut self, statements: Option<&str>, etag: Option<&str>) -> Result<(), Error> {
        let Some(flags) = self.link.active.flags().filter(|_| statements.is_some()) else { return Ok(()) };
        let statement = self.check(flags.snapshot.as_bytes(), statements)?;
        if self.accept(statement, statements) {
            self.store(&flags, etag, None);
        }
        Ok(())
    }

    /// What was signed of the flags in use has expired.
    fn expired(&self) {
        let Some(trust) = &self.signed.trust else { return };
        if trust.is_strict {
            self.link.active.suspend(true);
        }
        if let Some(at) = trust.in_use.expires() {
            self.link.active.events.error(expired(at));
        }
    }

    fn store(&self, flags: &Flags, etag: Option<&str>, older_since: Option<Millis>) {
        let statements = self.signed.trust.as_ref().and_then(|trust| trust.in_use.text());
        if let Some(cache) = &self.cache {
            cache.set(flags.snapshot.as_bytes(), etag, older_since, statements);
        }
    }

    /// Whether a snapshot of the source may be used; with what is to be reported if it may though it is older.
    fn judge(&mut self, snapshot: &Snapshot<Vec<u8>>) -> Result<Option<Error>, Error> {
        let active = &self.link.active;
        let (next, in_use, since) = (snapshot.revision(), active.revision(), self.revisions.older_since());
        match self.revisions.answered(next, in_use, active.now()) {
            Ok(Follows::Newer) => Ok(None),
            Ok(Follows::Reset) => {
                let help = "the source has had nothing newer for 24 hours";
                let message = format!("revision {next} replaces {in_use} in use: {help}");
                Ok(Some(Error::new(Code::RevisionReset, message)))
            }
            Err(error) => {
                let older_since = self.revisions.older_since();
                // The 24 hours go on after a restart.
                if let Some(flags) = active.flags().filter(|_| older_since != since) {
                    self.store(&flags, None, older_since);
                }
                Err(error.into())
            }
        }
    }

    /// Uses the flags of the cache unless something newer is at hand; answers their `ETag`.
    fn use_cached(&mut self) -> Option<String> {
        let cached = self.cache.as_ref()?.get()?;
        self.revisions = Revisions::new(cached.older_since);
        let etag = cached.etag.clone();
        match self.apply_cached(cached) {
            Ok(()) => return etag,
            Err(error) if error.code == Code::OlderRevision => {}
            Err(error) => self.cache.as_ref()?.failed("the stored flags are not used", &error.message),
        }
        None
    }

    fn apply_cached(&mut self, CachedSnapshot { bytes, statements, .. }: CachedSnapshot) -> Result<(), Error> {
        let active = Arc::clone(&self.link.active);
        let Some(statement) = self.check(&bytes, statements.as_deref())? else {
            return active.use_bytes(bytes).map(drop);
        };
        active.use_snapshot(loaded(bytes)?);
        self.accept(Some(statement), statements.as_deref());
        Ok(())
    }

    fn report_sync(&self, changed: bool) {
        if let Some(flags) = self.link.active.flags() {
            self.link.active.events.emit(&Event::Sync { changed, revision: flags.snapshot.revision() });
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
