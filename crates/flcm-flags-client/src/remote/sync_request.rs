//! What is asked of the task that follows the source.

use tokio::sync::oneshot;

#[derive(Debug)]
pub(crate) enum SyncRequest {
    /// A stream has announced a snapshot of this digest; `is_new` when it was published while this host was connected.
    Announced { digest: String, is_new: bool },
    /// The file may have changed.
    FileChanged,
    /// Answers when no request is under way.
    Settled(oneshot::Sender<()>),
    /// Asks the source now, and answers when that is done.
    Sync(oneshot::Sender<()>),
}
