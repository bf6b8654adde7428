//! An engine like [`Engine`](crate::Engine), for modules whose size counts more than their speed: only numbers cross.
//!
//! What a call is given besides numbers, JavaScript writes to where [`room`](Compact::room) says. What a call answers
//! besides its result is numbers of the [`answer`](Compact::answer), and a text among them is its address and length.
//! Contexts are decided from the bytes that JavaScript has written. Batches of others are not read.
//!
//! What JavaScript asks of a handle that names nothing is 0, or -1 where 0 means something.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use flcm_flags::{
    AttributeId, Decision, Entries, EntriesBound, FlagId, Millis, PackedDecision, Slots as Resolved, Snapshot,
    TripState, Trips, WORDS, Words,
};
use flcm_flags_host::reserve::can_allocate;
use flcm_flags_host::{CustomMetrics, HostState};
use zerocopy::IntoBytes;

use crate::shared_memory::{self, Registers, SIZE};
use crate::slots::{Handle, Slots};
use crate::status::{FREED, NO_ROOM, UNBOUND, UNREADABLE};

mod answer;
mod breakers;
mod metrics;
mod users;

use answer::Answer;

/// How many contexts of a snapshot are bound at a time.
const CONTEXT_SLOTS: usize = 32;

/// Snapshots, their bound contexts, and the memory that is shared with JavaScript.
pub struct Compact {
    /// Of 64-bit items, because outcomes must lie at multiples of eight.
    shared: [u64; SIZE / 8],
    answer: Answer,
    /// What JavaScript has written for the call that comes.
    input: Vec<u8>,
    /// Bytes that the last call has answered.
    output: Vec<u8>,
    snapshots: Snapshots,
    /// What binding found out about a context that is decided for once.
    once: Resolved,
    /// Custom metrics that are being read.
    custom: Option<Box<CustomMetrics>>,
}

/// Snapshots by handle. Almost every call looks one up: inlined, that would be a tenth of the module.
struct Snapshots(Slots<Box<Loaded>>);

impl Snapshots {
    #[inline(never)]
    fn get(&self, snapshot: Handle) -> Option<&Loaded> {
        self.0.get(snapshot).map(|loaded| &**loaded)
    }

    #[inline(never)]
    fn get_mut(&mut self, snapshot: Handle) -> Option<&mut Loaded> {
        self.0.get_mut(snapshot).map(|loaded| &mut **loaded)
    }
}

struct Loaded {
    snapshot: Snapshot<Vec<u8>>,
    state: HostState,
    slots: [Option<Box<Bound>>; CONTEXT_SLOTS],
    /// By flag id; the one behind the last flag is that of a flag which is not there.
    outcomes: Vec<PackedDecision>,
}

struct Bound {
    bytes: Vec<u8>,
    resolved: Resolved,
}

impl Bound {
    fn entries(&self) -> EntriesBound<'_> {
        EntriesBound { entries: Entries::new(&self.bytes), slots: &self.resolved }
    }
}

/// A text of a flag or a snapshot.
#[derive(Clone, Copy, Debug)]
pub enum Text {
    /// The name of an attribute.
    Attribute,
    /// The key of a flag.
    Key,
    /// What the percentages of a flag are drawn with.
    Salt,
}

impl fmt::Debug for Compact {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Compact").finish_non_exhaustive()
    }
}

impl Default for Compact {
    fn default() -> Self {
        Self::new()
    }
}

impl Compact {
    /// An engine without snapshots. All of its bytes are zero, so a static of it takes no room in a module.
    #[must_use]
    #[expect(clippy::large_stack_arrays, reason = "for a static, which is never on a stack")]
    pub const fn new() -> Self {
        Self {
            shared: [0; SIZE / 8],
            answer: Answer::new(),
            input: Vec::new(),
            output: Vec::new(),
            snapshots: Snapshots(Slots::new()),
            once: Resolved::UNBOUND,
            custom: None,
        }
    }

    /// The shared memory.
    #[must_use]
    pub fn shared(&self) -> &[u64] {
        &self.shared
    }

