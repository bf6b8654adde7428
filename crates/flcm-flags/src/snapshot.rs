//! The snapshot: bytes that are validated once and then read in place.
//!
//! ```text
//! feature-flags.yaml ─ parse, check, compile ─▶ bytes ─ from_bytes ─▶ Snapshot ─ evaluate ─▶ Decision
//!                      (flcm-flags-config)      the same on           (one pass,
//!                                               every machine         no allocation)
//! ```
//!
//! **Loading is one linear pass.** [`Snapshot::from_bytes`] checks everything that a decision follows. After it every
//! read succeeds and every walk ends, so deciding cannot fail, loop or panic, whatever bytes were loaded. The
//! [format](wire) is made of structs that are read where they lie. Nothing is copied out of the bytes.
//!
//! **The bytes never change.** A snapshot is shared between threads without a lock, and replaced as a whole. What
//! breakers decide is kept beside it, in [`Trips`](crate::Trips).
//!
//! **The compiler has the work, the reader has none.** Inheritance, templates and the short form of flags are gone by
//! the time a document is compiled, and strings, patterns and policies are stored once. The same document gives the
//! same bytes on every machine, so [`Snapshot::digest`] names a document.
//!
//! **One bad flag takes no other down.** A flag that needs a newer core is a `PARSE_ERROR` by itself. Damaged bytes, on
//! the other hand, load not at all, and the host keeps the snapshot that it has.

use core::fmt;
use core::marker::PhantomData;

use zerocopy::little_endian::{F64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use crate::value::Value;

mod flag;
pub mod index;
mod validate;
#[expect(missing_debug_implementations, reason = "of types that `KnownLayout` generates; every record has it")]
pub mod wire;

pub use flag::{Expected, Flag, Rule, Serves, Variant};

/// The attribute that always reads the targeting key.
pub(crate) const USER_ATTRIBUTE: &str = "user_id";

/// A flag of one snapshot: its index in the order of flag keys.
///
/// Ids of two snapshots are unrelated. Look the key up again after an update.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FlagId(pub u32);

/// An attribute of one snapshot: the index of its name in [`Snapshot::attributes`].
///
/// Ids of two snapshots are unrelated.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AttributeId(pub u32);

/// A validated snapshot over any bytes: borrowed, owned, shared or mapped.
///
/// ```
/// use flcm_flags::Snapshot;
///
/// let text = "revision: 7\nflags: { beta: {}, alpha: {} }";
/// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
/// let owned = Snapshot::from_bytes(bytes)?;
/// let borrowed = Snapshot::from_bytes(owned.as_bytes())?;
/// assert_eq!((owned.revision(), owned.digest()), (7, borrowed.digest()));
///
/// let keys = owned.flags().filter_map(|flag| owned.describe(flag)).map(|flag| flag.key());
/// assert_eq!(keys.collect::<Vec<_>>(), ["alpha", "beta"]);
/// # Ok::<(), flcm_flags::SnapshotError>(())
/// ```
pub struct Snapshot<B> {
    bytes: B,
    layout: Layout,
}

impl<B: AsRef<[u8]>> Snapshot<B> {
    /// Validates `bytes` and takes them over, in one linear pass and without allocation.
    ///
    /// The bytes may come from a stranger: no bytes make this function, or a later decision, panic, loop or read
    /// outside of them. The checksum finds accidents, not forgery. Sign what crosses a network that you do not trust.
    ///
    /// ```
    /// use flcm_flags::Snapshot;
    /// let error = Snapshot::from_bytes(b"not a snapshot").unwrap_err();
    /// assert_eq!(error.to_string(), "invalid snapshot: header: too short");
    /// ```
    ///
    /// # Errors
    /// [`SnapshotError`] names what was being read and what is wrong with it. The bytes are dropped: keep using the
    /// snapshot that was loaded before.
    pub fn from_bytes(bytes: B) -> Result<Self, SnapshotError> {
        let mut layout = validate::validate(bytes.as_ref())?;
        layout.user_attribute = Reader { bytes: bytes.as_ref(), layout: &layout }.find_attribute(USER_ATTRIBUTE);
        Ok(Self { bytes, layout })
    }

    /// Finds a flag by its key, in a hash table; `None` when the snapshot has no such flag.
    #[must_use]
    pub fn flag(&self, key: &str) -> Option<FlagId> {
        self.reader().find_flag(key)
    }

    /// All flags, in the order of their keys.
    pub fn flags(&self) -> impl ExactSizeIterator<Item = FlagId> + use<B> {
        // Ids are exclusive of `u32::MAX`, so the count fits every platform's `usize` that holds the bytes.
        let count = usize::try_from(self.layout.flags.count()).unwrap_or(usize::MAX);
        (0..count).map(|index| FlagId(u32::try_from(index).unwrap_or(wire::NONE)))
    }

    /// The flag as the document defines it; `None` for an id that the snapshot does not have.
    #[must_use]
    pub fn describe(&self, flag: FlagId) -> Option<Flag<'_>> {
        self.reader().flag(flag)
    }

    /// The names of the attributes that some condition reads or some flag hashes, in the order of their ids.
    ///
    /// No other attribute changes a decision, so a host need not collect others.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        let reader = self.reader();
        (0..self.layout.attributes.count()).filter_map(move |id| reader.attribute_name(id))
    }

    /// The name of an attribute; `None` for an id that the snapshot does not have.
    #[must_use]
    pub fn attribute(&self, id: AttributeId) -> Option<&str> {
        self.reader().attribute_name(id.0)
    }

    /// The number of cohorts.
    #[must_use]
    pub fn cohort_count(&self) -> usize {
        to_usize(self.layout.cohorts.count())
    }

    /// The document's revision; 0 when it names none. A host refuses to go back to a lower one.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.layout.revision
    }

    /// 64 bits that name these bytes: the same document gives the same digest on every machine.
    ///
    /// It is the checksum in the header. Servers send it as the `ETag` of the snapshot.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.layout.digest
    }

    /// The bytes that were validated.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    /// Name, record count and length in bytes of each section that is not empty: what `flcm inspect` shows.
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
        write!(formatter, "Snapshot {{ digest: {digest:016x}, revision: {revision}, flags: {} }}", flags.count())
    }
}

