//! What is done with the conformance suite beside testing: `cargo run -p flcm-flags-conformance -- COMMAND`.

mod false_alarms;
mod parity_cases;
mod random_edits;
mod random_parity;
mod regenerate_vectors;

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Compares the core with the oracle, and makes what other tests are run with
#[derive(Debug, Parser)]
#[command(after_help = "Exit codes: 0 all is well; 1 something is not; 2 wrong usage.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    FalseAlarms(false_alarms::Options),
    ParityCases(parity_cases::Options),
    RandomEdits(random_edits::Options),
    RandomParity(random_parity::Options),
    /// Fill in what vectors lack: answers, problems, bytes
    #[command(after_help = "What is there stays: vectors are only added. Read each answer: the oracle may be wrong.")]
    RegenerateVectors,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let done = match Arguments::parse().command {
        Command::FalseAlarms(options) => false_alarms::run(&options),
        Command::ParityCases(options) => parity_cases::run(&options)?,
        Command::RandomEdits(options) => random_edits::run(&options)?,
        Command::RandomParity(options) => random_parity::run(&options)?,
        Command::RegenerateVectors => {
            regenerate_vectors::run();
            true
        }
    };
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Arguments::command().debug_assert();
    }
}
