//! The decisions of one variant by reason and its outcomes, and how many of them points of series contain.

use flcm_flags::{Reason, Sample};
use serde::{Deserialize, Serialize};

/// Decisions and outcomes of one variant. Only the sums are stored, not which of them are in points.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Tally {
    /// Decisions by the reason's code.
    decisions: [u64; Reason::COUNT],
    /// Outcomes: total, errors, slow, missing. Those without a variant are only counted by arm.
    outcomes: [u64; 4],
    /// Those that points of series contain already.
    #[serde(skip)]
    pointed: ([u64; Reason::COUNT], [u64; 4]),
}

impl Tally {
    pub(super) const fn decisions(&self) -> &[u64; Reason::COUNT] {
        &self.decisions
    }

    pub(super) const fn outcomes(&self) -> &[u64; 4] {
        &self.outcomes
    }

    pub(super) fn add(&mut self, reason: Reason, count: u32) {
        let sum = &mut self.decisions[usize::from(reason.code())];
        *sum = sum.saturating_add(u64::from(count));
    }

    pub(super) fn add_outcomes(&mut self, outcomes: &Sample) {
        add_sample(&mut self.outcomes, outcomes);
    }

    /// Gives the decisions that were added since the last time, by reason, and returns the outcomes.
    pub(super) fn take(&mut self, mut each: impl FnMut(Reason, u64)) -> [u64; 4] {
        for (code, (all, pointed)) in (0..).zip(self.decisions.iter().zip(&mut self.pointed.0)) {
            let count = all - std::mem::replace(pointed, *all);
            if count > 0
                && let Some(reason) = Reason::from_code(code)
            {
                each(reason, count);
            }
        }
        let before = std::mem::replace(&mut self.pointed.1, self.outcomes);
        std::array::from_fn(|index| self.outcomes[index] - before[index])
    }
}

/// Adds to sums of all, errors, slow and missing ones.
pub(super) fn add_sample(sums: &mut [u64; 4], sample: &Sample) {
    let Sample { total, errors, slow, missing } = *sample;
    for (sum, count) in sums.iter_mut().zip([total, errors, slow, missing]) {
        *sum = sum.saturating_add(u64::from(count));
    }
}
