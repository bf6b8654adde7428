//! Webhooks: deliveries in the form of Standard Webhooks, in order for each flag, and repeated until they succeed.

mod dispatcher;
mod signature;

pub(crate) use dispatcher::WebhookDispatcher;
