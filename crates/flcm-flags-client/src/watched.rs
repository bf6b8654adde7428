//! The flags in use, and who changes them: snapshots, outcomes, the fleet, people, and time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use flcm_flags::breaker::{Mode, Scope};
use flcm_flags::metrics::batch::Header;
use flcm_flags::{FlagId, Millis, Snapshot, TripState};
use flcm_flags_host::{FlagTransition, HostState, Measures, Outcome, changed};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::error::{Code, Error};
use crate::event::{Event, Events};
use crate::in_use::{Flags, InUse};
use crate::kept::Kept;

/// What the fleet's server says of a flag.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct FleetFlag {
    pub(crate) trip: TripState,
    /// Under which it takes counts as evidence.
    pub(crate) generation: Option<u32>,
}

/// Everything by flag key.
pub(crate) type Fleet = BTreeMap<String, FleetFlag>;

/// The flags in use. Readers take what is there, and wait for nobody; whoever changes something does so one after the other.
#[derive(Debug)]
pub(crate) struct Watched {
    in_use: ArcSwapOption<InUse>,
    inner: Mutex<Inner>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Events,
    kept: Kept,
    /// Milliseconds since 1970 when the clock had elapsed nothing: the time of breakers never jumps.
    start: u64,
    /// Rung when breakers are to be looked at within a second.
    pub(crate) stir: Notify,
    /// Rung when the fleet is to hear of something soon.
    pub(crate) hurry: Hurry,
}

/// How soon the fleet hears of what happened to a breaker here, and of a failure, which may be one of many that only the fleet sees
/// together.
const HEAR_OF_ROLLBACK: Duration = Duration::from_millis(100);
const HEAR_OF_FAILURE: Duration = Duration::from_secs(5);

/// Asks for a flush within some time.
#[derive(Debug, Default)]
pub(crate) struct Hurry {
    within: Mutex<Option<Duration>>,
    bell: Notify,
}

impl Hurry {
    fn ask(&self, within: Duration) {
        let mut asked = self.within.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.is_none_or(|asked| within < asked) {
            *asked = Some(within);
            self.bell.notify_one();
        }
    }

    /// Waits until somebody asks; answers within what time.
    pub(crate) async fn asked(&self) -> Duration {
        loop {
            if let Some(within) = self.within.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return within;
            }
            self.bell.notified().await;
        }
    }
}

#[derive(Debug)]
struct Inner {
    flags: Option<Arc<Flags>>,
    watch: HostState,
    /// What was drained, of the snapshot in use: what is on its way is still part of a summary.
    drained: Option<Measures>,
    /// Snapshots of before that somebody still decides by: what they count is taken until they let go.
    retired: Vec<Arc<Flags>>,
    fleet: Fleet,
    /// Breakers that were kept, until their flags come.
    waiting: BTreeMap<String, Vec<u8>>,
    held: BTreeSet<String>,
}

impl Watched {
    pub(crate) fn new(clock: Arc<dyn Clock>, events: Events, kept: Kept) -> Self {
        let start = clock.now().0.saturating_sub(millis(clock.elapsed()));
        let written = kept.read();
        let fleet = written.fleet.iter().filter_map(|(key, trip)| {
            Some((key.clone(), FleetFlag { trip: TripState::from_word(trip)?, generation: None }))
        });
        let inner = Inner {
            flags: None,
            watch: HostState::none(0),
            drained: None,
            retired: Vec::new(),
            fleet: fleet.collect(),
            waiting: written.breakers,
            held: written.held,
        };
        Self {
            in_use: ArcSwapOption::empty(),
            inner: Mutex::new(inner),
            clock,
            events,
            kept,
            start,
            stir: Notify::new(),
            hurry: Hurry::default(),
        }
    }

    /// What is in use now. Waits for nobody.
    pub(crate) fn in_use(&self) -> arc_swap::Guard<Option<Arc<InUse>>> {
        self.in_use.load()
    }

    pub(crate) fn flags(&self) -> Option<Arc<Flags>> {
        self.in_use.load().as_ref().map(|in_use| Arc::clone(&in_use.flags))
    }

