//! Which batches were counted, by host and start of the host.
//!
//! Anyone with the key of a page can invent hosts. So ledgers of client keys are kept apart: they neither crowd out
//! those of other keys, nor can they be mistaken for them, and they are refused to nobody: the oldest makes room.

use std::collections::{BTreeSet, HashMap};

use flcm_flags::Millis;
use flcm_flags::metrics::batch::{Header, Ledger, Receipt};

use crate::ingest::Origin;
use crate::keys::Role;
use crate::peer::AddressPrefix;
use crate::store::{StoredLedger, StoredLedgerName};

mod recent;

use recent::Recent;

/// An older batch is refused: of a client key, and of any other.
const OLDEST_OF_PAGE_MS: u64 = 30 * 60_000;
const OLDEST_MS: u64 = 24 * 3_600_000;

/// A ledger is dropped when no batch has come for twice that long, so that none is counted twice.
const FORGET: u64 = 2;

/// The limit of ledgers of keys that are no client keys: about 40 MB.
const MOST: usize = 900_000;

/// The limit of ledgers of client keys, about 30 MB, and of those among them that come from one network.
const MOST_OF_PAGES: usize = 200_000;
const MOST_OF_PREFIX: usize = MOST_OF_PAGES / 4;

/// How often all ledgers are looked through for stale ones.
const LOOKS_MS: u64 = 60_000;

/// A host and its start.
type Name = (u64, u64);

/// A ledger, and when its latest batch came.
type Line = (Ledger, u64);

#[derive(Debug)]
pub(super) struct Ledgers {
    lines: HashMap<Name, Line>,
    pages: Recent,
    /// Ledgers that have changed since they were stored, and stored ones that are gone.
    changed: BTreeSet<StoredLedgerName>,
    gone: BTreeSet<StoredLedgerName>,
    looked: u64,
}

/// A ledger as it was before a batch.
pub(super) struct Before(StoredLedgerName, Option<Line>);

/// The age at which a batch is refused.
pub(super) const fn oldest_ms(role: Role) -> u64 {
    if role.is_public() { OLDEST_OF_PAGE_MS } else { OLDEST_MS }
}

impl Default for Ledgers {
    fn default() -> Self {
        Self {
            lines: HashMap::new(),
            pages: Recent::new(MOST_OF_PAGES, MOST_OF_PREFIX),
            changed: BTreeSet::new(),
            gone: BTreeSet::new(),
            looked: 0,
        }
    }
}

impl Ledgers {
    /// Restores stored ledgers, as if a batch had come just now: the clock does not know how long the server was down.
    pub(super) fn restore(&mut self, stored: Vec<StoredLedger>, now: Millis) {
        for StoredLedger { name, prefix, ledger, .. } in stored {
            if name.is_page {
                let gone = self.pages.insert(name.host, prefix, (ledger, now.0));
                self.gone.extend(gone.map(|host| StoredLedgerName { host, is_page: true }));
            } else {
                self.lines.insert(name.host, (ledger, now.0));
            }
        }
    }

    /// Whether there is room for the ledger of this host.
    pub(super) fn has_room_for(&self, header: Header, role: Role) -> bool {
        role.is_public() || self.lines.len() < MOST || self.lines.contains_key(&(header.instance, header.epoch))
    }

    /// What to do with a batch, which the ledger contains from now on.
    pub(super) fn accept(&mut self, header: Header, origin: &Origin, now: Millis) -> (Receipt, Before) {
        let name = StoredLedgerName { host: (header.instance, header.epoch), is_page: origin.role.is_public() };
        let line = if name.is_page { self.pages.get(name.host) } else { self.lines.get(&name.host).copied() };
        let (mut ledger, _) = line.unwrap_or_default();
        let receipt = ledger.accept(header.sequence);
        if receipt == Receipt::Apply {
            if name.is_page {
                let gone = self.pages.insert(name.host, origin.prefix, (ledger, now.0));
                self.forget(gone.map(|host| StoredLedgerName { host, is_page: true }));
            } else {
                self.lines.insert(name.host, (ledger, now.0));
            }
            self.gone.remove(&name);
            self.changed.insert(name);
        }
        (receipt, Before(name, line))
    }

    fn forget(&mut self, name: Option<StoredLedgerName>) {
        if let Some(name) = name {
            self.changed.remove(&name);
            self.gone.insert(name);
        }
    }

    /// Takes a batch back, as if it had not come.
    pub(super) fn undo(&mut self, Before(name, line): Before) {
        match (name.is_page, line) {
            (true, line) => self.pages.set(name.host, line),
            (false, Some(line)) => _ = self.lines.insert(name.host, line),
            (false, None) => _ = self.lines.remove(&name.host),
        }
    }

    /// The ledgers to be stored.
    pub(super) fn changed(&self) -> Vec<StoredLedger> {
        let stored = |name: &StoredLedgerName| {
            let (prefix, (ledger, last_seen)) = if name.is_page {
                self.pages.line(name.host)?
            } else {
                (AddressPrefix::default(), *self.lines.get(&name.host)?)
            };
            Some(StoredLedger { name: *name, prefix, ledger, last_seen })
        };
        self.changed.iter().filter_map(stored).collect()
    }

