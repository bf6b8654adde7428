//! Whether as many users were exposed to each arm as the percentage says. A treatment that crashes before it reports
//! loses its users, and with them its errors.
#![expect(clippy::float_arithmetic, reason = "a statistic that no decision depends on")]

use libm::{lgamma, log, log1p};

/// What [`sample_ratio`] must exceed for an alarm: the logarithm of 10,000, so that one healthy rollout in ten thousand
/// has a false alarm, however often it is looked at.
pub const SAMPLE_RATIO_ALARM: f64 = 9.210_340_371_976_184;

/// How strongly it is believed that the share is as planned.
const BELIEF: f64 = 1_000.0;

/// Logarithm of how much likelier the numbers of exposed users are when their ratio is *not* as planned (a beta mixture
/// around the planned share) than when it is. Looked at continuously it exceeds [`SAMPLE_RATIO_ALARM`] with a
/// probability of at most 1 in 10,000 while all is well.
///
/// An alarm is a reason to hold a rollout, never one to keep a rollback back. `planned` is the treatment's share of
/// both arms, between 0 and 1; without one there is nothing to compare.
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
