//! The flags in use, and the one place that changes them: updates, outcomes, the fleet, operators, and time.

use std::collections::BTreeMap;
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use flcm_flags::breaker::{Mode, State as BreakerState, Transition};
use flcm_flags::metrics::batch::Header;
use flcm_flags::{FlagId, Millis, Snapshot};
use flcm_flags_host::{
    ChangedFlags, Counted, CustomMetrics, FleetState, Host, HostState, Measures, Outcome, REPORT_FAILURE_WITHIN,
    REPORT_TRANSITION_WITHIN, follows,
};
use tokio::sync::Notify;

use crate::clock::{Clock, millis};
use crate::error::{Code, Error};
use crate::event::{Event, Events};
use crate::flush_soon::FlushSoon;
use crate::in_use::{Flags, InUse};
use crate::state_file::StateFile;

/// The flags in use. Readers take what is published, and never wait. Changes are made one after the other under a lock,
/// which is never held while listeners are called.
#[derive(Debug)]
pub(crate) struct ActiveFlags {
    in_use: ArcSwapOption<InUse>,
    inner: Arc<Mutex<Inner>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Events,
    file: StateFile,
    /// Milliseconds since 1970 when the clock had elapsed nothing: the time of breakers never jumps.
    start: u64,
    /// Notified when something has happened to breakers, so that they are to be polled soon.
    pub(crate) wake: Notify,
    pub(crate) flush_soon: FlushSoon,
}

#[derive(Debug)]
struct Inner {
    flags: Option<Arc<Flags>>,
    /// Whether readers see no flags, because the signature of these has expired.
    is_suspended: bool,
    state: HostState,
    host: Host,
    /// Older snapshots that somebody still decides by: what they count is taken until they let go.
    retired: Vec<Arc<Flags>>,
}

impl ActiveFlags {
    pub(crate) fn new(clock: Arc<dyn Clock>, events: Events, file: StateFile) -> Self {
        let start = clock.now().0.saturating_sub(millis(clock.elapsed()));
        let host = Host::new(file.read());
        let inner = Inner { flags: None, is_suspended: false, state: HostState::none(0), host, retired: Vec::new() };
        Self {
            in_use: ArcSwapOption::empty(),
            inner: Arc::new(Mutex::new(inner)),
            clock,
            events,
            file,
            start,
            wake: Notify::new(),
            flush_soon: FlushSoon::default(),
        }
    }

    /// What is in use now. Waits for nobody.
    pub(crate) fn in_use(&self) -> arc_swap::Guard<Option<Arc<InUse>>> {
        self.in_use.load()
    }

    /// The last good flags, also while readers see none.
    pub(crate) fn flags(&self) -> Option<Arc<Flags>> {
        self.inner().flags.clone()
    }

    /// The revision in use; 0 for none.
    pub(crate) fn revision(&self) -> u64 {
        self.flags().map_or(0, |flags| flags.snapshot.revision())
    }

    /// Puts a snapshot in use that may follow the one in use; answers whether it is another one. When it cannot be used,
    /// nothing changes.
    pub(crate) fn use_bytes(&self, bytes: Vec<u8>) -> Result<bool, Error> {
        let snapshot = loaded(bytes)?;
        follows(snapshot.revision(), self.revision())?;
        Ok(self.use_snapshot(snapshot))
    }

    /// Puts a snapshot in use; answers whether it is another one.
    pub(crate) fn use_snapshot(&self, snapshot: Snapshot<Vec<u8>>) -> bool {
        let before = self.flags();
        if before.as_ref().is_some_and(|before| before.snapshot.digest() == snapshot.digest()) {
            return false;
        }
        let (next, now) = (Arc::new(Flags::new(snapshot)), self.now());
        let unread = self.change(|inner| {
            let unread = inner.follow(&next, now);
            self.publish(inner);
            unread
        });
        for error in unread {
            self.events.error(error);
        }
        self.wake.notify_one();
        self.report_change(&next, before.as_deref());
        true
    }

