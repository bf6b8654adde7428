//! The engine as WebAssembly: what `bindings/binding.d.ts` calls `EngineBinding` and `HotCalls`. Each function
//! converts its arguments and makes one call of `flcm-flags-ffi`.
//!
//! The module has no standard library. Panics of `std` bring a formatter, which would be a large part of so small a
//! module. The engine does not panic, so the panic handler of this module has nothing to print.
//!
//! It contains neither the compiler nor explanations: those need names, numbers as text, and JSON. They are in the
//! module of `bindings/compile`, which pages load only if they need it.
#![cfg_attr(target_arch = "wasm32", no_std)]
#![allow(clippy::must_use_candidate, reason = "JavaScript calls these functions")]

extern crate alloc;

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::mem::ManuallyDrop;

use flcm_flags::{FlagId, Snapshot};
use flcm_flags_ffi::{Engine, Handle, SIZE};
use wasm_bindgen::prelude::{JsError, wasm_bindgen};
use zerocopy::IntoBytes;

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// An engine, and the memory that it shares with JavaScript.
// The name is short because that of each export begins with it.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Ffi {
    /// Never freed: it lives as long as the module, and code that frees it would be 2 KB of it.
    engine: ManuallyDrop<Engine>,
    /// Of 64-bit items, because outcomes must lie at multiples of eight.
    shared: Vec<u64>,
}

