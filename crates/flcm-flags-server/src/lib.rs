//! Serves feature flags to hosts, collects their metrics, and rolls flags back for all of them.
//!
//! 1. [`Options`] name the document, the database and the keys.
//! 2. [`Server::bind`] recovers the stored state, and starts to listen.
//! 3. [`Server::run`] serves until it is told to stop.
//!
//! One thread, the *fleet*, owns all state that changes. Batches, documents and operator commands reach it one after
//! the other, and what it acknowledges is on the disk. Requests that only read are served from the state that it has
//! published, without waiting.

mod clock;
#[cfg(feature = "command-line")]
pub mod command_line;
mod counters;
mod document_watcher;
mod error;
mod event;
mod fleet;
mod gzip;
mod http;
mod ingest;
mod keys;
mod metrics;
mod options;
mod published;
mod retry;
mod server;
mod serving;
mod state;
mod store;
mod tls;
mod totals;
mod transition;
mod webhooks;

pub use error::StartError;
pub use http::openapi;
pub use keys::{Key, Keys, Role, mint};
pub use options::{Options, Otlp, Webhook, WebhookFormat};
pub use server::Server;