    /// The time of breakers.
    fn now(&self) -> Millis {
        Millis(self.start.saturating_add(millis(self.clock.elapsed())))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a snapshot in use; whether it is another one. What was in use stays when it cannot be.
    pub(crate) fn use_bytes(&self, bytes: Vec<u8>) -> Result<bool, Error> {
        let snapshot =
            Snapshot::from_bytes(bytes).map_err(|error| Error::new(Code::InvalidSnapshot, error.to_string()))?;
        let before = self.flags();
        if let Some(before) = &before {
            if before.snapshot.digest() == snapshot.digest() {
                return Ok(false);
            }
            refuse_older(snapshot.revision(), before.snapshot.revision())?;
        }
        let next = Arc::new(Flags::new(snapshot));
        let now = self.now();
        let (unread, news) = {
            let mut inner = self.inner();
            let unread = inner.follow(&next, now);
            self.publish(&inner);
            (unread, self.kept_news(&mut inner))
        };
        for error in unread {
            self.events.error(error);
        }
        self.tell_of(&next, news);
        self.stir.notify_one();
        self.tell_change(&next, before.as_deref());
        Ok(true)
    }

    fn tell_change(&self, next: &Flags, before: Option<&Flags>) {
        if !self.events.has_listeners() {
            return;
        }
        let ids = || next.snapshot.flags();
        let flags = match before {
            Some(before) => {
                let changed = changed(&next.snapshot, &before.snapshot, ids());
                ids().zip(changed).filter(|(_, changed)| *changed).map(|(flag, _)| next.key(flag)).collect()
            }
            None => ids().map(|flag| next.key(flag)).collect(),
        };
        let removed = before.map_or_else(Vec::new, |before| {
            let keys = before.snapshot.flags().map(|flag| before.key(flag));
            keys.filter(|key| next.snapshot.flag(key).is_none()).collect()
        });
        let (from, to) = (before.map(Flags::digest), next.digest());
        self.events.emit(&Event::Change { flags, removed, from, to, revision: next.snapshot.revision() });
    }

    /// Takes the outcome of a decision that was made by some flags.
    pub(crate) fn tell(&self, by: &Flags, flag: FlagId, told: &Outcome) {
        let now = self.now();
        let (flags, news) = {
            let mut inner = self.inner();
            let Some(flags) = inner.flags.clone() else { return };
            // A decision by the snapshot before is told under the number that the flag has now.
            let same = flags.snapshot.digest() == by.snapshot.digest();
            let flag = if same { Some(flag) } else { flags.snapshot.flag(&by.key(flag)) };
            let Some(flag) = flag else { return };
            inner.watch.outcome(&flags.snapshot, flag, told, now);
            (flags, self.published(&mut inner))
        };
        self.stir.notify_one();
        if told.failed {
            self.hurry.ask(HEAR_OF_FAILURE);
        }
        self.tell_of(&flags, news);
    }

    /// Lets time pass for the breakers; answers after how long to do so again.
    pub(crate) fn poll(&self) -> Option<Duration> {
        let now = self.now();
        let (flags, news, deadline) = {
            let mut inner = self.inner();
            let flags = inner.flags.clone()?;
            let HostState { guards, transitions: news, .. } = &mut inner.watch;
            guards.poll(&flags.snapshot, now, news);
            let deadline = guards.next_deadline();
            (flags, self.published(&mut inner), deadline)
        };
        self.tell_of(&flags, news);
        deadline.map(|at| Duration::from_millis(at.0.saturating_sub(self.now().0)))
    }

    /// Takes what the fleet says, whole: a flag that is not named is clear.
    pub(crate) fn obey(&self, fleet: Fleet) {
        let held_back: BTreeMap<String, String> = fleet
            .iter()
            .filter(|(_, said)| said.trip != TripState::Clear)
            .map(|(key, said)| (key.clone(), said.trip.to_string()))
            .collect();
        {
            let mut inner = self.inner();
            let before = std::mem::replace(&mut inner.fleet, fleet);
            let named: BTreeSet<String> = before.into_keys().chain(inner.fleet.keys().cloned()).collect();
            for key in named {
                inner.say(&key);
            }
            self.publish(&inner);
        }
        self.kept.keep_fleet(held_back.clone());
        self.events.emit(&Event::Fleet(held_back));
    }

    /// Sets how far a breaker may go. A flag without one can only be held.
    pub(crate) fn set_mode(&self, key: &str, mode: Mode) -> Result<(), Error> {
        let now = self.now();
        let (flags, news) = {
            let mut inner = self.inner();
            let (flags, flag) = inner.flag(key)?;
            // Besides its breaker: an update may take that away, or bring one.
            let held = mode == Mode::Held;
            let changed = if held { inner.held.insert(key.to_owned()) } else { inner.held.remove(key) };
            if changed {
                self.kept.keep_held(key, held);
            }
            inner.say(key);
            let HostState { guards, transitions: news, .. } = &mut inner.watch;
            guards.set_mode(&flags.snapshot, flag, mode, now, news);
            self.publish(&inner);
            (flags, self.kept_news(&mut inner))
        };
        self.tell_of(&flags, news);
        Ok(())
    }

    /// Lets a flag go on that was rolled back, and waits for a person.
    pub(crate) fn acknowledge(&self, key: &str) -> Result<(), Error> {
        let now = self.now();
        let (flags, news) = {
            let mut inner = self.inner();
            let (flags, flag) = inner.flag(key)?;
            let HostState { guards, transitions: news, .. } = &mut inner.watch;
            let generation = guards.breaker(flag).map_or(0, |(breaker, _)| breaker.generation());
            guards.acknowledge(&flags.snapshot, flag, generation, now, news);
            (flags, self.published(&mut inner))
        };
        self.tell_of(&flags, news);
        Ok(())
    }

    /// Asks about the breaker of a flag.
    pub(crate) fn with_breaker<T>(
        &self,
        key: &str,
        ask: impl FnOnce(&flcm_flags::breaker::Breaker, &flcm_flags::breaker::Plan) -> T,
    ) -> Option<T> {
        let inner = self.inner();
        let flag = inner.flags.as_ref()?.snapshot.flag(key)?;
        inner.watch.guards.breaker(flag).map(|(breaker, plan)| ask(breaker, plan))
    }

    /// Counts under a name of the application's own.
    pub(crate) fn custom<T>(&self, act: impl FnOnce(&mut Measures) -> T) -> Option<T> {
        self.inner().watch.measures.as_mut().map(act)
    }

    /// What was counted since the program began, by a function of it.
    pub(crate) fn counted<T>(
        &self,
        ask: impl FnOnce(&Snapshot<Vec<u8>>, &Measures, Option<&Measures>) -> T,
    ) -> Option<T> {
        let mut inner = self.inner();
        inner.gather();
        let Inner { flags, watch, drained, .. } = &*inner;
        Some(ask(&flags.as_ref()?.snapshot, watch.measures.as_ref()?, drained.as_ref()))
    }

    /// Takes what was counted as a batch; `None` when nothing was.
    pub(crate) fn drain(&self, header: Header) -> Option<Vec<u8>> {
        let mut inner = self.inner();
        inner.gather();
        let Inner { flags, watch, drained, .. } = &mut *inner;
        let snapshot = &flags.as_ref()?.snapshot;
        let bytes = watch.drain(snapshot, header)?;
        if let Some(drained) = drained.as_mut() {
            let merged = drained.merge(snapshot, &bytes);
            debug_assert!(merged.is_ok(), "it was written just now");
        }
        Some(bytes)
    }

    /// Until then everything that is to survive is written.
    pub(crate) async fn written(&self) {
        self.kept.written().await;
    }

    /// What happened; readers see it from now on.
    fn published(&self, inner: &mut Inner) -> Vec<FlagTransition> {
        let news = self.kept_news(inner);
        if !news.is_empty() {
            self.publish(inner);
        }
        news
    }

    /// What happened, and is kept: as it is now, before anything else may happen.
    fn kept_news(&self, inner: &mut Inner) -> Vec<FlagTransition> {
        let news = std::mem::take(&mut inner.watch.transitions);
        let Some(flags) = &inner.flags else { return news };
        for (flag, _) in &news {
            if let Some(bytes) = inner.watch.guards.save(*flag) {
                self.kept.keep_breaker(&flags.key(*flag), bytes);
            }
        }
        news
    }

    fn publish(&self, inner: &Inner) {
        if let Some(flags) = &inner.flags {
            self.in_use.store(Some(Arc::new(InUse::new(Arc::clone(flags), &inner.watch.guards))));
        }
    }

    /// Tells whoever listens.
    fn tell_of(&self, flags: &Flags, news: Vec<FlagTransition>) {
        if news.is_empty() {
            return;
        }
        for (flag, transition) in news {
            self.events.emit(&Event::Breaker { flag: flags.key(flag), transition: Box::new(transition) });
        }
        self.hurry.ask(HEAR_OF_ROLLBACK);
        self.stir.notify_one();
    }
}

impl Inner {
    /// Takes over from the snapshot before; the first one takes what was kept. Answers what of that cannot be read.
    fn follow(&mut self, next: &Arc<Flags>, now: Millis) -> Vec<Error> {
        self.gather();
        let snapshot = &next.snapshot;
        let mut watch = HostState::none(snapshot.flags().len());
        watch.measure(snapshot);
        let mut drained = Measures::new(snapshot.flags().len());
        if let Some(before) = self.flags.take() {
            watch.take_over(snapshot, (&mut self.watch, &before.snapshot), now);
            if let (Some(drained), Some(counted)) = (&mut drained, self.drained.take()) {
                drained.take_over(snapshot, counted, &before.snapshot);
            }
            self.retired.push(before);
        } else {
            watch.guard(snapshot, Scope::Host, now);
        }
        self.flags = Some(Arc::clone(next));
        self.watch = watch;
        self.drained = drained;
        let unread = self.restore(snapshot);
        // Trips of flags that both have were taken over; what was said of others may be for flags that are new.
        let said: BTreeSet<String> = self.fleet.keys().chain(&self.held).cloned().collect();
        for key in said {
            self.say(&key);
        }
        unread
    }

