//! Sign-ins, which a restart keeps. Only hashes are stored.

use rusqlite::params;

use super::audit::append;
use super::{Record, Store, Stored, from_bits, to_bits};
use crate::sessions::{Session, SessionHash};

/// Sign-ins that have begun or ended.
#[derive(Debug, Default)]
pub(crate) struct SessionChange {
    pub(crate) begun: Option<Session>,
    pub(crate) ended: Vec<SessionHash>,
    pub(crate) record: Option<Record>,
}

impl Store {
    /// All sign-ins, also those that are over.
    pub(crate) fn sessions(&self) -> Stored<Vec<Session>> {
        let mut statement = self.connection.prepare("SELECT hash, key, expires FROM sessions")?;
        let rows = statement.query_map([], |row| {
            Ok(Session { hash: row.get(0)?, key: row.get(1)?, expires: from_bits(row.get(2)?) })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) fn change_sessions(&mut self, change: &SessionChange) -> Stored<()> {
        let SessionChange { begun, ended, record } = change;
        self.write(|connection| {
            for hash in ended {
                connection.prepare_cached("DELETE FROM sessions WHERE hash = ?1")?.execute(params![hash])?;
            }
            if let Some(Session { hash, key, expires }) = begun {
                let mut statement = connection.prepare_cached("REPLACE INTO sessions VALUES (?1, ?2, ?3)")?;
                statement.execute(params![hash, key, to_bits(*expires)])?;
            }
            record.as_ref().map_or(Ok(()), |record| append(connection, record))
        })
    }
}
