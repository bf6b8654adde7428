//! The memory that is shared with JavaScript: registers for the arguments of hot calls, then data.

use core::slice::Iter;

use bumpalo::Bump;
use flcm_flags::{AttributeId, AttributeValue, Context, PackedDecision};
use zerocopy::little_endian::{F64, I32, U16, U32};
use zerocopy::{FromBytes, FromZeros, Immutable, KnownLayout, Unaligned};

/// Bytes of shared memory: room for the outcomes of the 100,000 flags that a document may have, and for contexts far
/// beyond any use.
pub const SIZE: usize = 1 << 20;

/// Where the outcome of a decision goes.
const OUTCOME: usize = 24;

/// Where the data begins.
const DATA: usize = 64;

/// The id that stands for the cohorts which the host names.
const COHORTS: i32 = -1;

/// The arguments of hot calls.
#[derive(Clone, Copy, FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Registers {
    pub(crate) snapshot: I32,
    pub(crate) slot: I32,
    pub(crate) flag: I32,
    pub(crate) length: I32,
    pub(crate) now: F64,
}

/// The outcome of a call: behind the registers.
#[derive(Clone, Copy, FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct OutcomeRecord {
    /// Code of the arm.
    pub(crate) arm: u8,
    /// 1 failed, 2 missing.
    pub(crate) flags: u8,
    /// Index of the variant within the flag; all ones for none.
    pub(crate) variant: U16,
    /// The breaker's generation under which the flag was decided; 0 for that of now.
    pub(crate) generation: U32,
    /// In milliseconds; not a number when it was not measured.
    pub(crate) duration: F64,
}

/// Where it lies.
const OUTCOME_AT: usize = 32;

impl OutcomeRecord {
    /// Memory that is too short reads as zeros.
    pub(crate) fn read(shared: &[u8]) -> Self {
        let outcome = shared.get(OUTCOME_AT..).and_then(|outcome| Self::read_from_prefix(outcome).ok());
        outcome.map_or_else(Self::new_zeroed, |(outcome, _)| outcome)
    }
}

/// The packed decision that was written last, by a decision or by the host.
pub(crate) fn read_outcome(shared: &[u8]) -> PackedDecision {
    let bits = shared.get(OUTCOME..).and_then(<[u8]>::first_chunk);
    PackedDecision::from_bits(bits.map_or(0, |bits| u64::from_le_bytes(*bits)))
}

impl Registers {
    /// Memory that is too short reads as zeros.
    #[inline]
    pub(crate) fn read(shared: &[u8]) -> Self {
        Self::read_from_prefix(shared).map_or_else(|_| Self::new_zeroed(), |(registers, _)| registers)
    }
}

/// Writes the outcome of a decision, and returns its upper half: never negative, because its highest bits are free.
#[inline]
pub(crate) fn write_outcome(shared: &mut [u8], outcome: PackedDecision) -> i32 {
    let bits = outcome.to_bits();
    if let Some(slot) = shared.get_mut(OUTCOME..).and_then(<[u8]>::first_chunk_mut) {
        *slot = bits.to_le_bytes();
    }
    i32::try_from(bits >> 32).unwrap_or(0)
}

/// Room for the outcomes of so many flags.
pub(crate) fn outcomes(shared: &mut [u8], flags: usize) -> Option<&mut [PackedDecision]> {
    let bytes = shared.get_mut(DATA..)?.get_mut(..flags.checked_mul(size_of::<PackedDecision>())?)?;
    <[PackedDecision]>::mut_from_bytes(bytes).ok()
}

/// What lies behind the registers, as numbers.
pub(crate) fn numbers(shared: &mut [u8]) -> Option<&mut [U32]> {
    <[U32]>::mut_from_bytes(shared.get_mut(DATA..)?).ok()
}

/// What was written behind the registers.
#[inline]
pub(crate) fn data(shared: &[u8], length: I32) -> Option<&[u8]> {
    shared.get(DATA..)?.get(..usize::try_from(length.get()).ok()?)
}

/// A decision that was made on the other side, and is to be counted.
#[cfg(feature = "local")]
pub(crate) struct Decided<'a> {
    pub(crate) flag: u32,
    /// Upper half of the packed decision.
    pub(crate) outcome: u32,
    /// The user; `None` for nobody in particular.
    pub(crate) key: Option<&'a [u8]>,
}

