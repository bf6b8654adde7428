//! When flags are fetched, and how well those in use are known to be the source's.
//!
//! The `ETag` is cleared before each request, and saved again only after the new snapshot is in use. After any failure
//! the next request is therefore unconditional: no bad body is confirmed by `304 Not Modified`.

use alloc::borrow::ToOwned;
use alloc::collections::VecDeque;
use alloc::string::String;
use core::mem;

use flcm_flags::Millis;

use crate::schedule::{back_off, next_poll, part};
use crate::time::{Deadline, Now};

/// While no flags are in use a failed request is repeated this soon, in milliseconds.
const FIRST_WAIT: u64 = 1000;
const LONGEST_WAIT: u64 = 300_000;

/// A save of a file is several events: it is read so many milliseconds after the last of them.
const FILE_IS_QUIET: u64 = 50;

/// How a source is followed. Times are in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryOptions {
    /// Between two polls; 0 to poll only after a failure.
    pub poll_interval: u64,
    /// After so long without an answer of the source, flags are stale; `None` for never.
    pub stale_after: Option<u64>,
    /// Within so long of a stream's announcement a host fetches, each at a moment of its own.
    pub stream_spread: u64,
    /// This host's phase in the poll interval, from 0 to below 1: see [`phase_of`](crate::schedule::phase_of).
    pub phase: f64,
}

/// How well the flags in use are known to be the source's.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Freshness {
    /// The source has confirmed them, not long ago.
    Fresh,
    /// There are none yet, and nothing has failed.
    #[default]
    Initializing,
    /// There are none, and the source cannot be reached.
    Offline,
    /// The source has not confirmed them for long, or never.
    Stale,
}

impl Freshness {
    /// The keyword of events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Initializing => "initializing",
            Self::Offline => "offline",
            Self::Stale => "stale",
        }
    }
}

/// What the adapter is to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DeliveryAction {
    /// Ask the source, on the condition that it has something else than what the `ETag` names. Answer with
    /// [`applied`](Delivery::applied), [`not_modified`](Delivery::not_modified) or [`failed`](Delivery::failed).
    Fetch {
        /// Of the flags in use; `None` to ask for everything.
        etag: Option<String>,
    },
    /// The signature of the flags in use has expired. Reported once for each.
    Expired,
    /// Notify listeners that freshness has changed.
    State {
        /// What it was.
        from: Freshness,
        /// What it is.
        to: Freshness,
        /// Milliseconds since the source has confirmed the flags in use.
        age: Option<u64>,
    },
}

/// The request to the source. There is one at a time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Request {
    None,
    UnderWay,
    /// Somebody asked meanwhile, who may know of something that this request has missed: another one follows.
    UnderWayThenAgain,
}

/// A digest that a stream has announced while a request was under way.
#[derive(Debug)]
struct Announcement {
    digest: String,
    is_new: bool,
}

/// Follows a source: one request at a time, polls and announcements spread over hosts, back-off after failures.
#[derive(Debug)]
pub struct Delivery {
    options: DeliveryOptions,
    has_source: bool,
    poll: Deadline,
    announced: Deadline,
    /// Nothing that is announced is fetched before, by the time that elapses.
    not_before: u64,
    stale: Deadline,
    request: Request,
    /// The `ETag` that the request under way was sent with.
    requested: Option<String>,
    /// The `ETag` of the flags in use; `None` while the source is to give everything anew.
    etag: Option<String>,
    /// The digest of the flags in use.
    in_use: Option<String>,
    missed: Option<Announcement>,
    failures: u32,
    /// The source answered that nothing was modified though it was asked for everything, since its last good answer.
    was_confused: bool,
    confirmed: Option<u64>,
    /// When the signature of the flags in use expires, by the wall clock.
    expires: Option<Millis>,
    has_expired: bool,
    expiry: Deadline,
    state: Freshness,
    actions: VecDeque<DeliveryAction>,
}

