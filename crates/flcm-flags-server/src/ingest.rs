//! Request bodies on their way into memory: how large one may be, how long it may take, and how much all of them may
//! hold. Batches among them are checked here.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::peer::Turns;

mod batch;

pub(crate) use batch::{Origin, ReceivedBatch};

/// A body must arrive within this time.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);

/// Memory is reserved in pieces of this size.
const PIECE: usize = 64 << 10;

/// The memory for batches of pages. One of them has a piece at most, and a network has a quarter of all.
const OF_PAGES: usize = 16 << 20;
const TURNS: usize = OF_PAGES / PIECE;

/// A limit for the memory of request bodies together, so that many large ones cannot exhaust it.
#[derive(Debug)]
pub(crate) struct BodyMemory(Arc<Semaphore>);

/// A body, and the memory that it reserves until it is dropped.
#[derive(Debug)]
pub(crate) struct Content {
    pub(crate) bytes: Bytes,
    _reserved: Option<OwnedSemaphorePermit>,
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BodyError {
    /// The connection ended before the body did.
    Incomplete,
    /// Other bodies take all the memory.
    NoMemory,
    /// It did not arrive in time.
    Timeout,
    /// It is larger than allowed.
    TooLarge,
}

/// The memory of all request bodies that are being read, or whose requests are not answered yet. Each kind has its own,
/// so that a flood of one kind leaves room for the others: strangers send batches of pages, and nobody else sends
/// commands than an operator.
#[derive(Debug)]
pub(crate) struct Bodies {
    pub(crate) batches: BodyMemory,
    pub(crate) batches_of_pages: BodyMemory,
    /// Which networks those come from.
    pub(crate) turns_of_pages: Arc<Turns>,
    pub(crate) commands: BodyMemory,
    pub(crate) documents: BodyMemory,
    pub(crate) evaluations: BodyMemory,
    pub(crate) evaluations_of_pages: BodyMemory,
}

impl Default for Bodies {
    fn default() -> Self {
        Self {
            batches: BodyMemory::of(24 << 20),
            batches_of_pages: BodyMemory::of(OF_PAGES),
            turns_of_pages: Turns::new(TURNS / 4, TURNS),
            commands: BodyMemory::of(16 << 20),
            documents: BodyMemory::of(128 << 20),
            evaluations: BodyMemory::of(16 << 20),
            evaluations_of_pages: BodyMemory::of(8 << 20),
        }
    }
}

impl Content {
    /// Other bytes, which take the place of the body in its memory.
    pub(crate) fn with(self, bytes: Bytes) -> Self {
        Self { bytes, ..self }
    }

    #[cfg(test)]
    pub(crate) const fn of(bytes: Bytes) -> Self {
        Self { bytes, _reserved: None }
    }
}

impl BodyMemory {
    fn of(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / PIECE)))
    }

    /// Reads a body of at most `limit` bytes. Memory is reserved as it arrives, not when it is announced, so a client
    /// that only announces a body keeps nobody else out.
    pub(crate) async fn read(&self, body: Body, limit: usize) -> Result<Content, BodyError> {
        if HttpBody::size_hint(&body).lower() > limit as u64 {
            return Err(BodyError::TooLarge);
        }
        tokio::time::timeout(TIMEOUT, self.collect(body, limit)).await.unwrap_or(Err(BodyError::Timeout))
    }

    async fn collect(&self, body: Body, limit: usize) -> Result<Content, BodyError> {
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(0).min(limit);
        let mut body = Limited::new(body, limit);
        let (mut first, mut joined, mut length) = (Bytes::new(), Vec::new(), 0);
        let mut reserved = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| {
                if error.is::<LengthLimitError>() { BodyError::TooLarge } else { BodyError::Incomplete }
            })?;
            let Ok(part) = frame.into_data() else { continue };
            self.reserve(&mut reserved, length + part.len())?;
            // Parts are joined as they come: kept apart, parts of one byte each would take many times their length.
            // Most bodies come in one part, which is not copied.
            if length == 0 {
                first = part;
            } else {
                if joined.is_empty() {
                    // All at once if the length is known: memory that grows is copied, and for a while there twice.
                    joined.reserve_exact(announced.max(length + part.len()));
                    joined.extend_from_slice(&first);
                }
                joined.extend_from_slice(&part);
            }
            length = first.len().max(joined.len());
        }
        let bytes = if joined.is_empty() { first } else { joined.into() };
        Ok(Content { bytes, _reserved: reserved })
    }

    /// Reserves as many pieces as a body of this length needs.
    fn reserve(&self, reserved: &mut Option<OwnedSemaphorePermit>, length: usize) -> Result<(), BodyError> {
        let has = reserved.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = u32::try_from(length.div_ceil(PIECE) - has).unwrap_or(u32::MAX);
        let permit = Arc::clone(&self.0).try_acquire_many_owned(missing).map_err(|_| BodyError::NoMemory)?;
        match reserved {
            Some(reserved) => reserved.merge(permit),
            None => *reserved = Some(permit),
        }
        Ok(())
    }
}
