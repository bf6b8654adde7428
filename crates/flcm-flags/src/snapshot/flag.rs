//! What a snapshot says about a flag: views over its records, for the core and for those who show snapshots.

use core::fmt;

use zerocopy::little_endian::U32;

use super::{FlagId, Reader, wire};
use crate::policy::{Action, Detector, Policy, Recovery, Shared};
use crate::value::Value;

/// What a flag serves and to whom, as the snapshot has it.
#[derive(Clone, Copy)]
pub struct Flag<'s> {
    pub(crate) reader: Reader<'s>,
    pub(crate) record: &'s wire::FlagRecord,
}

impl<'s> Flag<'s> {
    /// The flag key.
    #[must_use]
    pub fn key(&self) -> &'s str {
        self.reader.text(self.record.key.get())
    }

    /// The salt: the flag key, unless the document says otherwise.
    #[must_use]
    pub fn salt(&self) -> &'s str {
        self.reader.text(self.record.salt.get())
    }

    /// The kill switch.
    #[must_use]
    pub fn enabled(&self) -> bool {
        !self.record.has(wire::step::DISABLED)
    }

    /// Whether this version of the core can decide the flag; otherwise every decision is a `PARSE_ERROR`.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.record.is_readable()
    }

    /// The attribute that is hashed; `None` for the targeting key.
    #[must_use]
    pub fn by(&self) -> Option<&'s str> {
        self.reader.attribute_name(self.record.by.get())
    }

    /// What is served when off.
    #[must_use]
    pub fn default_value(&self) -> Option<Value<'s>> {
        self.reader.value(self.record.default)
    }

    /// What is served when on, by a variant without a value of its own or without variants.
    #[must_use]
    pub fn on_value(&self) -> Option<Value<'s>> {
        self.reader.value(self.record.on)
    }

    /// A variant by its index within the flag.
    #[must_use]
    pub fn variant(&self, index: u16) -> Option<Variant<'s>> {
        let inside = index < self.record.variant_count.get();
        let id = self.record.variants.get().wrapping_add(index.into());
        let record = self.reader.get(&self.reader.layout.variants, id).filter(|_| inside)?;
        Some(Variant { reader: self.reader, record })
    }

    /// All variants, in the document's order.
    pub fn variants(&self) -> impl Iterator<Item = Variant<'s>> + use<'s> {
        let flag = *self;
        (0..flag.record.variant_count.get()).filter_map(move |index| flag.variant(index))
    }

    /// The rules, in the order in which they are tried: those of the document, then those of the short form.
    pub fn rules(&self) -> impl Iterator<Item = Rule<'s>> + use<'s> {
        let flag = *self;
        let start = flag.record.rules.get();
        (start..start.wrapping_add(flag.record.rule_count.get().into())).filter_map(move |id| flag.rule(id))
    }

    /// The flags that must have decided so before this one is looked at.
    pub fn dependencies(&self) -> impl Iterator<Item = (FlagId, Expected)> + use<'s> {
        self.reader.dependencies(self.record)
    }

    /// All prerequisites, direct and indirect, in an order in which each may be decided.
    #[must_use]
    pub fn closure(&self) -> &'s [U32] {
        self.reader.closure(self.record)
    }

    /// How many users are listed in overrides.
    #[must_use]
    pub fn override_count(&self) -> u32 {
        self.reader.get(&self.reader.layout.override_sets, self.record.overrides.get()).map_or(0, |set| set.count.get())
    }

    /// When the flag rolls back, if it does.
    #[must_use]
    pub fn policy(&self) -> Option<Policy> {
        self.reader.policy(self.record.policy.get())
    }

    /// A rule by its index among all rules of the snapshot.
    pub(crate) fn rule(&self, id: u32) -> Option<Rule<'s>> {
        let record = self.reader.get(&self.reader.layout.rules, id)?;
        Some(Rule { flag: *self, record })
    }
}

impl fmt::Debug for Flag<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Flag({:?})", self.key())
    }
}

impl wire::FlagRecord {
    #[inline]
    pub(crate) const fn is_readable(&self) -> bool {
        self.level <= wire::LEVEL && self.hash == wire::HASH_SIP_MIX
    }

    #[inline]
    pub(crate) const fn has(&self, step: u8) -> bool {
        self.steps & step != 0
    }
}

/// A variant of a flag.
#[derive(Clone, Copy)]
pub struct Variant<'s> {
    reader: Reader<'s>,
    record: &'s wire::VariantRecord,
}

