//! Decides feature flags, and rolls back the ones that do harm.
//!
//! The core never sees a document, and the compiler never sees a user. A document is compiled once into a *snapshot*:
//! bytes that are validated once and then read in place. Browsers, Node and Rust read the same bytes.
//!
//! 1. [`Snapshot::from_bytes`] checks the bytes. Nothing after it can fail.
//! 2. [`Context::bind`] resolves a user and their attributes against the snapshot.
//! 3. [`evaluate()`] decides one flag, [`evaluate_all`] decides all of them, and [`explain()`] also reports each step.
//! 4. [`Decision`] holds what is served and the reason.
//!
//! The crate has no clock, no randomness, no I/O and no `unsafe`, and it allocates nothing. The same snapshot, trips,
//! flag, context and time give the same decision on every platform. `flcm-flags-config` compiles documents.
//!
//! ```
//! use flcm_flags::{Context, Millis, Snapshot, Trips, Value, evaluate};
//!
//! let text = "
//! flags:
//!   theme: { default: light, on: dark, conditions: [{ attribute: plan, operator: ==, value: pro }] }";
//! # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
//! let snapshot = Snapshot::from_bytes(bytes)?;
//! let flag = snapshot.flag("theme").unwrap();
//! let attributes = [("plan", "pro".into())];
//! let alice = Context::new(Some("alice"), &attributes).bind(&snapshot);
//! let decision = evaluate(&snapshot, &Trips::NONE, flag, &alice, Millis(0));
//! assert_eq!(decision.value(), Some(Value::String("dark")));
//! # Ok::<(), flcm_flags::SnapshotError>(())
//! ```
//!
//! # How a flag is rolled back
//!
//! ```text
//! result of a call ─ record ─▶ Breaker ─▶ Transition ─▶ host: notify, store, send   FlagMetrics ─ drain ─▶ batch
//!   (arm, generation)            ▲ │                                                     ▲
//!                  next_deadline ┘ ▼                                                     │
//!                                Trips ─▶ the next evaluation ───────────────────────────┘
//! ```
//!
//! Each decision names its [`Arm`]: treatment or control. The host reports how the call went to a
//! [`Breaker`](breaker::Breaker). When the evidence is strong enough, the breaker returns a
//! [`Transition`](breaker::Transition), and the host writes the breaker's [`TripState`] into [`Trips`]. The next
//! evaluation reads it there. Evaluation knows neither `breaker` nor [`metrics`]: they meet only in [`Trips`] and in
//! the decision.
//!
//! The bytes of a snapshot never change. [`Trips`], four bytes per flag, is the only state that influences a decision.
//! Time is always an argument.
//!
//! # Layers
//!
//! A module uses only modules above it in this table. A test checks that.
//!
//! | layer | modules |
//! |---|---|
//! | 0 | [`bucket`] (the only module that hashes a user), `counts`, `policy`, [`time`], [`version`], `value` |
//! | 1 | [`snapshot`] with `wire` (the only module that knows offsets), `index`, `validate` |
//! | 2 | `trips`, `context`, `decision` (the only module that knows the text of reasons), [`rollout`], `pattern` |
//! | 3 | `condition` (the nodes of a condition, and tests of attributes) |
//! | 4 | `explain` (steps, and the visitor that receives them) |
//! | 5 | `targeting` (groups of conditions) |
//! | 6 | `cohort` |
//! | 7 | `evaluate` |
//! | 8 | `reads` (which attributes a flag can read), `fingerprint` (how a flag is written, as one number) |
//! | 9 | [`breaker`]; its `sequential` holds the statistics, the only floats that decide anything |
//! | 10 | [`orchestrate`] (breakers of flags that depend on each other), [`metrics`] |
//!
//! [`bucket`], [`version`], [`orchestrate`], [`snapshot::wire`] and [`snapshot::index`] are public for the other crates
//! of this project. An application needs none of them.
//!
//! # What must stay true
//!
//! - Nothing that decides, counts or weighs evidence reads a clock, draws a random number, performs I/O, logs, touches
//!   a global or allocates. No float takes part in a bucket.
//! - The same snapshot, trips, flag, context and time give the same decision in every later release of the format
//!   version.
//! - Raising a percentage never removes a user. Two flags are independent of each other, and so are gate and split.
//! - A flag that cannot be read makes no other flag fail.
//! - A flag trips only on evidence of its current generation. The same counts in the same seconds give the same bits.
//! - A rollback only ever lowers the number of users who have a feature.
//! - A breaker leaves every state by itself, or by a command of an operator. No state needs access to the host.
//!
//! # Proof by a second implementation
//!
//! `flcm-flags-conformance` holds an *oracle*: a slow evaluator that decides from the checked document by plain
//! recursion, with other libraries for hashing arithmetic, times, versions and patterns. Random documents and contexts
//! must get the same decision from both, with the same reason and rule. Faults that are seeded on purpose must be
//! found.
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
pub use context::{BoundContext, Context, Entries, Slots};
pub use counts::{Counts, Sample};
pub use decision::{Arm, Decision, ErrorCode, PackedDecision, Reason, WORDS, Words};
pub use evaluate::{EntriesBound, Override, evaluate, evaluate_all, evaluate_as, explain};
pub use explain::{Group, Membership, Step, Visitor};
pub use policy::{Action, Detector, Policy, Recovery, Shared, Source, Sources};
pub use snapshot::{AttributeId, Expected, Flag, FlagId, Rule, Serves, Snapshot, SnapshotError, Variant};
pub use time::Millis;
pub use trips::{TripState, Trips};
pub use value::{AttributeValue, Value};
