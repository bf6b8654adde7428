//! Which batch of counts is sent next, under which name, and what an answer means for it.
//!
//! One batch is on its way while the next one accumulates. It is stored before it is sent, and sent unchanged but for
//! its age until it was acknowledged: nothing is lost, and nothing is counted twice.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use flcm_flags::metrics::batch::{Batch, BatchError, Header, set_header};

use crate::schedule::{back_off, number_of};
use crate::text::decimal;
use crate::time::{Deadline, Now};

/// The first wait after a failure, and the longest, in milliseconds.
const FIRST_WAIT: u64 = 1000;
const LONGEST_WAIT: u64 = 300_000;

/// Counts older than this many milliseconds are no evidence. A batch that was stored before a restart gets this age,
/// because nobody knows its own.
const TOO_OLD: u32 = 120_001;

/// Distinguishes a batch of this host from its others.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct BatchName {
    /// Which batch of the epoch, from 1.
    pub sequence: u64,
    /// One run of the host.
    pub epoch: u64,
}

impl BatchName {
    /// The name of the file that a batch is stored in.
    #[must_use]
    pub fn file(self) -> String {
        ["batch-", &decimal(self.epoch), "-", &decimal(self.sequence)].concat()
    }

    /// The batch that is stored in a file; `None` for another file.
    #[must_use]
    pub fn of_file(name: &str) -> Option<Self> {
        let (epoch, sequence) = name.strip_prefix("batch-")?.split_once('-')?;
        Some(Self { sequence: sequence.parse().ok()?, epoch: epoch.parse().ok()? })
    }
}

/// What the adapter is to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BatchAction {
    /// Forget the stored batch: it has arrived, or never will.
    Delete(BatchName),
    /// Take what was counted, as a batch of this header. Answer with [`drained`](Batches::drained).
    Drain(Header),
    /// Read a batch that a process before has stored. Answer with [`read`](Batches::read).
    Read(BatchName),
    /// Send [`bytes`](Batches::bytes). Answer with [`sent`](Batches::sent).
    Send(BatchName),
    /// Store [`stored_bytes`](Batches::stored_bytes) before anything else is done.
    Write(BatchName),
}

/// What became of a batch that was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Delivered {
    /// The server has it.
    Acknowledged,
    /// The server will never take it.
    Refused,
    /// The server has lost count of this host (409): the batch needs a new name.
    LostCount,
    /// It did not arrive, and is sent again; not before so many milliseconds.
    Failed {
        /// What the server asked for in `Retry-After`; 0 for nothing.
        retry_after: u64,
    },
}

impl Delivered {
    /// What the status of the server's answer means for a batch. Statuses that would be the same for the same batch
    /// refuse it; any other failure may pass, a redirect among them.
    #[must_use]
    pub const fn of_status(status: u16, retry_after: u64) -> Self {
        match status {
            200..300 => Self::Acknowledged,
            400 | 404 | 405 | 413 | 415 | 422 => Self::Refused,
            409 => Self::LostCount,
            _ => Self::Failed { retry_after },
        }
    }
}

#[derive(Debug)]
struct InFlight {
    name: BatchName,
    bytes: Vec<u8>,
    /// When it was drained; `None` when that was before a restart.
    since: Option<u64>,
}

/// Where a flush stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    /// No flush is under way.
    Idle,
    /// What was left over goes first.
    Next,
    Reading,
    Draining,
    Sending,
    /// What was counted since goes last, and only once: under load there is always more.
    SendingLast,
    /// The host is closing: what is drained now is only stored.
    DrainingToStore,
}

/// The batches of a host, from counting to acknowledgement.
#[derive(Debug)]
pub struct Batches {
    instance: u64,
    /// Milliseconds between two flushes; 0 for none but those that are asked for.
    interval: u64,
    epoch: u64,
    sequence: u64,
    in_flight: Option<InFlight>,
    has_flags: bool,
    /// Batches that a process before has stored, and nobody has acknowledged.
    stored: VecDeque<BatchName>,
    /// What is to be stored and deleted.
    actions: VecDeque<BatchAction>,
    step: Step,
    failures: u32,
    flush_at: Deadline,
}

