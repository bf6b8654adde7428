//! A simulation that goes on for as long as somebody wants to know more.

use std::fmt;

use flcm_flags::{Flag, Millis, Snapshot};
use serde::Deserialize;

use super::{Comparison, PolicyResult, Report, Traffic};
use crate::diagnostics::did_you_mean;

/// What is to be simulated. As JSON it has the names of a [`Report`].
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scenario {
    /// The flag key.
    pub flag: String,
    /// Share of the treated requests that fails, from 0 to 1.
    pub error_rate: f64,
    /// Requests per second of eligible users, at most [`Traffic::REQUESTS`].
    pub requests_per_second: f64,
    /// Percentage of them that is treated; by default the flag's own at the time.
    #[serde(default)]
    pub share_percent: Option<f64>,
    /// Share of all others that fails.
    #[serde(default = "one_of_hundred")]
    pub baseline: f64,
    /// The seed of the random numbers.
    #[serde(default = "first")]
    pub seed: u64,
    /// Whether the flag's policy is compared with plain rates, which takes three times as long.
    #[serde(default = "yes")]
    pub with_plain: bool,
}

/// The largest seed: reports come back as JSON, whose numbers are floats.
const SEEDS: u64 = 1 << 53;

const fn one_of_hundred() -> f64 {
    0.01
}

const fn first() -> u64 {
    1
}

const fn yes() -> bool {
    true
}

/// Why a scenario cannot be simulated, and how to fix it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ScenarioError {
    /// What is wrong.
    pub message: String,
    /// How to fix it.
    pub help: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.message, self.help)
    }
}

impl std::error::Error for ScenarioError {}

/// Makes the runs of a [`Comparison`] little by little: the first results are there at once, and get more exact.
///
/// ```
/// use flcm_flags::{Millis, Snapshot};
/// use flcm_flags_config::simulate::{Scenario, Simulator};
///
/// let text = "flags: { beta: { rollout: { percentage: 10 }, error_threshold: { rate: 0.05 } } }";
/// let snapshot = Snapshot::from_bytes(flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap()))?;
/// let scenario: Scenario = serde_json::from_str(r#"{"flag": "beta", "errorRate": 0.5, "requestsPerSecond": 20}"#)?;
/// let mut simulator = Simulator::new(&snapshot, &scenario, Millis(0))?;
/// assert_eq!(simulator.advance(1, Some(0)).runs, 1);
/// assert_eq!(simulator.advance(2, Some(1)).runs, 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Simulator {
    flag: String,
    share: f64,
    /// Its runs and days are those that were made.
    comparison: Comparison,
    results: Vec<PolicyResult>,
}

impl Simulator {
    /// Nothing is simulated yet.
    ///
    /// # Errors
    /// There is no such flag, it has no `error_threshold`, or a number is out of range.
    pub fn new<B: AsRef<[u8]>>(
        snapshot: &Snapshot<B>,
        scenario: &Scenario,
        now: Millis,
    ) -> Result<Self, ScenarioError> {
        let flag = find(snapshot, &scenario.flag)?;
        let Some(policy) = flag.policy() else {
            let message = format!("flag `{}` has no `error_threshold`", flag.key());
            return Err(ScenarioError { message, help: "add `error_threshold: { rate: 0.05 }` to it".to_owned() });
        };
        let share = scenario.share_percent.unwrap_or_else(|| f64::from(flag.percentage_at(now)) / 1000.0);
        scenario.check(share)?;
        let traffic = Traffic {
            requests: scenario.requests_per_second,
            share: share / 100.0,
            treatment: scenario.error_rate,
            control: scenario.baseline,
        };
        let comparison =
            Comparison { policy, traffic, runs: 0, days: 0, seed: scenario.seed, with_plain: scenario.with_plain };
        Ok(Self { flag: scenario.flag.clone(), share, comparison, results: Vec::new() })
    }

    /// Makes so many runs and healthy days more; by default as many days as [`Comparison::days_for`] has for all runs
    /// so far. The report is that of all so far: how they were divided makes no difference. A day takes as long as a
    /// dozen runs.
    pub fn advance(&mut self, runs: u64, days: Option<u64>) -> Report {
        let (runs_before, days_before) = (self.comparison.runs, self.comparison.days);
        let all = runs_before.saturating_add(runs);
        self.comparison.runs = all;
        self.comparison.days = match days {
            Some(days) => days_before.saturating_add(days),
            None => days_before.max(Comparison::days_for(all)),
        };
        let more = self.comparison.range(runs_before..self.comparison.runs, days_before..self.comparison.days);
        let before = std::mem::take(&mut self.results);
        self.results = Comparison::merge([before, more].into_iter().filter(|part| !part.is_empty()));
        Report::new(&self.flag, self.share, &self.comparison, &self.results)
    }
}