    /// The shared memory, for a program that writes to it in Rust.
    pub fn shared_mut(&mut self) -> &mut [u64] {
        &mut self.shared
    }

    /// What the last call has answered.
    #[must_use]
    pub fn answer(&self) -> &[f64] {
        self.answer.numbers()
    }

    /// The words of reasons and arms: the answer is their text.
    pub fn reasons(&mut self) {
        self.answer.begin().text(WORDS.as_bytes());
    }

    /// So many bytes for JavaScript to write what the call that comes is to be given; `None` when there is no memory.
    pub fn room(&mut self, length: usize) -> Option<&mut [u8]> {
        self.input = Vec::new();
        if !can_allocate(length) {
            return None;
        }
        self.input = vec![0; length];
        Some(&mut self.input)
    }

    /// Takes the snapshot in that was written. A handle; -1 when there is no memory for it, or 4,096 are loaded; -2
    /// when it is no snapshot, and the answer is a text that says why.
    pub fn load(&mut self) -> i32 {
        match Snapshot::from_bytes(core::mem::take(&mut self.input)) {
            Ok(snapshot) => self.insert(snapshot).map_or(-1, |handle| handle.0),
            Err(error) => {
                self.answer.begin().text(error.as_str().as_bytes());
                -2
            }
        }
    }

    fn insert(&mut self, snapshot: Snapshot<Vec<u8>>) -> Option<Handle> {
        let flags = snapshot.flags().len();
        let outcomes = flags + 1;
        if !can_allocate(2 * Trips::bytes_for(flags) + outcomes * size_of::<PackedDecision>()) {
            return None;
        }
        let (digest, revision) = (snapshot.digest(), snapshot.revision());
        self.answer.begin().count(flags).halves(digest).halves(revision);
        let state = HostState::none(flags);
        let outcomes = vec![PackedDecision::from_bits(0); outcomes];
        let slots = [const { None }; CONTEXT_SLOTS];
        self.snapshots.0.insert(Box::new(Loaded { snapshot, state, slots, outcomes }))
    }

    /// Lets a snapshot go; whether there was one.
    pub fn unload(&mut self, snapshot: Handle) -> bool {
        self.snapshots.0.remove(snapshot).is_some()
    }

    fn snapshot(&self, snapshot: Handle) -> Option<&Snapshot<Vec<u8>>> {
        self.snapshots.get(snapshot).map(|loaded| &loaded.snapshot)
    }

    /// A text of the flag or attribute with an id; whether there is one.
    pub fn text(&mut self, snapshot: Handle, text: Text, id: u32) -> bool {
        let Some(loaded) = self.snapshots.get(snapshot) else { return false };
        let flag = || loaded.snapshot.describe(FlagId(id));
        let found = match text {
            Text::Attribute => loaded.snapshot.attribute(AttributeId(id)),
            Text::Key => flag().map(|flag| flag.key()),
            Text::Salt => flag().map(|flag| flag.salt()),
        };
        self.answer.begin().text(found.unwrap_or_default().as_bytes());
        found.is_some()
    }

    /// Whether a flag serves everyone the same.
    #[must_use]
    pub fn is_static(&self, snapshot: Handle, flag: FlagId) -> bool {
        self.snapshot(snapshot).and_then(|snapshot| snapshot.describe(flag)).is_some_and(|flag| flag.is_static())
    }

    /// The ids of the attributes that a flag reads go to the shared memory; answers how many, and behind them as a bit
    /// whether time alone may change its decision. -1 when there is no such flag.
    pub fn reads(&mut self, snapshot: Handle, flag: FlagId) -> i32 {
        let Some(flag) = self.snapshots.get(snapshot).and_then(|loaded| loaded.snapshot.describe(flag)) else {
            return -1;
        };
        let mut read = 0;
        let Some(ids) = shared_memory::numbers(self.shared.as_mut_bytes()) else { return -1 };
        flag.reads(&mut |id| {
            let (known, rest) = ids.split_at_mut(read);
            if let ([place, ..], false) = (rest, known.iter().any(|known| known.get() == id.0)) {
                place.set(id.0);
                read += 1;
            }
        });
        i32::try_from(read << 1).map_or(-1, |read| read | i32::from(flag.changes_with_time()))
    }