    /// Takes the outcome of a call that some flags have decided.
    pub(crate) fn record(&self, by: &Flags, flag: FlagId, outcome: &Outcome) {
        let now = self.now();
        let is_known = self.change(|Inner { flags, state, .. }| {
            let snapshot = &flags.as_ref()?.snapshot;
            // The flag and its variants may have other numbers in the snapshot that is in use by now.
            let is_same = snapshot.digest() == by.snapshot.digest();
            let flag = if is_same { Some(flag) } else { snapshot.flag(&by.key(flag)) };
            let variant = outcome.variant.filter(|_| is_same);
            state.outcome(snapshot, flag?, &Outcome { variant, ..*outcome }, now);
            Some(())
        });
        if is_known.is_none() {
            return;
        }
        self.wake.notify_one();
        if outcome.failed {
            self.flush_soon.within(REPORT_FAILURE_WITHIN);
        }
    }

    /// Lets time pass for the breakers; answers after how many milliseconds to do so again.
    pub(crate) fn poll(&self) -> Option<u64> {
        let now = self.now();
        let deadline = self.change(|Inner { flags, state, .. }| {
            let HostState { guards, transitions, .. } = state;
            guards.poll(&flags.as_ref()?.snapshot, now, transitions);
            guards.next_deadline()
        });
        deadline.map(|at| at.0.saturating_sub(self.now().0))
    }

    /// Takes the fleet's state, whole: a flag that is not named is clear.
    pub(crate) fn apply_fleet_state(&self, fleet: FleetState) {
        let now = self.now();
        let trips = self.change(|inner| {
            let Inner { flags, state, host, .. } = inner;
            let trips = host.apply_fleet_state(fleet, flags.as_ref().map(|flags| (&flags.snapshot, state)), now);
            self.publish(inner);
            self.persist();
            trips
        });
        let trips: BTreeMap<_, _> = trips.into_iter().map(|(key, trip)| (key, trip.to_string())).collect();
        self.events.emit(&Event::Fleet(trips));
    }

    /// Sets how far a breaker may go. A flag without one can only be held.
    pub(crate) fn set_mode(&self, key: &str, mode: Mode) -> Result<(), Error> {
        let now = self.now();
        self.change(|inner| {
            let (flags, flag) = inner.flag(key)?;
            let Inner { state, host, .. } = inner;
            host.set_mode((&flags.snapshot, state), flag, mode, now);
            self.publish(inner);
            self.persist();
            Ok(())
        })
    }

    /// Lets a flag go on that was rolled back, and waits for a person.
    pub(crate) fn acknowledge(&self, key: &str) -> Result<(), Error> {
        let now = self.now();
        self.change(|inner| {
            let (flags, flag) = inner.flag(key)?;
            inner.host.acknowledge((&flags.snapshot, &mut inner.state), flag, now);
            Ok(())
        })
    }

    /// Where the breaker of a flag stands.
    pub(crate) fn breaker(&self, key: &str) -> Option<BreakerState> {
        let inner = self.inner();
        let flag = inner.flags.as_ref()?.snapshot.flag(key)?;
        inner.state.guards.breaker(flag).map(|(breaker, _)| breaker.state())
    }

    /// Counts under a name of the application's own.
    pub(crate) fn custom<T>(&self, count: impl FnOnce(&mut CustomMetrics) -> T) -> Option<T> {
        self.inner().state.measures.as_mut().map(|measures| count(measures.custom()))
    }

    /// What was counted of a flag since the program began.
    pub(crate) fn counted(&self, key: &str) -> Option<Counted> {
        let mut inner = self.inner();
        inner.gather();
        inner.state.counted(inner.flags.as_ref()?.snapshot.flag(key)?)
    }

    /// Takes what was counted as a batch; `None` when nothing was.
    pub(crate) fn drain(&self, header: Header) -> Option<Vec<u8>> {
        let mut inner = self.inner();
        inner.gather();
        let Inner { flags, state, .. } = &mut *inner;
        state.drain(&flags.as_ref()?.snapshot, header)
    }

    /// Waits until everything is written that is to survive a restart.
    pub(crate) async fn written(&self) {
        self.file.written().await;
    }

