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
use core::mem::offset_of;

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use crate::value::Value;

mod flag;
pub mod index;
pub(crate) mod sections;
mod validate;
#[expect(missing_debug_implementations, reason = "of types that `KnownLayout` generates; every record has it")]
pub mod wire;

pub use flag::{Expected, Flag, Rule, Serves, Variant};
pub(crate) use sections::Layout;
use sections::{Extent, Section};

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
#[derive(Clone)]
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
        let mut snapshot = Self::empty(bytes);
        snapshot.load()?;
        Ok(snapshot)
    }

    /// A snapshot without flags over a buffer: see [`load`](Self::load).
    pub const fn empty(bytes: B) -> Self {
        Self { bytes, layout: Layout::EMPTY }
    }

    /// Where the bytes lie, for a host that writes them there before [`load`](Self::load).
    pub const fn buffer(&mut self) -> &mut B {
        &mut self.bytes
    }

    /// Validates the bytes where they lie, like [`from_bytes`](Self::from_bytes).
    ///
    /// # Errors
    /// As there; the snapshot is without flags then.
    pub fn load(&mut self) -> Result<(), SnapshotError> {
        let valid = validate::validate(self.bytes.as_ref(), &mut self.layout);
        match valid {
            Ok(()) => self.layout.user_attribute = self.reader().find_attribute(USER_ATTRIBUTE.as_bytes()),
            Err(_) => self.layout = Layout::EMPTY,
        }
        valid
    }

    /// Finds a flag by its key, in a hash table; `None` when the snapshot has no such flag.
    #[must_use]
    pub fn flag(&self, key: &str) -> Option<FlagId> {
        self.reader().find_flag(key.as_bytes())
    }

    /// The id of a flag, or of an attribute, by the bytes of its name.
    #[must_use]
    pub fn find(&self, name: &[u8], is_attribute: bool) -> Option<u32> {
        let reader = self.reader();
        if is_attribute { reader.find_attribute(name) } else { reader.find_flag(name).map(|flag| flag.0) }
    }

    /// All flags, in the order of their keys.
    pub fn flags(&self) -> impl ExactSizeIterator<Item = FlagId> + use<B> {
        // Ids are exclusive of `u32::MAX`, so the count fits every platform's `usize` that holds the bytes.
        let count = usize::try_from(self.layout.count(sections::FLAGS)).unwrap_or(usize::MAX);
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
        (0..self.layout.count(sections::ATTRIBUTES)).filter_map(move |id| reader.attribute_name(id))
    }

    /// The name of an attribute; `None` for an id that the snapshot does not have.
    #[must_use]
    pub fn attribute(&self, id: AttributeId) -> Option<&str> {
        self.reader().attribute_name(id.0)
    }

    /// The number of cohorts.
    #[must_use]
    pub fn cohort_count(&self) -> usize {
        to_usize(self.layout.count(sections::COHORTS))
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
        self.layout.sizes().filter(|(_, count, _)| *count > 0)
    }

    /// All texts, in the order of their ids: whoever has the snapshot can read them.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let reader = self.reader();
        // One more offset than there are texts.
        (0..self.layout.count(sections::STRINGS).saturating_sub(1)).map(move |id| reader.text(id))
    }

    pub(crate) fn reader(&self) -> Reader<'_> {
        Reader { bytes: self.bytes.as_ref(), layout: &self.layout }
    }
}

impl<B> fmt::Debug for Snapshot<B> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Layout { digest, revision, .. } = &self.layout;
        let flags = self.layout.count(sections::FLAGS);
        write!(formatter, "Snapshot {{ digest: {digest:016x}, revision: {revision}, flags: {flags} }}")
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

/// A record as its bytes, with whatever follows it.
type Record = [u8; wire::PADDING];

/// What is read where there is no record.
static NOTHING: Record = [0; wire::PADDING];

