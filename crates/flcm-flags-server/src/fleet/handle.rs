//! Requests to the fleet, and the handle by which other threads send them and wait for the reply.

use std::sync::mpsc::{SyncSender, TrySendError};

use tokio::sync::oneshot;

use super::{BreakerCommand, BreakerStatuses, MetricsSnapshot, PATIENCE, Removal};
use crate::ingest::ReceivedBatch;
use crate::published::Published;
use crate::store::{DeliveryResult, StoreError};
use crate::transition::FleetTransition;

/// A request to the fleet.
#[derive(Debug)]
pub(crate) enum FleetRequest {
    /// The batch holds the memory of its body until the reply, because the client may be gone.
    Batch(Box<ReceivedBatch>, Reply<BatchAccepted>),
    Command(BreakerCommand, Reply<Option<FleetTransition>>),
    /// The result of a delivery to a webhook.
    Delivered(i64, DeliveryResult, Reply<()>),
    Metrics(Reply<MetricsSnapshot>),
    /// The document's file has the text of this revision.
    NoteFile(u64, Reply<()>),
    /// Checks that the fleet replies at all.
    Ping(Reply<()>),
    Publish(Box<PublishRequest>, Reply<u64>),
    Breakers(Reply<BreakerStatuses>),
    /// The last request: store everything.
    Stop,
}

/// A document to be published: checked, and compiled as the revision that follows `after`.
#[derive(Debug)]
pub(crate) struct PublishRequest {
    pub(crate) published: Published,
    pub(crate) after: u64,
    pub(crate) author: String,
    pub(crate) reason: String,
    pub(crate) origin: &'static str,
    /// Whether it may remove flags that are in use.
    pub(crate) allow_removal: bool,
    /// Whether to answer as if it were published, and to change nothing.
    pub(crate) dry_run: bool,
}

/// A batch was counted, now or before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct BatchAccepted {
    pub(crate) repeated: bool,
}

/// Why a batch is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BatchRefusal {
    /// An earlier batch is missing.
    Gap,
    /// The server keeps track of as many hosts as it can.
    Full,
    /// The bytes are not a batch, and why.
    Invalid(&'static str),
    /// It is so old that its ledger may have been dropped.
    TooOld,
}

/// Why a request failed.
#[derive(Debug)]
pub(crate) enum FleetError {
    /// A batch was refused.
    Batch(BatchRefusal),
    /// Too many requests wait already.
    Busy,
    /// Another revision came first.
    Conflict,
    /// The fleet did not reply in time; it may still handle the request.
    Timeout,
    /// The state of the flag does not allow the command: what is wrong, and what to do.
    InvalidState(String, &'static str),
    /// There is no such flag.
    NoSuchFlag,
    /// The document removes flags that are in use, or many at once.
    RemovesFlags(Removal),
    /// It could not be stored; nothing has changed.
    NotStored(StoreError),
    /// It is in force, but could not be stored yet.
    NotYetStored,
}

/// Where a reply is sent. Its receiver may be gone.
#[derive(Debug)]
pub(crate) struct Reply<T>(oneshot::Sender<Result<T, FleetError>>);

impl<T> Reply<T> {
    pub(super) fn send(self, result: Result<T, FleetError>) {
        let _ = self.0.send(result);
    }
}

/// Sends requests to the fleet.
#[derive(Clone, Debug)]
pub(crate) struct FleetHandle(SyncSender<FleetRequest>);

impl FleetHandle {
    pub(super) const fn new(sender: SyncSender<FleetRequest>) -> Self {
        Self(sender)
    }

    pub(crate) async fn batch(&self, batch: ReceivedBatch) -> Result<BatchAccepted, FleetError> {
        self.request(|reply| FleetRequest::Batch(Box::new(batch), reply)).await
    }

    pub(crate) async fn command(&self, command: BreakerCommand) -> Result<Option<FleetTransition>, FleetError> {
        self.request(|reply| FleetRequest::Command(command, reply)).await
    }

    pub(crate) async fn ping(&self) -> Result<(), FleetError> {
        self.request(FleetRequest::Ping).await
    }

    pub(crate) async fn breaker_statuses(&self) -> Result<BreakerStatuses, FleetError> {
        self.request(FleetRequest::Breakers).await
    }

    pub(crate) async fn metrics_snapshot(&self) -> Result<MetricsSnapshot, FleetError> {
        self.request(FleetRequest::Metrics).await
    }

    pub(crate) async fn note_file(&self, number: u64) -> Result<(), FleetError> {
        self.request(|reply| FleetRequest::NoteFile(number, reply)).await
    }

    /// Returns the number of the revision.
    pub(crate) async fn publish(&self, request: PublishRequest) -> Result<u64, FleetError> {
        self.request(|reply| FleetRequest::Publish(Box::new(request), reply)).await
    }

    pub(crate) async fn delivered(&self, delivery: i64, result: DeliveryResult) -> Result<(), FleetError> {
        self.request(|reply| FleetRequest::Delivered(delivery, result, reply)).await
    }

    /// Stops the fleet. Blocks while the channel is full, which ends as soon as the fleet has handled what is in it.
    pub(crate) fn stop(&self) {
        let _ = self.0.send(FleetRequest::Stop);
    }

    async fn request<T>(&self, request: impl FnOnce(Reply<T>) -> FleetRequest) -> Result<T, FleetError> {
        let (sender, receiver) = oneshot::channel();
        match self.0.try_send(request(Reply(sender))) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => return Err(FleetError::Busy),
        }
        let reply = tokio::time::timeout(PATIENCE, receiver).await;
        reply.ok().and_then(Result::ok).unwrap_or(Err(FleetError::Timeout))
    }
}
