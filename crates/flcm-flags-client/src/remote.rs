//! Follows a source: polls it, listens to its stream, and keeps the last good flags in use whatever it says.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::clock::{Alarm, back_off, first};
use crate::error::{Code, Error};
use crate::event::{Event, State};
use crate::watched::Watched;
use cache::{KeptSnapshot, SnapshotCache};
use source::{Given, Source};

pub(crate) mod cache;
pub(crate) mod events;
pub(crate) mod request;
pub(crate) mod source;
pub(crate) mod stream;

/// While there is nothing in use it is tried again this soon.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(5);

/// How far a poll may be from its time, of the interval.
const JITTER: f64 = 0.1;

/// A save of a file is several events.
const SETTLED: Duration = Duration::from_millis(50);

/// What is asked of it.
#[derive(Debug)]
pub(crate) enum Ask {
    /// There is a snapshot of this digest; whether it has come while this host listened.
    Announced { digest: String, is_new: bool },
    /// The file may have changed.
    Changed,
    /// Until the request that is under way has ended.
    Settled(oneshot::Sender<()>),
    /// To ask the source now.
    Sync(oneshot::Sender<()>),
}

/// How well what is in use is known to be the source's.
#[derive(Debug, Default)]
pub(crate) struct Status(Mutex<(State, Option<Duration>)>);

impl Status {
    fn locked(&self) -> MutexGuard<'_, (State, Option<Duration>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn state(&self) -> State {
        self.locked().0
    }

    /// When the source has confirmed what is in use, by the time that elapses.
    pub(crate) fn confirmed(&self) -> Option<Duration> {
        self.locked().1
    }
}

/// How a source is followed.
#[derive(Debug)]
pub(crate) struct RemoteOptions {
    pub(crate) poll_interval: Duration,
    pub(crate) stale_after: Option<Duration>,
    pub(crate) stream_spread: Duration,
    /// From 0 to below 1: when within the interval this host polls.
    pub(crate) phase: f64,
}

type Fetching = Pin<Box<dyn Future<Output = Result<Given, Error>> + Send>>;

pub(crate) struct Remote {
    watched: Arc<Watched>,
    source: Option<Arc<Source>>,
    cache: Option<SnapshotCache>,
    options: RemoteOptions,
    status: Arc<Status>,
    asks: mpsc::UnboundedReceiver<Ask>,
    /// Rung whenever the server has answered: a stream that waits need not wait for long.
    answered: Arc<Notify>,
    closing: CancellationToken,
    poll: Alarm,
    announced: Alarm,
    stale: Alarm,
    fetching: Option<Fetching>,
    /// The mark that the request under way was sent with.
    asked: Option<String>,
    /// The mark of what is in use; none while the source is to give everything anew.
    etag: Option<String>,
    /// Somebody asked while a request was under way, which may have missed what he knows of.
    again: bool,
    /// What was announced meanwhile.
    missed: Option<(String, bool)>,
    waiting: Vec<oneshot::Sender<()>>,
    failures: u32,
    /// An answer was misunderstood since the last one that was not.
    hurried: bool,
}

/// What a remote is made with.
pub(crate) struct Parts {
    pub(crate) watched: Arc<Watched>,
    pub(crate) source: Option<Source>,
    pub(crate) cache: Option<SnapshotCache>,
    pub(crate) status: Arc<Status>,
    pub(crate) asks: mpsc::UnboundedReceiver<Ask>,
    pub(crate) answered: Arc<Notify>,
    pub(crate) closing: CancellationToken,
}

impl Remote {
    pub(crate) fn new(parts: Parts, options: RemoteOptions) -> Self {
        Self {
            watched: parts.watched,
            source: parts.source.map(Arc::new),
            cache: parts.cache,
            options,
            status: parts.status,
            asks: parts.asks,
            answered: parts.answered,
            closing: parts.closing,
            poll: Alarm::default(),
            announced: Alarm::default(),
            stale: Alarm::default(),
            fetching: None,
            asked: None,
            etag: None,
            again: false,
            missed: None,
            waiting: Vec::new(),
            failures: 0,
            hurried: false,
        }
    }

    /// Puts in use what is at hand, then asks the source.
    pub(crate) fn open(&mut self, bootstrap: Option<Vec<u8>>) -> Result<(), Error> {
        if let Some(bytes) = bootstrap {
            self.watched.use_bytes(bytes)?;
        }
        self.use_kept();
        if self.source.is_none() {
            self.confirm(false);
            return Ok(());
        }
        if self.watched.in_use().is_some() {
            self.update_state();
        }
        self.fetch();
        Ok(())
    }