    /// Goes on with breakers that were kept, each when its flag comes first.
    fn restore(&mut self, snapshot: &Snapshot<Vec<u8>>) -> Vec<Error> {
        let mut unread = Vec::new();
        let HostState { guards, transitions: news, .. } = &mut self.watch;
        self.waiting.retain(|key, bytes| {
            let Some(flag) = snapshot.flag(key) else { return true };
            if let Err(error) = guards.restore(flag, bytes, news) {
                let message = format!("the breaker of `{key}` that was kept is none: {error}");
                unread.push(Error::new(Code::CacheFailed, message));
            }
            false
        });
        unread
    }

    /// Says what the fleet and a person say of a flag: a hold is the strictest.
    fn say(&mut self, key: &str) {
        let Some(flags) = &self.flags else { return };
        let Some(flag) = flags.snapshot.flag(key) else { return };
        let fleet = self.fleet.get(key);
        let said = if self.held.contains(key) {
            TripState::HeldOff
        } else {
            fleet.map_or(TripState::Clear, |fleet| fleet.trip)
        };
        self.watch.guards.set_external_trip(flag, said);
        // Under which the fleet's breaker takes what is counted here as evidence.
        let counted = self.watch.measures.as_mut().and_then(|measures| measures.flag(&flags.snapshot, flag));
        if let (Some(generation), Some(counted)) = (fleet.and_then(|fleet| fleet.generation), counted) {
            counted.set_generation(generation);
        }
    }