/// Reads records from the bytes. Every read is checked, and what is not there reads as zeros.
///
/// The bytes end with as many zeros as the largest record has bytes, so a record is read as one array: after the check
/// of its place no field is checked again.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'s> {
    bytes: &'s [u8],
    pub(crate) layout: &'s Layout,
}

// What every read comes to. Out of line where size counts more than speed.
impl<'s> Reader<'s> {
    /// The bytes of a record.
    #[cfg_attr(feature = "compact", inline(never))]
    #[cfg_attr(not(feature = "compact"), inline)]
    fn record(&self, kind: usize, index: u32) -> &'s Record {
        let start = self.layout.offset(kind, index);
        // With 64 bits the end cannot overflow, so one comparison is left of these checks.
        let bytes = self.bytes.get(start..start.wrapping_add(wire::PADDING));
        bytes.and_then(<[u8]>::first_chunk).unwrap_or(&NOTHING)
    }

    /// The bytes of a range of records; none when it is not there.
    #[cfg_attr(feature = "compact", inline(never))]
    #[cfg_attr(not(feature = "compact"), inline)]
    fn span(&self, kind: usize, start: u32, count: u32) -> &'s [u8] {
        let end = start.saturating_add(count);
        if end > self.layout.extent_of(kind).count {
            return &[];
        }
        self.bytes.get(self.layout.offset(kind, start)..self.layout.offset(kind, end)).unwrap_or_default()
    }
}

impl<'s> Reader<'s> {
    /// How many records a section has.
    #[inline]
    pub(crate) fn count<T>(&self, section: Section<T>) -> u32 {
        self.layout.count(section)
    }

    /// A record by its index; `None` beyond the section.
    #[inline]
    pub(crate) fn get<T>(&self, section: Section<T>, index: u32) -> Option<&'s T>
    where
        T: FromBytes + Immutable + KnownLayout + Unaligned,
    {
        if index < self.layout.count(section) { Some(self.at(section, index)) } else { None }
    }

    /// Like [`get`](Self::get), for an index from a range that was validated. It is not compared with the count again,
    /// which makes the hot path faster. Bytes outside of the snapshot are never read: they count as zeros.
    #[inline]
    pub(crate) fn at<T>(&self, section: Section<T>, index: u32) -> &'s T
    where
        T: FromBytes + Immutable + KnownLayout + Unaligned,
    {
        const { assert!(size_of::<T>() <= wire::PADDING, "a record must fit into the padding") }
        match T::ref_from_prefix(self.record(section.kind, index)) {
            Ok((record, _)) => record,
            Err(_) => unreachable!("the assertion above holds"),
        }
    }

