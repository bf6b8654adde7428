//! `flcm key`: creates an API key for `flcm serve`; `flcm key sign` one that signs snapshots, whose pin `flcm key pin`
//! prints.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flcm_flags_server::{Role, SigningKey, mint, mint_signing_key};

use crate::failure::Failure;
use crate::{source, style};

/// Create an API key for `flcm serve --keys`
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
The key is printed once and is not stored. Add the line below it to the key file, a JSON list. The line contains only \
a hash of the key. With \"limit\": 100 in its line, a key may make 100 requests a second; \
a client key so many from each network. SIGHUP has a running server read the file again.

A `client` key reads snapshots and sends metrics. Web pages contain it, so it is not a secret. A `server` key also \
requests decisions and reads metrics. The others are for people, each with the rights of the one before: `viewer` reads \
everything, `operator` holds flags, `publisher` publishes documents, `admin` may do everything."
)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    /// The owner of the key, as the audit log names it
    #[arg(required = true)]
    name: Option<String>,
    /// What the key may do: client, server, viewer, operator, publisher or admin
    #[arg(long, required = true)]
    role: Option<Role>,
    /// When the key ends to be valid, such as 2027-01-01T00:00:00Z; without it, never
    #[arg(long, value_name = "TIME")]
    expires: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print the pin of a key that signs snapshots
    #[command(after_help = "The pin is the public key, for the option `trust` of hosts. It is no secret.")]
    Pin {
        /// The private key: PKCS#8 with Ed25519, as PEM or DER
        file: PathBuf,
    },
    /// Create an Ed25519 key that signs snapshots
    #[command(after_help = "\
The file is a private key in PKCS#8, as PEM, which `openssl pkey -in NAME.pem` reads as well. Only its owner may read \
it. The pin is printed: hosts that have it in their option `trust` take only snapshots that this key has signed.")]
    Sign {
        /// The name of the key: it is written to NAME.pem
        #[arg(value_name = "NAME", required_unless_present = "output")]
        name: Option<PathBuf>,
        /// Write the key to this file instead
        #[arg(short, long, value_name = "FILE", conflicts_with = "name")]
        output: Option<PathBuf>,
    },
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    match options {
        Options { command: Some(Command::Pin { file }), .. } => print_pin(file)?,
        Options { command: Some(Command::Sign { name, output }), .. } => {
            let named = name.as_ref().map(|name| name.with_added_extension("pem"));
            // One of both is required.
            create_signing_key(&output.clone().or(named).unwrap_or_default())?;
        }
        Options { name: Some(name), role: Some(role), expires, .. } => {
            create_api_key(name, *role, expires.as_deref())?;
        }
        // Both are required unless there is a command.
        Options { .. } => {}
    }
    Ok(true)
}

fn create_api_key(name: &str, role: Role, expires: Option<&str>) -> Result<(), Failure> {
    let made = mint(name, role, expires);
    let (key, line) = made.map_err(|what| Failure::new(what, "`flcm key --help` describes both"))?;
    style::note(&"the key, shown only here:");
    writeln!(io::stdout(), "{key}")?;
    style::note(&"its line for the key file:");
    writeln!(io::stdout(), "{line}")?;
    Ok(())
}

fn create_signing_key(path: &Path) -> Result<(), Failure> {
    let shown = source::display(path);
    let (key, pem) = mint_signing_key().map_err(|error| Failure::new(error, "try again"))?;
    write_secret(path, pem.as_bytes()).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::new(
            format!("{shown} is there already"),
            "choose another name: a key that is lost is not to be had again",
        ),
        _ => Failure::file("write", &shown, &error),
    })?;
    style::note(&format!("{shown}: keep it secret. The pin, for the option `trust` of hosts:"));
    writeln!(io::stdout(), "{}", key.pin())?;
    Ok(())
}

fn print_pin(file: &Path) -> Result<(), Failure> {
    let key = SigningKey::from_pkcs8(&source::read(file)?).map_err(|error| {
        let what = format!("{}: {error}", source::display(file));
        Failure::new(what, "name the private key that `flcm key sign NAME` has written")
    })?;
    writeln!(io::stdout(), "{}", key.pin())?;
    Ok(())
}

/// Writes a file that was not there, which nobody but its owner may read.
fn write_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
