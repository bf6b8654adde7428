//! Series, users by day, and incidents.

use std::collections::BTreeMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Statement, params};

use super::counts::{fact, set_fact};
use super::{Reader, Store, Stored, to_bits};
use crate::series::{Mark, Point, TIERS, Tier};
use crate::sketches::Sketches;

/// The fact that says how many bytes the series have.
const SIZE: &str = "history";

/// What a row has beside its data, about.
const ROW_BYTES: u64 = 16;

/// Users are kept for so many days.
const DAYS: u64 = 30;

/// The key of the only flag in the batch of a sketch.
const USERS: &str = "users";

/// At most so many marks are read.
const MARKS: u32 = 200;

/// What was counted of a flag since the last checkpoint.
#[derive(Debug)]
pub(crate) struct CountedSeries<'a> {
    pub(crate) flag: &'a str,
    /// By steps of the finest tier.
    pub(crate) points: Vec<(u64, Point)>,
    /// The day, since 1970, and who was counted in it.
    pub(crate) day: u64,
    pub(crate) sketches: &'a Sketches,
}

/// An incident: a transition, and the series around it.
#[derive(Clone, Debug)]
pub(crate) struct StoredIncident {
    pub(crate) id: String,
    pub(crate) flag: String,
    /// In milliseconds since 1970.
    pub(crate) at: u64,
    /// The transition as JSON.
    pub(crate) event: String,
    /// By seconds.
    pub(crate) points: Vec<(u64, Point)>,
}

/// Adds what was counted, and drops what is too old or too much. Returns the estimated users of the day, by flag, of
/// those that have more of them.
pub(super) fn add_series(
    connection: &Connection,
    counted: &[CountedSeries<'_>],
    now: u64,
    history: u64,
) -> Stored<Vec<(String, u64)>> {
    let mut users = Vec::new();
    let mut size = fact(connection, SIZE)?;
    let mut writer = Writer::new(connection)?;
    for one in counted {
        let id = writer.id_of(one.flag)?;
        for tier in TIERS.into_iter().filter(|_| history > 0) {
            let mut sums = BTreeMap::new();
            for (step, point) in &one.points {
                let sum: &mut Point = sums.entry(step * TIERS[0].step / tier.step).or_default();
                sum.add(point);
            }
            for (step, sum) in sums {
                size = size.saturating_add_signed(writer.add_point(tier, (step, id), &sum)?);
            }
        }
        if let Some(count) = writer.add_users(id, one)? {
            users.push((one.flag.to_owned(), count));
        }
    }
    size = size.saturating_sub(drop_old(connection, now)?);
    while size > history {
        let Some(dropped) = drop_oldest(connection)? else { break };
        size = size.saturating_sub(dropped);
    }
    set_fact(connection, SIZE, size)?;
    Ok(users)
}

const FIND_ID: &str = "SELECT id FROM series_flags WHERE flag = ?1";
const FIND_POINT: &str = "SELECT data FROM series WHERE tier = ?1 AND step = ?2 AND flag = ?3";
const FIND_USERS: &str = "SELECT sketch FROM users WHERE day = ?1 AND flag = ?2";

/// The statements that a checkpoint executes for each flag, found once.
struct Writer<'c> {
    connection: &'c Connection,
    find_id: CachedStatement<'c>,
    find_point: CachedStatement<'c>,
    new_point: CachedStatement<'c>,
    put_point: CachedStatement<'c>,
    find_users: CachedStatement<'c>,
    put_users: CachedStatement<'c>,
}

impl<'c> Writer<'c> {
    fn new(connection: &'c Connection) -> Stored<Self> {
        let prepare = |sql| connection.prepare_cached(sql);
        Ok(Self {
            connection,
            find_id: prepare(FIND_ID)?,
            find_point: prepare(FIND_POINT)?,
            new_point: prepare("INSERT OR IGNORE INTO series VALUES (?1, ?2, ?3, ?4)")?,
            put_point: prepare("REPLACE INTO series VALUES (?1, ?2, ?3, ?4)")?,
            find_users: prepare(FIND_USERS)?,
            put_users: prepare("REPLACE INTO users VALUES (?1, ?2, ?3)")?,
        })
    }

