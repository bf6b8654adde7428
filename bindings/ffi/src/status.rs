//! What a hot call answers when it cannot do what it was asked: negative numbers, described in `bindings/binding.d.ts`.

/// The handle names no snapshot.
pub(crate) const FREED: i32 = -1;
/// No context is bound in the slot.
pub(crate) const UNBOUND: i32 = -2;
/// The arguments in the shared memory cannot be read.
pub(crate) const UNREADABLE: i32 = -3;
/// Memory is full.
pub(crate) const NO_ROOM: i32 = -4;
