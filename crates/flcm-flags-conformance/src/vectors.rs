//! Vectors: what every implementation must answer, as language-neutral JSON under `tests/vectors/<kind>/`.
//!
//! | kind | what a file holds |
//! |---|---|
//! | `evaluate` | a document, and decisions on it: the whole answer |
//! | `bucket` | the numbers of the hash |
//! | `condition` | an attribute, an operator and an operand: whether the condition holds |
//! | `schedule` | a schedule and times: the percentage |
//! | `inherit` | a document and its equal without `extends` |
//! | `diff` | two versions of a document, and which flags change for how many users |
//! | `diagnostics` | documents and what is wrong with them |
//! | `breaker` | what is done to a breaker, and what it reports; statistics by their bits |
//! | `snapshot` | a document, its bytes in the `.snapshot` file beside it, and decisions on them |
//!
//! The structs of [`mod@format`] are the format, [`run`] holds an implementation in Rust to it. Vectors are only ever added:
//! one that changes is a change of the contract. A bug fix begins with a vector. To add a decision, write a case without
//! `answer`, run `cargo run -p flcm-flags-conformance -- regenerate-vectors`, and read what the oracle answers before
//! you keep it. The same goes for the problems of a document.

use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

pub mod breaker;
pub mod format;
pub mod run;
mod write;

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All vector files of a kind, in the order of their names.
#[must_use]
pub fn files(kind: &str) -> Vec<PathBuf> {
    let folder = root().join("tests/vectors").join(kind);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("a directory entry").path());
    let mut files: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect();
    files.sort();
    assert!(!files.is_empty(), "no vectors in {}", folder.display());
    files
}

/// Reads a vector file.
#[must_use]
pub fn read<T: DeserializeOwned>(path: &Path) -> T {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
