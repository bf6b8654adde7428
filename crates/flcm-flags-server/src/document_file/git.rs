//! Whether the document's file is committed, as the program `git` says.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

/// Git is not waited for longer. A work tree on a slow disk is no reason to keep a page waiting.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between two looks whether it has ended.
const PAUSE: Duration = Duration::from_millis(5);

/// An answer about the same state of the file counts for so long: all pages ask at once when a revision is published.
const FRESH: Duration = Duration::from_secs(2);

/// The last answer of git. One process runs at a time.
#[derive(Debug, Default)]
pub(crate) struct Git(Mutex<Option<Answer>>);

#[derive(Debug)]
struct Answer {
    at: Instant,
    modified: Option<SystemTime>,
    is_uncommitted: Option<bool>,
}

impl Git {
    /// Whether the file differs from the last commit; `None` outside a work tree, without git, and if it takes too
    /// long.
    pub(crate) async fn is_uncommitted(&self, file: &Path) -> Option<bool> {
        let mut last = self.0.lock().await;
        let modified = tokio::fs::metadata(file).await.and_then(|metadata| metadata.modified()).ok();
        let is_fresh = |last: &&Answer| last.modified == modified && last.at.elapsed() < FRESH;
        if let Some(answer) = last.as_ref().filter(is_fresh) {
            return answer.is_uncommitted;
        }
        let path = file.to_owned();
        let is_uncommitted = spawn_blocking(move || ask(&path)).await.ok().flatten();
        *last = Some(Answer { at: Instant::now(), modified, is_uncommitted });
        is_uncommitted
    }
}

fn ask(file: &Path) -> Option<bool> {
    // A link may lead to a work tree elsewhere.
    let file = file.canonicalize().ok()?;
    let mut git = Command::new("git");
    // Neither changes the index nor starts a program that the work tree names.
    git.args(["--no-optional-locks", "-c", "core.fsmonitor=false", "status", "--porcelain", "--ignored", "--"]);
    git.arg(file.file_name()?).current_dir(file.parent()?).env("GIT_LITERAL_PATHSPECS", "1");
    git.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = git.spawn().ok()?;
    let is_known = ends_well(&mut child);
    if !is_known {
        // It may have ended meanwhile.
        let _ = child.kill();
    }
    let output = child.wait_with_output().ok()?.stdout;
    // Of a file that git ignores nothing is known.
    (is_known && !output.starts_with(b"!!")).then_some(!output.is_empty())
}

/// Waits for the end of a program, but not for long; whether it ends well. It writes less than a pipe takes.
fn ends_well(child: &mut Child) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(PAUSE),
            Ok(Some(status)) => return status.success(),
            Err(_) => return false,
        }
    }
    false
}
