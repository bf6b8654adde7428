//! Units: counting users rather than calls.
//!
//! A statistical test needs outcomes that are independent of each other. Calls of one user are not: a client that fails
//! and retries a thousand times is one failure, not a thousand. So evidence counts users, each at most once a minute.
//!
//! Memory is fixed and allocation-free: a hash table without chains, one number per slot. A collision costs a little
//! accuracy and no memory.

use crate::bucket::mix;

/// Remembers for a minute which users were counted, in memory that the caller provides: 64 bits per slot.
///
/// A user counts as at most one success and one failure per flag, arm and minute. When two users share a slot, the
/// later one takes it, and the earlier one may count once more. With 4,096 slots and 400 users a minute that happens to
/// one user in twenty.
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

/// A slot: 40 bits of the user's hash, two bits for what was counted, and the minute, modulo eight years.
///
/// The index of the slot comes from the upper bits of the hash, so that it is independent of the bits in the slot.
const USER: u64 = (1 << 40) - 1;
const PASSED: u64 = 1 << 40;
const FAILED: u64 = 1 << 41;
const MINUTE: u32 = 42;

impl<B: AsMut<[u64]>> Units<B> {
    /// Units over a zeroed buffer. With an empty one every outcome counts.
    pub const fn new(buffer: B) -> Self {
        Self(buffer)
    }

    /// Whether this outcome counts, and notes it if so.
    ///
    /// `unit` is the digest of the user, such as [`BoundContext::user_digest`](crate::BoundContext::user_digest).
    /// `flag` is a number of flag and arm that stays the same while the process runs.
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
