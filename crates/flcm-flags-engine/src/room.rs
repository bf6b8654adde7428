//! Whether there is memory. Wasm that cannot allocate traps in the middle of a call, and the engine would be lost; so what
//! may need new memory asks first.

use alloc::vec::Vec;
use core::hint::black_box;

use bumpalo::Bump;

/// More than all the small things take that are allocated beside what was asked for.
const HEADROOM: usize = 256 << 10;

/// Whether so many bytes can be had, and some more.
pub(crate) fn can_allocate(bytes: usize) -> bool {
    let mut room: Vec<u8> = Vec::new();
    let had = room.try_reserve_exact(bytes.saturating_add(HEADROOM)).is_ok();
    // An allocation that nobody sees may be left out.
    black_box(room.as_ptr());
    had
}

/// Whether an arena can take a context in. One that has had such a context before asks nobody.
#[inline]
pub(crate) fn can_take(arena: &Bump, context: &[u8]) -> bool {
    // The bytes themselves, and what is made of their entries.
    let needed = context.len().saturating_mul(3);
    // A chunk that is too small is followed by one of twice its size.
    arena.chunk_capacity() >= needed || can_allocate(needed.saturating_add(arena.allocated_bytes()).saturating_mul(2))
}
