//! Evidence that a flag does harm, in two halves: against the threshold, and against the control.
//!
//! Each half is the mean of five bets. A bet starts at every moment at which a fault may have begun, with a share of
//! one unit of capital (the prior mass), and multiplies by how much likelier the outcomes are at its odds than at the
//! limit of what is tolerated. While the flag stays below that limit no bet grows on average, so the mean reaches
//! `limit` with a probability of at most `1 / limit` a day, however often it is looked at (Ville's inequality).
//!
//! The same counts give the same bits on every platform: integers are summed first, `libm` computes in software,
//! nothing is fused, and bets are added in one order.
#![expect(
    clippy::float_arithmetic,
    reason = "this is the one module that weighs; no bucket and no decision depends on it"
)]

use libm::{exp, log};

use super::plan::{Bets, Plan};

/// How many bets a half has.
pub(super) const BETS: usize = 5;

/// What the bets take the odds of a failure to be, in multiples of those at the limit: from a little more to certain.
pub(super) const ODDS: [f64; BETS] = [1.6, 2.5, 5.0, 12.0, 60.0];

/// A bet does not grow beyond this: far above every limit, and it must be able to come down again.
pub(super) const MOST: f64 = 1e12;

/// Keeps `exp` finite.
const STEEPEST: f64 = 700.0;

/// One metric's evidence: of errors, or of slow calls.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Evidence {
    pub(super) absolute: [f64; BETS],
    pub(super) relative: [f64; BETS],
    /// Failures in the open stratum.
    pub(super) treatment: u32,
    pub(super) control: u32,
    /// Of a half-open flag: logarithm of how much likelier it is bad than good.
    pub(super) probe: f64,
}

/// Outcomes of both arms that are compared with each other alone, so that neither the control's rate nor the share of
/// the rollout needs to stay what it was.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Stratum {
    /// Prior mass that fell into it.
    pub(super) mass: f64,
    pub(super) treatment: u32,
    pub(super) control: u32,
}

impl Evidence {
    /// Weighs failures against the threshold. `spread` divides what they say when failures come in bursts.
    pub(super) fn weigh(&mut self, bets: &Bets, failures: u32, total: u32, mass: f64, spread: f64) {
        if total == 0 {
            self.absolute.iter_mut().for_each(|bet| *bet = wait(*bet, mass));
            return;
        }
        let (failed, passed) = (f64::from(failures), f64::from(total.saturating_sub(failures)));
        let rates = bets.failure.iter().zip(&bets.success);
        for (bet, (failure, success)) in self.absolute.iter_mut().zip(rates) {
            *bet = grow(*bet, mass, (failure * failed + success * passed) / spread);
        }
    }

    /// Compares the arms of a stratum that closes. With one arm alone there is nothing to compare.
    pub(super) fn compare(&mut self, plan: &Plan, stratum: &Stratum, spread: f64) {
        let (treated, failed, all) = (
            f64::from(stratum.treatment),
            f64::from(self.treatment),
            f64::from(self.treatment) + f64::from(self.control),
        );
        let (ours, theirs) = (plan.policy.ratio * treated, f64::from(stratum.control));
        (self.treatment, self.control) = (0, 0);
        if stratum.treatment == 0 || stratum.control == 0 {
            self.relative.iter_mut().for_each(|bet| *bet = wait(*bet, stratum.mass));
            return;
        }
        for (bet, (more, logarithm)) in self.relative.iter_mut().zip(ODDS.iter().zip(&plan.odds)) {
            // The factor that a failure of either arm brings, so that the bet is fair at the limit whatever the
            // control's rate is.
            let factor = (ours + theirs) / (ours * more + theirs);
            let tolerated = plan.policy.margin * treated * (more * factor - 1.0);
            let weight = failed * logarithm + if all > 0.0 { all * log(factor) } else { 0.0 };
            *bet = grow(*bet, stratum.mass, (weight - tolerated) / spread);
        }
    }

    /// Probes of a half-open flag, by Wald's sequential test.
    pub(super) fn probe(&mut self, bets: &Bets, failures: u32, total: u32) {
        let (failed, passed) = (f64::from(failures), f64::from(total.saturating_sub(failures)));
        self.probe = (self.probe + (bets.probe_failure * failed + bets.probe_success * passed)).clamp(-MOST, MOST);
    }

    /// The statistic against the threshold.
    pub(super) fn against_threshold(&self) -> f64 {
        mean(&self.absolute)
    }

    /// The statistic against the control.
    pub(super) fn against_control(&self) -> f64 {
        mean(&self.relative)
    }
}

fn grow(bet: f64, mass: f64, logarithm: f64) -> f64 {
    ((bet + mass) * exp(logarithm.clamp(-STEEPEST, STEEPEST))).min(MOST)
}

/// Time passed, and nothing was learnt: the mass waits, but never adds up to evidence of its own.
fn wait(bet: f64, mass: f64) -> f64 {
    (bet + mass).min(bet.max(1.0))
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "five")]
fn mean(bets: &[f64; BETS]) -> f64 {
    bets.iter().fold(0.0, |sum, bet| sum + bet) / BETS as f64
}

/// The spread is learnt from at least so much.
const PRIOR: u64 = 20;

/// What an outage while it is learnt may make of the spread at most: more, and the breaker would be blind.
const WIDEST: f64 = 32.0;

/// Seconds of a block.
const BLOCK: u64 = 10;

/// Whether the control's errors come one by one or in bursts: the variance between neighbouring blocks of time in
/// relation to their mean. Learnt while nobody is treated, so that what the flag itself does cannot widen it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Spread {
    /// Sum of squared differences.
    pub(super) squares: u64,
    /// Sum of errors.
    pub(super) errors: u64,
    /// The pair of blocks that is open.
    pub(super) blocks: [u32; 2],
}

impl Spread {
    /// Adds the control's errors of one second; `before` is the last second that had any. `spoiled` says, and is told,
    /// whether anybody was treated in the pair.
    pub(super) fn add(&mut self, before: u64, second: u64, errors: u32, spoiled: &mut bool, treated: bool) {
        if before / (2 * BLOCK) != second / (2 * BLOCK) {
            self.close(*spoiled);
            *spoiled = false;
        }
        *spoiled |= treated;
        let [first, last] = &mut self.blocks;
        let block = if (second / BLOCK).is_multiple_of(2) { first } else { last };
        *block = block.saturating_add(errors);
    }

    fn close(&mut self, spoiled: bool) {
        let [first, last] = self.blocks;
        self.blocks = [0, 0];
        if !spoiled {
            let difference = u64::from(first.abs_diff(last));
            self.squares = self.squares.saturating_add(difference.saturating_mul(difference));
            self.errors = self.errors.saturating_add(u64::from(first).saturating_add(u64::from(last)));
        }
    }

    /// What divides the logarithm of a bet: 1 when errors are independent.
    pub(super) fn factor(&self) -> f64 {
        let number = |sum: u64| {
            #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "a ratio of large sums")]
            let number = sum.saturating_add(PRIOR) as f64;
            number
        };
        (number(self.squares) / number(self.errors)).clamp(1.0, WIDEST)
    }
}
