//! Batches beside a server that breaks in every way, hosts that are killed, and a store.

use std::collections::BTreeMap;

use flcm_flags::metrics::batch::{Batch, Header, Ledger, Receipt, set_age};
use flcm_flags::metrics::{Custom, CustomValue};
use flcm_flags::{Millis, Snapshot};
use flcm_flags_host::{BatchAction, BatchName, Batches, CustomMetrics, Delivered, Measures, Now};

use crate::chance::Chance;

const INTERVAL: u64 = 10_000;

/// Counts that are older than this are no evidence.
const EVIDENCE: u32 = 120_000;

const CALLS: &str = "calls";

fn snapshot() -> Snapshot<Vec<u8>> {
    let (config, _) = flcm_flags_config::check("flags: { beta: {} }");
    Snapshot::from_bytes(flcm_flags_config::compile(&config.unwrap())).unwrap()
}

/// Adds batches up, each once for each host and start.
#[derive(Default)]
struct Server {
    ledgers: BTreeMap<u64, Ledger>,
    custom: Box<CustomMetrics>,
}

impl Server {
    fn receive(&mut self, bytes: &[u8]) -> Receipt {
        let batch = Batch::from_bytes(bytes).unwrap();
        let Header { epoch, sequence, .. } = batch.header();
        let receipt = self.ledgers.entry(epoch).or_default().accept(sequence);
        if receipt == Receipt::Apply {
            batch.merge_customs_into(&mut self.custom);
        }
        receipt
    }

    fn has(&self, bytes: &[u8]) -> bool {
        let Header { epoch, sequence, .. } = Batch::from_bytes(bytes).unwrap().header();
        self.ledgers.get(&epoch).is_some_and(|ledger| sequence <= ledger.last)
    }

    fn calls(&self) -> u64 {
        calls(&self.custom)
    }
}

fn calls(custom: &CustomMetrics) -> u64 {
    let counted = custom.iter().map(|(_, value)| if let CustomValue::Counter(count) = value { count } else { 0 });
    counted.sum()
}

fn calls_of(bytes: &[u8]) -> u64 {
    let mut custom = Custom::new();
    Batch::from_bytes(bytes).unwrap().merge_customs_into(&mut custom);
    calls(&custom)
}

/// A host with its store. What it sends is given to a function, which answers what became of it.
struct Host {
    snapshot: Snapshot<Vec<u8>>,
    measures: Measures,
    batches: Batches,
    store: BTreeMap<String, Vec<u8>>,
    now: u64,
    chance: Chance,
    /// What was sent under each name, apart from its age.
    sent: BTreeMap<BatchName, Vec<u8>>,
    /// When each batch was drained by this start of the host.
    drained: BTreeMap<BatchName, u64>,
    last: Option<BatchName>,
}

impl Host {
    fn new(seed: u64) -> Self {
        let (snapshot, mut chance) = (snapshot(), Chance::new(seed));
        let now = Now { wall: Millis(0), elapsed: 0, random: chance.unit() };
        let mut host = Self {
            measures: Measures::new(1).unwrap(),
            snapshot,
            batches: Batches::new(7, INTERVAL, [].into_iter(), now),
            store: BTreeMap::new(),
            now: 0,
            chance,
            sent: BTreeMap::new(),
            drained: BTreeMap::new(),
            last: None,
        };
        host.batches.flags_in_use();
        host
    }

    fn now(&mut self) -> Now {
        Now { wall: Millis(self.now), elapsed: self.now, random: self.chance.unit() }
    }

    fn count(&mut self, calls: u64) {
        assert!(self.measures.custom().add(CALLS, calls));
    }

    /// Starts anew, with what is in the store. What was not drained is lost; answers how much that is.
    fn restart(&mut self) -> u64 {
        let lost = calls(self.measures.custom());
        self.measures = Measures::new(1).unwrap();
        let now = self.now();
        self.batches = Batches::new(7, INTERVAL, self.store.keys().map(String::as_str), now);
        self.batches.flags_in_use();
        self.drained.clear();
        lost
    }

    fn drain(&mut self, header: Header) -> Option<Vec<u8>> {
        (!self.measures.is_empty()).then(|| self.measures.drain(&self.snapshot, header))
    }

