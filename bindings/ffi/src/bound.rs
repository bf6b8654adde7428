//! A context that keeps what it borrows.

use alloc::vec::Vec;

use bumpalo::Bump;
use flcm_flags::{BoundContext, Snapshot};
use self_cell::self_cell;

use crate::shared_memory;
use crate::status::{NO_ROOM, UNREADABLE};
use flcm_flags_host::reserve::can_allocate;

self_cell!(
    /// A bound context, and the memory that its texts lie in.
    pub(crate) struct Bound {
        owner: Bump,
        #[covariant]
        dependent: BoundContext,
    }
);

/// A slot keeps its arena for the next context, unless an uncommonly large one has made it grow beyond this.
const KEPT: usize = 16 << 10;

impl Bound {
    /// Binds the context that is written in `data`, or answers the error of the contract. What the slot held before
    /// gives its memory to it.
    pub(crate) fn bind(data: &[u8], snapshot: &Snapshot<Vec<u8>>, before: Option<Self>) -> Result<Self, i32> {
        let mut arena =
            before.map(Self::into_owner).filter(|arena| arena.allocated_bytes() <= KEPT).unwrap_or_default();
        arena.reset();
        if !can_take(&arena, data) {
            return Err(NO_ROOM);
        }
        Self::try_new(arena, |arena| {
            let data = arena.alloc_slice_copy(data);
            shared_memory::context(data, arena).map(|context| context.bind(snapshot)).ok_or(UNREADABLE)
        })
    }
}

/// Whether an arena can take a context in. One that has had such a context before asks nobody.
#[inline]
pub(crate) fn can_take(arena: &Bump, context: &[u8]) -> bool {
    // The bytes themselves, and what is made of their entries.
    let needed = context.len().saturating_mul(3);
    // A chunk that is too small is followed by one of twice its size.
    arena.chunk_capacity() >= needed || can_allocate(needed.saturating_add(arena.allocated_bytes()).saturating_mul(2))
}