    /// The trip of a flag: its keyword, and the percentage of a cap.
    pub fn trip(&mut self, snapshot: Handle, flag: FlagId) -> bool {
        let Some(loaded) = self.snapshots.get(snapshot) else { return false };
        self.answer.begin().trip(loaded.state.guards.trips().state(flag));
        true
    }

    /// Sets the trip of a flag by an operator or the fleet, whose text was written.
    pub fn set_trip(&mut self, snapshot: Handle, flag: FlagId) -> bool {
        let state = core::str::from_utf8(&self.input).ok().and_then(TripState::parse);
        let loaded = self.snapshots.get_mut(snapshot).filter(|loaded| loaded.snapshot.describe(flag).is_some());
        let (Some(loaded), Some(state)) = (loaded, state) else { return false };
        loaded.state.guards.set_external_trip(flag, state);
        true
    }

    /// Where the trips of all flags are, or the bytes of the snapshot.
    pub fn bytes(&mut self, snapshot: Handle, are_trips: bool) -> bool {
        let Some(loaded) = self.snapshots.get(snapshot) else { return false };
        let trips = loaded.state.guards.trips().as_bytes();
        self.answer.begin().text(if are_trips { trips } else { loaded.snapshot.as_bytes() });
        true
    }

    /// The words of an outcome of a flag: variant, rule and the value's text; its number, and its kind.
    pub fn words(&mut self, snapshot: Handle, flag: FlagId, rule: u32, outcome: u32) -> bool {
        let Some(loaded) = self.snapshots.get(snapshot) else { return false };
        let packed = PackedDecision::from_bits((u64::from(outcome) << 32) | u64::from(rule));
        let Words { variant, rule, kind, number, text } = Decision::new(&loaded.snapshot, flag, packed).words();
        self.answer.begin().text(variant).text(rule).text(text).number(number).number(kind.into());
        true
    }
}

/// Calls that must be fast: see `HotCalls` in the contract. A negative answer is an error.
impl Compact {
    /// The id of the flag whose key was written, or -1.
    #[must_use]
    pub fn flag(&self) -> i32 {
        let registers = self.registers();
        let key = shared_memory::data(self.shared.as_bytes(), registers.length);
        let snapshot = self.snapshot(Handle(registers.snapshot.get()));
        let flag = key.zip(snapshot).and_then(|(key, snapshot)| snapshot.find(key, false));
        flag.map_or(-1, u32::cast_signed)
    }

    /// Binds the context that was written, and keeps it in the slot. Answers 0.
    pub fn bind(&mut self) -> i32 {
        let registers = self.registers();
        let Some(loaded) = self.snapshots.get_mut(Handle(registers.snapshot.get())) else { return FREED };
        let slot = usize::try_from(registers.slot.get()).ok().and_then(|slot| loaded.slots.get_mut(slot));
        let (Some(slot), Some(data)) = (slot, shared_memory::data(self.shared.as_bytes(), registers.length)) else {
            return UNREADABLE;
        };
        if !can_allocate(data.len() + size_of::<Bound>()) {
            return NO_ROOM;
        }
        let mut bound = Box::new(Bound { bytes: data.to_vec(), resolved: Resolved::UNBOUND });
        Entries::new(data).bind(&loaded.snapshot, &mut bound.resolved);
        *slot = Some(bound);
        0
    }

    /// Decides a flag for the context in the slot; answers the upper half of the outcome, and writes it whole.
    pub fn decide(&mut self) -> i32 {
        let registers = self.registers();
        let Some(loaded) = self.snapshots.get_mut(Handle(registers.snapshot.get())) else { return FREED };
        let Loaded { snapshot, state, slots, outcomes } = loaded;
        let Some(bound) = at(slots, registers.slot.get()) else { return UNBOUND };
        let outcome = decide(snapshot, state, outcomes, &bound.entries(), &registers);
        shared_memory::write_outcome(self.shared.as_mut_bytes(), outcome)
    }

