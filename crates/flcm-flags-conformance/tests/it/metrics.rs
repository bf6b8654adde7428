//! Properties of metrics, each under its name, over generated data.

mod batches;
mod damage;
mod flags;
mod likely;
mod merging;
mod order;
mod sketches;

use fastrand::Rng;
use flcm_flags::metrics::batch::{Batch, Header, Writer};
use flcm_flags::metrics::{Custom, FlagMetrics, Group};
use flcm_flags::{Arm, Context, PackedDecision, Sample, Snapshot};
use flcm_flags_conformance::vectors::run::load;

type Metrics = FlagMetrics<Vec<u32>, Vec<Group>>;
type Customs = Custom<6, 4>;

const VARIANTS: [&str; 3] = ["control", "fresh", "größe"];
const ARMS: [Arm; 3] = [Arm::Control, Arm::Outside, Arm::Treatment];

fn snapshot() -> Snapshot<Vec<u8>> {
    load("flags: { f: {} }", "a property's document").1
}

fn empty() -> Metrics {
    let groups = vec![Group::new(); Group::count_for(VARIANTS.len())];
    FlagMetrics::with_groups(vec![0; FlagMetrics::counters_for(VARIANTS.len())], groups)
}

fn variant_name(variant: u16) -> Option<&'static str> {
    VARIANTS.get(usize::from(variant)).copied()
}

fn variant_index(name: &str) -> Option<u16> {
    (0..).zip(VARIANTS).find(|(_, variant)| *variant == name).map(|(index, _)| index)
}

/// The outcome of a variant and a reason, as the engine would decide it for users outside of the comparison.
fn outcome(variant: Option<u16>, reason: u8) -> PackedDecision {
    outcome_in(Arm::Outside, variant, reason)
}

fn outcome_in(arm: Arm, variant: Option<u16>, reason: u8) -> PackedDecision {
    let variant = u64::from(variant.unwrap_or(u16::MAX));
    PackedDecision::from_bits(variant << 32 | u64::from(reason) << 48 | u64::from(arm.code()) << 59)
}

/// Log-normal, around 20 ms: as response times are.
fn duration(rng: &mut Rng) -> f64 {
    let normal = (-2.0 * (1.0 - rng.f64()).ln()).sqrt() * (std::f64::consts::TAU * rng.f64()).cos();
    (3.0 + 1.2 * normal).exp()
}

/// Anything that a host may hand over as a duration.
fn any_duration(rng: &mut Rng) -> f64 {
    match rng.u8(0..20) {
        0 => f64::from_bits(rng.u64(..)),
        1 => [0.0, -0.0, f64::MAX, f64::MIN_POSITIVE, 1e-9, 131_072.0, 1e9][rng.usize(0..7)],
        _ => duration(rng),
    }
}

/// The sample of one outcome.
fn sample(rng: &mut Rng) -> Sample {
    let missing = rng.u8(0..9) == 0;
    let errors = !missing && rng.u8(0..9) == 0;
    Sample { total: 1, errors: errors.into(), slow: (rng.u8(0..5) == 0).into(), missing: missing.into() }
}

/// One that failed and was slow.
const FAILED: Sample = Sample { total: 1, errors: 1, slow: 1, missing: 0 };

const MISSING: Sample = Sample { total: 1, errors: 0, slow: 0, missing: 1 };

/// One thing that happens.
#[derive(Clone, Debug)]
enum Happening {
    Decision(PackedDecision, Option<String>),
    Evidence(Arm, Sample),
    Outcome(Arm, Option<u16>, Sample, f64),
}

impl Happening {
    fn random(rng: &mut Rng) -> Self {
        let (arm, variant) = (ARMS[rng.usize(0..3)], rng.bool().then(|| rng.u16(0..3)));
        match rng.u8(0..10) {
            0..=4 => {
                let user = (rng.u8(0..10) > 0).then(|| format!("user-{}", rng.u16(..)));
                Self::Decision(outcome_in(arm, variant, rng.u8(0..11)), user)
            }
            5 => Self::Evidence(arm, sample(rng)),
            _ => Self::Outcome(arm, variant, sample(rng), if rng.bool() { any_duration(rng) } else { f64::NAN }),
        }
    }

    fn record(&self, snapshot: &Snapshot<Vec<u8>>, metrics: &mut Metrics) {
        match self {
            Self::Decision(outcome, user) => {
                metrics.decision(*outcome, &Context::new(user.as_deref(), &[]).bind(snapshot));
            }
            Self::Evidence(arm, sample) => metrics.add_evidence(*arm, sample),
            Self::Outcome(arm, variant, sample, duration) => metrics.outcome_of(*arm, *variant, sample, *duration),
        }
    }
}

fn recorded(happenings: &[Happening], generation: u32) -> Metrics {
    let (snapshot, mut metrics) = (snapshot(), empty());
    metrics.set_generation(generation);
    for happening in happenings {
        happening.record(&snapshot, &mut metrics);
    }
    metrics
}

fn happenings(rng: &mut Rng, most: usize) -> Vec<Happening> {
    (0..rng.usize(0..=most)).map(|_| Happening::random(rng)).collect()
}

fn random_metrics(rng: &mut Rng) -> Metrics {
    recorded(&happenings(rng, 300), rng.u32(0..3))
}

fn random_customs(rng: &mut Rng) -> Customs {
    let mut customs = Customs::new();
    for _ in 0..rng.usize(0..60) {
        let name = ["a", "b", "größe", "d", "e", "f", "g", "h", "a\0"][rng.usize(0..9)];
        if rng.bool() {
            customs.add(name, rng.u64(..) >> rng.u8(0..64));
        } else {
            customs.observe(name, any_duration(rng));
        }
    }
    customs
}

/// The standard error of 2,048 registers.
const STANDARD_ERROR: f64 = 0.02298;

const HEADER: Header = Header { instance: 0x0102_0304_0506_0708, epoch: 9, sequence: 1, age: 250 };

fn write(write: impl FnOnce(&mut Writer<&mut dyn FnMut(&[u8])>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut sink = |written: &[u8]| bytes.extend_from_slice(written);
    let mut writer = Writer::new(HEADER, &mut sink as &mut dyn FnMut(&[u8]));
    write(&mut writer);
    writer.finish();
    bytes
}

fn read(bytes: &[u8]) -> Batch<'_> {
    Batch::from_bytes(bytes).expect("a batch of our own")
}

/// A batch with something of everything.
fn full_batch() -> Vec<u8> {
    let mut rng = Rng::with_seed(4);
    let (first, second) = (random_metrics(&mut rng), recorded(&happenings(&mut rng, 6), 300));
    let mut customs = Customs::new();
    assert!(customs.add("clicks", 1_000) && customs.observe("basket", 19.9) && !customs.add("", 1));
    let bytes = write(|writer| {
        assert!(writer.flag("first", variant_name, &first) && writer.flag("second", variant_name, &second));
        writer.custom(&customs);
    });
    assert_eq!((read(&bytes).flags().count(), read(&bytes).customs().count(), read(&bytes).dropped()), (2, 2, 1));
    bytes
}
