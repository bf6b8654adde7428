//! The flags of a service: started once, asked from any thread.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use flcm_flags::Context;
use flcm_flags::breaker::Mode;
use flcm_flags::metrics::Summary;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::active_flags::ActiveFlags;
use crate::clock::Clock;
use crate::collector::FlushRequest;
use crate::error::Error;
use crate::event::{Event, Events, State, Subscription};
use crate::options::Options;
use crate::remote::source_link::{SourceLink, SyncRequest};
use crate::start::{Started, start};
use crate::user::{Call, CallOutcome, Decided, User};

/// Feature flags that follow their source. Cloning gives another handle of the same.
///
/// Decisions take no lock and never wait, whatever is updated meanwhile. Before the first answer of the source every
/// feature is off.
///
/// ```
/// use flcm_flags_client::{Context, Features, Options};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), flcm_flags_client::Error> {
/// let features = Features::start(Options::document("flags: { beta: { rollout: { percentage: 100 } } }")).await?;
/// assert!(features.is_enabled("beta", &Context::new(Some("alice"), &[("country", "DE".into())])));
/// features.close().await;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Features(Arc<Parts>);

struct Parts {
    link: Arc<SourceLink>,
    flushes: Option<mpsc::UnboundedSender<FlushRequest>>,
    /// In this order they end: what follows the source, and then what counts.
    closing: [CancellationToken; 2],
    tasks: Mutex<[JoinSet<()>; 2]>,
    _listening: Option<Subscription>,
}

impl fmt::Debug for Features {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Features").field("state", &self.state()).finish_non_exhaustive()
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        // Whoever forgets to close loses the last counts, and leaves nothing running.
        for closing in &self.closing {
            closing.cancel();
        }
    }
}

impl Features {
    /// Loads flags and keeps them current, on the tokio runtime that this is called on. Returns as soon as flags are in
    /// use: at once when there are some at hand, else when the source has answered, but after `init_timeout` at the
    /// latest.
    ///
    /// # Errors
    /// `INVALID_OPTIONS`, and what is wrong with a `document` or `snapshot` that was given; never for the source.
    pub async fn start(options: Options) -> Result<Self, Error> {
        Self::create(&options, &Events::default(), None).await
    }

    /// Like [`start`](Self::start), with a listener that is there from the start, so that it misses no event.
    ///
    /// # Errors
    /// The same.
    pub async fn start_with(
        options: Options,
        listener: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let events = Events::default();
        let listening = events.subscribe(listener);
        Self::create(&options, &events, Some(listening)).await
    }

    async fn create(options: &Options, events: &Events, listening: Option<Subscription>) -> Result<Self, Error> {
        let Started { link, flushes, closing, tasks } = start(options, events)?;
        let tasks = Mutex::new(tasks);
        let parts = Parts { link, flushes, closing, tasks, _listening: listening };
        let features = Self(Arc::new(parts));
        features.wait(&*options.clock, options.init_timeout).await;
        Ok(features)
    }

    fn active(&self) -> &Arc<ActiveFlags> {
        &self.0.link.active
    }

    async fn wait(&self, clock: &dyn Clock, init_timeout: Duration) {
        if !self.is_ready() {
            tokio::select! {
                () = self.settled() => {}
                () = clock.sleep(init_timeout) => {}
            }
        }
    }

    /// Whether a feature is on for a user; false for a flag that is not there.
    #[must_use]
    pub fn is_enabled(&self, flag: &str, context: &Context<'_>) -> bool {
        self.user(context).is_enabled(flag)
    }

