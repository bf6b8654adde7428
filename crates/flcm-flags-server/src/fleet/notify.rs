//! Notifications: what happened is put into the outbox, with the change itself.

use super::Fleet;
use crate::notification::{
    EventKind, Notification, NotificationData, RefusedDocument, Subscription, because, of_operator,
};
use crate::store::WebhookDelivery;
use crate::transition::FleetTransition;

/// While nothing can be stored, no more records wait for that because of refused documents.
const WAITING: usize = 1000;

impl Fleet {
    /// What webhooks are to be sent of a notification.
    pub(super) fn deliveries_of(&self, kind: EventKind, event: &Notification) -> Vec<WebhookDelivery> {
        let subscribed = self.webhooks.iter().filter(|webhook| webhook.events.contains(&kind));
        // Due at once: the fleet's time may be ahead of the clock that the dispatcher uses.
        let delivery = |Subscription { name, .. }: &Subscription| WebhookDelivery {
            id: 0,
            webhook: name.clone(),
            event: event.clone(),
            attempts: 0,
            due: 0,
        };
        subscribed.map(delivery).collect()
    }

    pub(super) fn enqueue(&mut self, kind: EventKind, event: &Notification) {
        let deliveries = self.deliveries_of(kind, event);
        self.unstored.deliveries.extend(deliveries);
    }

    /// A notification that no breaker caused.
    pub(super) fn notification(&mut self, name: &str, data: NotificationData) -> Notification {
        self.notified += 1;
        Notification::new(name, self.notified, data)
    }

    pub(super) fn enqueue_transition(&mut self, kind: EventKind, happened: &FleetTransition, reason: &str) {
        self.enqueue(kind, &Notification::of_transition(happened, reason));
    }

    /// An operator holds or releases a flag that has no breaker.
    pub(super) fn enqueue_hold(&mut self, flag: &str, is_held: bool, actor: &str, reason: &str) {
        let (name, done) = if is_held { ("flag.held", "held") } else { ("flag.released", "released") };
        let text = of_operator(actor, done, flag, reason);
        tracing::warn!(flag, actor, "{text}");
        let data = NotificationData { text, flag: Some(flag.to_owned()), ..self.data_of(actor, reason) };
        let event = self.notification(name, data);
        self.enqueue(EventKind::Hold, &event);
    }

    /// A document was refused.
    pub(super) fn refused(&mut self, document: &RefusedDocument) {
        let RefusedDocument { author, reason, code, detail, address } = document;
        if self.unstored.records.len() >= WAITING {
            return;
        }
        let revision = Some(self.published.number);
        let mut record = self.record(author, "refused", reason, serde_json::json!({ "code": code, "detail": detail }));
        record.revision = revision;
        record.address = address.map(|address| address.to_string());
        self.unstored.records.push(record);
        let text = because(format!("a document of {author} was refused with {code}"), detail);
        let data = NotificationData { text, revision, code: Some((*code).to_owned()), ..self.data_of(author, reason) };
        let event = self.notification("document.refused", data);
        self.enqueue(EventKind::Refused, &event);
        self.store_changes();
    }

    /// What all notifications have.
    pub(super) fn data_of(&self, actor: &str, reason: &str) -> NotificationData {
        let (actor, reason) = (actor.to_owned(), reason.to_owned());
        NotificationData { at: self.clock.now().0, actor, reason, ..NotificationData::default() }
    }
}
