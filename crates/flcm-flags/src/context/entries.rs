//! A context as bytes, the way that bindings pass it: entries of sixteen bytes, then texts.

use core::fmt;

use zerocopy::little_endian::{F64, U32};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::slots::is_present;
use super::{Item, Slots, USER, Values, View};
use crate::snapshot::{Reader, Snapshot, to_usize};

/// The id of the entry with the cohorts that the host puts the user in.
const COHORTS: u32 = u32::MAX;

mod kind {
    pub(super) const FALSE: u32 = 1;
    pub(super) const TRUE: u32 = 2;
    pub(super) const NUMBER: u32 = 3;
    pub(super) const TEXT: u32 = 4;
    pub(super) const LIST: u32 = 5;
}

/// One entry of a context.
#[derive(FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Entry {
    id: U32,
    kind: U32,
    /// A number; or offset of a text and its length; or how many entries behind it belong to a list.
    payload: [U32; 2],
}

/// A targeting key and attributes as bytes, borrowed from the caller.
///
/// | entry | id | kind | payload |
/// |---|---|---|---|
/// | the first | how many entries follow | 0 without a targeting key, else text | as for a text |
/// | an attribute | its [id](crate::AttributeId); all ones for the cohorts of the host | 1 to 5 | |
/// | an item of a list | all ones but the lowest bit | text | |
///
/// Kinds are 1 false, 2 true, 3 number, 4 text and 5 list. Each part is little-endian and has 32 bits. A number is an
/// IEEE 754 double in the payload. A text is its offset from the start of the bytes, and its length. A list says how
/// many entries behind it are its items, which are texts.
///
/// Bytes that do not fit together read as attributes that are absent.
#[derive(Clone, Copy)]
pub struct Entries<'a> {
    bytes: &'a [u8],
    /// The first entry, and those that follow it.
    entries: &'a [Entry],
}

impl<'a> Entries<'a> {
    /// A context over bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        let count = bytes.first_chunk().map_or(0, |count| u32::from_le_bytes(*count));
        // Positions have 16 bits.
        let count = to_usize(count.min(u32::from(USER) >> 1));
        let entries = <[Entry]>::ref_from_prefix_with_elems(bytes, count.wrapping_add(1));
        Self { bytes, entries: entries.map_or(&[], |(entries, _)| entries) }
    }

    /// Resolves the context against a snapshot: see [`Context::bind`](crate::Context::bind).
    pub fn bind<B: AsRef<[u8]>>(&self, snapshot: &Snapshot<B>, slots: &mut Slots) {
        let reader = snapshot.reader();
        let key = if let Some(Item::Text(key)) = self.item(USER) { Some(key) } else { None };
        *slots = Slots::UNBOUND;
        slots.begin(reader, key);
        let mut position = 1_u16;
        while let Some(entry) = self.entries.get(usize::from(position)) {
            if let Some(value) = self.value(entry) {
                slots.fill(reader, entry.id.get(), position, value);
            }
            position = position.wrapping_add(1);
        }
    }

    pub(crate) fn view<'q>(&'q self, slots: &'q Slots) -> View<'q> {
        View { slots, values: self }
    }

    fn text(&self, entry: &Entry) -> Option<&'a [u8]> {
        let [offset, length] = entry.payload.map(|number| to_usize(number.get()));
        if entry.kind.get() == kind::TEXT { self.bytes.get(offset..)?.get(..length) } else { None }
    }

    fn value(&self, entry: &Entry) -> Option<Item<'a>> {
        let [low, high] = entry.payload;
        match entry.kind.get() {
            kind::FALSE => Some(Item::Bool(false)),
            kind::TRUE => Some(Item::Bool(true)),
            kind::NUMBER => Some(Item::Number(F64::from_bytes(zerocopy::transmute!([low, high])).get())),
            kind::LIST => Some(Item::List),
            _ => self.text(entry).map(Item::Text),
        }
    }

    /// The position of the last value of an id.
    fn last(&self, id: u32) -> Option<u16> {
        let (mut found, mut position) = (None, 1_u16);
        while let Some(entry) = self.entries.get(usize::from(position)) {
            if entry.id.get() == id && self.value(entry).is_some_and(is_present) {
                found = Some(position);
            }
            position = position.wrapping_add(1);
        }
        found
    }
}

impl fmt::Debug for Entries<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Entries({})", self.entries.len())
    }
}

impl Values for Entries<'_> {
    fn item(&self, position: u16) -> Option<Item<'_>> {
        self.value(self.entries.get(if position == USER { 0 } else { position.into() })?)
    }

    fn list_has(&self, position: u16, item: &[u8]) -> bool {
        let [list, rest @ ..] = self.entries.get(position.into()..).unwrap_or_default() else { return false };
        let [count, _] = list.payload;
        rest.iter().take(to_usize(count.get())).any(|entry| self.text(entry) == Some(item))
    }

    fn has_cohort(&self, name: &[u8]) -> bool {
        self.last(COHORTS).is_some_and(|position| self.list_has(position, name))
    }

    fn position(&self, _: Reader<'_>, attribute: u32) -> Option<u16> {
        self.last(attribute)
    }
}
