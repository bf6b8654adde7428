//! The outbox: deliveries to webhooks that are not done yet.

use rusqlite::{Connection, params};

use super::audit::append;
use super::{Reader, Record, Store, Stored, from_bits, to_bits};
use crate::notification::Notification;

/// An event that one webhook is to be sent.
#[derive(Clone, Debug)]
pub(crate) struct WebhookDelivery {
    /// 0 until it is stored.
    pub(crate) id: i64,
    /// The name of the webhook.
    pub(crate) webhook: String,
    pub(crate) event: Notification,
    pub(crate) attempts: u32,
    /// When to try next, in milliseconds since 1970.
    pub(crate) due: u64,
}

/// The result of an attempt.
#[expect(clippy::large_enum_variant, reason = "one exists for each delivery that has just been tried")]
#[derive(Clone, Debug)]
pub(crate) enum DeliveryResult {
    Delivered,
    /// It is tried again at this time.
    RetryAt(u64),
    /// It is not tried again; the record goes into the audit.
    Abandoned(Record),
}

/// Puts a delivery into the outbox.
pub(super) fn enqueue(connection: &Connection, delivery: &WebhookDelivery) -> Stored<()> {
    let WebhookDelivery { webhook, event, attempts, due, .. } = delivery;
    let mut statement = connection
        .prepare_cached("INSERT INTO outbox (webhook, flag, event, attempts, due) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    statement.execute(params![webhook, event.data.flag, serde_json::to_string(event)?, attempts, to_bits(*due)])?;
    Ok(())
}

impl Store {
    /// Stores the result of an attempt.
    pub(crate) fn record_delivery(&mut self, delivery: i64, result: &DeliveryResult) -> Stored<()> {
        self.write(|connection| {
            if let DeliveryResult::RetryAt(due) = result {
                let sql = "UPDATE outbox SET attempts = attempts + 1, due = ?2 WHERE id = ?1";
                connection.execute(sql, params![delivery, to_bits(*due)])?;
                return Ok(());
            }
            connection.execute("DELETE FROM outbox WHERE id = ?1", params![delivery])?;
            if let DeliveryResult::Abandoned(record) = result { append(connection, record) } else { Ok(()) }
        })
    }
}

impl Reader {
    /// The oldest delivery for each webhook and flag, and for what is of no flag; at most 100 for a webhook. Later ones
    /// wait for it, so that they arrive in order.
    pub(crate) fn pending(&self) -> Stored<Vec<WebhookDelivery>> {
        let sql = "SELECT id, webhook, event, attempts, due FROM ( \
                       SELECT *, row_number() OVER (PARTITION BY webhook ORDER BY due, id) AS turn FROM outbox \
                       WHERE id IN (SELECT min(id) FROM outbox GROUP BY webhook, flag) \
                   ) WHERE turn <= 100";
        let mut statement = self.0.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut deliveries = Vec::new();
        while let Some(row) = rows.next()? {
            let event: String = row.get(2)?;
            deliveries.push(WebhookDelivery {
                id: row.get(0)?,
                webhook: row.get(1)?,
                event: serde_json::from_str(&event)?,
                attempts: row.get(3)?,
                due: from_bits(row.get(4)?),
            });
        }
        Ok(deliveries)
    }
}