#[wasm_bindgen]
impl Ffi {
    /// An engine without snapshots.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self { engine: ManuallyDrop::new(Engine::new()), shared: vec![0; SIZE / 8] }
    }

    /// Where the shared memory begins. It never moves.
    pub fn shared(&self) -> *const u64 {
        self.shared.as_ptr()
    }

    /// Version of the core.
    pub fn version(&self) -> String {
        env!("CARGO_PKG_VERSION").to_owned()
    }

    /// Takes a snapshot in; -1 when there is no room for it.
    ///
    /// # Errors
    /// The bytes are no snapshot.
    pub fn load(&mut self, bytes: Vec<u8>) -> Result<i32, JsError> {
        let handle = self.engine.load(bytes).map_err(|error| JsError::new(error.as_str()))?;
        Ok(handle.map_or(-1, |handle| handle.0))
    }

    /// Lets a snapshot go.
    pub fn unload(&mut self, snapshot: i32) -> bool {
        self.engine.unload(Handle(snapshot))
    }

    /// The document's revision.
    pub fn revision(&self, snapshot: i32) -> Option<u64> {
        self.engine.snapshot(Handle(snapshot)).map(Snapshot::revision)
    }

    /// 16 hexadecimal digits.
    pub fn digest(&self, snapshot: i32) -> Option<String> {
        self.engine.digest(Handle(snapshot))
    }

    /// How many flags there are.
    #[wasm_bindgen(js_name = flagCount)]
    pub fn flag_count(&self, snapshot: i32) -> Option<usize> {
        self.engine.snapshot(Handle(snapshot)).map(|snapshot| snapshot.flags().len())
    }

    /// The name of an attribute that some flag reads.
    pub fn attribute(&self, snapshot: i32, id: u32) -> Option<String> {
        self.engine.attribute(Handle(snapshot), id).map(ToOwned::to_owned)
    }

    /// The key of a flag.
    #[wasm_bindgen(js_name = flagKey)]
    pub fn flag_key(&self, snapshot: i32, flag: u32) -> Option<String> {
        self.engine.flag_key(Handle(snapshot), FlagId(flag)).map(ToOwned::to_owned)
    }

    /// What the percentages of a flag are drawn with.
    #[wasm_bindgen(js_name = flagSalt)]
    pub fn flag_salt(&self, snapshot: i32, flag: u32) -> Option<String> {
        self.engine.flag_salt(Handle(snapshot), FlagId(flag)).map(ToOwned::to_owned)
    }

    /// Whether a flag serves everyone the same.
    #[wasm_bindgen(js_name = isStatic)]
    pub fn is_static(&self, snapshot: i32, flag: u32) -> Option<bool> {
        self.engine.is_static(Handle(snapshot), FlagId(flag))
    }

    /// What a flag reads.
    pub fn reads(&self, snapshot: i32, flag: u32) -> Option<Vec<u32>> {
        self.engine.reads(Handle(snapshot), FlagId(flag))
    }

    /// The trip of a flag.
    pub fn trip(&self, snapshot: i32, flag: u32) -> Option<String> {
        self.engine.trip(Handle(snapshot), FlagId(flag))
    }

    /// Sets the external trip of a flag.
    #[wasm_bindgen(js_name = setTrip)]
    pub fn set_trip(&mut self, snapshot: i32, flag: u32, state: &str) -> bool {
        self.engine.set_trip(Handle(snapshot), FlagId(flag), state)
    }

    /// The trips of all flags.
    pub fn trips(&self, snapshot: i32) -> Option<Vec<u8>> {
        self.engine.trips(Handle(snapshot)).map(<[u8]>::to_vec)
    }

    /// The bytes of a snapshot.
    pub fn bytes(&self, snapshot: i32) -> Option<Vec<u8>> {
        self.engine.bytes(Handle(snapshot))
    }

    /// A decision as text.
    #[wasm_bindgen(js_name = decisionText)]
    pub fn decision_text(&self, snapshot: i32, flag: u32, rule: u32, outcome: u32) -> Option<String> {
        self.engine.decision_text(Handle(snapshot), FlagId(flag), rule, outcome)
    }

    /// Gives each flag with a policy a breaker.
    pub fn guard(&mut self, snapshot: i32, scope: &str, now: f64) -> bool {
        self.engine.guard(Handle(snapshot), scope, now)
    }

    /// Takes outcomes of a flag.
    pub fn record(&mut self, snapshot: i32, flag: u32, counts: &[u32], now: f64) -> Option<String> {
        self.engine.record(Handle(snapshot), FlagId(flag), counts, now)
    }

    /// Lets time pass for all breakers.
    pub fn poll(&mut self, snapshot: i32, now: f64) -> Option<String> {
        self.engine.poll(Handle(snapshot), now)
    }

    /// What happened and has not been asked for yet.
    pub fn transitions(&mut self, snapshot: i32) -> Option<String> {
        self.engine.transitions(Handle(snapshot))
    }

    /// When to poll next.
    #[wasm_bindgen(js_name = nextDeadline)]
    pub fn next_deadline(&self, snapshot: i32) -> Option<f64> {
        self.engine.next_deadline(Handle(snapshot))
    }

    /// Holds a flag, lets it go, or only observes it.
    #[wasm_bindgen(js_name = setMode)]
    pub fn set_mode(&mut self, snapshot: i32, flag: u32, mode: &str, now: f64) -> Option<String> {
        self.engine.set_mode(Handle(snapshot), FlagId(flag), mode, now)
    }

    /// Lets a flag go on that was rolled back.
    pub fn acknowledge(&mut self, snapshot: i32, flag: u32, generation: u32, now: f64) -> Option<String> {
        self.engine.acknowledge(Handle(snapshot), FlagId(flag), generation, now)
    }

    /// What the breaker of a flag knows.
    pub fn breaker(&self, snapshot: i32, flag: u32) -> Option<String> {
        self.engine.breaker(Handle(snapshot), FlagId(flag))
    }

    /// The breaker of a flag as bytes.
    pub fn save(&self, snapshot: i32, flag: u32) -> Option<Vec<u8>> {
        self.engine.save(Handle(snapshot), FlagId(flag))
    }

    /// Restores a stored breaker.
    ///
    /// # Errors
    /// The bytes are no breaker.
    pub fn restore(&mut self, snapshot: i32, flag: u32, bytes: &[u8]) -> Result<bool, JsError> {
        let restored = self.engine.restore(Handle(snapshot), FlagId(flag), bytes);
        restored.map_err(|error| JsError::new(error.as_str()))
    }

    /// Takes over from a snapshot that this one follows.
    pub fn carry(&mut self, from: i32, to: i32, now: f64) -> Option<String> {
        self.engine.carry(Handle(from), Handle(to), now)
    }

    /// Begins to count.
    pub fn measure(&mut self, snapshot: i32) -> bool {
        self.engine.measure(Handle(snapshot))
    }

    /// Begins to count, and keeps what is drained for summaries.
    #[wasm_bindgen(js_name = measureTotals)]
    pub fn measure_totals(&mut self, snapshot: i32) -> bool {
        self.engine.measure_totals(Handle(snapshot))
    }

    /// Takes all that was counted as a batch.
    pub fn drain(&mut self, snapshot: i32, instance: f64, epoch: f64, sequence: f64) -> Option<Vec<u8>> {
        self.engine.drain(Handle(snapshot), instance, epoch, sequence)
    }

    /// Adds what was counted elsewhere.
    ///
    /// # Errors
    /// The bytes are no batch.
    pub fn merge(&mut self, snapshot: i32, bytes: &[u8]) -> Result<Option<f64>, JsError> {
        let merged = self.engine.merge(Handle(snapshot), bytes);
        merged.map_err(|error| JsError::new(error.as_str()))
    }

    /// What was counted of a flag.
    pub fn summary(&self, snapshot: i32, flag: u32) -> Option<String> {
        self.engine.summary(Handle(snapshot), FlagId(flag))
    }

    /// The generation of the fleet's breaker.
    #[wasm_bindgen(js_name = setGeneration)]
    pub fn set_generation(&mut self, snapshot: i32, flag: u32, generation: u32) -> bool {
        self.engine.set_generation(Handle(snapshot), FlagId(flag), generation)
    }

    /// Adds to a custom counter.
    pub fn add(&mut self, snapshot: i32, name: &str, amount: f64) -> bool {
        self.engine.add(Handle(snapshot), name, amount)
    }

    /// Adds a value to a custom histogram.
    pub fn observe(&mut self, snapshot: i32, name: &str, value: f64) -> bool {
        self.engine.observe(Handle(snapshot), name, value)
    }

    /// The custom metrics.
    pub fn custom(&self, snapshot: i32) -> Option<String> {
        self.engine.custom(Handle(snapshot))
    }

    /// A batch with another header.
    ///
    /// # Errors
    /// The bytes are no batch.
    #[wasm_bindgen(js_name = withHeader)]
    pub fn with_header(
        &self,
        bytes: Vec<u8>,
        age: u32,
        instance: f64,
        epoch: f64,
        sequence: f64,
    ) -> Result<Vec<u8>, JsError> {
        let batch = Engine::with_header(bytes, age, instance, epoch, sequence);
        batch.map_err(|error| JsError::new(error.as_str()))
    }

    /// Decides a flag for a user with an override.
    #[wasm_bindgen(js_name = decideAs)]
    pub fn decide_as(&mut self, snapshot: i32, slot: u32, flag: u32, serve: &str, now: f64) -> Option<u32> {
        self.engine.decide_as(Handle(snapshot), slot, FlagId(flag), serve, now)
    }

    /// The cohorts that the user in the slot is a member of.
    pub fn cohorts(&self, snapshot: i32, slot: u32) -> Option<String> {
        self.engine.cohorts(Handle(snapshot), slot)
    }

    /// Which flags are written differently than in another snapshot.
    pub fn changed(&self, snapshot: i32, before: i32, first: u32, count: u32) -> Option<Vec<u8>> {
        self.engine.changed(Handle(snapshot), Handle(before), first, count)
    }

    /// The id of the flag whose key was written.
    pub fn flag(&self) -> i32 {
        self.engine.flag(self.shared.as_bytes())
    }

    /// Binds the context that was written.
    pub fn bind(&mut self) -> i32 {
        self.engine.bind(self.shared.as_bytes())
    }

    /// Decides a flag for the context in the slot.
    pub fn decide(&mut self) -> i32 {
        self.engine.decide(self.shared.as_mut_bytes())
    }

    /// Decides a flag for the context that was written.
    #[wasm_bindgen(js_name = decideOnce)]
    pub fn decide_once(&mut self) -> i32 {
        self.engine.decide_once(self.shared.as_mut_bytes())
    }

    /// Counts a decision that was remembered.
    pub fn count(&mut self) -> i32 {
        self.engine.count(self.shared.as_bytes())
    }

    /// Counts the outcome that was written.
    pub fn outcome(&mut self) -> i32 {
        self.engine.outcome(self.shared.as_bytes())
    }

    /// Decides every flag for the context in the slot.
    #[wasm_bindgen(js_name = decideAll)]
    pub fn decide_all(&mut self) -> i32 {
        self.engine.decide_all(self.shared.as_mut_bytes())
    }
}

impl Default for Ffi {
    fn default() -> Self {
        Self::new()
    }
}
