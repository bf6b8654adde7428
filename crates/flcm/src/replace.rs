//! Replaces a file at once: a reader sees the old bytes or the new ones, never a part.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use crate::failure::Failure;

/// Replaces a document. A link stays a link: the file behind it is replaced.
pub(crate) fn document(path: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let target = path.canonicalize().map_err(|error| Failure::file("read", name, &error))?;
    file(&target, text.as_bytes()).map_err(|error| Failure::file("write", name, &error))
}

/// Writes a new file beside the old one, with its permissions, and renames it.
pub(crate) fn file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::IsADirectory)?.to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let written = write_new(&beside, path, bytes).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write_new(path: &Path, old: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(path)?;
    if let Ok(old) = fs::metadata(old) {
        file.set_permissions(old.permissions())?;
    }
    file.write_all(bytes)?;
    // Without this, a crash of the machine may leave an empty file under the new name.
    file.sync_all()
}
