//! Bytes as inputs: numbers, times and outcomes.

use flcm_flags::bucket::mix;
use flcm_flags::{Counts, Sample};

/// The latest time that a host can name: in JavaScript a larger integer is no longer exact.
pub(crate) const LATEST: u64 = 1 << 53;

/// Outcomes of both arms, mostly of this generation.
pub(crate) fn counts(inputs: &mut Inputs<'_>, generation: u32) -> Counts {
    let kind = inputs.byte();
    let generation = if kind.is_multiple_of(16) { inputs.number() } else { generation };
    let age = if kind & 0x60 == 0x60 { inputs.number() % 130_000 } else { 0 };
    Counts { generation, age, treatment: sample(inputs), control: sample(inputs) }
}

/// Outcomes that can be, mostly.
fn sample(inputs: &mut Inputs<'_>) -> Sample {
    let kind = inputs.byte();
    if kind < 16 {
        let [total, errors, slow, missing] = [(); 4].map(|()| inputs.number());
        return Sample { total, errors, slow, missing };
    }
    let total = if kind < 32 { inputs.number() } else { inputs.byte().into() };
    let [errors, slow] = [kind, kind >> 2].map(|kind| match kind & 3 {
        0 => 0,
        1 => total / 32,
        2 => inputs.number() % total.saturating_add(1),
        _ => total,
    });
    let missing = if kind & 32 == 0 { 0 } else { total - errors };
    Sample { total, errors, slow, missing }
}

/// The bytes behind a breaker, and when they come to their end such as follow from them: a short file drives far as
/// well.
pub(crate) struct Inputs<'b> {
    rest: &'b [u8],
    state: u64,
}

impl<'b> Inputs<'b> {
    pub(crate) fn new(rest: &'b [u8]) -> Self {
        Self { rest, state: rest.iter().fold(0, |state, byte| mix(state ^ u64::from(*byte))) }
    }

    pub(crate) fn byte(&mut self) -> u8 {
        if let Some((byte, rest)) = self.rest.split_first() {
            self.rest = rest;
            return *byte;
        }
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.state).to_le_bytes()[0]
    }

    pub(crate) fn number(&mut self) -> u32 {
        u32::from_le_bytes([(); 4].map(|()| self.byte()))
    }

    /// Around now, mostly.
    pub(crate) fn time(&mut self) -> u64 {
        let time = u64::from_le_bytes([(); 8].map(|()| self.byte()));
        time % if self.byte() < 16 { LATEST } else { 2_000_000_000_000 }
    }
}
