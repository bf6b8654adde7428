//! Everything that a host of flags decides, without I/O: no clock, socket, file or thread.
//!
//! A *host* is a process that evaluates flags: a service, a page, the server itself for its fleet. Time and bytes are
//! given to the state machines of this crate, and they answer what is to be done. The Rust client, the bindings for
//! JavaScript and the demo are adapters: they own sockets, files, timers and listeners.
//!
//! | module | what it decides |
//! |---|---|
//! | [`breakers`](Guards) | one circuit breaker for each flag with a policy, and the trips that evaluation sees |
//! | [`state`](HostState) | breakers and counters of the snapshot in use, and how an update takes them over |
//! | [`overrides`](Overrides) | holds of this host and trips of the fleet, and which of them is strictest |
//! | [`persistence`](Persistence) | breakers, holds and the fleet's trips across a restart |
//! | [`batches`](Batches) | which batch of counts is sent next, under which name, and what an answer means for it |
//! | [`delivery`](Delivery) | when to fetch, how long to wait after a failure, and whether flags are fresh or stale |
//! | [`stream`](Reconnect) | when a stream that broke is connected again, and which of its events are new |
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod batches;
mod breakers;
mod changed;
mod delivery;
mod host;
mod measures;
mod overrides;
pub mod persistence;
pub mod reserve;
pub mod schedule;
mod state;
mod stream;
pub mod text;
mod time;

pub use batches::{BatchAction, BatchName, Batches, Delivered};
pub use breakers::{FlagTransition, Guards};
pub use changed::{ChangedFlags, changed};
pub use delivery::{Delivery, DeliveryAction, DeliveryOptions, Freshness};
pub use host::{Host, InUse, POLL_AFTER_OUTCOME, REPORT_FAILURE_WITHIN, REPORT_TRANSITION_WITHIN};
pub use measures::{Counted, CustomMetrics, Measures};
pub use overrides::{FleetFlag, FleetState, Overrides};
pub use persistence::{PersistedState, Persistence};
pub use state::{HostState, Outcome, UNITS_BYTES};
pub use stream::{Reconnect, StreamCursor};
pub use time::{Deadline, Now};
