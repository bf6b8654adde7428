//! Letters to webhooks that were not delivered yet.

use rusqlite::{Connection, params};

use super::audit::append;
use super::{Reader, Record, Store, Stored, from_bits, to_bits};
use crate::event;
use crate::transition::FleetTransition;

/// What one webhook is to be told.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    /// 0 while it is not kept.
    pub(crate) id: i64,
    /// The name of the webhook.
    pub(crate) hook: String,
    pub(crate) event: FleetTransition,
    pub(crate) attempts: u32,
    /// When to try next.
    pub(crate) due: u64,
}

/// How an attempt went.
#[derive(Clone, Debug)]
pub(crate) enum Delivery {
    Done,
    /// Try again at that time.
    Later(u64),
    /// Never again; the audit says so.
    GivenUp(Record),
}

/// Puts a letter into the outbox.
pub(super) fn post(connection: &Connection, letter: &Letter) -> Stored<()> {
    let Letter { hook, event, attempts, due, .. } = letter;
    let mut statement = connection
        .prepare_cached("INSERT INTO outbox (hook, flag, event, attempts, due) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    statement.execute(params![hook, event.flag, event::to_json(event)?, attempts, to_bits(*due)])?;
    Ok(())
}

impl Store {
    /// Takes down how an attempt went.
    pub(crate) fn delivered(&mut self, letter: i64, delivery: &Delivery) -> Stored<()> {
        self.write(|connection| {
            if let Delivery::Later(due) = delivery {
                let sql = "UPDATE outbox SET attempts = attempts + 1, due = ?2 WHERE id = ?1";
                connection.execute(sql, params![letter, to_bits(*due)])?;
                return Ok(());
            }
            connection.execute("DELETE FROM outbox WHERE id = ?1", params![letter])?;
            if let Delivery::GivenUp(record) = delivery { append(connection, record) } else { Ok(()) }
        })
    }
}

impl Reader {
    /// The oldest letter to each webhook of each flag: those behind it wait, so that they arrive in order.
    pub(crate) fn letters(&self) -> Stored<Vec<Letter>> {
        let sql = "SELECT id, hook, event, attempts, due FROM outbox \
                   WHERE id IN (SELECT min(id) FROM outbox GROUP BY hook, flag) ORDER BY due LIMIT 100";
        let mut statement = self.0.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut letters = Vec::new();
        while let Some(row) = rows.next()? {
            let event: String = row.get(2)?;
            letters.push(Letter {
                id: row.get(0)?,
                hook: row.get(1)?,
                event: event::from_json(&event)?,
                attempts: row.get(3)?,
                due: from_bits(row.get(4)?),
            });
        }
        Ok(letters)
    }
}
