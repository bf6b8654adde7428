//! Whether there is memory. Wasm that cannot allocate traps in the middle of a call, and the engine would be lost; so
//! what may need new memory asks first.

use alloc::vec::Vec;
use core::hint::black_box;

/// More than all the small things take that are allocated beside what was asked for.
const HEADROOM: usize = 256 << 10;

/// Whether so many bytes can be had, and some more.
#[must_use]
pub fn can_allocate(bytes: usize) -> bool {
    let mut room: Vec<u8> = Vec::new();
    let had = room.try_reserve_exact(bytes.saturating_add(HEADROOM)).is_ok();
    // An allocation that nobody sees may be left out.
    black_box(room.as_ptr());
    had
}
