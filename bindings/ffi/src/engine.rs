//! Snapshots in use, and the calls of the contract.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use bumpalo::Bump;
use flcm_flags::{
    AttributeId, BoundContext, Decision, Flag, FlagId, Millis, PackedDecision, Snapshot, SnapshotError, TripState,
    Trips, evaluate_all,
};

use crate::bound::{Bound, can_take};
use crate::decision_text;
use crate::shared_memory::{self, Registers};
use crate::slots::{Handle, Slots};
use crate::status::{FREED, NO_ROOM, UNBOUND, UNREADABLE};
use flcm_flags_host::HostState;
use flcm_flags_host::reserve::can_allocate;
use flcm_flags_host::text;

mod breakers;
#[cfg(feature = "local")]
mod local;
mod metrics;
mod users;

/// How many contexts of a snapshot are bound at a time.
const CONTEXT_SLOTS: usize = 32;

/// Snapshots and their bound contexts. Belongs to one thread.
///
/// Calls that take `shared` read their arguments from it: see the crate's documentation.
pub struct Engine {
    snapshots: Slots<Box<Loaded>>,
    /// For contexts that are not bound.
    arena: Bump,
}

impl fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Engine").finish_non_exhaustive()
    }
}

struct Loaded {
    snapshot: Snapshot<Vec<u8>>,
    state: HostState,
    slots: [Option<Bound>; CONTEXT_SLOTS],
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

/// Calls that may take their time. What is asked of a handle that names nothing is `None` or false.
impl Engine {
    /// An engine without snapshots.
    #[must_use]
    pub fn new() -> Self {
        Self { snapshots: Slots::new(), arena: Bump::new() }
    }

    /// Takes a snapshot in; `None` when there is no memory for it, or 4,096 are loaded.
    ///
    /// # Errors
    /// The bytes are no snapshot.
    pub fn load(&mut self, bytes: Vec<u8>) -> Result<Option<Handle>, SnapshotError> {
        let snapshot = Snapshot::from_bytes(bytes)?;
        if !can_allocate(2 * Trips::bytes_for(snapshot.flags().len())) {
            return Ok(None);
        }
        let state = HostState::none(snapshot.flags().len());
        let loaded = Loaded { snapshot, state, slots: [const { None }; CONTEXT_SLOTS] };
        Ok(self.snapshots.insert(Box::new(loaded)))
    }

    /// Lets a snapshot go; whether there was one.
    pub fn unload(&mut self, snapshot: Handle) -> bool {
        self.snapshots.remove(snapshot).is_some()
    }

    /// The snapshot itself.
    #[must_use]
    pub fn snapshot(&self, snapshot: Handle) -> Option<&Snapshot<Vec<u8>>> {
        self.snapshots.get(snapshot).map(|loaded| &loaded.snapshot)
    }

    /// A copy of a snapshot's bytes; `None` as well when there is no memory for it.
    #[must_use]
    pub fn bytes(&self, snapshot: Handle) -> Option<Vec<u8>> {
        let bytes = self.snapshot(snapshot)?.as_bytes();
        can_allocate(bytes.len()).then(|| bytes.to_vec())
    }

    /// Digest of the bytes, 16 hexadecimal digits.
    #[must_use]
    pub fn digest(&self, snapshot: Handle) -> Option<String> {
        self.snapshot(snapshot).map(|snapshot| text::hex(snapshot.digest()))
    }

    /// The name of an attribute that some flag reads.
    #[must_use]
    pub fn attribute(&self, snapshot: Handle, id: u32) -> Option<&str> {
        self.snapshot(snapshot)?.attribute(AttributeId(id))
    }

    /// The key of a flag.
    #[must_use]
    pub fn flag_key(&self, snapshot: Handle, flag: FlagId) -> Option<&str> {
        self.describe(snapshot, flag).map(|flag| flag.key())
    }

    /// What the percentages of a flag are drawn with.
    #[must_use]
    pub fn flag_salt(&self, snapshot: Handle, flag: FlagId) -> Option<&str> {
        self.describe(snapshot, flag).map(|flag| flag.salt())
    }

