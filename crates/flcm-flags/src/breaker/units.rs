//! Counts users rather than calls: one that fails and retries a thousand times is one failure.

use crate::bucket::mix;

/// Remembers for a minute who has been counted, in memory that the caller brings: 64 bits a user.
///
/// A user counts as at most one success and one failure of a flag and arm a minute. Where two users fall on one place, the later
/// takes it, and the earlier may count once more: with 4,096 places and 400 users a minute that is one in twenty.
///
/// ```
/// use flcm_flags::Millis;
/// use flcm_flags::breaker::Units;
///
/// let mut units = Units::new([0; 64]);
/// assert!(units.counts(1, 42, true, Millis(0)));
/// assert!(!units.counts(1, 42, true, Millis(10_000)), "the same user has failed already");
/// assert!(units.counts(1, 43, true, Millis(10_000)));
/// assert!(units.counts(1, 42, true, Millis(60_000)), "a minute later");
/// ```
#[derive(Clone, Debug)]
pub struct Units<B>(B);

/// Bits of a place that tell the minute and what was counted; the others tell the user.
const MINUTES: u64 = 0x3f;
const PASSED: u64 = 0x40;
const FAILED: u64 = 0x80;
const USER: u64 = !0xff;

impl<B: AsMut<[u64]>> Units<B> {
    /// Takes a zeroed buffer.
    pub const fn new(buffer: B) -> Self {
        Self(buffer)
    }

    /// Whether this outcome counts; `unit` is the digest of the user, `flag` a number of the flag and the arm.
    pub fn counts(&mut self, flag: u64, unit: u64, failed: bool, now: crate::time::Millis) -> bool {
        let hash = mix(unit ^ mix(flag));
        let places = self.0.as_mut();
        let index = usize::try_from(hash >> 32).unwrap_or(0).checked_rem(places.len()).unwrap_or(0);
        let Some(place) = places.get_mut(index) else { return true };
        let minute = (now.0 / 60_000) & MINUTES;
        let bit = if failed { FAILED } else { PASSED };
        let same = (*place ^ hash) & (USER | MINUTES) == (minute ^ hash) & MINUTES;
        let counted = same && *place & bit != 0;
        *place = if same { *place | bit } else { (hash & USER) | minute | bit };
        !counted
    }
}