    /// Takes what readers have counted without a lock.
    fn gather(&mut self) {
        let Some(flags) = self.flags.clone() else { return };
        let Some(measures) = &mut self.watch.measures else { return };
        for flag in flags.tallies.decided() {
            if let Some(counted) = measures.flag(&flags.snapshot, flag) {
                flags.tallies.take_into(flag, counted);
            }
        }
        self.retired.retain(|before| {
            // In this order: whoever has let go of it has counted before that.
            let is_read = Arc::strong_count(before) > 1;
            fence(Ordering::Acquire);
            gather_retired(before, &flags, measures);
            is_read
        });
    }

    fn flag(&self, key: &str) -> Result<(Arc<Flags>, FlagId), Error> {
        let none = |message| Error::new(Code::InvalidOptions, message);
        let flags = self.flags.clone().ok_or_else(|| none("no flags are in use yet".to_owned()))?;
        let flag = flags.snapshot.flag(key).ok_or_else(|| none(format!("no flag is called `{key}`")))?;
        Ok((flags, flag))
    }
}

/// What somebody has decided by the flags before, who had begun with them.
fn gather_retired(before: &Flags, flags: &Flags, measures: &mut Measures) {
    let Some(mut late) = Measures::new(before.snapshot.flags().len()) else { return };
    for flag in before.tallies.decided() {
        if let Some(counted) = late.flag(&before.snapshot, flag) {
            before.tallies.take_into(flag, counted);
        }
    }
    if !late.is_empty() {
        measures.take_over(&flags.snapshot, late, &before.snapshot);
    }
}

/// A document without a revision has none that could be older.
fn refuse_older(next: u64, before: u64) -> Result<(), Error> {
    if next == 0 || next >= before {
        return Ok(());
    }
    let message = format!("revision {next} is lower than {before} in use: raise it, or restart the host to go back");
    Err(Error::new(Code::OlderRevision, message))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
