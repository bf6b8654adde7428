//! The document as a file: an edit is checked and published, and one that has errors leaves what is in use.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{Event, RecursiveMode, Watcher, recommended_watcher};
use tokio::sync::mpsc;

use crate::fleet::{FleetError, PublishRequest};
use crate::published::Published;
use crate::state::App;

/// Editors write in several steps; a file that was left alone for so long is whole.
const SETTLES: Duration = Duration::from_millis(50);

/// Where the system tells of no change, such as on a network disk, the file is looked at so often.
const LOOKS: Duration = Duration::from_secs(5);

/// Follows the file for ever; `known` is what it said when it was read last.
pub(crate) async fn follow(path: PathBuf, mut known: String, app: Arc<App>) {
    let (sender, mut changes) = mpsc::channel(1);
    // Without it the channel is closed where there is no watcher, and nothing would wait.
    let _open = sender.clone();
    // The folder, because editors put another file in the place of the old one.
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
        tracing::warn!(%error, "no word of changes: the document is looked at every {} s", LOOKS.as_secs());
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
            Err(error) => tracing::warn!(%error, "cannot read {}; what is in use stays", path.display()),
        }
    }
}

/// Whether to look at the file. The system also tells of each reading of it, which would never end, and of each batch that is written
/// to the database beside it.
fn may_be_an_edit(event: &Event, database: &OsStr) -> bool {
    let is_of_database = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        let ending = name.strip_prefix(database.as_encoded_bytes());
        ending.is_some_and(|ending| matches!(ending, b"" | b"-wal" | b"-shm" | b"-journal" | b".lock"))
    };
    !event.kind.is_access() && (event.paths.is_empty() || !event.paths.iter().all(is_of_database))
}

/// Checks an edit, and publishes it; whether it is done with. Somebody may publish at the same time: then it is made anew for what
/// follows that.
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
        for problem in &warnings {
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
                tracing::error!(?error, "an edit could not be published; it is tried again");
                return false;
            }
            Ok(_) => return true,
        }
    }
    false
}
