//! An edit of the document's file: whether it is published.

use std::io::{self, ErrorKind};

use flcm_flags::Millis;
use flcm_flags_config::Diagnostics;
use flcm_flags_config::diff::{Difference, Version, compare};

use crate::clock::wall;
use crate::document_file::{DocumentFile, FileState, Hash, hash_of};
use crate::error::log_diagnostics;
use crate::fleet::{FleetError, PublishRequest};
use crate::options::Edits;
use crate::published::{Published, Succession, removed_flags};
use crate::serving::RefusedEdit;
use crate::state::App;

/// At most so many bytes of a difference are logged.
const LOGGED_BYTES: usize = 4096;

/// What has come of a look at the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Looked {
    /// Nothing remains to be done.
    Done,
    /// The edit removes flags: it may be a part of a file, so it must be read again.
    Unsure(Hash),
}

/// Reads the file, and publishes what is new in it. An edit that removes flags is published only if it is the one that
/// was `seen` before.
pub(super) async fn look(app: &App, document: &DocumentFile, seen: Option<Hash>) -> Looked {
    let mut state = document.lock().await;
    match document.read().await {
        Ok(text) => Edit { app, document, hash: hash_of(&text), text }.handle(&mut state, seen).await,
        Err(error) => {
            cannot_read(app, document, &mut state, &error);
            Looked::Done
        }
    }
}

fn cannot_read(app: &App, document: &DocumentFile, state: &mut FileState, error: &io::Error) {
    let detail = format!("cannot read {}: {error}", document.path.display());
    let is_known = state.read.is_none() && app.shared.refused_edit().is_some_and(|refused| refused.detail == detail);
    state.read = None;
    if !is_known {
        let revision = app.shared.published().number;
        let help =
            if error.kind() == ErrorKind::NotFound { "put it back" } else { "save it as UTF-8, within the limit" };
        tracing::error!("{detail}; revision {revision} stays in use ({help})");
        refuse(app, "FILE_UNREADABLE", detail);
    }
}

fn refuse(app: &App, code: &'static str, detail: String) {
    app.refuse_edit(code, detail.clone());
    app.shared.refuse_edit(Some(RefusedEdit { at: wall(), code, detail }));
}

/// A text that the file has.
struct Edit<'a> {
    app: &'a App,
    document: &'a DocumentFile,
    text: String,
    hash: Hash,
}

