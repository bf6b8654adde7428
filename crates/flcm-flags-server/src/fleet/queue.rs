//! What waits for the fleet. Commands go first, however many batches wait: a flag must be held under any load.
//!
//! Each kind has a limit of its own, so that a flood of one leaves room for the others.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::FleetError;
use super::handle::{BatchRequest, FleetRequest, Reply};

/// So many commands may wait, so many requests for a report, checks that the fleet replies, and batches.
const COMMANDS: usize = 256;
const REPORTS: usize = 256;
const PINGS: usize = 8192;
const BATCHES: usize = 8192;

/// Batches are handled in groups that share a commit, of at most so many batches and bytes. (One batch may be larger.)
/// A command waits for one group at most.
const GROUP: usize = 512;
const GROUP_BYTES: usize = 1 << 20;

/// What the fleet does next.
#[expect(clippy::large_enum_variant, reason = "one exists at a time, and is taken apart at once")]
#[derive(Debug)]
pub(super) enum Next {
    Batches(Vec<BatchRequest>),
    Nothing,
    Pings(Vec<Reply<()>>),
    Request(FleetRequest),
    /// Nobody can send anything any more, or it was stopped and nothing else waits.
    Stop,
}

/// The sending side, shared by all handles.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    commands: VecDeque<FleetRequest>,
    reports: VecDeque<FleetRequest>,
    pings: Vec<Reply<()>>,
    batches: VecDeque<BatchRequest>,
    /// Whether the last request was one for a report: batches take turns with them.
    has_reported: bool,
    is_stopped: bool,
    /// Whether the fleet has ended.
    is_closed: bool,
}

/// The receiving side: the fleet's. What still waits when it is dropped gets no reply.
#[derive(Debug)]
pub(crate) struct Requests(Arc<Queue>);

/// A queue and its receiving side.
pub(super) fn queue() -> (Arc<Queue>, Requests) {
    let queue = Arc::new(Queue::default());
    (Arc::clone(&queue), Requests(queue))
}

impl Queue {
    pub(super) fn command(&self, request: FleetRequest) -> Result<(), FleetError> {
        self.push(request, COMMANDS, |waiting| &mut waiting.commands)
    }

    pub(super) fn report(&self, request: FleetRequest) -> Result<(), FleetError> {
        self.push(request, REPORTS, |waiting| &mut waiting.reports)
    }

    pub(super) fn batch(&self, request: BatchRequest) -> Result<(), FleetError> {
        self.push(request, BATCHES, |waiting| &mut waiting.batches)
    }

    pub(super) fn ping(&self, reply: Reply<()>) -> Result<(), FleetError> {
        let mut waiting = self.lock();
        if waiting.is_closed || waiting.pings.len() >= PINGS {
            return Err(FleetError::Busy);
        }
        waiting.pings.push(reply);
        self.changed.notify_one();
        Ok(())
    }

    pub(super) fn stop(&self) {
        self.lock().is_stopped = true;
        self.changed.notify_one();
    }

