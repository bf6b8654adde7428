//! Everything that a host of flags decides, without I/O: no clock, socket, file or thread.
//!
//! A *host* is a process that evaluates flags: a service, a page, or the server itself for all of its clients. The
//! state machines of this crate receive time and bytes as arguments, and return what is to be done.
//!
//! | module | what it decides |
//! |---|---|
//! | [`breakers`](Guards) | one circuit breaker for each flag with a policy, and the trips that evaluation sees |
//! | [`fleet_guards`](FleetGuards) | the breakers of a fleet: one for servers and one for pages, and what follows from both |
//! | [`page_evidence`](PageEvidence) | which outcomes of pages are evidence, as anyone may report them |
//! | [`measures`](Measures) | what is counted of each flag, and custom metrics |
//! | [`groups`](LazyGroups) | the memory of what is counted by arm and variant |
//! | [`state`](HostState) | breakers and counters of the snapshot in use, and how an update takes them over |
//! | [`overrides`](Overrides) | holds of this host and trips of the fleet, and which of them is strictest |
//! | [`persistence`](Persistence) | breakers, holds and the fleet's trips across a restart |
//! | [`host`](Host) | the last three together: commands, the fleet's state, what is restored and stored |
//! | [`batches`](Batches) | which batch of counts is sent next, under which name, and what an answer means for it |
//! | [`delivery`](Delivery) | when to fetch, how long to wait after a failure, and whether flags are fresh or stale |
//! | [`revisions`](Revisions) | which snapshot may follow the one in use, and when an older one may |
//! | [`stream`](Reconnect) | when a stream that broke is connected again, and which of its events are new |
//! | [`schedule`] | moments of polls and waits after failures, spread over all hosts |
//! | [`changed`](ChangedFlags) | which flags an update has changed |
//! | [`statement`](Statement), [`trust`](Trust) | which signed snapshots a host takes that has pinned keys |
//! | [`time`](Now), [`text`], [`reserve`] | time and chance as arguments; numbers as text; whether there is memory |
//!
//! # Who uses it
//!
//! The Rust client is an adapter around all of it: it owns sockets, files, timers and listeners, and makes one call per
//! event. The server uses [`FleetGuards`] for the breakers of its fleet.
//!
//! JavaScript reaches only [`HostState`], by the bindings. The runtime in TypeScript repeats the other rules, because
//! calling them in WebAssembly would make pages larger. The files in `tests/vectors/host` hold `schedule`, `overrides`,
//! `persistence` and `revisions` to the same results in both languages, and the fault suite in `tests/hosts` runs over
//! hosts of both.
//!
//! # How a state machine is driven
//!
//! [`Delivery`], [`Batches`] and [`Reconnect`] have the same shape:
//!
//! 1. Call a method for what happened, such as [`Delivery::applied`] or [`Batches::sent`].
//! 2. Ask for actions with `take_action` until there are none, and do them. ([`Reconnect`] has one action, to connect:
//!    [`Reconnect::is_due`].)
//! 3. Wait until the time that `next_deadline` returns, then call `poll`. To call it earlier or more often does no
//!    harm.
//!
//! # Fetching
//!
//! - **One request at a time.** A call for another one while it is under way leads to one more request after it.
//! - **The `ETag` is cleared before each request.** It is saved again only together with the snapshot that it belongs
//!   to, when that snapshot is in use. After any failure the next request is therefore unconditional.
//! - **Two kinds of time.** Intervals, ages and waits use [`Now::elapsed`], which never goes back. Decisions use the
//!   wall clock, and so do breakers, which stand still when it steps back.
//! - **Hosts are spread.** The moment of a host within the poll interval follows from its instance number, so hosts
//!   send requests evenly, whenever they were started. After a failure a host waits a random time below a limit, and
//!   the limit doubles with each failure. So hosts do not come back all at once when an outage ends.
//!
//! # Revisions
//!
//! - A snapshot with a lower revision than the one in use is refused, and so is one without after one with a revision.
//! - A revision that is more than 2^32 above the one in use is refused, so that one wrong answer pins no host. The first
//!   one is measured from 0. This holds for snapshots of a cache and of the program as well.
//! - When a source has answered with older revisions alone for 24 hours, the next one is used, and reported as
//!   `REVISION_RESET`. The beginning of the 24 hours is stored with the snapshot, so they go on over restarts.
//!
//! # Signed snapshots
//!
//! - Where keys are pinned, a snapshot is checked before it is loaded, whether it comes from the source or from a
//!   cache. What the program brings is trusted as the program is.
//! - Snapshots are in the order of epoch, revision, and when they were signed. An older one is refused, however long
//!   the source goes on with it, because that is what holding back looks like. A higher epoch begins anew.
//! - `304 Not Modified` may bring a new statement about the same snapshot, which expires later.
//! - What has expired goes on deciding, and is `stale`; it is reported once as `SIGNATURE_EXPIRED`.
//! - The stream is not signed. What it says of the fleet may hold a flag back, but does not end a trip of this host.
//!
//! # Trips
//!
//! - The server sends the state of the whole fleet each time. A flag that it does not name is clear.
//! - Three trips apply to a flag: that of the host's own breaker, that of an operator's hold on this host, and the
//!   fleet's. The strictest takes effect.
//! - When the fleet's breaker of a flag decides anew to let it go on (its generation rises, and its trip is not `off`),
//!   the host acknowledges its own breaker of that flag, and so ends its own trip ([`Host::apply_fleet_state`]). The
//!   fleet has made a newer decision, from the counts of all hosts.
//! - The fleet's generation is stored with the counts, because they are evidence only for that generation.
//!
//! # Counts
//!
//! - A batch is stored before it is sent, contains its own name, and is deleted when it was acknowledged. So the server
//!   can add it up exactly once.
//! - One batch is in flight. Its bytes do not change, except for the age in them. Meanwhile counts go into the next
//!   batch.
//! - After the answer 409 the same counts are sent as the first batch of another epoch.
//! - Nobody knows how old a batch is that was stored over a restart. It gets an age of more than 120 seconds: it is
//!   counted, but is no evidence.
//! - Where totals are kept, counts that were drained stay in summaries.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod batches;
mod breakers;
mod changed;
mod delivery;
mod fleet_guards;
mod groups;
mod host;
mod measures;
mod overrides;
mod page_evidence;
pub mod persistence;
pub mod reserve;
mod revisions;
pub mod schedule;
mod state;
mod statement;
mod stream;
pub mod text;
mod time;
mod trust;

pub use batches::{BatchAction, BatchName, Batches, Delivered};
pub use breakers::{FlagTransition, Guards};
pub use changed::{ChangedFlags, changed};
pub use delivery::{Delivery, DeliveryAction, DeliveryOptions, Freshness};
pub use fleet_guards::{FleetGuards, SavedBreakers, SourcedTransition};
pub use groups::LazyGroups;
pub use host::{Host, InUse, POLL_AFTER_OUTCOME, REPORT_FAILURE_WITHIN, REPORT_TRANSITION_WITHIN};
pub use measures::{Counted, CustomMetrics, Measures};
pub use overrides::{FleetFlag, FleetState, Overrides};
pub use page_evidence::{NETWORKS, Network, Page, PageEvidence};
pub use persistence::{PersistedState, Persistence};
pub use revisions::{Follows, LARGEST_JUMP, OLDER_FOR, RevisionError, Revisions, follows};
pub use state::{HostState, Outcome, UNITS_BYTES};
pub use statement::{KeyId, Position, SIGNATURE_HEADER, Statement, Unverified};
pub use stream::{Reconnect, StreamCursor};
pub use time::{Deadline, Now};
pub use trust::{Cryptography, Distrust, Pin, SignedInUse, Trust, may_follow};
