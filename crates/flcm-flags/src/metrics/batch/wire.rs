//! The bytes of a batch: header, varints and sparse lists.
//!
//! Batches come from hosts that the server does not control, so every read is checked and reports what is wrong. A list
//! is read item by item and never allocated, so a forged length costs nothing: reading ends with the bytes.

use super::{BatchError, Header, chain};
use crate::metrics::histogram::{BUCKETS, Histogram, bucket_of, parts_of_bits};
use crate::snapshot::to_usize;

const MAGIC: [u8; 8] = *b"FLCMBATC";
const VERSION: u16 = 2;
pub(super) const HEADER_BYTES: usize = 38;
pub(super) const TRAILER_BYTES: usize = 8;
/// How much the checksum takes at a time: small on the stack, and large enough for its lanes.
pub(super) const BLOCK: usize = 256;
/// The longest key of a flag and name of a variant, in bytes: a document allows no longer ones.
pub(super) const NAME_BYTES: usize = 256;

/// The longest duration that is added up: a week of milliseconds, in 1/1024. A sum must not stop at its largest number.
const LONGEST: u64 = 7 * 86_400_000 * 1024;

/// Kinds of entries.
pub(super) mod kind {
    pub(in super::super) const FLAG: u8 = 1;
    pub(in super::super) const COUNTER: u8 = 2;
    pub(in super::super) const HISTOGRAM: u8 = 3;
    pub(in super::super) const DROPPED: u8 = 4;
}

/// Parts of a flag.
pub(super) mod part {
    pub(in super::super) const TREATMENT: u8 = 1;
    pub(in super::super) const CONTROL: u8 = 1 << 1;
    pub(in super::super) const TALLIES: u8 = 1 << 2;
    pub(in super::super) const GROUPS: u8 = 1 << 3;
    pub(in super::super) const ALL: u8 = (1 << 4) - 1;
}

/// Parts of a group, in a byte whose lowest two bits are its arm.
pub(super) mod group_part {
    pub(in super::super) const ARM: u8 = 3;
    pub(in super::super) const OUTCOMES: u8 = 1 << 2;
    pub(in super::super) const USERS: u8 = 1 << 3;
    pub(in super::super) const DURATIONS: u8 = 1 << 4;
    pub(in super::super) const ALL: u8 = (1 << 5) - 1;
}

/// The result of one read.
pub(super) type Read<T> = Result<T, BatchError>;

/// The bytes of a header.
pub(super) fn header(header: Header) -> [u8; HEADER_BYTES] {
    let Header { instance, epoch, sequence, age } = header;
    let mut bytes = [0; HEADER_BYTES];
    let numbers = [instance, epoch, sequence].map(u64::to_le_bytes);
    let parts = MAGIC.into_iter().chain(VERSION.to_le_bytes()).chain(numbers.into_iter().flatten());
    bytes.iter_mut().zip(parts.chain(age.to_le_bytes())).for_each(|(byte, part)| *byte = part);
    bytes
}

/// Checks what is around the entries: header and checksum.
pub(super) fn open(bytes: &[u8]) -> Read<(Header, Cursor<'_>)> {
    let mut cursor = Cursor(bytes);
    if cursor.array() != Ok(MAGIC) {
        return Err(BatchError("header: not a batch"));
    }
    if cursor.array() != Ok(VERSION.to_le_bytes()) {
        return Err(BatchError("header: written by another version"));
    }
    let [instance, epoch, sequence] = [cursor.number()?, cursor.number()?, cursor.number()?];
    let age = u32::from_le_bytes(cursor.array()?);
    let (entries, _) = cursor.0.split_last_chunk::<TRAILER_BYTES>().ok_or(ENDS)?;
    let (checked, sum) = bytes.split_last_chunk::<TRAILER_BYTES>().ok_or(ENDS)?;
    if checked.chunks(BLOCK).fold(0, chain).to_le_bytes() != *sum {
        return Err(BatchError("trailer: wrong checksum"));
    }
    Ok((Header { instance, epoch, sequence, age }, Cursor(entries)))
}

