//! Many short batches, and the minimum and the median of what they took: lib/measure.js.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::workload::USERS;
use crate::Args;

const BATCH: Duration = Duration::from_millis(1);

pub struct Times {
    pub least: f64,
    pub median: f64,
    pub batches: usize,
}

/// Nanoseconds a call of `ask(i)`, for i in rotation below the number of users.
pub fn measure(args: &Args, ask: impl Fn(usize) -> usize) -> Times {
    let (mut user, mut sink) = (0, 0_usize);
    let mut run = |calls: u32| {
        let start = Instant::now();
        for _ in 0..calls {
            sink = sink.wrapping_add(ask(black_box(user)));
            user = if user + 1 == USERS { 0 } else { user + 1 };
        }
        start.elapsed()
    };
    let calls = calibrated(&mut run, args.warm);
    let mut samples = Vec::new();
    let start = Instant::now();
    while start.elapsed() < args.sample || samples.len() < 30 {
        samples.push(run(calls).as_nanos() as f64 / f64::from(calls));
    }
    black_box(sink);
    samples.sort_by(f64::total_cmp);
    Times { least: samples[0], median: samples[samples.len() / 2], batches: samples.len() }
}

/// Warms up, and finds out how many calls make a batch.
fn calibrated(run: &mut impl FnMut(u32) -> Duration, warm: Duration) -> u32 {
    let mut calls = 16;
    let start = Instant::now();
    while start.elapsed() < warm {
        let took = run(calls);
        if took < BATCH / 2 {
            calls = (calls * 2).min(1 << 20);
        } else if took > BATCH * 2 && calls > 4 {
            calls /= 2;
        }
    }
    calls
}
