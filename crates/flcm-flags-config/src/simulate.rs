//! Simulates what a policy would do: traffic with a known fault, second by second, observed by the core's own breaker.
//!
//! Requests arrive independently of each other (Poisson), and each fails at the rate of its arm. The same seed gives
//! the same run. No thread is started.

use std::ops::Range;

use flcm_flags::breaker::{Breaker, Cause, Event, Plan};
use flcm_flags::{Counts, Millis, Sample};

mod comparison;
mod poisson;
mod report;
mod simulator;
mod statistics;

pub use comparison::{Comparison, PolicyResult};
pub use poisson::{Poisson, Random};
pub use report::{DelayReport, Report, RuleReport};
pub use simulator::{Scenario, ScenarioError, Simulator};
pub use statistics::{Delays, interval};

/// Requests, and how many of them fail.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Traffic {
    /// Requests per second of eligible users.
    pub requests: f64,
    /// The share of them that gets the feature, between 0 and 1.
    pub share: f64,
    /// The share of those that fails.
    pub treatment: f64,
    /// The share of all others that fails.
    pub control: f64,
}

impl Traffic {
    /// The most requests per second that are simulated.
    pub const REQUESTS: f64 = 1e6;
}

/// Draws the outcomes of a second.
#[derive(Clone, Debug)]
pub struct Source {
    treatment: [Poisson; 2],
    control: [Poisson; 2],
}

impl Source {
    /// Prepares to draw. Failures and successes arrive independently of each other.
    #[must_use]
    pub fn new(traffic: &Traffic) -> Self {
        let arm = |requests: f64, rate: f64| [Poisson::new(requests * rate), Poisson::new(requests * (1.0 - rate))];
        Self {
            treatment: arm(traffic.requests * traffic.share, traffic.treatment),
            control: arm(traffic.requests * (1.0 - traffic.share), traffic.control),
        }
    }

    /// The outcomes of one second: treatment and control.
    pub fn draw(&self, random: &mut Random) -> (Sample, Sample) {
        let mut arm = |[failed, passed]: &[Poisson; 2]| {
            let errors = failed.draw(random);
            Sample { total: errors + passed.draw(random), errors, ..Sample::default() }
        };
        (arm(&self.treatment), arm(&self.control))
    }
}

/// A flag that is healthy at first, and fails later.
#[derive(Clone, Debug)]
pub struct Course {
    /// Outcomes while it is healthy.
    pub healthy: Source,
    /// How many seconds it is healthy.
    pub healthy_seconds: u64,
    /// Outcomes from then on.
    pub failing: Source,
    /// Seconds after which the run ends.
    pub seconds: u64,
}

/// When a run was rolled back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    /// While it was healthy.
    Falsely,
    /// This many seconds after the fault began.
    After(u64, Cause),
    /// Not at all.
    Never,
}

impl Course {
    /// A flag that stays healthy.
    #[must_use]
    pub fn healthy(source: Source, seconds: u64) -> Self {
        Self { failing: source.clone(), healthy: source, healthy_seconds: seconds, seconds }
    }

    /// Runs until the breaker trips, or the time is up.
    #[must_use]
    pub fn run(&self, plan: &Plan, seed: u64) -> Ending {
        let mut random = Random::new(seed);
        let mut breaker = Breaker::new(seed, Millis(0));
        for second in 0..self.seconds {
            let source = if second < self.healthy_seconds { &self.healthy } else { &self.failing };
            let (treatment, control) = source.draw(&mut random);
            if treatment.total + control.total == 0 {
                continue;
            }
            let counts = Counts { generation: breaker.generation(), age: 0, treatment, control };
            let now = Millis(second * 1000);
            let tripped = breaker.record(plan, &counts, now).or_else(|| breaker.poll(plan, Millis(now.0 + 1000)));
            if let Some(tripped) = tripped.filter(|transition| transition.event == Event::Tripped) {
                let cause = tripped.cause.unwrap_or(Cause::Manual);
                let after = (second + 1).checked_sub(self.healthy_seconds).filter(|after| *after > 0);
                return after.map_or(Ending::Falsely, |after| Ending::After(after, cause));
            }
        }
        Ending::Never
    }

    /// Many runs, each with the seed of its number. A caller with threads gives each of them a part of the numbers.
    pub fn runs(&self, plan: &Plan, seed: u64, numbers: Range<u64>) -> impl Iterator<Item = Ending> {
        numbers.map(move |number| self.run(plan, Random::seed(seed, number)))
    }
}
