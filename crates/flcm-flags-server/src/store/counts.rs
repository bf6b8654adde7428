//! Batches, ledgers, totals and breakers.

use std::collections::BTreeMap;

use flcm_flags::metrics::batch::Ledger;
use flcm_flags::{Millis, TripState};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::audit::append;
use super::outbox::enqueue;
use super::{Record, Store, Stored, WebhookDelivery, from_bits, to_bits};
use crate::event;
use crate::ingest::Origin;
use crate::keys::Role;
use crate::peer::AddressPrefix;
use crate::totals;
use crate::transition::FleetTransition;

/// The key of custom metrics among the totals, which no flag can have.
const CUSTOMS: &str = "";

/// A ledger by instance and epoch, and when its latest batch came.
type Line = ((u64, u64), (Ledger, u64));

/// A breaker as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredBreaker {
    pub(crate) flag: String,
    pub(crate) bytes: Vec<u8>,
    /// The last batch that it contains.
    pub(crate) upto: i64,
    /// Its last transition.
    pub(crate) event: Option<FleetTransition>,
}

/// A stored batch: its number, time of arrival, origin and bytes.
#[derive(Debug)]
pub(crate) struct RecoveredBatch {
    pub(crate) id: i64,
    pub(crate) at: Millis,
    pub(crate) origin: Origin,
    pub(crate) bytes: Vec<u8>,
}

/// Everything that a start recovers.
#[derive(Debug, Default)]
pub(crate) struct RecoveredState {
    pub(crate) ledgers: Vec<Line>,
    pub(crate) totals: Vec<(String, totals::Stored)>,
    pub(crate) customs: Vec<u8>,
    pub(crate) breakers: Vec<StoredBreaker>,
    pub(crate) holds: BTreeMap<String, String>,
    /// Batches after the checkpoint.
    pub(crate) batches: Vec<RecoveredBatch>,
    /// The latest time that was stored.
    pub(crate) clock: Millis,
    /// How often the server has started, this time included.
    pub(crate) starts: u64,
}

/// What is in force, and is to be stored.
#[derive(Debug)]
pub(crate) struct Changes<'a> {
    pub(crate) breakers: Vec<StoredBreaker>,
    /// Flags that no longer have a breaker.
    pub(crate) gone: Vec<&'a str>,
    pub(crate) records: &'a [Record],
    pub(crate) deliveries: &'a [WebhookDelivery],
    /// All trips of flags without a breaker, if any has changed.
    pub(crate) holds: Option<&'a BTreeMap<String, TripState>>,
}

/// The state that replaces the batches up to one.
#[derive(Debug)]
pub(crate) struct Checkpoint<'a> {
    pub(crate) ledgers: Vec<Line>,
    /// Ledgers that are dropped.
    pub(crate) stale: Vec<(u64, u64)>,
    pub(crate) totals: Vec<(&'a str, totals::Stored)>,
    pub(crate) customs: Vec<u8>,
    pub(crate) breakers: Vec<StoredBreaker>,
    pub(crate) clock: Millis,
    /// The last batch that it contains.
    pub(crate) upto: i64,
}

impl Store {
    /// Everything that is stored; counts this start.
    pub(crate) fn load(&mut self) -> Stored<RecoveredState> {
        self.write(|connection| {
            let starts = fact(connection, "starts")? + 1;
            set_fact(connection, "starts", starts)?;
            let mut recovered =
                RecoveredState { starts, clock: Millis(fact(connection, "clock")?), ..RecoveredState::default() };
            load_counts(connection, &mut recovered)?;
            load_breakers(connection, &mut recovered)?;
            let latest = recovered.batches.last().map_or(Millis(0), |batch| batch.at);
            recovered.clock = recovered.clock.max(latest).max(last_of_audit(connection)?);
            Ok(recovered)
        })
    }

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

    /// Stores changes.
    pub(crate) fn record(&mut self, happened: &Changes<'_>) -> Stored<()> {
        let Changes { breakers, gone, records, deliveries, holds } = happened;
        self.write(|connection| {
            breakers.iter().try_for_each(|breaker| put_breaker(connection, breaker))?;
            for flag in gone {
                connection.execute("DELETE FROM breakers WHERE flag = ?1", params![flag])?;
            }
            records.iter().try_for_each(|record| append(connection, record))?;
            deliveries.iter().try_for_each(|delivery| enqueue(connection, delivery))?;
            holds.map_or(Ok(()), |holds| put_holds(connection, holds))
        })
    }

    /// Stores a checkpoint, and deletes the batches that it contains.
    pub(crate) fn checkpoint(&mut self, point: &Checkpoint<'_>) -> Stored<()> {
        self.write(|connection| {
            put_ledgers(connection, point)?;
            let mut statement = connection.prepare_cached("REPLACE INTO totals VALUES (?1, ?2, ?3)")?;
            for (flag, (counts, sketches)) in &point.totals {
                statement.execute(params![flag, serde_json::to_string(counts)?, sketches])?;
            }
            statement.execute(params![CUSTOMS, "{}", point.customs])?;
            point.breakers.iter().try_for_each(|breaker| put_breaker(connection, breaker))?;
            set_fact(connection, "clock", point.clock.0)?;
            connection.execute("DELETE FROM batches WHERE id <= ?1", params![point.upto])?;
            Ok(())
        })
    }
}

