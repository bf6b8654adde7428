//! A policy, and what is computed from it once.

use libm::log;

use super::sequential::{BETS, ODDS};
use crate::bucket::mix;
use crate::policy::Policy;

/// Half-open, a healthy flag is opened again this often at most.
const WRONGLY_REOPENED: f64 = 0.01;

/// Half-open, a flag that fails twice as often as it may is closed this often at most.
const WRONGLY_CLOSED: f64 = 0.001;

/// The budget of a host that decides for itself alone: a hundred of them spend that of a fleet.
const HOST_BUDGET: f64 = 1e-5;

/// Whose outcomes a breaker sees.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Those of all hosts.
    Fleet,
    /// Those of one host, which trips for itself alone: by its errors against the threshold, and with more certainty.
    Host,
}

/// A policy, and what is computed from it once. Flags of the same policy share one.
///
/// ```
/// use flcm_flags::{Policy, breaker::{Plan, Scope}};
/// assert_eq!(Plan::new(&Policy::DEFAULT, Scope::Fleet).limit(), 2_000.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    pub(super) policy: Policy,
    pub(super) scope: Scope,
    pub(super) errors: Bets,
    /// Only with `slow_ms`.
    pub(super) slow: Option<Bets>,
    /// Logarithms of [`ODDS`].
    pub(super) odds: [f64; BETS],
    pub(super) limit: f64,
    /// The log-likelihood ratio from which a half-open flag is opened again.
    pub(super) reopen: f64,
    /// The one at which it is closed.
    pub(super) close: f64,
}

impl Plan {
    /// Computes what a breaker needs at each step.
    #[must_use]
    #[expect(clippy::float_arithmetic, reason = "of the policy alone, once")]
    pub fn new(policy: &Policy, scope: Scope) -> Self {
        let slow = (policy.slow_ms > 0).then(|| Bets::new(policy.slow_rate));
        let budget = if scope == Scope::Host { policy.budget.min(HOST_BUDGET) } else { policy.budget };
        // Half of the budget for each half of the evidence, and of that its part for each metric.
        let metrics = if slow.is_some() { 2.0 } else { 1.0 };
        Self {
            policy: *policy,
            scope,
            errors: Bets::new(policy.rate),
            slow,
            odds: ODDS.map(log),
            limit: 2.0 * metrics / budget,
            reopen: log((1.0 - WRONGLY_CLOSED) / WRONGLY_REOPENED),
            close: log(WRONGLY_CLOSED / (1.0 - WRONGLY_REOPENED)),
        }
    }

    /// The policy that it was made of.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What a statistic must reach for a rollback.
    #[must_use]
    pub const fn limit(&self) -> f64 {
        self.limit
    }

    /// Tells it apart from others.
    pub(super) fn digest(&self) -> u64 {
        // All of them by name, so that none is forgotten.
        let Policy {
            rate,
            window,
            min_samples,
            cooldown,
            probe,
            detector,
            ratio,
            margin,
            budget,
            recovery,
            action,
            shared,
            slow_ms,
            slow_rate,
        } = self.policy;
        let floats = [rate, ratio, margin, budget, slow_rate].map(f64::to_bits);
        let numbers = [window, min_samples, cooldown, probe, slow_ms].map(u64::from);
        let scope = u8::from(self.scope == Scope::Host);
        let codes = [detector.code(), recovery.code(), action.code(), shared.code(), scope].map(u64::from);
        floats.iter().chain(&numbers).chain(&codes).fold(0, |digest, field| mix(digest ^ field))
    }
}

/// What one failure and one success add to the logarithm of each bet, for one threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bets {
    pub(super) threshold: f64,
    pub(super) failure: [f64; BETS],
    pub(super) success: [f64; BETS],
    /// The same for the test of a half-open flag.
    pub(super) probe_failure: f64,
    pub(super) probe_success: f64,
}

impl Bets {
    #[expect(clippy::float_arithmetic, reason = "of the policy alone, once")]
    fn new(threshold: f64) -> Self {
        // A threshold of nothing, or of everything, has no odds.
        let threshold = threshold.clamp(1e-6, 1.0 - 1e-6);
        let odds = threshold / (1.0 - threshold);
        let rates = ODDS.map(|more| odds * more / (1.0 + odds * more));
        let good = threshold / 2.0;
        // Twice the threshold, or for a high one half the way to all.
        let bad = (2.0 * threshold).min(f64::midpoint(1.0, threshold));
        Self {
            threshold,
            failure: rates.map(|rate| log(rate / threshold)),
            success: rates.map(|rate| log((1.0 - rate) / (1.0 - threshold))),
            probe_failure: log(bad / good),
            probe_success: log((1.0 - bad) / (1.0 - good)),
        }
    }
}
