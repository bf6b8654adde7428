//! What the bindings call: snapshots, bound contexts and hosts behind handles, so that only integers, texts and bytes
//! cross into JavaScript.
//!
//! An [`Engine`] belongs to one thread. Hot calls read their arguments from memory that is shared with JavaScript, and
//! write decisions into it. `bindings/binding.d.ts` describes that memory, and the module `shared_memory` is the only
//! one that knows its layout. Nothing that is written there, and no handle, can make a call panic.
//!
//! ```text
//! application ─▶ Snapshot, Context (bindings/engine) ─▶ EngineBinding, HotCalls ─▶ this crate ─▶ flcm-flags, -host
//!                names become numbers once;             integers, and one
//!                decisions are cached                   shared megabyte
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | [`Engine`] with `breakers`, `local`, `metrics`, `users` | snapshots in use, and the calls of the contract |
//! | `shared_memory` | arguments and results of hot calls, at fixed places |
//! | `bound` | a bound context beside the memory that it borrows, by `self_cell`: without `unsafe` of our own |
//! | `slots` | values behind handles |
//! | `decision_text`, `key_values` | decisions in words; transitions, reports and summaries as `name=value` text |
//! | `status` | what a hot call returns when it cannot do what it was asked |
//! | `documents` | the compiler and explanations, behind the feature of that name |
//!
//! # How a call crosses
//!
//! - **Names cross once.** A flag key becomes a number in a JavaScript `Map`. Attributes have the numbers that the
//!   snapshot gives them. Only attributes that some flag reads are passed; for a single flag, only those that this flag
//!   reads.
//! - **Arguments of hot calls are in the shared memory,** so nothing is converted. `shared_memory.rs` and
//!   `bindings/engine/shared-memory.ts` are the only files that know its layout; of the decisions that a host has made,
//!   `bindings/engine/decision-batch.ts`.
//! - **A context has no handle.** The engine keeps 32 bound contexts of a snapshot, in context slots. JavaScript keeps
//!   the values of each context, and binds it again if its slot was given to another one. So contexts need not be
//!   freed, and there can be any number of them.
//! - **Only snapshots have handles.** A handle contains a generation, so the handle of a freed snapshot is recognised.
//! - **Decisions are cached in JavaScript** until a trip changes, unless time alone may change them
//!   (`changes_with_time`). The cache belongs to the context slot, not to the context, so a context allocates none. It
//!   also counts how often a decision was returned. The engine receives these counts before the slot gets another
//!   context, before a trip takes effect, and when metrics are requested.
//! - **Some decisions need no call in Node** (`local`, behind the feature of that name). The addon says which
//!   decision everyone gets, and which value of an attribute leaves everyone out. JavaScript remembers both until a
//!   trip changes, writes each such decision with its targeting key into a batch, and the addon counts the batch before
//!   anything else is asked of the counts.
//! - **Transitions, breaker reports and summaries are text** with lines of `name=value`; numbers are passed by their
//!   bits. So the WebAssembly module needs no JSON code. The text, the identity and the notability of a transition are
//!   among these lines, so TypeScript words no event itself.
//! - **The text of a decision comes from the core.** A decision crosses as two integers. Its words are requested once
//!   per distinct decision, and kept. TypeScript contains no reason, rule or hash.
//! - **Memory that may be needed is reserved in advance** (`flcm_flags_host::reserve`). WebAssembly that cannot
//!   allocate traps in the middle of a call. So each call that may need new memory first checks that it can have it,
//!   and full memory is an error.
#![cfg_attr(not(feature = "documents"), no_std)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod bound;
mod compact;
mod decision_text;
#[cfg(feature = "documents")]
pub mod documents;
mod engine;
mod key_values;
mod shared_memory;
mod slots;
mod status;

pub use compact::{Compact, Text};
pub use engine::Engine;
pub use shared_memory::SIZE;
pub use slots::Handle;
