//! The hash, from its formulas, in 128 bits so that nothing can overflow unseen.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

/// 2^64: sums and products are taken modulo this.
const TWO_TO_THE_64: u128 = 1 << 64;

/// `sip(bytes)`: SipHash-1-3 with the key (0, 0).
#[must_use]
pub fn sip(bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(0, 0);
    hasher.write(bytes);
    hasher.finish()
}

/// `mix(z)`: `SplitMix64`'s finaliser.
#[must_use]
pub fn mix(z: u64) -> u64 {
    let mut z = u128::from(z);
    z ^= z >> 30;
    z = z * 0xbf58_476d_1ce4_e5b9 % TWO_TO_THE_64;
    z ^= z >> 27;
    z = z * 0x94d0_49bb_1331_11eb % TWO_TO_THE_64;
    z ^= z >> 31;
    u64::try_from(z).expect("below 2^64")
}

/// `mix(digest ^ key(label, name))`, where `key(label, name) = sip(label ‖ ":" ‖ name)`.
///
/// The labels are `flag` and `probe` with a salt, `cohort` with a cohort's name and `override` with a flag key.
#[must_use]
pub fn hash_of(label: &str, name: &str, digest: u64) -> u64 {
    mix(digest ^ sip(format!("{label}:{name}").as_bytes()))
}

/// `((h >> 32) * 100000) >> 32`.
#[must_use]
pub fn gate_bucket(h: u64) -> u32 {
    narrow(((u128::from(h) >> 32) * 100_000) >> 32)
}

/// `((h & 0xffffffff) * W) >> 32`.
#[must_use]
pub fn split_point(h: u64, total: u32) -> u32 {
    narrow(((u128::from(h) & 0xffff_ffff) * u128::from(total)) >> 32)
}

/// `((mix(digest ^ key("probe", salt)) >> 32) * 100000) >> 32`.
#[must_use]
pub fn probe_bucket(digest: u64, salt: &str) -> u32 {
    gate_bucket(hash_of("probe", salt, digest))
}

fn narrow(number: u128) -> u32 {
    u32::try_from(number).expect("a bucket or a point is below 2^32")
}
