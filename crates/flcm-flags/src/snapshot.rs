//! The snapshot: bytes that are validated once and then read in place.

use core::fmt;
use core::marker::PhantomData;

use zerocopy::little_endian::{F64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use crate::value::Value;

pub mod index;
mod validate;
#[expect(missing_debug_implementations, reason = "of types that `KnownLayout` generates; every record has it")]
pub mod wire;

/// The attribute that always reads the targeting key.
pub(crate) const USER_ATTRIBUTE: &str = "user_id";

/// A flag of one snapshot: its place in the order of flag keys.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FlagId(pub u32);

/// A validated snapshot over any bytes: borrowed, owned, shared or mapped.
///
/// [`from_bytes`](Self::from_bytes) checks everything that a decision follows, so that deciding cannot fail, loop or
/// panic; loading and swapping cost one linear pass and no allocation.
///
/// ```
/// use flcm_flags::Snapshot;
/// let error = Snapshot::from_bytes(b"not a snapshot").unwrap_err();
/// assert_eq!(error.to_string(), "invalid snapshot: header: too short");
/// ```
pub struct Snapshot<B> {
    bytes: B,
    layout: Layout,
}

impl<B: AsRef<[u8]>> Snapshot<B> {
    /// Validates `bytes` and takes them over.
    ///
    /// # Errors
    /// [`SnapshotError`] says what was being read and what is wrong with it; nothing of the bytes is used then.
    pub fn from_bytes(bytes: B) -> Result<Self, SnapshotError> {
        let mut layout = validate::validate(bytes.as_ref())?;
        layout.user_attribute = Reader { bytes: bytes.as_ref(), layout: &layout }.find_attribute(USER_ATTRIBUTE);
        Ok(Self { bytes, layout })
    }

    /// Finds a flag by its key.
    #[must_use]
    pub fn flag(&self, key: &str) -> Option<FlagId> {
        self.reader().find_flag(key)
    }

    /// All flags, in the order of their keys.
    pub fn flags(&self) -> impl ExactSizeIterator<Item = FlagId> + use<B> {
        // Ids are exclusive of `u32::MAX`, so the count fits every platform's `usize` that holds the bytes.
        let count = usize::try_from(self.layout.flags.count).unwrap_or(usize::MAX);
        (0..count).map(|index| FlagId(u32::try_from(index).unwrap_or(wire::NONE)))
    }

    /// What the snapshot says about a flag; `None` for an id of another snapshot.
    #[must_use]
    pub fn describe(&self, flag: FlagId) -> Option<Flag<'_>> {
        self.reader().flag(flag)
    }

    /// Names of the attributes that some rule reads or some flag hashes; no other attribute changes a decision.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        let reader = self.reader();
        (0..self.layout.attributes.count).filter_map(move |id| reader.attribute_name(id))
    }

    /// The document's revision; 0 when it names none.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.layout.revision
    }

    /// 64 bits that name these bytes: the same document gives the same digest on every machine.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.layout.digest
    }

    /// The bytes that were validated.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// Name, record count and length in bytes of each section that is not empty.
    pub fn sections(&self) -> impl Iterator<Item = (&'static str, u32, usize)> + use<B> {
        self.layout.sizes().into_iter().filter(|(_, count, _)| *count > 0)
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader { bytes: self.bytes.as_ref(), layout: &self.layout }
    }
}

impl<B> fmt::Debug for Snapshot<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Layout { digest, revision, flags, .. } = &self.layout;
        write!(formatter, "Snapshot {{ digest: {digest:016x}, revision: {revision}, flags: {} }}", flags.count)
    }
}

/// Why bytes are no snapshot: what was being read, and what is wrong with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SnapshotError(&'static str);

impl fmt::Display for SnapshotError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "invalid snapshot: {}", self.0)
    }
}

impl core::error::Error for SnapshotError {}

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
        self.reader.get(&self.reader.layout.policies, self.record.policy.get()).map(|record| Policy {
            rate: record.rate.get(),
            window: record.window.get(),
            min_samples: record.min_samples.get(),
            cooldown: record.cooldown.get(),
            probe: record.probe.get(),
        })
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

/// When a flag rolls back: `error_threshold` of the document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Policy {
    /// Error rate above which the flag is rolled back, 0 to 1.
    pub rate: f64,
    /// Seconds over which the rate is taken.
    pub window: u32,
    /// Outcomes before a rate counts.
    pub min_samples: u32,
    /// Seconds before the first probe.
    pub cooldown: u32,
    /// Share of users that passes half-open, in thousandths of a percent.
    pub probe: u32,
}