    fn push<T>(
        &self,
        request: T,
        most: usize,
        list: impl FnOnce(&mut Waiting) -> &mut VecDeque<T>,
    ) -> Result<(), FleetError> {
        let mut waiting = self.lock();
        let is_closed = waiting.is_closed;
        let list = list(&mut waiting);
        if is_closed || list.len() >= most {
            return Err(FleetError::Busy);
        }
        list.push_back(request);
        self.changed.notify_one();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Requests {
    /// What is to be done next; waits for it at most this long.
    pub(super) fn next(&self, patience: Duration) -> Next {
        let mut waiting = self.0.lock();
        if !waiting.has_any() && Arc::strong_count(&self.0) > 1 {
            let waited = self.0.changed.wait_timeout_while(waiting, patience, |waiting| !waiting.has_any());
            waiting = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let next = waiting.next();
        let is_gone = matches!(next, Next::Nothing) && Arc::strong_count(&self.0) == 1;
        if is_gone { Next::Stop } else { next }
    }

    /// Whether a command waits.
    pub(super) fn has_commands(&self) -> bool {
        !self.0.lock().commands.is_empty()
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        let left = std::mem::replace(&mut *self.0.lock(), Waiting { is_closed: true, ..Waiting::default() });
        drop(left);
    }
}

impl Waiting {
    fn has_any(&self) -> bool {
        let lists = self.commands.len() + self.reports.len() + self.pings.len() + self.batches.len();
        lists > 0 || self.is_stopped
    }

    fn next(&mut self) -> Next {
        if let Some(command) = self.commands.pop_front() {
            return Next::Request(command);
        }
        if !self.pings.is_empty() {
            return Next::Pings(std::mem::take(&mut self.pings));
        }
        let is_turn = self.batches.is_empty() || !self.has_reported;
        if let Some(report) = is_turn.then(|| self.reports.pop_front()).flatten() {
            self.has_reported = true;
            return Next::Request(report);
        }
        self.has_reported = false;
        match self.group() {
            group if !group.is_empty() => Next::Batches(group),
            _ if self.is_stopped => Next::Stop,
            _ => Next::Nothing,
        }
    }

    /// The batches that share the next commit.
    fn group(&mut self) -> Vec<BatchRequest> {
        let (mut group, mut bytes) = (Vec::new(), 0);
        while let Some((batch, _)) = self.batches.front().filter(|_| group.len() < GROUP) {
            bytes += batch.checked.bytes().len();
            if bytes > GROUP_BYTES && !group.is_empty() {
                break;
            }
            group.extend(self.batches.pop_front());
        }
        group
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;
    use std::time::Duration;

    use super::{BATCHES, COMMANDS, Next, Queue, Requests, queue};
    use crate::fleet::handle::{BatchRequest, FleetRequest, Reply};
    use crate::fleet::{FleetError, RemoveMetric};
    use crate::ingest::ReceivedBatch;

    fn batch(flags: usize) -> BatchRequest {
        (Box::new(ReceivedBatch::of_flags(flags)), Reply::to_nobody())
    }

    fn report() -> FleetRequest {
        FleetRequest::Metrics(Reply::to_nobody())
    }

    fn command() -> FleetRequest {
        let (name, address) = (String::new(), IpAddr::from([127, 0, 0, 1]));
        FleetRequest::RemoveMetric(RemoveMetric { name, actor: String::new(), address }, Reply::to_nobody())
    }

    /// What comes next, in short.
    fn next(requests: &Requests) -> String {
        match requests.next(Duration::ZERO) {
            Next::Batches(group) => format!("{} batches", group.len()),
            Next::Nothing => "nothing".to_owned(),
            Next::Pings(pings) => format!("{} pings", pings.len()),
            Next::Request(FleetRequest::Metrics(_)) => "report".to_owned(),
            Next::Request(_) => "command".to_owned(),
            Next::Stop => "stop".to_owned(),
        }
    }

    fn fill(queue: &Queue) -> usize {
        (0..=BATCHES).take_while(|_| queue.batch(batch(0)).is_ok()).count()
    }

    #[test]
    fn a_command_goes_first_however_many_batches_wait() {
        let (queue, requests) = queue();
        assert_eq!(fill(&queue), BATCHES);
        assert!(matches!(queue.batch(batch(0)), Err(FleetError::Busy)));
        assert!(queue.report(report()).is_ok() && queue.report(report()).is_ok());
        assert!(queue.ping(Reply::to_nobody()).is_ok() && queue.ping(Reply::to_nobody()).is_ok());
        assert!(queue.command(command()).is_ok());
        let order: Vec<_> = (0..6).map(|_| next(&requests)).collect();
        assert_eq!(order, ["command", "2 pings", "report", "512 batches", "report", "512 batches"]);
        assert!(queue.command(command()).is_ok());
        assert_eq!(next(&requests), "command");
    }

    #[test]
    fn a_group_is_bounded_by_bytes() {
        let (queue, requests) = queue();
        // Two of 518 KB fit into a group, and one of 3 MB is a group of its own.
        for flags in [12_000, 2_000, 2_000, 2_000] {
            assert!(queue.batch(batch(flags)).is_ok());
        }
        assert_eq!([(); 4].map(|()| next(&requests)), ["1 batches", "2 batches", "1 batches", "nothing"]);
    }

    #[test]
    fn each_kind_has_a_limit_of_its_own() {
        let (queue, requests) = queue();
        assert_eq!((0..=COMMANDS).take_while(|_| queue.command(command()).is_ok()).count(), COMMANDS);
        assert!(queue.report(report()).is_ok() && queue.batch(batch(0)).is_ok());
        drop(requests);
        assert!(matches!(queue.command(command()), Err(FleetError::Busy)), "the fleet has ended");
    }

    #[test]
    fn it_stops_when_nothing_waits_any_more() {
        let (sender, requests) = queue();
        sender.stop();
        assert!(sender.batch(batch(0)).is_ok());
        assert_eq!([(); 2].map(|()| next(&requests)), ["1 batches", "stop"]);
        let (sender, requests) = queue();
        assert!(sender.batch(batch(0)).is_ok());
        drop::<Arc<_>>(sender);
        assert_eq!([(); 2].map(|()| next(&requests)), ["1 batches", "stop"]);
    }
}
