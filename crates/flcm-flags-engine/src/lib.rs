//! What the bindings call: snapshots and bound contexts behind handles, so that only integers cross into the core.
//!
//! An [`Engine`] belongs to one thread. Texts come in, and outcomes go out, through memory that it shares with JavaScript;
//! `bindings/contract.d.ts` describes that memory, and the module `frame` is the only one that knows its layout. Nothing
//! that is written there, and no handle, can make a call panic.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod bound;
mod engine;
mod frame;
mod guards;
mod lines;
mod measures;
mod room;
mod slots;
mod words;

pub use engine::Engine;
pub use frame::SIZE;
pub use guards::{Guards, News};
pub use slots::Handle;
