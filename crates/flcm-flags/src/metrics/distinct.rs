//! The number of different users in two kilobytes: a `HyperLogLog` sketch.
//!
//! Flajolet, Fusy, Gandouet and Meunier, "`HyperLogLog`: the analysis of a near-optimal cardinality estimation
//! algorithm",
//! 2007. The estimator is the improved raw one of Otmar Ertl, "New cardinality estimation algorithms for `HyperLogLog`
//!       sketches", arXiv 1702.01284, algorithm 6. It has no bias to correct at any cardinality, so there is no table
//!       and no switch between formulas.
//!
//! Of each digest the first 11 bits choose a register, and the position of the first one among the rest is its rank. A
//! register keeps the highest rank. Merging takes the maximum of each register, so sketches of many hosts give the same
//! bits in any order, and a user that several hosts have seen counts once.
//!
//! A register takes a byte although six bits would do: raising one must not touch its neighbours, and batches store
//! only the registers that are not zero.
#![expect(clippy::float_arithmetic, reason = "an estimate; no decision depends on it")]

use core::f64::consts::LN_2;
use core::fmt;

/// This many bits of a digest choose the register.
const INDEX_BITS: u32 = 11;
/// The other 53 give the rank.
const RANK_BITS: u32 = 64 - INDEX_BITS;
/// How many registers: the standard error is 1.04/√2048 = 2.3 %.
pub(super) const REGISTERS: usize = 1 << INDEX_BITS;
/// The highest rank: all of the other bits are zero.
pub(super) const HIGHEST_RANK: u8 = 54;
/// From 0, of a register that has seen nothing, to the highest.
const RANKS: usize = 55;

/// An estimate of how many different digests were inserted. The standard error is 2.3 %.
///
/// Few digests are counted almost exactly.
///
/// ```
/// use flcm_flags::bucket::sip;
/// use flcm_flags::metrics::Distinct;
///
/// let mut users = Distinct::new();
/// for user in ["alice", "bob", "alice"] {
///     users.insert(sip(user.as_bytes()));
/// }
/// assert_eq!(users.estimate().round(), 2.0);
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Distinct {
    /// The highest rank of the digests of each register; 0 while there is none.
    registers: [u8; REGISTERS],
}

impl Distinct {
    /// The number of registers, each a byte.
    pub const REGISTERS: usize = REGISTERS;

    /// An empty sketch.
    #[must_use]
    pub const fn new() -> Self {
        Self { registers: [0; REGISTERS] }
    }

    /// Inserts a digest, whose 64 bits must be uniform, as those of [`sip`](crate::bucket::sip) are.
    ///
    /// Inserting the same digest again changes nothing.
    #[inline]
    pub fn insert(&mut self, digest: u64) {
        let (register, rank) = Self::register_and_rank(digest);
        self.raise(register, rank);
    }

    /// The register of a digest, below [`REGISTERS`](Self::REGISTERS), and its rank, from 1 to 54.
    ///
    /// A sketch is the highest rank of each register. A host that counts with atomics keeps them in memory of its own,
    /// and adds them later with [`FlagMetrics::see`](super::FlagMetrics::see).
    ///
    /// ```
    /// use flcm_flags::{bucket::sip, metrics::Distinct};
    /// let (register, rank) = Distinct::register_and_rank(sip(b"alice"));
    /// assert!(register < Distinct::REGISTERS && (1..=54).contains(&rank));
    /// ```
    #[inline]
    #[must_use]
    pub fn register_and_rank(digest: u64) -> (usize, u8) {
        let register = usize::try_from(digest >> RANK_BITS).unwrap_or(usize::MAX);
        // The bit behind the last ends the search for the first one.
        let rest = (digest << INDEX_BITS) | (1 << (INDEX_BITS - 1));
        let [rank, ..] = rest.leading_zeros().saturating_add(1).to_le_bytes();
        (register, rank)
    }

    /// Raises one register to a rank.
    #[inline]
    pub(super) fn raise(&mut self, register: usize, rank: u8) {
        if let Some(highest) = self.registers.get_mut(register) {
            *highest = rank.max(*highest);
        }
    }

    /// Inserts everything that was inserted into another. Merging the same sketch again changes nothing.
    pub fn merge(&mut self, other: &Self) {
        for (highest, rank) in self.registers.iter_mut().zip(&other.registers) {
            *highest = (*highest).max(*rank);
        }
    }