fn load_counts(connection: &Connection, recovered: &mut RecoveredState) -> Stored<()> {
    let mut statement = connection.prepare("SELECT instance, epoch, last, last_seen FROM ledgers")?;
    let lines = statement.query_map([], |row| {
        let ledger = Ledger { last: from_bits(row.get(2)?) };
        Ok(((from_bits(row.get(0)?), from_bits(row.get(1)?)), (ledger, from_bits(row.get(3)?))))
    })?;
    recovered.ledgers = lines.collect::<Result<_, _>>()?;
    let mut statement = connection.prepare("SELECT flag, counts, sketches FROM totals")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (flag, counts, sketches): (String, String, Vec<u8>) = (row.get(0)?, row.get(1)?, row.get(2)?);
        if flag == CUSTOMS {
            recovered.customs = sketches;
        } else {
            recovered.totals.push((flag, (serde_json::from_str(&counts)?, sketches)));
        }
    }
    let mut statement = connection.prepare("SELECT id, at, role, key, prefix, bytes FROM batches ORDER BY id")?;
    recovered.batches = statement.query_map([], batch)?.collect::<Result<_, _>>()?;
    Ok(())
}

fn batch(row: &Row<'_>) -> rusqlite::Result<RecoveredBatch> {
    let role: String = row.get(2)?;
    let origin = Origin {
        // Of a role that this version does not know, nothing is assumed.
        role: role.parse().unwrap_or(Role::Client),
        prefix: AddressPrefix::from_bits(from_bits(row.get(4)?)),
        key: row.get(3)?,
    };
    Ok(RecoveredBatch { id: row.get(0)?, at: Millis(from_bits(row.get(1)?)), origin, bytes: row.get(5)? })
}

fn load_breakers(connection: &Connection, recovered: &mut RecoveredState) -> Stored<()> {
    let mut statement = connection.prepare("SELECT flag, bytes, upto, event FROM breakers")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let event: Option<String> = row.get(3)?;
        let event = event.map(|text| event::from_json(&text)).transpose()?;
        recovered.breakers.push(StoredBreaker { flag: row.get(0)?, bytes: row.get(1)?, upto: row.get(2)?, event });
    }
    let mut statement = connection.prepare("SELECT flag, trip FROM holds")?;
    recovered.holds = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    Ok(())
}

fn put_breaker(connection: &Connection, breaker: &StoredBreaker) -> Stored<()> {
    let StoredBreaker { flag, bytes, upto, event } = breaker;
    let event = event.as_ref().map(event::to_json).transpose()?;
    let mut statement = connection.prepare_cached("REPLACE INTO breakers VALUES (?1, ?2, ?3, ?4)")?;
    statement.execute(params![flag, bytes, upto, event])?;
    Ok(())
}

fn put_holds(connection: &Connection, holds: &BTreeMap<String, TripState>) -> Stored<()> {
    connection.execute("DELETE FROM holds", [])?;
    let mut statement = connection.prepare_cached("INSERT INTO holds VALUES (?1, ?2)")?;
    for (flag, trip) in holds {
        statement.execute(params![flag, trip.to_string()])?;
    }
    Ok(())
}

fn put_ledgers(connection: &Connection, point: &Checkpoint<'_>) -> Stored<()> {
    let mut statement = connection.prepare_cached("REPLACE INTO ledgers VALUES (?1, ?2, ?3, ?4)")?;
    for ((instance, epoch), (ledger, last_seen)) in &point.ledgers {
        statement.execute(params![to_bits(*instance), to_bits(*epoch), to_bits(ledger.last), to_bits(*last_seen)])?;
    }
    let mut statement = connection.prepare_cached("DELETE FROM ledgers WHERE instance = ?1 AND epoch = ?2")?;
    for (instance, epoch) in &point.stale {
        statement.execute(params![to_bits(*instance), to_bits(*epoch)])?;
    }
    Ok(())
}

/// When the last record was made: each transition makes one.
fn last_of_audit(connection: &Connection) -> Stored<Millis> {
    let sql = "SELECT at FROM audit ORDER BY id DESC LIMIT 1";
    let at: Option<i64> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    Ok(Millis(at.map_or(0, from_bits)))
}

pub(super) fn fact(connection: &Connection, name: &str) -> Stored<u64> {
    let mut statement = connection.prepare_cached("SELECT number FROM facts WHERE name = ?1")?;
    let number: Option<i64> = statement.query_row(params![name], |row| row.get(0)).optional()?;
    Ok(number.map_or(0, from_bits))
}

pub(super) fn set_fact(connection: &Connection, name: &str, number: u64) -> Stored<()> {
    connection.prepare_cached("REPLACE INTO facts VALUES (?1, ?2)")?.execute(params![name, to_bits(number)])?;
    Ok(())
}
