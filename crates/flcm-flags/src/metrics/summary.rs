//! What a person wants to know of a flag's metrics.
#![expect(clippy::float_arithmetic, reason = "shares of counts; no decision depends on them")]

use super::{FlagMetrics, Histogram, Outcomes};
use crate::counts::Sample;

/// The metrics of one flag in a few numbers. Decisions by reason are in [`FlagMetrics::count`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// How many decisions there were.
    pub decisions: u64,
    /// For about how many different users; the standard error is 2.3 %.
    pub users: f64,
    /// Settled outcomes by arm.
    pub outcomes: Outcomes,
    /// The share of treatment outcomes that failed or are missing, from 0 to 1; 0 without any.
    pub treatment_error_rate: f64,
    /// The share of control outcomes that failed or are missing, from 0 to 1; 0 without any.
    pub control_error_rate: f64,
    /// How long outcomes took.
    pub durations: Durations,
}

impl Summary {
    pub(super) fn new<C: AsRef<[u32]>>(metrics: &FlagMetrics<C>) -> Self {
        Self {
            decisions: metrics.counters.as_ref().iter().copied().map(u64::from).sum(),
            users: metrics.users.estimate(),
            outcomes: metrics.outcomes,
            treatment_error_rate: error_rate(&metrics.outcomes.treatment),
            control_error_rate: error_rate(&metrics.outcomes.control),
            durations: Durations::new(&metrics.durations),
        }
    }
}

/// A [`Histogram`] in a few numbers, in its unit: milliseconds for those of a flag. All are 0 without any value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Durations {
    /// How many values there are.
    pub count: u64,
    /// The arithmetic mean.
    pub mean: f64,
    /// What half of the values do not exceed, within 3.2 %.
    pub p50: f64,
    /// What 95 % of the values do not exceed, within 3.2 %.
    pub p95: f64,
    /// What 99 % of the values do not exceed, within 3.2 %.
    pub p99: f64,
    /// The least value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
}

impl Durations {
    /// Looks at a histogram once.
    #[must_use]
    pub fn new(histogram: &Histogram) -> Self {
        let [p50, p95, p99] = histogram.quantiles([0.5, 0.95, 0.99]);
        let (count, mean, min, max) = (histogram.count(), histogram.mean(), histogram.min(), histogram.max());
        Self { count, mean, p50, p95, p99, min, max }
    }
}

fn error_rate(sample: &Sample) -> f64 {
    if sample.total == 0 { 0.0 } else { f64::from(sample.failures()) / f64::from(sample.total) }
}