impl Delivery {
    /// Nothing is in use, and nothing was asked for.
    #[must_use]
    pub fn new(options: DeliveryOptions, has_source: bool) -> Self {
        Self {
            options,
            has_source,
            poll: Deadline::default(),
            announced: Deadline::default(),
            not_before: 0,
            stale: Deadline::default(),
            request: Request::None,
            requested: None,
            etag: None,
            in_use: None,
            missed: None,
            failures: 0,
            was_confused: false,
            confirmed: None,
            expires: None,
            has_expired: false,
            expiry: Deadline::default(),
            state: Freshness::default(),
            actions: VecDeque::new(),
        }
    }

    /// Begins: some flags may be in use already, from the application (without `ETag`) or from a cache.
    pub fn open(&mut self, in_use: Option<&str>, etag: Option<String>, now: Now) {
        self.in_use = in_use.map(ToOwned::to_owned);
        self.etag = etag;
        if self.has_source {
            if self.in_use.is_some() {
                self.update_state(now);
            }
            self.fetch();
        } else {
            self.confirm(now);
        }
    }

    /// Asks the source now. Whoever asks while a request is under way gets one more behind it.
    pub fn sync(&mut self) {
        if self.is_fetching() {
            self.request = Request::UnderWayThenAgain;
        } else if self.has_source {
            self.fetch();
        }
    }

    /// The file that is the source may have changed.
    pub fn file_changed(&mut self, now: Now) {
        self.announced.set(now, FILE_IS_QUIET);
    }

    /// A stream has announced the digest of a snapshot. What is new is fetched within the spread; what was published
    /// while the stream was broken, as it may have been for every host, within the poll interval. However much is
    /// announced, it leads to one fetch per spread.
    pub fn announce(&mut self, digest: &str, is_new: bool, now: Now) {
        if self.in_use.as_deref() == Some(digest) {
            return;
        }
        if self.is_fetching() {
            // The request under way may bring it.
            self.missed = Some(Announcement { digest: digest.to_owned(), is_new });
            return;
        }
        let DeliveryOptions { stream_spread, poll_interval, .. } = self.options;
        let spread = if is_new { stream_spread } else { stream_spread.max(poll_interval) };
        // The moment is drawn once, because the earliest of many would be the same for all hosts.
        if self.announced.at().is_none_or(|at| at > now.elapsed.saturating_add(spread)) {
            let earliest = self.not_before.saturating_sub(now.elapsed);
            self.announced.set(now, part(spread, now.random).max(earliest));
        }
    }

    /// The source's snapshot is in use, under this digest. Answers whether it is to be stored for the next start: its
    /// digest or its `ETag` is another one than before.
    pub fn applied(&mut self, digest: &str, etag: Option<String>, now: Now) -> bool {
        let is_new = self.in_use.as_deref() != Some(digest) || self.requested != etag;
        self.in_use = Some(digest.to_owned());
        self.etag = etag;
        self.succeed(now);
        is_new
    }

    /// The flags in use, or those that are about to be, are signed until then, by the wall clock. They go on deciding
    /// afterwards, and are stale.
    pub fn signed_until(&mut self, expires: Option<Millis>) {
        self.expires = expires;
    }

    /// The source has nothing else than what is in use.
    pub fn not_modified(&mut self, now: Now) {
        self.etag = self.requested.take();
        self.succeed(now);
    }

    /// The request failed, or its answer could not be used. `is_confused` says that the source answered
    /// `304 Not Modified` to an unconditional request: then it is asked once more at once.
    pub fn failed(&mut self, is_confused: bool, retry_after: u64, now: Now) {
        self.failures += 1;
        let wait = self.wait(is_confused, now);
        self.schedule(retry_after.saturating_add(wait), now);
        self.update_state(now);
        self.end_request(now);
    }

    /// Lets time pass.
    pub fn poll(&mut self, now: Now) {
        let (is_stale, has_expired) = (self.stale.is_due(now), self.expiry.is_due(now));
        if is_stale || has_expired {
            self.update_state(now);
        }
        let (is_due, is_announced) = (self.poll.is_due(now), self.announced.is_due(now));
        if is_announced {
            self.not_before = now.elapsed.saturating_add(self.options.stream_spread);
        }
        if is_due || is_announced {
            self.sync();
        }
    }

