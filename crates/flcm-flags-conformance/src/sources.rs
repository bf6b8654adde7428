//! Finds the repository's own files, for the tests that look at them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::vectors::root;

/// Folders that hold what is built or fetched.
const NOT_OURS: [&str; 4] = ["target", "node_modules", "dist", ".git"];

/// All files below a folder of the repository with one of these extensions, in the order of their paths. A folder that is
/// not there has none.
#[must_use]
pub fn files_below(folder: &str, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&root().join(folder), extensions, &mut found);
    found.sort();
    found
}

/// Reads a text file.
#[must_use]
pub fn read_text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn collect(folder: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.expect("an entry").path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !NOT_OURS.contains(&name) {
            collect(&path, extensions, found);
        } else if path.extension().and_then(|kind| kind.to_str()).is_some_and(|kind| extensions.contains(&kind)) {
            found.push(path);
        }
    }
}
