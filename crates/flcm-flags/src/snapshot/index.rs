//! Hash tables inside a snapshot, which find strings, and the checksum, which finds damage.
//!
//! The module is public for the compiler, which writes tables and checksum with the functions that the reader uses, and
//! for tests that damage snapshots on purpose. Both hashes are part of the format.
//!
//! A table is an array of indices with a power of two of slots, at most half of them taken, searched by linear probing.
//! The strings themselves are elsewhere in the snapshot, so a hit is compared with the string before it counts. A table
//! that lies can hide a string, but it cannot make another one match.
//!
//! Neither hash resists an attacker: keys are chosen by whoever writes the document. Users are hashed by
//! [`bucket`](crate::bucket) alone.

use super::wire::NONE;

/// Odd constants with well-spread bits: the first digits of π behind the point, in hexadecimal.
const MULTIPLIER: u64 = 0x243f_6a88_85a3_08d3;
const LANES: [u64; 4] = [0x1319_8a2e_0370_7345, 0xa409_3822_299f_31d1, 0x082e_fa98_ec4e_6c89, 0x4528_21e6_38d0_1377];

/// One step of either hash. It is a bijection of `state` for every `word`, so a single changed word always changes the
/// hash.
const fn absorb(state: u64, word: u64) -> u64 {
    (state ^ word).wrapping_mul(MULTIPLIER).rotate_left(29)
}

/// The checksum of a snapshot, over its bytes behind the checksum field; batches of metrics use it as well.
///
/// It has four independent lanes, so that it runs at memory speed. It finds accidents. It is no signature: anybody can
/// compute it for bytes of their own.
///
/// ```
/// use flcm_flags::snapshot::index::checksum;
/// assert_ne!(checksum(b"one bit"), checksum(b"one bis"));
/// ```
#[must_use]
pub fn checksum(bytes: &[u8]) -> u64 {
    let (blocks, rest) = bytes.as_chunks::<32>();
    let mut lanes = LANES;
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        for (lane, word) in lanes.iter_mut().zip(words) {
            *lane = absorb(*lane, u64::from_le_bytes(*word));
        }
    }
    let mut state = lookup_hash(rest);
    for lane in lanes {
        state = crate::bucket::mix(absorb(state, lane));
    }
    state
}

/// The hash of a string for [`probe`]. It reads eight bytes at a time, because names are short.
#[must_use]
pub fn lookup_hash(bytes: &[u8]) -> u64 {
    let mut state = MULTIPLIER ^ u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut rest = bytes;
    while let Some((word, behind)) = rest.split_first_chunk() {
        state = absorb(state, u64::from_le_bytes(*word));
        rest = behind;
    }
    state = absorb(state, tail(rest));
    state ^ (state >> 32)
}

/// Whether two names are the same. Names are short: comparing them here takes half of what a call for it takes.
#[inline]
pub(super) fn is_same(left: &[u8], right: &[u8]) -> bool {
    if cfg!(feature = "compact") {
        return left == right;
    }
    if left.len() != right.len() {
        return false;
    }
    let (Some(last), Some(other)) = (left.last_chunk::<8>(), right.last_chunk()) else {
        return tail(left) == tail(right);
    };
    last == other && left.chunks_exact(8).zip(right.chunks_exact(8)).all(|(word, other)| word == other)
}

/// Up to seven bytes as one word. Texts of the same length with the same word are the same.
#[inline]
fn tail(bytes: &[u8]) -> u64 {
    if let (Some(head), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        return u64::from(u32::from_le_bytes(*head)) | (u64::from(u32::from_le_bytes(*last)) << 32);
    }
    bytes.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte))
}

/// The slots to look at for a hash, in order, in a table of `slots` slots, which must be a power of two.
///
/// Each slot comes once, so a search in a full table ends as well.
///
/// ```
/// use flcm_flags::snapshot::index::{fill, lookup_hash, probe, slots_for};
/// use flcm_flags::snapshot::wire::NONE;
///
/// let names = ["alpha", "beta"];
/// let mut table = vec![NONE; slots_for(2) as usize];
/// fill(&mut table, names.into_iter());
/// let find = |name: &str| {
///     let mut entries = probe(lookup_hash(name.as_bytes()), slots_for(2)).map(|slot| table[slot as usize]);
///     entries.by_ref().take_while(|entry| *entry != NONE).find(|entry| names[*entry as usize] == name)
/// };
/// assert_eq!((find("beta"), find("gamma")), (Some(1), None));
/// ```
pub fn probe(hash: u64, slots: u32) -> impl Iterator<Item = u32> {
    let mask = slots.saturating_sub(1);
    let start = u32::try_from(hash & u64::from(mask)).unwrap_or(0);
    (0..slots).map(move |step| start.wrapping_add(step) & mask)
}

/// The number of slots of a table for `count` strings: a power of two, of which at most half are taken. 0 for none.
#[must_use]
pub fn slots_for(count: u32) -> u32 {
    if count == 0 { 0 } else { count.saturating_mul(2).next_power_of_two() }
}

/// Builds a table: each slot gets the index of a name, or stays [`NONE`].
///
/// `slots` must be filled with [`NONE`], and be as long as [`slots_for`] says for the number of `names`. A name that
/// finds no slot in a shorter table is left out.
pub fn fill<'a>(slots: &mut [u32], names: impl Iterator<Item = &'a str>) {
    let count = u32::try_from(slots.len()).unwrap_or(0);
    for (index, name) in (0_u32..).zip(names) {
        let free = probe(lookup_hash(name.as_bytes()), count)
            .filter_map(|slot| usize::try_from(slot).ok())
            .find(|slot| slots.get(*slot) == Some(&NONE));
        if let Some(slot) = free.and_then(|slot| slots.get_mut(slot)) {
            *slot = index;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::is_same;

    #[test]
    fn names_that_differ_in_one_byte_or_in_length_are_not_the_same() {
        for length in 0..36 {
            let name: Vec<u8> = (0..length).map(|i| i * 7).collect();
            assert!(is_same(&name, &name.clone()), "{length} bytes");
            for at in 0..name.len() {
                let mut other = name.clone();
                other[at] ^= 1;
                assert!(!is_same(&name, &other), "byte {at} of {length}");
                assert!(!is_same(&name, &name[..at]), "{at} and {length} bytes");
            }
        }
    }
}
