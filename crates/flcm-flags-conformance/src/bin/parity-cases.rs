//! Writes generated cases for the suite under `tests/parity`, which asks the doors in JavaScript the same.
//!
//! `cargo run --release -p flcm-flags-conformance --bin parity-cases -- --out FILE [--decisions 100000] [--seed 0]`
//!
//! The same seed makes the same file. See [`flcm_flags_conformance::cases`] for the format.

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use flcm_flags_conformance::cases;
use flcm_flags_conformance::parity::Tally;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let Ok((path, decisions, seed)) = arguments() else {
        eprintln!("usage: parity-cases --out FILE [--decisions 100000] [--seed 0]");
        return Ok(ExitCode::from(2));
    };
    let mut tally = Tally::default();
    let mut out = BufWriter::new(File::create(&path)?);
    while tally.decisions < decisions {
        match cases::generate(seed.wrapping_add(tally.documents), &mut tally) {
            Ok(made) => serde_json::to_writer(&mut out, &made)?,
            Err(disagreement) => {
                eprintln!("{disagreement}");
                return Ok(ExitCode::FAILURE);
            }
        }
        out.write_all(b"\n")?;
    }
    out.flush()?;
    println!("{}: {} documents, {} decisions", path.display(), tally.documents, tally.decisions);
    Ok(ExitCode::SUCCESS)
}

/// File, decisions and seed.
fn arguments() -> Result<(PathBuf, u64, u64), Box<dyn Error>> {
    let (mut path, mut decisions, mut seed) = (None, 100_000, 0);
    let mut arguments = std::env::args_os().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or("a value is missing")?;
        let number = || value.to_str().ok_or("no number")?.parse::<u64>().map_err(Box::<dyn Error>::from);
        match name.to_str() {
            Some("--decisions") => decisions = number()?,
            Some("--out") => path = Some(PathBuf::from(&value)),
            Some("--seed") => seed = number()?,
            _ => return Err("unknown argument".into()),
        }
    }
    Ok((path.ok_or("where to?")?, decisions, seed))
}
