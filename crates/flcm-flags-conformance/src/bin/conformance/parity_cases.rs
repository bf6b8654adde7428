//! `conformance parity-cases`: generated cases for `tests/parity`, which asks the engines in JavaScript the same.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use flcm_flags_conformance::cases;
use flcm_flags_conformance::parity::Tally;

/// Write decisions that the core and the oracle agree on, for the engines of JavaScript
#[derive(Debug, clap::Args)]
#[command(after_help = "The same seed makes the same file. Exit code 1 when the two disagree.")]
pub(crate) struct Options {
    /// Where to: a JSON object a line, a document each
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// At least so many
    #[arg(long, default_value_t = 100_000)]
    decisions: u64,
    /// What documents and contexts are made from
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Whether the core and the oracle agree. See [`cases`] for the format.
pub(crate) fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let mut tally = Tally::default();
    let mut out = BufWriter::new(File::create(&options.out)?);
    while tally.decisions < options.decisions {
        match cases::generate(options.seed.wrapping_add(tally.documents), &mut tally) {
            Ok(made) => serde_json::to_writer(&mut out, &made)?,
            Err(disagreement) => {
                eprintln!("{disagreement}");
                return Ok(false);
            }
        }
        out.write_all(b"\n")?;
    }
    out.flush()?;
    println!("{}: {} documents, {} decisions", options.out.display(), tally.documents, tally.decisions);
    Ok(true)
}
