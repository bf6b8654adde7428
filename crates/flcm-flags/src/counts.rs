//! Outcomes of a feature, counted.

/// Exposures of one arm whose outcome is settled.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Sample {
    /// All of them.
    pub total: u32,
    /// Those that failed.
    pub errors: u32,
    /// Those that took longer than the policy's `slow_ms`.
    pub slow: u32,
    /// Those that never reported an outcome, which counts as a failure.
    pub missing: u32,
}

impl Sample {
    /// Errors and missing outcomes.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.errors.saturating_add(self.missing)
    }

    /// Whether no part is larger than the whole.
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
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Counts {
    /// The breaker's generation under which the flag was decided. Outcomes of an older one are no evidence.
    pub generation: u32,
    /// For how long the host has held them back, in milliseconds by its own clock.
    pub age: u32,
    /// Users who were served the feature by a percentage.
    pub treatment: Sample,
    /// Users who were eligible, and left out by the percentage alone.
    pub control: Sample,
}

impl Counts {
    /// Whether no part is larger than the whole.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.treatment.is_valid() && self.control.is_valid()
    }
}
