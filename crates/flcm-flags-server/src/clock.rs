//! The only file that reads the time of day. (How long something took is measured where it happens.)

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use flcm_flags::Millis;

/// The wall clock as it stood at the start, and what has elapsed since: it never jumps, because breakers stand still under a
/// clock that went back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: u64,
    started: Instant,
}

impl Clock {
    /// Goes on behind the latest time that was kept, where the wall clock was set back while the server was away.
    pub(crate) fn behind(kept: Millis) -> Self {
        Self { start: wall().max(kept.0), started: Instant::now() }
    }

    pub(crate) fn now(self) -> Millis {
        Millis(self.start.saturating_add(whole(self.started.elapsed())).min(Millis::LATEST.0))
    }

    /// How long it takes until a second is over, and a little more.
    pub(crate) fn until_second(self) -> Duration {
        Duration::from_millis(1005 - self.now().0 % 1000)
    }
}

/// Milliseconds since 1970, as the system says: what decisions for users follow.
pub(crate) fn wall() -> u64 {
    whole(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn whole(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
