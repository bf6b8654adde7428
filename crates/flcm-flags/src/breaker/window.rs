//! The latest outcomes, by time: what is shown and sent with events, and what a plain rate is taken over.

use core::num::NonZeroU64;

use crate::counts::{Counts, Sample};
use crate::snapshot::to_usize;

/// How many parts a window has.
pub(super) const PARTS: usize = 30;

/// So many outcomes of the control tell how it does.
pub(super) const ENOUGH: u32 = 20;

/// Both arms.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Arms {
    /// Users who were served the feature by a percentage.
    pub treatment: Sample,
    /// Users who were left out by the percentage alone.
    pub control: Sample,
}

impl Arms {
    fn add(&mut self, other: &Self) {
        self.treatment.add(&other.treatment);
        self.control.add(&other.control);
    }
}

/// A ring of parts of equal length. It moves by time, never by calls: after a pause nothing of before is left.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Window {
    pub(super) parts: [Arms; PARTS],
    /// The second in which the part that is being filled begins.
    pub(super) start: u64,
    /// Where it lies.
    pub(super) current: u32,
    /// How many parts make up the window: fewer than there are for one of less than so many seconds.
    pub(super) used: u32,
    /// How often the clock went back.
    pub(super) clock_back: u32,
    /// How often counts were refused because they cannot be.
    pub(super) refused: u32,
}

/// Seconds of a part, for a window of so many seconds.
fn part_length(window: u32) -> NonZeroU64 {
    NonZeroU64::new(u64::from(window).div_ceil(30)).unwrap_or(NonZeroU64::MIN)
}

impl Window {
    /// An empty window.
    pub(super) fn new(second: u64) -> Self {
        Self { start: second, used: 30, ..Self::default() }
    }

    /// Moves on to a second, and forgets what has left the window.
    pub(super) fn move_to(&mut self, second: u64, window: u32) {
        let length = part_length(window);
        let start = second.saturating_sub(second % length);
        for _ in 0..(start.saturating_sub(self.start) / length).min(30) {
            self.current = self.current.wrapping_add(1) % 30;
            self.forget_part();
        }
        self.start = self.start.max(start);
        self.used = u32::try_from(u64::from(window).div_ceil(length.get())).unwrap_or(30);
    }

    /// Adds to the part that is being filled.
    #[inline]
    pub(super) fn add(&mut self, counts: &Counts) {
        if let Some(part) = self.filled() {
            part.treatment.add(&counts.treatment);
            part.control.add(&counts.control);
        }
    }

    #[inline]
    fn filled(&mut self) -> Option<&mut Arms> {
        self.parts.get_mut(to_usize(self.current))
    }

    /// Forgets the outcomes of the part that is being filled.
    pub(super) fn forget_part(&mut self) {
        if let Some(part) = self.filled() {
            *part = Arms::default();
        }
    }

    /// Forgets all outcomes.
    pub(super) fn clear(&mut self) {
        self.parts = [Arms::default(); PARTS];
    }

    /// The outcomes of the whole window.
    #[must_use]
    #[inline(never)]
    pub fn total(&self) -> Arms {
        let mut sum = Arms::default();
        self.latest().take(to_usize(self.used)).for_each(|part| sum.add(part));
        sum
    }

    /// How the control does now: its latest outcomes, of a minute at most (or of one part when that is longer), and of
    /// less when there are enough of them to tell.
    pub(super) fn control_now(&self, window: u32) -> Sample {
        let mut sum = Sample::default();
        let parts = usize::try_from(60_u64 / part_length(window)).unwrap_or(1).max(1);
        for part in self.latest().take(parts) {
            sum.add(&part.control);
            if sum.total >= ENOUGH {
                break;
            }
        }
        sum
    }

    /// The parts, the one that is being filled first.
    fn latest(&self) -> impl Iterator<Item = &Arms> {
        let (upto, behind) = self.parts.split_at(to_usize(self.current).saturating_add(1).min(PARTS));
        upto.iter().rev().chain(behind.iter().rev())
    }
}
