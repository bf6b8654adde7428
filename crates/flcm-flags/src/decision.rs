//! Decisions, their reasons and error codes, in `OpenFeature`'s terms. No other file knows these strings.
//!
//! **A decision is one register.** [`PackedDecision`] holds rule, variant, reason and a few flags in 64 bits.
//! Evaluation passes it around in a register, hosts keep it in arrays, and the bindings pass it to JavaScript as two
//! integers. [`Decision`] adds the strings of the snapshot: the value, the name of the variant, the name of the rule.
//! They are read only when somebody asks for them, because turning bytes into `&str` checks the bytes each time.
//!
//! **The numbers are stable.** Codes of reasons are stored in batches of metrics, so they never change. A number that
//! this release does not know reads as an error rather than as some other reason.

use core::fmt;

use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::snapshot::sections;
use crate::snapshot::wire::{self, ValueRecord, VariantRecord};
use crate::snapshot::{Flag, FlagId, Snapshot};
use crate::value::Value;

/// Why a decision is what it is.
///
/// `OpenFeature` knows `DEFAULT`, `DISABLED`, `ERROR`, `SPLIT`, `STATIC` and `TARGETING_MATCH`. It allows further
/// reasons, and this crate adds three.
///
/// ```
/// use flcm_flags::{ErrorCode, Reason};
///
/// assert_eq!(Reason::TargetingMatch.as_str(), "TARGETING_MATCH");
/// assert_eq!(Reason::Error(ErrorCode::ParseError).to_string(), "ERROR");
/// assert_eq!(Reason::from_code(Reason::Split.code()), Some(Reason::Split));
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Reason {
    /// The breaker is open or held, or half-open and the user is outside the probe share. The default is served.
    BreakerOpen,
    /// The flag has rules, and none of them applied. The default is served.
    Default,
    /// The kill switch is off. The default is served.
    Disabled,
    /// The flag could not be decided; the code says why. Nothing is served: the caller's fallback applies.
    Error(ErrorCode),
    /// The user is listed in the flag's overrides, or the host has set one: see [`evaluate_as`](crate::evaluate_as).
    Override,
    /// A dependency does not hold for this context. The default is served.
    PrerequisiteFailed,
    /// A rule applied, and its percentage is below 100 or one of several variants was drawn.
    Split,
    /// The flag has nothing that narrows it, so everyone gets it.
    Static,
    /// A rule applied, and nothing was drawn. A cohort may also be served off by such a rule.
    TargetingMatch,
}

impl Reason {
    /// How many reasons there are, each error code counted as one.
    pub const COUNT: usize = 11;

    /// The reason as `OpenFeature` and the wire write it, such as `TARGETING_MATCH`. All errors are `ERROR`.
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

    /// A small number, below [`COUNT`](Self::COUNT), which stays the same in every later release: packed decisions and
    /// batches of metrics hold it.
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

    /// The code of an error; `None` for a decision that was made.
    #[must_use]
    pub const fn error_code(self) -> Option<ErrorCode> {
        if let Self::Error(code) = self { Some(code) } else { None }
    }
}

/// The words of reasons, one a line, by [`Reason::code`]; where that is an error, its [`ErrorCode`]. Then those of
/// arms, by [`Arm::code`], and that of all errors.
///
/// A host that keeps them needs no call for the words of a decision.
pub const WORDS: &str = "BREAKER_OPEN\nDEFAULT\nDISABLED\nOVERRIDE\nPREREQUISITE_FAILED\nSPLIT\nSTATIC\nTARGETING_MATCH\n\
    FLAG_NOT_FOUND\nINVALID_CONTEXT\nPARSE_ERROR\noutside\ntreatment\ncontrol\nERROR";

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Why a flag could not be decided, in `OpenFeature`'s error codes.
///
/// ```
/// use flcm_flags::ErrorCode;
/// assert_eq!(ErrorCode::FlagNotFound.as_str(), "FLAG_NOT_FOUND");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErrorCode {
    /// The snapshot has no such flag.
    FlagNotFound,
    /// The context is bound to another snapshot.
    InvalidContext,
    /// The flag needs a newer version of this crate. Other flags of the snapshot are decided as usual.
    ParseError,
}

