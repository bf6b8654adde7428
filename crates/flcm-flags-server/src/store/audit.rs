//! The audit: who did what, when and why. Rows are added and never changed; triggers of the database enforce that.

use rusqlite::{Connection, params};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Reader, Stored, from_bits, to_bits};
use crate::event::BreakerEvent;
use crate::transition::FleetTransition;

/// An entry of the audit.
#[derive(Clone, Debug, Serialize, ToSchema)]
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
}

/// The record of a transition.
pub(crate) fn audit_of(happened: &FleetTransition, reason: &str) -> Record {
    Record {
        id: 0,
        at: happened.transition.at.0,
        actor: happened.actor.clone(),
        action: happened.transition.event.as_str().to_owned(),
        flag: Some(happened.flag.clone()),
        revision: None,
        reason: reason.to_owned(),
        detail: detail_of(happened),
    }
}

/// A transition as the detail of a record.
pub(crate) fn detail_of(happened: &FleetTransition) -> Value {
    serde_json::to_value(BreakerEvent::from(happened)).unwrap_or_default()
}

/// Adds a record.
pub(super) fn append(connection: &Connection, record: &Record) -> Stored<()> {
    let Record { at, actor, action, flag, revision, reason, detail, .. } = record;
    let mut statement = connection.prepare_cached(
        "INSERT INTO audit (at, actor, action, flag, revision, reason, detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    statement.execute(params![
        to_bits(*at),
        actor,
        action,
        flag,
        revision.map(to_bits),
        reason,
        serde_json::to_string(detail)?
    ])?;
    Ok(())
}

impl Reader {
    /// Records before this one, the newest first.
    pub(crate) fn audit(&self, before: i64, limit: u32) -> Stored<Vec<Record>> {
        let sql = "SELECT id, at, actor, action, flag, revision, reason, detail FROM audit WHERE id < ?1 \
                   ORDER BY id DESC LIMIT ?2";
        let mut statement = self.0.prepare(sql)?;
        let rows = statement.query_map(params![before, limit], |row| {
            let detail: String = row.get(7)?;
            Ok(Record {
                id: row.get(0)?,
                at: from_bits(row.get(1)?),
                actor: row.get(2)?,
                action: row.get(3)?,
                flag: row.get(4)?,
                revision: row.get::<_, Option<i64>>(5)?.map(from_bits),
                reason: row.get(6)?,
                detail: serde_json::from_str(&detail).unwrap_or_default(),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
