//! Ledgers in the order of their latest batches: when there are too many, the oldest makes room.

use std::collections::{BTreeSet, HashMap};

use super::{Line, Name};
use crate::peer::AddressPrefix;

/// A limited number of ledgers, and of ledgers by network.
#[derive(Debug)]
pub(super) struct Recent {
    most: usize,
    most_of_prefix: usize,
    lines: HashMap<Name, (AddressPrefix, Line)>,
    by_age: BTreeSet<(u64, Name)>,
    by_prefix: BTreeSet<(AddressPrefix, u64, Name)>,
    counts: HashMap<AddressPrefix, usize>,
}

impl Recent {
    pub(super) fn new(most: usize, most_of_prefix: usize) -> Self {
        let (lines, counts) = (HashMap::new(), HashMap::new());
        Self { most, most_of_prefix, lines, by_age: BTreeSet::new(), by_prefix: BTreeSet::new(), counts }
    }

    pub(super) fn get(&self, host: Name) -> Option<Line> {
        self.lines.get(&host).map(|(_, line)| *line)
    }

    /// The network that a ledger counts for, and the ledger.
    pub(super) fn line(&self, host: Name) -> Option<(AddressPrefix, Line)> {
        self.lines.get(&host).copied()
    }

    /// Inserts or replaces a ledger; returns the one that makes room for it.
    pub(super) fn insert(&mut self, host: Name, prefix: AddressPrefix, line: Line) -> Option<Name> {
        self.remove(host);
        self.lines.insert(host, (prefix, line));
        self.by_age.insert((line.1, host));
        self.by_prefix.insert((prefix, line.1, host));
        let of_prefix = self.counts.entry(prefix).or_default();
        *of_prefix += 1;
        let oldest = if *of_prefix > self.most_of_prefix {
            self.by_prefix.range((prefix, 0, (0, 0))..).next().map(|(_, _, host)| *host)
        } else if self.lines.len() > self.most {
            self.by_age.first().map(|(_, host)| *host)
        } else {
            None
        };
        oldest.inspect(|host| self.remove(*host))
    }

    /// Puts a ledger back as it was, or removes it.
    pub(super) fn set(&mut self, host: Name, line: Option<Line>) {
        match (line, self.lines.get(&host)) {
            (Some(line), Some(&(prefix, _))) => _ = self.insert(host, prefix, line),
            _ => self.remove(host),
        }
    }

    /// Takes a ledger whose latest batch came before a time.
    pub(super) fn take_older(&mut self, time: u64) -> Option<Name> {
        let (_, host) = self.by_age.first().copied().filter(|(last_seen, _)| *last_seen < time)?;
        self.remove(host);
        Some(host)
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    fn remove(&mut self, host: Name) {
        let Some((prefix, (_, last_seen))) = self.lines.remove(&host) else { return };
        self.by_age.remove(&(last_seen, host));
        self.by_prefix.remove(&(prefix, last_seen, host));
        if let Some(count) = self.counts.get_mut(&prefix) {
            *count -= 1;
            if *count == 0 {
                self.counts.remove(&prefix);
            }
        }
    }
}
