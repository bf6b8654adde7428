//! The server by itself: what `flcm serve` does, without the rest of the command line. Tests of the server run it.

use std::process::ExitCode;

use clap::Parser;
use flcm_flags_server::command_line::ServeArgs;
use flcm_flags_server::{Dashboard, StartError};

/// Serve flags to hosts, collect their metrics, roll back for all of them
#[derive(Debug, Parser)]
#[command(name = "flcm-flags-server", version)]
struct Program {
    #[command(flatten)]
    serve: ServeArgs,
}

fn main() -> ExitCode {
    let serve = Program::parse().serve;
    let document = serve.document().map(|path| path.display().to_string()).unwrap_or_default();
    match serve.run(false, Dashboard::Embedded(|_| None), |address| eprintln!("listening on {address}")) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            if let StartError::Refused(diagnostics) = &error {
                diagnostics.iter().for_each(|problem| eprintln!("{document}:{problem}"));
            }
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