    /// A user who is decided for more than once, by the flags in use now: for one request, say.
    #[must_use]
    pub fn user<'c>(&self, context: &Context<'c>) -> User<'_, 'c> {
        User::new(self.active(), context)
    }

    /// Decides a flag whose outcome will be recorded.
    pub fn decide(&self, flag: &str, context: &Context<'_>) -> Decided {
        self.user(context).decide(flag)
    }

    /// Calls `enabled` where a flag is on for a user, else `fallback`, and reports to the breaker how it went. An error
    /// of `enabled` counts as a failure, and `fallback` is called in its place.
    ///
    /// # Errors
    /// What `fallback` fails with.
    pub fn run<T, E>(
        &self,
        flag: &str,
        context: &Context<'_>,
        enabled: impl FnOnce() -> Result<T, E>,
        fallback: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let call = Call::new(self.decide(flag, context));
        if !call.decided.is_enabled() {
            return call.report(fallback());
        }
        call.report(enabled()).or_else(|_| fallback())
    }

    /// Like [`run`](Self::run), for asynchronous calls. One that is dropped before its end, or panics, is a missing
    /// outcome, which counts as a failure.
    ///
    /// # Errors
    /// What `fallback` fails with.
    pub async fn run_async<T, E, N, O>(
        &self,
        flag: &str,
        context: &Context<'_>,
        enabled: impl FnOnce() -> N,
        fallback: impl FnOnce() -> O,
    ) -> Result<T, E>
    where
        N: Future<Output = Result<T, E>>,
        O: Future<Output = Result<T, E>>,
    {
        let call = Call::new(self.decide(flag, context));
        if !call.decided.is_enabled() {
            return call.report(fallback().await);
        }
        match call.report(enabled().await) {
            Err(_) => fallback().await,
            answer => answer,
        }
    }

    /// Records how a call went that a flag had decided for a user.
    pub fn record(&self, flag: &str, context: &Context<'_>, outcome: CallOutcome) {
        self.user(context).record(flag, outcome);
    }

    /// Calls back when something happens, from whatever thread it happens in, until the subscription is dropped.
    pub fn on(&self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Subscription {
        self.active().events.subscribe(listener)
    }

    /// Whether any flags are in use.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.active().in_use().is_some()
    }

    /// How well what is in use is known to be the source's.
    #[must_use]
    pub fn state(&self) -> State {
        self.0.link.status.state()
    }

    /// Since the source has confirmed what is in use; `None` if it never did.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        let confirmed = self.0.link.status.confirmed()?;
        Some(self.active().clock.elapsed().saturating_sub(confirmed))
    }

    /// The digest of the snapshot in use, 16 hexadecimal digits: the same everywhere for the same document.
    #[must_use]
    pub fn digest(&self) -> Option<String> {
        self.active().flags().map(|flags| flags.digest())
    }

    /// The revision of the document in use; 0 when it has none.
    #[must_use]
    pub fn revision(&self) -> Option<u64> {
        self.active().flags().map(|flags| flags.snapshot.revision())
    }

    /// The keys of all flags in use.
    #[must_use]
    pub fn flags(&self) -> Vec<String> {
        let flags = self.active().flags();
        flags.map_or_else(Vec::new, |flags| flags.snapshot.flags().map(|flag| flags.key(flag)).collect())
    }

    /// Asks the source now, and waits for its answer.
    pub async fn sync(&self) {
        self.request(SyncRequest::Sync).await;
    }

    /// Waits for the end of the request that is under way, if any is.
    pub async fn settled(&self) {
        self.request(SyncRequest::Settled).await;
    }

    async fn request(&self, request: impl FnOnce(oneshot::Sender<()>) -> SyncRequest) {
        let (reply, answered) = oneshot::channel();
        if self.0.link.requests.send(request(reply)).is_ok() {
            let _ = answered.await;
        }
    }

    /// Sends what was counted, now. Never fails: what does not arrive is sent again.
    pub async fn flush(&self) {
        let Some(flushes) = &self.0.flushes else { return };
        let (reply, answered) = oneshot::channel();
        if flushes.send(reply).is_ok() {
            let _ = answered.await;
        }
    }

    /// What was counted of a flag since the program began; `None` for a flag of which nothing was.
    #[must_use]
    pub fn summary(&self, flag: &str) -> Option<Summary> {
        Some(self.active().counted(flag)?.summary())
    }

    /// Adds to a counter of the application's; false, and counted as dropped, for one name too many.
    #[expect(clippy::must_use_candidate, reason = "most callers need not know")]
    pub fn add(&self, name: &str, amount: u64) -> bool {
        self.active().custom(|metrics| metrics.add(name, amount)).unwrap_or(false)
    }

    /// Adds a value from 0 on to a histogram of the application's.
    #[expect(clippy::must_use_candidate, reason = "most callers need not know")]
    pub fn observe(&self, name: &str, value: f64) -> bool {
        self.active().custom(|metrics| metrics.observe(name, value)).unwrap_or(false)
    }

    /// Turns a flag off on this host until it is released, whatever it has for a breaker.
    ///
    /// # Errors
    /// There is no such flag.
    pub fn hold(&self, flag: &str) -> Result<(), Error> {
        self.set_mode(flag, Mode::Held)
    }

    /// Ends a hold, and any other mode: the breaker decides again.
    ///
    /// # Errors
    /// There is no such flag.
    pub fn release(&self, flag: &str) -> Result<(), Error> {
        self.set_mode(flag, Mode::Auto)
    }

    /// Sets how far a breaker may go. A flag without one can only be held.
    ///
    /// # Errors
    /// There is no such flag.
    pub fn set_mode(&self, flag: &str, mode: Mode) -> Result<(), Error> {
        self.active().set_mode(flag, mode)
    }

    /// Lets a flag go on that was rolled back, and waits for a person. Nothing happens if it does not wait any more.
    ///
    /// # Errors
    /// There is no such flag.
    pub fn acknowledge(&self, flag: &str) -> Result<(), Error> {
        self.active().acknowledge(flag)
    }

    /// Where the breaker of a flag stands; `None` for a flag without one.
    #[must_use]
    pub fn breaker(&self, flag: &str) -> Option<flcm_flags::breaker::State> {
        self.active().breaker(flag)
    }

    /// What holds a flag back, or does not, such as `clear` or `off`.
    #[must_use]
    pub fn trip(&self, flag: &str) -> Option<String> {
        let in_use = self.active().in_use();
        let in_use = in_use.as_ref()?;
        Some(in_use.trip(in_use.flags.snapshot.flag(flag)?).to_string())
    }

    /// Sends what was counted, stores what is to survive a restart, and stops: no task, timer or connection is left.
    /// The flags in use go on deciding.
    pub async fn close(&self) {
        // Whoever closes as well waits here; and goes on, should this one be given up.
        let mut tasks = self.0.tasks.lock().await;
        for (closing, tasks) in self.0.closing.iter().zip(tasks.iter_mut()) {
            closing.cancel();
            // One that has panicked keeps no other from its end.
            while tasks.join_next().await.is_some() {}
        }
        self.active().written().await;
        self.active().events.close();
    }
}
