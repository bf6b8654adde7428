//! The document's file: what it contains, and which revision it had last. An edit of the file and an edit over HTTP wait
//! for each other here, so that neither undoes the other.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use flcm_flags_config::limits;
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, MutexGuard};

use crate::bounded_file;
use crate::fleet::{FleetError, FleetHandle, PublishRequest};
use crate::options::Edits;
use crate::published::Published;
use crate::signed_file;

mod git;
mod replacement;

use git::Git;
use replacement::Replacement;

/// The SHA-256 of a text. The text itself may be large.
pub(crate) type Hash = [u8; 32];

/// The file of the document.
#[derive(Debug)]
pub(crate) struct DocumentFile {
    pub(crate) path: PathBuf,
    pub(crate) edits: Edits,
    pub(crate) git: Git,
    state: Mutex<FileState>,
}

/// What is known about the file.
#[derive(Debug, Default)]
pub(crate) struct FileState {
    /// What was read last, whether or not it was published; `None` if the file could not be read.
    pub(crate) read: Option<Hash>,
    /// The last revision whose text the file had, and the hash of that text.
    pub(crate) synced: Option<(u64, Hash)>,
}

/// Why an edit over HTTP was not published, or not written to the file.
#[derive(Debug)]
pub(crate) enum EditError {
    /// The file has an edit of its own.
    FileChanged(String),
    /// The fleet refuses the edit.
    Fleet(FleetError),
    /// The file could not be written.
    NotWritten(String),
}

impl From<FleetError> for EditError {
    fn from(error: FleetError) -> Self {
        Self::Fleet(error)
    }
}

impl DocumentFile {
    /// A file that had the text of `synced` last.
    pub(crate) fn new(path: PathBuf, edits: Edits, synced: Option<(u64, Hash)>) -> Self {
        Self { path, edits, git: Git::default(), state: Mutex::new(FileState { read: None, synced }) }
    }

    /// Whether the file can be replaced by another text.
    pub(crate) fn check_writable(path: &Path) -> io::Result<()> {
        Replacement::prepare(path, "").map(drop)
    }

    pub(crate) async fn lock(&self) -> MutexGuard<'_, FileState> {
        self.state.lock().await
    }

    /// Publishes an edit that was made over HTTP, and replaces the file by it.
    pub(crate) async fn publish(&self, fleet: &FleetHandle, request: PublishRequest) -> Result<u64, EditError> {
        let mut state = self.lock().await;
        let text = request.published.text.clone();
        if request.dry_run {
            return Ok(fleet.publish(request).await?);
        }
        let found = self.found(&text, &state).await?;
        // Before it is published: a full disk is noticed while there is still nothing to undo.
        let replacement = match found {
            Found::Same => None,
            Found::Synced => Some(self.prepare(&text).await.map_err(|error| self.not_written(&error))?),
        };
        let number = fleet.publish(request).await?;
        if let Some(replacement) = replacement {
            self.replace(replacement, &text, &state).await;
        }
        self.look_again(&mut state, number, &text, fleet).await;
        Ok(number)
    }

    /// Brings a file up to date that has the text of an earlier revision, as after a failed write.
    pub(crate) async fn catch_up(&self, state: &mut FileState, published: &Published, fleet: &FleetHandle) {
        match self.prepare(&published.text).await {
            Ok(replacement) => {
                self.replace(replacement, &published.text, state).await;
                self.look_again(state, published.number, &published.text, fleet).await;
            }
            Err(error) => tracing::error!(
                %error,
                "{} is behind revision {} and cannot be written; trying again",
                self.path.display(),
                published.number
            ),
        }
    }

    /// Notes that the file has the text of a revision.
    pub(crate) async fn note_synced(state: &mut FileState, number: u64, hash: Hash, fleet: &FleetHandle) {
        let before = state.synced.replace((number, hash));
        if before.map(|(number, _)| number) != Some(number)
            && let Err(error) = fleet.note_file(number).await
        {
            tracing::error!(?error, "which revision the file has could not be stored");
        }
    }

    /// What the file has, if an edit over HTTP may replace it.
    async fn found(&self, text: &str, state: &FileState) -> Result<Found, EditError> {
        let read = self.read().await;
        let name = self.path.display();
        match read {
            Ok(found) if found == text => Ok(Found::Same),
            Ok(found) if state.synced.is_some_and(|(_, hash)| hash == hash_of(&found)) => Ok(Found::Synced),
            Ok(_) => Err(EditError::FileChanged(format!("{name} has an edit that is not published"))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Found::Synced),
            Err(error) => Err(EditError::FileChanged(format!("{name} cannot be read: {error}"))),
        }
    }

    /// Replaces the file, unless somebody has edited it meanwhile.
    async fn replace(&self, replacement: Replacement, text: &str, state: &FileState) {
        match self.found(text, state).await {
            Ok(Found::Synced) => {}
            Ok(Found::Same) => return,
            Err(_) => {
                tracing::warn!("{} was edited while a revision was published; the edit stays", self.path.display());
                return;
            }
        }
        if let Err(error) = replacement.commit() {
            tracing::error!(%error, "{} could not be replaced; trying again", self.path.display());
        }
    }

    /// Notes what the file has after it was replaced.
    async fn look_again(&self, state: &mut FileState, number: u64, text: &str, fleet: &FleetHandle) {
        if self.read().await.is_ok_and(|found| found == text) {
            let hash = hash_of(text);
            state.read = Some(hash);
            Self::note_synced(state, number, hash, fleet).await;
        }
    }

    async fn prepare(&self, text: &str) -> io::Result<Replacement> {
        let (path, text) = (self.path.clone(), text.to_owned());
        tokio::task::spawn_blocking(move || Replacement::prepare(&path, &text)).await.map_err(io::Error::other)?
    }

    /// The text of the file.
    pub(crate) async fn read(&self) -> io::Result<String> {
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || read(&path)).await.map_err(io::Error::other)?
    }

    fn not_written(&self, error: &io::Error) -> EditError {
        EditError::NotWritten(format!("{} cannot be written: {error}", self.path.display()))
    }
}

/// What the file has when an edit arrives over HTTP.
enum Found {
    /// The text of the edit already.
    Same,
    /// The text of the revision that it had last, or there is no file: nothing would be lost.
    Synced,
}

/// Reads a document, or a snapshot that was signed elsewhere.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    match signed_file::read(path)? {
        Some(text) => Ok(text),
        None => bounded_file::read_text(path, limits::DOCUMENT_BYTES as u64),
    }
}

pub(crate) fn hash_of(text: &str) -> Hash {
    Sha256::digest(text.as_bytes()).into()
}
