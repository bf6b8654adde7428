//! Series: what hosts have counted of a flag, by steps of time.

use std::collections::BTreeMap;

use flcm_flags::{Arm, Reason, TripState};

mod columns;
mod encoding;

pub(crate) use columns::{Mark, SeriesAnswer};

/// Reasons, those of errors counted as one.
pub(crate) const REASONS: usize = 9;

/// Steps of one length, and how long they are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Tier {
    /// In the database.
    pub(crate) number: i64,
    /// In seconds.
    pub(crate) step: u64,
    /// In seconds.
    pub(crate) kept: u64,
}

/// The finest first. Hosts send their counts every 10 s, so finer steps would say nothing more.
pub(crate) const TIERS: [Tier; 3] = [
    Tier { number: 0, step: 10, kept: 6 * 3600 },
    Tier { number: 1, step: 60, kept: 8 * 86_400 },
    Tier { number: 2, step: 900, kept: 400 * 86_400 },
];

/// What was counted in a step, and how the breaker was at its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Point {
    /// Decisions by reason.
    decisions: [u32; REASONS],
    variants: BTreeMap<Box<str>, u32>,
    /// Outcomes by the arm's code: total, failed, slow, missing.
    arms: [[u32; 4]; 3],
    pub(crate) gauge: Gauge,
    /// The median of durations and the value that 95 % stay below, in milliseconds.
    pub(crate) durations: Option<[f32; 2]>,
}

/// How a flag was at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Gauge {
    /// `None` without a breaker.
    pub(crate) evidence: Option<EvidenceGauge>,
    /// What the document asked for, in thousandths of a percent.
    pub(crate) percent: u32,
    pub(crate) trip: TripState,
}

/// The statistics of a breaker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct EvidenceGauge {
    /// Errors: absolute, relative; slow calls: absolute, relative.
    pub(crate) statistics: [f32; 4],
    /// What one must reach for a rollback.
    pub(crate) limit: f32,
}

impl Point {
    /// Counts decisions for a variant; `""` is none.
    pub(crate) fn count(&mut self, variant: &str, reason: Reason, count: u64) {
        let count = narrow(count);
        add(&mut self.decisions[slot(reason)], count);
        if variant.is_empty() {
            return;
        }
        match self.variants.get_mut(variant) {
            Some(sum) => add(sum, count),
            None => _ = self.variants.insert(variant.into(), count),
        }
    }

    /// Counts outcomes: the difference of their totals now and before.
    pub(crate) fn count_outcomes(&mut self, now: &[[u64; 4]; 3], before: &[[u64; 4]; 3]) {
        let totals = now.iter().flatten().zip(before.iter().flatten());
        for (sum, (now, before)) in self.arms.iter_mut().flatten().zip(totals) {
            add(sum, narrow(now - before));
        }
    }

    /// All decisions.
    pub(crate) fn decided(&self) -> u32 {
        self.decisions.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Decisions that mostly are on. Batches do not say which ones are: an override or a rule may also serve off.
    pub(crate) fn on(&self) -> u32 {
        let reasons = [Reason::Override, Reason::Split, Reason::Static, Reason::TargetingMatch];
        reasons.into_iter().fold(0, |sum, reason| sum.saturating_add(self.decisions[slot(reason)]))
    }

    /// The outcomes of an arm: total, failed, slow, missing.
    pub(crate) fn arm(&self, arm: Arm) -> [u32; 4] {
        self.arms[usize::from(arm.code())]
    }

    /// Adds what was counted later.
    pub(crate) fn add(&mut self, later: &Self) {
        let (own, other) = (self.compared(), later.compared());
        self.durations = match (self.durations, later.durations) {
            (Some(a), Some(b)) => Some(std::array::from_fn(|index| mean((a[index], own), (b[index], other)))),
            (a, b) => b.or(a),
        };
        self.gauge = later.gauge;
        self.decisions.iter_mut().zip(later.decisions).for_each(|(sum, count)| add(sum, count));
        for (sums, counts) in self.arms.iter_mut().zip(later.arms) {
            sums.iter_mut().zip(counts).for_each(|(sum, count)| add(sum, count));
        }
        for (variant, count) in &later.variants {
            match self.variants.get_mut(variant) {
                Some(sum) => add(sum, *count),
                None => _ = self.variants.insert(variant.clone(), *count),
            }
        }
    }

    fn compared(&self) -> u32 {
        self.arms.iter().fold(0, |sum, arm| sum.saturating_add(arm[0]))
    }
}

/// The mean of two quantiles by the outcomes behind them: close to the quantile of both.
fn mean((a, of_a): (f32, u32), (b, of_b): (f32, u32)) -> f32 {
    let (of_a, of_b) = (f64::from(of_a.max(1)), f64::from(of_b.max(1)));
    #[expect(clippy::cast_possible_truncation, reason = "between two of these")]
    let mean = ((f64::from(a) * of_a + f64::from(b) * of_b) / (of_a + of_b)) as f32;
    mean
}

fn narrow(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn add(sum: &mut u32, count: u32) {
    *sum = sum.saturating_add(count);
}

fn slot(reason: Reason) -> usize {
    usize::from(reason.code()).min(REASONS - 1)
}

#[cfg(test)]
mod tests {
    use super::{EvidenceGauge, Gauge, Point, TripState};

    fn point(count: u32) -> Point {
        Point {
            decisions: [count; 9],
            variants: [("one_page".into(), count)].into(),
            arms: [[count; 4]; 3],
            gauge: Gauge {
                evidence: Some(EvidenceGauge { statistics: [0.5, 16_400.0, 0.25, f32::MAX], limit: 40_000.0 }),
                percent: 8200,
                trip: TripState::Capped(count),
            },
            durations: Some([1.5, 20.0]),
        }
    }

    #[test]
    fn a_point_survives_its_bytes_and_half_of_them_are_none() {
        for trip in [TripState::Clear, TripState::Probing, TripState::HeldOff, TripState::Capped(0)] {
            let mut point = point(300);
            point.gauge.trip = trip;
            let bytes = point.to_bytes();
            assert_eq!(Point::from_bytes(&bytes), Some(point));
            for length in 0..bytes.len() {
                assert_eq!(Point::from_bytes(&bytes[..length]), None, "{length}");
            }
        }
        let quiet = Point::default();
        assert!(quiet.to_bytes().len() < 30 && Point::from_bytes(&quiet.to_bytes()) == Some(quiet));
        assert!(point(9).to_bytes().len() < 80, "{}", point(9).to_bytes().len());
    }

    #[test]
    fn counts_add_up_and_the_latest_gauge_stays() {
        let mut sum = point(1);
        sum.add(&point(3));
        sum.durations = Some([1.5, 20.0]);
        let mut expected = point(4);
        expected.gauge.trip = TripState::Capped(3);
        assert_eq!(sum, expected);
        sum.add(&point(u32::MAX));
        assert_eq!(sum.decisions, [u32::MAX; 9]);
    }
}