/// Why bytes are no snapshot: what was being read, and what is wrong with it.
///
/// It is opaque: hosts log the text and treat all errors alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SnapshotError(
    /// Doubly borrowed, so that every check of `from_bytes` answers in one register.
    &'static &'static str,
);

impl SnapshotError {
    /// The text, such as `header: wrong checksum`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "invalid snapshot: {}", self.0)
    }
}

impl core::error::Error for SnapshotError {}

/// The bytes of a section: first and last, the size of a record, and how many records there are.
#[derive(Clone, Copy)]
struct Extent {
    start: usize,
    end: usize,
    size: usize,
    count: u32,
}

/// A section whose records are of type `T`.
pub(crate) struct Section<T> {
    extent: Extent,
    record: PhantomData<fn() -> T>,
}

impl<T> Section<T> {
    const EMPTY: Self = Self { extent: Extent { start: 0, end: 0, size: 0, count: 0 }, record: PhantomData };

    #[inline]
    pub(crate) const fn count(&self) -> u32 {
        self.extent.count
    }
}

macro_rules! layout {
    ($($field:ident: $record:ty = $kind:ident,)*) => {
        /// The section table, read once by `from_bytes`, and what else every decision needs.
        pub(crate) struct Layout {
            pub(crate) digest: u64,
            pub(crate) revision: u64,
            /// The attribute that reads the targeting key, if some condition names it.
            pub(crate) user_attribute: Option<u32>,
            $(pub(crate) $field: Section<$record>,)*
        }

        impl Layout {
            const EMPTY: Self = Self { digest: 0, revision: 0, user_attribute: None, $($field: Section::EMPTY,)* };

            /// The extent of a kind, and how long its records are at least; `None` for an unknown kind.
            fn extent(&mut self, kind: u16) -> Option<(&mut Extent, usize)> {
                match kind {
                    $(wire::section::$kind => Some((&mut self.$field.extent, size_of::<$record>())),)*
                    _ => None,
                }
            }

            /// Name, record count and length in bytes of each section.
            fn sizes(&self) -> [(&'static str, u32, usize); 27] {
                [$((stringify!($field), self.$field.count(), self.$field.extent.length()),)*]
            }
        }
    };
}

impl Extent {
    const fn length(&self) -> usize {
        self.end.saturating_sub(self.start)
    }
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
    policy_details: wire::PolicyDetailRecord = POLICY_DETAILS,
}

/// Reads records from the bytes. Every read is checked. After validation none of them fails.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'s> {
    bytes: &'s [u8],
    pub(crate) layout: &'s Layout,
}

impl<'s> Reader<'s> {
    /// A record by its index; `None` beyond the section.
    #[inline]
    pub(crate) fn get<T>(&self, section: &Section<T>, index: u32) -> Option<&'s T>
    where
        T: FromBytes + Immutable + KnownLayout + Unaligned,
    {
        if index < section.count() { self.at(section, index) } else { None }
    }

    /// A whole section of bare numbers, as a slice.
    #[inline]
    pub(crate) fn all<T: FromBytes + Immutable + Unaligned>(&self, section: &Section<T>) -> &'s [T] {
        let bytes = self.bytes.get(section.extent.start..section.extent.end).unwrap_or_default();
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