impl Batches {
    /// The batches of an instance. `files` are the names of all that is stored.
    #[must_use]
    pub fn new<'n>(instance: u64, interval: u64, files: impl Iterator<Item = &'n str>, now: Now) -> Self {
        let mut stored: Vec<BatchName> = files.filter_map(BatchName::of_file).collect();
        // Each in its turn: a server takes what comes after a gap for another host's.
        stored.sort_unstable();
        let mut batches = Self {
            instance,
            interval,
            epoch: number_of(now.random),
            sequence: 0,
            in_flight: None,
            has_flags: false,
            stored: stored.into(),
            actions: VecDeque::new(),
            step: Step::Idle,
            failures: 0,
            flush_at: Deadline::default(),
        };
        batches.schedule(now);
        batches
    }

    /// Flags are in use. What a process before has stored waits for that, because nothing is counted until then either.
    pub const fn flags_in_use(&mut self) {
        self.has_flags = true;
    }

    /// Begins to send what is left over, and then what was counted. Nothing happens while that is under way.
    pub fn flush(&mut self) {
        if self.step == Step::Idle {
            self.step = Step::Next;
            self.flush_at.clear();
        }
    }

    /// Flushes within so many milliseconds, because something has happened that others need to know. A server that
    /// fails is left alone.
    pub fn flush_within(&mut self, within: u64, now: Now) {
        if self.failures == 0 {
            self.flush_at.no_later_than(now, within);
        }
    }

    /// Lets time pass.
    pub fn poll(&mut self, now: Now) {
        if !self.is_flushing() && self.flush_at.is_due(now) {
            self.flush();
        }
    }

    /// When to [`poll`](Self::poll) next, by the time that elapses; `None` while a flush is under way.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        self.flush_at.at().filter(|_| !self.is_flushing())
    }

    /// Whether a flush is under way.
    #[must_use]
    pub fn is_flushing(&self) -> bool {
        self.step != Step::Idle
    }

    /// What is to be done next; to be asked after each other call until there is nothing.
    pub fn take_action(&mut self) -> Option<BatchAction> {
        if let Some(action) = self.actions.pop_front() {
            return Some(action);
        }
        if self.step != Step::Next {
            return None;
        }
        if let Some(InFlight { name, .. }) = self.in_flight {
            self.step = Step::Sending;
            return Some(BatchAction::Send(name));
        }
        if let Some(name) = self.stored.pop_front_if(|_| self.has_flags) {
            self.step = Step::Reading;
            return Some(BatchAction::Read(name));
        }
        self.step = Step::Draining;
        Some(BatchAction::Drain(self.header(self.next_name())))
    }

    /// A stored batch was read; `None` when there is none, or it cannot be read now. Answers what is wrong with it: it
    /// is deleted then, because it would be no better at the next start.
    ///
    /// # Errors
    /// The bytes are no batch.
    pub fn read(&mut self, name: BatchName, bytes: Option<Vec<u8>>) -> Result<(), BatchError> {
        self.step = Step::Next;
        let Some(bytes) = bytes else { return Ok(()) };
        if let Err(error) = Batch::from_own_bytes(&bytes) {
            self.actions.push_back(BatchAction::Delete(name));
            return Err(error);
        }
        self.in_flight = Some(InFlight { name, bytes, since: None });
        Ok(())
    }

    /// What was counted was drained; `None` when nothing was.
    pub fn drained(&mut self, bytes: Option<Vec<u8>>, now: Now) {
        let is_closing = self.step == Step::DrainingToStore;
        let Some(bytes) = bytes else {
            self.finish(now);
            return;
        };
        let name = self.next_name();
        self.sequence += 1;
        self.in_flight = Some(InFlight { name, bytes, since: Some(now.elapsed) });
        self.actions.push_back(BatchAction::Write(name));
        if is_closing {
            self.step = Step::Idle;
        } else {
            self.step = Step::SendingLast;
            self.actions.push_back(BatchAction::Send(name));
        }
    }

    /// The bytes of the batch on its way, with its age as of now. Evidence is weighed by when it was counted.
    pub fn bytes(&mut self, now: Now) -> Option<&[u8]> {
        let InFlight { bytes, since, .. } = self.in_flight.as_mut()?;
        let age = since.map_or(TOO_OLD, |since| u32::try_from(now.elapsed.saturating_sub(since)).unwrap_or(u32::MAX));
        let aged = set_header(bytes, |header| Header { age, ..header });
        debug_assert!(aged.is_ok(), "it was written by us, or checked");
        Some(bytes)
    }

    /// The bytes of the batch on its way, as they are stored.
    #[must_use]
    pub fn stored_bytes(&self) -> Option<&[u8]> {
        self.in_flight.as_ref().map(|batch| &*batch.bytes)
    }

    /// A batch was sent.
    pub fn sent(&mut self, delivered: Delivered, now: Now) {
        match delivered {
            Delivered::Acknowledged | Delivered::Refused => self.forget(now),
            Delivered::LostCount => {
                self.rename(now);
                self.fail(0, now);
            }
            Delivered::Failed { retry_after } => self.fail(retry_after, now),
        }
    }

    /// The host is closing: what was counted while a batch was on its way is stored behind it, for the next start.
    pub fn close(&mut self) -> BatchAction {
        self.step = Step::DrainingToStore;
        self.flush_at.clear();
        BatchAction::Drain(self.header(self.next_name()))
    }

    fn next_name(&self) -> BatchName {
        BatchName { epoch: self.epoch, sequence: self.sequence + 1 }
    }

    fn header(&self, BatchName { epoch, sequence }: BatchName) -> Header {
        Header { instance: self.instance, epoch, sequence, age: 0 }
    }

    fn forget(&mut self, now: Now) {
        if let Some(InFlight { name, .. }) = self.in_flight.take() {
            self.actions.push_back(BatchAction::Delete(name));
        }
        if self.step == Step::SendingLast {
            self.finish(now);
        } else {
            self.step = Step::Next;
        }
    }

    /// Gives the batch on its way the name of a host that has just begun.
    fn rename(&mut self, now: Now) {
        self.epoch = number_of(now.random);
        self.sequence = 1;
        let header = self.header(BatchName { epoch: self.epoch, sequence: 1 });
        let Some(InFlight { name, bytes, .. }) = &mut self.in_flight else { return };
        let before = core::mem::replace(name, BatchName { epoch: header.epoch, sequence: 1 });
        let renamed = set_header(bytes, |_| header);
        debug_assert!(renamed.is_ok(), "it was written by us, or checked");
        self.actions.push_back(BatchAction::Write(*name));
        self.actions.push_back(BatchAction::Delete(before));
    }

    fn fail(&mut self, retry_after: u64, now: Now) {
        self.step = Step::Idle;
        self.failures += 1;
        let wait = back_off(self.failures + 1, FIRST_WAIT, LONGEST_WAIT, now.random);
        self.flush_at.set(now, retry_after.saturating_add(wait));
    }

    fn finish(&mut self, now: Now) {
        self.step = Step::Idle;
        self.failures = 0;
        self.schedule(now);
    }

    /// Flushes after an interval, or sooner if that was asked for meanwhile.
    fn schedule(&mut self, now: Now) {
        if self.interval > 0 {
            self.flush_at.no_later_than(now, self.interval);
        }
    }
}
