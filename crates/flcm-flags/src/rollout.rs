//! Percentages: schedules, ramps, and who is inside.

use crate::bucket::BUCKETS;
use crate::snapshot::wire::RuleRecord;
use crate::snapshot::{Reader, Rule};
use crate::time::Millis;

impl Rule<'_> {
    /// The percentage at a time, in thousandths of a percent.
    ///
    /// Before the first entry of the schedule it is the rule's own percentage, after the last the last entry's. In
    /// between it is that of the latest entry, or with a linear ramp on the straight line to the next one, rounded down.
    #[must_use]
    pub fn percentage_at(&self, now: Millis) -> u32 {
        self.flag.reader.percentage_at(self.record, now)
    }
}

impl Reader<'_> {
    /// Like [`Rule::percentage_at`].
    #[inline]
    pub(crate) fn percentage_at(self, rule: &RuleRecord, now: Millis) -> u32 {
        if rule.schedule_count.get() == 0 { rule.percentage.get() } else { self.scheduled(rule, now) }
    }

    #[inline(never)]
    fn scheduled(self, rule: &RuleRecord, now: Millis) -> u32 {
        let Some((at, percentage)) = self.schedule(rule).rfind(|(at, _)| *at <= now.0) else {
            return rule.percentage.get();
        };
        match self.schedule(rule).find(|(next, _)| *next > now.0) {
            Some(next) if rule.linear == 1 => interpolate((at, percentage), next, now.0),
            _ => percentage,
        }
    }
}

/// Whether a gate bucket is inside a percentage. A user without a bucket is inside 100 % only.
#[must_use]
#[inline]
pub fn is_inside(bucket: Option<u32>, percentage: u32) -> bool {
    match bucket {
        Some(bucket) => bucket < percentage,
        None => percentage >= BUCKETS,
    }
}

/// `p0 + floor((p1 - p0) * (now - t0) / (t1 - t0))`, for `t0 <= now < t1`.
///
/// In 128 bits, because a percentage times the milliseconds of some thousand years overflows 64.
fn interpolate((t0, p0): (u64, u32), (t1, p1): (u64, u32), now: u64) -> u32 {
    let rise = i128::from(p1).wrapping_sub(i128::from(p0)).wrapping_mul(i128::from(now.wrapping_sub(t0)));
    let step = rise.checked_div_euclid(i128::from(t1.wrapping_sub(t0))).unwrap_or(0);
    u32::try_from(i128::from(p0).wrapping_add(step)).unwrap_or(p0)
}

#[cfg(test)]
mod tests {
    use super::{interpolate, is_inside};

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
    fn a_user_without_a_bucket_is_inside_100_percent_only() {
        assert!(is_inside(None, 100_000));
        assert!(!is_inside(None, 99_999));
        assert!(is_inside(Some(99_999), 100_000));
        assert!(!is_inside(Some(0), 0));
    }
}
