//! Serves feature flags to hosts, adds up what they measure, and rolls flags back for all of them.
//!
//! 1. [`Options`] say where the document, the database and the keys are.
//! 2. [`Server::bind`] takes up what was kept, and begins to listen.
//! 3. [`Server::run`] answers until it is told to stop.
//!
//! One thread, the *fleet*, owns everything that changes: batches, documents and a person's commands come to it one after the other,
//! and what it acknowledges is on the disk. Requests are answered from what it has put in place, without waiting for it.

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