impl Scenario {
    fn check(&self, share: f64) -> Result<(), ScenarioError> {
        if self.seed > SEEDS {
            let message = format!("`seed` is {}", self.seed);
            return Err(ScenarioError { message, help: format!("give a whole number up to {SEEDS}") });
        }
        let all = [
            ("errorRate", self.error_rate, 1.0, 0.0),
            ("baseline", self.baseline, 1.0, 0.0),
            ("sharePercent", share, 100.0, 0.0),
            ("requestsPerSecond", self.requests_per_second, Traffic::REQUESTS, f64::MIN_POSITIVE),
        ];
        match all.into_iter().find(|(_, value, most, least)| !(*least..=*most).contains(value)) {
            None => Ok(()),
            Some((name, value, most, least)) => Err(ScenarioError {
                message: format!("`{name}` is {value}"),
                help: format!("give a number {}, up to {most}", if least > 0.0 { "above 0" } else { "from 0" }),
            }),
        }
    }
}

fn find<'s, B: AsRef<[u8]>>(snapshot: &'s Snapshot<B>, key: &str) -> Result<Flag<'s>, ScenarioError> {
    let found = snapshot.flag(key).and_then(|id| snapshot.describe(id));
    found.ok_or_else(|| {
        let keys = snapshot.flags().filter_map(|id| snapshot.describe(id)).map(|flag| flag.key());
        let help = did_you_mean(key, keys).unwrap_or_else(|| "name one of the document's flags".to_owned());
        ScenarioError { message: format!("no flag `{key}`"), help }
    })
}

#[cfg(test)]
mod tests {
    use flcm_flags::{Millis, Snapshot};

    use super::{Scenario, Simulator};
    use crate::simulate::{Comparison, Report};

    const TEXT: &str = "flags: { a: { rollout: { percentage: 10 }, error_threshold: { rate: 0.05 } }, b: {} }";

    fn snapshot() -> Snapshot<Vec<u8>> {
        Snapshot::from_bytes(crate::compile(&crate::check(TEXT).0.unwrap())).unwrap()
    }

    fn scenario() -> Scenario {
        serde_json::from_str(r#"{"flag":"a","errorRate":0.2,"requestsPerSecond":5}"#).unwrap()
    }

    #[test]
    fn how_runs_are_divided_makes_no_difference() {
        let mut simulator = Simulator::new(&snapshot(), &scenario(), Millis(0)).unwrap();
        let comparison = Comparison { runs: 13, days: 2, ..simulator.comparison };
        let at_once = Report::new("a", 10.0, &comparison, &comparison.run());
        for (runs, days) in [(1, 0), (0, 1), (9, 0), (2, 1)] {
            simulator.advance(runs, Some(days));
        }
        assert_eq!(simulator.advance(1, Some(0)), at_once);
        assert_eq!(Simulator::new(&snapshot(), &scenario(), Millis(0)).unwrap().advance(13, None), at_once);
    }

    #[test]
    fn a_report_of_no_runs_has_all_policies() {
        let report = Simulator::new(&snapshot(), &scenario(), Millis(0)).unwrap().advance(0, Some(0));
        assert_eq!((report.runs, report.rules.len(), report.rules[0].days), (0, 3, 0));
        assert_eq!(report.rules[0].false_rate, (0.0, 1.0));
    }

    #[test]
    fn without_plain_rates_the_flag_has_the_same_numbers() {
        let all = Simulator::new(&snapshot(), &scenario(), Millis(0)).unwrap().advance(3, Some(1));
        let alone = Scenario { with_plain: false, ..scenario() };
        let alone = Simulator::new(&snapshot(), &alone, Millis(0)).unwrap().advance(3, Some(1));
        assert_eq!(alone.rules, all.rules[..1]);
    }

    #[test]
    fn what_cannot_be_simulated_says_why() {
        let refused = |change: &dyn Fn(&mut Scenario)| {
            let mut scenario = scenario();
            change(&mut scenario);
            Simulator::new(&snapshot(), &scenario, Millis(0)).unwrap_err().to_string()
        };
        assert_eq!(refused(&|all| "c".clone_into(&mut all.flag)), "no flag `c` (name one of the document's flags)");
        let message = "flag `b` has no `error_threshold` (add `error_threshold: { rate: 0.05 }` to it)";
        assert_eq!(refused(&|all| "b".clone_into(&mut all.flag)), message);
        assert_eq!(refused(&|all| all.error_rate = 1.5), "`errorRate` is 1.5 (give a number from 0, up to 1)");
        assert_eq!(refused(&|all| all.baseline = f64::NAN), "`baseline` is NaN (give a number from 0, up to 1)");
        assert_eq!(
            refused(&|all| all.share_percent = Some(-1.0)),
            "`sharePercent` is -1 (give a number from 0, up to 100)"
        );
        let message = "`seed` is 9007199254740993 (give a whole number up to 9007199254740992)";
        assert_eq!(refused(&|all| all.seed = (1 << 53) + 1), message);
        let message = "`requestsPerSecond` is 0 (give a number above 0, up to 1000000)";
        assert_eq!(refused(&|all| all.requests_per_second = 0.0), message);
    }
}