    fn id_of(&mut self, flag: &str) -> Stored<i64> {
        if let Some(id) = self.find_id.query_row(params![flag], |row| row.get(0)).optional()? {
            return Ok(id);
        }
        self.connection.execute("INSERT INTO series_flags (flag) VALUES (?1)", params![flag])?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Adds to the point that a step has; returns by how many bytes the series have grown.
    fn add_point(&mut self, tier: Tier, (step, flag): (u64, i64), counted: &Point) -> Stored<i64> {
        let size = |data: &[u8]| (ROW_BYTES + data.len() as u64).cast_signed();
        // Most steps of the finest tier are new, and most of the others are not.
        if tier == TIERS[0] {
            let data = counted.to_bytes();
            if self.new_point.execute(params![tier.number, to_bits(step), flag, data])? > 0 {
                return Ok(size(&data));
            }
        }
        let before = data_at(&mut self.find_point, tier, step, flag)?;
        let mut sum = before.as_deref().and_then(Point::from_bytes).unwrap_or_default();
        sum.add(counted);
        let data = sum.to_bytes();
        self.put_point.execute(params![tier.number, to_bits(step), flag, data])?;
        Ok(size(&data) - before.as_deref().map_or(0, size))
    }

    /// Adds users to those of the day; returns how many these are, about, if there are more.
    fn add_users(&mut self, flag: i64, counted: &CountedSeries<'_>) -> Stored<Option<u64>> {
        let day = to_bits(counted.day);
        let before: Option<Vec<u8>> = self.find_users.query_row(params![day, flag], |row| row.get(0)).optional()?;
        let mut users = sketch_of(before.as_deref());
        // Nothing reads the durations of a day, so most checkpoints write nothing, and estimate nothing.
        if before.is_some() && users.has_users_of(counted.sketches) {
            return Ok(None);
        }
        users.merge(counted.sketches);
        self.put_users.execute(params![day, flag, users.to_bytes(USERS)])?;
        Ok(Some(estimate(&users)))
    }
}

fn known_id(connection: &Connection, flag: &str) -> Stored<Option<i64>> {
    Ok(connection.prepare_cached(FIND_ID)?.query_row(params![flag], |row| row.get(0)).optional()?)
}

/// The bytes of a step's point, by the statement [`FIND_POINT`].
fn data_at(find: &mut Statement<'_>, tier: Tier, step: u64, flag: i64) -> Stored<Option<Vec<u8>>> {
    Ok(find.query_row(params![tier.number, to_bits(step), flag], |row| row.get(0)).optional()?)
}

fn sketch_of(bytes: Option<&[u8]>) -> Sketches {
    bytes.map_or_else(Sketches::new, Sketches::from_bytes)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such a cast saturates")]
fn estimate(sketch: &Sketches) -> u64 {
    sketch.users().estimate().round() as u64
}

/// Drops what is older than its tier is kept; returns how many bytes that were.
fn drop_old(connection: &Connection, now: u64) -> Stored<u64> {
    let mut dropped = 0;
    for tier in TIERS {
        let oldest = now.saturating_sub(tier.kept) / tier.step;
        dropped += drop_until(connection, tier, oldest)?;
    }
    let oldest = (now / 86_400).saturating_sub(DAYS);
    connection.prepare_cached("DELETE FROM users WHERE day < ?1")?.execute(params![to_bits(oldest)])?;
    Ok(dropped)
}

/// Drops the oldest steps of the finest tier that has any; `None` if there is nothing left.
fn drop_oldest(connection: &Connection) -> Stored<Option<u64>> {
    for tier in TIERS {
        let sql = "SELECT min(step), max(step) FROM series WHERE tier = ?1";
        let (first, last): (Option<i64>, Option<i64>) =
            connection.query_row(sql, params![tier.number], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if let (Some(first), Some(last)) = (first, last) {
            let (first, last) = (super::from_bits(first), super::from_bits(last));
            return drop_until(connection, tier, first + (last - first) / 20 + 1).map(Some);
        }
    }
    Ok(None)
}

fn drop_until(connection: &Connection, tier: Tier, step: u64) -> Stored<u64> {
    let values = params![tier.number, to_bits(step)];
    let sql = "SELECT coalesce(sum(length(data)), 0), count(*) FROM series WHERE tier = ?1 AND step < ?2";
    let (bytes, rows): (i64, i64) =
        connection.prepare_cached(sql)?.query_row(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
    if rows > 0 {
        connection.prepare_cached("DELETE FROM series WHERE tier = ?1 AND step < ?2")?.execute(values)?;
    }
    Ok(super::from_bits(bytes) + super::from_bits(rows) * ROW_BYTES)
}

impl Store {
    /// Stores incidents, all or none.
    pub(crate) fn put_incidents<'a>(&mut self, incidents: impl Iterator<Item = &'a StoredIncident>) -> Stored<()> {
        self.write(|connection| {
            let mut put = connection.prepare_cached("REPLACE INTO incidents VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for StoredIncident { id, flag, at, event, points } in incidents {
                put.execute(params![id, flag, to_bits(*at), event, packed(points)])?;
            }
            Ok(())
        })
    }

    /// The users of a day by flag, about.
    pub(crate) fn users_of(&self, day: u64) -> Stored<Vec<(String, u64)>> {
        let sql = "SELECT series_flags.flag, sketch FROM users JOIN series_flags ON users.flag = id WHERE day = ?1";
        let mut statement = self.connection.prepare(sql)?;
        let rows = statement.query_map(params![to_bits(day)], |row| {
            Ok((row.get(0)?, estimate(&sketch_of(Some(&row.get::<_, Vec<u8>>(1)?)))))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl Reader {
    /// The points of a flag, in these steps of a tier.
    pub(crate) fn series(&self, flag: &str, tier: Tier, steps: std::ops::Range<u64>) -> Stored<Vec<(u64, Point)>> {
        let Some(id) = known_id(&self.0, flag)? else { return Ok(Vec::new()) };
        let (mut points, mut find) = (Vec::new(), self.0.prepare_cached(FIND_POINT)?);
        for step in steps {
            let data = data_at(&mut find, tier, step, id)?;
            points.extend(data.and_then(|data| Point::from_bytes(&data)).map(|point| (step, point)));
        }
        Ok(points)
    }

    /// What was done to a flag, and the revisions that changed it, within a time in milliseconds, the oldest first.
    pub(crate) fn marks(&self, flag: &str, from: u64, to: u64) -> Stored<Vec<Mark>> {
        let sql = "SELECT at, action, id, actor, reason FROM audit WHERE flag = ?1 AND at >= ?2 AND at < ?3 \
                   UNION ALL \
                   SELECT at, 'revision', number, author, reason FROM revisions WHERE at >= ?2 AND at < ?3 \
                   AND number IN (SELECT number FROM revision_flags WHERE flag = ?1) \
                   ORDER BY at DESC LIMIT ?4";
        let mut statement = self.0.prepare(sql)?;
        let rows = statement.query_map(params![flag, to_bits(from), to_bits(to), MARKS], |row| {
            let (kind, actor, reason): (String, String, String) = (row.get(1)?, row.get(3)?, row.get(4)?);
            let text = if reason.is_empty() { format!("{actor}: {kind}") } else { format!("{actor}: {reason}") };
            Ok(Mark { at: super::from_bits(row.get(0)?), kind, id: row.get(2)?, text })
        })?;
        let mut marks = rows.collect::<Result<Vec<_>, _>>()?;
        marks.reverse();
        Ok(marks)
    }

    /// The users of a flag on each of these days.
    pub(crate) fn users(&self, flag: &str, days: std::ops::Range<u64>) -> Stored<Vec<Sketches>> {
        let Some(id) = known_id(&self.0, flag)? else { return Ok(days.map(|_| Sketches::new()).collect()) };
        let mut statement = self.0.prepare_cached(FIND_USERS)?;
        let mut users = Vec::new();
        for day in days {
            let sketch: Option<Vec<u8>> =
                statement.query_row(params![to_bits(day), id], |row| row.get(0)).optional()?;
            users.push(sketch_of(sketch.as_deref()));
        }
        Ok(users)
    }

    /// Incidents of a flag before a time in milliseconds, the newest first.
    pub(crate) fn incidents(&self, flag: &str, before: i64, limit: u32) -> Stored<Vec<StoredIncident>> {
        let sql = "SELECT id, flag, at, event, points FROM incidents WHERE flag = ?1 AND at < ?2 \
                   ORDER BY at DESC LIMIT ?3";
        let mut statement = self.0.prepare(sql)?;
        let rows = statement.query_map(params![flag, before, limit], |row| {
            let points: Vec<u8> = row.get(4)?;
            Ok(StoredIncident {
                id: row.get(0)?,
                flag: row.get(1)?,
                at: super::from_bits(row.get(2)?),
                event: row.get(3)?,
                points: unpacked(&points),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Points one after the other, each with its number and its length.
fn packed(points: &[(u64, Point)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, point) in points {
        let point = point.to_bytes();
        bytes.extend(number.to_le_bytes());
        bytes.extend(u32::try_from(point.len()).unwrap_or_default().to_le_bytes());
        bytes.extend(point);
    }
    bytes
}

fn unpacked(mut bytes: &[u8]) -> Vec<(u64, Point)> {
    let mut points = Vec::new();
    while let Some((number, rest)) = bytes.split_first_chunk::<8>() {
        let Some((length, rest)) = rest.split_first_chunk::<4>() else { break };
        let Some((point, rest)) = rest.split_at_checked(u32::from_le_bytes(*length) as usize) else { break };
        points.extend(Point::from_bytes(point).map(|point| (u64::from_le_bytes(*number), point)));
        bytes = rest;
    }
    points
}