const ENDS: BatchError = BatchError("batch: ends too early");

/// The bytes that are still to be read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// The entries of a batch that was checked, between its header and its checksum.
    pub(super) fn of_entries(checked: &'a [u8]) -> Self {
        Self(checked.get(HEADER_BYTES..checked.len().saturating_sub(TRAILER_BYTES)).unwrap_or_default())
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Read<u8> {
        let (byte, rest) = self.0.split_first().ok_or(ENDS)?;
        self.0 = rest;
        Ok(*byte)
    }

    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk().ok_or(ENDS)?;
        self.0 = rest;
        Ok(*array)
    }

    fn number(&mut self) -> Read<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// A LEB128 number: seven bits a byte, the lowest first. At most ten bytes, of which the last holds one bit.
    #[inline]
    pub(super) fn varint(&mut self) -> Read<u64> {
        match self.0.split_first() {
            // Most numbers are small.
            Some((byte, rest)) if *byte < 0x80 => {
                self.0 = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Read<u64> {
        let mut value = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            value |= bits << shift;
            if (value >> shift) != bits {
                break;
            }
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(BatchError("number: more than 64 bits"))
    }

    /// A varint of at most 32 bits.
    #[inline]
    pub(super) fn count(&mut self) -> Read<u32> {
        u32::try_from(self.varint()?).map_err(|_| BatchError("number: more than 32 bits"))
    }

    /// At most [`NAME_BYTES`] of text.
    pub(super) fn text(&mut self) -> Read<&'a str> {
        let length = to_usize(self.count()?);
        if length > NAME_BYTES {
            return Err(BatchError("text: too long"));
        }
        let (text, rest) = self.0.split_at_checked(length).ok_or(ENDS)?;
        self.0 = rest;
        core::str::from_utf8(text).map_err(|_| BatchError("text: not UTF-8"))
    }

    /// Passes over so many varints. The last byte of each is below 0x80.
    fn skip_varints(&mut self, mut count: u64) -> Read<()> {
        while count > 0 {
            count = count.saturating_sub(u64::from(self.byte()? < 0x80));
        }
        Ok(())
    }

    /// Reads a number and then as many items, and gives their bytes for reading them again.
    pub(super) fn list(&mut self, mut read: impl FnMut(&mut Self) -> Read<()>) -> Read<Self> {
        let count = self.count()?;
        let start = self.0;
        for _ in 0..count {
            read(self)?;
        }
        Ok(Self(start.get(..start.len().saturating_sub(self.0.len())).unwrap_or_default()))
    }
}

/// Indices and their values, in ascending order. No value is 0, so most of a sketch takes no bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Sparse<'a> {
    rest: Cursor<'a>,
    /// The index after the last one that was read.
    next: usize,
}

impl<'a> Sparse<'a> {
    /// Reads a list over `length` indices, with values up to the largest. Only finds its end if it was checked before.
    pub(super) fn read(from: &mut Cursor<'a>, check: bool, length: usize, largest: u32) -> Read<Self> {
        if !check {
            return Self::skip(from);
        }
        let mut next = 0;
        let rest = from.list(|cursor| {
            let (index, value) = Self::pair(cursor, next)?;
            next = index.saturating_add(1);
            if index >= length || value == 0 || value > largest {
                return Err(BatchError("list: outside of its range"));
            }
            Ok(())
        })?;
        Ok(Self { rest, next: 0 })
    }

    fn skip(from: &mut Cursor<'a>) -> Read<Self> {
        let count = u64::from(from.count()?);
        let start = from.0;
        from.skip_varints(count.saturating_mul(2))?;
        let rest = start.get(..start.len().saturating_sub(from.0.len())).unwrap_or_default();
        Ok(Self { rest: Cursor(rest), next: 0 })
    }

