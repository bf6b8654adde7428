//! Watches the document's file: an edit is checked and published; one with errors leaves the revision in use.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flcm_flags_config::Severity;
use notify::{Event, RecursiveMode, Watcher, recommended_watcher};
use tokio::sync::mpsc;

use crate::fleet::{FleetError, PublishRequest};
use crate::published::Published;
use crate::state::App;

/// Editors write in several steps; a file that has not changed for this long is complete.
const SETTLES: Duration = Duration::from_millis(50);

/// The file is read this often even if the system reports no change, as on a network disk.
const LOOKS: Duration = Duration::from_secs(5);

/// Watches the file until the task is aborted; `known` is its content when it was read last.
pub(crate) async fn follow(path: PathBuf, mut known: String, app: Arc<App>) {
    let (sender, mut changes) = mpsc::channel(1);
    // Keeps the channel open where there is no watcher; on a closed one nothing would wait.
    let _open = sender.clone();
    // The folder, because editors replace the file by another one.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let database = app.database.file_name().map(OsStr::to_owned).unwrap_or_default();
    let look = move |event: notify::Result<Event>| {
        if event.map_or(true, |event| may_be_an_edit(&event, &database)) {
            let _ = sender.try_send(());
        }
    };
    let watcher = recommended_watcher(look).and_then(|mut watcher| {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    if let Err(error) = &watcher {
        tracing::warn!(%error, "cannot watch the folder of the document; reading the document every {} s", LOOKS.as_secs());
    }
    let mut is_missing = false;
    loop {
        let _ = tokio::time::timeout(LOOKS, changes.recv()).await;
        tokio::time::sleep(SETTLES).await;
        while changes.try_recv().is_ok() {}
        let read = tokio::fs::read_to_string(&path).await;
        let was_missing = std::mem::replace(&mut is_missing, read.is_err());
        match read {
            Ok(text) if text != known => {
                if publish(&path, &text, &app).await {
                    known = text;
                }
            }
            Ok(_) => {}
            Err(_) if was_missing => {}
            Err(error) => tracing::warn!(%error, "cannot read {}; the revision in use stays", path.display()),
        }
    }
}

/// Whether to read the file. The system also reports each time the file is read, which would never end, and each write
/// to the database in the same folder.
fn may_be_an_edit(event: &Event, database: &OsStr) -> bool {
    let is_of_database = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let ending = name.strip_prefix(database.as_encoded_bytes());
        ending.is_some_and(|ending| matches!(ending, b"" | b"-wal" | b"-shm" | b"-journal" | b".lock"))
    };
    !event.kind.is_access() && (event.paths.is_empty() || !event.paths.iter().all(is_of_database))
}

/// Checks an edit and publishes it; whether that need not be tried again. If somebody else publishes at the same time,
/// the edit is compiled again for the revision after theirs.
async fn publish(path: &Path, text: &str, app: &App) -> bool {
    for _ in 0..3 {
        let (text, last) = (text.to_owned(), app.shared.published().number);
        let made = tokio::task::spawn_blocking(move || Published::new(text, last)).await;
        let (published, warnings) = match made {
            Ok(Ok(made)) => made,
            Ok(Err(diagnostics)) => {
                app.shared.counters.refused_documents.add(1);
                for problem in &diagnostics {
                    tracing::error!("{}:{problem}", path.display());
                }
                tracing::error!("{} is refused; revision {last} stays in use", path.display());
                return true;
            }
            Err(error) => {
                tracing::error!(%error, "the document could not be checked");
                return true;
            }
        };
        // A hint says nothing that an operator need act on.
        for problem in warnings.iter().filter(|problem| problem.severity == Severity::Warning) {
            tracing::warn!("{}:{problem}", path.display());
        }
        let request = PublishRequest {
            published,
            after: last,
            author: "file".to_owned(),
            reason: "the file was edited".to_owned(),
            origin: "file",
        };
        match app.fleet.publish(request).await {
            Err(FleetError::Conflict) => {}
            Err(error) => {
                tracing::error!(?error, "an edit could not be published; trying again");
                return false;
            }
            Ok(_) => return true,
        }
    }
    false
}
