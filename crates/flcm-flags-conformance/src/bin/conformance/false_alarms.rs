//! `conformance false-alarms`: many simulated days of healthy flags, looked at every second, beside two plain rules.

use std::panic::resume_unwind;

use flcm_flags::breaker::{Plan, Scope};
use flcm_flags::{Detector, Policy};
use flcm_flags_config::simulate::{Course, Delays, Source, Traffic, interval};

/// Rates of treatment and control, all of which are to be tolerated, and why.
const HEALTHY: [(f64, f64, &str); 5] = [
    (0.001, 0.001, "both arms fail in 0.1 %"),
    (0.01, 0.01, "both arms fail in 1 %"),
    (0.0135, 0.01, "on the edge of ratio and margin: 1.35 % against 1 %"),
    (0.04, 0.04, "both arms fail in 4 %"),
    (0.05, 0.05, "on the edge of the threshold: both arms fail in 5 %"),
];

const REQUESTS: [f64; 4] = [1.0, 10.0, 100.0, 1000.0];

const DAY: u64 = 86_400;

/// Count how often healthy flags are rolled back
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code 1 when the evidence rolls back so often that the whole confidence interval lies above the \
                  promised budget."
)]
pub(crate) struct Options {
    /// Days of each row and traffic for the evidence; the plain rules get a tenth
    #[arg(long, default_value_t = 1_000)]
    days: u64,
    /// What the days are made from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Whether the promised budget may hold.
pub(crate) fn run(&Options { days, seed }: &Options) -> bool {
    let evidence = Policy::DEFAULT;
    let plain = |min_samples| Policy { detector: Detector::Rate, min_samples, ..evidence };
    let rules = [
        ("evidence", evidence, days),
        ("more than 5 % in 300 s, from 11 outcomes", plain(11), days.div_ceil(10)),
        ("more than 5 % in 300 s, from 100 outcomes", plain(100), days.div_ceil(10)),
    ];
    println!("healthy days that were rolled back, of 10 % rollouts looked at every second (95 % interval)\n");
    println!("| rule | flag | 1 request/s | 10 | 100 | 1000 |\n|---|---|---|---|---|---|");
    let mut all = (0, 0);
    for (name, policy, days) in rules {
        for (treatment, control, what) in HEALTHY {
            let cells = REQUESTS.map(|requests| falsely(&policy, (treatment, control, requests), days, seed));
            let shown = cells.map(|hits| show(hits, days));
            println!("| {name} | {what} | {} |", shown.join(" | "));
            if policy == evidence {
                all = (all.0 + cells.iter().sum::<u64>(), all.1 + days * cells.len() as u64);
            }
        }
    }
    println!("\nevidence, in all: {} days, promised at most {} %", show(all.0, all.1), evidence.budget * 100.0);
    interval(all.0, all.1).0 <= evidence.budget
}

/// Healthy days that were rolled back. Each processor gets a part of the days.
fn falsely(policy: &Policy, (treatment, control, requests): (f64, f64, f64), days: u64, seed: u64) -> u64 {
    let source = Source::new(&Traffic { requests, share: 0.1, treatment, control });
    let (course, plan) = (&Course::healthy(source, DAY), &Plan::new(policy, Scope::Fleet));
    let parts = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    std::thread::scope(|scope| {
        let range = |part: u64| (days * part / parts)..(days * (part + 1) / parts);
        let count = |days| scope.spawn(move || Delays::of(course.runs(plan, seed, days)).falsely);
        let workers: Vec<_> = (0..parts).map(|part| count(range(part))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic))).sum()
    })
}

fn show(hits: u64, days: u64) -> String {
    let (low, high) = interval(hits, days);
    format!("{hits} of {days} ({:.3} to {:.3} %)", low * 100.0, high * 100.0)
}