    /// Whether merging another sketch would change nothing.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.registers.iter().zip(&other.registers).all(|(own, other)| own >= other)
    }

    /// The estimated number of different digests; 0 without any.
    #[must_use]
    pub fn estimate(&self) -> f64 {
        let registers = f64::from(1_u32 << INDEX_BITS);
        let counts = self.registers_by_rank();
        let share = |rank: u8| f64::from(counts.get(usize::from(rank)).copied().unwrap_or(0)) / registers;
        let full = tau(1.0 - share(HIGHEST_RANK));
        let sum = (1..HIGHEST_RANK).rev().fold(full, |sum, rank| 0.5 * (sum + share(rank)));
        registers / (2.0 * LN_2) / (sum + sigma(share(0)))
    }

    fn registers_by_rank(&self) -> [u16; RANKS] {
        let mut counts = [0_u16; RANKS];
        for rank in &self.registers {
            if let Some(count) = counts.get_mut(usize::from(*rank)) {
                *count = count.saturating_add(1);
            }
        }
        counts
    }

    /// The registers that are not zero, and their ranks. Most are zero, so eight are tested at a time first.
    pub(super) fn ranks(&self) -> impl Iterator<Item = (usize, u32)> + Clone {
        let (words, _) = self.registers.as_chunks::<8>();
        let words = (0..).step_by(8).zip(words).filter(|(_, word)| u64::from_le_bytes(**word) > 0);
        let ranks = words.flat_map(|(start, word)| (start..).zip(word));
        ranks.map(|(register, rank)| (register, u32::from(*rank))).filter(|(_, rank)| *rank > 0)
    }

    /// Empties the sketch.
    pub fn clear(&mut self) {
        self.registers.fill(0);
    }

    /// Whether no digest was inserted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        // All of them, without a branch for each: this runs for every flag whenever metrics are drained.
        self.registers.iter().fold(0, |any, rank| any | rank) == 0
    }
}

impl Default for Distinct {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Distinct {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Distinct {{ estimate: {} }}", self.estimate())
    }
}

/// `x + Σ x^(2^k) · 2^(k-1)`: the part of the estimate that empty registers give. Infinite when all are empty.
fn sigma(x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut power, mut weight, mut sum) = (x, 1.0, x);
    loop {
        power *= power;
        let next = sum + power * weight;
        // The terms fall doubly exponentially, so this comes soon: x is below 1 by at least 1/2048.
        if next <= sum {
            return sum;
        }
        (sum, weight) = (next, 2.0 * weight);
    }
}

/// `(1 - x - Σ (1 - x^(2^-k))² · 2^-k) / 3`: the part of the estimate that registers of the highest rank give.
fn tau(x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut root, mut weight, mut sum) = (x, 1.0, 1.0 - x);
    loop {
        root = libm::sqrt(root);
        weight *= 0.5;
        let next = sum - (1.0 - root) * (1.0 - root) * weight;
        if next >= sum {
            return sum / 3.0;
        }
        sum = next;
    }
}

#[cfg(test)]
mod tests {
    use super::{Distinct, HIGHEST_RANK, REGISTERS, sigma, tau};

    #[test]
    fn the_first_bits_choose_the_register_and_the_others_give_the_rank() {
        let rank_of = |digest: u64| {
            let mut distinct = Distinct::new();
            distinct.insert(digest);
            distinct.ranks().next().expect("a register")
        };
        assert_eq!(rank_of(u64::MAX), (REGISTERS - 1, 1));
        assert_eq!(rank_of(0), (0, HIGHEST_RANK.into()));
        assert_eq!(rank_of(1), (0, 53));
        assert_eq!(rank_of(1 << 53), (1, HIGHEST_RANK.into()));
        assert_eq!(rank_of(1 << 52), (0, 1));
        assert_eq!(rank_of(5 << 53 | 1 << 50), (5, 3));
    }

    #[test]
    fn the_corrections_are_the_sums_of_the_paper() {
        // Summed here term by term, as the paper writes them.
        for x in [0.0_f64, 0.001, 0.25, 0.5, 0.9, 2047.0 / 2048.0] {
            let terms = |k: i32| x.powf(2_f64.powi(k)) * 2_f64.powi(k - 1);
            let wanted = x + (1..40).map(terms).sum::<f64>();
            assert!((sigma(x) - wanted).abs() <= 1e-12 * wanted, "sigma({x})");
            let terms = |k: i32| (1.0 - x.powf(2_f64.powi(-k))).powi(2) * 2_f64.powi(-k);
            let wanted = (1.0 - x - (1..60).map(terms).sum::<f64>()) / 3.0;
            let wanted = if x > 0.0 { wanted } else { 0.0 };
            assert!((tau(x) - wanted).abs() <= 1e-12, "tau({x})");
        }
        assert!(sigma(1.0).is_infinite());
        assert_eq!((tau(0.0), tau(1.0)), (0.0, 0.0));
    }

    #[test]
    fn registers_that_are_all_empty_or_full_have_an_estimate() {
        let mut full = Distinct::new();
        assert_eq!(full.estimate().to_bits(), 0);
        (0..REGISTERS).for_each(|register| full.raise(register, HIGHEST_RANK));
        assert!(full.estimate() > 1e18, "as many as there can be: {}", full.estimate());
        // What registers that can rise no further stand for is more than their rank says.
        (0..REGISTERS).for_each(|register| full.registers[register] = HIGHEST_RANK - u8::from(register % 4 > 0));
        let wanted = 2048.0 / (2.0 * core::f64::consts::LN_2) / (tau(0.75) + 0.75) * 2_f64.powi(53);
        assert!((full.estimate() / wanted - 1.0).abs() < 1e-12, "{} for {wanted}", full.estimate());
    }
}
