//! Percentages: schedules, ramps, and the comparison that puts a user in or out.
//!
//! Percentages are integers in thousandths of a percent, 0 to 100,000, and so are the buckets that they are compared
//! with. [`is_inside`] is the only comparison of a percentage with a user.
//!
//! **Raising a percentage removes nobody**, because a user's bucket does not depend on it. A ramp therefore only ever
//! adds users while it rises.
//!
//! **Ramps are exact.** A linear ramp is rounded down from the exact fraction, in integers. Dividing first would give 0
//! % for the whole length of the ramp; floats would differ between languages. The product of a percentage and a time
//! span does not fit 64 bits for every time, so it is computed in two parts.

use core::num::NonZeroU64;

use crate::bucket::BUCKETS;
use crate::snapshot::wire::RuleRecord;
use crate::snapshot::{Flag, Reader, Rule, Serves};
use crate::time::Millis;

impl Rule<'_> {
    /// The percentage of the rule at a time, in thousandths of a percent.
    ///
    /// Before the first entry of the schedule it is the rule's own percentage, and after the last entry that entry's.
    /// In between it is that of the latest entry, or with a linear ramp a point on the line to the next entry, rounded
    /// down.
    ///
    /// ```
    /// use flcm_flags::{Millis, Snapshot, time::parse_rfc3339};
    ///
    /// let text = "
    /// flags:
    ///   beta:
    ///     rollout:
    ///       percentage: 0
    ///       ramp: linear
    ///       schedule: [{ at: 2030-01-01T00:00:00Z, percentage: 10 }, { at: 2030-01-02T00:00:00Z, percentage: 20 }]";
    /// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
    /// let snapshot = Snapshot::from_bytes(bytes)?;
    /// let rule = snapshot.describe(snapshot.flag("beta").unwrap()).unwrap().rules().next().unwrap();
    /// let at = |time| rule.percentage_at(Millis(parse_rfc3339(time).unwrap().try_into().unwrap()));
    /// assert_eq!(at("2029-12-31T23:59:59Z"), 0);
    /// assert_eq!(at("2030-01-01T12:00:00Z"), 15_000);
    /// assert_eq!(at("2031-01-01T00:00:00Z"), 20_000);
    /// # Ok::<(), flcm_flags::SnapshotError>(())
    /// ```
    #[must_use]
    pub fn percentage_at(&self, now: Millis) -> u32 {
        self.flag.reader.percentage_at(self.record, now)
    }
}

impl Flag<'_> {
    /// The highest percentage of the flag's rules at a time, in thousandths of a percent.
    ///
    /// Only rules that leave somebody out or follow a schedule count. Without such a rule it is 100 %, and when the
    /// kill switch is off it is 0. A host reports it to the flag's breaker: see
    /// [`Breaker::stage`](crate::breaker::Breaker::stage).
    #[must_use]
    pub fn percentage_at(&self, now: Millis) -> u32 {
        if !self.enabled() {
            return 0;
        }
        let draws = |rule: &Rule<'_>| {
            rule.serves() == Serves::On && (rule.percentage() < BUCKETS || rule.record.schedule_count.get() > 0)
        };
        self.rules().filter(draws).map(|rule| rule.percentage_at(now)).max().unwrap_or(BUCKETS)
    }
}

impl Reader<'_> {
    /// Like [`Rule::percentage_at`].
    #[inline]
    pub(crate) fn percentage_at(self, rule: &RuleRecord, now: Millis) -> u32 {
        if rule.schedule_count.get() == 0 { rule.percentage.get() } else { self.scheduled(rule, now) }
    }

    /// The percentage of a rule that has a schedule.
    #[inline(never)]
    fn scheduled(self, rule: &RuleRecord, now: Millis) -> u32 {
        let mut current = (0, rule.percentage.get());
        let mut is_ramp = false;
        for entry in self.schedule(rule) {
            if entry.0 > now.0 {
                return if is_ramp { interpolate(current, entry, now.0) } else { current.1 };
            }
            current = entry;
            is_ramp = rule.linear == 1;
        }
        current.1
    }
}

