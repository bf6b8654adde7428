//! `flcm compile`: compiles a document into a snapshot.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flcm_flags::Snapshot;
use flcm_flags::snapshot::wire;
use flcm_flags_config::{Config, compile};

use crate::failure::Failure;
use crate::style::{self, GOOD, count, plural};
use crate::{replace, source};

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
    keep_others(&options.output)?;
    let name = source::display(&options.document);
    let bytes = compile(&accept(&options.document, &source::read_document(&options.document)?)?);
    let snapshot = Snapshot::from_bytes(&bytes[..])
        .map_err(|error| Failure::new(format!("{name}: {error}"), "report this as a bug, with the document"))?;
    let target = source::display(&options.output);
    write(&options.output, &bytes)?;
    let (length, flags) = (count(bytes.len() as u64), plural(snapshot.flags().len() as u64, "flag", "flags"));
    let (digest, revision) = (snapshot.digest(), snapshot.revision());
    style::note(&format!("{GOOD}{target}{GOOD:#}: {flags}, {length} bytes, digest {digest:016x}, revision {revision}"));
    Ok(true)
}

/// Checks a document, and shows its warnings.
pub(crate) fn accept(path: &Path, text: &str) -> Result<Config, Failure> {
    source::accept(path, text, |warnings| {
        if !warnings.is_empty() {
            style::note(&source::render(warnings, &source::display(path), text, style::is_error_coloured()));
        }
    })
}

/// Writes a file as a whole, or not at all.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    replace::file(path, bytes).map_err(|error| not_written(path, &error))
}

/// A file that is no snapshot was probably named by mistake.
pub(crate) fn keep_others(path: &Path) -> Result<(), Failure> {
    let mut head = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(wire::MAGIC.len() as u64).read_to_end(&mut head));
    if read.is_err() || head.is_empty() || head == wire::MAGIC {
        return Ok(());
    }
    let what = format!("{} is no snapshot, and would be lost", source::display(path));
    Err(Failure::new(what, "name another file for the snapshot, or remove this one first"))
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    let target = source::display(path);
    match path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.exists()) {
        Some(folder) => {
            let help = format!("make the folder `{}` first", source::display(folder));
            Failure::new(format!("cannot write {target}: no such file or directory"), help)
        }
        None => Failure::file("write", &target, error),
    }
}
