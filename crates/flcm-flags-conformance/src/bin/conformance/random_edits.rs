//! `conformance random-edits`: edits of random texts against the same edits of their values.

use std::error::Error;
use std::time::Instant;

use flcm_flags_conformance::edits;

/// Edit random texts until one edit does something else or enough were tried
#[derive(Debug, clap::Args)]
#[command(
    after_help = "To look at a fault again, give its seed and `--edits 1`. Text n is made from seed + n. Exit code \
                        1 when an edit does something else than the same edit of the value."
)]
pub(crate) struct Options {
    /// At least so many
    #[arg(long, default_value_t = 1_000_000)]
    edits: u64,
    /// What texts and edits are made from; by default the clock says
    #[arg(long)]
    seed: Option<u64>,
}

/// Whether all did what they should.
pub(crate) fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let seed = options.seed.map_or_else(crate::random_parity::from_clock, Ok)?;
    println!("seed {seed}");
    let start = Instant::now();
    match edits::compare(seed, options.edits) {
        Ok(tally) => {
            println!("{tally}0 were wrong; {:.1} seconds", start.elapsed().as_secs_f64());
            Ok(true)
        }
        Err(fault) => {
            eprintln!("{fault}");
            Ok(false)
        }
    }
}
