//! A histogram in one and a half kilobytes whose buckets grow with the value.
//!
//! The buckets are log-linear, as in `HdrHistogram`: each octave is cut into sixteen buckets of equal width. Exponent
//! and first mantissa bits of a float *are* the number of its bucket, so recording is a shift and a subtraction,
//! without a logarithm. A bucket is at most 1/16 wide, so its middle is within 1/32, or 3.2 %, of any value in it.
//!
//! The buckets are the same on every host, so histograms merge by adding them up. Sums are integers for the same
//! reason: they add up to the same bits in any order.
#![expect(clippy::float_arithmetic, reason = "measured values; no decision depends on them")]

use core::fmt;

/// The mantissa bits that a bucket keeps: sixteen linear buckets in each octave.
const MANTISSA_BITS: u32 = 4;
/// Octaves from 2^-7 to 2^17: in milliseconds from 7.8 µs, finer than what a clock measures, to 131 s, longer than
/// anyone waits.
const OCTAVES: usize = 24;
pub(super) const BUCKETS: usize = OCTAVES << MANTISSA_BITS;
/// How far the bits that name a bucket stand from the right of a float.
const SHIFT: u32 = 52 - MANTISSA_BITS;
/// Those bits of 2^-7, the start of the first bucket. A float's exponent is stored plus 1023.
const FIRST: u64 = (1023 - 7) << MANTISSA_BITS;
/// The sum is kept in this part of one: integers add up to the same in any order, floats do not.
const PART: f64 = 1024.0;

/// Values from 0 upwards, such as milliseconds, for means and quantiles.
///
/// Count, least and largest value are exact. The sum is exact to 1/2048 per value. A quantile is within 3.2 % of the
/// value that it stands for, if that lies between 2^-7 and 2^17: in milliseconds from 8 µs to two minutes.
///
/// ```
/// use flcm_flags::metrics::Histogram;
///
/// let mut durations = Histogram::new();
/// for milliseconds in 1..=1000 {
///     durations.record(milliseconds.into());
/// }
/// assert_eq!((durations.count(), durations.mean(), durations.max()), (1000, 500.5, 1000.0));
/// assert!((durations.quantile(0.99) / 990.0 - 1.0).abs() < 0.032);
/// assert!(!durations.record(-1.0));
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Histogram {
    buckets: [u32; BUCKETS],
    count: u64,
    /// In parts of 1/1024.
    sum: u64,
    /// The bits of the extremes: those of floats from 0 upwards are ordered as they are.
    min: u64,
    max: u64,
}

impl Histogram {
    /// A histogram without values.
    #[must_use]
    pub const fn new() -> Self {
        Self { buckets: [0; BUCKETS], count: 0, sum: 0, min: u64::MAX, max: 0 }
    }

    /// Records a value. Returns false, and records nothing, for a value that is negative or not finite.
    #[inline]
    pub fn record(&mut self, value: f64) -> bool {
        self.record_times(value, 1)
    }

    /// Like [`record`](Self::record), for a value that was measured so often.
    ///
    /// ```
    /// use flcm_flags::metrics::Histogram;
    /// let mut durations = Histogram::new();
    /// durations.record_times(10.0, 3);
    /// assert_eq!((durations.count(), durations.sum()), (3, 30.0));
    /// ```
    #[inline]
    pub fn record_times(&mut self, value: f64, times: u32) -> bool {
        if !Self::accepts(value) || times == 0 {
            return false;
        }
        // Without the sign of a negative zero.
        let bits = value.abs().to_bits();
        self.add_bucket(bucket_of(bits), times);
        self.add_extent(parts(value).saturating_mul(times.into()), bits, bits);
        true
    }

    /// Whether a value can be recorded.
    #[inline]
    pub(super) fn accepts(value: f64) -> bool {
        value >= 0.0 && value.is_finite()
    }

    /// Adds to a sum, and widens the extremes.
    #[inline]
    pub(super) fn add_extent(&mut self, sum: u64, min: u64, max: u64) {
        self.sum = self.sum.saturating_add(sum);
        self.min = self.min.min(min);
        self.max = self.max.max(max);
    }

    /// Adds to one bucket, and to the count.
    #[inline]
    pub(super) fn add_bucket(&mut self, bucket: usize, count: u32) {
        if let Some(bucket) = self.buckets.get_mut(bucket) {
            *bucket = bucket.saturating_add(count);
            self.count = self.count.saturating_add(count.into());
        }
    }