    /// Decides a flag for the context that was written, which is not bound. Answers like [`decide`](Self::decide).
    pub fn decide_once(&mut self) -> i32 {
        let registers = self.registers();
        let Some(loaded) = self.snapshots.get_mut(Handle(registers.snapshot.get())) else { return FREED };
        let Some(data) = shared_memory::data(self.shared.as_bytes(), registers.length) else { return UNREADABLE };
        let Loaded { snapshot, state, outcomes, .. } = loaded;
        let entries = Entries::new(data);
        entries.bind(snapshot, &mut self.once);
        let bound = EntriesBound { entries, slots: &self.once };
        let outcome = decide(snapshot, state, outcomes, &bound, &registers);
        shared_memory::write_outcome(self.shared.as_mut_bytes(), outcome)
    }

    /// Counts a decision that was remembered, as often as the length gives, for the context in the slot. Answers 0.
    pub fn count(&mut self) -> i32 {
        let registers = self.registers();
        let Some(loaded) = self.snapshots.get_mut(Handle(registers.snapshot.get())) else { return FREED };
        let Loaded { snapshot, state, slots, .. } = loaded;
        let Some(bound) = at(slots, registers.slot.get()) else { return UNBOUND };
        let times = u32::try_from(registers.length.get()).unwrap_or(0);
        if let Some(measures) = state.measures.as_mut().filter(|_| times > 0) {
            let outcome = shared_memory::read_outcome(self.shared.as_bytes());
            measures.decided(snapshot, flag_of(&registers), outcome, bound.resolved.user_digest(), times);
        }
        0
    }

    /// Decides every flag for the context in the slot, and writes the outcomes behind each other; answers how many.
    pub fn decide_all(&mut self) -> i32 {
        let registers = self.registers();
        let Some(loaded) = self.snapshots.get_mut(Handle(registers.snapshot.get())) else { return FREED };
        let Loaded { snapshot, state, slots, .. } = loaded;
        let Some(bound) = at(slots, registers.slot.get()) else { return UNBOUND };
        let Some(out) = shared_memory::outcomes(self.shared.as_mut_bytes(), snapshot.flags().len()) else {
            return UNREADABLE;
        };
        let now = millis(registers.now.get());
        bound.entries().evaluate(snapshot, state.guards.trips(), None, now, out);
        i32::try_from(out.len()).unwrap_or(0)
    }

    fn registers(&self) -> Registers {
        Registers::read(self.shared.as_bytes())
    }
}

/// Decides one flag, and counts it.
fn decide(
    snapshot: &Snapshot<Vec<u8>>,
    state: &mut HostState,
    outcomes: &mut [PackedDecision],
    bound: &EntriesBound<'_>,
    registers: &Registers,
) -> PackedDecision {
    // A flag that is not there is decided as the first beyond the others.
    let id = flag_of(registers).0.min(u32::try_from(snapshot.flags().len()).unwrap_or(u32::MAX));
    let now = millis(registers.now.get());
    bound.evaluate(snapshot, state.guards.trips(), Some(FlagId(id)), now, outcomes);
    let outcome = outcomes.get(id as usize).copied().unwrap_or(PackedDecision::from_bits(0));
    if let Some(measures) = &mut state.measures {
        measures.decided(snapshot, FlagId(id), outcome, bound.slots.user_digest(), 1);
    }
    outcome
}

fn at(slots: &[Option<Box<Bound>>], slot: i32) -> Option<&Bound> {
    slots.get(usize::try_from(slot).ok()?)?.as_deref()
}

/// A negative number is a flag that no snapshot has.
fn flag_of(registers: &Registers) -> FlagId {
    FlagId(u32::try_from(registers.flag.get()).unwrap_or(u32::MAX))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, as it should")]
const fn millis(now: f64) -> Millis {
    Millis(now as u64)
}
