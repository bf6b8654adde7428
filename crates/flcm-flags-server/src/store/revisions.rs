//! Revisions: every document that was published.

use std::collections::HashMap;

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

/// The revision that changed a flag last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changed {
    pub(crate) revision: u64,
    /// When it was published, in milliseconds since 1970.
    pub(crate) at: u64,
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

    /// Stores a revision, the flags that it changes, the record of its publication, and the deliveries that announce
    /// it.
    pub(crate) fn publish(
        &mut self,
        revision: &Revision,
        flags: &[String],
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
            let mut statement = connection.prepare_cached("INSERT OR IGNORE INTO revision_flags VALUES (?1, ?2)")?;
            for flag in flags {
                statement.execute(params![flag, to_bits(*number)])?;
            }
            if origin == ORIGIN_FILE {
                set_fact(connection, FILE, *number)?;
            }
            deliveries.iter().try_for_each(|delivery| enqueue(connection, delivery))?;
            append(connection, record)
        })
    }
}

impl Reader {
    /// Revisions before this one, the newest first; only those that have changed a flag, if one is named.
    pub(crate) fn revisions(&self, flag: Option<&str>, before: i64, limit: u32) -> Stored<Vec<Summary>> {
        let sql = "SELECT number, at, author, reason, origin, digest, '' FROM revisions WHERE number < ?1 \
                   AND (?3 IS NULL OR number IN (SELECT number FROM revision_flags WHERE flag = ?3)) \
                   ORDER BY number DESC LIMIT ?2";
        let mut statement = self.0.prepare(sql)?;
        let rows = statement.query_map(params![before, limit, flag], read)?;
        Ok(rows.map(|row| row.map(|revision| revision.summary)).collect::<Result<_, _>>()?)
    }

    /// For each flag, the revision that changed it last.
    pub(crate) fn changed(&self) -> Stored<HashMap<String, Changed>> {
        let sql = "SELECT flag, number, at FROM (SELECT flag, max(number) AS number FROM revision_flags GROUP BY flag) \
                   JOIN revisions USING (number)";
        let mut statement = self.0.prepare(sql)?;
        let rows = statement.query_map([], |row| {
            Ok((row.get(0)?, Changed { revision: from_bits(row.get(1)?), at: from_bits(row.get(2)?) }))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The flags that a revision has changed, in the order of their keys; at most so many.
    pub(crate) fn flags_of_revision(&self, number: u64, most: u32) -> Stored<Vec<String>> {
        let sql = "SELECT flag FROM revision_flags WHERE number = ?1 ORDER BY flag LIMIT ?2";
        let mut statement = self.0.prepare(sql)?;
        let rows = statement.query_map(params![to_bits(number), most], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
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
