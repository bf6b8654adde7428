//! Decisions, their reasons and error codes, in `OpenFeature`'s words. No other file knows these words.

use core::fmt;

use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::snapshot::{Flag, FlagId, Snapshot};
use crate::value::Value;

/// Why a decision is what it is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Reason {
    /// The breaker is open or held, or half-open and the user is outside the probe share.
    BreakerOpen,
    /// No rule applied.
    Default,
    /// The kill switch is off.
    Disabled,
    /// Nothing could be decided; the code says why.
    Error(ErrorCode),
    /// The user is listed in the flag's overrides.
    Override,
    /// A dependency does not hold for this context.
    PrerequisiteFailed,
    /// A rule applied, and a bucket or a split point was drawn.
    Split,
    /// The flag has no rules.
    Static,
    /// A rule applied.
    TargetingMatch,
}

impl Reason {
    /// How many reasons there are, each error code counted as one.
    pub const COUNT: usize = 11;

    /// The word that goes on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BreakerOpen => "BREAKER_OPEN",
            Self::Default => "DEFAULT",
            Self::Disabled => "DISABLED",
            Self::Error(_) => "ERROR",
            Self::Override => "OVERRIDE",
            Self::PrerequisiteFailed => "PREREQUISITE_FAILED",
            Self::Split => "SPLIT",
            Self::Static => "STATIC",
            Self::TargetingMatch => "TARGETING_MATCH",
        }
    }

    /// A small number, below [`COUNT`](Self::COUNT), which stays the same in every later release: packed decisions and batches of
    /// metrics hold it.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::BreakerOpen => 0,
            Self::Default => 1,
            Self::Disabled => 2,
            Self::Override => 3,
            Self::PrerequisiteFailed => 4,
            Self::Split => 5,
            Self::Static => 6,
            Self::TargetingMatch => 7,
            Self::Error(ErrorCode::FlagNotFound) => 8,
            Self::Error(ErrorCode::InvalidContext) => 9,
            Self::Error(ErrorCode::ParseError) => 10,
        }
    }

    /// The reason of a [`code`](Self::code); `None` for one that this release does not know.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Some(Self::from_bits(code.into())).filter(|reason| reason.code() == code)
    }

    const fn from_bits(bits: u64) -> Self {
        match bits & 0xff {
            0 => Self::BreakerOpen,
            1 => Self::Default,
            2 => Self::Disabled,
            3 => Self::Override,
            4 => Self::PrerequisiteFailed,
            5 => Self::Split,
            6 => Self::Static,
            7 => Self::TargetingMatch,
            8 => Self::Error(ErrorCode::FlagNotFound),
            9 => Self::Error(ErrorCode::InvalidContext),
            _ => Self::Error(ErrorCode::ParseError),
        }
    }

    /// The code of an error.
    #[must_use]
    pub const fn error_code(self) -> Option<ErrorCode> {
        if let Self::Error(code) = self { Some(code) } else { None }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What kept a flag from being decided.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErrorCode {
    /// The snapshot has no such flag.
    FlagNotFound,
    /// The context is bound to another snapshot.
    InvalidContext,
    /// The flag needs a newer version of this crate.
    ParseError,
}

impl ErrorCode {
    /// The word that goes on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FlagNotFound => "FLAG_NOT_FOUND",
            Self::InvalidContext => "INVALID_CONTEXT",
            Self::ParseError => "PARSE_ERROR",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The side of the comparison that the breaker makes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Arm {
    /// Eligible, and left out by a percentage alone.
    Control,
    /// Neither: overrides, cohorts, everything that never reached a percentage.
    Outside,
    /// Served on by a rule.
    Treatment,
}

impl Arm {
    /// The word that goes on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Outside => "outside",
            Self::Treatment => "treatment",
        }
    }

    /// A small number that stands for it where it is told without words.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Outside => 0,
            Self::Treatment => 1,
            Self::Control => 2,
        }
    }

    /// The arm of a [`code`](Self::code).
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Outside),
            1 => Some(Self::Treatment),
            2 => Some(Self::Control),
            _ => None,
        }
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What was decided, as one number that needs no snapshot. [`Decision`] adds the words.
///
/// From the lowest bit: 32 bits of rule, 16 of variant, 8 of reason, then one each for enabled, serving something, serving
/// on, treatment and control. One register: a decision that was written byte by byte and read as a whole would stall.
#[derive(Clone, Copy, Eq, FromBytes, Immutable, IntoBytes, PartialEq)]
#[repr(transparent)]
pub struct PackedDecision(u64);

const VARIANT_SHIFT: u32 = 32;
const REASON_SHIFT: u32 = 48;
const ENABLED: u64 = 1 << 56;
/// Without it the caller's fallback applies.
const SERVES: u64 = 1 << 57;
/// The variant's value or the flag's `on` is served, rather than the default.
const ON: u64 = 1 << 58;
const TREATMENT: u64 = 1 << 59;
const CONTROL: u64 = 1 << 60;
/// Stands for "no rule": snapshots are too small for so many.
const NO_RULE: u64 = 0xffff_ffff;
/// Stands for "no variant": a flag has at most 256.
const NO_VARIANT: u16 = u16::MAX;

impl PackedDecision {
    /// The number, for a host that keeps decisions outside of Rust.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The decision of a number from [`to_bits`](Self::to_bits). Any other number is a decision that nobody made.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Nothing is served: the caller's fallback applies.
    #[must_use]
    pub const fn error(code: ErrorCode) -> Self {
        Self::new(Reason::Error(code), NO_VARIANT, 0)
    }

