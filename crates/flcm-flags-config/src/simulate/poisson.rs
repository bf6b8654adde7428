//! Random numbers and the Poisson distribution.

use flcm_flags::bucket::mix;

/// A stream of random numbers from a seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

/// The golden ratio in 64 bits, which spreads the states of a stream evenly.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// The stream of a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The seed of one of many runs, so that their streams are independent.
    #[must_use]
    pub const fn seed(seed: u64, run: u64) -> u64 {
        mix(mix(seed ^ STEP) ^ run.wrapping_mul(STEP))
    }

    /// 64 random bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// From 0 up to, and without, 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    pub const fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// A Poisson distribution, as a table of cumulative probabilities.
#[derive(Clone, Debug)]
pub struct Poisson {
    /// The first number of the table; smaller ones are too improbable to be drawn.
    least: u32,
    cumulative: Vec<f64>,
    /// Where the search begins, by 256ths of the probability.
    guide: Vec<u32>,
}

/// How many standard deviations around the mean are in the table.
const WIDTH: f64 = 12.0;

impl Poisson {
    /// The distribution of a mean of at most a billion.
    #[must_use]
    pub fn new(mean: f64) -> Self {
        let mean = mean.clamp(0.0, 1e9);
        let (least, weights) = weights(mean);
        let sum: f64 = weights.iter().sum();
        let mut below = 0.0;
        let add = |weight: f64| {
            below += weight / sum;
            below
        };
        let cumulative: Vec<f64> = weights.into_iter().map(add).collect();
        let guide = guide(&cumulative);
        Self { least, cumulative, guide }
    }

    /// Draws a number.
    pub fn draw(&self, random: &mut Random) -> u32 {
        let unit = random.unit();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 256")]
        let mut index = self.guide[(unit * 256.0) as usize];
        while self.cumulative.get(index as usize).is_some_and(|below| *below <= unit) {
            index += 1;
        }
        self.least + index
    }
}

/// The least number in the table, and how likely each number from there on is, up to a factor.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a billion, and not negative")]
fn weights(mean: f64) -> (u32, Vec<f64>) {
    let width = WIDTH * mean.sqrt() + 30.0;
    let (least, most) = ((mean - width).max(0.0) as u32, (mean + width) as u32);
    // From the peak in both directions, so that nothing underflows.
    let peak = mean as u32;
    let mut weights = vec![0.0; (most - least + 1) as usize];
    let mut weight = 1.0;
    for number in (least..=peak).rev() {
        weights[(number - least) as usize] = weight;
        weight *= f64::from(number) / mean.max(f64::MIN_POSITIVE);
    }
    weight = 1.0;
    for number in peak + 1..=most {
        weight *= mean / f64::from(number);
        weights[(number - least) as usize] = weight;
    }
    (least, weights)
}

/// For each 256th of the probability, where the table reaches it.
#[expect(clippy::cast_possible_truncation, reason = "a table is far shorter than 2^32")]
fn guide(cumulative: &[f64]) -> Vec<u32> {
    let start = |step: u32| cumulative.partition_point(|below| *below <= f64::from(step) / 256.0) as u32;
    (0..256).map(start).collect()
}

#[cfg(test)]
mod tests {
    use super::{Poisson, Random};

    #[test]
    fn mean_and_variance_are_what_they_must_be() {
        for mean in [0.0, 0.001, 0.1, 1.0, 7.3, 900.0, 25_000.0] {
            let (poisson, mut random) = (Poisson::new(mean), Random::new(3));
            let draws: Vec<f64> = (0..200_000).map(|_| poisson.draw(&mut random).into()).collect();
            let count = f64::from(200_000);
            let average = draws.iter().sum::<f64>() / count;
            let variance = draws.iter().map(|draw| (draw - average).powi(2)).sum::<f64>() / count;
            assert!((average - mean).abs() <= 5.0 * (mean / count).sqrt(), "{mean}: mean {average}");
            let error = ((mean + 2.0 * mean * mean) / count).sqrt();
            assert!((variance - mean).abs() <= 5.0 * error, "{mean}: variance {variance}");
        }
    }
}
