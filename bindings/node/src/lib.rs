//! The engine as a native addon: what `bindings/binding.d.ts` calls `EngineBinding` and `CompilerBinding`. Each
//! function converts its arguments and makes one call of `flcm-flags-ffi`.
//!
//! `HotCalls` is in the module `hot`: nine functions of plain N-API over the shared memory, because what napi-derive
//! generates takes three times as long. It is the only `unsafe` code of this project.
//!
//! The package `@flcm/flags-node` tries this addon first. Where none loads, the package decides with WebAssembly, with
//! the same results, and `engine.name` says so.
#![allow(clippy::must_use_candidate, reason = "JavaScript calls these functions")]
#![allow(clippy::needless_pass_by_value, reason = "napi-derive makes owned values")]

use std::cell::RefCell;

use flcm_flags::{FlagId, Snapshot};
use flcm_flags_ffi::documents;
use flcm_flags_ffi::{Engine, Handle};
use napi::bindgen_prelude::{Uint8Array, Uint32Array};
use napi_derive::napi;

pub mod hot;

thread_local! {
    /// A worker thread has an engine of its own.
    static ENGINE: RefCell<Engine> = RefCell::new(Engine::new());
}

fn with_engine<R>(use_it: impl FnOnce(&mut Engine) -> R) -> R {
    ENGINE.with_borrow_mut(use_it)
}

/// Version of the core and the compiler.
#[napi(catch_unwind)]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Takes a snapshot in; -1 when there is no room for it.
///
/// # Errors
/// The bytes are no snapshot.
#[napi(catch_unwind)]
pub fn load(bytes: &[u8]) -> napi::Result<i32> {
    let handle = with_engine(|engine| engine.load(bytes.to_vec()));
    let handle = handle.map_err(|error| napi::Error::from_reason(error.as_str()))?;
    Ok(handle.map_or(-1, |handle| handle.0))
}

/// Lets a snapshot go.
#[napi(catch_unwind)]
pub fn unload(snapshot: i32) -> bool {
    with_engine(|engine| engine.unload(Handle(snapshot)))
}

/// The document's revision.
#[napi(catch_unwind)]
pub fn revision(snapshot: i32) -> Option<u64> {
    with_engine(|engine| engine.snapshot(Handle(snapshot)).map(Snapshot::revision))
}

/// 16 hexadecimal digits.
#[napi(catch_unwind)]
pub fn digest(snapshot: i32) -> Option<String> {
    with_engine(|engine| engine.digest(Handle(snapshot)))
}

/// How many flags there are.
#[napi(catch_unwind)]
pub fn flag_count(snapshot: i32) -> Option<u32> {
    with_engine(|engine| u32::try_from(engine.snapshot(Handle(snapshot))?.flags().len()).ok())
}

/// The name of an attribute that some flag reads.
#[napi(catch_unwind)]
pub fn attribute(snapshot: i32, id: u32) -> Option<String> {
    with_engine(|engine| engine.attribute(Handle(snapshot), id).map(str::to_owned))
}

/// The key of a flag.
#[napi(catch_unwind)]
pub fn flag_key(snapshot: i32, flag: u32) -> Option<String> {
    with_engine(|engine| engine.flag_key(Handle(snapshot), FlagId(flag)).map(str::to_owned))
}

/// What the percentages of a flag are drawn with.
#[napi(catch_unwind)]
pub fn flag_salt(snapshot: i32, flag: u32) -> Option<String> {
    with_engine(|engine| engine.flag_salt(Handle(snapshot), FlagId(flag)).map(str::to_owned))
}

/// Whether a flag serves everyone the same.
#[napi(catch_unwind)]
pub fn is_static(snapshot: i32, flag: u32) -> Option<bool> {
    with_engine(|engine| engine.is_static(Handle(snapshot), FlagId(flag)))
}

/// What a flag reads.
#[napi(catch_unwind)]
pub fn reads(snapshot: i32, flag: u32) -> Option<Uint32Array> {
    with_engine(|engine| engine.reads(Handle(snapshot), FlagId(flag))).map(Uint32Array::from)
}

/// The decision that everyone gets.
#[napi(catch_unwind)]
pub fn for_everyone(snapshot: i32, flag: u32) -> Option<Uint32Array> {
    with_engine(|engine| engine.for_everyone(Handle(snapshot), FlagId(flag))).map(Uint32Array::from)
}

/// The trip of a flag.
#[napi(catch_unwind)]
pub fn trip(snapshot: i32, flag: u32) -> Option<String> {
    with_engine(|engine| engine.trip(Handle(snapshot), FlagId(flag)))
}

