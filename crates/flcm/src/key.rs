//! `flcm key`: creates an API key for `flcm serve`.

use std::io::Write;

use flcm_flags_server::{Role, mint};

use crate::failure::Failure;
use crate::style;

/// Create an API key for `flcm serve --keys`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The key is printed once and is not stored. Add the line below it to the key file, a JSON list. The line contains only \
a hash of the key. With \"limit\": 100 in its line, a key may make 100 requests a second; \
a client key so many from each network. SIGHUP has a running server read the file again.

A `client` key reads snapshots and sends metrics. Web pages contain it, so it is not a secret. A `server` key also \
requests decisions and reads metrics. An `admin` key also publishes documents and holds flags.")]
pub(crate) struct Options {
    /// The owner of the key, as the audit log names it
    name: String,
    /// What the key may do: client, server or admin
    #[arg(long)]
    role: Role,
    /// When the key ends to be valid, such as 2027-01-01T00:00:00Z; without it, never
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let made = mint(&options.name, options.role, options.expires.as_deref());
    let (key, line) = made.map_err(|what| Failure::new(what, "`flcm key --help` describes both"))?;
    style::note(&"the key, shown only here:");
    writeln!(std::io::stdout(), "{key}")?;
    style::note(&"its line for the key file:");
    writeln!(std::io::stdout(), "{line}")?;
    Ok(true)
}
