//! Flags as the document defines them: views over the records of a snapshot.
//!
//! A view is a reference to a record and a reader, so it is free to make and to copy. The core decides on the records
//! directly; these views are for hosts, explanations, dashboards and the command line.

use core::fmt;

use zerocopy::little_endian::U32;

use super::{FlagId, Reader, sections, wire};
use crate::policy::{Action, Detector, Policy, Recovery, Shared, Sources};
use crate::value::Value;

/// A flag: what it serves and to whom. [`Snapshot::describe`](crate::Snapshot::describe) finds one by its id.
///
/// ```
/// use flcm_flags::{Expected, Snapshot, Value};
///
/// let text = "
/// flags:
///   checkout:
///     default: old
///     on: new
///     dependencies: [payments]
///     overrides: { alice: true }
///     error_threshold: { rate: 0.02 }
///   payments: {}";
/// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
/// let snapshot = Snapshot::from_bytes(bytes)?;
/// let flag = snapshot.describe(snapshot.flag("checkout").unwrap()).unwrap();
/// assert_eq!((flag.key(), flag.enabled(), flag.override_count()), ("checkout", true, 1));
/// assert_eq!((flag.default_value(), flag.on_value()), (Some(Value::String("old")), Some(Value::String("new"))));
/// assert_eq!(flag.dependencies().next(), snapshot.flag("payments").map(|other| (other, Expected::Enabled)));
/// assert_eq!(flag.policy().unwrap().rate, 0.02);
/// # Ok::<(), flcm_flags::SnapshotError>(())
/// ```
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

    /// The salt that buckets are drawn with: the flag key, unless the document sets another.
    #[must_use]
    pub fn salt(&self) -> &'s str {
        self.reader.text(self.record.salt.get())
    }

    /// Whether the kill switch is on. If not, the default is served to everyone.
    #[must_use]
    pub fn enabled(&self) -> bool {
        !self.record.has(wire::step::DISABLED)
    }

    /// Whether this version of the core can decide the flag. If not, every decision is a `PARSE_ERROR`.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.record.is_readable()
    }

    /// The attribute that is hashed; `None` for the targeting key.
    #[must_use]
    pub fn by(&self) -> Option<&'s str> {
        self.reader.attribute_name(self.record.by.get())
    }

    /// The value that is served when off.
    #[must_use]
    pub fn default_value(&self) -> Option<Value<'s>> {
        self.reader.value(self.record.default)
    }

    /// The value that is served when on, by a variant without a value of its own, or by a flag without variants.
    ///
    /// `None` when the document has no `on`: then each variant has a value, or the flag is never served on.
    #[must_use]
    pub fn on_value(&self) -> Option<Value<'s>> {
        self.reader.value(self.record.on)
    }

    /// A variant by its index within the flag; `None` beyond the last one.
    #[must_use]
    pub fn variant(&self, index: u16) -> Option<Variant<'s>> {
        Some(Variant { reader: self.reader, record: self.variant_record(index)? })
    }

    pub(crate) fn variant_record(&self, index: u16) -> Option<&'s wire::VariantRecord> {
        let id = self.record.variants.get().wrapping_add(index.into());
        let inside = index < self.record.variant_count.get();
        inside.then(|| self.reader.at(sections::VARIANTS, id))
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

    /// The direct dependencies: other flags, and what each must have decided.
    pub fn dependencies(&self) -> impl Iterator<Item = (FlagId, Expected)> + use<'s> {
        self.reader.dependencies(self.record)
    }

    /// The ids of all prerequisites, direct and indirect, each after all that it depends on. At most 64.
    #[must_use]
    pub fn closure(&self) -> &'s [U32] {
        self.reader.closure(self.record)
    }

    /// The number of users with an override. Their ids are not part of a snapshot.
    #[must_use]
    pub fn override_count(&self) -> u32 {
        self.reader.get(sections::OVERRIDE_SETS, self.record.overrides.get()).map_or(0, |set| set.count.get())
    }

    /// When and how the flag rolls back; `None` for a flag without `error_threshold`.
    #[must_use]
    pub fn policy(&self) -> Option<Policy> {
        self.reader.policy(self.record.policy.get())
    }

    /// A rule by its index among all rules of the snapshot.
    pub(crate) fn rule(&self, id: u32) -> Option<Rule<'s>> {
        let record = self.reader.get(sections::RULES, id)?;
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

/// A variant of a flag: a name, and mostly a value.
#[derive(Clone, Copy)]
pub struct Variant<'s> {
    reader: Reader<'s>,
    record: &'s wire::VariantRecord,
}

impl<'s> Variant<'s> {
    /// The name, unique within the flag.
    #[must_use]
    pub fn name(&self) -> &'s str {
        self.reader.text(self.record.name.get())
    }

    /// The variant's own value. `None` when it serves [`Flag::on_value`].
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

