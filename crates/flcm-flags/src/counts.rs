//! Outcomes of a feature, counted: what hosts send to breakers and servers.
//!
//! An *outcome* is how one call of a feature went: it succeeded, failed, was slow, or was never reported. Outcomes are
//! counted as integers, so they add up to the same bits in any order and grouping. It makes no difference which host
//! counted which outcome.
//!
//! A *missing* outcome is one that the host gave up waiting for. It counts as a failure: code that crashes before it
//! reports would look healthy otherwise.

/// Outcomes of one arm.
///
/// A call that failed slowly counts in `errors` and in `slow`. A missing one counts in `missing` alone.
///
/// ```
/// use flcm_flags::Sample;
///
/// let mut sample = Sample { total: 10, errors: 1, slow: 3, missing: 0 };
/// sample.add(&Sample { total: 1, missing: 1, ..Sample::default() });
/// assert_eq!((sample.total, sample.failures()), (11, 2));
/// assert!(!Sample { total: 1, errors: 1, missing: 1, ..Sample::default() }.is_valid());
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Sample {
    /// All outcomes, those that are counted below included.
    pub total: u32,
    /// Calls that failed.
    pub errors: u32,
    /// Calls that took longer than the policy's [`slow_ms`](crate::Policy::slow_ms).
    pub slow: u32,
    /// Calls whose outcome was never reported, which counts as a failure.
    pub missing: u32,
}

impl Sample {
    /// Errors and missing outcomes together.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.errors.saturating_add(self.missing)
    }

    /// Whether no part is larger than the whole: failures and slow calls are at most `total`.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        match self.errors.checked_add(self.missing) {
            Some(failures) => failures <= self.total && self.slow <= self.total,
            None => false,
        }
    }

    /// Adds another sample; a count that would overflow stays at the largest.
    pub const fn add(&mut self, other: &Self) {
        self.total = self.total.saturating_add(other.total);
        self.errors = self.errors.saturating_add(other.errors);
        self.slow = self.slow.saturating_add(other.slow);
        self.missing = self.missing.saturating_add(other.missing);
    }
}

/// Outcomes of both arms, as a host sends them to a breaker.
///
/// [`Breaker::record`](crate::breaker::Breaker::record) takes them. Outcomes of users outside of the comparison, such
/// as those with an override, are not among them.
///
/// ```
/// use flcm_flags::{Counts, Sample};
///
/// let failed = Sample { total: 1, errors: 1, ..Sample::default() };
/// let counts = Counts { generation: 4, treatment: failed, ..Counts::default() };
/// assert!(counts.is_valid());
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Counts {
    /// The breaker's [generation](crate::breaker::Breaker::generation) under which the flag was decided.
    ///
    /// Outcomes of an older generation are no evidence: they were caused by a state that has ended since.
    pub generation: u32,
    /// For how long the host has held the counts back, in milliseconds by its own clock.
    ///
    /// The age crosses the network rather than a time, so the clocks of hosts need not agree.
    pub age: u32,
    /// Users who were served the feature by a percentage.
    pub treatment: Sample,
    /// Users who were eligible, and left out by the percentage alone.
    pub control: Sample,
}

impl Counts {
    /// Whether both samples are [valid](Sample::is_valid). A breaker refuses other counts as a whole.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.treatment.is_valid() && self.control.is_valid()
    }
}