    /// Whether a flag serves everyone the same: see [`Flag::is_static`].
    #[must_use]
    pub fn is_static(&self, snapshot: Handle, flag: FlagId) -> Option<bool> {
        self.describe(snapshot, flag).map(|flag| flag.is_static())
    }

    /// The ids of the attributes that a flag reads, ascending, and behind them 1 if time alone may change its decision,
    /// else 0.
    #[must_use]
    pub fn reads(&self, snapshot: Handle, flag: FlagId) -> Option<Vec<u32>> {
        let loaded = self.snapshot(snapshot)?;
        let flag = loaded.describe(flag)?;
        let mut read = vec![false; loaded.attributes().count()];
        flag.reads(&mut |id| {
            if let Some(read) = usize::try_from(id.0).ok().and_then(|id| read.get_mut(id)) {
                *read = true;
            }
        });
        let mut ids = Vec::new();
        for (id, read) in (0..).zip(&read) {
            if *read {
                ids.push(id);
            }
        }
        ids.push(flag.changes_with_time().into());
        Some(ids)
    }

    fn describe(&self, snapshot: Handle, flag: FlagId) -> Option<Flag<'_>> {
        self.snapshot(snapshot)?.describe(flag)
    }

    /// The trip of a flag.
    #[must_use]
    pub fn trip(&self, snapshot: Handle, flag: FlagId) -> Option<String> {
        self.snapshots.get(snapshot).map(|loaded| text::trip(loaded.state.guards.trips().state(flag)))
    }

    /// Sets the trip of a flag by an operator or the fleet; its own breaker counts as well. False for a state or a flag
    /// that is not known.
    pub fn set_trip(&mut self, snapshot: Handle, flag: FlagId, state: &str) -> bool {
        let loaded = self.snapshots.get_mut(snapshot).filter(|loaded| loaded.snapshot.describe(flag).is_some());
        let (Some(loaded), Some(state)) = (loaded, TripState::parse(state)) else { return false };
        loaded.state.guards.set_external_trip(flag, state);
        true
    }

    /// The trips of all flags, four bytes each.
    #[must_use]
    pub fn trips(&self, snapshot: Handle) -> Option<&[u8]> {
        self.snapshots.get(snapshot).map(|loaded| loaded.state.guards.trips().as_bytes())
    }

    /// A decision as text: see `decisionText` in the contract.
    #[must_use]
    pub fn decision_text(&self, snapshot: Handle, flag: FlagId, rule: u32, outcome: u32) -> Option<String> {
        let outcome = PackedDecision::from_bits((u64::from(outcome) << 32) | u64::from(rule));
        Some(decision_text::of(&Decision::new(self.snapshot(snapshot)?, flag, outcome)))
    }
}

/// Calls that must be fast. A negative answer is an error.
impl Engine {
    /// The id of the flag whose key was written, or -1.
    #[inline]
    #[must_use]
    pub fn flag(&self, shared: &[u8]) -> i32 {
        let registers = Registers::read(shared);
        let key = shared_memory::data(shared, registers.length).and_then(|key| core::str::from_utf8(key).ok());
        let snapshot = self.snapshot(Handle(registers.snapshot.get()));
        let flag = key.zip(snapshot).and_then(|(key, snapshot)| snapshot.flag(key));
        flag.and_then(|flag| i32::try_from(flag.0).ok()).unwrap_or(-1)
    }

    /// Binds the context that was written, and keeps it in the slot. Answers 0.
    pub fn bind(&mut self, shared: &[u8]) -> i32 {
        let registers = Registers::read(shared);
        let Some(loaded) = self.snapshots.get_mut(Handle(registers.snapshot.get())) else { return FREED };
        let slot = usize::try_from(registers.slot.get()).ok().and_then(|slot| loaded.slots.get_mut(slot));
        let (Some(slot), Some(data)) = (slot, shared_memory::data(shared, registers.length)) else {
            return UNREADABLE;
        };
        match Bound::bind(data, &loaded.snapshot, slot.take()) {
            Ok(bound) => {
                *slot = Some(bound);
                0
            }
            Err(error) => error,
        }
    }

