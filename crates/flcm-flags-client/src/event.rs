//! Events, and the listeners that receive them.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use flcm_flags::breaker::{Event as BreakerEvent, Transition};
#[doc(inline)]
pub use flcm_flags_host::Freshness as State;

use crate::error::{Code, Error};

/// Something that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Something happened to the breaker of a flag.
    Breaker {
        /// The flag key.
        flag: String,
        /// What, and all that led to it.
        transition: Box<Transition>,
    },
    /// Other flags are in use.
    Change {
        /// Keys of the flags that are new, or are written differently than before, their cohorts included.
        flags: Vec<String>,
        /// Keys of the flags that are gone.
        removed: Vec<String>,
        /// Digest of what was in use before; `None` at first.
        from: Option<String>,
        /// Digest of what is in use now.
        to: String,
        /// The document's revision; 0 when it has none.
        revision: u64,
    },
    /// Something has gone wrong; what was in use stays in use.
    Error(Error),
    /// The server has sent the trips of the fleet, by flag key: flags that are not named are clear.
    Fleet(BTreeMap<String, String>),
    /// Counts were acknowledged.
    Flush {
        /// How large they were.
        bytes: usize,
        /// Counts the batches of this host.
        sequence: u64,
    },
    /// The flags in use are known to be fresh, or no longer.
    State {
        /// What it was before.
        from: State,
        /// What it is now.
        to: State,
        /// Since the source confirmed what is in use.
        age: Option<Duration>,
    },
    /// The source has confirmed what is in use, or has given something newer.
    Sync {
        /// Whether something newer is in use now.
        changed: bool,
        /// The document's revision; 0 when it has none.
        revision: u64,
    },
}

impl Event {
    /// The flag that was rolled back, if this is that.
    #[must_use]
    pub fn rollback(&self) -> Option<&str> {
        self.of(&[BreakerEvent::Tripped, BreakerEvent::Reopened])
    }

    /// The flag that was rolled back and is tried by a few, if this is that.
    #[must_use]
    pub fn probe(&self) -> Option<&str> {
        self.of(&[BreakerEvent::HalfOpened])
    }

    /// The flag that was rolled back, did well, and is back, if this is that.
    #[must_use]
    pub fn recovered(&self) -> Option<&str> {
        self.of(&[BreakerEvent::Recovered])
    }

    fn of(&self, events: &[BreakerEvent]) -> Option<&str> {
        match self {
            Self::Breaker { flag, transition } if events.contains(&transition.event) => Some(flag),
            _ => None,
        }
    }
}

type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// A listener that receives events until this is dropped.
#[must_use = "dropping it removes the listener"]
pub struct Subscription {
    number: u64,
    listeners: Weak<Listeners>,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Subscription({})", self.number)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(listeners) = self.listeners.upgrade() {
            let mut list = listeners.locked();
            let index = list.by_number.iter().position(|(number, _)| *number == self.number);
            let gone = index.map(|index| list.by_number.swap_remove(index));
            // Without the lock: what a listener owns may be a subscription, or the flags themselves.
            drop(list);
            drop(gone);
        }
    }
}

#[derive(Default)]
struct Listeners(Mutex<List>);

#[derive(Default)]
struct List {
    next: u64,
    by_number: Vec<(u64, Listener)>,
    /// What was logged last: a source that is away for a day is logged once.
    logged: Option<Code>,
    closed: bool,
}

impl Listeners {
    fn locked(&self) -> std::sync::MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The listeners. One that panics keeps no other from being called.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Listeners>);

impl fmt::Debug for Events {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Events({})", self.0.locked().by_number.len())
    }
}

impl Events {
    pub(crate) fn subscribe(&self, listener: impl Fn(&Event) + Send + Sync + 'static) -> Subscription {
        let mut list = self.0.locked();
        list.next += 1;
        let number = list.next;
        list.by_number.push((number, Arc::new(listener)));
        Subscription { number, listeners: Arc::downgrade(&self.0) }
    }

    pub(crate) fn has_listeners(&self) -> bool {
        !self.0.locked().by_number.is_empty()
    }

    /// Calls all listeners. No lock is held meanwhile, so a listener may call anything.
    pub(crate) fn emit(&self, event: &Event) {
        let listeners: Vec<Listener> = {
            let mut list = self.0.locked();
            if list.closed {
                return;
            }
            // It goes well again, so the next failure is logged.
            if matches!(event, Event::Sync { .. } | Event::Flush { .. }) {
                list.logged = None;
            }
            list.by_number.iter().map(|(_, listener)| Arc::clone(listener)).collect()
        };
        for listener in listeners {
            if catch_unwind(AssertUnwindSafe(|| listener(event))).is_err() {
                self.panicked(event);
            }
        }
    }

    /// Reports an error: to listeners, or in the log if there are none.
    pub(crate) fn error(&self, error: Error) {
        let is_new = {
            let mut list = self.0.locked();
            let has_no_listener = list.by_number.is_empty() && !list.closed;
            has_no_listener && list.logged.replace(error.code) != Some(error.code)
        };
        if is_new {
            tracing::warn!("{error}");
        }
        self.emit(&Event::Error(error));
    }

    pub(crate) fn close(&self) {
        let mut list = self.0.locked();
        list.closed = true;
        let gone = std::mem::take(&mut list.by_number);
        drop(list);
        drop(gone);
    }

    fn panicked(&self, event: &Event) {
        let error = Error::new(Code::ListenerFailed, "a listener panicked");
        // A listener that panics at errors does not receive this one: there would be no end to it.
        if matches!(event, Event::Error(_)) {
            tracing::warn!("{error}");
        } else {
            self.error(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, Mutex};

    use super::{Event, Events};
    use crate::error::{Code, Error};

    #[test]
    fn a_listener_that_panics_is_reported_and_keeps_no_other_from_being_called() {
        let events = Events::default();
        let received = Arc::new(Mutex::new(Vec::new()));
        let _bad = events.subscribe(|event| assert!(matches!(event, Event::Error(_)), "a seeded panic"));
        let into = Arc::clone(&received);
        let _good = events.subscribe(move |event| {
            into.lock().unwrap().push(if let Event::Error(error) = event { Some(error.code) } else { None });
        });
        events.emit(&Event::Flush { bytes: 1, sequence: 1 });
        assert_eq!(*received.lock().unwrap(), [Some(Code::ListenerFailed), None]);
    }

    #[test]
    fn a_dropped_subscription_receives_nothing_and_nobody_does_after_the_end() {
        let events = Events::default();
        let count = Arc::new(AtomicU32::new(0));
        let subscribe = || {
            let into = Arc::clone(&count);
            events.subscribe(move |_| {
                into.fetch_add(1, Ordering::Relaxed);
            })
        };
        let (one, two) = (subscribe(), subscribe());
        events.error(Error::new(Code::Empty, "nothing"));
        drop(one);
        events.error(Error::new(Code::Empty, "nothing"));
        assert_eq!(count.load(Ordering::Relaxed), 3);
        events.close();
        events.error(Error::new(Code::Empty, "nothing"));
        drop(two);
        assert_eq!(count.load(Ordering::Relaxed), 3);
    }
}
