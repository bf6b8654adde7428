//! Batches that are not in a checkpoint yet.

use flcm_flags::Millis;
use rusqlite::{Connection, Row, params};

use super::{Store, Stored, from_bits, to_bits};
use crate::ingest::Origin;
use crate::keys::Role;
use crate::peer::AddressPrefix;

/// About so many bytes of batches are read at once.
const READ_BYTES: usize = 4 << 20;

/// A stored batch: its number, time of arrival, origin and bytes.
#[derive(Debug)]
pub(crate) struct StoredBatch {
    pub(crate) id: i64,
    pub(crate) at: Millis,
    pub(crate) origin: Origin,
    pub(crate) bytes: Vec<u8>,
}

impl Store {
    /// Stores batches that are about to be counted; returns the number of the last.
    pub(crate) fn append<'b>(
        &mut self,
        at: Millis,
        batches: impl Iterator<Item = (&'b [u8], &'b Origin)>,
    ) -> Stored<i64> {
        self.write(|connection| {
            let sql = "INSERT INTO batches (at, role, key, prefix, bytes) VALUES (?1, ?2, ?3, ?4, ?5)";
            let mut statement = connection.prepare_cached(sql)?;
            for (bytes, Origin { role, prefix, key }) in batches {
                statement.execute(params![to_bits(at.0), role.as_str(), key, to_bits(prefix.to_bits()), bytes])?;
            }
            Ok(connection.last_insert_rowid())
        })
    }

    /// The batches behind one, as many as may be in memory at once; none when there are no more.
    pub(crate) fn batches_behind(&self, id: i64) -> Stored<Vec<StoredBatch>> {
        let sql = "SELECT id, at, role, key, prefix, bytes FROM batches WHERE id > ?1 ORDER BY id";
        let mut statement = self.connection.prepare_cached(sql)?;
        let (mut batches, mut bytes) = (Vec::new(), 0);
        for batch in statement.query_map(params![id], read)? {
            let batch = batch?;
            bytes += batch.bytes.len();
            batches.push(batch);
            if bytes >= READ_BYTES {
                break;
            }
        }
        Ok(batches)
    }
}

/// When the first and the last of them came.
pub(super) fn times(connection: &Connection) -> Stored<(Option<Millis>, Option<Millis>)> {
    let sql = "SELECT at FROM batches WHERE id IN ((SELECT min(id) FROM batches), \
               (SELECT max(id) FROM batches)) ORDER BY id";
    let mut statement = connection.prepare(sql)?;
    let times = statement.query_map([], |row| Ok(Millis(from_bits(row.get(0)?))))?.collect::<Result<Vec<_>, _>>()?;
    Ok((times.first().copied(), times.last().copied()))
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredBatch> {
    let role: String = row.get(2)?;
    let origin = Origin {
        // Of a role that this version does not know, nothing is assumed.
        role: role.parse().unwrap_or(Role::Client),
        prefix: AddressPrefix::from_bits(from_bits(row.get(4)?)),
        key: row.get(3)?,
    };
    Ok(StoredBatch { id: row.get(0)?, at: Millis(from_bits(row.get(1)?)), origin, bytes: row.get(5)? })
}