    #[inline]
    fn pair(from: &mut Cursor<'a>, next: usize) -> Read<(usize, u32)> {
        Ok((next.saturating_add(to_usize(from.count()?)), from.count()?))
    }
}

impl Iterator for Sparse<'_> {
    type Item = (usize, u32);

    #[inline]
    fn next(&mut self) -> Option<(usize, u32)> {
        let (index, value) = Self::pair(&mut self.rest, self.next).ok()?;
        self.next = index.saturating_add(1);
        Some((index, value))
    }
}

/// The values of a histogram: its filled buckets, sum and extremes.
#[derive(Clone, Debug)]
pub(super) struct Values<'a> {
    buckets: Sparse<'a>,
    sum: u64,
    min: u64,
    max: u64,
}

impl<'a> Values<'a> {
    pub(super) fn read(from: &mut Cursor<'a>, check: bool) -> Read<Self> {
        let buckets = Sparse::read(from, check, BUCKETS, u32::MAX)?;
        let (sum, min, max) = (from.varint()?, from.number()?, from.number()?);
        if !check {
            return Ok(Self { buckets, sum, min, max });
        }
        let first = buckets.clone().next().map(|(bucket, _)| bucket);
        let last = buckets.clone().last().map(|(bucket, _)| bucket);
        let are_in_order = min <= max && max <= f64::MAX.to_bits();
        if !are_in_order || first != Some(bucket_of(min)) || last != Some(bucket_of(max)) {
            return Err(BatchError("values: extremes that are not in their buckets"));
        }
        Ok(Self { buckets, sum, min, max })
    }

    /// Whether these can be at most so many durations in milliseconds.
    pub(super) fn are_likely(&self, most: u64) -> bool {
        let count = self.buckets.clone().fold(0_u64, |sum, (_, count)| sum.saturating_add(count.into()));
        let largest = parts_of_bits(self.max);
        count <= most && largest <= LONGEST && self.sum <= count.saturating_mul(largest)
    }

    pub(super) fn merge_into(&self, histogram: &mut Histogram) {
        self.buckets.clone().for_each(|(bucket, count)| histogram.add_bucket(bucket, count));
        histogram.add_extent(self.sum, self.min, self.max);
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Sparse};

    #[test]
    fn a_varint_is_at_most_64_bits() {
        let read = |bytes: &[u8]| Cursor(bytes).varint().ok();
        assert_eq!(read(&[0]), Some(0));
        assert_eq!(read(&[0xac, 0x02]), Some(300));
        let mut longest = [0xff; 10];
        longest[9] = 1;
        assert_eq!(read(&longest), Some(u64::MAX));
        for last in 2..=u8::MAX {
            longest[9] = last;
            assert_eq!(read(&longest), None, "{last}");
        }
        assert_eq!(read(&[0x80; 11]), None);
        assert_eq!(read(&[0x80]), None);
        assert_eq!(
            (Cursor(&[0x80, 0x80, 0x80, 0x80, 0x10]).count().ok(), Cursor(&[0x7f]).count().ok()),
            (None, Some(127))
        );
    }

    #[test]
    fn sparse_lists_stay_within_their_range() {
        let read = |bytes: &[u8]| {
            Sparse::read(&mut Cursor(bytes), true, 10, 5).map(Iterator::collect::<std::vec::Vec<_>>).ok()
        };
        assert_eq!(read(&[2, 3, 5, 5, 1]), Some(std::vec![(3, 5), (9, 1)]));
        assert_eq!(read(&[0]), Some(std::vec![]));
        for refused in [
            &[1, 10, 1][..],
            &[2, 3, 5, 6, 1],
            &[1, 0, 0],
            &[1, 0, 6],
            &[2, 0, 1],
            &[1, 0xff, 0xff, 0xff, 0xff, 0x0f, 1],
        ] {
            assert_eq!(read(refused), None, "{refused:?}");
        }
    }
}
