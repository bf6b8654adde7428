//! Watches the document's file: an edit is checked and published; one that is refused leaves the revision in use.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, ModifyKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher, recommended_watcher};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::document_file::{DocumentFile, Hash};
use crate::signed_file::SignedSnapshot;
use crate::state::App;

mod edit;

use edit::Looked;

/// Where the system does not report that a writer has closed the file, it is complete when it has not changed for so
/// long: editors write in several steps.
const SETTLES: Duration = Duration::from_millis(50);

/// An edit that removes flags is read again after so long without a change: a part of a file looks the same.
const QUIET: Duration = Duration::from_secs(2);

/// The file is read this often even if the system reports no change, as on a network disk.
const LOOKS: Duration = Duration::from_secs(5);

/// A file that is open for writing is not read for so long; then it is, because some writers never close it.
const WRITERS: Duration = Duration::from_mins(1);

/// Watches the file until the task is aborted.
pub(crate) async fn follow(app: Arc<App>) {
    let Some(document) = &app.document else { return };
    let mut changes = Changes::watch(document, &app.database);
    loop {
        changes.next().await;
        publish_edit(&app, document, &mut changes).await;
    }
}

/// Publishes what has changed in the file while the server was away.
pub(crate) async fn look_at_start(app: &App) {
    let Some(document) = &app.document else { return };
    if let Looked::Unsure(hash) = edit::look(app, document, None).await {
        tokio::time::sleep(QUIET).await;
        edit::look(app, document, Some(hash)).await;
    }
}

async fn publish_edit(app: &App, document: &DocumentFile, changes: &mut Changes) {
    let mut seen: Option<Hash> = None;
    while let Looked::Unsure(hash) = edit::look(app, document, seen).await {
        seen = Some(hash);
        changes.quiet(QUIET).await;
    }
}

/// Changes of the file, as the system reports them.
struct Changes {
    receiver: Receiver<()>,
    /// Whether somebody has written to the file and not closed it yet.
    is_open: Arc<AtomicBool>,
    opened: Option<Instant>,
    // Both are kept: a channel or a watcher that is dropped reports nothing.
    _sender: Sender<()>,
    _watcher: Option<RecommendedWatcher>,
}

impl Changes {
    fn watch(document: &DocumentFile, database: &Path) -> Self {
        let (sender, receiver) = channel(1);
        let is_open = Arc::new(AtomicBool::new(false));
        let filter = Filter::new(&document.path, database);
        let (notified, open) = (sender.clone(), Arc::clone(&is_open));
        let look = move |event: notify::Result<Event>| {
            let reported = event.map_or(Reported::Other, |event| filter.look(&event));
            match reported {
                Reported::Complete => open.store(false, Ordering::Relaxed),
                Reported::Open => open.store(true, Ordering::Relaxed),
                Reported::Nothing | Reported::Other => {}
            }
            if matches!(reported, Reported::Complete | Reported::Other) {
                let _ = notified.try_send(());
            }
        };
        let watcher = recommended_watcher(look).and_then(|mut watcher| {
            for folder in folders(&document.path) {
                watcher.watch(&folder, RecursiveMode::NonRecursive)?;
            }
            Ok(watcher)
        });
        if let Err(error) = &watcher {
            let seconds = LOOKS.as_secs();
            tracing::warn!(%error, "cannot watch the folder of the document; reading the document every {seconds} s");
        }
        Self { receiver, is_open, opened: None, _sender: sender, _watcher: watcher.ok() }
    }

    /// Waits until it is time to look at the file.
    async fn next(&mut self) {
        loop {
            let _ = tokio::time::timeout(LOOKS, self.receiver.recv()).await;
            tokio::time::sleep(SETTLES).await;
            while self.receiver.try_recv().is_ok() {}
            if !self.is_being_written() {
                return;
            }
        }
    }

    /// Waits until nothing has changed for so long.
    async fn quiet(&mut self, time: Duration) {
        while tokio::time::timeout(time, self.receiver.recv()).await.is_ok() || self.is_being_written() {}
    }

    fn is_being_written(&mut self) -> bool {
        if !self.is_open.load(Ordering::Relaxed) {
            self.opened = None;
            return false;
        }
        let is_new = self.opened.get_or_insert_with(Instant::now).elapsed() < WRITERS;
        if !is_new {
            self.is_open.store(false, Ordering::Relaxed);
        }
        is_new
    }
}

/// The folders to watch, because editors replace the file by another one: that of the file, and that of a link's target.
fn folders(path: &Path) -> Vec<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let target = path.canonicalize().ok().and_then(|target| Some(target.parent()?.to_owned()));
    let target = target.filter(|target| folder.canonicalize().is_ok_and(|folder| folder != *target));
    [folder.to_owned()].into_iter().chain(target).collect()
}

/// What an event of the system means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reported {
    /// The file is complete, or another one has its name.
    Complete,
    /// The file was read, or it is about another file.
    Nothing,
    /// The file is being written.
    Open,
    /// The file may be another one: a link on the way to it may have changed.
    Other,
}

/// Picks the events of the document. The system also reports each time the file is read, which would never end, and each
/// write to the database in the same folder.
struct Filter {
    database: OsString,
    names: Vec<OsString>,
}

impl Filter {
    fn new(document: &Path, database: &Path) -> Self {
        let name = |path: &Path| path.file_name().map(OsStr::to_owned);
        let target = document.canonicalize().ok();
        // Both files of a signed snapshot are the document.
        let statements = SignedSnapshot::beside(document);
        let names = [name(document), target.as_deref().and_then(name), name(&statements)];
        Self { database: name(database).unwrap_or_default(), names: names.into_iter().flatten().collect() }
    }

    fn look(&self, event: &Event) -> Reported {
        if !event.paths.is_empty() && event.paths.iter().all(|path| self.is_of_database(path)) {
            return Reported::Nothing;
        }
        let is_it = |path: &PathBuf| self.names.iter().any(|name| path.file_name() == Some(name));
        let Some(document) = event.paths.iter().find(|path| is_it(path)) else {
            let is_read_or_written = event.kind.is_access() || is_write(event.kind);
            return if is_read_or_written { Reported::Nothing } else { Reported::Other };
        };
        match event.kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write)) => Reported::Complete,
            EventKind::Access(_) => Reported::Nothing,
            EventKind::Create(_) if ENDS_ARE_REPORTED && !document.is_symlink() => Reported::Open,
            kind if ENDS_ARE_REPORTED && is_write(kind) => Reported::Open,
            _ => Reported::Complete,
        }
    }

    fn is_of_database(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let ending = name.strip_prefix(self.database.as_encoded_bytes());
        ending.is_some_and(|ending| matches!(ending, b"" | b"-wal" | b"-shm" | b"-journal" | b".lock"))
    }
}

const fn is_write(kind: EventKind) -> bool {
    matches!(kind, EventKind::Modify(ModifyKind::Data(_)))
}

/// Whether the system reports that a writer has closed a file.
const ENDS_ARE_REPORTED: bool = cfg!(target_os = "linux");