/// Records of one kind: where they lie and how long each is.
pub(crate) struct Section<T> {
    start: usize,
    end: usize,
    size: usize,
    pub(crate) count: u32,
    record: PhantomData<fn() -> T>,
}

impl<T> Section<T> {
    const EMPTY: Self = Self { start: 0, end: 0, size: size_of::<T>(), count: 0, record: PhantomData };
}

macro_rules! layout {
    ($($field:ident: $record:ty = $kind:ident,)*) => {
        /// Where everything lies, found once by `from_bytes`.
        pub(crate) struct Layout {
            pub(crate) digest: u64,
            pub(crate) revision: u64,
            /// The attribute that reads the targeting key, if some condition names it.
            pub(crate) user_attribute: Option<u32>,
            $(pub(crate) $field: Section<$record>,)*
        }

        impl Layout {
            const EMPTY: Self = Self { digest: 0, revision: 0, user_attribute: None, $($field: Section::EMPTY,)* };

            /// Takes a section down; one of an unknown kind is skipped. `false` when its records are too short.
            fn place(&mut self, kind: u16, start: usize, size: usize, count: u32) -> bool {
                match kind {
                    $(wire::section::$kind => {
                        let end = start.saturating_add(to_usize(count).saturating_mul(size));
                        self.$field = Section { start, end, size, count, record: PhantomData };
                        // Bare numbers are read as slices, so they cannot grow.
                        let expected = size_of::<$record>();
                        size == expected || (size > expected && expected > 8)
                    })*
                    _ => true,
                }
            }

            fn sizes(&self) -> [(&'static str, u32, usize); 26] {
                [$((stringify!($field), self.$field.count, self.$field.end.saturating_sub(self.$field.start)),)*]
            }
        }
    };
}

layout! {
    text: u8 = TEXT,
    strings: U32 = STRINGS,
    numbers: F64 = NUMBERS,
    attributes: wire::AttributeRecord = ATTRIBUTES,
    attribute_table: U32 = ATTRIBUTE_TABLE,
    operand_table: U32 = OPERAND_TABLE,
    flag_table: U32 = FLAG_TABLE,
    flags: wire::FlagRecord = FLAGS,
    rules: wire::RuleRecord = RULES,
    nodes: wire::NodeRecord = NODES,
    operands: U32 = OPERANDS,
    shares: wire::ShareRecord = SHARES,
    variants: wire::VariantRecord = VARIANTS,
    schedules: wire::ScheduleRecord = SCHEDULES,
    closures: U32 = CLOSURES,
    dependencies: wire::DependencyRecord = DEPENDENCIES,
    override_sets: wire::OverrideSetRecord = OVERRIDE_SETS,
    overrides: wire::OverrideRecord = OVERRIDES,
    cohorts: wire::CohortRecord = COHORTS,
    cohort_closures: U32 = COHORT_CLOSURES,
    members: U64 = MEMBERS,
    patterns: wire::PatternRecord = PATTERNS,
    classes: u8 = CLASSES,
    transitions: U16 = TRANSITIONS,
    policies: wire::PolicyRecord = POLICIES,
    order: U32 = ORDER,
}

/// Reads records out of the bytes. Every read is checked; after validation none of them fails.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'s> {
    bytes: &'s [u8],
    pub(crate) layout: &'s Layout,
}

impl<'s> Reader<'s> {
    #[inline]
    pub(crate) fn get<T>(&self, section: &Section<T>, index: u32) -> Option<&'s T>
    where
        T: FromBytes + Immutable + KnownLayout + Unaligned,
    {
        if index < section.count { self.at(section, index) } else { None }
    }

