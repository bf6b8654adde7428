//! `flcm init`: writes a first document.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use crate::failure::Failure;
use crate::{source, style};

/// The document. Tests check it.
const DOCUMENT: &str = include_str!("init/feature-flags.yaml");

/// Write a first document, with comments
#[derive(Debug, clap::Args)]
#[command(after_help = "A file that is there already is left as it is.")]
pub(crate) struct Options {
    /// Where to write it
    #[arg(value_name = "FILE", default_value = "feature-flags.yaml")]
    file: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let name = source::display(&options.file);
    let opened = OpenOptions::new().write(true).create_new(true).open(&options.file);
    let mut file = opened.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::new(format!("{name} exists"), "name another file, or edit this one"),
        _ => Failure::file("write", &name, &error),
    })?;
    file.write_all(DOCUMENT.as_bytes()).map_err(|error| Failure::file("write", &name, &error))?;
    style::note(&format!("wrote {name}; `flcm check {name}` checks it, `flcm serve {name}` serves it"));
    Ok(true)
}
