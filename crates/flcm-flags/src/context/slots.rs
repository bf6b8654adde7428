//! The attributes of a context as decisions compare them, resolved once against a snapshot.

use super::Item;
use crate::bucket::sip;
use crate::snapshot::sections;
use crate::snapshot::{Reader, to_usize, wire};
use crate::value::{AttributeValue, with_decimal};

/// How many attributes are resolved when a context is bound. Those beyond are searched each time they are read.
const SLOTS: usize = 32;

/// The position of the targeting key.
pub(crate) const USER: u16 = u16::MAX;

/// What binding found out about a context. It borrows nothing, so a host may keep it beside the context.
///
/// What each decision reads comes first, and lies in one line of the processor's cache.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "compact"), repr(C))]
pub struct Slots {
    pub(crate) snapshot: u64,
    digest: Option<u64>,
    attributes: [Slot; SLOTS],
}

/// One attribute as decisions compare it, in sixteen bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// The bits of a number, or the digest of a text where some flag hashes the attribute.
    bits: u64,
    /// The id of the interned string, or [`wire::NONE`] when no condition compares with it.
    pub(crate) string: u32,
    /// Position among the context's attributes; [`USER`] for the targeting key.
    position: u16,
    /// The type.
    pub(crate) kind: Kind,
}

/// The type of an attribute's value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Absent = 0,
    Number,
    /// A boolean or a list: looked up where it is needed.
    Other,
    Text,
}

impl Slot {
    /// All of its bytes are zero, so many of them are made at once.
    const ABSENT: Self = Self { bits: 0, string: 0, position: 0, kind: Kind::Absent };

    #[cfg_attr(
        not(feature = "compact"),
        expect(clippy::inline_always, reason = "binding writes a slot where it lies"),
        inline(always)
    )]
    fn new(reader: Reader<'_>, id: u32, position: u16, value: Item<'_>) -> Self {
        let uses = reader.get(sections::ATTRIBUTES, id).map_or(0, |attribute| attribute.uses);
        let used = |bit| uses & bit != 0;
        match value {
            Item::Bool(_) | Item::List => Self { position, kind: Kind::Other, ..Self::ABSENT },
            Item::Number(number) => Self { bits: number.to_bits(), position, kind: Kind::Number, ..Self::ABSENT },
            Item::Text(text) => {
                let string = if used(wire::attribute::INTERNED) { reader.find_operand(text) } else { None };
                let bits = if used(wire::attribute::HASHED) { sip(text) } else { 0 };
                Self { bits, string: string.unwrap_or(wire::NONE), position, kind: Kind::Text }
            }
        }
    }

    /// The number, if it is one.
    pub(crate) const fn number(&self) -> f64 {
        f64::from_bits(self.bits)
    }

    /// The digest of a text's bytes, or of an integer's decimal text. Nothing else can be hashed.
    fn digest(&self) -> Option<u64> {
        match self.kind {
            Kind::Text => Some(self.bits),
            Kind::Number => with_decimal(self.number(), sip),
            Kind::Absent | Kind::Other => None,
        }
    }
}

impl Slots {
    /// Of no snapshot: every decision with them is an `INVALID_CONTEXT` error.
    ///
    /// All of its bytes are zero, so a static of it takes no room in a module.
    pub const UNBOUND: Self = Self { snapshot: 0, digest: None, attributes: [Slot::ABSENT; SLOTS] };

    /// Binds the targeting key to slots that are [unbound](Self::UNBOUND); attributes are added by
    /// [`fill`](Self::fill).
    pub(super) fn begin(&mut self, reader: Reader<'_>, key: Option<&[u8]>) {
        self.snapshot = reader.layout.digest;
        self.digest = key.map(sip);
        if let (Some(key), Some(id)) = (key, reader.layout.user_attribute) {
            self.fill(reader, id, USER, Item::Text(key));
        }
    }

