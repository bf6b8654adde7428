//! Ledgers of batches.

use flcm_flags::metrics::batch::Ledger;
use rusqlite::{Connection, params};

use super::{Stored, from_bits, to_bits};
use crate::peer::AddressPrefix;

/// Identifies a ledger. Hosts with client keys have names of their own, so that no stranger can use another host's.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct StoredLedgerName {
    /// The instance and the epoch.
    pub(crate) host: (u64, u64),
    /// Whether its key is a client key.
    pub(crate) is_page: bool,
}

/// A ledger as it is stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredLedger {
    pub(crate) name: StoredLedgerName,
    /// The network of the latest batch; kept for client keys only.
    pub(crate) prefix: AddressPrefix,
    pub(crate) ledger: Ledger,
    /// When the latest batch came.
    pub(crate) last_seen: u64,
}

pub(super) fn load(connection: &Connection) -> Stored<Vec<StoredLedger>> {
    let sql = "SELECT instance, epoch, is_page, prefix, last, last_seen FROM ledgers ORDER BY last_seen";
    let mut statement = connection.prepare(sql)?;
    let ledgers = statement.query_map([], |row| {
        let host = (from_bits(row.get(0)?), from_bits(row.get(1)?));
        Ok(StoredLedger {
            name: StoredLedgerName { host, is_page: row.get(2)? },
            prefix: AddressPrefix::from_bits(from_bits(row.get(3)?)),
            ledger: Ledger { last: from_bits(row.get(4)?) },
            last_seen: from_bits(row.get(5)?),
        })
    })?;
    Ok(ledgers.collect::<Result<_, _>>()?)
}

/// Stores ledgers that have changed, and deletes others.
pub(super) fn put(connection: &Connection, changed: &[StoredLedger], gone: &[StoredLedgerName]) -> Stored<()> {
    let mut statement = connection.prepare_cached("REPLACE INTO ledgers VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
    for StoredLedger { name: StoredLedgerName { host, is_page }, prefix, ledger, last_seen } in changed {
        let [instance, epoch, prefix] = [host.0, host.1, prefix.to_bits()].map(to_bits);
        statement.execute(params![instance, epoch, is_page, prefix, to_bits(ledger.last), to_bits(*last_seen)])?;
    }
    let sql = "DELETE FROM ledgers WHERE instance = ?1 AND epoch = ?2 AND is_page = ?3";
    let mut statement = connection.prepare_cached(sql)?;
    for StoredLedgerName { host, is_page } in gone {
        statement.execute(params![to_bits(host.0), to_bits(host.1), is_page])?;
    }
    Ok(())
}
