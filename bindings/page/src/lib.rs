//! The engine as a small WebAssembly module for pages: it decides, and nothing else.
//!
//! Only numbers cross. JavaScript writes texts into the memory of the module and reads them from it, at the addresses
//! that `places` answers. An instance takes in one snapshot; for the next one JavaScript makes another instance. So the
//! module needs no allocator.
//!
//! What a page cannot have here (breakers, metrics, explanations) is in the module of `bindings/wasm`, and so is room
//! for larger snapshots.
#![cfg_attr(target_arch = "wasm32", no_std)]
#![allow(clippy::must_use_candidate, reason = "JavaScript calls these functions")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "addresses and lengths have 32 bits here; longer numbers cross in halves; a time is not negative"
)]

use flcm_flags::{
    Decision, Entries, EntriesBound, FlagId, Millis, PackedDecision, Slots, Snapshot, Trips, WORDS, Words,
};
use spin::Mutex;
use wasm_bindgen::prelude::wasm_bindgen;

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

/// For the functions of wasm-bindgen, none of which is left in the module.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// The largest snapshot, in bytes: about 6,700 ordinary flags.
const SNAPSHOT: usize = 1 << 20;
/// The most flags.
const FLAGS: usize = 8192;
/// How many contexts are bound at a time.
const CONTEXTS: usize = 4;
/// Bytes of a context.
const CONTEXT: usize = 8 << 10;
/// How many numbers an answer has.
const ANSWER: usize = 9;

static PAGE: Mutex<Page> = Mutex::new(Page {
    snapshot: Snapshot::empty(Buffer { bytes: [0; SNAPSHOT], length: 0 }),
    trips: [0; 4 * FLAGS],
    contexts: [Bound { bytes: [0; CONTEXT], length: 0, slots: Slots::UNBOUND }; CONTEXTS],
    scratch: [0; CONTEXT],
    outcomes: [PackedDecision::from_bits(0); FLAGS + 1],
    answer: [0; ANSWER],
});

/// All that the module remembers.
struct Page {
    snapshot: Snapshot<Buffer>,
    trips: [u8; 4 * FLAGS],
    contexts: [Bound; CONTEXTS],
    /// Where JavaScript writes the key of a flag.
    scratch: [u8; CONTEXT],
    /// By flag id; the one behind the last flag is that of a flag which is not there.
    outcomes: [PackedDecision; FLAGS + 1],
    /// What a call answers besides its result.
    answer: [u32; ANSWER],
}

/// The bytes of the snapshot.
struct Buffer {
    bytes: [u8; SNAPSHOT],
    length: usize,
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

#[derive(Clone, Copy)]
struct Bound {
    bytes: [u8; CONTEXT],
    length: usize,
    slots: Slots,
}

impl Bound {
    fn entries(&self) -> Entries<'_> {
        Entries::new(self.bytes.get(..self.length).unwrap_or_default())
    }
}

/// Where a text lies: its address and its length.
fn place_of(text: &[u8]) -> [u32; 2] {
    [address(text.as_ptr()), u32::try_from(text.len()).unwrap_or(0)]
}

const fn halves(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}

fn address<T>(pointer: *const T) -> u32 {
    u32::try_from(pointer.addr()).unwrap_or(0)
}

/// Where the answer lies, whose numbers are then the places of snapshot, trips (four bytes a flag: the bits of a
/// `TripState`), outcomes (eight bytes a flag), text and contexts; the bytes from one context to the next; the
/// place of the words of reasons; and how many bytes a snapshot may have.
#[wasm_bindgen]
pub fn places() -> u32 {
    let Some(mut page) = PAGE.try_lock() else { return 0 };
    let [words, length] = place_of(WORDS.as_bytes());
    let [first, ..] = &page.contexts;
    let context = address(&raw const first.bytes);
    page.answer = [
        address(&raw const page.snapshot.buffer().bytes),
        address(&raw const page.trips),
        address(&raw const page.outcomes),
        address(&raw const page.scratch),
        context,
        size_of::<Bound>() as u32,
        words,
        length,
        SNAPSHOT as u32,
    ];
    address(&raw const page.answer)
}

/// Takes the snapshot in that was written. 0 when it is one, 1 when it has more flags than this module has room for, 2
/// when it is no snapshot: then the answer is the place of a text that says why.
#[wasm_bindgen]
pub fn load(length: usize) -> u32 {
    let Some(mut page) = PAGE.try_lock() else { return 2 };
    page.snapshot.buffer().length = length;
    if let Err(error) = page.snapshot.load() {
        [page.answer[0], page.answer[1]] = place_of(error.as_str().as_bytes());
        return 2;
    }
    let flags = page.snapshot.flags().len();
    let (digest, revision) = (page.snapshot.digest(), page.snapshot.revision());
    page.answer[0] = flags as u32;
    [page.answer[1], page.answer[2]] = halves(digest);
    [page.answer[3], page.answer[4]] = halves(revision);
    u32::from(flags > FLAGS)
}

/// The id of the flag whose key was written as a text, or of the attribute of that name; all ones when there is none.
#[wasm_bindgen]
pub fn find(length: usize, is_attribute: bool) -> u32 {
    let Some(page) = PAGE.try_lock() else { return u32::MAX };
    page.snapshot.find(page.scratch.get(..length).unwrap_or_default(), is_attribute).unwrap_or(u32::MAX)
}

/// Binds the context that was written into a slot.
#[wasm_bindgen]
pub fn bind(slot: usize, length: usize) {
    let Some(mut page) = PAGE.try_lock() else { return };
    let Page { snapshot, contexts, .. } = &mut *page;
    if let Some(context) = contexts.get_mut(slot) {
        context.length = length;
        let Bound { bytes, slots, .. } = context;
        Entries::new(bytes.get(..length).unwrap_or_default()).bind(snapshot, slots);
    }
}

/// Decides a flag, or with all ones every flag, for the context of a slot. The decisions go to the outcomes.
#[wasm_bindgen]
pub fn decide(slot: usize, flag: u32, now: f64) {
    let Some(mut page) = PAGE.try_lock() else { return };
    let Page { snapshot, contexts, trips, outcomes, .. } = &mut *page;
    let Some(context) = contexts.get(slot) else { return };
    let bound = EntriesBound { entries: context.entries(), slots: &context.slots };
    let flag = (flag != u32::MAX).then_some(FlagId(flag));
    bound.evaluate(snapshot, &Trips::new(&*trips), flag, Millis(now as u64), outcomes);
}

/// The words of the outcome of a flag: the places of variant, rule and a text; then the number, and the kind of the
/// value.
#[wasm_bindgen]
pub fn words(flag: u32) {
    let Some(mut page) = PAGE.try_lock() else { return };
    let Some(packed) = page.outcomes.get(flag as usize) else { return };
    let Words { variant, rule, kind, number, text } = Decision::new(&page.snapshot, FlagId(flag), *packed).words();
    let ([v1, v2], [r1, r2], [t1, t2]) = (place_of(variant), place_of(rule), place_of(text));
    let [low, high] = halves(number.to_bits());
    page.answer = [v1, v2, r1, r2, t1, t2, low, high, kind.into()];
}