    /// Drops ledgers that are no longer needed; all that are gone since they were stored.
    pub(super) fn gone(&mut self, now: Millis) -> Vec<StoredLedgerName> {
        while let Some(host) = self.pages.take_older(now.0.saturating_sub(FORGET * OLDEST_OF_PAGE_MS)) {
            self.forget(Some(StoredLedgerName { host, is_page: true }));
        }
        if now.0.saturating_sub(self.looked) >= LOOKS_MS {
            self.looked = now.0;
            let is_stale = |(_, last_seen): &Line| now.0.saturating_sub(*last_seen) > FORGET * OLDEST_MS;
            let stale: Vec<Name> =
                self.lines.iter().filter(|(_, line)| is_stale(line)).map(|(host, _)| *host).collect();
            for host in stale {
                self.lines.remove(&host);
                self.forget(Some(StoredLedgerName { host, is_page: false }));
            }
        }
        self.gone.iter().copied().collect()
    }

    /// Notes that all changes are stored.
    pub(super) fn mark_stored(&mut self) {
        self.changed.clear();
        self.gone.clear();
    }

    /// How many changes are to be stored.
    pub(super) fn changes(&self) -> usize {
        self.changed.len() + self.gone.len()
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len() + self.pages.len()
    }
}

#[cfg(test)]
mod tests {
    use flcm_flags::Millis;
    use flcm_flags::metrics::batch::{Header, Receipt};

    use super::{Ledgers, MOST_OF_PAGES, MOST_OF_PREFIX, oldest_ms};
    use crate::ingest::Origin;
    use crate::keys::Role;
    use crate::peer::AddressPrefix;

    const HOUR: u64 = 3_600_000;

    fn origin(role: Role, prefix: u64) -> Origin {
        Origin { role, prefix: AddressPrefix::from_bits(prefix), key: "key".into() }
    }

    fn accept(ledgers: &mut Ledgers, origin: &Origin, instance: u64, sequence: u64, now: u64) -> Receipt {
        let header = Header { instance, epoch: 1, sequence, age: 0 };
        assert!(ledgers.has_room_for(header, origin.role));
        ledgers.accept(header, origin, Millis(now)).0
    }

    #[test]
    fn made_up_hosts_take_no_room_from_those_with_server_keys() {
        let (mut ledgers, server) = (Ledgers::default(), origin(Role::Server, 1));
        assert_eq!(accept(&mut ledgers, &server, 7, 1, 0), Receipt::Apply);
        for host in 0..MOST_OF_PAGES as u64 + 10 {
            assert_eq!(accept(&mut ledgers, &origin(Role::Client, host % 8), host, 1, 1 + host), Receipt::Apply);
        }
        assert_eq!(ledgers.len(), MOST_OF_PAGES + 1);
        assert_eq!(accept(&mut ledgers, &server, 8, 1, HOUR), Receipt::Apply);
        assert_eq!(accept(&mut ledgers, &server, 7, 1, HOUR), Receipt::Repeat);
        // The oldest pages have made room; the newest are known.
        assert_eq!(accept(&mut ledgers, &origin(Role::Client, 1), 0, 2, HOUR), Receipt::Gap);
        assert_eq!(accept(&mut ledgers, &origin(Role::Client, 1), 100, 1, HOUR), Receipt::Repeat);
    }

    #[test]
    fn one_network_crowds_out_only_itself() {
        let (mut ledgers, other) = (Ledgers::default(), origin(Role::Client, 2));
        assert_eq!(accept(&mut ledgers, &other, u64::MAX, 1, 0), Receipt::Apply);
        for host in 0..MOST_OF_PREFIX as u64 + 10 {
            accept(&mut ledgers, &origin(Role::Client, 1), host, 1, 1 + host);
        }
        assert_eq!(ledgers.len(), MOST_OF_PREFIX + 1);
        assert_eq!(accept(&mut ledgers, &other, u64::MAX, 1, HOUR), Receipt::Repeat);
    }

    #[test]
    fn a_stranger_cannot_speak_for_a_host_with_a_server_key() {
        let mut ledgers = Ledgers::default();
        let (server, page) = (origin(Role::Server, 1), origin(Role::Client, 1));
        for sequence in 1..=3 {
            assert_eq!(accept(&mut ledgers, &page, 7, sequence, 0), Receipt::Apply);
        }
        assert_eq!(accept(&mut ledgers, &server, 7, 1, 0), Receipt::Apply);
    }

    #[test]
    fn ledgers_are_kept_for_longer_than_a_batch_may_wait() {
        let (mut ledgers, page, server) = (Ledgers::default(), origin(Role::Client, 1), origin(Role::Server, 1));
        accept(&mut ledgers, &page, 1, 1, 0);
        accept(&mut ledgers, &server, 1, 1, 0);
        assert_eq!(ledgers.gone(Millis(oldest_ms(Role::Client))), []);
        assert_eq!(ledgers.gone(Millis(HOUR + 1)).len(), 1);
        assert_eq!((ledgers.len(), ledgers.changes()), (1, 2));
        ledgers.mark_stored();
        assert_eq!(ledgers.gone(Millis(oldest_ms(Role::Server))), []);
        assert_eq!(ledgers.gone(Millis(48 * HOUR + 1)).len(), 1);
        assert_eq!(ledgers.len(), 0);
    }

    #[test]
    fn a_batch_that_is_taken_back_has_not_come() {
        for role in [Role::Client, Role::Server] {
            let (mut ledgers, origin) = (Ledgers::default(), origin(role, 1));
            for sequence in 1..=2 {
                let header = Header { instance: 1, epoch: 1, sequence, age: 0 };
                let (receipt, before) = ledgers.accept(header, &origin, Millis(0));
                assert_eq!(receipt, Receipt::Apply);
                ledgers.undo(before);
                assert_eq!(accept(&mut ledgers, &origin, 1, sequence, 1), Receipt::Apply);
            }
        }
    }
}
