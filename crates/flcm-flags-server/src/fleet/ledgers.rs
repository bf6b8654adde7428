//! Which batches were counted, by host and start of the host.

use std::collections::{BTreeSet, HashMap};

use flcm_flags::Millis;
use flcm_flags::metrics::batch::{Header, Ledger, Receipt};

/// An older batch is refused.
pub(super) const OLDEST_MS: u64 = 24 * 3_600_000;

/// A ledger is dropped when no batch has come for this long: longer than a batch may wait, so that none is counted
/// twice.
const FORGET_MS: u64 = 2 * OLDEST_MS;

/// The limit of ledgers, about 200 MB: anyone with the key of a page can invent hosts.
const MOST: usize = 2_000_000;

type Name = (u64, u64);
type Line = (Ledger, u64);

#[derive(Debug, Default)]
pub(super) struct Ledgers {
    lines: HashMap<Name, Line>,
    /// Ledgers that have changed since they were stored.
    dirty: BTreeSet<Name>,
}

/// A ledger as it was before a batch.
pub(super) struct Before(Name, Option<Line>);

impl Ledgers {
    /// Restores stored ledgers, as if a batch had come just now: the clock does not know how long the server was down.
    pub(super) fn restore(&mut self, lines: Vec<(Name, Line)>, now: Millis) {
        self.lines.extend(lines.into_iter().map(|(name, (ledger, _))| (name, (ledger, now.0))));
    }

    /// Whether there is room for the ledger of this host.
    pub(super) fn has_room_for(&self, header: Header) -> bool {
        self.lines.len() < MOST || self.lines.contains_key(&(header.instance, header.epoch))
    }

    /// What to do with a batch, which the ledger contains from now on.
    pub(super) fn accept(&mut self, header: Header, now: Millis) -> (Receipt, Before) {
        let name = (header.instance, header.epoch);
        let before = Before(name, self.lines.get(&name).copied());
        let (mut ledger, _) = before.1.unwrap_or_default();
        let receipt = ledger.accept(header.sequence);
        if receipt == Receipt::Apply {
            self.lines.insert(name, (ledger, now.0));
            self.dirty.insert(name);
        }
        (receipt, before)
    }

    /// Takes a batch back, as if it had not come.
    pub(super) fn undo(&mut self, Before(name, line): Before) {
        match line {
            Some(line) => self.lines.insert(name, line),
            None => self.lines.remove(&name),
        };
    }

    /// The ledgers to be stored.
    pub(super) fn changed(&self) -> Vec<(Name, Line)> {
        self.dirty.iter().filter_map(|name| Some((*name, *self.lines.get(name)?))).collect()
    }

    /// The ledgers that are no longer needed.
    pub(super) fn stale(&self, now: Millis) -> Vec<Name> {
        let is_stale = |(_, (_, last_seen)): &(&Name, &Line)| now.0.saturating_sub(*last_seen) > FORGET_MS;
        self.lines.iter().filter(is_stale).map(|(name, _)| *name).collect()
    }

    /// Notes that changes are stored, and that these ledgers are dropped.
    pub(super) fn mark_stored(&mut self, stale: &[Name]) {
        self.dirty.clear();
        for name in stale {
            self.lines.remove(name);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }
}
