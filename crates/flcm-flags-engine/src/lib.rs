//! What hosts are made of. The bindings call an [`Engine`]: snapshots and bound contexts behind handles, so that only integers
//! cross into the core. Hosts in Rust, and the server, use its parts: breakers ([`Guards`]), and what is counted beside them ([`HostState`]).
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
mod prints;
mod room;
mod slots;
mod watch;
mod words;

pub use engine::Engine;
pub use frame::SIZE;
pub use guards::{FlagTransition, Guards};
pub use measures::{Counted, Measures};
pub use prints::changed;
pub use slots::Handle;
pub use watch::{HostState, Outcome};
