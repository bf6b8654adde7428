//! `flcm sign`: compiles a document, and signs the snapshot for hosts that have pinned the key.

use std::path::PathBuf;

use flcm_flags::snapshot::wire;
use flcm_flags::{Millis, Snapshot};
use flcm_flags_config::explain::text::rfc3339;
use flcm_flags_config::{compile, limits};
use flcm_flags_server::command_line::parse_validity;
use flcm_flags_server::{SignedSnapshot, SignerOptions, StartError, revision_at};

use crate::compile::{accept, keep_others, write};
use crate::failure::Failure;
use crate::source;
use crate::style::{self, GOOD};

/// Compile a document and sign the snapshot
#[derive(Debug, clap::Args)]
#[command(after_help = "\
FILE is the snapshot, and FILE.sig beside it has the signature. `flcm serve FILE` serves both as they are; so does any \
web server. A snapshot in place of DOC is signed again as it is, for a new expiry.

Hosts take a snapshot only if its revision is not lower than the one before. Without --revision it is the document's \
own, and in a document without one the seconds since 2026. A higher --epoch begins anew with any revision.")]
pub(crate) struct Options {
    /// The document, YAML or JSON; or a snapshot, which stays as it is
    #[arg(value_name = "DOC|SNAPSHOT")]
    document: PathBuf,
    /// The key, as `flcm key sign` has written it; twice while one key replaces the other
    #[arg(long = "key", value_name = "FILE", required = true)]
    keys: Vec<PathBuf>,
    /// For whom it is signed, such as `prod`: hosts name the same
    #[arg(long, value_name = "NAME")]
    audience: String,
    /// A higher epoch begins anew with any revision
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    epoch: u32,
    /// How long the signature holds, such as `30d` or `12h`
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = parse_validity)]
    valid: Millis,
    /// The revision of the snapshot
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..=limits::REVISION))]
    revision: Option<u64>,
    /// Write the snapshot to this file
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let Options { keys, audience, epoch, valid, output, .. } = options;
    let signer = SignerOptions { keys: keys.clone(), audience: audience.clone(), epoch: *epoch, valid: *valid };
    let signer = signer.read().map_err(|error| match error {
        StartError::Other(what, help) => Failure::new(what, help),
        StartError::Refused(_) => Failure::Reported,
    })?;
    keep_others(output)?;
    let now = crate::now_or(None);
    let bytes = snapshot(options, now)?;
    let name = source::display(&options.document);
    let snapshot = Snapshot::from_bytes(&bytes[..])
        .map_err(|error| Failure::new(format!("{name}: {error}"), "compile the document again"))?;
    let statements = signer.sign(&bytes, snapshot.revision(), now);
    // In this order: a server that finds only the first one new waits for the other.
    write(output, &bytes)?;
    write(&SignedSnapshot::beside(output), format!("{statements}\n").as_bytes())?;
    let (target, revision) = (source::display(output), snapshot.revision());
    let expires = rfc3339(signer.expires(now).0);
    style::note(&format!(
        "{GOOD}{target}{GOOD:#}: revision {revision}, signed for {audience} in epoch {epoch} until {expires}"
    ));
    Ok(true)
}

/// The snapshot to be signed.
fn snapshot(options: &Options, now: Millis) -> Result<Vec<u8>, Failure> {
    let bytes = source::read(&options.document)?;
    if bytes.starts_with(&wire::MAGIC) {
        return match options.revision {
            None => Ok(bytes),
            Some(_) => Err(Failure::new("a snapshot has its revision already", "name the document to change it")),
        };
    }
    let name = source::display(&options.document);
    let mut config = accept(&options.document, &source::text(&name, bytes)?)?;
    let own = (config.revision > 0).then_some(config.revision);
    config.revision = options.revision.or(own).unwrap_or_else(|| revision_at(now));
    Ok(compile(&config))
}
