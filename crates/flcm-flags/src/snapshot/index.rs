//! How strings are found (hash tables inside the snapshot) and how damage is found (the checksum).
//!
//! Both hashes are part of the format: the compiler writes with the same functions that the reader reads with.

use super::wire::NONE;

/// Odd constants with well-spread bits: the first digits of π behind the point, in hexadecimal.
const MULTIPLIER: u64 = 0x243f_6a88_85a3_08d3;
const LANES: [u64; 4] = [0x1319_8a2e_0370_7345, 0xa409_3822_299f_31d1, 0x082e_fa98_ec4e_6c89, 0x4528_21e6_38d0_1377];

/// One step of either hash: a bijection of `state` for every `word`, so that no single changed word goes unseen.
const fn absorb(state: u64, word: u64) -> u64 {
    (state ^ word).wrapping_mul(MULTIPLIER).rotate_left(29)
}

/// The checksum of a snapshot's bytes behind the checksum field.
///
/// Four independent lanes, so that it runs at memory speed. It finds accidents; a signature it is not.
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
    lanes.into_iter().fold(lookup_hash(rest), |state, lane| crate::bucket::mix(absorb(state, lane)))
}

/// The hash under which a string stands in a table: a word at a time, because names are short.
#[must_use]
pub fn lookup_hash(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut state = MULTIPLIER ^ u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    for word in words {
        state = absorb(state, u64::from_le_bytes(*word));
    }
    state = absorb(state, tail(rest));
    state ^ (state >> 32)
}

/// Up to seven bytes as one word.
fn tail(bytes: &[u8]) -> u64 {
    if let (Some(head), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        return u64::from(u32::from_le_bytes(*head)) | (u64::from(u32::from_le_bytes(*last)) << 32);
    }
    bytes.iter().fold(0, |word, byte| (word << 8) | u64::from(*byte))
}

/// The slots to look at for a hash, in order, in a table of `slots` (a power of two) slots.
pub fn probe(hash: u64, slots: u32) -> impl Iterator<Item = u32> {
    let mask = slots.saturating_sub(1);
    let start = u32::try_from(hash & u64::from(mask)).unwrap_or(0);
    (0..slots).map(move |step| start.wrapping_add(step) & mask)
}

/// How many slots a table for `count` strings has: at most half of them taken.
#[must_use]
pub fn slots_for(count: u32) -> u32 {
    if count == 0 { 0 } else { count.saturating_mul(2).next_power_of_two() }
}

/// Builds a table: each slot holds the index of a string, or [`NONE`].
///
/// `slots` must be filled with [`NONE`] and hold [`slots_for`] as many entries as there are `names`.
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
