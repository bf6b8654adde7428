//! `conformance random-parity`: the core against the oracle over random documents and contexts.

use std::error::Error;
use std::time::{Instant, SystemTime};

use flcm_flags_conformance::parity;

/// Compare the core with the oracle until they disagree or enough was compared
#[derive(Debug, clap::Args)]
#[command(
    after_help = "To look at a disagreement again, give its seed and `--decisions 1`. Document n is made from seed + n. \
                  Runs whose seeds lie near each other look at the same documents, so leave the seed to the clock for \
                  independent runs. Exit code 1 when the two disagree."
)]
pub(crate) struct Options {
    /// At least so many
    #[arg(long, default_value_t = 1_000_000)]
    decisions: u64,
    /// What documents and contexts are made from; by default the clock says
    #[arg(long)]
    seed: Option<u64>,
}

/// Whether they agree.
pub(crate) fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let seed = options.seed.map_or_else(from_clock, Ok)?;
    println!("seed {seed}");
    let start = Instant::now();
    match parity::compare(seed, options.decisions) {
        Ok(tally) => {
            let seconds = start.elapsed().as_secs_f64();
            println!("{tally}no disagreement; {seconds:.1} seconds");
            Ok(true)
        }
        Err(disagreement) => {
            eprintln!("{disagreement}");
            Ok(false)
        }
    }
}

pub(crate) fn from_clock() -> Result<u64, Box<dyn Error>> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_nanos();
    // The lower half changes fastest, and that is what keeps runs apart.
    Ok(u64::try_from(now & u128::from(u64::MAX))?)
}
