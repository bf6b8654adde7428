//! The audit as a chain: each row has the SHA-256 of the row before, and its own, which covers it. Whoever changes or
//! removes a row has to change the hashes of all rows after it, and so the newest one, which the server logs.

use std::fmt::{self, Write};
use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use sha2::{Digest, Sha256};

use crate::error::StartError;
use crate::store::{Stored, from_bits};

/// In the order in which [`StoredRow::read`] reads them.
pub(super) const COLUMNS: &str = "id, at, actor, action, flag, revision, reason, detail, address, previous, hash";

/// A row as it is stored.
#[derive(Clone, Debug, Default)]
pub(in crate::store) struct StoredRow {
    pub(super) id: i64,
    pub(super) at: u64,
    pub(super) actor: String,
    pub(super) action: String,
    pub(super) flag: Option<String>,
    pub(super) revision: Option<u64>,
    pub(super) reason: String,
    /// JSON, byte by byte as it is stored.
    pub(super) detail: String,
    pub(super) address: Option<String>,
    pub(super) previous: String,
    pub(super) hash: String,
}

/// The newest row, by which a later check sees that no row is missing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Head {
    pub(crate) id: i64,
    pub(crate) hash: String,
}

/// What a check of the audit found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AuditCheck {
    /// The chain is whole.
    Whole {
        /// How many rows there are.
        rows: u64,
        /// The hash of the newest.
        head: String,
    },
    /// The chain is broken.
    Broken {
        /// The number of the first row that is wrong; 0 if no row is.
        row: i64,
        /// What is wrong.
        what: String,
    },
}

impl StoredRow {
    /// The SHA-256 of everything but `hash`. Each text is behind its length, so that no two rows have the same bytes.
    pub(super) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(b"flcm-audit-v1\0");
        digest.update(self.id.to_be_bytes());
        digest.update(self.at.to_be_bytes());
        let revision = self.revision.map(|revision| revision.to_string());
        let texts = [
            Some(&self.actor),
            Some(&self.action),
            self.flag.as_ref(),
            revision.as_ref(),
            Some(&self.reason),
            Some(&self.detail),
            self.address.as_ref(),
            Some(&self.previous),
        ];
        for text in texts {
            // Differs from that of every text, also of an empty one.
            let length = text.map_or(u64::MAX, |text| text.len() as u64);
            digest.update(length.to_be_bytes());
            digest.update(text.map_or("", String::as_str));
        }
        digest.finalize().iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            at: from_bits(row.get(1)?),
            actor: row.get(2)?,
            action: row.get(3)?,
            flag: row.get(4)?,
            revision: row.get::<_, Option<i64>>(5)?.map(from_bits),
            reason: row.get(6)?,
            detail: row.get(7)?,
            address: row.get(8)?,
            previous: row.get(9)?,
            hash: row.get(10)?,
        })
    }

    /// What is wrong with this row after the one before.
    fn problem(&self, before: &Head) -> Option<&'static str> {
        if self.id != before.id + 1 {
            Some("rows before it are missing")
        } else if self.previous != before.hash {
            Some("it does not follow the row before it: one of them was replaced")
        } else if self.hash != self.digest() {
            Some("it was changed")
        } else {
            None
        }
    }
}

impl fmt::Display for AuditCheck {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole { rows, head } => write!(formatter, "OK: {rows} rows, head {head}"),
            Self::Broken { row: 0, what } => formatter.write_str(what),
            Self::Broken { row, what } => write!(formatter, "row {row}: {what}"),
        }
    }
}

/// The newest row.
pub(in crate::store) fn head(connection: &Connection) -> Stored<Head> {
    let sql = "SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1";
    let newest = connection.prepare_cached(sql)?.query_row([], |row| Ok(Head { id: row.get(0)?, hash: row.get(1)? }));
    Ok(newest.optional()?.unwrap_or_default())
}

/// Checks the audit of a database; with `head`, also that the row with this hash is still in it.
///
/// # Errors
/// The database cannot be read.
pub fn verify_audit(database: &Path, head: Option<&str>) -> Result<AuditCheck, StartError> {
    let unreadable = |error: rusqlite::Error| {
        StartError::other(format!("cannot read {}: {error}", database.display()), "name the database of `flcm serve`")
    };
    // For writing as well: otherwise changes that are still in the journal may be out of reach.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let opened = Connection::open_with_flags(database, flags)
        .or_else(|_| Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY));
    opened.and_then(|connection| check(&connection, head)).map_err(unreadable)
}

fn check(connection: &Connection, head: Option<&str>) -> rusqlite::Result<AuditCheck> {
    let broken = |row, what: &str| Ok(AuditCheck::Broken { row, what: what.to_owned() });
    let (mut newest, mut rows, mut is_found) = (Head::default(), 0, head.is_none());
    let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM audit ORDER BY id"))?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        let row = StoredRow::read(row)?;
        if let Some(what) = row.problem(&newest) {
            return broken(row.id, what);
        }
        is_found |= head == Some(row.hash.as_str());
        rows += 1;
        newest = Head { id: row.id, hash: row.hash };
    }
    // The database counts rows that it has ever had.
    let ever: Option<i64> = connection
        .query_row("SELECT seq FROM sqlite_sequence WHERE name = 'audit'", [], |row| row.get(0))
        .optional()?;
    if !is_found {
        let what = format!(
            "no row has the hash of --head: rows after {} are missing, or it is of another database",
            newest.id
        );
        return broken(0, &what);
    }
    if ever.unwrap_or_default() > newest.id {
        return broken(newest.id + 1, "it is missing, and all rows after it");
    }
    Ok(AuditCheck::Whole { rows, head: newest.hash })
}

#[cfg(test)]
mod tests {
    use super::StoredRow;

    fn row() -> StoredRow {
        StoredRow { id: 1, at: 2, actor: "a".to_owned(), reason: "r".to_owned(), ..StoredRow::default() }
    }

    #[test]
    fn each_column_is_part_of_the_hash() {
        let text = || "x".to_owned();
        let changed = [
            StoredRow { id: 3, ..row() },
            StoredRow { at: 3, ..row() },
            StoredRow { actor: text(), ..row() },
            StoredRow { action: text(), ..row() },
            StoredRow { flag: Some(String::new()), ..row() },
            StoredRow { revision: Some(0), ..row() },
            StoredRow { reason: text(), ..row() },
            StoredRow { detail: text(), ..row() },
            StoredRow { address: Some(text()), ..row() },
            StoredRow { previous: text(), ..row() },
            StoredRow { actor: "ar".to_owned(), reason: String::new(), ..row() },
        ];
        let mut hashes: Vec<_> = changed.iter().map(StoredRow::digest).chain([row().digest()]).collect();
        hashes.sort();
        hashes.dedup();
        assert_eq!(hashes.len(), 12);
        assert_eq!(StoredRow { hash: text(), ..row() }.digest(), row().digest());
    }
}
