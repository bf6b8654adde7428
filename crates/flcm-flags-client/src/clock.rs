//! Time and chance. Nothing else reads a clock, sets a timer or draws a number, so that tests may step through time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use flcm_flags::Millis;
use flcm_flags_host::Now;

/// What gives the time.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// Milliseconds since 1970. May jump, as the clocks of machines do.
    fn now(&self) -> Millis;
    /// Time since some moment. Never goes back.
    fn elapsed(&self) -> Duration;
    /// A number from 0 to below 1.
    fn random(&self) -> f64;
    /// Waits for so long.
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// The machine's.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    fn random(&self) -> f64 {
        rand::random()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

impl dyn Clock {
    /// The moment of a call into a state machine of the host crate, with a number drawn for it.
    pub(crate) fn moment(&self) -> Now {
        Now { wall: self.now(), elapsed: millis(self.elapsed()), random: self.random() }
    }

    /// Waits until so many milliseconds have elapsed; for ever for `None`.
    pub(crate) async fn sleep_until(&self, elapsed: Option<u64>) {
        match elapsed {
            Some(at) => self.sleep(Duration::from_millis(at).saturating_sub(self.elapsed())).await,
            None => std::future::pending().await,
        }
    }
}

/// The whole milliseconds of a duration.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A duration in milliseconds, rounded up: a short interval is not to become none.
pub(crate) fn millis_at_least(duration: Duration) -> u64 {
    millis(duration.saturating_add(Duration::from_nanos(999_999)))
}

#[cfg(test)]
mod tests {
    use super::{Clock, SystemClock};

    #[test]
    fn the_system_gives_the_time_and_numbers_below_one() {
        let clock: &dyn Clock = &SystemClock::default();
        assert!((0..1000).all(|_| (0.0..1.0).contains(&clock.moment().random)));
        assert!(clock.moment().wall.0 > 1_700_000_000_000);
    }
}