    /// The flag's default is served, which is `enabled` when it is `true`.
    #[inline]
    pub(crate) const fn off(reason: Reason, enabled: bool) -> Self {
        Self::new(reason, NO_VARIANT, if enabled { SERVES | ENABLED } else { SERVES })
    }

    /// The variant is served, or without one the flag's `on`.
    #[inline]
    pub(crate) fn on(reason: Reason, variant: Option<u16>) -> Self {
        Self::new(reason, variant.unwrap_or(NO_VARIANT), SERVES | ENABLED | ON)
    }

    #[inline]
    #[expect(clippy::as_conversions, reason = "widening; `from` is not const")]
    const fn new(reason: Reason, variant: u16, flags: u64) -> Self {
        let (reason, variant) = (reason.code() as u64, variant as u64);
        Self(NO_RULE | (variant << VARIANT_SHIFT) | (reason << REASON_SHIFT) | flags)
    }

    #[inline]
    pub(crate) fn by_rule(self, rule: u32) -> Self {
        Self(self.0 & !NO_RULE | u64::from(rule))
    }

    #[inline]
    pub(crate) const fn of_arm(self, arm: Arm) -> Self {
        match arm {
            Arm::Control => Self(self.0 | CONTROL),
            Arm::Outside => self,
            Arm::Treatment => Self(self.0 | TREATMENT),
        }
    }

    /// Why.
    #[must_use]
    #[inline]
    pub const fn reason(self) -> Reason {
        Reason::from_bits(self.0 >> REASON_SHIFT)
    }

    /// Whether the feature is on for this user; false for an error.
    #[must_use]
    #[inline]
    pub const fn enabled(self) -> bool {
        self.0 & ENABLED != 0
    }

    /// The side of the breaker's comparison.
    #[must_use]
    pub const fn arm(self) -> Arm {
        match (self.0 & CONTROL != 0, self.0 & TREATMENT != 0) {
            (true, _) => Arm::Control,
            (_, true) => Arm::Treatment,
            _ => Arm::Outside,
        }
    }

    /// Index of the variant within the flag.
    #[must_use]
    pub fn variant(self) -> Option<u16> {
        u16::try_from((self.0 >> VARIANT_SHIFT) & 0xffff).ok().filter(|variant| *variant != NO_VARIANT)
    }

    /// Index of the rule that applied, among all rules of the snapshot.
    fn rule(self) -> Option<u32> {
        u32::try_from(self.0 & NO_RULE).ok().filter(|rule| u64::from(*rule) != NO_RULE)
    }
}

impl fmt::Debug for PackedDecision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (reason, enabled, arm, variant) = (self.reason(), self.enabled(), self.arm(), self.variant());
        write!(formatter, "PackedDecision {{ {reason}, enabled: {enabled}, variant: {variant:?}, arm: {arm} }}")
    }
}

/// What a flag is for one context, and why.
#[derive(Clone, Copy)]
pub struct Decision<'s> {
    flag: Option<Flag<'s>>,
    packed: PackedDecision,
}

impl<'s> Decision<'s> {
    /// Adds the words to a packed decision, such as one of [`evaluate_all`](crate::evaluate_all).
    #[must_use]
    pub fn new<B: AsRef<[u8]>>(snapshot: &'s Snapshot<B>, flag: FlagId, packed: PackedDecision) -> Self {
        Self { flag: snapshot.describe(flag), packed }
    }

    pub(crate) const fn of(flag: Flag<'s>, packed: PackedDecision) -> Self {
        Self { flag: Some(flag), packed }
    }

    /// The decision for a flag that the snapshot does not have.
    #[must_use]
    pub const fn flag_not_found() -> Self {
        Self { flag: None, packed: PackedDecision::error(ErrorCode::FlagNotFound) }
    }

    /// The decision as numbers.
    #[must_use]
    pub const fn packed(&self) -> PackedDecision {
        self.packed
    }

    /// Whether the feature is on for this user; false for an error.
    #[must_use]
    pub const fn enabled(&self) -> bool {
        self.packed.enabled()
    }

    /// What is served; `None` for an error, where the caller's fallback applies.
    #[must_use]
    pub fn value(&self) -> Option<Value<'s>> {
        let flag = self.flag?;
        match (self.packed.0 & SERVES != 0, self.packed.0 & ON != 0) {
            (false, _) => None,
            (true, false) => flag.default_value(),
            (true, true) => {
                let variant = self.packed.variant().and_then(|index| flag.variant(index));
                variant.and_then(|variant| variant.value()).or_else(|| flag.on_value())
            }
        }
    }

    /// Name of the variant that is served.
    #[must_use]
    pub fn variant(&self) -> Option<&'s str> {
        self.flag?.variant(self.packed.variant()?).map(|variant| variant.name())
    }

    /// Why.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.packed.reason()
    }

    /// Name of the rule that applied, if it has one.
    #[must_use]
    pub fn rule(&self) -> Option<&'s str> {
        self.flag?.rule(self.packed.rule()?)?.name()
    }

    /// The side of the breaker's comparison.
    #[must_use]
    pub const fn arm(&self) -> Arm {
        self.packed.arm()
    }
}

impl fmt::Debug for Decision<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Decision")
            .field("enabled", &self.enabled())
            .field("value", &self.value())
            .field("variant", &self.variant())
            .field("reason", &self.reason())
            .field("rule", &self.rule())
            .field("arm", &self.arm())
            .finish()
    }
}
