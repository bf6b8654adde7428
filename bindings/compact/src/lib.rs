//! The engine as a small WebAssembly module with breakers and metrics, for pages and edge workers. Each function makes
//! one call of [`Compact`], whose documentation says what it answers.
//!
//! Only numbers cross. JavaScript writes texts and bytes into the memory of the module and reads them from it:
//! `bindings/engine/compact-binding.ts` is the other side. So the module needs no glue.
//!
//! It decides what `bindings/wasm` decides, in two thirds of its bytes and up to twice its time. It reads no batches of
//! others.
#![cfg_attr(target_arch = "wasm32", no_std)]
#![allow(clippy::must_use_candidate, reason = "JavaScript calls these functions")]

use flcm_flags::FlagId;
use flcm_flags_ffi::{Compact, Handle, Text};
use spin::Mutex;
use wasm_bindgen::prelude::wasm_bindgen;

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

static ENGINE: Mutex<Compact> = Mutex::new(Compact::new());

/// Makes a call, unless one has failed before and has left the engine in the middle of it.
fn call<T>(call: impl FnOnce(&mut Compact) -> T, otherwise: T) -> T {
    ENGINE.try_lock().map_or(otherwise, |mut engine| call(&mut engine))
}

fn address<T>(slice: &[T]) -> usize {
    slice.as_ptr().addr()
}

/// Where the shared memory begins. It never moves.
#[wasm_bindgen]
pub fn shared() -> usize {
    call(|engine| address(engine.shared()), 0)
}

/// Where the numbers of answers begin. They never move.
#[wasm_bindgen]
pub fn answer() -> usize {
    call(|engine| address(engine.answer()), 0)
}

/// Where the words of reasons and arms are.
#[wasm_bindgen]
pub fn reasons() {
    call(Compact::reasons, ());
}

/// Where to write so many bytes; 0 when there is no memory.
#[wasm_bindgen]
pub fn room(length: usize) -> usize {
    call(|engine| engine.room(length).map_or(0, |room| address(room)), 0)
}

macro_rules! calls {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident($($argument:ident: $type:ty),*)
            $method:ident($($given:expr),*) -> $answer:ty = $otherwise:expr;
    )+) => {
        $(
            $(#[doc = $doc])+
            #[wasm_bindgen]
            pub fn $name($($argument: $type),*) -> $answer {
                call(|engine| engine.$method($($given),*), $otherwise)
            }
        )+
    };
}

