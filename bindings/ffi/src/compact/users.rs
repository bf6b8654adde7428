//! Calls about single users, and about how flags are written.

use flcm_flags::{FlagId, Override};
use flcm_flags_host::changed;

use super::{Compact, Loaded, at, millis};
use crate::slots::Handle;

impl Compact {
    /// Decides a flag for the context in a slot, with the override that was written: `on`, `off` or a variant. Answers
    /// the upper half of the outcome; -1 for any other override as well.
    pub fn decide_as(&mut self, snapshot: Handle, slot: i32, flag: FlagId, now: f64) -> i32 {
        let Some(Loaded { snapshot, state, slots, outcomes }) = self.snapshots.get_mut(snapshot) else {
            return -1;
        };
        let (Some(bound), Some(described)) = (at(slots, slot), snapshot.describe(flag)) else { return -1 };
        let variant = described.variants().position(|variant| variant.name().as_bytes() == self.input);
        let serve = match (variant, &*self.input) {
            (Some(index), _) => Override::Variant(u16::try_from(index).unwrap_or(u16::MAX)),
            (None, b"on") => Override::On,
            (None, b"off") => Override::Off,
            (None, _) => return -1,
        };
        let (bound, trips, now) = (bound.entries(), state.guards.trips(), millis(now));
        bound.evaluate(snapshot, trips, Some(flag), now, outcomes);
        bound.evaluate_as(snapshot, trips, flag, now, serve, outcomes);
        let Some(outcome) = outcomes.get(flag.0 as usize) else { return -1 };
        if let Some(measures) = &mut state.measures {
            measures.decided(snapshot, flag, *outcome, bound.slots.user_digest(), 1);
        }
        i32::try_from(outcome.to_bits() >> 32).unwrap_or(0)
    }

    /// The cohorts of the document that the user in a slot is a member of, each followed by a line feed.
    pub fn cohorts(&mut self, snapshot: Handle, slot: i32) -> bool {
        let Some(loaded) = self.snapshots.get(snapshot) else { return false };
        let Some(bound) = at(&loaded.slots, slot) else { return false };
        self.output.clear();
        bound.entries().cohorts(&loaded.snapshot, &mut |name| {
            self.output.extend_from_slice(name.as_bytes());
            self.output.push(b'\n');
        });
        self.answer.begin().text(&self.output);
        true
    }

    /// Which of some flags, as many as `count` from `first` on, are written differently than in another snapshot, or
    /// are not in it: the bytes are 1 for each that is, else 0.
    pub fn changed(&mut self, snapshot: Handle, before: Handle, first: u32, count: u32) -> bool {
        let ids = (first..first.saturating_add(count)).map(FlagId);
        let (Some(snapshot), Some(before)) = (self.snapshot(snapshot), self.snapshot(before)) else { return false };
        let changed = changed(snapshot, before, ids).map(u8::from).collect();
        self.answer_bytes(Some(changed))
    }
}
