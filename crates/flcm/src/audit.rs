//! `flcm audit`: checks the audit of a server.

use std::io::Write;
use std::path::PathBuf;

use flcm_flags_server::{AuditCheck, StartError, verify_audit};

use crate::failure::Failure;

/// Check the audit of a server
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Verify(VerifyOptions),
}

/// Check that no row of the audit was changed or removed
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Each row has the SHA-256 of the row before it, so a change breaks the chain. Whoever can write to the database can \
also compute a new chain, or remove the newest rows. The hash of the newest row is the head; `flcm serve` logs it at \
each start and at its end. With a head from a log that is kept elsewhere, such a change is found as well.")]
struct VerifyOptions {
    /// The database of `flcm serve`
    #[arg(value_name = "DB")]
    database: PathBuf,
    /// The head that a log names: the row with this hash must be there
    #[arg(long, value_name = "HASH")]
    head: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let Command::Verify(VerifyOptions { database, head }) = &options.command;
    let check = verify_audit(database, head.as_deref()).map_err(|error| match error {
        StartError::Other(what, help) => Failure::new(what, help),
        error @ StartError::Refused(_) => Failure::new(error.to_string(), "name the database of `flcm serve`"),
    })?;
    match &check {
        AuditCheck::Whole { .. } => writeln!(std::io::stdout(), "{check}")?,
        AuditCheck::Broken { .. } => {
            let help = "restore a backup of before, and compare: `flcm audit verify` tells which rows agree";
            return Err(Failure::new(format!("the audit is broken: {check}"), help));
        }
    }
    Ok(true)
}
