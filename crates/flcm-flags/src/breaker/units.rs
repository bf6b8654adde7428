//! Counts users rather than calls: one that fails and retries a thousand times is one failure.

use crate::bucket::mix;

/// Remembers for a minute who has been counted, in memory that the caller brings: 64 bits a user.
///
/// A user counts as at most one success and one failure of a flag and arm a minute. Where two users fall on one slot,
/// the later takes it, and the earlier may count once more: with 4,096 slots and 400 users a minute that is one in
/// twenty.
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

/// The lower bits of a slot tell the user, two what was counted, and the upper ones the minute, modulo eight years. The
/// index of the slot is taken from the upper bits of the hash, so that it says nothing of the lower ones.
const USER: u64 = (1 << 40) - 1;
const PASSED: u64 = 1 << 40;
const FAILED: u64 = 1 << 41;
const MINUTE: u32 = 42;

impl<B: AsMut<[u64]>> Units<B> {
    /// Takes a zeroed buffer.
    pub const fn new(buffer: B) -> Self {
        Self(buffer)
    }

    /// Whether this outcome counts; `unit` is the digest of the user, `flag` a number of the flag and the arm.
    pub fn counts(&mut self, flag: u64, unit: u64, failed: bool, now: crate::time::Millis) -> bool {
        let hash = mix(unit ^ mix(flag));
        let slots = self.0.as_mut();
        let index = usize::try_from(hash >> 32).unwrap_or(0).checked_rem(slots.len()).unwrap_or(0);
        let Some(slot) = slots.get_mut(index) else { return true };
        let bit = if failed { FAILED } else { PASSED };
        let user = ((now.0 / 60_000) << MINUTE) | (hash & USER);
        let same = *slot & !(PASSED | FAILED) == user;
        let counted = same && *slot & bit != 0;
        *slot = if same { *slot | bit } else { user | bit };
        !counted
    }
}