/// Whether a gate bucket is inside a percentage, both in thousandths of a percent.
///
/// A user without a bucket, who has no targeting key or lacks the attribute that is hashed, is inside 100 % only.
///
/// ```
/// use flcm_flags::rollout::is_inside;
/// assert!(is_inside(Some(9_999), 10_000) && !is_inside(Some(10_000), 10_000));
/// assert!(is_inside(None, 100_000) && !is_inside(None, 99_999));
/// ```
#[must_use]
#[inline]
pub fn is_inside(bucket: Option<u32>, percentage: u32) -> bool {
    match bucket {
        Some(bucket) => bucket < percentage,
        None => percentage >= BUCKETS,
    }
}

/// `p0 + floor((p1 - p0) * (now - t0) / (t1 - t0))`, for `t0 <= now < t1`.
fn interpolate((t0, p0): (u64, u32), (t1, p1): (u64, u32), now: u64) -> u32 {
    let (passed, whole) = (now.wrapping_sub(t0), t1.wrapping_sub(t0));
    if p1 >= p0 {
        p0.wrapping_add(share(p1.wrapping_sub(p0), passed, whole))
    } else {
        // Rounding down the sum is rounding up what has gone: what is left of the way, rounded down.
        p1.wrapping_add(share(p0.wrapping_sub(p1), whole.wrapping_sub(passed), whole))
    }
}

/// `floor(rise * passed / whole)`, for `passed <= whole` and a rise of at most 100 %.
///
/// The product overflows 64 bits after some thousand years, so the nine lower bits of the rise are multiplied with what
/// the upper ones leave over. Exact for every time up to 2^53; what lies behind is no time.
fn share(rise: u32, passed: u64, whole: u64) -> u32 {
    let Some(whole) = NonZeroU64::new(whole) else { return 0 };
    let upper = u64::from(rise >> 9).wrapping_mul(passed);
    let lower = ((upper % whole) << 9).wrapping_add(u64::from(rise & 511).wrapping_mul(passed));
    let share = ((upper / whole) << 9).wrapping_add(lower / whole);
    u32::try_from(share).map_or(rise, |share| share.min(rise))
}

#[cfg(test)]
mod tests {
    use super::{interpolate, is_inside};
    use crate::bucket::mix;

    #[test]
    fn a_ramp_is_never_zero_for_its_whole_length() {
        // Trap 7: an integer division of the fraction first gives 0 until the end.
        assert_eq!(interpolate((0, 0), (1000, 100_000), 500), 50_000);
        assert_eq!(interpolate((0, 0), (1000, 100_000), 1), 100);
    }

    #[test]
    fn a_falling_ramp_rounds_toward_negative_infinity() {
        assert_eq!(interpolate((0, 10), (3, 0), 1), 6);
        assert_eq!(interpolate((0, 0), (3, 10), 1), 3);
    }

    #[test]
    fn a_ramp_over_all_time_does_not_overflow() {
        assert_eq!(interpolate((0, 0), (1 << 53, 100_000), (1 << 53) - 1), 99_999);
    }

    #[test]
    fn a_ramp_is_what_128_bits_say() {
        for seed in 0..200_000_u64 {
            let random = |of: u64| mix(seed.wrapping_mul(8).wrapping_add(of));
            // Lengths of all magnitudes.
            let (t0, length) = (random(0) >> 12, (random(1) >> 12 >> (random(2) % 50)).max(1));
            let now = t0 + random(3) % length;
            let percentage = |of| u32::try_from(random(of) % 100_001).unwrap();
            let (p0, p1) = (percentage(4), percentage(5));
            let rise = (i128::from(p1) - i128::from(p0)) * i128::from(now - t0);
            let expected = i128::from(p0) + rise.div_euclid(i128::from(length));
            assert_eq!(i128::from(interpolate((t0, p0), (t0 + length, p1), now)), expected, "{seed}");
        }
    }

    #[test]
    fn a_hostile_schedule_does_not_panic() {
        assert!(interpolate((0, 0), (u64::MAX, 100_000), u64::MAX - 1) <= 100_000);
        assert!(interpolate((0, 100_000), (u64::MAX, 1), 1) <= 100_000);
    }

    #[test]
    fn a_user_without_a_bucket_is_inside_100_percent_only() {
        assert!(is_inside(None, 100_000));
        assert!(!is_inside(None, 99_999));
        assert!(is_inside(Some(99_999), 100_000));
        assert!(!is_inside(Some(0), 0));
    }
}
