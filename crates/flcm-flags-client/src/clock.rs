//! Time and chance. Nothing else reads a clock, sets a timer or draws a number, so that tests may step through time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use flcm_flags::Millis;

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

/// A number below 2^53, which every language can hold.
pub(crate) fn draw(clock: &dyn Clock) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^53, and not negative")]
    let number = (clock.random() * 9_007_199_254_740_991.0) as u64;
    number
}

/// How long to wait after so many failures in a row: anything up to twice as much each time, so that hosts which failed
/// together do not come back together.
pub(crate) fn back_off(clock: &dyn Clock, failures: u32, first: Duration, most: Duration) -> Duration {
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(20));
    doubled.min(most).mul_f64(clock.random())
}

/// A moment at which something is to be done, by the time that elapses; setting it again puts it off or brings it forward.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Alarm(Option<Duration>);

impl Alarm {
    pub(crate) fn set(&mut self, clock: &dyn Clock, after: Duration) {
        self.0 = clock.elapsed().checked_add(after);
    }

    /// Rings after so long, or when it would ring anyway if that is sooner.
    pub(crate) fn hasten(&mut self, clock: &dyn Clock, after: Duration) {
        let at = clock.elapsed().saturating_add(after);
        self.0 = Some(self.0.map_or(at, |known| known.min(at)));
    }

    pub(crate) const fn clear(&mut self) {
        self.0 = None;
    }

    /// Whether it is time; it rings once.
    pub(crate) fn rings(&mut self, clock: &dyn Clock) -> bool {
        let rings = self.0.is_some_and(|at| at <= clock.elapsed());
        if rings {
            self.0 = None;
        }
        rings
    }
}

/// Waits for the first of some alarms; for ever when none is set.
pub(crate) async fn first<const N: usize>(clock: &dyn Clock, alarms: [Alarm; N]) {
    match alarms.iter().filter_map(|alarm| alarm.0).min() {
        Some(at) => clock.sleep(at.saturating_sub(clock.elapsed())).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Clock, SystemClock, back_off, draw};

    #[test]
    fn back_off_stays_within_its_bounds() {
        let clock = SystemClock::default();
        for failures in 0..100 {
            let wait = back_off(&clock, failures, Duration::from_secs(1), Duration::from_mins(5));
            let most = Duration::from_secs(1 << failures.saturating_sub(1).min(10)).min(Duration::from_mins(5));
            assert!(wait <= most, "{failures}: {wait:?}");
        }
    }

    #[test]
    fn numbers_that_are_drawn_fit_every_language() {
        assert!((0..1000).all(|_| draw(&SystemClock::default()) < 1 << 53));
        assert!(SystemClock::default().now().0 > 1_700_000_000_000);
    }
}
