//! What the fleet is asked, and by whom: requests on other threads, which wait for its answers.

use std::sync::mpsc::{SyncSender, TrySendError};

use tokio::sync::oneshot;

use super::{BreakerCommand, BreakerStatuses, MetricsSnapshot, PATIENCE};
use crate::ingest::Content;
use crate::published::Published;
use crate::store::{DeliveryResult, StoreError};
use crate::transition::FleetTransition;

/// A question.
#[derive(Debug)]
pub(crate) enum FleetRequest {
    /// With its room until it is answered: whoever has sent it may have gone.
    Batch(Content, Reply<Taken>),
    Command(BreakerCommand, Reply<Option<FleetTransition>>),
    /// The result of a delivery to a webhook.
    Delivered(i64, DeliveryResult, Reply<()>),
    Metrics(Reply<MetricsSnapshot>),
    /// Whether it answers at all.
    Ping(Reply<()>),
    Publish(Box<PublishRequest>, Reply<u64>),
    Breakers(Reply<BreakerStatuses>),
    /// No more questions: store everything.
    Stop,
}

/// A document that is to be published, checked and compiled as the revision that follows `after`.
#[derive(Debug)]
pub(crate) struct PublishRequest {
    pub(crate) published: Published,
    pub(crate) after: u64,
    pub(crate) author: String,
    pub(crate) reason: String,
    pub(crate) origin: &'static str,
}

/// A batch was added up, now or before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Taken {
    pub(crate) repeated: bool,
}

/// Why a batch is not taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BatchRefusal {
    /// One before it is missing.
    Gap,
    /// So many hosts are known that no other is taken on.
    Full,
    /// It is none; what is wrong with it.
    Invalid(&'static str),
    /// It is so old that its ledger may be forgotten.
    TooOld,
}

/// Why something was not done.
#[derive(Debug)]
pub(crate) enum FleetError {
    /// A batch was refused.
    Batch(BatchRefusal),
    /// Too many wait already.
    Busy,
    /// Another revision came first.
    Conflict,
    /// The fleet did not answer in time: it may be done yet.
    Timeout,
    /// It cannot be done to this flag as it is: what is wrong, and what to do.
    InvalidState(String, &'static str),
    /// There is no such flag.
    NoSuchFlag,
    /// It could not be kept.
    NotStored(StoreError),
    /// It is in force, but could not be kept yet.
    NotYetStored,
}

/// Where an answer goes. Whoever has asked may have gone.
#[derive(Debug)]
pub(crate) struct Reply<T>(oneshot::Sender<Result<T, FleetError>>);

impl<T> Reply<T> {
    pub(super) fn give(self, answer: Result<T, FleetError>) {
        let _ = self.0.send(answer);
    }
}

/// FleetHandle the fleet.
#[derive(Clone, Debug)]
pub(crate) struct FleetHandle(SyncSender<FleetRequest>);

impl FleetHandle {
    pub(super) const fn new(sender: SyncSender<FleetRequest>) -> Self {
        Self(sender)
    }

    pub(crate) async fn batch(&self, batch: Content) -> Result<Taken, FleetError> {
        self.ask(|reply| FleetRequest::Batch(batch, reply)).await
    }

    pub(crate) async fn command(&self, command: BreakerCommand) -> Result<Option<FleetTransition>, FleetError> {
        self.ask(|reply| FleetRequest::Command(command, reply)).await
    }

    pub(crate) async fn ping(&self) -> Result<(), FleetError> {
        self.ask(FleetRequest::Ping).await
    }

    pub(crate) async fn breaker_statuses(&self) -> Result<BreakerStatuses, FleetError> {
        self.ask(FleetRequest::Breakers).await
    }

    pub(crate) async fn metrics_snapshot(&self) -> Result<MetricsSnapshot, FleetError> {
        self.ask(FleetRequest::Metrics).await
    }

    /// Answers the number of the revision.
    pub(crate) async fn publish(&self, request: PublishRequest) -> Result<u64, FleetError> {
        self.ask(|reply| FleetRequest::Publish(Box::new(request), reply)).await
    }

    pub(crate) async fn delivered(&self, delivery: i64, result: DeliveryResult) -> Result<(), FleetError> {
        self.ask(|reply| FleetRequest::Delivered(delivery, result, reply)).await
    }

    /// Lets the fleet end. Waits for room, which there is as soon as it has answered.
    pub(crate) fn stop(&self) {
        let _ = self.0.send(FleetRequest::Stop);
    }

    async fn ask<T>(&self, ask: impl FnOnce(Reply<T>) -> FleetRequest) -> Result<T, FleetError> {
        let (sender, receiver) = oneshot::channel();
        match self.0.try_send(ask(Reply(sender))) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => return Err(FleetError::Busy),
        }
        let answer = tokio::time::timeout(PATIENCE, receiver).await;
        answer.ok().and_then(Result::ok).unwrap_or(Err(FleetError::Timeout))
    }
}