/// Sets the external trip of a flag.
#[napi(catch_unwind)]
pub fn set_trip(snapshot: i32, flag: u32, state: String) -> bool {
    with_engine(|engine| engine.set_trip(Handle(snapshot), FlagId(flag), &state))
}

/// The trips of all flags.
#[napi(catch_unwind)]
pub fn trips(snapshot: i32) -> Option<Uint8Array> {
    with_engine(|engine| engine.trips(Handle(snapshot)).map(Uint8Array::from))
}

/// The bytes of a snapshot.
#[napi(catch_unwind)]
pub fn bytes(snapshot: i32) -> Option<Uint8Array> {
    with_engine(|engine| engine.bytes(Handle(snapshot))).map(Uint8Array::from)
}

/// A decision as text.
#[napi(catch_unwind)]
pub fn decision_text(snapshot: i32, flag: u32, rule: u32, outcome: u32) -> Option<String> {
    with_engine(|engine| engine.decision_text(Handle(snapshot), FlagId(flag), rule, outcome))
}

/// Gives each flag with a policy a breaker.
#[napi(catch_unwind)]
pub fn guard(snapshot: i32, scope: String, now: f64) -> bool {
    with_engine(|engine| engine.guard(Handle(snapshot), &scope, now))
}

/// Takes outcomes of a flag.
#[napi(catch_unwind)]
pub fn record(snapshot: i32, flag: u32, counts: Uint32Array, now: f64) -> Option<String> {
    with_engine(|engine| engine.record(Handle(snapshot), FlagId(flag), &counts, now))
}

/// Lets time pass for all breakers.
#[napi(catch_unwind)]
pub fn poll(snapshot: i32, now: f64) -> Option<String> {
    with_engine(|engine| engine.poll(Handle(snapshot), now))
}

/// What happened and has not been asked for yet.
#[napi(catch_unwind)]
pub fn transitions(snapshot: i32) -> Option<String> {
    with_engine(|engine| engine.transitions(Handle(snapshot)))
}

/// When to poll next.
#[napi(catch_unwind)]
pub fn next_deadline(snapshot: i32) -> Option<f64> {
    with_engine(|engine| engine.next_deadline(Handle(snapshot)))
}

/// Holds a flag, lets it go, or only observes it.
#[napi(catch_unwind)]
pub fn set_mode(snapshot: i32, flag: u32, mode: String, now: f64) -> Option<String> {
    with_engine(|engine| engine.set_mode(Handle(snapshot), FlagId(flag), &mode, now))
}

/// Lets a flag go on that was rolled back.
#[napi(catch_unwind)]
pub fn acknowledge(snapshot: i32, flag: u32, generation: u32, now: f64) -> Option<String> {
    with_engine(|engine| engine.acknowledge(Handle(snapshot), FlagId(flag), generation, now))
}

/// What the breaker of a flag knows.
#[napi(catch_unwind)]
pub fn breaker(snapshot: i32, flag: u32) -> Option<String> {
    with_engine(|engine| engine.breaker(Handle(snapshot), FlagId(flag)))
}

/// The breaker of a flag as bytes.
#[napi(catch_unwind)]
pub fn save(snapshot: i32, flag: u32) -> Option<Uint8Array> {
    with_engine(|engine| engine.save(Handle(snapshot), FlagId(flag))).map(Uint8Array::from)
}

/// Restores a stored breaker.
///
/// # Errors
/// The bytes are no breaker.
#[napi(catch_unwind)]
pub fn restore(snapshot: i32, flag: u32, bytes: &[u8]) -> napi::Result<bool> {
    let restored = with_engine(|engine| engine.restore(Handle(snapshot), FlagId(flag), bytes));
    restored.map_err(|error| napi::Error::from_reason(error.as_str()))
}

/// Takes over from a snapshot that this one follows.
#[napi(catch_unwind)]
pub fn carry(from: i32, to: i32, now: f64) -> Option<String> {
    with_engine(|engine| engine.carry(Handle(from), Handle(to), now))
}

/// Begins to count.
#[napi(catch_unwind)]
pub fn measure(snapshot: i32) -> bool {
    with_engine(|engine| engine.measure(Handle(snapshot)))
}

/// Begins to count, and keeps what is drained for summaries.
#[napi(catch_unwind)]
pub fn measure_totals(snapshot: i32) -> bool {
    with_engine(|engine| engine.measure_totals(Handle(snapshot)))
}

