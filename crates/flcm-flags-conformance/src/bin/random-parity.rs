//! Compares the core with the oracle over random documents and contexts, until they disagree or enough was compared.
//!
//! `cargo run --release -p flcm-flags-conformance --bin random-parity -- --decisions 1000000 [--seed N]`
//!
//! To look at a disagreement again, give its seed and `--decisions 1`. Document *n* is made from `seed + n`, so runs whose
//! seeds lie near each other look at the same documents: for independent runs, leave the seed to the clock.

use std::process::ExitCode;
use std::time::{Instant, SystemTime};

use flcm_flags_conformance::parity;

fn main() -> ExitCode {
    let Ok((decisions, seed)) = arguments() else {
        eprintln!("usage: random-parity [--decisions 1000000] [--seed N]");
        return ExitCode::from(2);
    };
    println!("seed {seed}");
    let start = Instant::now();
    match parity::compare(seed, decisions) {
        Ok(tally) => {
            let seconds = start.elapsed().as_secs_f64();
            println!("{tally}no disagreement; {seconds:.1} seconds");
            ExitCode::SUCCESS
        }
        Err(disagreement) => {
            eprintln!("{disagreement}");
            ExitCode::FAILURE
        }
    }
}

/// Decisions and seed; without one a seed from the clock.
fn arguments() -> Result<(u64, u64), Box<dyn std::error::Error>> {
    let mut decisions = 1_000_000;
    let mut seed = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or("a value is missing")?.parse()?;
        match name.as_str() {
            "--decisions" => decisions = value,
            "--seed" => seed = Some(value),
            _ => return Err("unknown argument".into()),
        }
    }
    let from_clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_nanos();
    // The lower half changes fastest, and that is what keeps runs apart.
    let from_clock = u64::try_from(from_clock & u128::from(u64::MAX))?;
    Ok((decisions, seed.unwrap_or(from_clock)))
}
