//! A context as bytes, the way that bindings pass it: entries of sixteen bytes, then texts.

use zerocopy::little_endian::{F64, U32};
use zerocopy::{FromBytes, FromZeros, Immutable, IntoBytes, KnownLayout, Unaligned};

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
#[derive(Clone, Copy, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
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
/// | an attribute | its [id](crate::AttributeId); all ones for the cohorts of the host | 1 false, 2 true, 3 number, 4 text, 5 list | |
///
/// Each item is little-endian and has 32 bits. A number is an IEEE 754 double in the payload. A text is its offset from
/// the start of the bytes, and its length. A list says how many entries behind it are its items, which are texts.
///
/// Bytes that do not fit together read as attributes that are absent.
#[derive(Clone, Copy, Debug)]
pub struct Entries<'a>(&'a [u8]);

impl<'a> Entries<'a> {
    /// A context over bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Resolves the context against a snapshot: see [`Context::bind`](crate::Context::bind).
    #[must_use]
    pub fn bind<B: AsRef<[u8]>>(&self, snapshot: &Snapshot<B>) -> Slots {
        let reader = snapshot.reader();
        let mut slots = Slots::new(reader, self.text(self.entry(0)));
        let mut position = 1;
        while position <= self.count() {
            let entry = self.entry(position);
            if let Some(value) = self.value(entry) {
                slots.fill(reader, entry.id.get(), position, value);
            }
            position = position.wrapping_add(1).saturating_add(items(entry));
        }
        slots
    }

    pub(crate) fn view<'q>(&'q self, slots: &'q Slots) -> View<'q> {
        View { slots, values: self }
    }

    /// How many entries follow the first.
    fn count(&self) -> u16 {
        u16::try_from(self.entry(0).id.get()).unwrap_or(0).min(USER - 1)
    }

    /// An entry by its position; zeros beyond the bytes.
    fn entry(&self, position: u16) -> Entry {
        let bytes = self.0.get(usize::from(position).wrapping_mul(size_of::<Entry>())..).unwrap_or_default();
        Entry::read_from_prefix(bytes).map_or_else(|_| Entry::new_zeroed(), |(entry, _)| entry)
    }

    fn text(&self, entry: Entry) -> Option<&[u8]> {
        let [offset, length] = entry.payload.map(|number| to_usize(number.get()));
        let bytes = self.0.get(offset..)?.get(..length)?;
        (entry.kind.get() == kind::TEXT).then_some(bytes)
    }

    fn value(&self, entry: Entry) -> Option<Item<'_>> {
        let [low, high] = entry.payload;
        match entry.kind.get() {
            kind::FALSE => Some(Item::Bool(false)),
            kind::TRUE => Some(Item::Bool(true)),
            kind::NUMBER => Some(Item::Number(F64::from_bytes(zerocopy::transmute!([low, high])).get())),
            kind::TEXT => self.text(entry).map(Item::Text),
            kind::LIST => Some(Item::List),
            _ => None,
        }
    }

    /// The position of the last value of an id, items of lists aside.
    fn last(&self, id: u32) -> Option<u16> {
        let (mut found, mut position) = (None, 1);
        while position <= self.count() {
            let entry = self.entry(position);
            if entry.id.get() == id && self.value(entry).is_some_and(super::slots::is_present) {
                found = Some(position);
            }
            position = position.wrapping_add(1).saturating_add(items(entry));
        }
        found
    }
}

/// How many entries behind this one are items of its list.
fn items(entry: Entry) -> u16 {
    let [count, _] = entry.payload;
    if entry.kind.get() == kind::LIST { u16::try_from(count.get()).unwrap_or(u16::MAX) } else { 0 }
}

impl Values for Entries<'_> {
    fn item(&self, position: u16) -> Option<Item<'_>> {
        let position = if position == USER { 0 } else { position };
        self.value(self.entry(position))
    }

    fn list_has(&self, position: u16, item: &[u8]) -> bool {
        let count = items(self.entry(position)).min(self.count());
        (1..=count).any(|step| self.text(self.entry(position.saturating_add(step))) == Some(item))
    }

    fn has_cohort(&self, name: &[u8]) -> bool {
        self.last(COHORTS).is_some_and(|position| self.list_has(position, name))
    }

    fn position(&self, _: Reader<'_>, attribute: u32) -> Option<u16> {
        self.last(attribute)
    }
}
