//! What the tasks that follow a source share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::active_flags::ActiveFlags;
use crate::event::State;

/// Requests to the source, and what is known of it.
#[derive(Debug)]
pub(crate) struct SourceLink {
    pub(crate) active: Arc<ActiveFlags>,
    pub(crate) status: Status,
    pub(crate) requests: mpsc::UnboundedSender<SyncRequest>,
    /// Notified when the server has answered: a stream that waits need not wait for long then.
    pub(crate) answered: Notify,
    pub(crate) closing: CancellationToken,
}

impl SourceLink {
    pub(crate) fn new(active: Arc<ActiveFlags>, requests: mpsc::UnboundedSender<SyncRequest>) -> Self {
        let (status, answered, closing) = (Status::default(), Notify::new(), CancellationToken::new());
        Self { active, status, requests, answered, closing }
    }

    /// Asks for something. Nobody listens any more once everything is closed.
    pub(crate) fn request(&self, request: SyncRequest) {
        let _ = self.requests.send(request);
    }
}

/// How well the flags in use are known to be the source's, and when it has confirmed them, in milliseconds of the
/// clock.
#[derive(Debug, Default)]
pub(crate) struct Status(Mutex<(State, Option<u64>)>);

impl Status {
    pub(crate) fn set(&self, state: State, confirmed: Option<u64>) {
        *self.locked() = (state, confirmed);
    }

    pub(crate) fn state(&self) -> State {
        self.locked().0
    }

    pub(crate) fn confirmed(&self) -> Option<Duration> {
        self.locked().1.map(Duration::from_millis)
    }

    fn locked(&self) -> MutexGuard<'_, (State, Option<u64>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is asked of the task that follows the source.
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
