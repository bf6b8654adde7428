//! Notices edits of a file: by the notifications of the system, and by a poll where there are none.

use std::ffi::OsStr;
use std::fs::metadata;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use super::source_link::{SourceLink, SyncRequest};
use crate::error::{Code, Error};

/// How often the file is polled. The system may send no notifications: for a network disk, or for a folder that is made
/// later.
const POLL: Duration = Duration::from_secs(5);

pub(crate) struct FileWatch {
    pub(crate) path: PathBuf,
    pub(crate) link: Arc<SourceLink>,
}

/// When the file was written last, and its size; `None` for no file.
type Stamp = Option<(Option<SystemTime>, u64)>;

impl FileWatch {
    /// Sends a request for each edit until everything is closed.
    pub(crate) async fn run(self) {
        let edited = Arc::new(Notify::new());
        let _watcher = self.watch(Arc::clone(&edited));
        let mut known = self.stamp().await;
        loop {
            let is_notified = tokio::select! {
                () = self.link.closing.cancelled() => break,
                () = edited.notified() => true,
                () = self.link.active.clock.sleep(POLL) => false,
            };
            let stamp = self.stamp().await;
            if is_notified || stamp != known {
                self.link.request(SyncRequest::FileChanged);
            }
            known = stamp;
        }
    }

    async fn stamp(&self) -> Stamp {
        let path = self.path.clone();
        let read = move || metadata(path).ok().map(|file| (file.modified().ok(), file.len()));
        tokio::task::spawn_blocking(read).await.ok().flatten()
    }

    /// The folder is watched, because editors replace the file by a new one.
    fn watch(&self, edited: Arc<Notify>) -> Option<RecommendedWatcher> {
        let (path, events) = (self.path.clone(), self.link.active.events.clone());
        let notify = move |event: notify::Result<Event>| match event {
            Ok(event) if is_edit(&event, path.file_name()) => edited.notify_one(),
            Ok(_) => {}
            Err(error) => events.error(failed(&path, &error)),
        };
        let folder = self.path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
        let watcher = notify::recommended_watcher(notify).and_then(|mut watcher| {
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
            Ok(watcher)
        });
        watcher.map_err(|error| self.link.active.events.error(failed(&self.path, &error))).ok()
    }
}

/// The system also sends a notification for each read of the file: following those would never end.
fn is_edit(event: &Event, name: Option<&OsStr>) -> bool {
    !event.kind.is_access() && event.paths.iter().any(|path| path.file_name() == name)
}

fn failed(path: &Path, error: &notify::Error) -> Error {
    Error::new(Code::FileFailed, format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::path::PathBuf;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::time::Duration;

    use flcm_flags::Millis;
    use notify::event::{AccessKind, CreateKind};
    use notify::{Event, EventKind};
    use tokio::sync::{Notify, mpsc};

    use super::{FileWatch, POLL, SourceLink, SyncRequest, is_edit};
    use crate::active_flags::ActiveFlags;
    use crate::clock::{Clock, SystemClock};
    use crate::event::Events;
    use crate::state_file::StateFile;

    #[test]
    fn only_what_changes_the_file_itself_is_an_edit() {
        let name = Some(OsStr::new("flags.yaml"));
        let event = |kind, path: &str| Event::new(kind).add_path(PathBuf::from(path));
        let (created, read) = (EventKind::Create(CreateKind::File), EventKind::Access(AccessKind::Read));
        assert!(is_edit(&event(created, "/etc/flags.yaml"), name));
        assert!(is_edit(&event(created, "/etc/.flags.yaml.new").add_path(PathBuf::from("/etc/flags.yaml")), name));
        assert!(!is_edit(&event(created, "/etc/others.yaml"), name));
        assert!(!is_edit(&event(read, "/etc/flags.yaml"), name));
    }

    /// A clock on which the time between two polls is over in a moment. It notifies of each wait.
    #[derive(Debug, Default)]
    struct Fast(SystemClock, Notify);

    impl Clock for Fast {
        fn now(&self) -> Millis {
            self.0.now()
        }

        fn elapsed(&self) -> Duration {
            self.0.elapsed()
        }

        fn random(&self) -> f64 {
            0.5
        }

        fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
            assert_eq!(duration, POLL);
            self.1.notify_one();
            self.0.sleep(Duration::from_millis(1))
        }
    }

    #[tokio::test]
    async fn an_edit_without_a_notification_is_noticed_by_the_poll() {
        let folder = std::env::temp_dir().join(format!("flcm-file-watch-{:016x}", rand::random::<u64>()));
        let path = folder.join("flags.yaml");
        let events = Events::default();
        let file = StateFile::new(None, events.clone());
        let (requests, mut requested) = mpsc::unbounded_channel();
        let clock = Arc::new(Fast::default());
        let active = Arc::new(ActiveFlags::new(Arc::clone(&clock) as _, events, file));
        let link = Arc::new(SourceLink::new(active, requests));
        // The folder is not there yet, so the system cannot watch it.
        let watch = tokio::spawn(FileWatch { path: path.clone(), link: Arc::clone(&link) }.run());
        for text in ["flags: {}", "flags: { a: {} }"] {
            clock.1.notified().await;
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("new"), text).unwrap();
            std::fs::rename(folder.join("new"), &path).unwrap();
            let request = tokio::time::timeout(Duration::from_mins(1), requested.recv()).await;
            assert!(matches!(request, Ok(Some(SyncRequest::FileChanged))), "{request:?}");
        }
        link.closing.cancel();
        watch.await.unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }
}
