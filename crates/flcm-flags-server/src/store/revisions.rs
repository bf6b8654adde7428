//! Revisions: every document that was published.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use utoipa::ToSchema;

use super::audit::append;
use super::counts::{fact, set_fact};
use super::outbox::enqueue;
use super::{Reader, Record, Store, Stored, WebhookDelivery, from_bits, to_bits};

/// The fact that says which revision's text the document's file had last.
const FILE: &str = "file";

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

/// The origin of a revision that was read from the document's file.
const ORIGIN_FILE: &str = "file";

const COLUMNS: &str = "number, at, author, reason, origin, digest, document";

impl Store {
    /// The newest revision, if there is one.
    pub(crate) fn newest(&self) -> Stored<Option<Revision>> {
        one(&self.connection, &format!("SELECT {COLUMNS} FROM revisions ORDER BY number DESC LIMIT 1"), &[])
    }

    /// The revision whose text the document's file had last.
    pub(crate) fn of_file(&self) -> Stored<Option<Revision>> {
        let number = fact(&self.connection, FILE)?;
        one(&self.connection, &format!("SELECT {COLUMNS} FROM revisions WHERE number = ?1"), &[&to_bits(number)])
    }

    /// Notes that the document's file has the text of a revision.
    pub(crate) fn note_file(&mut self, number: u64) -> Stored<()> {
        self.write(|connection| set_fact(connection, FILE, number))
    }

    /// When the first revision was published, in milliseconds since 1970. No host has counted anything before.
    pub(crate) fn began(&self) -> Stored<u64> {
        let at = self.connection.query_row("SELECT at FROM revisions ORDER BY number LIMIT 1", [], |row| row.get(0));
        Ok(at.optional()?.map_or_else(crate::clock::wall, from_bits))
    }

    /// Stores a revision, the record of its publication, and the deliveries that announce it.
    pub(crate) fn publish(
        &mut self,
        revision: &Revision,
        record: &Record,
        deliveries: &[WebhookDelivery],
    ) -> Stored<()> {
        let Revision { summary, document } = revision;
        let Summary { number, at, author, reason, origin, digest } = summary;
        self.write(|connection| {
            connection.execute(
                "INSERT INTO revisions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![to_bits(*number), to_bits(*at), author, reason, origin, digest, document],
            )?;
            if origin == ORIGIN_FILE {
                set_fact(connection, FILE, *number)?;
            }
            deliveries.iter().try_for_each(|delivery| enqueue(connection, delivery))?;
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
