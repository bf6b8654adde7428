//! Times of deciding, loading and compiling: `just bench core`. Compare the column `fastest`; machines are noisy.

mod workload;

use divan::{Bencher, black_box};
use flcm_flags::{BoundContext, Context, ErrorCode, Millis, PackedDecision, Snapshot, Trips, evaluate, evaluate_all};
use flcm_flags_config::{check, compile};
use workload::{ATTRIBUTES, KINDS, USER, listed, mixed, snapshot};

fn main() {
    divan::main();
}

fn bound<'a>(snapshot: &Snapshot<Vec<u8>>) -> BoundContext<'a> {
    Context::new(Some(USER), &ATTRIBUTES).bind(snapshot)
}

// Samples of a thousand: a single call is shorter than the timer is precise.
#[divan::bench(sample_size = 1000, args = ["percentage", "targeted", "dependent", "pattern", "version"])]
fn decide(bencher: Bencher<'_, '_>, flag: &str) {
    let snapshot = snapshot(KINDS);
    let (flag, context) = (snapshot.flag(flag).expect("a flag of the workload"), bound(&snapshot));
    bencher.bench_local(|| evaluate(&snapshot, &Trips::NONE, black_box(flag), &context, Millis(0)));
}

#[divan::bench(sample_size = 1000)]
fn decide_and_read_variant(bencher: Bencher<'_, '_>) {
    let snapshot = snapshot(KINDS);
    let (flag, context) = (snapshot.flag("targeted").expect("a flag of the workload"), bound(&snapshot));
    bencher.bench_local(|| {
        evaluate(&snapshot, &Trips::NONE, black_box(flag), &context, Millis(0)).variant().map(str::len)
    });
}

#[divan::bench(sample_size = 20)]
fn decide_all_of_1000(bencher: Bencher<'_, '_>) {
    let snapshot = snapshot(&mixed(1000));
    let context = bound(&snapshot);
    let mut out = vec![PackedDecision::error(ErrorCode::FlagNotFound); 1000];
    bencher.bench_local(|| evaluate_all(&snapshot, &Trips::NONE, black_box(&context), Millis(0), &mut out).len());
}

#[divan::bench(sample_size = 1000)]
fn cohort_of_a_million(bencher: Bencher<'_, '_>) {
    let snapshot = snapshot(&listed(1_000_000));
    let flag = snapshot.flag("listed").expect("a flag of the workload");
    let users: Vec<String> = (0..4096).map(|user| format!("user-{}", user * 241)).collect();
    let contexts: Vec<_> = users.iter().map(|user| Context::new(Some(user), &[]).bind(&snapshot)).collect();
    let mut next = contexts.iter().cycle();
    bencher.bench_local(|| evaluate(&snapshot, &Trips::NONE, flag, next.next().unwrap_or(&contexts[0]), Millis(0)));
}

#[divan::bench(sample_size = 1000)]
fn bind_5_attributes(bencher: Bencher<'_, '_>) {
    let snapshot = snapshot(KINDS);
    let context = Context::new(Some(USER), &ATTRIBUTES);
    bencher.bench_local(|| black_box(context).bind(&snapshot));
}

#[divan::bench(sample_size = 1000)]
fn look_up_a_flag(bencher: Bencher<'_, '_>) {
    let snapshot = snapshot(&mixed(1000));
    bencher.bench_local(|| snapshot.flag(black_box("team-12.feature-00532")));
}

#[divan::bench]
fn load_10000_flags(bencher: Bencher<'_, '_>) {
    let snapshot = snapshot(&mixed(10_000));
    bencher.bench_local(|| Snapshot::from_bytes(black_box(snapshot.as_bytes())).map(|snapshot| snapshot.digest()));
}

#[divan::bench]
fn compile_10000_flags(bencher: Bencher<'_, '_>) {
    let text = mixed(10_000);
    let config = check(&text).0.expect("a valid workload");
    bencher.bench_local(|| compile(black_box(&config)));
}

#[divan::bench]
fn check_10000_flags(bencher: Bencher<'_, '_>) {
    let text = mixed(10_000);
    bencher.bench_local(|| check(black_box(&text)));
}
