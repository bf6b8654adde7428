//! `flcm compile`: compiles a document into a snapshot.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flcm_flags::Snapshot;
use flcm_flags_config::compile;

use crate::failure::Failure;
use crate::source;
use crate::style::{self, GOOD, count, plural};

/// Compile a document into a snapshot
#[derive(Debug, clap::Args)]
#[command(after_help = "FILE is replaced only when the whole snapshot is written. If the document has errors, or the \
                        disk is full, FILE stays as it is.")]
pub(crate) struct Options {
    /// The document, YAML or JSON
    #[arg(value_name = "DOC")]
    document: PathBuf,
    /// Write the snapshot to this file
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let name = source::display(&options.document);
    let text = source::read_document(&options.document)?;
    let config = source::accept(&name, &text, |warnings| {
        if !warnings.is_empty() {
            style::note(&source::render(warnings, &name, &text, style::is_error_coloured()));
        }
    })?;
    let bytes = compile(&config);
    let snapshot = Snapshot::from_bytes(&bytes[..])
        .map_err(|error| Failure::new(format!("{name}: {error}"), "report this as a bug, with the document"))?;
    let target = source::display(&options.output);
    write_whole(&options.output, &bytes).map_err(|error| Failure::file("write", &target, &error))?;
    let (length, flags) = (count(bytes.len() as u64), plural(snapshot.flags().len() as u64, "flag", "flags"));
    let (digest, revision) = (snapshot.digest(), snapshot.revision());
    style::note(&format!("{GOOD}{target}{GOOD:#}: {flags}, {length} bytes, digest {digest:016x}, revision {revision}"));
    Ok(true)
}

/// Replaces a file at once: a reader sees the old bytes or the new ones, never a part.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?.to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let written = write_new(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    file.write_all(bytes)?;
    // Without this, a crash of the machine may leave an empty file under the new name.
    file.sync_all()
}
