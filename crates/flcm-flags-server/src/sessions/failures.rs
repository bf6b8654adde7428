//! Failed sign-ins: after too many within a minute, a network has to wait.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::peer::AddressPrefix;

/// So many failures within a minute.
const MOST: u32 = 10;
const MINUTE_MS: u64 = 60_000;

/// So many networks are counted by themselves; with more, some share a count. It bounds the memory.
const NETWORKS: u64 = 1 << 16;

/// The failures of this minute, by network.
#[derive(Debug, Default)]
pub(crate) struct Failures {
    counts: Mutex<Counts>,
    /// By chance, so that nobody can choose whose count they share.
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Counts {
    minute: u64,
    failed: HashMap<u64, u32>,
}

impl Failures {
    /// How long a network has to wait, if it has failed too often.
    pub(crate) fn wait(&self, network: AddressPrefix, now: u64) -> Option<Duration> {
        let has_failed = self.of(now).failed.get(&self.slot(network)).is_some_and(|failed| *failed >= MOST);
        has_failed.then(|| Duration::from_millis(MINUTE_MS - now % MINUTE_MS))
    }

    /// Counts a failure.
    pub(crate) fn note(&self, network: AddressPrefix, now: u64) {
        *self.of(now).failed.entry(self.slot(network)).or_default() += 1;
    }

    fn slot(&self, network: AddressPrefix) -> u64 {
        self.hasher.hash_one(network) % NETWORKS
    }

    /// The counts of this minute.
    fn of(&self, now: u64) -> MutexGuard<'_, Counts> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.minute != now / MINUTE_MS {
            *counts = Counts { minute: now / MINUTE_MS, failed: HashMap::new() };
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use super::{AddressPrefix, Failures, MINUTE_MS, MOST};

    #[test]
    fn who_fails_too_often_waits_for_the_next_minute_and_others_do_not() {
        let failures = Failures::default();
        let [one, other] = [1, 2].map(|last| AddressPrefix::of(IpAddr::from([192, 0, last, 1])));
        for now in 0..u64::from(MOST) {
            assert_eq!(failures.wait(one, now), None);
            failures.note(one, now);
        }
        assert_eq!(failures.wait(one, MINUTE_MS - 500), Some(Duration::from_millis(500)));
        assert_eq!(failures.wait(other, MINUTE_MS - 500), None);
        assert_eq!(failures.wait(one, MINUTE_MS), None);
    }
}
