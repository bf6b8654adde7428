//! Plans: a policy, and the numbers that follow from it.
//!
//! Logarithms in software are slow, so a plan computes them once per policy. Flags of the same policy share a plan.
//!
//! **The limit follows from the budget.** With a budget of 0.001 false rollbacks a day, each of the two statistics
//! (against the threshold, against the control) may be wrong on one of 2,000 days, so the limit is 2,000. A policy with
//! `slow_ms` has four statistics and a limit of 4,000. Nothing has to be tuned per flag.
//!
//! **A host is stricter than the fleet.** A host that decides alone sees a small part of the outcomes, and there are
//! many hosts. So it compares with the threshold alone, and with a hundredth of the budget.
//!
//! **Pages may lie.** Their key is public. A server lets one network report at most a twentieth of the outcomes that a
//! [`Scope::Pages`] breaker sees, and the breaker tolerates a twentieth more failures than its policy: against the
//! threshold, against the control, and when it is probed.
//!
//! **Probing is a sequential probability ratio test** (Wald, "Sequential Tests of Statistical Hypotheses", Annals of
//! Mathematical Statistics 16, 1945) between a healthy flag, which fails half as often as it may, and a bad one, which
//! fails twice as often. The two error rates below set its bounds.

use libm::log;

use super::transition::Cause;
use crate::bucket::mix;
use crate::policy::{Policy, Source};

/// The number of bets of a statistic.
pub(super) const BETS: usize = 5;

/// The odds that the bets are on, in multiples of the tolerated odds: from a little more to nearly certain failure.
pub(super) const ODDS: [f64; BETS] = [1.6, 2.5, 5.0, 12.0, 60.0];

/// The largest probability that a probe opens a healthy flag again.
const WRONGLY_REOPENED: f64 = 0.01;

/// The largest probability that a probe closes a flag that fails twice as often as it may.
const WRONGLY_CLOSED: f64 = 0.001;

/// The largest budget of a host that decides alone. A hundred of such hosts spend the default budget of a fleet.
const HOST_BUDGET: f64 = 1e-5;

/// Whose outcomes a breaker sees: those of the whole fleet, or of one host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Outcomes of all hosts: the breaker of a server, or of an application that runs on one host.
    Fleet,
    /// Outcomes of one host among many. It trips for itself alone, by its errors against the threshold, and needs more
    /// evidence: its budget is at most 0.00001 false rollbacks a day.
    Host,
    /// Outcomes of pages, among which a stranger may have mixed invented ones, as far as the server's limits allow.
    ///
    /// The breaker tolerates that many more failures, compares with the control, and never waits for an operator: it
    /// always recovers by itself.
    Pages,
}

/// The share of the outcomes of pages that one stranger can invent. A server limits what one network reports to this
/// share, and the breaker tolerates as many failures on top of its policy. So one network alone causes no rollback.
pub const INVENTED: f64 = 0.05;

/// A policy, and the numbers that follow from it. Flags of the same policy share one.
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
    /// The log-likelihood ratio from which on a half-open flag is opened again.
    pub(super) reopen: f64,
    /// The log-likelihood ratio down to which a half-open flag is closed.
    pub(super) close: f64,
}

impl Plan {
    /// Computes the numbers that a breaker needs at each step.
    ///
    /// A policy from a snapshot is valid. Check one of your own with [`Policy::is_valid`]: a budget of 0, for example,
    /// gives an infinite limit, and the flag would never trip.
    ///
    /// ```
    /// use flcm_flags::Policy;
    /// use flcm_flags::breaker::{Plan, Scope};
    ///
    /// let plan = Plan::new(&Policy::DEFAULT, Scope::Fleet);
    /// assert_eq!(plan.limit(), 2_000.0, "two statistics, one false rollback in 1,000 days");
    /// let slow = Policy { slow_ms: 800, ..Policy::DEFAULT };
    /// assert_eq!(Plan::new(&slow, Scope::Fleet).limit(), 4_000.0, "four statistics share the budget");
    /// assert!(Plan::new(&Policy::DEFAULT, Scope::Host).limit() > 100_000.0);
    /// ```
    #[must_use]
    #[expect(clippy::float_arithmetic, reason = "of the policy alone, once")]
    pub fn new(policy: &Policy, scope: Scope) -> Self {
        let policy = if scope == Scope::Pages { &tolerant(policy) } else { policy };
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

    /// The policy that the plan was made of.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The value that a statistic must reach for a rollback.
    #[must_use]
    pub const fn limit(&self) -> f64 {
        self.limit
    }

    /// The cause that is reported: of pages it is only known that they report faults.
    pub(super) const fn named(&self, cause: Cause) -> Cause {
        if matches!(self.scope, Scope::Pages) { Cause::Pages } else { cause }
    }

    /// Whether a rollback may wait for an operator.
    ///
    /// What strangers may have invented must not keep a flag off until somebody comes. And a host may be a page where
    /// pages are a source: no operator reaches it, and while it waits it has no outcomes by which the breaker of pages
    /// could see the fault.
    pub(super) const fn waits_for_operators(&self) -> bool {
        match self.scope {
            Scope::Fleet => true,
            Scope::Host => !self.policy.evidence.include(Source::Pages),
            Scope::Pages => false,
        }
    }

    /// A hash of policy and scope: stored breakers name their plan by it.
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
            evidence,
            slow_ms,
            slow_rate,
        } = self.policy;
        let floats = [rate, ratio, margin, budget, slow_rate].map(f64::to_bits);
        let numbers = [window, min_samples, cooldown, probe, slow_ms].map(u64::from);
        let scope = match self.scope {
            Scope::Fleet => 0,
            Scope::Host => 1,
            Scope::Pages => 2,
        };
        // One number, so that breakers of the default are stored as before there were other sources.
        let whose = scope | (evidence.code() << 4);
        let codes = [detector.code(), recovery.code(), action.code(), shared.code(), whose].map(u64::from);
        floats.iter().chain(&numbers).chain(&codes).fold(0, |digest, field| mix(digest ^ field))
    }
}

/// A policy that tolerates the failures that a stranger can invent.
#[expect(clippy::float_arithmetic, reason = "of the policy alone, once")]
fn tolerant(policy: &Policy) -> Policy {
    let more = |share: f64| (share + INVENTED).min(1.0);
    Policy { rate: more(policy.rate), margin: more(policy.margin), slow_rate: more(policy.slow_rate), ..*policy }
}

/// What one failure and one success add to the logarithm of each bet, for one threshold: their log-likelihood ratios.
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
