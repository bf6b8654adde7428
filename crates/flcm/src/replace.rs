//! Replaces a file at once: a reader sees the old bytes or the new ones, never a part.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

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