    /// All of a section of bare numbers.
    #[inline]
    pub(crate) fn all<T: FromBytes + Immutable + Unaligned>(&self, section: &Section<T>) -> &'s [T] {
        let bytes = self.bytes.get(section.start..section.end).unwrap_or_default();
        <[T]>::ref_from_bytes(bytes).unwrap_or_default()
    }

    /// A part of a section of bare numbers; empty when it is not there.
    #[inline]
    pub(crate) fn range<T: FromBytes + Immutable + Unaligned>(
        &self,
        section: &Section<T>,
        start: u32,
        count: u32,
    ) -> &'s [T] {
        let start = to_usize(start);
        self.all(section).get(start..start.saturating_add(to_usize(count))).unwrap_or_default()
    }

    /// Like [`get`](Self::get), for an index out of a range that was validated: it is not compared with the count again.
    #[inline]
    pub(crate) fn at<T>(&self, section: &Section<T>, index: u32) -> Option<&'s T>
    where
        T: FromBytes + Immutable + KnownLayout + Unaligned,
    {
        let offset = section.start.wrapping_add(to_usize(index).wrapping_mul(section.size));
        T::ref_from_prefix(self.bytes.get(offset..)?).ok().map(|(record, _)| record)
    }

    pub(crate) fn dependencies(self, flag: &wire::FlagRecord) -> impl Iterator<Item = (FlagId, Expected)> + use<'s> {
        let start = flag.dependencies.get();
        (start..start.wrapping_add(flag.dependency_count.get().into())).filter_map(move |id| {
            let record = self.get(&self.layout.dependencies, id)?;
            Some((FlagId(record.flag.get()), Expected::from_wire(record.expect, record.variant.get())?))
        })
    }

    pub(crate) fn schedule(self, rule: &wire::RuleRecord) -> impl DoubleEndedIterator<Item = (u64, u32)> + use<'s> {
        let start = rule.schedule.get();
        (start..start.wrapping_add(rule.schedule_count.get().into())).filter_map(move |id| {
            let entry = self.get(&self.layout.schedules, id)?;
            Some((entry.at.get(), entry.percentage.get()))
        })
    }

    pub(crate) fn closure(&self, flag: &wire::FlagRecord) -> &'s [U32] {
        self.range(&self.layout.closures, flag.closure.get(), flag.closure_count.get().into())
    }

    pub(crate) fn flag(&self, flag: FlagId) -> Option<Flag<'s>> {
        let record = self.get(&self.layout.flags, flag.0)?;
        Some(Flag { reader: *self, record })
    }

    /// An interned string; empty when there is none of this id.
    pub(crate) fn text(&self, id: u32) -> &'s str {
        core::str::from_utf8(self.text_bytes(id)).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn text_bytes(&self, id: u32) -> &'s [u8] {
        // Each string ends where the next begins, so one read gives both ends.
        let Layout { strings, text, .. } = self.layout;
        let at = strings.start.wrapping_add(to_usize(id).wrapping_mul(size_of::<U32>()));
        let Some(ends) = self.bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) else { return &[] };
        let [start, end]: [U32; 2] = zerocopy::transmute!(*ends);
        let place = |offset: U32| text.start.wrapping_add(to_usize(offset.get()));
        self.bytes.get(place(start)..place(end)).filter(|_| id < strings.count).unwrap_or_default()
    }

    pub(crate) fn number(&self, index: u32) -> f64 {
        self.get(&self.layout.numbers, index).map_or(f64::NAN, |number| number.get())
    }

    pub(crate) fn value(&self, record: wire::ValueRecord) -> Option<Value<'s>> {
        let payload = record.payload.get();
        match record.kind {
            wire::value::BOOL => Some(Value::Bool(payload == 1)),
            wire::value::NUMBER => Some(Value::Number(self.number(payload))),
            wire::value::STRING => Some(Value::String(self.text(payload))),
            wire::value::JSON => Some(Value::Json(self.text(payload))),
            _ => None,
        }
    }

    pub(crate) fn attribute_name(&self, id: u32) -> Option<&'s str> {
        self.get(&self.layout.attributes, id).map(|record| self.text(record.name.get()))
    }

    pub(crate) fn find_flag(&self, key: &str) -> Option<FlagId> {
        let name = |id| self.get(&self.layout.flags, id).map(|flag| flag.key.get());
        self.find(&self.layout.flag_table, key, name).map(FlagId)
    }

    pub(crate) fn find_attribute(&self, name: &str) -> Option<u32> {
        let string = |id| self.get(&self.layout.attributes, id).map(|attribute| attribute.name.get());
        self.find(&self.layout.attribute_table, name, string)
    }

    /// The string id of `text`, if some condition compares with it.
    pub(crate) fn find_operand(&self, text: &str) -> Option<u32> {
        self.find(&self.layout.operand_table, text, Some)
    }

    /// Looks a name up in a table; `string` tells the string id of an entry.
    #[inline]
    fn find(&self, table: &Section<U32>, name: &str, string: impl Fn(u32) -> Option<u32>) -> Option<u32> {
        let slots = self.all(table);
        for slot in index::probe(index::lookup_hash(name.as_bytes()), table.count) {
            let id = slots.get(to_usize(slot))?.get();
            if id == wire::NONE {
                return None;
            }
            if self.text_bytes(string(id)?) == name.as_bytes() {
                return Some(id);
            }
        }
        None
    }
}

/// Indices of the format are 32 bits wide; so is every platform that this runs on, or wider.
pub(crate) fn to_usize(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
