//! Decides feature flags. A document is compiled once into a *snapshot*: bytes that are validated once and then read in
//! place, in browsers, in Node and in Rust alike.
//!
//! 1. [`Snapshot::from_bytes`] checks the bytes; nothing after it can fail.
//! 2. [`Context::bind`] resolves who is asking against the snapshot.
//! 3. [`evaluate`] decides a flag at a time; [`evaluate_all`] decides them all; [`explain`] shows how.
//! 4. [`Decision`] says what is served, and why.
//!
//! The crate has no clock, no randomness, no I/O, no `unsafe`, and allocates nothing: the same snapshot, trips, flag,
//! context and time give the same decision on every platform. Documents are compiled by `flcm-flags-config`.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::alloc_instead_of_core,
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::std_instead_of_core,
        clippy::string_slice,
        clippy::unwrap_used
    )
)]

#[cfg(test)]
extern crate std;

pub mod breaker;
pub mod bucket;
mod cohort;
mod condition;
mod context;
mod counts;
mod decision;
mod evaluate;
mod explain;
mod fingerprint;
pub mod metrics;
pub mod orchestrate;
mod pattern;
mod policy;
mod reads;
pub mod rollout;
pub mod snapshot;
mod targeting;
pub mod time;
mod trips;
mod value;
pub mod version;

pub use cohort::cohorts;
pub use condition::{CohortId, Node, Nodes, Operand, Operator, Test};
pub use context::{BoundContext, Context};
pub use counts::{Counts, Sample};
pub use decision::{Arm, Decision, ErrorCode, PackedDecision, Reason};
pub use evaluate::{Override, evaluate, evaluate_all, evaluate_as, explain};
pub use explain::{Group, Membership, Step, Visitor};
pub use policy::{Action, Detector, Policy, Recovery, Shared};
pub use snapshot::{AttributeId, Expected, Flag, FlagId, Rule, Serves, Snapshot, SnapshotError, Variant};
pub use time::Millis;
pub use trips::{TripState, Trips};
pub use value::{AttributeValue, Value};
