//! What is kept between calls, and the only file that knows JavaScript's side of it.

use std::cell::RefCell;

use flcm_flags_engine::{Engine, SIZE};
use js_sys::Uint8Array;
use zerocopy::IntoBytes;

/// The engine and the memory that it shares with JavaScript. Words, because outcomes must lie at multiples of eight.
struct State {
    engine: Engine,
    shared: Vec<u64>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::new(State { engine: Engine::new(), shared: vec![0; SIZE / 8] });
}

pub(crate) fn with_engine<R>(use_it: impl FnOnce(&mut Engine) -> R) -> R {
    STATE.with_borrow_mut(|state| use_it(&mut state.engine))
}

#[inline]
pub(crate) fn with_shared<R>(use_it: impl FnOnce(&mut Engine, &mut [u8]) -> R) -> R {
    STATE.with_borrow_mut(|state| use_it(&mut state.engine, state.shared.as_mut_bytes()))
}

/// Where the shared memory begins. It never moves.
#[expect(clippy::cast_possible_truncation, reason = "addresses of wasm have 32 bits")]
pub(crate) fn address() -> u32 {
    STATE.with_borrow(|state| state.shared.as_ptr().addr() as u32)
}

/// The bytes on this side; `None` when memory does not hold them.
pub(crate) fn copied(bytes: &Uint8Array) -> Option<Vec<u8>> {
    let length = usize::try_from(bytes.length()).ok()?;
    let mut copy = Vec::new();
    copy.try_reserve_exact(length).ok()?;
    copy.resize(length, 0);
    bytes.copy_to(&mut copy);
    Some(copy)
}