impl<'s> Variant<'s> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'s str {
        self.reader.text(self.record.name.get())
    }

    /// Its own value, if it has one.
    #[must_use]
    pub fn value(&self) -> Option<Value<'s>> {
        self.reader.value(self.record.value)
    }
}

impl fmt::Debug for Variant<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Variant({:?})", self.name())
    }
}

/// A rule of a flag.
#[derive(Clone, Copy)]
pub struct Rule<'s> {
    pub(crate) flag: Flag<'s>,
    pub(crate) record: &'s wire::RuleRecord,
}

impl<'s> Rule<'s> {
    /// The name in the document; `None` for the short form and for unnamed rules.
    #[must_use]
    pub fn name(&self) -> Option<&'s str> {
        let id = self.record.name.get();
        (id != wire::NONE).then(|| self.flag.reader.text(id))
    }

    /// What the rule serves, and why.
    #[must_use]
    pub fn serves(&self) -> Serves {
        match self.record.serve {
            wire::serve::COHORT_ON => Serves::CohortOn,
            wire::serve::COHORT_OFF => Serves::CohortOff,
            _ => Serves::On,
        }
    }

    /// The percentage before the schedule begins, in thousandths of a percent.
    #[must_use]
    pub fn percentage(&self) -> u32 {
        self.record.percentage.get()
    }

    /// Whether the schedule runs straight from entry to entry.
    #[must_use]
    pub fn is_linear(&self) -> bool {
        self.record.linear == 1
    }

    /// The schedule: milliseconds since 1970 and thousandths of a percent, in the order of time.
    #[must_use]
    pub fn schedule(&self) -> impl DoubleEndedIterator<Item = (u64, u32)> + use<'s> {
        self.flag.reader.schedule(self.record)
    }

    /// The variants that can be drawn: their index within the flag and the sum of the weights so far.
    #[must_use]
    pub fn shares(&self) -> impl DoubleEndedIterator<Item = (u16, u32)> + use<'s> {
        let reader = self.flag.reader;
        let (start, count) = match self.record.share_count.get() {
            0 => (self.flag.record.shares.get(), self.flag.record.share_count.get()),
            count => (self.record.shares.get(), count),
        };
        (start..start.wrapping_add(count.into())).filter_map(move |id| {
            let share = reader.get(&reader.layout.shares, id)?;
            Some((share.variant.get(), share.cumulative.get()))
        })
    }
}

impl fmt::Debug for Rule<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Rule({:?} of {:?})", self.name(), self.flag.key())
    }
}

impl Reader<'_> {
    /// A policy by its index; what its detail does not say, or has no word for, is the default.
    pub(super) fn policy(&self, id: u32) -> Option<Policy> {
        let record = self.get(&self.layout.policies, id)?;
        let policy = Policy {
            rate: record.rate.get(),
            window: record.window.get(),
            min_samples: record.min_samples.get(),
            cooldown: record.cooldown.get(),
            probe: record.probe.get(),
            ..Policy::DEFAULT
        };
        let Some(detail) = self.get(&self.layout.policy_details, id) else { return Some(policy) };
        Some(Policy {
            detector: Detector::from_code(detail.detector).unwrap_or(policy.detector),
            recovery: Recovery::from_code(detail.recovery).unwrap_or(policy.recovery),
            action: Action::from_code(detail.action).unwrap_or(policy.action),
            shared: Shared::from_code(detail.shared).unwrap_or(policy.shared),
            ratio: detail.ratio.get(),
            margin: detail.margin.get(),
            budget: detail.budget.get(),
            slow_ms: detail.slow_ms.get(),
            slow_rate: detail.slow_rate.get(),
            ..policy
        })
    }
}

/// What a rule serves, and why.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Serves {
    /// Off, to a cohort.
    CohortOff,
    /// On, to the whole of a cohort.
    CohortOn,
    /// On, to the users inside the percentage.
    On,
}

/// What is expected of another flag.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Expected {
    /// `enabled` is false.
    Disabled,
    /// `enabled` is true.
    Enabled,
    /// The variant of this index is served.
    Variant(u16),
}

impl Expected {
    pub(crate) const fn from_wire(kind: u8, variant: u16) -> Option<Self> {
        match kind {
            wire::expect::DISABLED => Some(Self::Disabled),
            wire::expect::ENABLED => Some(Self::Enabled),
            wire::expect::VARIANT => Some(Self::Variant(variant)),
            _ => None,
        }
    }
}
