//! Batches: written, then added up, then acknowledged.

use bytes::Bytes;
use flcm_flags::metrics::batch::{Batch, Header, Receipt};
use flcm_flags::{FlagId, Millis};

use super::asks::Reply;
use super::ledgers::{Before, OLDEST_MS};
use super::{Answer, BatchRefusal, Fleet, Taken};

impl Fleet {
    /// Takes batches that came together: in one commit, each once.
    pub(super) fn take_batches(&mut self, batches: Vec<(Bytes, Reply<Taken>)>) {
        if batches.is_empty() {
            return;
        }
        let now = self.clock.now();
        let (mut fresh, mut before, mut answers) = (Vec::new(), Vec::new(), Vec::new());
        for (bytes, reply) in batches {
            match self.admit(&bytes, now) {
                Ok((receipt, line)) => {
                    if receipt == Receipt::Apply {
                        fresh.push(bytes);
                        before.push(line);
                    }
                    answers.push((reply, Taken { repeated: receipt == Receipt::Repeat }));
                }
                Err(refusal) => {
                    self.count_refusal(refusal);
                    reply.give(Err(Answer::Batch(refusal)));
                }
            }
        }
        let kept = self.keep_batches(&fresh, before, now);
        for (reply, taken) in answers {
            // A repetition is not acknowledged either: what it repeats may be among those that were lost just now.
            reply.give(if kept { Ok(taken) } else { Err(Answer::Busy) });
        }
    }

    /// Writes batches down, then adds them up; whether that went well.
    fn keep_batches(&mut self, fresh: &[Bytes], before: Vec<Before>, now: Millis) -> bool {
        if fresh.is_empty() {
            return true;
        }
        let last = match self.store.append(now, &fresh.iter().collect::<Vec<_>>()) {
            Ok(last) => last,
            Err(error) => {
                self.complain("batches could not be stored; hosts send them again", &error);
                before.into_iter().rev().for_each(|line| self.ledgers.undo(line));
                return false;
            }
        };
        self.logged_bytes += fresh.iter().map(Bytes::len).sum::<usize>();
        let mut news = Vec::new();
        for bytes in fresh {
            self.add(bytes, now, |_, _| true, &mut news);
        }
        self.last_batch = last;
        self.shared.counters.batches.add(fresh.len() as u64);
        self.settle(&news, "breaker", "");
        true
    }

    fn admit(&mut self, bytes: &[u8], now: Millis) -> Result<(Receipt, Before), BatchRefusal> {
        let batch = Batch::from_bytes(bytes).map_err(|error| BatchRefusal::Invalid(error.as_str()))?;
        let header: Header = batch.header();
        if u64::from(header.age) > OLDEST_MS {
            return Err(BatchRefusal::TooOld);
        }
        match self.ledgers.accept(header, now) {
            (Receipt::Gap, _) => Err(BatchRefusal::Gap),
            accepted => Ok(accepted),
        }
    }

    fn count_refusal(&self, refusal: BatchRefusal) {
        let counters = &self.shared.counters;
        if refusal == BatchRefusal::Gap { counters.gaps.add(1) } else { counters.invalid.add(1) }
    }

    /// Adds a batch up. Breakers hear of it where `is_evidence` says so: one that was kept may know of it already.
    pub(super) fn add(
        &mut self,
        bytes: &[u8],
        now: Millis,
        is_evidence: impl Fn(&Self, &str) -> bool,
        news: &mut Vec<flcm_flags_engine::News>,
    ) {
        let Ok(batch) = Batch::from_bytes(bytes) else { return };
        let instance = batch.header().instance;
        for counted in batch.flags() {
            let snapshot = &self.published.snapshot;
            let id = snapshot.flag(counted.key());
            if id.is_none() && !self.totals.knows(counted.key()) {
                self.shared.counters.unknown_flags.add(1);
                continue;
            }
            let flag = id.and_then(|id| snapshot.describe(id));
            let is_variant =
                |name: &str| flag.as_ref().is_some_and(|flag| flag.variants().any(|variant| variant.name() == name));
            self.totals.add(&counted, is_variant);
            let Some(id) = id else { continue };
            let counts = counted.evidence();
            let is_guarded = self.guards.breaker(id).is_some();
            if is_guarded
                && (counts.treatment.total > 0 || counts.control.total > 0)
                && is_evidence(self, counted.key())
            {
                self.guards.record(&self.published.snapshot, id, &counts, now, news);
                if !self.stirred.contains(counted.key()) {
                    self.stirred.insert(counted.key().to_owned());
                }
            }
            let says = self.says(id);
            self.hosts.note(instance, &counted, says, now);
        }
        batch.merge_customs_into(&mut self.totals.customs);
    }

    /// What the fleet says of a flag: its trip, and its generation if it has a breaker.
    pub(super) fn says(&self, flag: FlagId) -> (flcm_flags::TripState, Option<u32>) {
        (self.guards.trips().state(flag), self.guards.breaker(flag).map(|(breaker, _)| breaker.generation()))
    }
}
