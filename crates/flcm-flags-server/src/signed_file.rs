//! Snapshots that were signed elsewhere: a snapshot, and a file `.sig` beside it. The server serves both as they are.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flcm_flags::Snapshot;
use flcm_flags::snapshot::wire;
use flcm_flags_host::Unverified;
use ring::digest::{SHA512, digest};

use crate::bounded_file;

/// What the name of a file of statements has behind that of its snapshot.
pub const SIGNATURE_ENDING: &str = ".sig";

/// The largest snapshot: four times the largest document, because aliases in a document repeat what they stand for.
const SNAPSHOT_BYTES: u64 = 256 << 20;

/// The first line of a signed snapshot as text. Nothing else has it, a document neither.
const TEXT: &str = "flcm-signed-snapshot\n";

/// A snapshot with the statements about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedSnapshot {
    /// The snapshot.
    pub bytes: Vec<u8>,
    /// The text of the statements, separated by commas.
    pub statements: String,
}

impl SignedSnapshot {
    /// The file of statements beside a snapshot.
    #[must_use]
    pub fn beside(snapshot: &Path) -> PathBuf {
        let mut path = snapshot.as_os_str().to_owned();
        path.push(SIGNATURE_ENDING);
        path.into()
    }

    /// As text: what the database has in place of a document.
    pub(crate) fn to_text(&self) -> String {
        format!("{TEXT}{}\n{}\n", self.statements, STANDARD.encode(&self.bytes))
    }

    /// Whether a text is one of [`to_text`](Self::to_text).
    pub(crate) fn is_text(text: &str) -> bool {
        text.starts_with(TEXT)
    }

    /// Reads what [`to_text`](Self::to_text) has written. `None` for a document.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let (statements, bytes) = text.strip_prefix(TEXT)?.split_once('\n')?;
        Some(Self { statements: statements.to_owned(), bytes: STANDARD.decode(bytes.trim_end()).ok()? })
    }

    /// Whether the statements are about the snapshot. Only hosts know whom they trust, so nobody checks signatures
    /// here; but one file may be newer than the other.
    fn check(self) -> std::result::Result<Self, String> {
        let snapshot = Snapshot::from_bytes(&self.bytes[..]).map_err(|error| error.to_string())?;
        let sha512 = digest(&SHA512, &self.bytes);
        for text in self.statements.split(',') {
            let Some(Unverified { statement, .. }) = Unverified::parse(text.trim()) else {
                return Err("the file of statements beside it cannot be read".to_owned());
            };
            let is_of = sha512.as_ref() == statement.sha512 && statement.position.revision == snapshot.revision();
            if !is_of {
                return Err("the statements beside it are about another snapshot".to_owned());
            }
        }
        Ok(self)
    }
}

/// The text of a file with a signed snapshot; `None` for a file with anything else.
pub(crate) fn read(path: &Path) -> Result<Option<String>> {
    let mut head = Vec::new();
    File::open(path)?.take(wire::MAGIC.len() as u64).read_to_end(&mut head)?;
    if head != wire::MAGIC {
        return Ok(None);
    }
    let bytes = bounded_file::read(path, SNAPSHOT_BYTES)?;
    let beside = SignedSnapshot::beside(path);
    let statements = bounded_file::read_text(&beside, bounded_file::SMALL_BYTES).map_err(|error| {
        let what = format!("it is a snapshot, and its statements cannot be read from {}: {error}", beside.display());
        Error::new(error.kind(), what)
    })?;
    // In one line, as in a header and in the text.
    let statements = statements.split(',').map(str::trim).collect::<Vec<_>>().join(", ");
    let signed = SignedSnapshot { bytes, statements }.check();
    Ok(Some(signed.map_err(|what| Error::new(ErrorKind::InvalidData, what))?.to_text()))
}
