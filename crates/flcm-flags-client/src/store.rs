//! What survives a restart: files of a folder, which several processes may share.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

/// Files of a folder. A file is written beside the old one and renamed, so it is never half written.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// `None` for a file that is not there.
    pub(crate) fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.0.join(name)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        let beside = self.0.join(format!(".{name}.{:016x}", rand::random::<u64>()));
        let written = write_whole(&beside, bytes).and_then(|()| fs::rename(&beside, self.0.join(name)));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written
    }

    pub(crate) fn delete(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.0.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The names of all files; none where there is no folder.
    fn names(&self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        names.filter(|name| name.as_ref().map_or(true, |name| !name.starts_with('.'))).collect()
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

type Job = Box<dyn FnOnce(&Folder) + Send>;

/// A folder that is read at once, and written to one thing after the other without keeping anybody waiting.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    folder: Arc<Folder>,
    jobs: mpsc::UnboundedSender<Job>,
}

impl Store {
    pub(crate) fn new(path: PathBuf) -> Self {
        let folder = Arc::new(Folder(path));
        let (sender, mut jobs) = mpsc::unbounded_channel::<Job>();
        let written = Arc::clone(&folder);
        tokio::spawn(async move {
            while let Some(job) = jobs.recv().await {
                let folder = Arc::clone(&written);
                // A job that panics is no reason to end.
                let _ = tokio::task::spawn_blocking(move || job(&folder)).await;
            }
        });
        Self { folder, jobs: sender }
    }

    pub(crate) fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.folder.read(name)
    }

    pub(crate) fn names(&self) -> io::Result<Vec<String>> {
        self.folder.names()
    }

    /// Does something once everything before is done.
    pub(crate) fn run(&self, job: impl FnOnce(&Folder) + Send + 'static) {
        // The task ends with the runtime, and nothing can be stored after that.
        let _ = self.jobs.send(Box::new(job));
    }

    /// Until then everything is written that was to be before.
    pub(crate) async fn written(&self) {
        let (done, waiting) = oneshot::channel();
        self.run(move |_| {
            let _ = done.send(());
        });
        let _ = waiting.await;
    }
}