    /// Does an action that needs no network; answers the name of a batch that is to be sent.
    fn act(&mut self, action: BatchAction) -> Option<BatchName> {
        match action {
            BatchAction::Delete(name) => drop(self.store.remove(&name.file())),
            BatchAction::Drain(header) => {
                let (bytes, now) = (self.drain(header), self.now());
                self.drained.insert(BatchName { epoch: header.epoch, sequence: header.sequence }, self.now);
                self.batches.drained(bytes, now);
            }
            BatchAction::Read(name) => self.batches.read(name, self.store.get(&name.file()).cloned()).unwrap(),
            BatchAction::Send(name) => return Some(name),
            BatchAction::Write(name) => {
                self.store.insert(name.file(), self.batches.stored_bytes().unwrap().to_vec());
            }
        }
        None
    }

    /// The next batch of a flush; none when the flush is over. It is in the store already, and the same as ever but for
    /// its age.
    fn next(&mut self) -> Option<(BatchName, Vec<u8>)> {
        loop {
            let action = self.batches.take_action()?;
            let Some(name) = self.act(action) else { continue };
            let now = self.now();
            let bytes = self.batches.bytes(now).unwrap().to_vec();
            assert!(self.store.contains_key(&name.file()), "it is stored before it is sent");
            self.check(name, &bytes);
            self.last = Some(name);
            return Some((name, bytes));
        }
    }

    fn check(&mut self, name: BatchName, bytes: &[u8]) {
        let header = Batch::from_bytes(bytes).unwrap().header();
        assert_eq!((header.instance, header.epoch, header.sequence), (7, name.epoch, name.sequence));
        match self.drained.get(&name) {
            Some(since) => assert_eq!(u64::from(header.age), self.now - since),
            None => assert!(header.age > EVIDENCE, "{name:?} was stored by another start and has age {}", header.age),
        }
        let mut ageless = bytes.to_vec();
        set_age(&mut ageless, 0).unwrap();
        let before = self.sent.entry(name).or_insert_with(|| ageless.clone());
        assert_eq!(*before, ageless, "it is sent unchanged");
    }

    fn sent(&mut self, delivered: Delivered) {
        let now = self.now();
        self.batches.sent(delivered, now);
        if delivered == Delivered::LostCount {
            let since = self.last.and_then(|name| self.drained.get(&name)).copied();
            let header = Batch::from_bytes(self.batches.stored_bytes().unwrap()).unwrap().header();
            let name = BatchName { epoch: header.epoch, sequence: header.sequence };
            self.drained.extend(since.map(|since| (name, since)));
        }
    }

    /// Flushes, and gives everything to a function.
    fn flush(&mut self, mut send: impl FnMut(&[u8]) -> Delivered) {
        self.batches.flush();
        while let Some((_, bytes)) = self.next() {
            self.sent(send(&bytes));
        }
    }

    /// Stores what was counted, and ends.
    fn close(&mut self) {
        let mut action = Some(self.batches.close());
        while let Some(next) = action {
            assert_eq!(self.act(next), None, "nothing is sent any more");
            action = self.batches.take_action();
        }
    }
}

/// What a server says that works.
fn receipt(server: &mut Server, bytes: &[u8]) -> Delivered {
    let status = if server.receive(bytes) == Receipt::Gap { 409 } else { 202 };
    Delivered::of_status(status, 0)
}

#[test]
fn statuses_mean_the_same_for_every_host() {
    let of = |status| Delivered::of_status(status, 5);
    assert_eq!([of(200), of(202), of(204)], [Delivered::Acknowledged; 3]);
    assert_eq!(of(409), Delivered::LostCount);
    for status in [400, 404, 405, 413, 415, 422] {
        assert_eq!(of(status), Delivered::Refused, "{status}");
    }
    for status in [301, 302, 307, 401, 403, 408, 429, 500, 502, 503, 504] {
        assert_eq!(of(status), Delivered::Failed { retry_after: 5 }, "{status}");
    }
}

