//! Replaces a file by another text, at once: a reader sees the old text or the new one, never a part.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A text that is written beside the file, and not in its place yet. It is deleted unless it is committed.
#[derive(Debug)]
pub(super) struct Replacement {
    beside: PathBuf,
    target: PathBuf,
}

impl Replacement {
    /// Writes a text beside the file, with the mode and the owner of the file. Of a link, the target is replaced.
    pub(super) fn prepare(path: &Path, text: &str) -> io::Result<Self> {
        let target = match fs::canonicalize(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
            target => target?,
        };
        let before = fs::metadata(&target).ok();
        if before.as_ref().is_some_and(|before| before.permissions().readonly()) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "its mode is read-only"));
        }
        let replacement = Self { beside: beside(&target)?, target };
        replacement.write(text, before.as_ref())?;
        Ok(replacement)
    }

    fn write(&self, text: &str, before: Option<&Metadata>) -> io::Result<()> {
        let mut file = File::create(&self.beside)?;
        if let Some(before) = before {
            keep_owner(&file, before)?;
            // After the owner, because a change of the owner may clear bits of the mode.
            file.set_permissions(before.permissions())?;
        }
        file.write_all(text.as_bytes())?;
        // Without this, a power cut may leave an empty file under the new name.
        file.sync_all()
    }

    /// Puts the text in place of the file.
    pub(super) fn commit(self) -> io::Result<()> {
        fs::rename(&self.beside, &self.target)?;
        // A rename is on the disk when its folder is.
        #[cfg(unix)]
        if let Some(folder) = self.target.parent() {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        // After a commit there is nothing under this name.
        let _ = fs::remove_file(&self.beside);
    }
}

fn beside(target: &Path) -> io::Result<PathBuf> {
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().ok_or(io::ErrorKind::IsADirectory)?);
    // The same each time, so that what a power cut leaves is written over.
    name.push(".flcm.tmp");
    Ok(target.with_file_name(name))
}

#[cfg(unix)]
fn keep_owner(file: &File, before: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let own = file.metadata()?;
    let (user, group) = (before.uid(), before.gid());
    if (own.uid(), own.gid()) == (user, group) { Ok(()) } else { fchown(file, Some(user), Some(group)) }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn keep_owner(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}
