//! Feature flags for services in Rust. They follow a server, a file or any URL; deciding takes no lock; a flag that
//! does harm is rolled back; and decisions, errors and latencies are counted.
//!
//! 1. [`Features::start`] with [`Options`] once; [`Features::close`] at the end.
//! 2. [`Features::is_enabled`] and [`Features::user`] anywhere, from any thread: it takes no lock and awaits nothing.
//! 3. [`Features::run`] calls one of two functions by a flag, and reports to the breaker how it went.
//! 4. [`Features::on`] listens to [`Event`]s.
//!
//! It behaves as `@flcm/features` does in Node and browsers, and decides by the same core.

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
pub use options::Options;
pub use user::{CallOutcome, Decided, User};

/// The guide compiles.
#[cfg(all(doctest, feature = "open-feature"))]
#[doc = include_str!("../../../docs/rust.md")]
struct Guide;