    /// A time that does not jump: that of breakers.
    pub(crate) fn now(&self) -> Millis {
        Millis(self.start.saturating_add(millis(self.clock.elapsed())))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes something under the lock. Transitions of breakers are published before the lock is released; then they
    /// are stored, and listeners are called.
    fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let mut inner = self.inner();
        let answer = change(&mut inner);
        let transitions = inner.take_transitions();
        if transitions.is_empty() {
            return answer;
        }
        self.publish(&inner);
        self.persist();
        drop(inner);
        for (flag, transition) in transitions {
            self.events.emit(&Event::Breaker { flag, transition: Box::new(transition) });
        }
        self.flush_soon.within(REPORT_TRANSITION_WITHIN);
        self.wake.notify_one();
        answer
    }

    /// Takes the flags away from readers, or gives them back. What is counted and rolled back stays.
    pub(crate) fn suspend(&self, is_suspended: bool) {
        let mut inner = self.inner();
        if std::mem::replace(&mut inner.is_suspended, is_suspended) == is_suspended {
            return;
        }
        self.publish(&inner);
    }

    /// From now on the state of the fleet may only hold flags back.
    pub(crate) fn only_stricter(&self) {
        self.inner().host.only_stricter = true;
    }

    fn publish(&self, inner: &Inner) {
        if inner.is_suspended {
            self.in_use.store(None);
        } else if let Some(flags) = &inner.flags {
            self.in_use.store(Some(Arc::new(InUse::new(Arc::clone(flags), &inner.state.guards))));
        }
    }

    fn persist(&self) {
        self.file.write(&self.inner, |inner| &mut inner.host.persistence);
    }

    fn report_change(&self, next: &Flags, before: Option<&Flags>) {
        if !self.events.has_listeners() {
            return;
        }
        let ChangedFlags { changed, removed } =
            ChangedFlags::new(&next.snapshot, before.map(|before| &before.snapshot));
        let (from, to, revision) = (before.map(Flags::digest), next.digest(), next.snapshot.revision());
        self.events.emit(&Event::Change { flags: changed, removed, from, to, revision });
    }
}

impl Inner {
    /// Takes over from the snapshot before; the first one takes what was stored. Answers what of that cannot be read.
    fn follow(&mut self, next: &Arc<Flags>, now: Millis) -> Vec<Error> {
        self.gather();
        let Self { flags, state: before, host, retired, .. } = self;
        let mut state = HostState::none(next.snapshot.flags().len());
        state.measure_totals(&next.snapshot);
        let older = flags.as_ref().map(|flags| (&flags.snapshot, &mut *before));
        let unread = host.follow((&next.snapshot, &mut state), older, now);
        retired.extend(flags.replace(Arc::clone(next)));
        *before = state;
        let message = |(key, error)| format!("the stored breaker of `{key}` cannot be used: {error}");
        unread.into_iter().map(|unread| Error::new(Code::CacheFailed, message(unread))).collect()
    }

    fn take_transitions(&mut self) -> Vec<(String, Transition)> {
        let Self { flags: Some(flags), state, host, .. } = self else { return Vec::new() };
        let transitions = host.take_transitions((&flags.snapshot, state));
        transitions.into_iter().map(|(flag, transition)| (flags.key(flag), transition)).collect()
    }

    /// Takes what readers have counted without a lock.
    fn gather(&mut self) {
        let Self { flags: Some(flags), state: HostState { measures: Some(measures), .. }, retired, .. } = self else {
            return;
        };
        flags.tallies.take_all(&flags.snapshot, measures);
        retired.retain(|before| {
            // In this order: whoever has let go of it has counted before that.
            let is_read = Arc::strong_count(before) > 1;
            fence(Ordering::Acquire);
            gather_retired(before, flags, measures);
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

/// Takes decisions that were made by an older snapshot, by those who had begun with it.
fn gather_retired(before: &Flags, flags: &Flags, measures: &mut Measures) {
    let Some(mut late) = Measures::new(before.snapshot.flags().len()) else { return };
    before.tallies.take_all(&before.snapshot, &mut late);
    if !late.is_empty() {
        measures.take_over(&flags.snapshot, &late, &before.snapshot);
    }
}

/// A snapshot of bytes that are one.
pub(crate) fn loaded(bytes: Vec<u8>) -> Result<Snapshot<Vec<u8>>, Error> {
    Snapshot::from_bytes(bytes).map_err(|error| Error::new(Code::InvalidSnapshot, error.to_string()))
}

#[cfg(test)]
mod tests;
