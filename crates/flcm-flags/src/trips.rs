//! Trips: what breakers have decided, as the next evaluation sees it. Four bytes per flag.
//!
//! This is where breakers and evaluation meet. A host writes the [`TripState`] of a flag's breaker into [`Trips`] and
//! passes those to each evaluation. Evaluation knows nothing else of breakers.
//!
//! **The snapshot stays as it is.** A cap limits percentages at the decision. It does not edit the document or its
//! bytes, so an edit of the document that is on its way survives a rollback, and a rollback survives the edit.
//!
//! **Several sources, one state.** A flag's own breaker may trip it, and so may an operator or the fleet. The host
//! writes [the stricter](TripState::stricter) of those, so nobody can raise exposure above what another allows.

use core::fmt;

use crate::bucket::BUCKETS;
use crate::snapshot::{FlagId, to_usize};

/// How far a flag is tripped.
///
/// ```
/// use flcm_flags::TripState;
/// assert_eq!(TripState::parse("capped 12500"), Some(TripState::Capped(12_500)));
/// assert_eq!(TripState::HeldOff.to_string(), "off");
/// assert_eq!(TripState::Probing.stricter(TripState::Capped(5_000)), TripState::Probing);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TripState {
    /// Not tripped: the flag decides as usual.
    #[default]
    Clear,
    /// Half-open: only the probe share of users passes, and the rollout applies to those.
    Probing,
    /// Open, or held by an operator: off for everyone, users with an override included.
    HeldOff,
    /// Taken back: no percentage is higher than this one, in thousandths of a percent. Overrides and cohorts stay on.
    Capped(u32),
}

impl TripState {
    /// The keyword on the wire: `clear`, `probing`, `off` or `capped`. [`Display`](fmt::Display) adds a cap's
    /// percentage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Probing => "probing",
            Self::HeldOff => "off",
            Self::Capped(_) => "capped",
        }
    }

    /// The state of a text on the wire, such as `probing` or `capped 12500`; `None` for any other, and for a cap above
    /// 100 %.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let cap = text.strip_prefix("capped ").and_then(|cap| cap.parse().ok()).filter(|cap| *cap <= MOST);
        let plain = [Self::Clear, Self::Probing, Self::HeldOff];
        cap.map(Self::Capped).or_else(|| plain.into_iter().find(|state| state.as_str() == text))
    }

    /// The stricter of two states: off for everyone, then a cap of 0 %, then probing, then the lower cap.
    ///
    /// It is commutative and associative, so it does not matter in which order sources are combined.
    #[must_use]
    pub fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::HeldOff, _) | (_, Self::HeldOff) => Self::HeldOff,
            (Self::Capped(0), _) | (_, Self::Capped(0)) => Self::Capped(0),
            (Self::Probing, _) | (_, Self::Probing) => Self::Probing,
            (Self::Capped(cap), Self::Capped(other)) => Self::Capped(cap.min(other)),
            (Self::Clear, state) | (state, Self::Clear) => state,
        }
    }

    /// The state in the two lowest bits, and the cap in the others.
    const fn to_bits(self) -> u32 {
        match self {
            Self::Clear => 0,
            Self::Probing => 1,
            Self::HeldOff => 2,
            Self::Capped(cap) => 3 | (cap << 2),
        }
    }

    #[inline]
    const fn from_bits(bits: u32) -> Self {
        match bits & 3 {
            0 => Self::Clear,
            1 => Self::Probing,
            2 => Self::HeldOff,
            _ => Self::Capped(bits >> 2),
        }
    }
}

/// The largest cap: 100 %.
const MOST: u32 = BUCKETS;

impl fmt::Display for TripState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())?;
        if let Self::Capped(cap) = self { write!(formatter, " {cap}") } else { Ok(()) }
    }
}

/// The trip states of all flags of a snapshot, in a buffer that the caller provides.
///
/// A flag beyond the buffer is clear, so an empty buffer means that nothing has tripped. States are stored by flag id:
/// when the snapshot is replaced, set them anew by flag key.
///
/// ```
/// use flcm_flags::{FlagId, TripState, Trips};
///
/// let mut trips = Trips::new([0; Trips::bytes_for(10)]);
/// trips.set(FlagId(7), TripState::HeldOff);
/// trips.set(FlagId(8), TripState::Capped(12_500));
/// assert_eq!(trips.state(FlagId(7)), TripState::HeldOff);
/// assert_eq!(trips.state(FlagId(8)).to_string(), "capped 12500");
/// assert_eq!(trips.state(FlagId(6)), TripState::Clear);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Trips<B = [u8; 0]>(B);

impl Trips {
    /// The trips of a host without breakers: no flag has tripped.
    pub const NONE: Self = Self([]);

    /// The length in bytes of a buffer for a number of flags.
    #[must_use]
    pub const fn bytes_for(flags: usize) -> usize {
        flags.saturating_mul(4)
    }
}

impl<B: AsRef<[u8]>> Trips<B> {
    /// The bytes of the buffer, which a host may store or pass to another engine.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_ref()
    }

    /// Trips over a buffer of [`bytes_for`](Trips::bytes_for) bytes. With a zeroed one no flag has tripped.
    pub const fn new(buffer: B) -> Self {
        Self(buffer)
    }

    /// The state of one flag; clear for a flag beyond the buffer.
    #[must_use]
    #[inline]
    pub fn state(&self, flag: FlagId) -> TripState {
        TripState::from_bits(self.bits(flag))
    }

    /// Whether the state is clear, which that of most flags is.
    #[inline]
    pub(crate) fn is_clear(&self, flag: FlagId) -> bool {
        self.bits(flag) == 0
    }

    #[inline]
    fn bits(&self, flag: FlagId) -> u32 {
        let (states, _) = self.0.as_ref().as_chunks();
        states.get(to_usize(flag.0)).map_or(0, |bits| u32::from_le_bytes(*bits))
    }
}

impl<B: AsMut<[u8]>> Trips<B> {
    /// Sets the state of one flag; a flag beyond the buffer is left alone.
    pub fn set(&mut self, flag: FlagId, state: TripState) {
        let (states, _) = self.0.as_mut().as_chunks_mut();
        if let Some(bits) = states.get_mut(to_usize(flag.0)) {
            *bits = state.to_bits().to_le_bytes();
        }
    }
}
