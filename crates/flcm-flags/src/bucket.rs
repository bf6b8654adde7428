//! The hash: one `SipHash` per context, one cheap mix per flag, integers only. Nothing else in this crate hashes
//! a user.
//!
//! All text is hashed as its UTF-8 bytes, without terminator, length or normalisation, so every platform draws
//! the same buckets.

use core::hash::Hasher;

use siphasher::sip::SipHasher13;

/// How many gate buckets there are: a percentage has three decimals.
pub const BUCKETS: u32 = 100_000;

/// `SipHash`-1-3 of `bytes` under the key (0, 0): the digest of a targeting key, a user id or an attribute.
///
/// ```
/// assert_eq!(flcm_flags::bucket::sip(b"alice"), 0x11af_1c34_7e79_d641);
/// ```
#[must_use]
pub fn sip(bytes: &[u8]) -> u64 {
    SipHasher13::new_with_keys(0, 0).hash(bytes)
}

/// The key that a digest is mixed with: `sip(label ‖ ":" ‖ name)`. The labels in use are `flag`, `probe`,
/// `cohort` and `override`.
///
/// ```
/// use flcm_flags::bucket::{key, sip};
/// assert_eq!(key("flag", "checkout"), sip(b"flag:checkout"));
/// ```
#[must_use]
pub fn key(label: &str, name: &str) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(0, 0);
    hasher.write(label.as_bytes());
    hasher.write(b":");
    hasher.write(name.as_bytes());
    hasher.finish()
}

/// `SplitMix64`'s finaliser (Stafford's Mix13): a bijection of 64 bits in which every input bit moves every output bit.
#[must_use]
pub const fn mix(mut z: u64) -> u64 {
    z ^= z >> 30;
    z = z.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^= z >> 27;
    z = z.wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Where a user stands for one flag. The gate reads the upper half of one hash and the split the lower, so the two
/// are independent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Draw(u64);

impl Draw {
    /// Draws from a context's digest and a flag's (or another label's) key.
    #[must_use]
    pub const fn new(digest: u64, key: u64) -> Self {
        Self(mix(digest ^ key))
    }

    /// The gate bucket, 0 to 99,999: inside *p* percent if and only if it is below 1000 *p*.
    #[must_use]
    pub const fn gate(self) -> u32 {
        scale(self.0 >> 32, BUCKETS)
    }

    /// The split point, 0 to `total - 1`.
    #[must_use]
    pub const fn split(self, total: u32) -> u32 {
        scale(self.0 & 0xffff_ffff, total)
    }

    /// The whole hash, as members and overrides are listed under it.
    #[must_use]
    pub const fn hash(self) -> u64 {
        self.0
    }
}

/// `half * total / 2^32` for a half below 2^32.
#[allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "below `total`, which is a u32; `try_from` is not const"
)]
const fn scale(half: u64, total: u32) -> u32 {
    (half.wrapping_mul(total as u64) >> 32) as u32
}
