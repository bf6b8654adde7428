//! The numbers that a call answers.

use flcm_flags::{Sample, TripState};

/// How many numbers there may be.
const MOST: usize = 48;

/// Numbers behind each other.
pub(super) struct Answer {
    numbers: [f64; MOST],
    count: usize,
}

impl Answer {
    pub(super) const fn new() -> Self {
        Self { numbers: [0.0; MOST], count: 0 }
    }

    pub(super) const fn numbers(&self) -> &[f64] {
        &self.numbers
    }

    pub(super) const fn begin(&mut self) -> &mut Self {
        self.count = 0;
        self
    }

    #[inline(never)]
    pub(super) fn number(&mut self, number: f64) -> &mut Self {
        if let Some(place) = self.numbers.get_mut(self.count) {
            *place = number;
        }
        self.count += 1;
        self
    }

    #[inline(never)]
    pub(super) fn integer(&mut self, number: u32) -> &mut Self {
        self.number(number.into())
    }

    #[expect(clippy::cast_precision_loss, reason = "at most 2^53, or a count for people")]
    pub(super) fn large(&mut self, number: u64) -> &mut Self {
        self.number(number as f64)
    }

    pub(super) fn count(&mut self, count: usize) -> &mut Self {
        self.integer(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// A number of 64 bits: its lower and its upper half.
    #[expect(clippy::cast_possible_truncation, reason = "halves")]
    pub(super) fn halves(&mut self, number: u64) -> &mut Self {
        self.integer(number as u32).integer((number >> 32) as u32)
    }

    /// A text: where it lies, and its length.
    #[inline(never)]
    pub(super) fn text(&mut self, text: &[u8]) -> &mut Self {
        self.count(text.as_ptr().addr()).count(text.len())
    }

    pub(super) fn sample(&mut self, sample: &Sample) -> &mut Self {
        self.integer(sample.total).integer(sample.errors).integer(sample.slow).integer(sample.missing)
    }

    /// Keyword, and percentage of a cap: not a number where there is none.
    pub(super) fn trip(&mut self, state: TripState) -> &mut Self {
        self.text(state.as_str().as_bytes());
        self.number(if let TripState::Capped(cap) = state { cap.into() } else { f64::NAN })
    }
}
