//! Times of counting: `cargo bench -p flcm-flags-config --bench metrics`. Compare the column `fastest`.

#[expect(dead_code, reason = "the other benches use the rest")]
mod workload;

use divan::{Bencher, black_box};
use flcm_flags::bucket::mix;
use flcm_flags::metrics::batch::{Batch, Header, Writer};
use flcm_flags::metrics::{Distinct, FlagMetrics, Histogram};
use flcm_flags::{Arm, BoundContext, Context, Millis, PackedDecision, Sample, Snapshot, Trips, evaluate};
use workload::{ATTRIBUTES, KINDS, USER, snapshot};

type Metrics = FlagMetrics<Vec<u32>>;

fn main() {
    divan::main();
}

fn empty() -> Metrics {
    FlagMetrics::new(vec![0; FlagMetrics::counters_for(3)])
}

fn sample(failed: bool) -> Sample {
    Sample { total: 1, errors: failed.into(), ..Sample::default() }
}

fn users() -> Vec<String> {
    (0..4096).map(|user| format!("user-{user}")).collect()
}

fn bound<'a>(snapshot: &Snapshot<Vec<u8>>, users: &'a [String]) -> Vec<BoundContext<'a>> {
    users.iter().map(|user| Context::new(Some(user), &ATTRIBUTES).bind(snapshot)).collect()
}

/// A flag that a million users were decided for, and as many outcomes.
fn a_million_events() -> Metrics {
    let (snapshot, mut metrics) = (snapshot(KINDS), empty());
    for event in 0..1_000_000_u64 {
        let user = event.to_string();
        let outcome = PackedDecision::from_bits((event % 3) << 32 | 5 << 48);
        metrics.decision(outcome, &Context::new(Some(&user), &[]).bind(&snapshot));
        let [milliseconds, ..] = mix(event).to_le_bytes();
        metrics.outcome(Arm::Treatment, &sample(event % 50 == 0), f64::from(milliseconds) + 0.5);
    }
    metrics
}

const FLAGS: [&str; 2] = ["percentage", "targeted"];

#[divan::bench(sample_size = 1000, args = FLAGS)]
fn decide_alone(bencher: Bencher<'_, '_>, flag: &str) {
    let snapshot = snapshot(KINDS);
    let flag = snapshot.flag(flag).expect("a flag of the workload");
    let context = Context::new(Some(USER), &ATTRIBUTES).bind(&snapshot);
    bencher.bench_local(|| evaluate(&snapshot, &Trips::NONE, black_box(flag), &context, Millis(0)).packed());
}

#[divan::bench(sample_size = 1000, args = FLAGS)]
fn decide_and_count(bencher: Bencher<'_, '_>, flag: &str) {
    let (snapshot, mut metrics) = (snapshot(KINDS), empty());
    let flag = snapshot.flag(flag).expect("a flag of the workload");
    let context = Context::new(Some(USER), &ATTRIBUTES).bind(&snapshot);
    bencher.bench_local(|| {
        let outcome = evaluate(&snapshot, &Trips::NONE, black_box(flag), &context, Millis(0)).packed();
        metrics.decision(outcome, &context);
        outcome
    });
}

// Many users, so that neither branches nor the cache know what comes.
#[divan::bench(sample_size = 4096, args = FLAGS)]
fn decide_alone_for_many(bencher: Bencher<'_, '_>, flag: &str) {
    let (snapshot, users) = (snapshot(KINDS), users());
    let flag = snapshot.flag(flag).expect("a flag of the workload");
    let contexts = bound(&snapshot, &users);
    let mut next = contexts.iter().cycle();
    bencher.bench_local(|| {
        let context = next.next().unwrap_or(&contexts[0]);
        evaluate(&snapshot, &Trips::NONE, black_box(flag), context, Millis(0)).packed()
    });
}

#[divan::bench(sample_size = 4096, args = FLAGS)]
fn decide_and_count_for_many(bencher: Bencher<'_, '_>, flag: &str) {
    let (snapshot, users, mut metrics) = (snapshot(KINDS), users(), empty());
    let flag = snapshot.flag(flag).expect("a flag of the workload");
    let contexts = bound(&snapshot, &users);
    let mut next = contexts.iter().cycle();
    bencher.bench_local(|| {
        let context = next.next().unwrap_or(&contexts[0]);
        let outcome = evaluate(&snapshot, &Trips::NONE, black_box(flag), context, Millis(0)).packed();
        metrics.decision(outcome, context);
        outcome
    });
}

#[divan::bench(sample_size = 1000)]
fn count_one_decision(bencher: Bencher<'_, '_>) {
    let (snapshot, mut metrics) = (snapshot(KINDS), empty());
    let context = Context::new(Some(USER), &ATTRIBUTES).bind(&snapshot);
    bencher
        .bench_local(|| metrics.decision(black_box(PackedDecision::from_bits(1 << 32 | 5 << 48)), black_box(&context)));
}