    /// Adds an attribute. One slot reads the targeting key and nothing else.
    #[cfg_attr(not(feature = "compact"), inline(never))]
    pub(super) fn fill(&mut self, reader: Reader<'_>, id: u32, position: u16, value: Item<'_>) {
        let is_user = reader.layout.user_attribute == Some(id);
        if let Some(slot) = self.attributes.get_mut(to_usize(id))
            && is_user == (position == USER)
            && is_present(value)
        {
            *slot = Slot::new(reader, id, position, value);
        }
    }

    /// The digest of the targeting key: see [`BoundContext::user_digest`](super::BoundContext::user_digest).
    #[must_use]
    pub const fn user_digest(&self) -> Option<u64> {
        self.digest
    }
}

pub(super) fn is_present(value: Item<'_>) -> bool {
    !matches!(value, Item::Number(number) if !number.is_finite())
}

/// The values of a context, wherever they lie.
pub(crate) trait Values {
    /// A value by its position.
    fn item(&self, position: u16) -> Option<Item<'_>>;
    /// Whether the list at a position has an item.
    fn list_has(&self, position: u16, item: &[u8]) -> bool;
    /// Whether the host puts the user into a cohort.
    fn has_cohort(&self, name: &[u8]) -> bool;
    /// The position of the last present value of an attribute.
    fn position(&self, reader: Reader<'_>, attribute: u32) -> Option<u16>;
    /// A value as the caller gave it, for explanations. Only a context that can be explained has an answer.
    fn given(&self, _: u16) -> Option<AttributeValue<'_>> {
        None
    }
}

/// A bound context as decisions read it.
#[derive(Clone, Copy)]
pub(crate) struct View<'q> {
    pub(super) slots: &'q Slots,
    pub(super) values: &'q dyn Values,
}

impl<'q> View<'q> {
    /// The digest of the snapshot that the context is bound to.
    #[inline]
    pub(crate) const fn snapshot(&self) -> u64 {
        self.slots.snapshot
    }

    #[inline]
    pub(crate) const fn user_digest(&self) -> Option<u64> {
        self.slots.digest
    }

    pub(crate) fn has_cohort(&self, name: &[u8]) -> bool {
        self.values.has_cohort(name)
    }

    /// The digest of an attribute that some flag hashes.
    pub(crate) fn attribute_digest(&self, reader: Reader<'_>, id: u32) -> Option<u64> {
        self.with_slot(reader, id, Slot::digest)
    }

    /// Passes the slot of an attribute to `look`: the resolved one, or for a rare attribute one that is searched now.
    #[inline]
    pub(crate) fn with_slot<R>(&self, reader: Reader<'_>, id: u32, look: impl FnOnce(&Slot) -> R) -> R {
        let searched;
        look(if let Some(slot) = self.slots.attributes.get(to_usize(id)) {
            slot
        } else {
            searched = self.search(reader, id);
            &searched
        })
    }

    /// The value behind a slot; `None` for an absent attribute.
    pub(crate) fn item(&self, slot: &Slot) -> Option<Item<'q>> {
        if slot.kind == Kind::Absent { None } else { self.values.item(slot.position) }
    }

    /// Whether the list behind a slot has an item.
    pub(crate) fn list_has(&self, slot: &Slot, item: &[u8]) -> bool {
        self.values.list_has(slot.position, item)
    }

    /// The value behind a slot as the caller gave it; `None` for an absent attribute.
    pub(crate) fn given(&self, slot: &Slot) -> Option<AttributeValue<'q>> {
        if slot.kind == Kind::Absent { None } else { self.values.given(slot.position) }
    }

    #[cold]
    #[inline(never)]
    fn search(&self, reader: Reader<'_>, id: u32) -> Slot {
        let is_user = reader.layout.user_attribute == Some(id);
        let Some(position) = (if is_user { Some(USER) } else { self.values.position(reader, id) }) else {
            return Slot::ABSENT;
        };
        self.values.item(position).map_or(Slot::ABSENT, |value| Slot::new(reader, id, position, value))
    }
}
