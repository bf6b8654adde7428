//! The results of a comparison, as programs read them: `flcm simulate --json`, and tools in browsers.

use serde::{Serialize, Serializer};

use super::{Comparison, Delays, PolicyResult, interval};
use crate::parse::json::serialize_number;

/// What was simulated, and what came of it.
///
/// ```
/// use flcm_flags::Policy;
/// use flcm_flags_config::simulate::{Comparison, Report, Traffic};
///
/// let traffic = Traffic { requests: 10.0, share: 0.5, treatment: 0.5, control: 0.01 };
/// let comparison = Comparison { policy: Policy::DEFAULT, traffic, runs: 4, days: 1, seed: 1, with_plain: true };
/// let report = Report::new("beta", 50.0, &comparison, &comparison.run());
/// assert_eq!((report.runs, report.rules[0].rule, report.rules[0].days), (4, "this flag", 1));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The flag key.
    pub flag: String,
    /// Requests per second of eligible users.
    #[serde(serialize_with = "serialize_number")]
    pub requests_per_second: f64,
    /// Percentage of them that is treated.
    #[serde(serialize_with = "serialize_number")]
    pub share_percent: f64,
    /// Share of the treated requests that fails, from 0 to 1.
    #[serde(serialize_with = "serialize_number")]
    pub error_rate: f64,
    /// Share of all others that fails.
    #[serde(serialize_with = "serialize_number")]
    pub baseline: f64,
    /// How many runs there were with a fault.
    pub runs: u64,
    /// The seed of the random numbers.
    pub seed: u64,
    /// How many false rollbacks the flag may have in a day.
    #[serde(serialize_with = "serialize_number")]
    pub budget: f64,
    /// The flag's own policy first, then plain rates.
    pub rules: Vec<RuleReport>,
}

/// The results of one policy.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleReport {
    /// `this flag`, or which plain rate it is.
    pub rule: &'static str,
    /// With the fault there from the first request.
    pub from_start: DelayReport,
    /// With the fault after a healthy hour.
    pub after_an_hour: DelayReport,
    /// Healthy days on which it rolled back.
    pub false_days: u64,
    /// Of so many healthy days.
    pub days: u64,
    /// The 95 % confidence interval of false rollbacks a day.
    #[serde(rename = "falseRate95", serialize_with = "serialize_pair")]
    pub false_rate: (f64, f64),
}

/// How long it took to detect a fault.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DelayReport {
    /// Half of the runs detected it within so many seconds; `None` if fewer than half did.
    pub median_seconds: Option<u64>,
    /// The same for nine runs out of ten.
    pub p90_seconds: Option<u64>,
    /// The share of the runs in which it was detected.
    #[serde(serialize_with = "serialize_number")]
    pub share_found: f64,
    /// Runs that were rolled back before the fault began.
    pub falsely: u64,
}

impl Report {
    /// The report of a comparison and its results. `share` is the percentage of requests that is treated.
    #[must_use]
    pub fn new(flag: &str, share: f64, comparison: &Comparison, results: &[PolicyResult]) -> Self {
        let Comparison { policy, traffic, runs, days, seed, .. } = *comparison;
        Self {
            flag: flag.to_owned(),
            requests_per_second: traffic.requests,
            share_percent: share,
            error_rate: traffic.treatment,
            baseline: traffic.control,
            runs,
            seed,
            budget: policy.budget,
            rules: results.iter().map(|result| RuleReport::new(result, days)).collect(),
        }
    }
}

impl RuleReport {
    fn new(result: &PolicyResult, days: u64) -> Self {
        Self {
            rule: result.name,
            from_start: DelayReport::new(&result.from_start),
            after_an_hour: DelayReport::new(&result.after_an_hour),
            false_days: result.false_days,
            days,
            false_rate: interval(result.false_days, days),
        }
    }
}

impl DelayReport {
    fn new(delays: &Delays) -> Self {
        Self {
            median_seconds: delays.quantile(0.5),
            p90_seconds: delays.quantile(0.9),
            share_found: delays.share_found(),
            falsely: delays.falsely,
        }
    }
}

fn serialize_pair<S: Serializer>(pair: &(f64, f64), serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Number(#[serde(serialize_with = "serialize_number")] f64);
    (Number(pair.0), Number(pair.1)).serialize(serializer)
}
