//! The hash that puts users into buckets: one `SipHash` per context, one cheap mix per flag, integers only.
//!
//! Nothing else in this crate hashes a user. The module is public because the compiler, the server and the tests must
//! draw the same buckets; an application calls [`evaluate`](crate::evaluate()) instead.
//!
//! # How a bucket is drawn
//!
//! `SipHash`-1-3 (Aumasson and Bernstein, "`SipHash`: a fast short-input PRF", INDOCRYPT 2012) reads the targeting key
//! once per context. Each flag then mixes that digest with a key of its own, `mix(digest ^ key)`. The mix is the
//! finaliser of `SplitMix64` (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). So
//! deciding a hundred flags for one user costs one `SipHash` and a hundred multiplications, not a hundred string
//! hashes.
//!
//! The gate (is the user inside the percentage?) takes the upper half of the 64 bits and the split (which variant?)
//! takes the lower half. They are independent: with a shared half, a rollout of 25 % would only ever reach the first
//! variants. The probe key of a half-open flag is not stored in the snapshot. It is derived from the salt when it is
//! needed.
//!
//! All text is hashed as its UTF-8 bytes, without terminator, length or normalisation, so every platform draws the same
//! buckets. No float is involved: SDKs that computed buckets in floats ended up with different formulas per language.

mod sip;

/// The number of gate buckets: a percentage has three decimals, so 100,000 stands for 100 %.
///
/// Percentages in this crate are integers of this scale, "thousandths of a percent".
pub const BUCKETS: u32 = 100_000;

/// `SipHash`-1-3 of `bytes` under the key (0, 0): the digest of a targeting key, a user id or an attribute.
///
/// The key is fixed because every host must draw the same buckets. The digest spreads users evenly; it is no protection
/// against someone who chooses user ids in order to get into a rollout.
///
/// ```
/// assert_eq!(flcm_flags::bucket::sip(b"alice"), 0x11af_1c34_7e79_d641);
/// ```
#[must_use]
pub fn sip(bytes: &[u8]) -> u64 {
    sip::hash(&[bytes])
}

/// The key that a digest is mixed with: `sip(label ‖ ":" ‖ name)`.
///
/// The labels in use are `flag` and `probe` (with the flag's salt as the name), `cohort` (with its name) and `override`
/// (with the flag key). Different labels keep, for example, the probe share independent of the rollout percentage.
///
/// ```
/// use flcm_flags::bucket::{key, sip};
/// assert_eq!(key("flag", "checkout"), sip(b"flag:checkout"));
/// ```
#[must_use]
pub fn key(label: &str, name: &str) -> u64 {
    key_of(label, name.as_bytes())
}

/// [`key`] of a name as its bytes.
pub(crate) fn key_of(label: &str, name: &[u8]) -> u64 {
    sip::hash(&[label.as_bytes(), b":", name])
}

/// `SplitMix64`'s finaliser (Stafford's Mix13): a bijection of 64 bits in which every input bit moves every output bit.
///
/// It is a bijection, so two users with different digests never share all 64 bits for the same flag.
///
/// ```
/// use flcm_flags::bucket::mix;
/// assert_eq!(mix(0), 0);
/// assert_eq!(mix(1), 0x5692_161d_100b_05e5);
/// ```
#[must_use]
#[cfg_attr(feature = "compact", inline(never))]
pub const fn mix(mut z: u64) -> u64 {
    z ^= z >> 30;
    z = z.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z ^= z >> 27;
    z = z.wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The 64 bits of one user for one flag.
///
/// The gate reads the upper half and the split the lower half, so the two are independent.
///
/// ```
/// use flcm_flags::bucket::{BUCKETS, Draw, key, sip};
///
/// let draw = Draw::new(sip(b"alice"), key("flag", "checkout"));
/// assert!(draw.gate() < BUCKETS);
/// assert!(draw.split(3) < 3, "one of three variants of equal weight");
/// assert_ne!(draw, Draw::new(sip(b"alice"), key("flag", "search")), "each flag draws for itself");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Draw(u64);

impl Draw {
    /// Mixes a context's digest with the key of a flag, or of another label: see [`key`].
    #[must_use]
    pub const fn new(digest: u64, key: u64) -> Self {
        Self(mix(digest ^ key))
    }

    /// The gate bucket, 0 to 99,999: the user is inside *p* percent if and only if it is below 1000 *p*.
    ///
    /// It does not depend on the percentage, so raising a percentage never removes a user.
    #[must_use]
    pub const fn gate(self) -> u32 {
        scale(self.0 >> 32, BUCKETS)
    }

    /// The split point, 0 to `total - 1`, where `total` is the sum of the weights.
    ///
    /// The variant whose cumulative range holds the point is served. For a `total` of 0 the point is 0.
    #[must_use]
    pub const fn split(self, total: u32) -> u32 {
        scale(self.0 & 0xffff_ffff, total)
    }

    /// All 64 bits. Members of cohorts and overrides are stored under them, so a snapshot contains no user ids.
    #[must_use]
    pub const fn hash(self) -> u64 {
        self.0
    }
}

/// `half * total / 2^32` for a half below 2^32: a multiplication in place of a division (Lemire, "Fast random integer
/// generation in an interval", 2019, without its rejection step; the bias is below `total / 2^32`).
#[allow(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "below `total`, which is a u32; `try_from` is not const"
)]
const fn scale(half: u64, total: u32) -> u32 {
    (half.wrapping_mul(total as u64) >> 32) as u32
}
