//! The statistics of a breaker: evidence that a flag does harm.
//!
//! There are two statistics for each metric (errors, slow calls): one against the policy's threshold, the *absolute*
//! one, and one against the control, the *relative* one. Each is a number that failures raise and successes lower. The
//! flag is rolled back when one of them reaches the limit of its [`Plan`].
//!
//! # What the test must do
//!
//! A rollout is looked at every second for weeks. A test for one look, repeated every second, raises an alarm for every
//! healthy flag sooner or later (Johari, Koomen, Pekelis and Walsh, "Peeking at A/B Tests", KDD 2017). So the test must
//! hold at any number of looks, find faults that begin at any time, and have a bounded number of false alarms per day.
//!
//! # Bets
//!
//! A *bet* multiplies its capital by a likelihood ratio: how much likelier the outcomes are if the flag fails at some
//! higher odds than if it fails exactly as often as is tolerated. While the flag fails no more often than that, the
//! capital does not grow on average: it is a supermartingale. By Ville's inequality ("Étude critique de la notion de
//! collectif", 1939) such a bet with a capital of 1 ever reaches `x` with a probability of at most `1 / x`, however
//! often anybody looks.
//!
//! A statistic is the mean of five bets on different odds ([`ODDS`]), and a mean of supermartingales is one as well.
//! The bet on high odds finds a total failure within seconds. The bet on low odds finds a small increase, in more time.
//!
//! # Faults that begin later
//!
//! A bet that was made at the start has lost nearly everything after healthy hours. So new bets are made all the time.
//! One unit of capital a day, the *prior mass*, is divided among the moments at which a fault may begin: half of it on
//! the start of a generation and the stages of the rollout, half evenly over the seconds of the day. The sum of such
//! bets is an *e-detector* (Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric framework for sequential change
//! detection", 2023, arXiv 2203.03532). Because the capital of a day is 1, it reaches `limit` with a probability of at
//! most `1 / limit` a day.
//!
//! The sum needs no memory for each bet. All bets on the same odds are multiplied by the same factor, so one running
//! value is enough: `bet = (bet + mass) * factor`. That makes ten values for each metric.
//!
//! # Against the control
//!
//! Arms are compared within *strata*: short times with a few outcomes of each arm. Given how many failures both arms
//! have together, the treatment's part of them depends on the number of outcomes alone, if both fail equally often (the
//! conditional test of Przyborowski and Wilenski, "Homogeneity of results in testing samples from Poisson series",
//! Biometrika 31, 1940). So neither the control's error rate nor the percentage needs to stay the same from stratum to
//! stratum. An outage that hits both arms is no evidence.
//!
//! # Errors that come in bursts
//!
//! The bets assume independent outcomes. Errors often come in bursts, for example when a database fails over. So the
//! logarithm of each bet is divided by the *spread*, the ratio of variance to mean of the control's errors, as
//! quasi-likelihood does (Wedderburn, Biometrika 61, 1974). It is learnt while nobody is treated: what the flag itself
//! does must not widen it.
//!
//! # The same bits everywhere
//!
//! Hosts, servers and simulations must agree. Integers are summed first, `libm` computes logarithms in software, no
//! operations are fused, and bets are added in one order. So the same counts in the same seconds give the same bits on
//! every platform, and the test vectors compare them bit by bit.
#![expect(
    clippy::float_arithmetic,
    reason = "this is the one module that weighs; no bucket and no decision depends on it"
)]

use libm::{exp, log};

use super::plan::{BETS, Bets, ODDS, Plan};

/// The largest capital of a bet. It is far above every limit, and a bet must be able to come down again after a fault.
pub(super) const MOST: f64 = 1e12;

/// The largest exponent, so that `exp` stays finite.
const STEEPEST: f64 = 700.0;

/// The evidence of one metric: errors, or slow calls.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Evidence {
    /// The bets against the threshold.
    pub(super) absolute: [f64; BETS],
    /// The bets against the control.
    pub(super) relative: [f64; BETS],
    /// Failures of the treatment in the open stratum.
    pub(super) treatment: u32,
    /// Failures of the control in the open stratum.
    pub(super) control: u32,
    /// While half-open: the logarithm of how much likelier the outcomes are from a bad flag than from a good one.
    pub(super) probe: f64,
}

/// The numbers of outcomes of both arms that are compared with each other.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Stratum {
    /// The prior mass of the seconds of this stratum.
    pub(super) mass: f64,
    pub(super) treatment: u32,
    pub(super) control: u32,
}

impl Evidence {
    /// Weighs the failures of a second, out of `total` outcomes, against the threshold.
    ///
    /// `mass` is the prior mass of the bets that begin now. `spread` divides the logarithms when failures come in
    /// bursts.
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
    ///
    /// A failure of the treatment multiplies a bet by `more * factor`, one of the control by `factor`. At the limit,
    /// where the treatment fails `ratio` times as often as the control, the expected changes of both cancel for any
    /// rate of the control: that determines `factor`. Failures that `margin` allows on top are paid for by `tolerated`.
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

    /// Weighs outcomes of a half-open flag by Wald's sequential probability ratio test.
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

/// A bet after some evidence: new capital is added first, so that it is multiplied as well.
fn grow(bet: f64, mass: f64, logarithm: f64) -> f64 {
    ((bet + mass) * exp(logarithm.clamp(-STEEPEST, STEEPEST))).min(MOST)
}

/// A bet after a time without evidence. New capital is kept, but a bet never grows above 1 by waiting alone.
fn wait(bet: f64, mass: f64) -> f64 {
    (bet + mass).min(bet.max(1.0))
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "five")]
fn mean(bets: &[f64; BETS]) -> f64 {
    bets.iter().fold(0.0, |sum, bet| sum + bet) / BETS as f64
}

/// Errors that the estimate of the spread starts with, as if they had come independently: a few errors must not set it.
const PRIOR: u64 = 20;

/// The largest spread. After an outage while it is learnt, a larger one would make the breaker blind.
const WIDEST: f64 = 32.0;

/// The length of a block in seconds.
const BLOCK: u64 = 10;

/// Whether the control's errors come one by one or in bursts.
///
/// Errors are counted in blocks of ten seconds, in pairs of neighbours. For independent errors the squared difference
/// of a pair is on average the sum of the pair, so the ratio of both sums is 1. Bursts make it larger. Neighbours are
/// compared, rather than all blocks with their mean, so that a slow change of traffic over the day is no burst.
///
/// Pairs in which somebody was treated are left out.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Spread {
    /// The sum of squared differences.
    pub(super) squares: u64,
    /// The sum of errors.
    pub(super) errors: u64,
    /// The errors of the open pair of blocks.
    pub(super) blocks: [u32; 2],
}

impl Spread {
    /// Adds the control's errors of one second.
    ///
    /// `before` is the last second that had any outcomes. `spoiled` notes whether anybody was treated in the open pair;
    /// `treated` says so for this second.
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

    /// The number that divides the logarithm of a bet: 1 when errors are independent, at most 32.
    pub(super) fn factor(&self) -> f64 {
        let number = |sum: u64| {
            #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "a ratio of large sums")]
            let number = sum.saturating_add(PRIOR) as f64;
            number
        };
        (number(self.squares) / number(self.errors)).clamp(1.0, WIDEST)
    }
}
