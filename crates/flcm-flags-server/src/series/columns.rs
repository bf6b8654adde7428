//! Points as columns, which a page reads fast.

use std::collections::{BTreeMap, BTreeSet};

use flcm_flags::Reason;
use serde::Serialize;
use utoipa::ToSchema;

use super::{EvidenceGauge, OutcomePoint, Point, Quantiles, REASONS, VariantPoint};

/// What hosts have counted of a flag. Each list has an entry for each point; steps without any count are left out.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct SeriesAnswer {
    /// The flag key.
    flag: String,
    /// The length of a step in seconds.
    step: u64,
    /// When each step begins, in milliseconds since 1970.
    at: Vec<u64>,
    /// Decisions by reason.
    decisions: BTreeMap<&'static str, Vec<u32>>,
    /// Decisions and outcomes by variant. Of the outcomes, those of the first sixteen variants of a flag are known.
    variants: BTreeMap<String, VariantColumns>,
    /// Outcomes of users that are not compared.
    outside: OutcomeColumns,
    /// Outcomes of users who had the feature.
    treatment: OutcomeColumns,
    /// Outcomes of users whom the percentage left out.
    control: OutcomeColumns,
    /// The statistics of the breaker at the end of each step; `null` without a breaker.
    evidence: EvidenceColumns,
    /// What a statistic must reach for a rollback.
    limit: Vec<Option<f32>>,
    /// The percentage that the document asked for at the end of each step.
    percent: Vec<f64>,
    /// The trip that hosts received then: `clear`, `probing`, `off`, or `capped` and thousandths of a percent.
    trip: Vec<String>,
    /// The median of durations in milliseconds; `null` where none was measured.
    p50: Vec<Option<f32>>,
    /// The value that 95 % of the durations stay below.
    p95: Vec<Option<f32>>,
    /// What was done within the time, the oldest first; at most 200.
    marks: Vec<Mark>,
}

/// What was counted of a variant.
#[derive(Debug, Default, Serialize, ToSchema)]
struct VariantColumns {
    decisions: Vec<u32>,
    #[serde(flatten)]
    outcomes: OutcomeColumns,
}

/// Outcomes of an arm or a variant.
#[derive(Debug, Default, Serialize, ToSchema)]
struct OutcomeColumns {
    total: Vec<u32>,
    failed: Vec<u32>,
    slow: Vec<u32>,
    missing: Vec<u32>,
    /// The median of durations in milliseconds; `null` where none was measured.
    p50: Vec<Option<f32>>,
    /// The value that 95 % of the durations stay below.
    p95: Vec<Option<f32>>,
    /// All steps together.
    whole: Whole,
}

/// Outcomes of all steps together.
#[derive(Debug, Default, Serialize, ToSchema)]
struct Whole {
    total: u32,
    /// The share of the outcomes that failed or are missing, from 0 to 1; `null` without outcomes.
    failed: Option<f64>,
    /// The median of durations in milliseconds, about; `null` where none was measured.
    p50: Option<f32>,
    /// The value that 95 % of the durations stay below, about.
    p95: Option<f32>,
}

/// The statistics of a breaker.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EvidenceColumns {
    absolute: Vec<Option<f32>>,
    relative: Vec<Option<f32>>,
    slow_absolute: Vec<Option<f32>>,
    slow_relative: Vec<Option<f32>>,
}

/// Something that was done.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Mark {
    /// When, in milliseconds since 1970.
    pub(crate) at: u64,
    /// `revision`, or what the audit calls it, such as `hold` or `tripped`.
    pub(crate) kind: String,
    /// The number of the revision, or of the record in the audit.
    pub(crate) id: i64,
    /// A line for people.
    pub(crate) text: String,
}

impl SeriesAnswer {
    /// Points by the number of their step, in the order of time.
    pub(crate) fn new(flag: String, step: u64, points: &[(u64, Point)], marks: Vec<Mark>) -> Self {
        let mut answer = Self { flag, step, marks, ..Self::default() };
        for code in 0..REASONS {
            let reason = u8::try_from(code).ok().and_then(Reason::from_code).map_or("ERROR", Reason::as_str);
            answer.decisions.insert(reason, points.iter().map(|(_, point)| point.decisions[code]).collect());
        }
        let names: BTreeSet<&str> =
            points.iter().flat_map(|(_, point)| point.variants.keys().map(|name| &**name)).collect();
        for name in names {
            let counted = points.iter().map(|(_, point)| point.variants.get(name).copied().unwrap_or_default());
            answer.variants.insert(name.to_owned(), VariantColumns::new(counted));
        }
        let [outside, treatment, control] =
            std::array::from_fn(|arm| OutcomeColumns::new(points.iter().map(|(_, point)| point.arms[arm])));
        (answer.outside, answer.treatment, answer.control) = (outside, treatment, control);
        for (number, point) in points {
            answer.push(number * step * 1000, point);
        }
        answer
    }

    fn push(&mut self, at: u64, point: &Point) {
        self.at.push(at);
        self.evidence.push(point.gauge.evidence);
        self.limit.push(point.gauge.evidence.map(|gauge| gauge.limit));
        self.percent.push(f64::from(point.gauge.percent) / 1000.0);
        self.trip.push(point.gauge.trip.to_string());
        push(point.durations, &mut self.p50, &mut self.p95);
    }
}

impl VariantColumns {
    fn new(points: impl Iterator<Item = VariantPoint> + Clone) -> Self {
        Self {
            decisions: points.clone().map(|point| point.decisions).collect(),
            outcomes: OutcomeColumns::new(points.map(|point| point.outcomes)),
        }
    }
}

impl OutcomeColumns {
    fn new(points: impl Iterator<Item = OutcomePoint>) -> Self {
        let (mut columns, mut sum) = (Self::default(), OutcomePoint::default());
        for point in points {
            columns.push(&point);
            sum.add(&point);
        }
        columns.whole = Whole::new(&sum);
        columns
    }

    fn push(&mut self, point: &OutcomePoint) {
        let [total, failed, slow, missing] = point.counts;
        self.total.push(total);
        self.failed.push(failed);
        self.slow.push(slow);
        self.missing.push(missing);
        push(point.durations, &mut self.p50, &mut self.p95);
    }
}

impl Whole {
    fn new(sum: &OutcomePoint) -> Self {
        let [total, failed, _, missing] = sum.counts;
        let share = (total > 0).then(|| f64::from(failed.saturating_add(missing)) / f64::from(total));
        let [p50, p95] = sum.durations.map_or([None; 2], |durations| durations.map(Some));
        Self { total, failed: share, p50, p95 }
    }
}

fn push(durations: Quantiles, p50: &mut Vec<Option<f32>>, p95: &mut Vec<Option<f32>>) {
    p50.push(durations.map(|[p50, _]| p50));
    p95.push(durations.map(|[_, p95]| p95));
}

impl EvidenceColumns {
    fn push(&mut self, gauge: Option<EvidenceGauge>) {
        let of = |index: usize| gauge.map(|gauge| gauge.statistics[index]);
        self.absolute.push(of(0));
        self.relative.push(of(1));
        self.slow_absolute.push(of(2));
        self.slow_relative.push(of(3));
    }
}
