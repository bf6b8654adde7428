//! `flcm key`: a new key for `flcm serve`.

use std::io::Write;

use flcm_flags_server::{Role, mint};

use crate::failure::Failure;
use crate::style;

/// Make a key for `flcm serve --keys`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The key is printed once and kept nowhere. The line below it goes into the file of keys, a JSON list; it holds only a hash. \
\"limit\": 100 in a line lets that key ask 100 times a second.

A `client` reads snapshots and sends metrics: pages have it, so it is no secret. A `server` also asks for decisions and reads \
metrics. An `admin` also publishes documents and holds flags.")]
pub(crate) struct Options {
    /// Whose key it is: stands in the audit
    name: String,
    /// What it is good for: client, server or admin
    #[arg(long)]
    role: Role,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let (key, line) = mint(&options.name, options.role);
    style::note(&"the key, shown only here:");
    writeln!(std::io::stdout(), "{key}")?;
    style::note(&"for the file of keys:");
    writeln!(std::io::stdout(), "{line}")?;
    Ok(true)
}
