//! The audit: who did what, when and why. Rows are added and never changed; triggers of the database enforce that.

use rusqlite::{Connection, params, params_from_iter};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Reader, Store, Stored, to_bits};
use crate::event::BreakerEvent;
use crate::transition::FleetTransition;

mod chain;

pub use chain::{AuditCheck, verify_audit};
use chain::{COLUMNS, Head, StoredRow};

/// An entry of the audit.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub(crate) struct Record {
    /// The number of the record; 0 until it is stored.
    pub(crate) id: i64,
    /// Milliseconds since 1970.
    pub(crate) at: u64,
    /// Who did it: the name of a key, `file`, or `breaker`.
    pub(crate) actor: String,
    /// What was done, such as `publish`, `hold` or `tripped`.
    pub(crate) action: String,
    /// The flag that it was done to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) flag: Option<String>,
    /// The revision that was published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<u64>,
    /// The reason that the actor has given.
    pub(crate) reason: String,
    /// Everything else that is known.
    #[schema(value_type = Object)]
    pub(crate) detail: Value,
    /// The address that the request came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) address: Option<String>,
    /// The `hash` of the record before this one; empty until it is stored.
    pub(crate) previous: String,
    /// The SHA-256 of this record, which covers `previous`: see `flcm audit verify`. Empty until it is stored.
    pub(crate) hash: String,
}

impl From<StoredRow> for Record {
    fn from(row: StoredRow) -> Self {
        let StoredRow { id, at, actor, action, flag, revision, reason, detail, address, previous, hash } = row;
        let detail = serde_json::from_str(&detail).unwrap_or_default();
        Self { id, at, actor, action, flag, revision, reason, detail, address, previous, hash }
    }
}

/// The record of a transition.
pub(crate) fn audit_of(happened: &FleetTransition, reason: &str) -> Record {
    Record {
        at: happened.transition.at.0,
        actor: happened.actor.clone(),
        action: happened.transition.event.as_str().to_owned(),
        flag: Some(happened.flag.clone()),
        reason: reason.to_owned(),
        detail: detail_of(happened),
        ..Record::default()
    }
}

/// A transition as the detail of a record.
fn detail_of(happened: &FleetTransition) -> Value {
    serde_json::to_value(BreakerEvent::from(happened)).unwrap_or_default()
}

/// Adds a record to the chain.
pub(super) fn append(connection: &Connection, record: &Record) -> Stored<()> {
    let Head { id, hash } = chain::head(connection)?;
    let record = record.clone();
    let mut row = StoredRow {
        id: id + 1,
        at: record.at,
        actor: record.actor,
        action: record.action,
        flag: record.flag,
        revision: record.revision,
        reason: record.reason,
        detail: serde_json::to_string(&record.detail)?,
        address: record.address,
        previous: hash,
        hash: String::new(),
    };
    row.hash = row.digest();
    let sql = format!("INSERT INTO audit ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
    let StoredRow { id, at, actor, action, flag, revision, reason, detail, address, previous, hash } = row;
    let (at, revision) = (to_bits(at), revision.map(to_bits));
    connection
        .prepare_cached(&sql)?
        .execute(params![id, at, actor, action, flag, revision, reason, detail, address, previous, hash])?;
    Ok(())
}

impl Store {
    /// The newest record, to be logged: a log that is kept elsewhere proves which records there were.
    pub(crate) fn audit_head(&self) -> Stored<Head> {
        chain::head(&self.connection)
    }
}

/// Which records are wanted. Whatever is `None` or empty does not matter.
#[derive(Clone, Debug, Default)]
pub(crate) struct AuditFilter {
    pub(crate) flag: Option<String>,
    pub(crate) actor: Option<String>,
    /// One of these.
    pub(crate) actions: Vec<String>,
    /// In milliseconds since 1970, and before the second one.
    pub(crate) since: Option<u64>,
    pub(crate) until: Option<u64>,
    /// Part of the reason or of the detail.
    pub(crate) text: Option<String>,
}

impl AuditFilter {
    /// The conditions, and their values.
    fn conditions(self) -> (String, Vec<rusqlite::types::Value>) {
        let (mut sql, mut values) = (String::new(), Vec::new());
        let mut add = |condition: &str, value: rusqlite::types::Value| {
            sql.push_str(" AND ");
            sql.push_str(condition);
            values.push(value);
        };
        self.flag.into_iter().for_each(|flag| add("flag = ?", flag.into()));
        self.actor.into_iter().for_each(|actor| add("actor = ?", actor.into()));
        self.since.into_iter().for_each(|since| add("at >= ?", time(since).into()));
        self.until.into_iter().for_each(|until| add("at < ?", time(until).into()));
        if let Some(text) = self.text {
            let escaped: String =
                text.chars().flat_map(|c| [matches!(c, '%' | '_' | '\\').then_some('\\'), Some(c)]).flatten().collect();
            add("(reason || char(10) || detail) LIKE ? ESCAPE '\\'", format!("%{escaped}%").into());
        }
        if !self.actions.is_empty() {
            sql.push_str(" AND action IN (?");
            sql.push_str(&", ?".repeat(self.actions.len() - 1));
            sql.push(')');
            values.extend(self.actions.into_iter().map(Into::into));
        }
        (sql, values)
    }
}

impl Reader {
    /// Records before this one, the newest first.
    pub(crate) fn audit(&self, filter: AuditFilter, before: i64, limit: u32) -> Stored<Vec<Record>> {
        let (conditions, mut values) = filter.conditions();
        let sql = format!("SELECT {COLUMNS} FROM audit WHERE id < ?{conditions} ORDER BY id DESC LIMIT ?");
        values.insert(0, before.into());
        values.push(limit.into());
        let mut statement = self.0.prepare(&sql)?;
        let rows = statement.query_map(params_from_iter(values), |row| StoredRow::read(row).map(Record::from))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The records after this one, the oldest first.
    pub(crate) fn audit_after(&self, after: i64, limit: u32) -> Stored<Vec<Record>> {
        let sql = format!("SELECT {COLUMNS} FROM audit WHERE id > ?1 ORDER BY id LIMIT ?2");
        let mut statement = self.0.prepare(&sql)?;
        let rows = statement.query_map(params![after, limit], |row| StoredRow::read(row).map(Record::from))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// A time that somebody asks for; later than any that is stored if it does not fit.
fn time(at: u64) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}
