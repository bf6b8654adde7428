//! Statistics over many runs, with the same bits on every platform.

use super::Ending;

/// How long it took to detect a fault.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delays {
    /// Seconds, ascending.
    pub found: Vec<u64>,
    /// Runs that were rolled back before the fault began.
    pub falsely: u64,
    /// Runs in which the fault was not detected.
    pub never: u64,
}

impl Delays {
    /// The delays of many runs.
    #[must_use]
    pub fn of(endings: impl IntoIterator<Item = Ending>) -> Self {
        let mut delays = Self::default();
        for ending in endings {
            match ending {
                Ending::After(seconds, _) => delays.found.push(seconds),
                Ending::Falsely => delays.falsely += 1,
                Ending::Never => delays.never += 1,
            }
        }
        delays.found.sort_unstable();
        delays
    }

    /// Adds the delays of other runs.
    pub fn merge(&mut self, other: Self) {
        self.found.extend(other.found);
        self.found.sort_unstable();
        self.falsely += other.falsely;
        self.never += other.never;
    }

    /// The delay within which the fault was detected in this share of the runs; `None` if it was detected in fewer.
    /// Runs with a false rollback do not count.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a count")]
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let all = self.found.len() as u64 + self.never;
        let index = (share * all as f64).ceil().max(1.0) as usize - 1;
        self.found.get(index).copied()
    }

    /// The share of the runs in which the fault was detected.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a count")]
    pub fn share_found(&self) -> f64 {
        let all = self.found.len() as u64 + self.never;
        if all == 0 { 0.0 } else { self.found.len() as f64 / all as f64 }
    }
}

/// The exact (Clopper-Pearson) 95 % confidence interval of a probability, after `hits` of `runs`.
#[must_use]
pub fn interval(hits: u64, runs: u64) -> (f64, f64) {
    let low = if hits == 0 { 0.0 } else { solve(|rate| at_least(hits, runs, rate) < 0.025) };
    let high = if hits == runs { 1.0 } else { solve(|rate| 1.0 - at_least(hits + 1, runs, rate) > 0.025) };
    (low, high)
}

/// The rate up to which a condition holds, by bisection.
fn solve(holds: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if holds(middle) { low = middle } else { high = middle }
    }
    low
}

/// The probability of at least this many hits, computed from the tail with fewer terms.
#[expect(clippy::cast_precision_loss, reason = "counts of runs")]
fn at_least(hits: u64, runs: u64, rate: f64) -> f64 {
    let term = |count: u64| {
        let choose = ln_factorial(runs) - ln_factorial(count) - ln_factorial(runs - count);
        libm::exp(choose + count as f64 * libm::log(rate) + (runs - count) as f64 * libm::log1p(-rate))
    };
    if hits > runs / 2 { (hits..=runs).map(term).sum() } else { 1.0 - (0..hits).map(term).sum::<f64>() }
}

#[expect(clippy::cast_precision_loss, reason = "counts of runs")]
fn ln_factorial(number: u64) -> f64 {
    if number < 32 {
        return (2..=number).map(|factor| libm::log(factor as f64)).sum();
    }
    // Stirling's series: exact to 1e-10 from here on.
    let x = number as f64;
    x * libm::log(x) - x + 0.5 * libm::log(std::f64::consts::TAU * x) + 1.0 / (12.0 * x) - 1.0 / (360.0 * x * x * x)
}

#[cfg(test)]
mod tests {
    use super::interval;

    #[test]
    fn intervals_are_those_of_the_books() {
        for (hits, runs, low, high) in
            [(0, 2000, 0.0, 0.001_842_7), (0, 1000, 0.0, 0.003_682), (289, 2000, 0.1294, 0.1607), (10, 10, 0.6915, 1.0)]
        {
            let (found_low, found_high) = interval(hits, runs);
            assert!(
                (found_low - low).abs() < 2e-4 && (found_high - high).abs() < 2e-4,
                "{hits} of {runs}: {found_low} {found_high}"
            );
        }
    }
}