impl ErrorCode {
    /// The code as `OpenFeature` and the wire write it.
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

/// The side of the comparison that the breaker makes: treatment against control, as in an A/B test.
///
/// The two arms differ by a hash alone. That is what makes their error rates comparable: both saw the same minute, the
/// same database and the same kind of users.
///
/// ```
/// use flcm_flags::{Arm, Context, Millis, Snapshot, Trips, evaluate};
///
/// let text = "flags: { beta: { rollout: { percentage: 50 }, overrides: { alice: true } } }";
/// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
/// let snapshot = Snapshot::from_bytes(bytes)?;
/// let flag = snapshot.flag("beta").unwrap();
/// let arm = |user| {
///     let context = Context::new(Some(user), &[]).bind(&snapshot);
///     evaluate(&snapshot, &Trips::NONE, flag, &context, Millis(0)).arm()
/// };
/// assert_eq!(arm("alice"), Arm::Outside, "an override is not a fair comparison");
/// assert!(["bob", "carol", "dave"].map(arm).iter().all(|arm| *arm != Arm::Outside));
/// # Ok::<(), flcm_flags::SnapshotError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Arm {
    /// Eligible, and left out by a percentage alone.
    Control,
    /// Neither: overrides, cohorts, and everyone who never reached a percentage.
    Outside,
    /// Served on by a rule with a percentage, 100 % included.
    Treatment,
}

impl Arm {
    /// The keyword on the wire: `control`, `outside` or `treatment`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Outside => "outside",
            Self::Treatment => "treatment",
        }
    }

    /// A stable number for the arm, from 0 to 2, for hosts that pass it as an integer.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Outside => 0,
            Self::Treatment => 1,
            Self::Control => 2,
        }
    }

    /// The arm of a [`code`](Self::code); `None` for any other number.
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

/// What was decided, as one number that needs no snapshot. [`Decision`] adds the strings.
///
/// | bits, from the lowest | content |
/// |---|---|
/// | 32 | index of the rule among all rules of the snapshot; all ones for none |
/// | 16 | index of the variant within the flag; all ones for none |
/// | 8 | [code](Reason::code) of the reason |
/// | 1 each | enabled, serves something, serves on, treatment, control |
///
/// It is one register rather than a struct of bytes: a decision that is written byte by byte and then read as a whole
/// stalls the processor.
///
/// ```
/// use flcm_flags::{Context, Decision, Millis, PackedDecision, Snapshot, Trips, evaluate};
///
/// let text = "flags: { beta: { rollout: { percentage: 0 }, overrides: { alice: true } } }";
/// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
/// let snapshot = Snapshot::from_bytes(bytes)?;
/// let flag = snapshot.flag("beta").unwrap();
/// let alice = Context::new(Some("alice"), &[]).bind(&snapshot);
/// let bits: u64 = evaluate(&snapshot, &Trips::NONE, flag, &alice, Millis(0)).packed().to_bits();
///
/// let again = Decision::new(&snapshot, flag, PackedDecision::from_bits(bits));
/// assert!(again.enabled());
/// # Ok::<(), flcm_flags::SnapshotError>(())
/// ```
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
    /// The 64 bits, for a host that keeps decisions outside of Rust. [`from_bits`](Self::from_bits) reads them.
    #[must_use]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The decision of a number from [`to_bits`](Self::to_bits).
    ///
    /// Any other number gives a decision that nobody made. Reading it is safe: every accessor has an answer.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The decision of the upper half of its bits, by which hosts count; its rule is not known. `None` for a number that
    /// no engine gives: an unknown reason, or both arms.
    ///
    /// ```
    /// use flcm_flags::{PackedDecision, Reason};
    ///
    /// let split = u32::from(Reason::Split.code()) << 16;
    /// let decision = PackedDecision::from_upper_half(split | 2).unwrap();
    /// assert_eq!((decision.reason(), decision.variant()), (Reason::Split, Some(2)));
    /// assert!(PackedDecision::from_upper_half(u32::MAX).is_none());
    /// ```
    #[must_use]
    pub fn from_upper_half(bits: u32) -> Option<Self> {
        let packed = Self(u64::from(bits) << VARIANT_SHIFT | NO_RULE);
        let has_both = packed.0 & (TREATMENT | CONTROL) == TREATMENT | CONTROL;
        let has_reason = u64::from(packed.reason().code()) == packed.0 >> REASON_SHIFT & 0xff;
        (packed.0 < CONTROL << 1 && has_reason && !has_both).then_some(packed)
    }

    /// A decision that serves nothing, so that the caller's fallback applies.
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

    /// Why the decision is what it is.
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

    /// The side of the breaker's comparison that the user is on.
    #[must_use]
    pub const fn arm(self) -> Arm {
        match (self.0 & CONTROL != 0, self.0 & TREATMENT != 0) {
            (true, _) => Arm::Control,
            (_, true) => Arm::Treatment,
            _ => Arm::Outside,
        }
    }

    /// The index of the variant within the flag; `None` when no variant is served.
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

