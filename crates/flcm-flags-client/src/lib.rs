//! Feature flags for services in Rust. They follow a server, a file or any URL; deciding takes no lock; a flag that
//! does harm is rolled back; and decisions, errors and latencies are counted.
//!
//! 1. [`Features::start`] with [`Options`] once; [`Features::close`] at the end.
//! 2. [`Features::is_enabled`] and [`Features::user`] anywhere, from any thread: it takes no lock and awaits nothing.
//! 3. [`Features::run`] calls one of two functions by a flag, and reports to the breaker how it went.
//! 4. [`Features::on`] listens to [`Event`]s.
//!
//! It behaves as `@flcm/features` does in Node and browsers, and decides by the same core.
//!
//! # How it is built
//!
//! The rules of a host are state machines without I/O in the crate `flcm-flags-host`. The modules of this crate connect
//! them with sockets, files, timers and listeners.
//!
//! | module | what it does | the rules |
//! |---|---|---|
//! | `active_flags` | changes the flags in use under a lock, and publishes them for readers | `Host`, `HostState` |
//! | `in_use`, `tally` | what readers see: a snapshot with its trips, and counters of decisions | |
//! | `remote` with `source`, `cache` | makes one request at a time, and puts its snapshot in use | `Delivery` |
//! | `remote::trust` | checks signed snapshots | `Trust`, `SignedInUse` |
//! | `remote::stream` with `events` | stays connected to the server's stream of events | `Reconnect`, `StreamCursor` |
//! | `remote::file_watch` | notices edits of a file | |
//! | `collector` | stores, posts and deletes batches of counts | `Batches` |
//! | `state_file` | writes breakers, holds and the fleet's state for the next start | `Persistence` |
//! | `start`, `features`, `user` | starts the tasks; what services call | |
//! | `open_feature` | the provider, behind the feature `open-feature` | |
//! | `clock`, `http`, `store`, `event` | time and chance; requests; files; listeners | |
//!
//! - **Readers take no lock.** The value that `in_use` publishes never changes. A snapshot is replaced together with
//!   its trips, so a reader always sees both as they belong together. A decision adds one to a counter of its thread's
//!   shard.
//! - **A snapshot that was replaced is kept** until its last reader has dropped it, because that reader still counts on
//!   it.
//! - **Outcomes take a mutex,** because a breaker needs them in one order. No lock is held while listeners are called.

mod active_flags;
mod clock;
mod collector;
mod error;
mod event;
mod features;
mod flush_soon;
mod http;
mod in_use;
mod instance;
#[cfg(feature = "open-feature")]
mod open_feature;
mod options;
mod remote;
mod start;
mod state_file;
mod store;
mod tally;
mod user;

pub use clock::{Clock, SystemClock};
pub use error::{Code, Error};
pub use event::{Event, State, Subscription};
pub use features::Features;
pub use flcm_flags::breaker::{Mode, State as BreakerState, Transition};
pub use flcm_flags::metrics::Summary;
pub use flcm_flags::{AttributeValue, Context, Decision, ErrorCode, Millis, Reason, Value};
#[cfg(feature = "open-feature")]
pub use open_feature::FlcmProvider;
pub use options::{App, Options};
pub use user::{CallOutcome, Decided, User};

/// The guide compiles.
#[cfg(all(doctest, feature = "open-feature"))]
#[doc = include_str!("../../../docs/how-to/rust.md")]
struct Guide;
