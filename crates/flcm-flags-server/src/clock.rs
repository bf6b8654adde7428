//! The only file that reads the time of day. Durations are measured where they occur.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use flcm_flags::Millis;

/// The wall clock as of the start, plus the time that has elapsed since. It never jumps: breakers would stand still
/// under a clock that was set back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: u64,
    started: Instant,
}

impl Clock {
    /// Starts no earlier than the latest stored time, in case the wall clock was set back while the server was down.
    pub(crate) fn behind(stored: Millis) -> Self {
        Self { start: wall().max(stored.0), started: Instant::now() }
    }

    pub(crate) fn now(self) -> Millis {
        Millis(self.start.saturating_add(whole(self.started.elapsed())).min(Millis::LATEST.0))
    }

    /// The time until the current second is over, and a little more.
    pub(crate) fn until_second(self) -> Duration {
        Duration::from_millis(1005 - self.now().0 % 1000)
    }
}

/// Revisions are at least the number of seconds since 2026-01-01. So those of a new database, and those after a restored
/// backup, are above what hosts have, and hosts, which refuse older revisions, accept them.
const SINCE_2026: u64 = 1_767_225_600_000;

/// The number of a revision that is the first one, and is published at this time.
#[must_use]
pub const fn revision_at(time: Millis) -> u64 {
    time.0.saturating_sub(SINCE_2026) / 1000
}

/// The number of the revision after `last`.
pub(crate) fn revision_after(last: u64) -> u64 {
    last.saturating_add(1).max(revision_at(Millis(wall())))
}

/// Milliseconds since 1970 by the system's clock, which decisions for users follow.
pub(crate) fn wall() -> u64 {
    whole(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn whole(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
