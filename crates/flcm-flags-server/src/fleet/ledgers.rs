//! Which batches were added up, by host and start.

use std::collections::{BTreeSet, HashMap};

use flcm_flags::Millis;
use flcm_flags::metrics::batch::{Header, Ledger, Receipt};

/// A batch that was held back for longer is refused.
pub(super) const OLDEST_MS: u64 = 24 * 3_600_000;

/// A ledger is forgotten when nothing was heard of it for so long: longer than a batch may wait, so that none is added twice.
const FORGET_MS: u64 = 2 * OLDEST_MS;

/// No more are kept, some 200 MB: whoever has the key of a page can make hosts up.
const MOST: usize = 2_000_000;

type Name = (u64, u64);
type Line = (Ledger, u64);

#[derive(Debug, Default)]
pub(super) struct Ledgers {
    lines: HashMap<Name, Line>,
    /// Those that say more than what is kept.
    dirty: BTreeSet<Name>,
}

/// What a ledger said before.
pub(super) struct Before(Name, Option<Line>);

impl Ledgers {
    /// Takes up what was kept, as if it had been heard of just now: what passed while the server was away, this clock has not seen.
    pub(super) fn restore(&mut self, lines: Vec<(Name, Line)>, now: Millis) {
        self.lines.extend(lines.into_iter().map(|(name, (ledger, _))| (name, (ledger, now.0))));
    }

    /// Whether a batch of this host can be taken down.
    pub(super) fn has_room_for(&self, header: Header) -> bool {
        self.lines.len() < MOST || self.lines.contains_key(&(header.instance, header.epoch))
    }

    /// What to do with a batch; it is taken down already.
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

    /// As if a batch had not been taken.
    pub(super) fn undo(&mut self, Before(name, line): Before) {
        match line {
            Some(line) => self.lines.insert(name, line),
            None => self.lines.remove(&name),
        };
    }

    /// Lines that are to be kept.
    pub(super) fn changed(&self) -> Vec<(Name, Line)> {
        self.dirty.iter().filter_map(|name| Some((*name, *self.lines.get(name)?))).collect()
    }

    /// Lines that are not needed any more.
    pub(super) fn stale(&self, now: Millis) -> Vec<Name> {
        let is_stale = |(_, (_, heard)): &(&Name, &Line)| now.0.saturating_sub(*heard) > FORGET_MS;
        self.lines.iter().filter(is_stale).map(|(name, _)| *name).collect()
    }

    /// What was said to be kept is kept.
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
