//! Requests to the fleet, and the handle by which other threads send them and wait for the reply.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::queue::Queue;
use super::{AskingApp, BreakerCommand, BreakerStatuses, Host, LiveOverview, MetricsSnapshot, PATIENCE, Removal};
use crate::ingest::ReceivedBatch;
use crate::notification::RefusedDocument;
use crate::published::Published;
use crate::series::Point;
use crate::sessions::SessionHash;
use crate::store::{DeliveryResult, SessionChange, StoreError};
use crate::transition::FleetTransition;

/// A batch to be counted. It holds the memory of its body until the reply, because the client may be gone.
pub(super) type BatchRequest = (Box<ReceivedBatch>, Reply<BatchAccepted>);

/// A request to the fleet: a command, or one for a report.
#[derive(Debug)]
pub(super) enum FleetRequest {
    /// Which apps ask for a flag, and which hosts disagree about it.
    AskingApps(String, Reply<(Vec<AskingApp>, Vec<Host>)>),
    Command(BreakerCommand, Reply<Option<FleetTransition>>),
    /// The result of a delivery to a webhook.
    Delivered(i64, DeliveryResult, Reply<()>),
    Live(Reply<LiveOverview>),
    Metrics(Reply<MetricsSnapshot>),
    /// The document's file has the text of this revision.
    NoteFile(u64, Reply<()>),
    Publish(Box<PublishRequest>, Reply<u64>),
    /// A document was refused: for the audit and for webhooks.
    Refused(Box<RefusedDocument>),
    Breakers(Reply<BreakerStatuses>),
    RemoveMetric(RemoveMetric, Reply<()>),
    /// What was counted of a flag in these seconds.
    Seconds(String, u64, u64, Reply<Vec<(u64, Point)>>),
    Sessions(Box<SessionChange>, Reply<()>),
}

/// Removes a metric under a name of the application: which one, and who asks for it.
#[derive(Clone, Debug)]
pub(crate) struct RemoveMetric {
    pub(crate) name: String,
    pub(crate) actor: String,
    /// The address of the operator.
    pub(crate) address: IpAddr,
}

/// A document to be published: checked, and compiled as the revision that follows `after`.
#[derive(Debug)]
pub(crate) struct PublishRequest {
    pub(crate) published: Published,
    pub(crate) after: u64,
    pub(crate) author: String,
    /// The address of the author, if it came by HTTP.
    pub(crate) address: Option<IpAddr>,
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
    /// There is no custom metric of this name.
    NoSuchMetric,
    /// The document removes flags that are in use, or many at once.
    RemovesFlags(Removal),
    /// It could not be stored; nothing has changed.
    NotStored(StoreError),
    /// It is in force, but could not be stored yet.
    NotYetStored,
}

/// Where a reply is sent. Its receiver may be gone.
#[derive(Debug)]
pub(super) struct Reply<T>(oneshot::Sender<Result<T, FleetError>>);

impl<T> Reply<T> {
    /// A reply that nobody waits for.
    pub(super) fn to_nobody() -> Self {
        Self(oneshot::channel().0)
    }

    pub(super) fn send(self, result: Result<T, FleetError>) {
        let _ = self.0.send(result);
    }
}

/// Sends requests to the fleet.
#[derive(Clone, Debug)]
pub(crate) struct FleetHandle(Arc<Queue>);

impl FleetHandle {
    pub(super) const fn new(queue: Arc<Queue>) -> Self {
        Self(queue)
    }

    pub(crate) async fn batch(&self, batch: ReceivedBatch) -> Result<BatchAccepted, FleetError> {
        reply(|reply| self.0.batch((Box::new(batch), reply))).await
    }

    pub(crate) async fn command(&self, command: BreakerCommand) -> Result<Option<FleetTransition>, FleetError> {
        reply(|reply| self.0.command(FleetRequest::Command(command, reply))).await
    }

    /// Checks that the fleet replies at all.
    pub(crate) async fn ping(&self) -> Result<(), FleetError> {
        reply(|reply| self.0.ping(reply)).await
    }

    pub(crate) async fn breaker_statuses(&self) -> Result<BreakerStatuses, FleetError> {
        reply(|reply| self.0.report(FleetRequest::Breakers(reply))).await
    }

    /// Which apps ask for a flag, and which hosts disagree about it.
    pub(crate) async fn asking(&self, flag: String) -> Result<(Vec<AskingApp>, Vec<Host>), FleetError> {
        reply(|reply| self.0.report(FleetRequest::AskingApps(flag, reply))).await
    }

    pub(crate) async fn live_overview(&self) -> Result<LiveOverview, FleetError> {
        reply(|reply| self.0.report(FleetRequest::Live(reply))).await
    }

    /// What was counted of a flag in these seconds, the last included; they must be among the last ten minutes.
    pub(crate) async fn seconds(&self, flag: String, from: u64, to: u64) -> Result<Vec<(u64, Point)>, FleetError> {
        reply(|reply| self.0.report(FleetRequest::Seconds(flag, from, to, reply))).await
    }

    pub(crate) async fn metrics_snapshot(&self) -> Result<MetricsSnapshot, FleetError> {
        reply(|reply| self.0.report(FleetRequest::Metrics(reply))).await
    }

    pub(crate) async fn note_file(&self, number: u64) -> Result<(), FleetError> {
        reply(|reply| self.0.command(FleetRequest::NoteFile(number, reply))).await
    }

    /// Returns the number of the revision.
    pub(crate) async fn publish(&self, request: PublishRequest) -> Result<u64, FleetError> {
        reply(|reply| self.0.command(FleetRequest::Publish(Box::new(request), reply))).await
    }

    pub(crate) async fn delivered(&self, delivery: i64, result: DeliveryResult) -> Result<(), FleetError> {
        reply(|reply| self.0.command(FleetRequest::Delivered(delivery, result, reply))).await
    }

    pub(crate) async fn remove_metric(&self, request: RemoveMetric) -> Result<(), FleetError> {
        reply(|reply| self.0.command(FleetRequest::RemoveMetric(request, reply))).await
    }

    /// Stores sign-ins that have begun or ended.
    pub(crate) async fn change_sessions(&self, change: SessionChange) -> Result<(), FleetError> {
        reply(|reply| self.0.command(FleetRequest::Sessions(Box::new(change), reply))).await
    }

    /// Stores that sign-ins have ended, without waiting for that: they have ended already.
    pub(crate) fn end_sessions(&self, ended: Vec<SessionHash>) {
        let change = SessionChange { ended, ..SessionChange::default() };
        let _ = self.0.command(FleetRequest::Sessions(Box::new(change), Reply::to_nobody()));
    }

    /// Notes that a document was refused. Nobody waits for that: the caller has the reason already.
    pub(crate) fn refused(&self, document: RefusedDocument) {
        let _ = self.0.command(FleetRequest::Refused(Box::new(document)));
    }

    /// Stops the fleet after it has handled what waits.
    pub(crate) fn stop(&self) {
        self.0.stop();
    }
}

/// The reply to a request.
async fn reply<T>(send: impl FnOnce(Reply<T>) -> Result<(), FleetError>) -> Result<T, FleetError> {
    let (sender, receiver) = oneshot::channel();
    send(Reply(sender))?;
    let reply = tokio::time::timeout(PATIENCE, receiver).await;
    reply.ok().and_then(Result::ok).unwrap_or(Err(FleetError::Timeout))
}
