//! Decisions, their reasons and error codes, in `OpenFeature`'s words. No other file knows these words.

use core::fmt;

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
}

impl fmt::Display for Arm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Which value a decision serves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Serving {
    /// None: the caller's fallback applies.
    Nothing,
    /// The flag's default.
    Off,
    /// The variant's value, or the flag's `on`.
    On,
}

/// What was decided, as numbers that need no snapshot. [`Decision`] adds the words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Outcome {
    /// Why.
    pub reason: Reason,
    /// Whether the feature is on for this user; false for an error.
    pub enabled: bool,
    /// The side of the breaker's comparison.
    pub arm: Arm,
    pub(crate) serving: Serving,
    /// Index of the variant within the flag.
    pub variant: Option<u16>,
    /// Index of the rule that applied, among all rules of the snapshot.
    pub(crate) rule: Option<u32>,
}

impl Outcome {
    /// Nothing is served: the caller's fallback applies.
    #[must_use]
    pub const fn error(code: ErrorCode) -> Self {
        Self { serving: Serving::Nothing, ..Self::off(Reason::Error(code), false) }
    }

    /// The flag's default is served, which is `enabled` when it is `true`.
    pub(crate) const fn off(reason: Reason, enabled: bool) -> Self {
        Self { reason, enabled, arm: Arm::Outside, serving: Serving::Off, variant: None, rule: None }
    }

    /// The variant is served, or without one the flag's `on`.
    pub(crate) const fn on(reason: Reason, variant: Option<u16>) -> Self {
        Self { reason, enabled: true, arm: Arm::Outside, serving: Serving::On, variant, rule: None }
    }
}

/// What a flag is for one context, and why.
#[derive(Clone, Copy)]
pub struct Decision<'s> {
    flag: Option<Flag<'s>>,
    outcome: Outcome,
}

impl<'s> Decision<'s> {
    /// Gives an outcome of [`evaluate_all`](crate::evaluate_all) its words back.
    #[must_use]
    pub fn new<B: AsRef<[u8]>>(snapshot: &'s Snapshot<B>, flag: FlagId, outcome: Outcome) -> Self {
        Self { flag: snapshot.describe(flag), outcome }
    }

    /// The decision for a flag that the snapshot does not have.
    #[must_use]
    pub const fn flag_not_found() -> Self {
        Self { flag: None, outcome: Outcome::error(ErrorCode::FlagNotFound) }
    }

    /// The decision as numbers.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Whether the feature is on for this user; false for an error.
    #[must_use]
    pub const fn enabled(&self) -> bool {
        self.outcome.enabled
    }

    /// What is served; `None` for an error, where the caller's fallback applies.
    #[must_use]
    pub fn value(&self) -> Option<Value<'s>> {
        let flag = self.flag?;
        match self.outcome.serving {
            Serving::Nothing => None,
            Serving::Off => flag.default_value(),
            Serving::On => {
                let variant = self.outcome.variant.and_then(|index| flag.variant(index));
                variant.and_then(|variant| variant.value()).or_else(|| flag.on_value())
            }
        }
    }

    /// Name of the variant that is served.
    #[must_use]
    pub fn variant(&self) -> Option<&'s str> {
        self.flag?.variant(self.outcome.variant?).map(|variant| variant.name())
    }

    /// Why.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.outcome.reason
    }

    /// Name of the rule that applied, if it has one.
    #[must_use]
    pub fn rule(&self) -> Option<&'s str> {
        self.flag?.rule(self.outcome.rule?)?.name()
    }

    /// The side of the breaker's comparison.
    #[must_use]
    pub const fn arm(&self) -> Arm {
        self.outcome.arm
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