impl Edit<'_> {
    async fn handle(self, state: &mut FileState, seen: Option<Hash>) -> Looked {
        let published = self.app.shared.published();
        let is_old = state.synced.is_some_and(|(number, hash)| hash == self.hash && number != published.number);
        if is_old && self.document.edits == Edits::File {
            self.document.catch_up(state, &published, &self.app.fleet).await;
            return Looked::Done;
        }
        if state.read == Some(self.hash) {
            return Looked::Done;
        }
        if self.text == published.text {
            DocumentFile::note_synced(state, published.number, self.hash, &self.app.fleet).await;
        }
        if state.synced.is_some_and(|(_, hash)| hash == self.hash) {
            state.read = Some(self.hash);
            self.app.shared.refuse_edit(None);
            return Looked::Done;
        }
        self.publish(state, seen).await
    }

    /// Checks the edit and publishes it. If somebody else publishes at the same time, it is compiled again for the
    /// revision after theirs.
    async fn publish(self, state: &mut FileState, seen: Option<Hash>) -> Looked {
        for _ in 0..3 {
            let before = self.app.shared.published();
            let Some((published, warnings)) = self.compile(state, before.number).await else { return Looked::Done };
            if !self.goes_on(state, &published, &before) {
                return Looked::Done;
            }
            let removes = !removed_flags(&before.snapshot, &published.snapshot).is_empty();
            if removes && seen != Some(self.hash) {
                return Looked::Unsure(self.hash);
            }
            state.read = Some(self.hash);
            if self.is_behind(state, &before, &published) {
                return Looked::Done;
            }
            log_diagnostics(self.document.path.display(), &warnings);
            match self.app.fleet.publish(request(published, before.number)).await {
                Err(FleetError::Conflict) => {}
                answer => {
                    self.answered(state, answer);
                    return Looked::Done;
                }
            }
        }
        state.read = None;
        Looked::Done
    }

    /// Whether what the file has is to be published. A snapshot that was signed elsewhere keeps its number, so it may
    /// come too late; or it is in use already, and only its signature is new.
    fn goes_on(&self, state: &mut FileState, next: &Published, before: &Published) -> bool {
        let succession = next.succession(before);
        match succession {
            Succession::Next => return true,
            Succession::Older => {
                let help = "sign it with a higher `--revision`";
                let why = format!("revision {} does not follow {} ({help})", next.number, before.number);
                self.refuse("OLDER_REVISION", &why);
            }
            Succession::SignedAgain => {
                state.synced = Some((before.number, self.hash));
                self.app.signatures.renew(next);
                self.app.shared.refuse_edit(None);
                tracing::info!(revision = next.number, "the snapshot was signed again");
            }
        }
        state.read = Some(self.hash);
        false
    }

    /// The revision after `last`; `None` for a document with errors.
    async fn compile(&self, state: &mut FileState, last: u64) -> Option<(Published, Diagnostics)> {
        let (path, text) = (self.document.path.clone(), self.text.clone());
        let made = tokio::task::spawn_blocking(move || Published::of_file(&path, text, last)).await;
        let refused = match made {
            Ok(Ok(made)) => return Some(made),
            Ok(Err(diagnostics)) => diagnostics,
            Err(error) => {
                tracing::error!(%error, "the document could not be checked");
                Diagnostics::default()
            }
        };
        state.read = Some(self.hash);
        log_diagnostics(self.document.path.display(), &refused);
        self.refuse("INVALID_DOCUMENT", "it has errors, which the log lists");
        None
    }

    fn answered(&self, state: &mut FileState, answer: Result<u64, FleetError>) {
        match answer {
            Ok(number) => {
                state.synced = Some((number, self.hash));
                self.app.shared.refuse_edit(None);
            }
            Err(FleetError::RemovesFlags(removal)) => self.refuse("REMOVES_FLAGS", &removal.to_string()),
            Err(error) => {
                tracing::error!(?error, "an edit could not be published; trying again");
                state.read = None;
            }
        }
    }

    /// Whether the edit was made from another revision than the one in use, and so would undo what came between.
    fn is_behind(&self, state: &FileState, before: &Published, edit: &Published) -> bool {
        let base = state.synced.map(|(number, _)| number);
        if self.document.edits == Edits::Database || base == Some(before.number) {
            return false;
        }
        let base = base.map_or_else(|| "no revision".to_owned(), |number| format!("revision {number}"));
        tracing::error!("the edit would change revision {} by: {}", before.number, short(&difference(before, edit)));
        let help = "save the revision in use to the file with `GET /flags`, and edit that, or publish the file with \
                    `flcm publish`";
        self.refuse("FILE_BEHIND", &format!("it was made from {base} ({help})"));
        true
    }

    fn refuse(&self, code: &'static str, why: &str) {
        let revision = self.app.shared.published().number;
        let detail = format!("{} is refused; revision {revision} stays in use: {why}", self.document.path.display());
        tracing::error!(code, "{detail}");
        refuse(self.app, code, detail);
    }
}

fn request(published: Published, after: u64) -> PublishRequest {
    PublishRequest {
        // Nobody signs half a file.
        allow_removal: published.statements.is_some(),
        published,
        after,
        author: "file".to_owned(),
        address: None,
        reason: "the file was edited".to_owned(),
        origin: "file",
        dry_run: false,
    }
}

fn difference(before: &Published, edit: &Published) -> Difference {
    let old = Version { name: "in use", snapshot: &before.snapshot, config: before.config.as_ref() };
    let new = Version { name: "file", snapshot: &edit.snapshot, config: edit.config.as_ref() };
    compare(&old, &new, Millis(wall()))
}

/// A difference as JSON, as far as it fits into a line of the log.
fn short(difference: &Difference) -> String {
    let mut text = serde_json::to_string(&difference.flags).unwrap_or_default();
    if text.len() > LOGGED_BYTES {
        text.truncate(text.floor_char_boundary(LOGGED_BYTES));
        text.push('…');
    }
    text
}
