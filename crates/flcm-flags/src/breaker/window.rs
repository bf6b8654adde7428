//! The window of latest outcomes, by time.
//!
//! Reports and events show it, and [`Detector::Rate`](crate::Detector::Rate) takes its rate over it. Evidence does not
//! depend on it.
//!
//! It is a ring of 30 parts that moves with time, never with calls. After a pause nothing of before is left: a window
//! that moved with calls would still count an hour-old failure after a quiet hour.

use core::num::NonZeroU64;

use crate::counts::{Counts, Sample};
use crate::snapshot::to_usize;

/// The number of parts of a window.
pub(super) const PARTS: usize = 30;

/// The number of outcomes of the control that is enough to know how it does.
pub(super) const ENOUGH: u32 = 20;

/// Outcomes of both arms.
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

/// The latest outcomes of a breaker, for as many seconds as the policy's [`window`](crate::Policy::window).
///
/// [`Breaker::window`](super::Breaker::window) gives it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Window {
    pub(super) parts: [Arms; PARTS],
    /// The second in which the current part begins.
    pub(super) start: u64,
    /// The index of the current part, which is being filled.
    pub(super) current: u32,
    /// The number of parts that make up the window: fewer than 30 for a window of fewer seconds.
    pub(super) used: u32,
    /// How often the clock went back.
    pub(super) clock_back: u32,
    /// How often counts were refused because they were not valid.
    pub(super) refused: u32,
}

/// The length of a part in seconds, for a window of so many seconds.
fn part_length(window: u32) -> NonZeroU64 {
    NonZeroU64::new(u64::from(window).div_ceil(30)).unwrap_or(NonZeroU64::MIN)
}

impl Window {
    /// An empty window.
    pub(super) fn new(second: u64) -> Self {
        Self { start: second, used: 30, ..Self::default() }
    }

    /// Moves on to a second. Parts that have left the window are emptied.
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

    /// Adds counts to the current part.
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

    /// Removes the outcomes of the current part.
    pub(super) fn forget_part(&mut self) {
        if let Some(part) = self.filled() {
            *part = Arms::default();
        }
    }

    /// Removes all outcomes.
    pub(super) fn clear(&mut self) {
        self.parts = [Arms::default(); PARTS];
    }

    /// The outcomes of the whole window, the current part included.
    #[must_use]
    #[inline(never)]
    pub fn total(&self) -> Arms {
        let mut sum = Arms::default();
        self.latest().take(to_usize(self.used)).for_each(|part| sum.add(part));
        sum
    }

    /// The latest outcomes of the control, to know how it does now.
    ///
    /// They go back a minute at most, or one part when that is longer, and less when there are enough of them.
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

    /// The parts from the current one back in time.
    fn latest(&self) -> impl Iterator<Item = &Arms> {
        let (upto, behind) = self.parts.split_at(to_usize(self.current).saturating_add(1).min(PARTS));
        upto.iter().rev().chain(behind.iter().rev())
    }
}