#[divan::bench(sample_size = 1000)]
fn count_one_outcome(bencher: Bencher<'_, '_>) {
    let mut metrics = empty();
    bencher.bench_local(|| {
        let sample = sample(black_box(true));
        metrics.outcome(black_box(Arm::Treatment), &sample, black_box(12.5));
        metrics.add_evidence(black_box(Arm::Treatment), &sample);
    });
}

#[divan::bench(sample_size = 4096)]
fn count_outcomes_of_any_duration(bencher: Bencher<'_, '_>) {
    let mut metrics = empty();
    let durations: Vec<f64> =
        (0..4096).map(|event| f64::from(u16::try_from(mix(event) >> 50).expect("14 bits"))).collect();
    let mut next = durations.iter().copied().cycle();
    bencher.bench_local(|| {
        let sample = sample(black_box(false));
        metrics.outcome(black_box(Arm::Control), &sample, next.next().unwrap_or(0.0));
        metrics.add_evidence(black_box(Arm::Control), &sample);
    });
}

#[divan::bench(sample_size = 100)]
fn estimate(bencher: Bencher<'_, '_>) {
    let mut distinct = Distinct::new();
    (0..100_000).for_each(|user| distinct.insert(mix(user)));
    bencher.bench_local(|| black_box(&distinct).estimate());
}

#[divan::bench(sample_size = 100)]
fn three_quantiles(bencher: Bencher<'_, '_>) {
    let mut histogram = Histogram::new();
    for value in 0..100_000 {
        histogram.record(f64::from(value));
    }
    bencher.bench_local(|| black_box(&histogram).quantiles([0.5, 0.95, 0.99]));
}

#[divan::bench(sample_size = 100)]
fn summary_of_a_million_events(bencher: Bencher<'_, '_>) {
    let metrics = a_million_events();
    bencher.bench_local(|| black_box(&metrics).summary());
}

#[divan::bench(sample_size = 100)]
fn merge_two_flags(bencher: Bencher<'_, '_>) {
    let (metrics, mut sum) = (a_million_events(), empty());
    bencher.bench_local(|| sum.merge(black_box(&metrics)));
}

/// A batch of so many flags with twenty decisions and as many outcomes each.
fn batch_of(flags: u32) -> Vec<u8> {
    let (snapshot, users, mut bytes) = (snapshot(KINDS), users(), Vec::new());
    let contexts = bound(&snapshot, &users);
    let mut writer = Writer::new(Header::default(), |written: &[u8]| bytes.extend_from_slice(written));
    for flag in 0..flags {
        let mut metrics = empty();
        for (event, context) in (0_u32..20).zip(&contexts) {
            metrics.decision(PackedDecision::from_bits(u64::from(event % 3) << 32 | 5 << 48), context);
            metrics.outcome(Arm::Treatment, &sample(event == 0), f64::from(flag % 100 + event));
            metrics.add_evidence(Arm::Treatment, &sample(event == 0));
        }
        writer.flag(&format!("team-12.feature-{flag:05}"), name, &metrics);
    }
    writer.finish();
    bytes
}

const VARIANTS: [&str; 3] = ["control", "fresh", "other"];

fn name(variant: u16) -> Option<&'static str> {
    VARIANTS.get(usize::from(variant)).copied()
}

fn index(name: &str) -> Option<u16> {
    (0..).zip(VARIANTS).find(|(_, variant)| *variant == name).map(|(index, _)| index)
}

#[divan::bench]
fn merge_a_batch_of_1000_flags(bencher: Bencher<'_, '_>) {
    let bytes = batch_of(1000);
    let mut sums = vec![empty(); 1000];
    bencher.bench_local(|| {
        let batch = Batch::from_bytes(black_box(&bytes)).expect("a batch of our own");
        for (flag, sum) in batch.flags().zip(&mut sums) {
            flag.merge_into(sum, index);
        }
    });
}

#[divan::bench]
fn write_a_batch_of_1000_flags(bencher: Bencher<'_, '_>) {
    let bytes = batch_of(1000);
    let mut all = vec![empty(); 1000];
    for (flag, metrics) in Batch::from_bytes(&bytes).expect("a batch of our own").flags().zip(&mut all) {
        flag.merge_into(metrics, index);
    }
    let mut out = Vec::with_capacity(bytes.len());
    bencher.bench_local(|| {
        out.clear();
        let mut writer = Writer::new(Header::default(), |written: &[u8]| out.extend_from_slice(written));
        for metrics in &all {
            writer.flag("team-12.feature-00532", name, metrics);
        }
        writer.finish();
    });
}
