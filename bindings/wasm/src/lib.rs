//! The engine as WebAssembly: what `bindings/contract.d.ts` calls `Door` and `HotDoor`, one call of the engine each.
#![allow(clippy::must_use_candidate, reason = "JavaScript calls these functions")]

use flcm_flags::{FlagId, Snapshot};
use flcm_flags_engine::{Engine, Handle};
use js_sys::Uint8Array;
use wasm_bindgen::prelude::{JsError, wasm_bindgen};

mod convert;

use convert::{copied, with_engine, with_shared};

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// Version of the core.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// Where the shared memory begins.
#[wasm_bindgen]
pub fn shared() -> u32 {
    convert::address()
}

/// Takes a snapshot in; -1 when there is no room for it.
///
/// # Errors
/// The bytes are no snapshot.
#[wasm_bindgen]
pub fn load(bytes: &Uint8Array) -> Result<i32, JsError> {
    let Some(bytes) = copied(bytes) else { return Ok(-1) };
    let handle = with_engine(|engine| engine.load(bytes))?;
    Ok(handle.map_or(-1, |handle| handle.0))
}

/// Lets a snapshot go.
#[wasm_bindgen]
pub fn unload(snapshot: i32) -> bool {
    with_engine(|engine| engine.unload(Handle(snapshot)))
}

/// The document's revision.
#[wasm_bindgen]
pub fn revision(snapshot: i32) -> Option<u64> {
    with_engine(|engine| engine.snapshot(Handle(snapshot)).map(Snapshot::revision))
}

/// 16 hexadecimal digits.
#[wasm_bindgen]
pub fn digest(snapshot: i32) -> Option<String> {
    with_engine(|engine| engine.digest(Handle(snapshot)))
}

/// How many flags there are.
#[wasm_bindgen(js_name = flagCount)]
pub fn flag_count(snapshot: i32) -> Option<usize> {
    with_engine(|engine| engine.snapshot(Handle(snapshot)).map(|snapshot| snapshot.flags().len()))
}

/// The name of an attribute.
#[wasm_bindgen]
pub fn attribute(snapshot: i32, id: u32) -> Option<String> {
    with_engine(|engine| engine.attribute(Handle(snapshot), id).map(str::to_owned))
}

/// The key of a flag.
#[wasm_bindgen(js_name = flagKey)]
pub fn flag_key(snapshot: i32, flag: u32) -> Option<String> {
    with_engine(|engine| engine.flag_key(Handle(snapshot), FlagId(flag)).map(str::to_owned))
}

/// What a flag reads.
#[wasm_bindgen]
pub fn reads(snapshot: i32, flag: u32) -> Option<Vec<u32>> {
    with_engine(|engine| engine.reads(Handle(snapshot), FlagId(flag)))
}

/// What the breaker of a flag says.
#[wasm_bindgen]
pub fn trip(snapshot: i32, flag: u32) -> Option<String> {
    with_engine(|engine| engine.trip(Handle(snapshot), FlagId(flag)).map(str::to_owned))
}

/// Says what the breaker of a flag says.
#[wasm_bindgen(js_name = setTrip)]
pub fn set_trip(snapshot: i32, flag: u32, state: &str) -> bool {
    with_engine(|engine| engine.set_trip(Handle(snapshot), FlagId(flag), state))
}

/// The trips of all flags.
#[wasm_bindgen]
pub fn trips(snapshot: i32) -> Option<Vec<u8>> {
    with_engine(|engine| engine.trips(Handle(snapshot)).map(<[u8]>::to_vec))
}

/// The bytes of a snapshot.
#[wasm_bindgen]
pub fn bytes(snapshot: i32) -> Option<Vec<u8>> {
    with_engine(|engine| engine.snapshot(Handle(snapshot)).map(|snapshot| snapshot.as_bytes().to_vec()))
}

/// A decision in words.
#[wasm_bindgen]
pub fn words(snapshot: i32, flag: u32, rule: u32, outcome: u32) -> Option<String> {
    with_engine(|engine| engine.words(Handle(snapshot), FlagId(flag), rule, outcome))
}

/// The id of the flag whose key was written.
#[wasm_bindgen]
pub fn flag() -> i32 {
    with_shared(|engine, shared| engine.flag(shared))
}

/// Binds the context that was written.
#[wasm_bindgen]
pub fn bind() -> i32 {
    with_shared(|engine, shared| engine.bind(shared))
}

/// Decides a flag for the context at the place.
#[wasm_bindgen]
pub fn decide() -> i32 {
    with_shared(|engine, shared| engine.decide(shared))
}

/// Decides a flag for the context that was written.
#[wasm_bindgen(js_name = decideOnce)]
pub fn decide_once() -> i32 {
    with_shared(Engine::decide_once)
}

/// Decides every flag for the context at the place.
#[wasm_bindgen(js_name = decideAll)]
pub fn decide_all() -> i32 {
    with_shared(|engine, shared| engine.decide_all(shared))
}