    /// Decides a flag for the context in the slot; answers the upper half of the outcome, and writes it whole.
    #[inline]
    pub fn decide(&mut self, shared: &mut [u8]) -> i32 {
        let registers = Registers::read(shared);
        let Some(loaded) = self.snapshots.get_mut(Handle(registers.snapshot.get())) else { return FREED };
        let Some(context) = at(&loaded.slots, &registers) else { return UNBOUND };
        let outcome = loaded.state.guards.decide(&loaded.snapshot, flag(&registers), context, now(&registers));
        if let Some(measures) = &mut loaded.state.measures {
            measures.decided(&loaded.snapshot, flag(&registers), outcome, context.user_digest(), 1);
        }
        shared_memory::write_outcome(shared, outcome)
    }

    /// Decides a flag for the context that was written, which is not bound. Answers like [`decide`](Self::decide).
    #[inline]
    pub fn decide_once(&mut self, shared: &mut [u8]) -> i32 {
        let registers = Registers::read(shared);
        let Some(loaded) = self.snapshots.get_mut(Handle(registers.snapshot.get())) else { return FREED };
        self.arena.reset();
        let Some(data) = shared_memory::data(shared, registers.length) else { return UNREADABLE };
        if !can_take(&self.arena, data) {
            return NO_ROOM;
        }
        let Some(context) = shared_memory::context(data, &self.arena) else { return UNREADABLE };
        let context = context.bind(&loaded.snapshot);
        let outcome = loaded.state.guards.decide(&loaded.snapshot, flag(&registers), &context, now(&registers));
        if let Some(measures) = &mut loaded.state.measures {
            measures.decided(&loaded.snapshot, flag(&registers), outcome, context.user_digest(), 1);
        }
        shared_memory::write_outcome(shared, outcome)
    }

    /// Counts a decision that was remembered, as often as the length gives, for the context in the slot; the outcome
    /// stands where decisions leave it. Answers 0.
    pub fn count(&mut self, shared: &[u8]) -> i32 {
        let registers = Registers::read(shared);
        let Some(loaded) = self.snapshots.get_mut(Handle(registers.snapshot.get())) else { return FREED };
        let Some(context) = at(&loaded.slots, &registers) else { return UNBOUND };
        let times = u32::try_from(registers.length.get()).unwrap_or(0);
        if let Some(measures) = loaded.state.measures.as_mut().filter(|_| times > 0) {
            let outcome = shared_memory::read_outcome(shared);
            measures.decided(&loaded.snapshot, flag(&registers), outcome, context.user_digest(), times);
        }
        0
    }

    /// Decides every flag for the context in the slot, and writes the outcomes behind each other; answers how many.
    pub fn decide_all(&self, shared: &mut [u8]) -> i32 {
        let registers = Registers::read(shared);
        let Some(loaded) = self.snapshots.get(Handle(registers.snapshot.get())) else { return FREED };
        let Some(context) = at(&loaded.slots, &registers) else { return UNBOUND };
        let Some(out) = shared_memory::outcomes(shared, loaded.snapshot.flags().len()) else { return UNREADABLE };
        let outcomes = evaluate_all(&loaded.snapshot, loaded.state.guards.trips(), context, now(&registers), out);
        i32::try_from(outcomes.len()).unwrap_or(UNREADABLE)
    }
}

/// The context in a slot.
#[inline]
fn at<'p>(slots: &'p [Option<Bound>; CONTEXT_SLOTS], registers: &Registers) -> Option<&'p BoundContext<'p>> {
    slots.get(usize::try_from(registers.slot.get()).ok()?)?.as_ref().map(Bound::borrow_dependent)
}

/// A negative number is a flag that no snapshot has.
#[inline]
fn flag(registers: &Registers) -> FlagId {
    FlagId(u32::try_from(registers.flag.get()).unwrap_or(u32::MAX))
}

/// A time before 1970, or none at all, counts as 1970.
#[inline]
fn now(registers: &Registers) -> Millis {
    millis(registers.now.get())
}

#[inline]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, as it should")]
const fn millis(now: f64) -> Millis {
    Millis(now as u64)
}
