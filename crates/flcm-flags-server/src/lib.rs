//! Serves feature flags to hosts, collects their metrics, and rolls flags back for all of them.
//!
//! 1. [`Options`] name the document, the database and the keys.
//! 2. [`Server::bind`] recovers the stored state, and starts to listen.
//! 3. [`Server::run`] serves until it is stopped.
//!
//! # Design
//!
//! ```text
//! batch, document, command ─▶ FleetHandle ─▶ Fleet (one thread) ─▶ Store (SQLite) ─▶ outbox ─▶ WebhookDispatcher
//!                                              │ FleetGuards, Totals, Ledgers, Hosts
//!                                              ▼ persist_and_broadcast
//!                        GET /flags, OFREP ◀─ ServingState, StreamState ─▶ GET /flags/stream
//! ```
//!
//! - **One owner.** The *fleet* is an actor: one thread owns all state that changes. Batches, documents and operator
//!   commands reach it one after the other, so nothing is locked, and breakers see one order of events.
//! - **Commands go first.** What waits for the fleet is in a queue: commands, then reports, then batches in small groups.
//!   Batches were checked before, on the threads that answer requests.
//! - **Requests that only read do not wait for it.** They are served from the state that it has published.
//! - **Stored, then counted.** A batch is on the disk before it is counted and acknowledged; many share a commit. A
//!   checkpoint stores totals, ledgers and breakers, and deletes the batches that it contains. A start recovers the
//!   checkpoint and counts the batches after it again.
//! - **Rollbacks and holds take effect even when they cannot be stored.** They are stored, then broadcast, whether or
//!   not storing succeeded; each second the fleet tries again. A document is in use only when it is stored.
//! - **Streams have no queue.** Each event carries the full state, so a slow stream needs only the latest one.
//! - **Label cardinality is bounded.** Only flags, variants and routes that the server knows become labels.
//! - **JSON stays at the edge.** Transitions are typed in the fleet; `event` is their JSON form, for `http`, `webhooks`
//!   and the columns of `store`.
//! - **Each route states who may call it**, by a type: see `http::access` and `http::routes`.
//!
//! | module | content |
//! |---|---|
//! | `options`, `keys`, `error`, `command_line` | what a server is given, and why it does not start |
//! | `sessions` | people who have signed in |
//! | `server` with `connections`, `reload` | start, run, shutdown; connections; keys and certificates that are read again |
//! | `admission`, `peer`, `proxies` | which connections stay when there are too many; where requests come from |
//! | `fleet` and its folder: `handle`, `queue`, `merge`, `ledgers`, `persist`, `publish`, `commands` and others | the actor |
//! | `store` with `revisions`, `audit`, `batches`, `counts`, `ledgers`, `outbox`, `tables.sql` | the database |
//! | `published`, `serving`, `state`, `counters` | the revision in use; the state that requests share |
//! | `transition`, `event` | a transition with its actor; the same as JSON |
//! | `notification` | what webhooks are sent: transitions, holds, revisions, refused documents |
//! | `inventory` | which hosts there are, as far as they say |
//! | `series`, `watched` | counts of flags by steps of time; flags that pages look at |
//! | `totals`, `ingest` with `batch`; `peer` with `turns` | the counts of all hosts; request bodies, batches and their origin |
//! | `page_counts` | counts of pages as JSON, which become a batch like any other |
//! | `http` with a file per path, `access`, `routes`, `problem`, `openapi` | handlers, their access, their errors |
//! | `metrics` with `catalog`, `process`, `text`, `otlp` | every metric; as text, and pushed to a collector |
//! | `webhooks` with `dispatcher`, `signature` | deliveries by Standard Webhooks |
//! | `signing`, `signed_file`, `signatures` | keys that sign snapshots; what was signed elsewhere; the header of each answer |
//! | `document_file`, `document_watcher` | the document's file: edits of it, and those over HTTP |
//! | `ahead` | hosts that use a later revision than the server has |
//! | `bounded_file` | files are measured before they are read |
//! | `tls`, `clock`, `retry`, `gzip` | certificates; time; waits; compression |
//!
//! A table in the tidy test of `flcm-flags-conformance` says which module may import which; there are no cycles.

mod admission;
mod ahead;
mod bounded_file;
mod clock;
#[cfg(feature = "command-line")]
pub mod command_line;
mod counters;
mod document_file;
mod document_watcher;
mod error;
mod event;
mod fleet;
mod gzip;
mod http;
mod ingest;
mod inventory;
mod keys;
mod metrics;
mod notification;
mod options;
mod page_counts;
mod peer;
mod proxies;
mod published;
mod retry;
mod series;
mod server;
mod serving;
mod sessions;
mod signatures;
mod signed_file;
mod signing;
mod sketches;
mod state;
mod store;
mod tls;
mod totals;
mod transition;
mod watched;
mod webhooks;

pub use clock::revision_at;
pub use error::StartError;
pub use http::openapi;
pub use keys::{Role, mint};
pub use notification::EventKind;
pub use options::{Asset, Dashboard, Edits, Options, Otlp, Webhook, WebhookFormat};
pub use proxies::ProxyNetwork;
pub use server::{Reloader, Server};
pub use signed_file::{SIGNATURE_ENDING, SignedSnapshot};
pub use signing::{SignerOptions, SigningKey, SnapshotSigner, mint_signing_key};
pub use store::{AuditCheck, verify_audit};
