//! Sample ratio: whether as many users were exposed to each arm as the percentage says.
//!
//! A treatment that crashes before it reports loses its users, and their errors with them. The arms then look alike,
//! and the comparison is worthless. A ratio of users that differs from the plan shows it (Fabijan et al., "Diagnosing
//! Sample Ratio Mismatch in Online Controlled Experiments", KDD 2019).
//!
//! The test may be looked at after every outcome. It is the sequential one of Lindon and Malek, "Anytime-Valid
//! Inference for Multinomial Count Data", `NeurIPS` 2022 (arXiv 2011.03567), for two arms: a beta distribution around
//! the planned share against that share. While all is well the ratio of the two likelihoods is a martingale that starts
//! at 1, so by Ville's inequality it ever exceeds 10,000 with a probability of at most 1 in 10,000.
#![expect(clippy::float_arithmetic, reason = "a statistic that no decision depends on")]

use libm::{lgamma, log, log1p};

/// The value of [`sample_ratio`] above which to raise an alarm: the logarithm of 10,000.
///
/// At most one healthy rollout in ten thousand has a false alarm, however often it is looked at.
pub const SAMPLE_RATIO_ALARM: f64 = 9.210_340_371_976_184;

/// How strongly the beta distribution is concentrated around the planned share. Large values find small deviations
/// late, and small values find only large ones early.
const BELIEF: f64 = 1_000.0;

/// The evidence that users are *not* split as planned, as the logarithm of a likelihood ratio.
///
/// `planned` is the treatment's share of both arms, between 0 and 1. For any other share there is nothing to compare,
/// and the result is 0. `treatment` and `control` are numbers of different users, not of calls.
///
/// Compare it with [`SAMPLE_RATIO_ALARM`]. An alarm is a reason to hold a rollout. It is never a reason to suppress a
/// rollback.
///
/// ```
/// use flcm_flags::breaker::{SAMPLE_RATIO_ALARM, sample_ratio};
/// assert!(sample_ratio(0.1, 1_000, 9_000) < 0.0);
/// assert!(sample_ratio(0.1, 700, 9_000) > SAMPLE_RATIO_ALARM);
/// ```
#[must_use]
pub fn sample_ratio(planned: f64, treatment: u32, control: u32) -> f64 {
    if !(planned > 0.0 && planned < 1.0) {
        return 0.0;
    }
    let (treated, left_out) = (f64::from(treatment), f64::from(control));
    let (ours, theirs) = (BELIEF * planned, BELIEF * (1.0 - planned));
    beta(ours + treated, theirs + left_out) - beta(ours, theirs) - treated * log(planned) - left_out * log1p(-planned)
}

/// Logarithm of the beta function.
fn beta(a: f64, b: f64) -> f64 {
    lgamma(a) + lgamma(b) - lgamma(a + b)
}