#[test]
fn a_batch_that_was_stored_before_a_restart_is_too_old_to_be_evidence() {
    let (mut host, mut server) = (Host::new(1), Server::default());
    host.count(3);
    host.flush(|_| Delivered::Failed { retry_after: 0 });
    host.restart();
    host.now += 1;
    let mut ages = Vec::new();
    host.flush(|bytes| {
        ages.push(Batch::from_bytes(bytes).unwrap().header().age);
        // Under the name that it gets after that as well.
        if ages.len() == 1 { Delivered::LostCount } else { receipt(&mut server, bytes) }
    });
    host.flush(|bytes| {
        ages.push(Batch::from_bytes(bytes).unwrap().header().age);
        receipt(&mut server, bytes)
    });
    assert_eq!(ages.len(), 2);
    assert!(ages.iter().all(|age| *age > EVIDENCE), "{ages:?}");
    assert_eq!(server.calls(), 3);
}

#[test]
fn a_batch_has_its_age_each_time_that_it_is_sent() {
    let mut host = Host::new(2);
    host.count(1);
    let mut ages = Vec::new();
    for _ in 0..3 {
        host.flush(|bytes| {
            ages.push(Batch::from_bytes(bytes).unwrap().header().age);
            Delivered::Failed { retry_after: 0 }
        });
        host.now += 700;
    }
    assert_eq!(ages, [0, 700, 1400]);
}

#[test]
fn a_batch_that_is_renamed_keeps_its_counts_and_its_age() {
    let (mut host, mut server) = (Host::new(3), Server::default());
    host.count(2);
    host.flush(|bytes| receipt(&mut server, bytes));
    server.ledgers.clear();
    host.count(5);
    let mut names = Vec::new();
    for _ in 0..2 {
        host.flush(|bytes| {
            let header = Batch::from_bytes(bytes).unwrap().header();
            names.push((header.sequence, header.age, calls_of(bytes)));
            receipt(&mut server, bytes)
        });
        host.now += 400;
    }
    assert_eq!(names, [(2, 0, 5), (1, 400, 5)]);
    assert_eq!(server.calls(), 7);
    assert!(host.store.is_empty());
}

#[test]
fn what_was_stored_waits_for_the_first_flags() {
    let (mut host, mut server) = (Host::new(4), Server::default());
    host.count(3);
    host.close();
    let now = host.now();
    host.batches = Batches::new(7, INTERVAL, host.store.keys().map(String::as_str), now);
    host.flush(|_| panic!("nothing is sent"));
    assert!(host.batches.next_deadline().is_some());
    host.batches.flags_in_use();
    host.drained.clear();
    host.flush(|bytes| receipt(&mut server, bytes));
    assert_eq!(server.calls(), 3);
}

#[test]
fn a_damaged_file_is_deleted_and_keeps_no_other_from_being_sent() {
    let mut host = Host::new(5);
    host.store.insert("batch-9-1".to_owned(), b"damaged".to_vec());
    host.restart();
    host.batches.flush();
    let Some(BatchAction::Read(name)) = host.batches.take_action() else { panic!("it is read") };
    assert!(host.batches.read(name, Some(b"damaged".to_vec())).is_err());
    assert_eq!(host.batches.take_action(), Some(BatchAction::Delete(name)));
    assert!(matches!(host.batches.take_action(), Some(BatchAction::Drain(_))));
}

#[test]
fn stored_batches_are_sent_in_the_order_in_which_they_were_counted() {
    let files = ["batch-9-10", "snapshot", "batch-9-2", "batch-9-", "batch-9-x", "batch-8-1"];
    let mut host = Host::new(8);
    host.batches = Batches::new(7, INTERVAL, files.into_iter(), Now::default());
    host.batches.flags_in_use();
    host.batches.flush();
    let mut read = Vec::new();
    while let Some(BatchAction::Read(name)) = host.batches.take_action() {
        read.push(name.file());
        host.batches.read(name, None).unwrap();
    }
    assert_eq!(read, ["batch-8-1", "batch-9-2", "batch-9-10"]);
}

#[test]
fn a_flush_that_is_asked_for_during_another_follows_it_soon() {
    let mut host = Host::new(6);
    host.count(1);
    host.batches.flush();
    assert!(host.next().is_some());
    let now = host.now();
    host.batches.flush_within(100, now);
    assert_eq!(host.batches.next_deadline(), None, "one flush at a time");
    host.sent(Delivered::Acknowledged);
    assert_eq!(host.next(), None);
    assert_eq!(host.batches.next_deadline(), Some(100));
    host.flush(|_| Delivered::Acknowledged);
    assert_eq!(host.batches.next_deadline(), Some(INTERVAL));
}