#[cfg(feature = "local")]
impl<'a> Decided<'a> {
    /// Takes the next of those that were written: flag, outcome, and length of the targeting key (all i32; -1 without
    /// one), then the key, filled up to a multiple of four bytes.
    pub(crate) fn take(written: &mut &'a [u8]) -> Option<Self> {
        let ([flag, outcome, length], rest) = <[U32; 3]>::read_from_prefix(written).ok()?;
        let key = usize::try_from(length.get().cast_signed()).ok();
        let (key_and_fill, rest) = rest.split_at_checked(key.unwrap_or(0).checked_next_multiple_of(4)?)?;
        *written = rest;
        let key = key.and_then(|length| key_and_fill.get(..length));
        Some(Self { flag: flag.get(), outcome: outcome.get(), key })
    }
}

/// One entry of a context.
#[derive(Clone, Copy, FromBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Entry {
    id: I32,
    kind: I32,
    /// Lower half of a number, offset of a text, or how many entries belong to a list.
    low: U32,
    /// Upper half of a number, or length of a text.
    high: U32,
}

mod kind {
    pub(super) const ABSENT: i32 = 0;
    pub(super) const FALSE: i32 = 1;
    pub(super) const TRUE: i32 = 2;
    pub(super) const NUMBER: i32 = 3;
    pub(super) const TEXT: i32 = 4;
    pub(super) const LIST: i32 = 5;
}

/// Reads a context: a first entry that carries the targeting key, and as its id how many entries follow; then those.
///
/// `None` when something does not fit together.
#[inline]
pub(crate) fn context<'a>(data: &'a [u8], arena: &'a Bump) -> Option<Context<'a>> {
    let (first, rest) = Entry::ref_from_prefix(data).ok()?;
    let (entries, _) = <[Entry]>::ref_from_prefix_with_elems(rest, usize::try_from(first.id.get()).ok()?).ok()?;
    let reader = Reader { data, arena };
    let targeting_key = if first.kind == kind::ABSENT { None } else { Some(reader.text(first)?) };
    // As long as there are entries: items of lists leave some unused.
    let attributes = arena.alloc_slice_fill_copy(entries.len(), (AttributeId(0), AttributeValue::Bool(false)));
    let mut count = 0;
    let mut cohorts: &[&str] = &[];
    let mut entries = entries.iter();
    while let Some(entry) = entries.next() {
        match (reader.value(entry, &mut entries)?, entry.id.get()) {
            (AttributeValue::List(list), COHORTS) => cohorts = list,
            (value, id) => {
                *attributes.get_mut(count)? = (AttributeId(u32::try_from(id).ok()?), value);
                count += 1;
            }
        }
    }
    Some(Context::numbered(targeting_key, attributes.get(..count)?, cohorts))
}

struct Reader<'a> {
    data: &'a [u8],
    arena: &'a Bump,
}

impl<'a> Reader<'a> {
    /// The value of an entry; a list takes its items from `rest`.
    #[inline]
    fn value(&self, entry: &Entry, rest: &mut Iter<'_, Entry>) -> Option<AttributeValue<'a>> {
        Some(match entry.kind.get() {
            kind::FALSE => AttributeValue::Bool(false),
            kind::TRUE => AttributeValue::Bool(true),
            kind::NUMBER => AttributeValue::Number(entry.number()),
            kind::TEXT => AttributeValue::Text(self.text(entry)?),
            kind::LIST => AttributeValue::List(self.list(to_usize(entry.low), rest)?),
            _ => return None,
        })
    }

    #[inline]
    fn text(&self, entry: &Entry) -> Option<&'a str> {
        let bytes = self.data.get(to_usize(entry.low)..)?.get(..to_usize(entry.high))?;
        core::str::from_utf8(bytes).ok().filter(|_| entry.kind == kind::TEXT)
    }

    fn list(&self, count: usize, rest: &mut Iter<'_, Entry>) -> Option<&'a [&'a str]> {
        if count > rest.len() {
            return None;
        }
        let items = self.arena.alloc_slice_fill_copy(count, "");
        for (item, entry) in items.iter_mut().zip(rest) {
            *item = self.text(entry)?;
        }
        Some(items)
    }
}

impl Entry {
    #[inline]
    fn number(&self) -> f64 {
        f64::from_bits((u64::from(self.high.get()) << 32) | u64::from(self.low.get()))
    }
}

#[inline]
fn to_usize(number: U32) -> usize {
    usize::try_from(number.get()).unwrap_or(usize::MAX)
}
