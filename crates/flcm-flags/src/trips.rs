//! What breakers have decided, as the next evaluation sees it: two bits per flag.

use crate::snapshot::FlagId;

/// What the breaker of a flag says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TripState {
    /// Nothing: the flag decides as usual.
    #[default]
    Clear,
    /// Half-open: only the probe share of users passes.
    Probing,
    /// Open, or held by a person: off for everyone.
    HeldOff,
}

impl TripState {
    /// The word that goes on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Probing => "probing",
            Self::HeldOff => "held off",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Clear, Self::Probing, Self::HeldOff].iter().copied().find(|state| state.as_str() == word)
    }
}

/// The trip states of all flags of a snapshot, two bits each, in a buffer that the caller brings.
///
/// A flag beyond the buffer is clear, so an empty buffer means that nothing has tripped.
///
/// ```
/// use flcm_flags::{FlagId, TripState, Trips};
///
/// let mut trips = Trips::new([0; Trips::bytes_for(10)]);
/// trips.set(FlagId(7), TripState::HeldOff);
/// assert_eq!(trips.state(FlagId(7)), TripState::HeldOff);
/// assert_eq!(trips.state(FlagId(6)), TripState::Clear);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Trips<B = [u8; 0]>(B);

impl Trips {
    /// No flag has tripped.
    pub const NONE: Self = Self([]);

    /// Length in bytes of the buffer for a number of flags.
    #[must_use]
    pub const fn bytes_for(flags: usize) -> usize {
        flags.div_ceil(4)
    }
}

impl<B: AsRef<[u8]>> Trips<B> {
    /// The buffer.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// Takes a buffer of [`bytes_for`](Trips::bytes_for) bytes; a zeroed one is all clear.
    pub const fn new(buffer: B) -> Self {
        Self(buffer)
    }

    /// The state of one flag.
    #[must_use]
    #[inline]
    pub fn state(&self, flag: FlagId) -> TripState {
        let (index, shift) = place(flag);
        match self.0.as_ref().get(index).map(|byte| (byte >> shift) & 3) {
            None | Some(0) => TripState::Clear,
            Some(1) => TripState::Probing,
            Some(_) => TripState::HeldOff,
        }
    }
}

impl<B: AsMut<[u8]>> Trips<B> {
    /// Sets the state of one flag; a flag beyond the buffer is left alone.
    pub fn set(&mut self, flag: FlagId, state: TripState) {
        let (index, shift) = place(flag);
        let bits: u8 = match state {
            TripState::Clear => 0,
            TripState::Probing => 1,
            TripState::HeldOff => 2,
        };
        if let Some(byte) = self.0.as_mut().get_mut(index) {
            *byte = (*byte & !(3 << shift)) | (bits << shift);
        }
    }
}

/// The byte of a flag and the position of its two bits.
fn place(flag: FlagId) -> (usize, u32) {
    let index = usize::try_from(flag.0 >> 2).unwrap_or(usize::MAX);
    (index, (flag.0 & 3) << 1)
}
