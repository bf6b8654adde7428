//! Compares a flag's policy with plain error rates: how soon each detects a fault, and how often it rolls back a
//! healthy flag.

use std::ops::Range;

use flcm_flags::breaker::{Plan, Scope};
use flcm_flags::{Action, Detector, Policy};

use super::{Course, Delays, Source, Traffic};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// What is compared, and over how many runs. No thread is started: a caller with threads runs a [`part`](Self::part) on
/// each of them, and [merges](Self::merge) the results.
///
/// ```
/// use flcm_flags::Policy;
/// use flcm_flags_config::simulate::{Comparison, Traffic};
///
/// let traffic = Traffic { requests: 10.0, share: 0.5, treatment: 0.5, control: 0.01 };
/// let comparison = Comparison { policy: Policy::DEFAULT, traffic, runs: 4, days: 1, seed: 1, with_plain: true };
/// let results = comparison.run();
/// assert_eq!(results[0].name, "this flag");
/// assert_eq!(results[0].from_start.found.len(), 4);
/// assert_eq!(Comparison::merge([comparison.part(0, 2), comparison.part(1, 2)]), results);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The flag's own policy.
    pub policy: Policy,
    /// Requests, and how many of them fail once the fault is there. A healthy flag fails as often as the control.
    pub traffic: Traffic,
    /// How many runs with a fault are simulated for each policy: once with the fault from the start, once after an
    /// hour.
    pub runs: u64,
    /// How many healthy days are simulated for each policy.
    pub days: u64,
    /// The seed of the random numbers.
    pub seed: u64,
    /// Whether the flag's policy is compared with plain rates at all.
    pub with_plain: bool,
}

/// A policy and its results.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyResult {
    /// `this flag`, or which plain rate it is.
    pub name: &'static str,
    /// With the fault there from the first request; a run ends after a day.
    pub from_start: Delays,
    /// With the fault after a healthy hour; a run ends six hours later.
    pub after_an_hour: Delays,
    /// Healthy days on which it rolled back.
    pub false_days: u64,
}

impl Comparison {
    /// All runs of all policies; the flag's own comes first.
    #[must_use]
    pub fn run(&self) -> Vec<PolicyResult> {
        self.part(0, 1)
    }

    /// One of several equal parts of the runs and days, counted from 0. The number of parts does not change the
    /// results.
    #[must_use]
    pub fn part(&self, part: u64, parts: u64) -> Vec<PolicyResult> {
        let range = |all: u64| (all * part / parts)..(all * (part + 1) / parts);
        self.range(range(self.runs), range(self.days))
    }

    /// Some of the runs and days, by their numbers.
    #[must_use]
    pub fn range(&self, runs: Range<u64>, days: Range<u64>) -> Vec<PolicyResult> {
        self.policies().iter().map(|(name, policy)| self.result(name, policy, &runs, &days)).collect()
    }

    /// How many healthy days are simulated beside so many runs, unless somebody says: a day takes as long as many runs.
    #[must_use]
    pub const fn days_for(runs: u64) -> u64 {
        runs.div_ceil(10)
    }

    /// Puts the results of all parts together.
    #[must_use]
    pub fn merge(parts: impl IntoIterator<Item = Vec<PolicyResult>>) -> Vec<PolicyResult> {
        let merged = parts.into_iter().reduce(|mut all, part| {
            all.iter_mut().zip(part).for_each(|(result, part)| result.merge(part));
            all
        });
        merged.unwrap_or_default()
    }

    /// The flag's own policy, and plain rates over its window.
    fn policies(&self) -> Vec<(&'static str, Policy)> {
        // A policy that only notifies is simulated as if it rolled back.
        let own = Policy { action: Action::Disable, ..self.policy };
        let plain = Policy { detector: Detector::Rate, ..own };
        let mut policies = vec![("this flag", own)];
        if !self.with_plain {
            return policies;
        }
        if own.detector == Detector::Evidence {
            policies.push(("plain rate, from 11 calls", Policy { min_samples: 11, ..plain }));
        }
        policies.push(("plain rate, from 100 calls", Policy { min_samples: 100, ..plain }));
        policies
    }

    fn result(&self, name: &'static str, policy: &Policy, runs: &Range<u64>, days: &Range<u64>) -> PolicyResult {
        let plan = Plan::new(policy, Scope::Fleet);
        let day = Course::healthy(self.healthy(), DAY);
        PolicyResult {
            name,
            from_start: Delays::of(self.fault(0, DAY).runs(&plan, self.seed, runs.clone())),
            after_an_hour: Delays::of(self.fault(HOUR, 6 * HOUR).runs(&plan, self.seed, runs.clone())),
            false_days: Delays::of(day.runs(&plan, self.seed.wrapping_add(1), days.clone())).falsely,
        }
    }

    /// A fault after so many healthy seconds, for so many seconds.
    fn fault(&self, healthy_seconds: u64, seconds: u64) -> Course {
        Course {
            healthy: self.healthy(),
            healthy_seconds,
            failing: Source::new(&self.traffic),
            seconds: healthy_seconds + seconds,
        }
    }

    fn healthy(&self) -> Source {
        Source::new(&Traffic { treatment: self.traffic.control, ..self.traffic })
    }
}

impl PolicyResult {
    fn merge(&mut self, part: Self) {
        self.from_start.merge(part.from_start);
        self.after_an_hour.merge(part.after_an_hour);
        self.false_days += part.false_days;
    }
}