    /// A whole section of bare numbers, as a slice.
    #[inline]
    pub(crate) fn all<T: FromBytes + Immutable + Unaligned>(&self, section: Section<T>) -> &'s [T] {
        self.range(section, 0, self.layout.count(section))
    }

    /// A part of a section of bare numbers; empty when it is not there.
    #[inline]
    pub(crate) fn range<T: FromBytes + Immutable + Unaligned>(
        &self,
        section: Section<T>,
        start: u32,
        count: u32,
    ) -> &'s [T] {
        <[T]>::ref_from_bytes(self.span(section.kind, start, count)).unwrap_or_default()
    }

    /// The dependencies of a flag: the other flag and what it must have decided.
    pub(crate) fn dependencies(self, flag: &wire::FlagRecord) -> impl Iterator<Item = (FlagId, Expected)> + use<'s> {
        let start = flag.dependencies.get();
        (start..start.wrapping_add(flag.dependency_count.get().into())).filter_map(move |id| {
            let record = self.get(sections::DEPENDENCIES, id)?;
            Some((FlagId(record.flag.get()), Expected::from_wire(record.expect, record.variant.get())?))
        })
    }

    /// The schedule of a rule: milliseconds since 1970 and thousandths of a percent, by ascending time.
    pub(crate) fn schedule(self, rule: &wire::RuleRecord) -> impl DoubleEndedIterator<Item = (u64, u32)> + use<'s> {
        let start = rule.schedule.get();
        (start..start.wrapping_add(rule.schedule_count.get().into())).filter_map(move |id| {
            let entry = self.get(sections::SCHEDULES, id)?;
            Some((entry.at.get(), entry.percentage.get()))
        })
    }

    /// The prerequisites of a flag, direct and indirect, each after all that it depends on.
    pub(crate) fn closure(&self, flag: &wire::FlagRecord) -> &'s [U32] {
        self.range(sections::CLOSURES, flag.closure.get(), flag.closure_count.get().into())
    }

    pub(crate) fn flag(&self, flag: FlagId) -> Option<Flag<'s>> {
        let record = self.get(sections::FLAGS, flag.0)?;
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
    #[cfg_attr(feature = "compact", inline(never))]
    #[cfg_attr(not(feature = "compact"), inline)]
    pub(crate) fn text_bytes(&self, id: u32) -> &'s [u8] {
        // Each string ends where the next begins, so one read gives both ends.
        let Some(ends) = self.record(sections::STRINGS.kind, id).first_chunk::<8>() else {
            return &[];
        };
        let [start, end]: [U32; 2] = zerocopy::transmute!(*ends);
        let text = to_usize(self.layout.extent(sections::TEXT).start);
        let byte = |offset: U32| text.wrapping_add(to_usize(offset.get()));
        self.bytes.get(byte(start)..byte(end)).filter(|_| id < self.count(sections::STRINGS)).unwrap_or_default()
    }

    #[cfg_attr(feature = "compact", inline(never))]
    pub(crate) fn number(&self, index: u32) -> f64 {
        self.at(sections::NUMBERS, index).get()
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
        self.get(sections::ATTRIBUTES, id).map(|record| self.text(record.name.get()))
    }

    pub(crate) fn find_flag(&self, key: &[u8]) -> Option<FlagId> {
        self.find(sections::FLAG_TABLE, key, Some((sections::FLAGS.kind, offset_of!(wire::FlagRecord, key))))
            .map(FlagId)
    }

    pub(crate) fn find_attribute(&self, name: &[u8]) -> Option<u32> {
        let names = (sections::ATTRIBUTES.kind, offset_of!(wire::AttributeRecord, name));
        self.find(sections::ATTRIBUTE_TABLE, name, Some(names))
    }

    /// The string id of `text`, if some condition compares with it.
    pub(crate) fn find_operand(&self, text: &[u8]) -> Option<u32> {
        self.find(sections::OPERAND_TABLE, text, None)
    }

    /// Looks a name up in a hash table. Its entries are string ids, or indices of records of the kind `names`, which
    /// have the string id at an offset.
    #[cfg_attr(feature = "compact", inline(never))]
    #[cfg_attr(
        not(feature = "compact"),
        expect(clippy::inline_always, reason = "with `names` known, a lookup takes a tenth less"),
        inline(always)
    )]
    fn find(&self, table: Section<U32>, name: &[u8], names: Option<(usize, usize)>) -> Option<u32> {
        for slot in index::probe(index::lookup_hash(name), self.count(table)) {
            let id = self.at(table, slot).get();
            if id == wire::NONE {
                return None;
            }
            let string = names.map_or(id, |(kind, at)| self.number_at(kind, id, at));
            if index::is_same(self.text_bytes(string), name) {
                return Some(id);
            }
        }
        None
    }

    /// The number at an offset of a record.
    #[inline]
    fn number_at(&self, kind: usize, index: u32, at: usize) -> u32 {
        let bytes = self.record(kind, index).get(at..).and_then(<[u8]>::first_chunk);
        bytes.map_or(wire::NONE, |bytes| u32::from_le_bytes(*bytes))
    }
}

/// Indices of the format are 32 bits wide; so is every platform that this runs on, or wider.
pub(crate) fn to_usize(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
