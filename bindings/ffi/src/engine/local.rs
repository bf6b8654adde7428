//! What a host may decide by itself: what a flag serves to everyone, and whom a value of an attribute leaves out,
//! whoever they are. Behind the feature of this name, because it would make a page larger.

use alloc::vec::Vec;

use flcm_flags::{
    Arm, AttributeId, Context, Flag, FlagId, Millis, PackedDecision, Reason, Step, TripState, Visitor, explain,
};

use super::{Engine, Loaded, flag, now};
use crate::shared_memory::{self, Decided, Registers};
use crate::slots::Handle;
use crate::status::{FREED, UNREADABLE};

/// The attribute that is the targeting key, whatever else the host gives under this name.
const USER: &str = "user_id";

impl Engine {
    /// The two halves of the decision that everyone gets, whoever they are and whenever they ask, until a trip changes:
    /// the rule, and the outcome. `None` where that makes a difference.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "each is half of it")]
    pub fn for_everyone(&self, snapshot: Handle, flag: FlagId) -> Option<[u32; 2]> {
        let bits = self.snapshots.get(snapshot)?.for_everyone(flag)?.to_bits();
        Some([bits as u32, (bits >> 32) as u32])
    }

    /// Counts decisions that were made by the host and written behind each other, up to the first that cannot be read.
    /// Answers 0.
    pub fn count_written(&mut self, shared: &[u8]) -> i32 {
        let registers = Registers::read(shared);
        let Some(loaded) = self.snapshots.get_mut(Handle(registers.snapshot.get())) else { return FREED };
        let written = shared_memory::data(shared, registers.length);
        written.and_then(|written| loaded.count(written)).map_or(UNREADABLE, |()| 0)
    }

    /// Which attributes of the context that was written have a value that alone keeps everyone from the flag's only
    /// rule: a bit for each, in the order of [`reads`](Self::reads). 0 where that is not why the flag is decided so.
    pub fn left_out_by(&mut self, shared: &[u8]) -> i32 {
        self.arena.reset();
        let registers = Registers::read(shared);
        let (handle, id) = (Handle(registers.snapshot.get()), flag(&registers));
        let data = shared_memory::data(shared, registers.length);
        let context = data.and_then(|data| shared_memory::context(data, &self.arena));
        let (Some(loaded), Some(context), Some(read)) = (self.snapshots.get(handle), context, self.reads(handle, id))
        else {
            return 0;
        };
        if !loaded.is_one_rule(id) {
            return 0;
        }
        let names = read.iter().map(|id| loaded.snapshot.attribute(AttributeId(*id)).unwrap_or_default());
        // The last one is no attribute.
        let mut left_out = LeftOut { names: names.take(read.len() - 1).collect(), depth: 0, bits: 0 };
        let context = context.bind(&loaded.snapshot);
        let trips = loaded.state.guards.trips();
        let decision = explain(&loaded.snapshot, trips, id, &context, now(&registers), &mut left_out);
        let by_conditions = decision.reason() == Reason::Default && decision.arm() == Arm::Outside;
        if by_conditions { left_out.bits } else { 0 }
    }
}

impl Loaded {
    /// Of trips, only one that switches the flag off treats everyone alike.
    fn for_everyone(&self, id: FlagId) -> Option<PackedDecision> {
        let guards = &self.state.guards;
        let is_same = matches!(guards.trips().state(id), TripState::Clear | TripState::HeldOff);
        self.snapshot.describe(id).filter(|flag| is_same && flag.is_static())?;
        Some(guards.decide(&self.snapshot, id, &Context::default().bind(&self.snapshot), Millis(0)))
    }

    /// `None` from the first decision on that cannot be read.
    fn count(&mut self, mut written: &[u8]) -> Option<()> {
        let Some(measures) = &mut self.state.measures else { return Some(()) };
        while !written.is_empty() {
            let decided = Decided::take(&mut written)?;
            let outcome = PackedDecision::from_bits(u64::from(decided.outcome) << 32);
            measures.decided_by(&self.snapshot, FlagId(decided.flag), outcome, decided.key);
        }
        Some(())
    }

    /// Whether nothing but a single rule is to be looked at: a flag serves its default to whomever one of the rule's
    /// conditions leaves out.
    fn is_one_rule(&self, id: FlagId) -> bool {
        let is_alone =
            |flag: Flag<'_>| flag.override_count() == 0 && flag.closure().is_empty() && flag.rules().count() == 1;
        self.state.guards.trips().state(id) == TripState::Clear && self.snapshot.describe(id).is_some_and(is_alone)
    }
}

/// Collects the attributes whose tests do not pass, outside of groups and cohorts: each of these tests must.
struct LeftOut<'s> {
    /// In the order of the bits.
    names: Vec<&'s str>,
    /// How many groups and cohorts are open.
    depth: usize,
    bits: i32,
}

impl Visitor for LeftOut<'_> {
    fn visit(&mut self, step: Step<'_, '_>) {
        match step {
            Step::GroupStart(_) | Step::CohortStart(_) => self.depth += 1,
            Step::GroupEnd { .. } | Step::CohortEnd(_) => self.depth = self.depth.saturating_sub(1),
            Step::Test { test, held: false, .. } if self.depth == 0 && test.attribute() != USER => {
                let position = self.names.iter().take(31).position(|name| *name == test.attribute());
                self.bits |= position.map_or(0, |position| 1 << position);
            }
            _ => {}
        }
    }
}
