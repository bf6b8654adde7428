//! What the bindings call: snapshots, bound contexts and hosts behind handles, so that only integers, texts and bytes
//! cross into JavaScript.
//!
//! An [`Engine`] belongs to one thread. Hot calls read their arguments from memory that is shared with JavaScript, and
//! write decisions into it. `bindings/contract.d.ts` describes that memory, and the module `shared_memory` is the only one
//! that knows its layout. Nothing that is written there, and no handle, can make a call panic.
#![cfg_attr(not(feature = "documents"), no_std)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod bound;
mod decision_text;
#[cfg(feature = "documents")]
pub mod documents;
mod engine;
mod key_values;
mod shared_memory;
mod slots;
mod status;

pub use engine::Engine;
pub use shared_memory::SIZE;
pub use slots::Handle;