    /// Follows the source until everything is closed.
    pub(crate) async fn run(mut self, asks: mpsc::WeakUnboundedSender<Ask>) {
        let _watcher = self.watch_file(asks);
        let closing = self.closing.clone();
        loop {
            let clock = Arc::clone(&self.watched.clock);
            let alarms = [self.poll, self.announced, self.stale];
            tokio::select! {
                () = closing.cancelled() => break,
                given = under_way(&mut self.fetching) => self.fetched(given),
                ask = self.asks.recv() => match ask {
                    Some(ask) => self.answer(ask),
                    None => break,
                },
                () = first(&*clock, alarms) => self.ring(),
            }
        }
    }

    fn ring(&mut self) {
        let clock = Arc::clone(&self.watched.clock);
        if self.stale.rings(&*clock) {
            self.age();
        }
        let (polls, is_announced) = (self.poll.rings(&*clock), self.announced.rings(&*clock));
        if polls || is_announced {
            self.sync();
        }
    }

    fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Announced { digest, is_new } => self.announce(digest, is_new),
            Ask::Changed => self.announced.set(&*self.watched.clock, SETTLED),
            Ask::Settled(reply) => {
                self.waiting.push(reply);
                self.settle();
            }
            Ask::Sync(reply) => {
                self.waiting.push(reply);
                self.sync();
                self.settle();
            }
        }
    }

    /// Asks the source. One request is under way at a time; whoever asks meanwhile waits for one more.
    fn sync(&mut self) {
        if self.fetching.is_some() {
            self.again = true;
        } else {
            self.fetch();
        }
    }

    fn fetch(&mut self) {
        let Some(source) = self.source.clone() else { return };
        self.poll.clear();
        self.announced.clear();
        self.again = false;
        // Should anything fail, the next request asks for everything.
        self.asked = self.etag.take();
        let asked = self.asked.clone();
        self.fetching = Some(Box::pin(async move { source.get(asked).await }));
    }

    /// Bytes, mark and revision are one value: the mark is taken once the bytes are in use, and given up when any are not.
    fn fetched(&mut self, given: Result<Given, Error>) {
        self.fetching = None;
        match given.and_then(|given| self.take(given)) {
            Ok(changed) => {
                self.confirm(changed);
                self.failures = 0;
                self.hurried = false;
                self.schedule(self.next_poll());
            }
            Err(error) => self.fail(error),
        }
        if self.again && self.failures == 0 && !self.closing.is_cancelled() {
            self.fetch();
        }
        self.settle();
    }

    /// Tells whoever waits for the end of a request.
    fn settle(&mut self) {
        if self.fetching.is_some() {
            return;
        }
        for waiting in self.waiting.drain(..) {
            let _ = waiting.send(());
        }
        let missed = self.missed.take();
        if let Some((digest, is_new)) = missed.filter(|_| self.failures == 0) {
            self.announce(digest, is_new);
        }
    }

    /// Takes what the source gives; answers whether it is something else.
    fn take(&mut self, given: Given) -> Result<bool, Error> {
        match given {
            Given::Unchanged => {
                self.etag = self.asked.take();
                Ok(false)
            }
            Given::Snapshot { bytes, etag } => {
                let changed = self.watched.use_bytes(bytes)?;
                let flags = self.watched.flags().filter(|_| changed || etag != self.asked);
                if let (Some(cache), Some(flags)) = (&self.cache, flags) {
                    cache.set(flags.snapshot.as_bytes(), etag.as_deref());
                }
                self.etag = etag;
                Ok(changed)
            }
        }
    }

    fn confirm(&mut self, changed: bool) {
        let clock = &*self.watched.clock;
        self.status.locked().1 = Some(clock.elapsed());
        if let Some(after) = self.options.stale_after {
            self.stale.set(clock, after);
        }
        self.answered.notify_waiters();
        self.update_state();
        if let Some(flags) = self.watched.flags() {
            self.watched.events.emit(&Event::Sync { changed, revision: flags.snapshot.revision() });
        }
    }

    fn fail(&mut self, error: Error) {
        self.failures += 1;
        self.update_state();
        let wait = error.retry_after.unwrap_or_default() + self.wait(error.code);
        self.watched.events.error(error);
        self.schedule(wait);
    }

    fn wait(&mut self, code: Code) -> Duration {
        // An answer of this kind is a misunderstanding: what follows asks for everything, and need not wait.
        if code == Code::NotModified && !self.hurried {
            self.hurried = true;
            return Duration::ZERO;
        }
        // Hosts that have flags do not hurry: they would triple what a server must bear that has just come back.
        let has_flags = self.watched.in_use().is_some();
        let wait = if has_flags { FIRST_WAIT.max(self.options.poll_interval.saturating_mul(2)) } else { FIRST_WAIT };
        back_off(&*self.watched.clock, self.failures, wait, LONGEST_WAIT)
    }

    fn schedule(&mut self, after: Duration) {
        if !self.options.poll_interval.is_zero() || self.failures > 0 {
            self.poll.set(&*self.watched.clock, after);
        }
    }

    /// This host's place in the interval, so that all hosts together ask evenly, whenever they began.
    fn next_poll(&self) -> Duration {
        let interval = self.options.poll_interval;
        if interval.is_zero() {
            return interval;
        }
        let clock = &self.watched.clock;
        #[expect(clippy::cast_precision_loss, reason = "a place in an interval")]
        let intervals = clock.now().0 as f64 / (interval.as_secs_f64() * 1000.0);
        let since = (intervals - self.options.phase).rem_euclid(1.0);
        let wait = (1.0 - since) % 1.0;
        let jitter = JITTER * (2.0 * clock.random() - 1.0);
        // Not twice in half an interval.
        let whole = if wait < 0.5 { 1.0 } else { 0.0 };
        interval.mul_f64((whole + wait + jitter).max(0.0))
    }

    /// What was kept is used unless something newer is at hand.
    fn use_kept(&mut self) {
        let Some(cache) = &self.cache else { return };
        let Some(KeptSnapshot { bytes, etag }) = cache.get() else { return };
        match self.watched.use_bytes(bytes) {
            Ok(_) => self.etag = etag,
            Err(error) if error.code == Code::OlderRevision => {}
            Err(error) => cache.failed("the flags that were kept are not used", &error.message),
        }
    }

    /// Timers may ring early.
    fn age(&mut self) {
        self.update_state();
        let (Some(after), Some(age)) = (self.options.stale_after, self.age_of()) else { return };
        if self.status.state() == State::Fresh {
            self.stale.set(&*self.watched.clock, after.saturating_sub(age).max(Duration::from_millis(1)));
        }
    }

    fn update_state(&mut self) {
        let age = self.age_of();
        let to = self.state_at(age);
        let from = std::mem::replace(&mut self.status.locked().0, to);
        if to != from {
            self.watched.events.emit(&Event::State { from, to, age });
        }
    }

    fn age_of(&self) -> Option<Duration> {
        self.status.confirmed().map(|at| self.watched.clock.elapsed().saturating_sub(at))
    }

    fn state_at(&self, age: Option<Duration>) -> State {
        if self.watched.in_use().is_none() {
            return if self.failures > 0 { State::Offline } else { State::Initializing };
        }
        let is_fresh = |age| self.options.stale_after.is_none_or(|after| age < after);
        if age.is_some_and(is_fresh) { State::Fresh } else { State::Stale }
    }

    /// What a stream announces is fetched at a moment that chance gives, so that not all hosts come at once: soon when it is new; as
    /// soon as by polling when it has come while the stream was broken, as it may have been for every host.
    fn announce(&mut self, digest: String, is_new: bool) {
        let in_use = self.watched.flags().map(|flags| flags.digest());
        if in_use.as_ref() == Some(&digest) {
            return;
        }
        if self.fetching.is_some() {
            // What is under way may bring it.
            self.missed = Some((digest, is_new));
            return;
        }
        let RemoteOptions { stream_spread, poll_interval, .. } = self.options;
        let spread = if is_new { stream_spread } else { stream_spread.max(poll_interval) };
        let clock = &*self.watched.clock;
        self.announced.hasten(clock, spread.mul_f64(clock.random()));
    }

    /// Its folder is watched, because editors put a new file in the place of the old one.
    fn watch_file(&self, asks: mpsc::WeakUnboundedSender<Ask>) -> Option<notify::RecommendedWatcher> {
        let Some(Source::File(file)) = self.source.as_deref() else { return None };
        let name = file.path.file_name().map(ToOwned::to_owned);
        let (events, said) = (self.watched.events.clone(), file.path.display().to_string());
        let heard = move |event: notify::Result<notify::Event>| match event {
            // The system also tells of each reading of it, which would never end.
            Ok(event) if event.kind.is_access() => {}
            Ok(event) if event.paths.iter().any(|path| path.file_name() == name.as_deref()) => {
                if let Some(asks) = asks.upgrade() {
                    let _ = asks.send(Ask::Changed);
                }
            }
            Ok(_) => {}
            Err(error) => events.error(Error::new(Code::FileFailed, format!("{said}: {error}"))),
        };
        let folder = file.path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let watcher = notify::recommended_watcher(heard).and_then(|mut watcher| {
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        watcher.map_err(|error| self.watched.events.error(Error::new(Code::FileFailed, error.to_string()))).ok()
    }
}

/// The end of a request that is under way; none ever, when none is.
async fn under_way(fetching: &mut Option<Fetching>) -> Result<Given, Error> {
    match fetching {
        Some(fetching) => fetching.await,
        None => std::future::pending().await,
    }
}
