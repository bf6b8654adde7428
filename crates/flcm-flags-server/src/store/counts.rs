//! Checkpoints: totals, ledgers and breakers.

use std::collections::BTreeMap;

use flcm_flags::{Millis, TripState};
use flcm_flags_host::SavedBreakers;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use utoipa::ToSchema;

use super::audit::append;
use super::ledgers::{StoredLedger, StoredLedgerName};
use super::outbox::enqueue;
use super::series::{CountedSeries, add_series};
use super::{Record, Store, Stored, WebhookDelivery, batches, from_bits, ledgers, to_bits};
use crate::event;
use crate::totals;
use crate::transition::FleetTransition;

/// The key of custom metrics among the totals, which no flag can have.
const CUSTOMS: &str = "";

/// The breakers of a flag as they are stored.
#[derive(Clone, Debug)]
pub(crate) struct StoredBreaker {
    pub(crate) flag: String,
    pub(crate) saved: SavedBreakers,
    /// The last batch that it contains.
    pub(crate) upto: i64,
    /// Its last transition.
    pub(crate) event: Option<FleetTransition>,
}

/// What an operator has set a flag to, or what a breaker that is gone has left: who, why, and when.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CommandInForce {
    /// The name of a key, or `breaker` where the flag has lost its `error_threshold` after a rollback.
    pub(crate) actor: String,
    /// The reason that the actor has given.
    pub(crate) reason: String,
    /// Since when, in milliseconds since 1970.
    pub(crate) at: u64,
}

/// Everything that a start recovers.
#[derive(Debug, Default)]
pub(crate) struct RecoveredState {
    pub(crate) ledgers: Vec<StoredLedger>,
    pub(crate) totals: Vec<(String, totals::Stored)>,
    pub(crate) customs: Vec<u8>,
    pub(crate) breakers: Vec<StoredBreaker>,
    pub(crate) holds: BTreeMap<String, String>,
    pub(crate) commands: BTreeMap<String, CommandInForce>,
    /// When the first batch after the checkpoint came.
    pub(crate) first_batch: Option<Millis>,
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
    /// All commands in force, if any has changed.
    pub(crate) commands: Option<&'a BTreeMap<String, CommandInForce>>,
}

/// The state that replaces the batches up to one.
#[derive(Debug)]
pub(crate) struct Checkpoint<'a> {
    pub(crate) ledgers: Vec<StoredLedger>,
    /// Ledgers that are dropped.
    pub(crate) gone: Vec<StoredLedgerName>,
    pub(crate) totals: Vec<(&'a str, totals::Stored)>,
    pub(crate) customs: Vec<u8>,
    pub(crate) breakers: Vec<StoredBreaker>,
    pub(crate) series: Vec<CountedSeries<'a>>,
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
            recovered.ledgers = ledgers::load(connection)?;
            let (first, last) = batches::times(connection)?;
            recovered.first_batch = first;
            recovered.clock = recovered.clock.max(last.unwrap_or(Millis(0))).max(last_of_audit(connection)?);
            Ok(recovered)
        })
    }

    /// Stores changes.
    pub(crate) fn record(&mut self, happened: &Changes<'_>) -> Stored<()> {
        let Changes { breakers, gone, records, deliveries, holds, commands } = happened;
        self.write(|connection| {
            breakers.iter().try_for_each(|breaker| put_breaker(connection, breaker))?;
            for flag in gone {
                connection.execute("DELETE FROM breakers WHERE flag = ?1", params![flag])?;
            }
            records.iter().try_for_each(|record| append(connection, record))?;
            deliveries.iter().try_for_each(|delivery| enqueue(connection, delivery))?;
            holds.map_or(Ok(()), |holds| put_holds(connection, holds))?;
            commands.map_or(Ok(()), |commands| put_commands(connection, commands))
        })
    }

    /// Stores a checkpoint, and deletes the batches that it contains. Returns the users of the day by flag, about.
    pub(crate) fn checkpoint(&mut self, point: &Checkpoint<'_>) -> Stored<Vec<(String, u64)>> {
        let history = self.history;
        self.write(|connection| {
            ledgers::put(connection, &point.ledgers, &point.gone)?;
            let mut statement = connection.prepare_cached("REPLACE INTO totals VALUES (?1, ?2, ?3)")?;
            for (flag, (counts, sketches)) in &point.totals {
                statement.execute(params![flag, serde_json::to_string(counts)?, sketches])?;
            }
            statement.execute(params![CUSTOMS, "{}", point.customs])?;
            point.breakers.iter().try_for_each(|breaker| put_breaker(connection, breaker))?;
            set_fact(connection, "clock", point.clock.0)?;
            let users = add_series(connection, &point.series, point.clock.0 / 1000, history)?;
            connection.execute("DELETE FROM batches WHERE id <= ?1", params![point.upto])?;
            Ok(users)
        })
    }
}

fn load_counts(connection: &Connection, recovered: &mut RecoveredState) -> Stored<()> {
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
    Ok(())
}

fn load_breakers(connection: &Connection, recovered: &mut RecoveredState) -> Stored<()> {
    let mut statement = connection.prepare("SELECT flag, servers, pages, upto, event FROM breakers")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let event: Option<String> = row.get(4)?;
        let event = event.map(|text| event::from_json(&text)).transpose()?;
        let saved = SavedBreakers { servers: row.get(1)?, pages: row.get(2)? };
        recovered.breakers.push(StoredBreaker { flag: row.get(0)?, saved, upto: row.get(3)?, event });
    }
    let mut statement = connection.prepare("SELECT flag, trip FROM holds")?;
    recovered.holds = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut statement = connection.prepare("SELECT flag, actor, reason, at FROM commands")?;
    let commands = statement.query_map([], |row| {
        let command = CommandInForce { actor: row.get(1)?, reason: row.get(2)?, at: from_bits(row.get(3)?) };
        Ok((row.get(0)?, command))
    })?;
    recovered.commands = commands.collect::<Result<_, _>>()?;
    Ok(())
}

fn put_breaker(connection: &Connection, breaker: &StoredBreaker) -> Stored<()> {
    let StoredBreaker { flag, saved: SavedBreakers { servers, pages }, upto, event } = breaker;
    let event = event.as_ref().map(event::to_json).transpose()?;
    let mut statement = connection.prepare_cached("REPLACE INTO breakers VALUES (?1, ?2, ?3, ?4, ?5)")?;
    statement.execute(params![flag, servers, pages, upto, event])?;
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

fn put_commands(connection: &Connection, commands: &BTreeMap<String, CommandInForce>) -> Stored<()> {
    connection.execute("DELETE FROM commands", [])?;
    let mut statement = connection.prepare_cached("INSERT INTO commands VALUES (?1, ?2, ?3, ?4)")?;
    for (flag, CommandInForce { actor, reason, at }) in commands {
        statement.execute(params![flag, actor, reason, to_bits(*at)])?;
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
