//! Which values of attributes keep everyone from a flag, so that hosts need not ask about the next user who has one.

use alloc::vec::Vec;

use flcm_flags::{Arm, AttributeId, Flag, FlagId, Reason, Step, TripState, Visitor, explain};

use super::{Engine, Loaded, flag, now};
use crate::shared_memory::{self, Registers};
use crate::slots::Handle;

/// The attribute that is the targeting key, whatever else the host gives under this name.
const USER: &str = "user_id";

impl Engine {
    /// Which attributes of the context that was written have a value that alone keeps everyone from the flag's only
    /// rule: a bit for each, in the order of [`reads`](Self::reads). 0 where that is not why the flag is decided so.
    pub fn left_out_by(&mut self, shared: &[u8]) -> i32 {
        self.arena.reset();
        let registers = Registers::read(shared);
        let loaded = self.snapshots.get(Handle(registers.snapshot.get()));
        let data = shared_memory::data(shared, registers.length);
        let context = data.and_then(|data| shared_memory::context(data, &self.arena));
        let (Some(loaded), Some(context)) = (loaded, context) else { return 0 };
        let id = flag(&registers);
        let Some(described) = loaded.only_a_rule(id) else { return 0 };
        let mut names = Vec::new();
        loaded.each_read(&described, |id| names.push(loaded.snapshot.attribute(AttributeId(id)).unwrap_or_default()));
        let mut left_out = LeftOut { names, depth: 0, bits: 0 };
        let context = context.bind(&loaded.snapshot);
        let trips = loaded.state.guards.trips();
        let decision = explain(&loaded.snapshot, trips, id, &context, now(&registers), &mut left_out);
        let by_conditions = decision.reason() == Reason::Default && decision.arm() == Arm::Outside;
        if by_conditions { left_out.bits } else { 0 }
    }
}

impl Loaded {
    /// A flag of which nothing but a single rule is to be looked at: it serves its default to whomever one of the rule's
    /// conditions leaves out.
    fn only_a_rule(&self, id: FlagId) -> Option<Flag<'_>> {
        let is_clear = self.state.guards.trips().state(id) == TripState::Clear;
        self.snapshot.describe(id).filter(|flag| {
            is_clear && flag.override_count() == 0 && flag.closure().is_empty() && flag.rules().count() == 1
        })
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