/// Takes all that was counted as a batch.
#[napi(catch_unwind)]
pub fn drain(snapshot: i32, instance: f64, epoch: f64, sequence: f64) -> Option<Uint8Array> {
    with_engine(|engine| engine.drain(Handle(snapshot), instance, epoch, sequence)).map(Uint8Array::from)
}

/// Adds what was counted elsewhere.
///
/// # Errors
/// The bytes are no batch.
#[napi(catch_unwind)]
pub fn merge(snapshot: i32, bytes: &[u8]) -> napi::Result<Option<f64>> {
    let merged = with_engine(|engine| engine.merge(Handle(snapshot), bytes));
    merged.map_err(|error| napi::Error::from_reason(error.as_str()))
}

/// What was counted of a flag.
#[napi(catch_unwind)]
pub fn summary(snapshot: i32, flag: u32) -> Option<String> {
    with_engine(|engine| engine.summary(Handle(snapshot), FlagId(flag)))
}

/// The generation of the fleet's breaker.
#[napi(catch_unwind)]
pub fn set_generation(snapshot: i32, flag: u32, generation: u32) -> bool {
    with_engine(|engine| engine.set_generation(Handle(snapshot), FlagId(flag), generation))
}

/// Adds to a custom counter.
#[napi(catch_unwind)]
pub fn add(snapshot: i32, name: String, amount: f64) -> bool {
    with_engine(|engine| engine.add(Handle(snapshot), &name, amount))
}

/// Adds a value to a custom histogram.
#[napi(catch_unwind)]
pub fn observe(snapshot: i32, name: String, value: f64) -> bool {
    with_engine(|engine| engine.observe(Handle(snapshot), &name, value))
}

/// The custom metrics.
#[napi(catch_unwind)]
pub fn custom(snapshot: i32) -> Option<String> {
    with_engine(|engine| engine.custom(Handle(snapshot)))
}

/// A batch with another header.
///
/// # Errors
/// The bytes are no batch.
#[napi(catch_unwind)]
pub fn with_header(bytes: &[u8], age: u32, instance: f64, epoch: f64, sequence: f64) -> napi::Result<Uint8Array> {
    let batch = Engine::with_header(bytes.to_vec(), age, instance, epoch, sequence);
    batch.map(Uint8Array::from).map_err(|error| napi::Error::from_reason(error.as_str()))
}

/// Decides a flag for a user with an override.
#[napi(catch_unwind)]
pub fn decide_as(snapshot: i32, slot: u32, flag: u32, serve: String, now: f64) -> Option<u32> {
    with_engine(|engine| engine.decide_as(Handle(snapshot), slot, FlagId(flag), &serve, now))
}

/// The cohorts that the user in the slot is a member of.
#[napi(catch_unwind)]
pub fn cohorts(snapshot: i32, slot: u32) -> Option<String> {
    with_engine(|engine| engine.cohorts(Handle(snapshot), slot))
}

/// Which flags are written differently than in another snapshot.
#[napi(catch_unwind)]
pub fn changed(snapshot: i32, before: i32, first: u32, count: u32) -> Option<Uint8Array> {
    with_engine(|engine| engine.changed(Handle(snapshot), Handle(before), first, count)).map(Uint8Array::from)
}

/// What became of a document.
#[napi(object)]
#[expect(missing_debug_implementations, reason = "napi's arrays have none")]
pub struct CompiledText {
    /// The snapshot; left out when there were errors.
    pub snapshot: Option<Uint8Array>,
    /// All problems, as JSON text.
    pub diagnostics: String,
    /// All problems as text for people.
    pub report: String,
}

/// Checks and compiles a document, YAML or JSON.
#[napi(catch_unwind)]
pub fn compile(text: String) -> CompiledText {
    let documents::Compiled { snapshot, diagnostics, report } = documents::compile(&text);
    let diagnostics = documents::json(&diagnostics);
    CompiledText { snapshot: snapshot.map(Uint8Array::from), diagnostics, report }
}

/// Decides a flag for a context, which is flat JSON text, and explains how: `{"explanation": …, "text": …}`.
///
/// # Errors
/// One with the `code` that the contract gives it.
#[napi(catch_unwind)]
pub fn explain(
    snapshot: &[u8],
    trips: &[u8],
    flag: String,
    context: String,
    now: f64,
) -> napi::Result<String, &'static str> {
    let explained = documents::explain(snapshot, trips, &flag, &context, now);
    explained
        .map(|explained| documents::json(&explained))
        .map_err(|error| napi::Error::new(error.code(), error.to_string()))
}

/// The JSON Schema of documents, as JSON text.
#[napi(catch_unwind)]
pub fn schema() -> String {
    documents::schema()
}
