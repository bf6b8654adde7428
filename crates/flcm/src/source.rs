//! Reads documents and snapshots; the first bytes show which of them a file is.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flcm_flags::Snapshot;
use flcm_flags::snapshot::wire;
use flcm_flags_config::{CheckOptions, Config, Diagnostics, check_with, compile, limits};

use crate::failure::Failure;
use crate::style;

/// Flags that are ready to decide.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) snapshot: Snapshot<Vec<u8>>,
    /// The checked document, if the source was one.
    pub(crate) config: Option<Config>,
}

impl Source {
    /// Reads a document or a snapshot. The errors of a document are reported; `flcm check` reports its warnings.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        let name = display(path);
        let bytes = read(path)?;
        if bytes.starts_with(&wire::MAGIC) {
            return Self::of_snapshot(name, bytes, None);
        }
        let text = text(&name, bytes)?;
        let config = accept(path, &text, |_| {})?;
        let bytes = compile(&config);
        Self::of_snapshot(name, bytes, Some(config))
    }

    fn of_snapshot(name: String, bytes: Vec<u8>, config: Option<Config>) -> Result<Self, Failure> {
        match Snapshot::from_bytes(bytes) {
            Ok(snapshot) => Ok(Self { name, snapshot, config }),
            Err(error) => Err(Failure::new(format!("{name}: {error}"), "compile the document again")),
        }
    }
}

/// Checks a document. A file named `.json` must be JSON; schedules that are over are reported.
pub(crate) fn check_file(path: &Path, text: &str) -> (Option<Config>, Diagnostics) {
    check_with(text, CheckOptions { now: Some(crate::now_or(None)), hint_clients: true, ..CheckOptions::of_file(path) })
}

/// Checks a document. If it is rejected its problems are reported; otherwise `warned` gets the warnings. Hints are left
/// to `flcm check`.
pub(crate) fn accept(path: &Path, text: &str, warned: impl FnOnce(&Diagnostics)) -> Result<Config, Failure> {
    let (config, diagnostics) = check_file(path, text);
    let diagnostics = diagnostics.without_hints();
    let Some(config) = config else {
        return Err(refused(&diagnostics, &display(path), text));
    };
    warned(&diagnostics);
    Ok(config)
}

/// Reports why a document is rejected.
pub(crate) fn refused(diagnostics: &Diagnostics, name: &str, text: &str) -> Failure {
    style::note(&render(diagnostics, name, text, style::is_error_coloured()));
    let (errors, _) = diagnostics.counts();
    style::error(&format!("{name} is refused: {}", style::plural(errors as u64, "error", "errors")));
    Failure::Reported
}

/// The problems as text, with the lines that they are in. Very long documents and lines are not quoted.
pub(crate) fn render(diagnostics: &Diagnostics, name: &str, text: &str, colour: bool) -> String {
    const QUOTED_BYTES: usize = 4 << 20;
    const QUOTED_LINE: usize = 1_000;
    if text.len() <= QUOTED_BYTES && text.lines().all(|line| line.len() <= QUOTED_LINE) {
        return diagnostics.render(name, text, colour);
    }
    let lines: Vec<String> = diagnostics.iter().map(|diagnostic| format!("{name}:{diagnostic}")).collect();
    lines.join("\n")
}

/// A path, as messages show it.
pub(crate) fn display(path: &Path) -> String {
    if is_stdin(path) { "<stdin>".to_owned() } else { style::shown(&path.display().to_string()) }
}

pub(crate) fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Opens a file, or the standard input for `-`.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    if is_stdin(path) {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(path).map_err(|error| Failure::file("read", &display(path), &error))?;
    Ok(Box::new(file))
}

/// The bytes of a document or a snapshot; of a document at most one byte more than its limit.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut file = open(path)?;
    let mut bytes = Vec::new();
    let mut read =
        |limit: u64| file.by_ref().take(limit).read_to_end(&mut bytes).map(|_| bytes.starts_with(&wire::MAGIC));
    let is_snapshot = read(wire::MAGIC.len() as u64).map_err(|error| Failure::file("read", &display(path), &error))?;
    // The length of a snapshot is a 32-bit field of its header.
    let rest = if is_snapshot { u64::from(u32::MAX) } else { (limits::DOCUMENT_BYTES + 1 - wire::MAGIC.len()) as u64 };
    read(rest).map_err(|error| Failure::file("read", &display(path), &error))?;
    Ok(bytes)
}

/// The text of a document; at most one byte more than its limit is read.
pub(crate) fn read_document(path: &Path) -> Result<String, Failure> {
    let bytes = read(path)?;
    if bytes.starts_with(&wire::MAGIC) {
        let what = format!("{} is a snapshot, not a document", display(path));
        return Err(Failure::new(what, "name the document that it was compiled from"));
    }
    text(&display(path), bytes)
}

pub(crate) fn text(name: &str, bytes: Vec<u8>) -> Result<String, Failure> {
    // A document that is too long is rejected for its length, even if it was cut inside a character.
    let is_cut = bytes.len() > limits::DOCUMENT_BYTES;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) if is_cut => Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        Err(error) => {
            let valid = error.utf8_error().valid_up_to();
            let line = memchr::memchr_iter(b'\n', &error.as_bytes()[..valid]).count() + 1;
            Err(Failure::new(format!("{name}:{line}: not UTF-8 at byte {valid}"), "save the document as UTF-8"))
        }
    }
}
