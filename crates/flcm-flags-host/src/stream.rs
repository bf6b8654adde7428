//! When a stream of events that broke is connected again, and which of its events are new.

use core::mem;

use crate::schedule::{back_off, part};
use crate::time::{Deadline, Now};

/// A stream that breaks is connected again within so many milliseconds. It may have broken for all hosts.
const AFTER_BREAK: u64 = 10_000;

/// Once the server answers a poll, a stream waits no longer than so many milliseconds. After an outage the polls of all
/// hosts come together, and the streams must not double that load.
const AFTER_ANSWER: u64 = 60_000;

/// When the second attempt fails, the server is away, and all hosts will come back to it: 10,000 of them as slowly as
/// they poll.
const FIRST_WAIT: u64 = 120_000;
const LONGEST_WAIT: u64 = 300_000;

/// When to connect a stream again.
#[derive(Debug, Default)]
pub struct Reconnect {
    failures: u32,
    retry: Deadline,
    /// The server wants to be left alone until then, by the time that elapses.
    not_before: u64,
}

impl Reconnect {
    /// Something has come over the connection, so it was made well: the next failure is the first again.
    pub const fn received(&mut self) {
        self.failures = 0;
    }

    /// The connection has ended, or could not be made. `retry_after` is what the server asked for; 0 for nothing.
    pub fn failed(&mut self, retry_after: u64, now: Now) {
        self.failures += 1;
        let wait = match self.failures {
            1 => part(AFTER_BREAK, now.random),
            failures => back_off(failures - 1, FIRST_WAIT, LONGEST_WAIT, now.random),
        };
        self.not_before = now.elapsed.saturating_add(retry_after);
        self.retry.set(now, retry_after.saturating_add(wait));
    }

    /// The server has answered a poll: a stream that waits need not wait for long, but no less than the server asked
    /// for.
    pub fn server_answered(&mut self, now: Now) {
        if self.retry.at().is_some() {
            let asked = self.not_before.saturating_sub(now.elapsed);
            self.retry.no_later_than(now, asked.saturating_add(part(AFTER_ANSWER, now.random)));
        }
    }

    /// Whether to connect now: true once.
    pub fn is_due(&mut self, now: Now) -> bool {
        self.retry.is_due(now)
    }

    /// When to ask [`is_due`](Self::is_due), by the time that elapses.
    #[must_use]
    pub const fn next_deadline(&self) -> Option<u64> {
        self.retry.at()
    }
}

/// The last events of one connection, or of all polls. Another server may answer the next connection, so each begins
/// with a new cursor.
#[derive(Debug, Default)]
pub struct StreamCursor {
    has_snapshot: bool,
    /// Epoch and sequence of the fleet's state.
    fleet: Option<(u64, u64)>,
    is_polled: bool,
}

impl StreamCursor {
    /// For a host that keeps no connection. It may reach another server each time, so a lower number is newer as well.
    #[must_use]
    pub fn polled() -> Self {
        Self { is_polled: true, ..Self::default() }
    }

    /// A snapshot is announced; whether it was published while this host was connected. The first one was there before,
    /// and so was each one that is polled.
    pub const fn snapshot(&mut self) -> bool {
        mem::replace(&mut self.has_snapshot, !self.is_polled)
    }

    /// The fleet's state has come; whether it is newer than the last one.
    pub fn fleet(&mut self, epoch: u64, sequence: u64) -> bool {
        let next = (epoch, sequence);
        let is_newer = self.fleet.is_none_or(|last| if self.is_polled { last != next } else { last < next });
        if is_newer {
            self.fleet = Some(next);
        }
        is_newer
    }
}

#[cfg(test)]
mod tests {
    use super::{Reconnect, StreamCursor};
    use crate::time::Now;

    #[test]
    fn a_state_that_is_polled_again_is_nothing_new() {
        let mut cursor = StreamCursor::polled();
        let polled = [(1, 2), (1, 2), (1, 3), (0, 9), (0, 9)].map(|(epoch, sequence)| cursor.fleet(epoch, sequence));
        assert_eq!(polled, [true, false, true, true, false]);
        assert_eq!([cursor.snapshot(), cursor.snapshot()], [false, false]);
    }

    fn at(elapsed: u64, random: f64) -> Now {
        Now { elapsed, random, ..Now::default() }
    }

    #[test]
    fn attempts_are_spread_and_wait_longer_while_the_server_is_away() {
        let mut reconnect = Reconnect::default();
        let mut longest = std::vec::Vec::new();
        for _ in 0..5 {
            reconnect.failed(0, at(0, 0.999_999));
            longest.extend(reconnect.next_deadline());
        }
        assert_eq!(longest, [9_999, 119_999, 239_999, 299_999, 299_999]);
        reconnect.received();
        reconnect.failed(7_000, at(50, 0.0));
        assert_eq!(reconnect.next_deadline(), Some(7_050));
        assert!(!reconnect.is_due(at(7_049, 0.0)));
        assert!(reconnect.is_due(at(7_050, 0.0)) && !reconnect.is_due(at(7_050, 0.0)));
    }

    #[test]
    fn an_answer_of_the_server_shortens_the_wait_to_no_less_than_it_asked_for() {
        let mut reconnect = Reconnect::default();
        reconnect.server_answered(at(0, 0.5));
        assert_eq!(reconnect.next_deadline(), None, "a stream that is connected stays so");
        reconnect.failed(0, at(0, 0.5));
        reconnect.failed(20_000, at(0, 0.9));
        assert_eq!(reconnect.next_deadline(), Some(128_000));
        reconnect.server_answered(at(5_000, 0.5));
        assert_eq!(reconnect.next_deadline(), Some(50_000));
        reconnect.server_answered(at(6_000, 0.9));
        assert_eq!(reconnect.next_deadline(), Some(50_000), "it is never put off");
    }

    #[test]
    fn only_what_comes_after_the_first_is_new() {
        let mut cursor = StreamCursor::default();
        assert_eq!([cursor.snapshot(), cursor.snapshot(), cursor.snapshot()], [false, true, true]);
        let came = [(1, 1), (1, 1), (1, 2), (1, 1), (0, 9), (2, 0), (1, 9)];
        let newer = came.map(|(epoch, sequence)| cursor.fleet(epoch, sequence));
        assert_eq!(newer, [true, false, true, false, false, true, false]);
    }
}