/// What a flag serves for one context, and why.
///
/// ```
/// use flcm_flags::{Context, Millis, Reason, Snapshot, Trips, Value, evaluate};
///
/// let text = "
/// flags:
///   price:
///     default: 10
///     on: 12
///     variants: [{ name: low, value: 9, weight: 1 }]
///     rules: [{ name: germans, conditions: [{ attribute: country, operator: ==, value: DE }] }]
///     rollout: { percentage: 0 }";
/// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
/// let snapshot = Snapshot::from_bytes(bytes)?;
/// let flag = snapshot.flag("price").unwrap();
/// let attributes = [("country", "DE".into())];
/// let alice = Context::new(Some("alice"), &attributes).bind(&snapshot);
/// let decision = evaluate(&snapshot, &Trips::NONE, flag, &alice, Millis(0));
/// assert_eq!(decision.value(), Some(Value::Number(9.0)));
/// assert_eq!((decision.variant(), decision.rule()), (Some("low"), Some("germans")));
/// assert_eq!(decision.reason(), Reason::TargetingMatch);
/// # Ok::<(), flcm_flags::SnapshotError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Decision<'s> {
    flag: Option<Flag<'s>>,
    packed: PackedDecision,
}

impl<'s> Decision<'s> {
    /// Adds the strings to a packed decision, such as one of [`evaluate_all`](crate::evaluate_all).
    ///
    /// `flag` and `packed` must belong together. With an id that the snapshot does not have, the decision has no value.
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

    /// The decision as one number.
    #[must_use]
    pub const fn packed(&self) -> PackedDecision {
        self.packed
    }

    /// Whether the feature is on for this user; false for an error.
    #[must_use]
    pub const fn enabled(&self) -> bool {
        self.packed.enabled()
    }

    /// The value that is served; `None` for an error, where the caller's fallback applies.
    ///
    /// On is the variant's value, or without one the flag's `on`. Off is the flag's default.
    #[must_use]
    pub fn value(&self) -> Option<Value<'s>> {
        self.flag?.reader.value(self.value_record()?)
    }

    /// The record of the variant that is served.
    fn variant_record(&self) -> Option<&'s VariantRecord> {
        self.flag?.variant_record(self.packed.variant()?)
    }

    /// The record of the value that is served.
    fn value_record(&self) -> Option<ValueRecord> {
        let record = self.flag?.record;
        match (self.packed.0 & SERVES != 0, self.packed.0 & ON != 0) {
            (false, _) => None,
            (true, false) => Some(record.default),
            (true, true) => match self.variant_record() {
                Some(variant) if variant.value.kind != wire::value::NONE => Some(variant.value),
                _ => Some(record.on),
            },
        }
    }

    /// The texts and the value of the decision as bytes, for a host that reads them as text itself.
    #[must_use]
    pub fn words(&self) -> Words<'s> {
        let mut words = Words::default();
        let Some(Flag { reader, .. }) = self.flag else { return words };
        words.variant = self.variant_record().map_or(&[], |variant| reader.text_bytes(variant.name.get()));
        words.rule =
            self.packed.rule().map_or(&[], |rule| reader.text_bytes(reader.at(sections::RULES, rule).name.get()));
        let Some(value) = self.value_record() else { return words };
        words.kind = value.kind;
        let payload = value.payload.get();
        match value.kind {
            wire::value::BOOL => words.number = payload.into(),
            wire::value::NUMBER => words.number = reader.number(payload),
            _ => words.text = reader.text_bytes(payload),
        }
        words
    }

    /// The name of the variant that is served; `None` when off, and for a flag without variants.
    #[must_use]
    pub fn variant(&self) -> Option<&'s str> {
        self.flag?.variant(self.packed.variant()?).map(|variant| variant.name())
    }

    /// Why the decision is what it is.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.packed.reason()
    }

    /// The name of the rule that applied; `None` for an unnamed rule, and when no rule applied.
    #[must_use]
    pub fn rule(&self) -> Option<&'s str> {
        self.flag?.rule(self.packed.rule()?)?.name()
    }

    /// The side of the breaker's comparison that the user is on.
    #[must_use]
    pub const fn arm(&self) -> Arm {
        self.packed.arm()
    }
}

/// What a decision says besides its [`PackedDecision`], as bytes: see [`Decision::words`]. An empty text stands for
/// none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Words<'s> {
    /// The name of the variant.
    pub variant: &'s [u8],
    /// The name of the rule.
    pub rule: &'s [u8],
    /// The kind of the value: one of [`wire::value`].
    pub kind: u8,
    /// A number, or a boolean as 0 or 1.
    pub number: f64,
    /// A text, or JSON.
    pub text: &'s [u8],
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

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::{Arm, Reason, WORDS};

    #[test]
    fn words_are_those_of_the_codes() {
        let words: Vec<_> = WORDS.lines().collect();
        for code in 0..11 {
            let reason = Reason::from_code(code).unwrap();
            let word = reason.error_code().map_or(reason.as_str(), |error| error.as_str());
            assert_eq!(words[usize::from(code)], word);
        }
        for code in 0..3 {
            assert_eq!(words[usize::from(11 + code)], Arm::from_code(code).unwrap().as_str());
        }
        assert_eq!(words[14], Reason::from_code(8).unwrap().as_str());
        assert_eq!(words.len(), 15);
    }
}
