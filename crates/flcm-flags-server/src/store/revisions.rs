//! Revisions: every document that was published.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use utoipa::ToSchema;

use super::audit::append;
use super::{Reader, Record, Store, Stored, from_bits, to_bits};

/// In a new database, revisions start at the number of seconds since 2026-01-01. So they are above those of a lost
/// database, and hosts, which refuse older revisions, accept them.
const SINCE_2026: u64 = 1_767_225_600_000;

/// A revision without its document.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Summary {
    /// Its number.
    pub(crate) number: u64,
    /// When it was published, in milliseconds since 1970.
    pub(crate) at: u64,
    /// Who published it: the name of a key, or `file`.
    pub(crate) author: String,
    /// The reason that the author has given.
    pub(crate) reason: String,
    /// Where it came from: `file`, `put` or `revert`.
    pub(crate) origin: String,
    /// The digest of its snapshot, in 16 hexadecimal digits.
    pub(crate) digest: String,
}

/// A revision with its document.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    pub(crate) summary: Summary,
    pub(crate) document: String,
}

const COLUMNS: &str = "number, at, author, reason, origin, digest, document";

impl Store {
    /// The newest revision, if there is one.
    pub(crate) fn newest(&self) -> Stored<Option<Revision>> {
        one(&self.connection, &format!("SELECT {COLUMNS} FROM revisions ORDER BY number DESC LIMIT 1"), &[])
    }

    /// The newest revision that was read from the file.
    pub(crate) fn newest_of_file(&self) -> Stored<Option<Revision>> {
        let sql = format!("SELECT {COLUMNS} FROM revisions WHERE origin = 'file' ORDER BY number DESC LIMIT 1");
        one(&self.connection, &sql, &[])
    }

    /// When the first revision was published, in milliseconds since 1970. No host has counted anything before.
    pub(crate) fn began(&self) -> Stored<u64> {
        let at = self.connection.query_row("SELECT at FROM revisions ORDER BY number LIMIT 1", [], |row| row.get(0));
        Ok(at.optional()?.map_or_else(crate::clock::wall, from_bits))
    }

    /// The number below that of a first revision.
    pub(crate) fn base(wall: u64) -> u64 {
        wall.saturating_sub(SINCE_2026) / 1000
    }

    /// Stores a revision, and the record of its publication.
    pub(crate) fn publish(&mut self, revision: &Revision, record: &Record) -> Stored<()> {
        let Revision { summary, document } = revision;
        let Summary { number, at, author, reason, origin, digest } = summary;
        self.write(|connection| {
            connection.execute(
                "INSERT INTO revisions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![to_bits(*number), to_bits(*at), author, reason, origin, digest, document],
            )?;
            append(connection, record)
        })
    }
}

impl Reader {
    /// Revisions before this one, the newest first.
    pub(crate) fn revisions(&self, before: i64, limit: u32) -> Stored<Vec<Summary>> {
        let sql = "SELECT number, at, author, reason, origin, digest, '' FROM revisions WHERE number < ?1 \
                   ORDER BY number DESC LIMIT ?2";
        let mut statement = self.0.prepare(sql)?;
        let rows = statement.query_map(params![before, limit], read)?;
        Ok(rows.map(|row| row.map(|revision| revision.summary)).collect::<Result<_, _>>()?)
    }

    /// One revision.
    pub(crate) fn revision(&self, number: u64) -> Stored<Option<Revision>> {
        one(&self.0, &format!("SELECT {COLUMNS} FROM revisions WHERE number = ?1"), &[&to_bits(number)])
    }
}

fn one(connection: &Connection, sql: &str, values: &[&dyn rusqlite::ToSql]) -> Stored<Option<Revision>> {
    Ok(connection.query_row(sql, values, read).optional()?)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Revision> {
    let summary = Summary {
        number: from_bits(row.get(0)?),
        at: from_bits(row.get(1)?),
        author: row.get(2)?,
        reason: row.get(3)?,
        origin: row.get(4)?,
        digest: row.get(5)?,
    };
    Ok(Revision { summary, document: row.get(6)? })
}