/// A rule of a flag: conditions, a percentage with its schedule, and the variants that it splits users into.
///
/// ```
/// use flcm_flags::{Serves, Snapshot};
///
/// let text = "
/// flags:
///   beta:
///     variants: [{ name: green, weight: 1 }, { name: blue, weight: 3 }]
///     rollout: { percentage: 25, cohorts: { staff: true } }";
/// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
/// let snapshot = Snapshot::from_bytes(bytes)?;
/// let flag = snapshot.describe(snapshot.flag("beta").unwrap()).unwrap();
/// let [staff, others] = flag.rules().collect::<Vec<_>>().try_into().unwrap();
/// assert_eq!((staff.serves(), others.serves()), (Serves::CohortOn, Serves::On));
/// assert_eq!(others.percentage(), 25_000);
/// assert_eq!(others.shares().last().map(|(_, sum)| sum), Some(4));
/// # Ok::<(), flcm_flags::SnapshotError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Rule<'s> {
    pub(crate) flag: Flag<'s>,
    pub(crate) record: &'s wire::RuleRecord,
}

impl<'s> Rule<'s> {
    /// The name in the document; `None` for rules of the short form and for unnamed rules.
    #[must_use]
    pub fn name(&self) -> Option<&'s str> {
        let id = self.record.name.get();
        (id != wire::NONE).then(|| self.flag.reader.text(id))
    }

    /// Whether the rule serves on or off, and whether it does so because of a cohort.
    #[must_use]
    pub fn serves(&self) -> Serves {
        match self.record.serve {
            wire::serve::COHORT_ON => Serves::CohortOn,
            wire::serve::COHORT_OFF => Serves::CohortOff,
            wire::serve::EVERYONE => Serves::Everyone,
            _ => Serves::On,
        }
    }

    /// The percentage before the schedule begins, in thousandths of a percent. Without a schedule it is the percentage
    /// always.
    #[must_use]
    pub fn percentage(&self) -> u32 {
        self.record.percentage.get()
    }

    /// Whether the percentage moves on a straight line between entries of the schedule, rather than in steps.
    #[must_use]
    pub fn is_linear(&self) -> bool {
        self.record.linear == 1
    }

    /// The schedule: milliseconds since 1970 and thousandths of a percent, in the order of time.
    #[must_use]
    pub fn schedule(&self) -> impl DoubleEndedIterator<Item = (u64, u32)> + use<'s> {
        self.flag.reader.schedule(self.record)
    }

    /// The variants that can be drawn: each index within the flag, with the sum of the weights up to and including it.
    ///
    /// They are the rule's own, or those of the flag when the rule has none. A variant of weight 0 is not among them.
    #[must_use]
    pub fn shares(&self) -> impl DoubleEndedIterator<Item = (u16, u32)> + use<'s> {
        let reader = self.flag.reader;
        let (start, count) = match self.record.share_count.get() {
            0 => (self.flag.record.shares.get(), self.flag.record.share_count.get()),
            count => (self.record.shares.get(), count),
        };
        (start..start.wrapping_add(count.into())).filter_map(move |id| {
            let share = reader.get(sections::SHARES, id)?;
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
    /// A policy by its index. Keys that its detail record does not have, or whose code is unknown, have their defaults.
    pub(super) fn policy(&self, id: u32) -> Option<Policy> {
        let record = self.get(sections::POLICIES, id)?;
        let policy = Policy {
            rate: record.rate.get(),
            window: record.window.get(),
            min_samples: record.min_samples.get(),
            cooldown: record.cooldown.get(),
            probe: record.probe.get(),
            ..Policy::DEFAULT
        };
        let Some(detail) = self.get(sections::POLICY_DETAILS, id) else { return Some(policy) };
        Some(Policy {
            detector: Detector::from_code(detail.detector).unwrap_or(policy.detector),
            recovery: Recovery::from_code(detail.recovery).unwrap_or(policy.recovery),
            action: Action::from_code(detail.action).unwrap_or(policy.action),
            shared: Shared::from_code(detail.shared & 15).unwrap_or(policy.shared),
            evidence: Sources::from_code(detail.shared >> 4).unwrap_or(policy.evidence),
            ratio: detail.ratio.get(),
            margin: detail.margin.get(),
            budget: detail.budget.get(),
            slow_ms: detail.slow_ms.get(),
            slow_rate: detail.slow_rate.get(),
            ..policy
        })
    }
}

/// What a rule serves, and to whom.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Serves {
    /// Off, to a cohort.
    CohortOff,
    /// On, to the whole of a cohort.
    CohortOn,
    /// On, to everyone: the document has nothing that narrows the flag. A breaker may cap it.
    Everyone,
    /// On, to the users inside the percentage.
    On,
}

/// What a dependency or a condition expects of another flag. An error meets no expectation.
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