#[test]
fn a_server_that_fails_is_left_alone() {
    let mut host = Host::new(7);
    host.count(1);
    host.flush(|_| Delivered::Failed { retry_after: 60_000 });
    let deadline = host.batches.next_deadline().unwrap();
    assert!(deadline >= 60_000, "{deadline}");
    let now = host.now();
    host.batches.flush_within(100, now);
    assert_eq!(host.batches.next_deadline(), Some(deadline));
}

/// A host and a server, and how many calls there were.
struct World {
    host: Host,
    server: Server,
    calls: u64,
    /// Calls that the server has refused, or that were not drained when the host was killed.
    dropped: u64,
}

impl World {
    /// Sends a batch over a network and to a server that may fail in any way.
    fn send(&mut self, bytes: &[u8]) -> Delivered {
        let retry_after = self.host.chance.below(2) * 3000;
        let is_known = self.server.has(bytes);
        match self.host.chance.below(8) {
            // It does not arrive.
            0 => Delivered::Failed { retry_after: 0 },
            // It arrives, and the acknowledgement does not.
            1 => {
                self.server.receive(bytes);
                Delivered::Failed { retry_after: 0 }
            }
            2 => Delivered::of_status([302, 401, 429, 500, 503][self.some(5)], retry_after),
            // What it has counted before it cannot refuse.
            3 if !is_known => {
                self.dropped += calls_of(bytes);
                Delivered::of_status([400, 404, 413, 422][self.some(4)], retry_after)
            }
            // It has lost count, but of no batch that is sent again: nobody could tell that it was counted.
            4 if !self.host.store.values().any(|bytes| self.server.has(bytes)) => {
                self.server.ledgers.clear();
                receipt(&mut self.server, bytes)
            }
            _ => receipt(&mut self.server, bytes),
        }
    }

    fn some(&mut self, end: u64) -> usize {
        usize::try_from(self.host.chance.below(end)).unwrap()
    }

    /// Flushes; the host may be killed at each moment at which it waits.
    fn flush(&mut self) {
        self.host.batches.flush();
        while let Some((_, bytes)) = self.host.next() {
            if self.host.chance.one_in(20) {
                if self.host.chance.one_in(2) {
                    self.server.receive(&bytes);
                }
                self.dropped += self.host.restart();
                return;
            }
            let more = self.host.chance.below(3);
            self.host.count(more);
            self.calls += more;
            let delivered = self.send(&bytes);
            self.host.now += 1 + self.host.chance.below(5000);
            self.host.sent(delivered);
        }
    }

    fn step(&mut self) {
        let calls = self.host.chance.below(10);
        self.host.count(calls);
        self.calls += calls;
        match self.host.chance.below(30) {
            0 => {
                self.host.close();
                assert_eq!(self.host.restart(), 0, "closing stores everything");
            }
            1 => self.dropped += self.host.restart(),
            _ => {}
        }
        if let Some(deadline) = self.host.batches.next_deadline() {
            self.host.now = self.host.now.max(deadline);
        }
        let now = self.host.now();
        self.host.batches.poll(now);
        assert!(self.host.batches.is_flushing(), "it was due");
        self.flush();
        assert!(self.server.calls() <= self.calls, "something was counted twice");
    }
}

#[test]
fn nothing_is_lost_or_counted_twice_whatever_breaks() {
    for seed in 0..200 {
        let mut world = World { host: Host::new(seed), server: Server::default(), calls: 0, dropped: 0 };
        for _ in 0..150 {
            world.step();
        }
        let World { host, server, calls, dropped } = &mut world;
        for _ in 0..30 {
            host.flush(|bytes| receipt(server, bytes));
        }
        assert!(host.store.is_empty(), "seed {seed}");
        assert_eq!(server.calls() + *dropped, *calls, "seed {seed}");
        assert!(server.calls() > *calls / 3, "seed {seed}: most of it was dropped");
    }
}