    /// When to [`poll`](Self::poll) next, by the time that elapses. Earlier calls do no harm.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        [self.poll, self.announced, self.stale, self.expiry].into_iter().filter_map(Deadline::at).min()
    }

    /// What is to be done next; to be asked after each other call until there is nothing.
    pub fn take_action(&mut self) -> Option<DeliveryAction> {
        self.actions.pop_front()
    }

    /// Whether a request is under way.
    #[must_use]
    pub const fn is_fetching(&self) -> bool {
        !matches!(self.request, Request::None)
    }

    /// How well the flags in use are known to be the source's.
    #[must_use]
    pub const fn state(&self) -> Freshness {
        self.state
    }

    /// When the source has confirmed the flags in use, by the time that elapses.
    #[must_use]
    pub const fn confirmed(&self) -> Option<u64> {
        self.confirmed
    }

    fn fetch(&mut self) {
        self.poll.clear();
        self.announced.clear();
        self.request = Request::UnderWay;
        self.requested = self.etag.take();
        self.actions.push_back(DeliveryAction::Fetch { etag: self.requested.clone() });
    }

    fn succeed(&mut self, now: Now) {
        self.failures = 0;
        self.was_confused = false;
        let DeliveryOptions { poll_interval, phase, .. } = self.options;
        self.schedule(next_poll(poll_interval, phase, now), now);
        self.confirm(now);
        self.end_request(now);
    }

    fn confirm(&mut self, now: Now) {
        self.confirmed = Some(now.elapsed);
        if let Some(after) = self.options.stale_after {
            self.stale.set(now, after);
        }
        self.update_state(now);
    }

    fn end_request(&mut self, now: Now) {
        let again = mem::replace(&mut self.request, Request::None) == Request::UnderWayThenAgain;
        self.requested = None;
        if self.failures > 0 {
            self.missed = None;
        } else if again {
            self.fetch();
        } else if let Some(Announcement { digest, is_new }) = self.missed.take() {
            self.announce(&digest, is_new, now);
        }
    }

    fn wait(&mut self, is_confused: bool, now: Now) -> u64 {
        if is_confused && !self.was_confused {
            self.was_confused = true;
            return 0;
        }
        // Hosts that have flags can wait: otherwise they would triple the load of a server that has just come back.
        let has_flags = self.in_use.is_some();
        let first = if has_flags { FIRST_WAIT.max(self.options.poll_interval.saturating_mul(2)) } else { FIRST_WAIT };
        back_off(self.failures, first, LONGEST_WAIT, now.random)
    }

    fn schedule(&mut self, after: u64, now: Now) {
        if self.options.poll_interval > 0 || self.failures > 0 {
            self.poll.set(now, after);
        }
    }

    fn update_state(&mut self, now: Now) {
        let had_expired = self.has_expired;
        self.look_at_expiry(now);
        let age = self.confirmed.map(|at| now.elapsed.saturating_sub(at));
        let to = self.state_at(age);
        if to != self.state {
            self.actions.push_back(DeliveryAction::State { from: self.state, to, age });
            self.state = to;
        }
        if self.has_expired && !had_expired {
            self.actions.push_back(DeliveryAction::Expired);
        }
    }

    /// The wall clock may have been set meanwhile, so each look at it sets the deadline anew.
    fn look_at_expiry(&mut self, now: Now) {
        let left = self.expires.map(|expires| expires.0.saturating_sub(now.wall.0));
        self.has_expired = left == Some(0);
        match left {
            Some(left) if left > 0 => self.expiry.set(now, left),
            _ => self.expiry.clear(),
        }
    }

    fn state_at(&self, age: Option<u64>) -> Freshness {
        if self.in_use.is_none() {
            return if self.failures > 0 { Freshness::Offline } else { Freshness::Initializing };
        }
        let is_fresh = |age| self.options.stale_after.is_none_or(|after| age < after);
        if age.is_some_and(is_fresh) && !self.has_expired { Freshness::Fresh } else { Freshness::Stale }
    }
}
