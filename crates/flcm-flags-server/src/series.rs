//! Series: what hosts have counted of a flag, by steps of time.

use std::collections::BTreeMap;

use flcm_flags::metrics::Histogram;
use flcm_flags::{Arm, Reason, TripState};

use crate::sketches::Sketches;

mod columns;
mod encoding;
mod users;

pub(crate) use columns::{Mark, SeriesAnswer};
pub(crate) use users::UsersAnswer;

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
    variants: BTreeMap<Box<str>, VariantPoint>,
    /// By the arm's code.
    arms: [OutcomePoint; 3],
    pub(crate) gauge: Gauge,
    durations: Quantiles,
}

/// What was counted of a variant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct VariantPoint {
    decisions: u32,
    outcomes: OutcomePoint,
}

/// How calls went.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct OutcomePoint {
    /// Total, failed, slow, missing.
    counts: [u32; 4],
    durations: Quantiles,
}

/// The median of durations and the value that 95 % stay below, in milliseconds, if any was measured.
type Quantiles = Option<[f32; 2]>;

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
        add(&mut self.variant(variant).decisions, count);
    }

    /// Counts outcomes of a variant: total, failed, slow, missing. Those of none (`""`) are only counted by arm.
    pub(crate) fn count_outcomes_of(&mut self, variant: &str, counts: [u64; 4]) {
        if counts[0] > 0 && !variant.is_empty() {
            add_all(&mut self.variant(variant).outcomes.counts, counts.map(narrow));
        }
    }

    fn variant(&mut self, name: &str) -> &mut VariantPoint {
        if !self.variants.contains_key(name) {
            self.variants.insert(name.into(), VariantPoint::default());
        }
        self.variants.get_mut(name).expect("it was inserted")
    }

    /// Counts outcomes: the difference of their totals now and before.
    pub(crate) fn count_outcomes(&mut self, now: &[[u64; 4]; 3], before: &[[u64; 4]; 3]) {
        for (arm, (now, before)) in self.arms.iter_mut().zip(now.iter().zip(before)) {
            add_all(&mut arm.counts, std::array::from_fn(|index| narrow(now[index] - before[index])));
        }
    }

    /// Notes how long calls took.
    pub(crate) fn measure(&mut self, sketches: &Sketches) {
        self.durations = quantiles(&sketches.durations());
        for arm in [Arm::Control, Arm::Outside, Arm::Treatment] {
            let durations = sketches.durations_of_arm(arm);
            self.arms[usize::from(arm.code())].durations = durations.as_ref().and_then(quantiles);
        }
        for (variant, point) in &mut self.variants {
            point.outcomes.durations = sketches.durations_of_variant(variant).as_ref().and_then(quantiles);
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
        self.arms[usize::from(arm.code())].counts
    }

    /// Adds what was counted later.
    pub(crate) fn add(&mut self, later: &Self) {
        self.durations = mean_of((self.durations, self.compared()), (later.durations, later.compared()));
        self.gauge = later.gauge;
        add_all(&mut self.decisions, later.decisions);
        self.arms.iter_mut().zip(&later.arms).for_each(|(sum, counted)| sum.add(counted));
        for (name, counted) in &later.variants {
            let sum = self.variant(name);
            add(&mut sum.decisions, counted.decisions);
            sum.outcomes.add(&counted.outcomes);
        }
    }

    fn compared(&self) -> u32 {
        self.arms.iter().fold(0, |sum, arm| sum.saturating_add(arm.counts[0]))
    }
}

impl OutcomePoint {
    fn add(&mut self, later: &Self) {
        self.durations = mean_of((self.durations, self.counts[0]), (later.durations, later.counts[0]));
        add_all(&mut self.counts, later.counts);
    }
}

fn quantiles(values: &Histogram) -> Quantiles {
    #[expect(clippy::cast_possible_truncation, reason = "a figure for people")]
    (!values.is_empty()).then(|| values.quantiles([0.5, 0.95]).map(|value| value as f32))
}

/// The quantiles of both, each with the outcomes behind it, about.
fn mean_of((own, of_own): (Quantiles, u32), (later, of_later): (Quantiles, u32)) -> Quantiles {
    match (own, later) {
        (Some(a), Some(b)) => Some(std::array::from_fn(|index| mean((a[index], of_own), (b[index], of_later)))),
        (a, b) => b.or(a),
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

fn add_all<const N: usize>(sums: &mut [u32; N], counts: [u32; N]) {
    sums.iter_mut().zip(counts).for_each(|(sum, count)| add(sum, count));
}

fn slot(reason: Reason) -> usize {
    usize::from(reason.code()).min(REASONS - 1)
}

#[cfg(test)]
mod tests {
    use super::{EvidenceGauge, Gauge, OutcomePoint, Point, TripState, VariantPoint};

    fn point(count: u32) -> Point {
        let outcomes = |durations| OutcomePoint { counts: [count; 4], durations };
        let (two_pages, three_pages) = (outcomes(Some([2.5, 30.0])), outcomes(None));
        Point {
            decisions: [count; 9],
            variants: [
                ("three_pages".into(), VariantPoint { decisions: count, outcomes: three_pages }),
                ("two_pages".into(), VariantPoint { decisions: count, outcomes: two_pages }),
            ]
            .into(),
            arms: [outcomes(None), outcomes(Some([3.5, 40.0])), outcomes(Some([4.5, 50.0]))],
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
        assert!(point(9).to_bytes().len() < 130, "{}", point(9).to_bytes().len());
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
