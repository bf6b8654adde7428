//! The decisions of one variant by reason, and how many of them points of series contain.

use flcm_flags::Reason;
use serde::{Deserialize, Serialize};

/// Decisions by the reason's code. Stored are all of them alone.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Tally {
    all: [u64; Reason::COUNT],
    /// Those that points of series contain already.
    #[serde(skip)]
    pointed: [u64; Reason::COUNT],
}

impl Tally {
    pub(super) const fn all(&self) -> &[u64; Reason::COUNT] {
        &self.all
    }

    pub(super) fn add(&mut self, reason: Reason, count: u32) {
        let sum = &mut self.all[usize::from(reason.code())];
        *sum = sum.saturating_add(u64::from(count));
    }

    /// Gives what was added since the last time, by reason.
    pub(super) fn take(&mut self, mut each: impl FnMut(Reason, u64)) {
        for (code, (all, pointed)) in (0..).zip(self.all.iter().zip(&mut self.pointed)) {
            let count = all - std::mem::replace(pointed, *all);
            if count > 0
                && let Some(reason) = Reason::from_code(code)
            {
                each(reason, count);
            }
        }
    }
}
