//! Summaries: a flag's metrics in the few numbers that people read, on a dashboard or in a terminal.
//!
//! Rates here are plain shares of all outcomes. They decide nothing: breakers weigh evidence instead (see
//! [`breaker`](crate::breaker)).
#![expect(clippy::float_arithmetic, reason = "shares of counts; no decision depends on them")]

use super::{FlagMetrics, Groups, Histogram, Outcomes};
use crate::counts::Sample;

/// The metrics of one flag in a few numbers: see [`FlagMetrics::summary`].
///
/// Decisions by variant and reason are in [`FlagMetrics::count`].
///
/// ```
/// use flcm_flags::metrics::FlagMetrics;
/// use flcm_flags::{Arm, Sample};
///
/// let mut metrics = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
/// metrics.outcome(Arm::Treatment, &Sample { total: 4, errors: 1, ..Sample::default() }, 20.0);
/// let summary = metrics.summary();
/// assert_eq!((summary.treatment_error_rate, summary.control_error_rate), (0.25, 0.0));
/// assert_eq!(summary.durations.max, 20.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// The number of decisions.
    pub decisions: u64,
    /// The estimated number of different users that the flag was decided for; the standard error is 2.3 %.
    pub users: f64,
    /// All outcomes, by arm.
    pub outcomes: Outcomes,
    /// The share of treatment outcomes that failed or are missing, from 0 to 1; 0 without any.
    pub treatment_error_rate: f64,
    /// The share of control outcomes that failed or are missing, from 0 to 1; 0 without any.
    pub control_error_rate: f64,
    /// The durations of calls, in milliseconds.
    pub durations: Durations,
}

impl Summary {
    pub(super) fn new<C: AsRef<[u32]>, G: Groups>(metrics: &FlagMetrics<C, G>) -> Self {
        let outcomes = metrics.outcomes();
        Self {
            decisions: metrics.counters.as_ref().iter().copied().map(u64::from).sum(),
            users: metrics.users().estimate(),
            outcomes,
            treatment_error_rate: error_rate(&outcomes.treatment),
            control_error_rate: error_rate(&outcomes.control),
            durations: Durations::new(&metrics.durations()),
        }
    }
}

/// A [`Histogram`] in a few numbers, in its unit: milliseconds for those of a flag. All are 0 without any value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Durations {
    /// The number of values.
    pub count: u64,
    /// The arithmetic mean.
    pub mean: f64,
    /// The median: half of the values do not exceed it. Within 3.2 %.
    pub p50: f64,
    /// 95 % of the values do not exceed it. Within 3.2 %.
    pub p95: f64,
    /// 99 % of the values do not exceed it. Within 3.2 %.
    pub p99: f64,
    /// The least value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
}

impl Durations {
    /// The summary of a histogram, in one pass over its buckets.
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