    /// Adds all values of another histogram.
    ///
    /// ```
    /// use flcm_flags::metrics::Histogram;
    /// let (mut here, mut there) = (Histogram::new(), Histogram::new());
    /// here.record(10.0);
    /// there.record(30.0);
    /// here.merge(&there);
    /// assert_eq!((here.count(), here.min(), here.mean(), here.max()), (2, 10.0, 20.0, 30.0));
    /// ```
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in self.buckets.iter_mut().zip(&other.buckets) {
            *bucket = bucket.saturating_add(*count);
        }
        self.count = self.count.saturating_add(other.count);
        self.add_extent(other.sum, other.min, other.max);
    }

    /// The number of values.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The least value; 0 without any.
    #[must_use]
    pub const fn min(&self) -> f64 {
        if self.is_empty() { 0.0 } else { f64::from_bits(self.min) }
    }

    /// The largest value; 0 without any.
    #[must_use]
    pub const fn max(&self) -> f64 {
        f64::from_bits(self.max)
    }

    /// The sum of the values, rounded to 1/1024 each. It stops at 2^54 in the unit of the values.
    #[must_use]
    pub fn sum(&self) -> f64 {
        to_float(self.sum) / PART
    }

    /// The arithmetic mean, between the least and the largest value; 0 without any value.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.is_empty() { 0.0 } else { self.within(self.sum() / to_float(self.count)) }
    }

    /// The value that a share of the values, from 0 to 1, does not exceed; 0 without any value.
    ///
    /// It is within 3.2 % of the value at that position among the sorted values, and between the least and the largest.
    #[must_use]
    pub fn quantile(&self, share: f64) -> f64 {
        let [value] = self.quantiles([share]);
        value
    }

    /// Like [`quantile`](Self::quantile), for several in one pass.
    #[must_use]
    pub fn quantiles<const N: usize>(&self, shares: [f64; N]) -> [f64; N] {
        let total = to_float(self.buckets.iter().copied().map(u64::from).sum());
        let wanted = shares.map(|share| share * total);
        let (mut values, mut seen) = ([self.max(); N], 0_u64);
        for (bucket, count) in self.filled() {
            let before = to_float(seen);
            seen = seen.saturating_add(count.into());
            for (value, wanted) in values.iter_mut().zip(&wanted) {
                // The first value is in its bucket, whatever share is asked for.
                if (before < *wanted || before <= 0.0) && *wanted <= to_float(seen) {
                    *value = self.within(middle_of(bucket));
                }
            }
        }
        values
    }

    /// The value, limited to the range of those that were recorded.
    fn within(&self, value: f64) -> f64 {
        value.max(self.min()).min(self.max())
    }

    /// Buckets with something in them.
    pub(super) fn filled(&self) -> impl Iterator<Item = (usize, u32)> + Clone {
        self.buckets.iter().copied().enumerate().filter(|(_, count)| *count > 0)
    }

    /// The sum in its parts, and the bits of the least and the largest value.
    pub(super) const fn extent(&self) -> (u64, u64, u64) {
        (self.sum, self.min, self.max)
    }

    /// Removes all values.
    pub fn clear(&mut self) {
        *self = Self::new();
    }

    /// Whether there is no value.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, min, mean, max) = (self.count, self.min(), self.mean(), self.max());
        write!(formatter, "Histogram {{ count: {count}, min: {min}, mean: {mean}, max: {max} }}")
    }
}

/// The bucket of a float's bits: exponent and first mantissa bits, as they stand in it.
#[inline]
pub(super) fn bucket_of(bits: u64) -> usize {
    usize::try_from((bits >> SHIFT).saturating_sub(FIRST)).unwrap_or(usize::MAX).min(BUCKETS - 1)
}

/// The middle of a bucket: at most 1/32 from any value in it.
fn middle_of(bucket: usize) -> f64 {
    let start = u64::try_from(bucket).unwrap_or(0).saturating_add(FIRST);
    f64::from_bits((start << SHIFT) | (1 << (SHIFT - 1)))
}

/// A value in parts of 1/1024, rounded.
#[inline]
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
fn parts(value: f64) -> u64 {
    (value * PART + 0.5) as u64
}

/// The same of the bits of a value.
pub(super) fn parts_of_bits(bits: u64) -> u64 {
    parts(f64::from_bits(bits))
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "as close as a float comes")]
fn to_float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, Histogram, bucket_of, middle_of};

    #[test]
    fn buckets_lie_side_by_side_and_are_at_most_a_sixteenth_wide() {
        let (mut bucket, mut start) = (0, 2_f64.powi(-7));
        for octave in -7..17 {
            for part in 1..=16 {
                let end = 2_f64.powi(octave) * (1.0 + f64::from(part) / 16.0);
                assert_eq!(bucket_of(start.to_bits()), bucket);
                assert_eq!(bucket_of(end.next_down().to_bits()), bucket);
                assert_eq!(middle_of(bucket).to_bits(), f64::midpoint(start, end).to_bits());
                assert!(middle_of(bucket) / start <= 1.0 + 1.0 / 32.0);
                (bucket, start) = (bucket + 1, end);
            }
        }
        assert_eq!(bucket, BUCKETS);
        assert_eq!((bucket_of(0), bucket_of(0.001_f64.to_bits())), (0, 0));
        assert_eq!((bucket_of(131_072_f64.to_bits()), bucket_of(f64::MAX.to_bits())), (BUCKETS - 1, BUCKETS - 1));
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        let mut histogram = Histogram::new();
        for value in [-1.0, -f64::MIN_POSITIVE, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!histogram.record(value), "{value}");
        }
        assert!(histogram == Histogram::new() && histogram.is_empty());
        assert!(histogram.record(-0.0) && histogram.record(f64::MAX));
        assert_eq!(histogram.min().to_bits(), 0, "a zero has no sign");
        assert_eq!((histogram.count(), histogram.max()), (2, f64::MAX));
    }

    #[test]
    fn without_values_everything_is_zero() {
        let empty = Histogram::new();
        let numbers = [empty.min(), empty.max(), empty.sum(), empty.mean(), empty.quantile(0.5)];
        assert_eq!(numbers.map(f64::to_bits), [0; 5]);
    }

    #[test]
    fn counts_stop_at_the_largest() {
        let mut histogram = Histogram::new();
        for _ in 0..3 {
            histogram.add_bucket(7, u32::MAX - 1);
            histogram.add_extent(u64::MAX - 1, 0, 0);
        }
        let count = histogram.count();
        histogram.merge(&histogram.clone());
        assert_eq!(histogram.filled().collect::<std::vec::Vec<_>>(), [(7, u32::MAX)]);
        assert_eq!((count, histogram.count()), (3 * (u64::from(u32::MAX) - 1), 2 * count));
        assert_eq!(histogram.extent(), (u64::MAX, 0, 0));
    }
}