    /// Like [`get`](Self::get), for an index from a range that was validated. It is not compared with the count again,
    /// which makes the hot path faster. Bytes outside of the snapshot are never read.
    #[inline]
    pub(crate) fn at<T>(&self, section: &Section<T>, index: u32) -> Option<&'s T>
    where
        T: FromBytes + Immutable + KnownLayout + Unaligned,
    {
        let offset = section.extent.start.wrapping_add(to_usize(index).wrapping_mul(section.extent.size));
        T::ref_from_prefix(self.bytes.get(offset..)?).ok().map(|(record, _)| record)
    }

    /// All records of a section.
    fn records<T>(&self, section: &'s Section<T>) -> impl Iterator<Item = &'s T> + use<'s, T>
    where
        T: FromBytes + Immutable + KnownLayout + Unaligned,
    {
        self.records_at(section, U32::ZERO, section.count())
    }

    /// A range of records, as far as it is there.
    fn records_at<T>(&self, section: &'s Section<T>, start: U32, count: u32) -> impl Iterator<Item = &'s T> + use<'s, T>
    where
        T: FromBytes + Immutable + KnownLayout + Unaligned,
    {
        let reader = *self;
        (start.get()..start.get().saturating_add(count)).map_while(move |id| reader.get(section, id))
    }

    /// The dependencies of a flag: the other flag and what it must have decided.
    pub(crate) fn dependencies(self, flag: &wire::FlagRecord) -> impl Iterator<Item = (FlagId, Expected)> + use<'s> {
        let start = flag.dependencies.get();
        (start..start.wrapping_add(flag.dependency_count.get().into())).filter_map(move |id| {
            let record = self.get(&self.layout.dependencies, id)?;
            Some((FlagId(record.flag.get()), Expected::from_wire(record.expect, record.variant.get())?))
        })
    }

    /// The schedule of a rule: milliseconds since 1970 and thousandths of a percent, by ascending time.
    pub(crate) fn schedule(self, rule: &wire::RuleRecord) -> impl DoubleEndedIterator<Item = (u64, u32)> + use<'s> {
        let start = rule.schedule.get();
        (start..start.wrapping_add(rule.schedule_count.get().into())).filter_map(move |id| {
            let entry = self.get(&self.layout.schedules, id)?;
            Some((entry.at.get(), entry.percentage.get()))
        })
    }

    /// The prerequisites of a flag, direct and indirect, each after all that it depends on.
    pub(crate) fn closure(&self, flag: &wire::FlagRecord) -> &'s [U32] {
        self.range(&self.layout.closures, flag.closure.get(), flag.closure_count.get().into())
    }

    pub(crate) fn flag(&self, flag: FlagId) -> Option<Flag<'s>> {
        let record = self.get(&self.layout.flags, flag.0)?;
        Some(Flag { reader: *self, record })
    }

    /// A string by its id; empty when there is none of this id.
    ///
    /// It checks the bytes for UTF-8 each time, because `unsafe` is forbidden here. What compares bytes should read
    /// [`text_bytes`](Self::text_bytes).
    pub(crate) fn text(&self, id: u32) -> &'s str {
        core::str::from_utf8(self.text_bytes(id)).unwrap_or_default()
    }

    /// The bytes of a string by its id; empty when there is none of this id.
    #[inline]
    pub(crate) fn text_bytes(&self, id: u32) -> &'s [u8] {
        // Each string ends where the next begins, so one read gives both ends.
        let Layout { strings, text, .. } = self.layout;
        let at = strings.extent.start.wrapping_add(to_usize(id).wrapping_mul(size_of::<U32>()));
        let Some(ends) = self.bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) else { return &[] };
        let [start, end]: [U32; 2] = zerocopy::transmute!(*ends);
        let byte = |offset: U32| text.extent.start.wrapping_add(to_usize(offset.get()));
        self.bytes.get(byte(start)..byte(end)).filter(|_| id < strings.count()).unwrap_or_default()
    }

    pub(crate) fn number(&self, index: u32) -> f64 {
        self.get(&self.layout.numbers, index).map_or(f64::NAN, |number| number.get())
    }

    /// The value of a record; `None` for an empty one.
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
        self.find(&self.layout.flag_table, key, &name).map(FlagId)
    }

    pub(crate) fn find_attribute(&self, name: &str) -> Option<u32> {
        let string = |id| self.get(&self.layout.attributes, id).map(|attribute| attribute.name.get());
        self.find(&self.layout.attribute_table, name, &string)
    }

    /// The string id of `text`, if some condition compares with it.
    pub(crate) fn find_operand(&self, text: &str) -> Option<u32> {
        self.find(&self.layout.operand_table, text, &Some)
    }

    /// Looks a name up in a hash table; `string` gives the string id of an entry.
    #[inline]
    fn find(&self, table: &Section<U32>, name: &str, string: &dyn Fn(u32) -> Option<u32>) -> Option<u32> {
        let slots = self.all(table);
        for slot in index::probe(index::lookup_hash(name.as_bytes()), table.count()) {
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
