//! When hosts ask a server, so that it sees them evenly: each at its own phase of the interval, and after a failure
//! each after a wait of its own.

use crate::time::Now;

/// How far a poll may be from its time, as a share of the interval.
const JITTER: f64 = 0.1;

/// The golden ratio's fraction: its multiples lie as evenly between 0 and 1 as those of any number can.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// A number below 2^53, which every language can hold, from one that was drawn between 0 and 1.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^53, and not negative")]
pub fn number_of(random: f64) -> u64 {
    (random * 9_007_199_254_740_991.0) as u64
}

/// A host's phase in the poll interval, from 0 to below 1: far apart for instance numbers that were drawn, and for
/// those that count hosts.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "below 2^53")]
pub fn phase_of(instance: u64) -> f64 {
    let drawn = instance as f64 / 9_007_199_254_740_992.0;
    fraction(drawn + (instance % (1 << 20)) as f64 * GOLDEN)
}

/// Milliseconds until this host's next poll: at its phase in the interval, give or take the jitter, and not twice
/// within half an interval.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "an interval is far below 2^53 milliseconds")]
pub fn next_poll(interval: u64, phase: f64, now: Now) -> u64 {
    let Some(since_start) = now.wall.0.checked_rem(interval) else { return 0 };
    let wait = fraction(1.0 + phase - since_start as f64 / interval as f64);
    let whole = if wait < 0.5 { 1.0 } else { 0.0 };
    part(interval, whole + wait + JITTER * (2.0 * now.random - 1.0))
}

/// Milliseconds to wait after so many failures in a row: anything up to twice as long each time, so that hosts which
/// failed together do not come back together.
#[must_use]
pub fn back_off(failures: u32, first: u64, longest: u64, random: f64) -> u64 {
    let doubled = first.saturating_mul(1 << failures.saturating_sub(1).min(30));
    part(doubled.min(longest), random)
}

/// A share of some milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "the cast saturates, as it should"
)]
pub(crate) fn part(millis: u64, share: f64) -> u64 {
    (millis as f64 * share) as u64
}

/// What is behind the point of a number from 0 on.
#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "below 2^53")]
fn fraction(number: f64) -> f64 {
    number - (number as u64) as f64
}

#[cfg(test)]
mod tests {
    use flcm_flags::Millis;

    use super::{back_off, next_poll, number_of, phase_of};
    use crate::time::Now;

    #[test]
    fn back_off_stays_within_its_bounds() {
        for failures in 0_u32..100 {
            let longest = (1000_u64 << failures.saturating_sub(1).min(20)).min(300_000);
            assert!(back_off(failures, 1000, 300_000, 0.999_999) < longest);
            assert_eq!(back_off(failures, 1000, 300_000, 0.0), 0);
        }
    }

    #[test]
    fn polls_meet_the_phase_and_are_half_an_interval_apart() {
        for wall in (0..600_000).step_by(997) {
            let now = Now { wall: Millis(1_800_000_000_000 + wall), elapsed: 0, random: 0.5 };
            let wait = next_poll(60_000, 0.25, now);
            assert!((30_000..90_000).contains(&wait), "{wait}");
            let position = (now.wall.0 + wait) % 60_000;
            assert!((14_998..=15_000).contains(&position), "{position}");
        }
        assert_eq!(next_poll(0, 0.25, Now::default()), 0);
    }

    #[test]
    fn numbers_that_are_drawn_fit_every_language() {
        assert_eq!(number_of(0.0), 0);
        assert!(number_of(1.0 - f64::EPSILON) < 1 << 53);
        for instance in [0, 1, 1000, 1 << 20, (1 << 53) - 1] {
            assert!((0.0..1.0).contains(&phase_of(instance)), "{instance}");
        }
    }
}