calls! {
    /// Takes a snapshot in.
    load() load() -> i32 = -1;
    /// Lets a snapshot go.
    unload(snapshot: i32) unload(Handle(snapshot)) -> bool = false;
    /// The name of an attribute.
    attribute(snapshot: i32, id: u32) text(Handle(snapshot), Text::Attribute, id) -> bool = false;
    /// The key of a flag.
    key(snapshot: i32, flag: u32) text(Handle(snapshot), Text::Key, flag) -> bool = false;
    /// What the percentages of a flag are drawn with.
    salt(snapshot: i32, flag: u32) text(Handle(snapshot), Text::Salt, flag) -> bool = false;
    /// Whether a flag serves everyone the same.
    fixed(snapshot: i32, flag: u32) is_static(Handle(snapshot), FlagId(flag)) -> bool = false;
    /// What a flag reads.
    reads(snapshot: i32, flag: u32) reads(Handle(snapshot), FlagId(flag)) -> i32 = -1;
    /// The trip of a flag.
    trip(snapshot: i32, flag: u32) trip(Handle(snapshot), FlagId(flag)) -> bool = false;
    /// Sets the external trip of a flag.
    set_trip(snapshot: i32, flag: u32) set_trip(Handle(snapshot), FlagId(flag)) -> bool = false;
    /// The trips of all flags, or the bytes of a snapshot.
    bytes(snapshot: i32, are_trips: bool) bytes(Handle(snapshot), are_trips) -> bool = false;
    /// A decision in words.
    words(snapshot: i32, flag: u32, rule: u32, outcome: u32)
        words(Handle(snapshot), FlagId(flag), rule, outcome) -> bool = false;
    /// Gives each flag with a policy a breaker.
    guard(snapshot: i32, is_fleet: bool, now: f64) guard(Handle(snapshot), is_fleet, now) -> bool = false;
    /// Takes outcomes of a flag.
    record(snapshot: i32, flag: u32, now: f64) record(Handle(snapshot), FlagId(flag), now) -> i32 = -1;
    /// Lets time pass for all breakers.
    poll(snapshot: i32, now: f64) poll(Handle(snapshot), now) -> i32 = -1;
    /// Takes a transition.
    transition(snapshot: i32) transition(Handle(snapshot)) -> bool = false;
    /// When to poll next.
    deadline(snapshot: i32) next_deadline(Handle(snapshot)) -> f64 = f64::NAN;
    /// Holds a flag, lets it go, or only observes it.
    set_mode(snapshot: i32, flag: u32, now: f64) set_mode(Handle(snapshot), FlagId(flag), now) -> i32 = -1;
    /// Lets a flag go on that was rolled back.
    acknowledge(snapshot: i32, flag: u32, generation: u32, now: f64)
        acknowledge(Handle(snapshot), FlagId(flag), generation, now) -> i32 = -1;
    /// What the breaker of a flag knows.
    breaker(snapshot: i32, flag: u32) breaker(Handle(snapshot), FlagId(flag)) -> bool = false;
    /// The breaker of a flag as bytes.
    save(snapshot: i32, flag: u32) save(Handle(snapshot), FlagId(flag)) -> bool = false;
    /// Restores a stored breaker.
    restore(snapshot: i32, flag: u32) restore(Handle(snapshot), FlagId(flag)) -> u32 = 0;
    /// Takes over from a snapshot that another one follows.
    carry(from: i32, to: i32, now: f64) carry(Handle(from), Handle(to), now) -> i32 = -1;
    /// Begins to count.
    measure(snapshot: i32, totals: bool) measure(Handle(snapshot), totals) -> bool = false;
    /// Takes all that was counted as a batch.
    drain(snapshot: i32, instance: f64, epoch: f64, sequence: f64)
        drain(Handle(snapshot), instance, epoch, sequence) -> bool = false;
    /// A batch with another header.
    with_header(age: u32, instance: f64, epoch: f64, sequence: f64)
        with_header(age, instance, epoch, sequence) -> bool = false;
    /// What was counted of a flag.
    summary(snapshot: i32, flag: u32) summary(Handle(snapshot), FlagId(flag)) -> bool = false;
    /// The name of a variant.
    variant(snapshot: i32, flag: u32, index: u32) variant(Handle(snapshot), FlagId(flag), index) -> bool = false;
    /// The generation of the fleet's breaker.
    set_generation(snapshot: i32, flag: u32, generation: u32)
        set_generation(Handle(snapshot), FlagId(flag), generation) -> () = ();
    /// Adds to a custom metric.
    add(snapshot: i32, number: f64, is_value: bool) add(Handle(snapshot), number, is_value) -> bool = false;
    /// How many additions to custom metrics were dropped.
    customs(snapshot: i32) customs(Handle(snapshot)) -> f64 = 0.0;
    /// A custom metric.
    custom(index: usize) custom(index) -> u32 = 0;
    /// Decides a flag for a user with an override.
    decide_as(snapshot: i32, slot: i32, flag: u32, now: f64)
        decide_as(Handle(snapshot), slot, FlagId(flag), now) -> i32 = -1;
    /// The cohorts that the user in the slot is a member of.
    cohorts(snapshot: i32, slot: i32) cohorts(Handle(snapshot), slot) -> bool = false;
    /// Which flags are written differently than in another snapshot.
    changed(snapshot: i32, before: i32, first: u32, count: u32)
        changed(Handle(snapshot), Handle(before), first, count) -> bool = false;
    /// The id of the flag whose key was written.
    flag() flag() -> i32 = -1;
    /// Binds the context that was written.
    bind() bind() -> i32 = -1;
    /// Decides a flag for the context in the slot.
    decide() decide() -> i32 = -1;
    /// Decides a flag for the context that was written.
    decide_once() decide_once() -> i32 = -1;
    /// Counts a decision that was remembered.
    count() count() -> i32 = -1;
    /// Counts the outcome that was written.
    outcome() outcome() -> i32 = -1;
    /// Decides every flag for the context in the slot.
    decide_all() decide_all() -> i32 = -1;
}
