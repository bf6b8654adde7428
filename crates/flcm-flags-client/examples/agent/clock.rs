//! A clock that whoever asks steps, like `tests/kit/clock.ts`.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use flcm_flags_client::{Clock, Millis};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::options::{duration, millis};

/// A time at which nothing in particular happens.
const NOW: i64 = 1_800_000_000_000;

/// So many turns let everything go on that waits for nothing but its turn.
pub(crate) const TURNS: u32 = 12;

/// Its wall clock may be set; its timers follow the time that elapses.
#[derive(Clone, Debug, Default)]
pub(crate) struct ManualClock(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    elapsed: Duration,
    /// How far the wall clock was set, in milliseconds.
    jumped: i64,
    /// By when they ring, and then by when they were set.
    timers: BTreeMap<(Duration, u64), Option<Waker>>,
    set: u64,
    early: Duration,
    /// What chance gives; `None` for what is drawn.
    chance: Option<f64>,
    /// The same numbers in each run.
    numbers: StdRng,
}

impl Default for Inner {
    fn default() -> Self {
        let (elapsed, early) = (Duration::ZERO, Duration::ZERO);
        let numbers = StdRng::seed_from_u64(1);
        Self { elapsed, jumped: 0, timers: BTreeMap::new(), set: 0, early, chance: Some(0.5), numbers }
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Millis {
        Millis(u64::try_from(self.inner().now()).unwrap_or(0))
    }

    fn elapsed(&self) -> Duration {
        self.inner().elapsed
    }

    fn random(&self) -> f64 {
        let mut inner = self.inner();
        inner.chance.unwrap_or_else(|| inner.numbers.random())
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut inner = self.inner();
        inner.set += 1;
        let wait = duration.checked_sub(inner.early).filter(|wait| !wait.is_zero()).unwrap_or(duration);
        let timer = (inner.elapsed.saturating_add(wait), inner.set);
        inner.timers.insert(timer, None);
        Box::pin(Sleep { clock: self.clone(), timer })
    }
}

impl ManualClock {
    /// What time it is, and what waits for another.
    pub(crate) fn time(&self) -> Value {
        let inner = self.inner();
        let next = inner.timers.keys().next().map(|(at, _)| millis(at.saturating_sub(inner.elapsed)));
        json!({ "now": inner.now(), "elapsed": millis(inner.elapsed), "waiting": inner.timers.len(), "next": next })
    }

    pub(crate) fn set_chance(&self, chance: Option<f64>) {
        self.inner().chance = chance;
    }

    pub(crate) fn set_early(&self, ms: f64) {
        self.inner().early = duration(ms);
    }

    pub(crate) fn jump(&self, ms: i64) {
        self.inner().jumped += ms;
    }

    /// Rings the next timer, and waits for nothing that it begins.
    pub(crate) fn ring(&self) {
        self.inner().ring(Duration::MAX);
    }

    /// Lets time pass; timers ring in their order, and what they begin is let go on in between.
    pub(crate) async fn pass(&self, ms: f64) {
        turns(TURNS).await;
        if ms < 0.0 {
            return;
        }
        let end = self.elapsed() + duration(ms);
        while self.inner().ring(end) {
            turns(TURNS).await;
        }
        let mut inner = self.inner();
        inner.elapsed = inner.elapsed.max(end);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn now(&self) -> i64 {
        NOW + self.jumped + i64::try_from(self.elapsed.as_millis()).unwrap_or(i64::MAX)
    }

    /// Rings the first timer that is due by then; whether there was one.
    fn ring(&mut self, by: Duration) -> bool {
        let Some(entry) = self.timers.first_entry().filter(|entry| entry.key().0 <= by) else { return false };
        self.elapsed = self.elapsed.max(entry.key().0);
        if let Some(waker) = entry.remove() {
            waker.wake();
        }
        true
    }
}

/// Lets everything else go on, and looks after sockets, so often.
pub(crate) async fn turns(turns: u32) {
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
}

/// A timer, which goes away with whoever waits for it.
struct Sleep {
    clock: ManualClock,
    timer: (Duration, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.clock.inner();
        let Some(waker) = inner.timers.get_mut(&self.timer) else { return Poll::Ready(()) };
        *waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.clock.inner().timers.remove(&self.timer);
    }
}
