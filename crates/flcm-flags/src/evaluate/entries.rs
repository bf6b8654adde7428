//! Deciding for a context that lies in memory as bytes, into memory of the caller: what modules without memory
//! management of their own call.

use super::{Decided, Override, Question};
use crate::cohort::cohorts_of;
use crate::context::{Entries, Slots};
use crate::decision::{ErrorCode, PackedDecision};
use crate::snapshot::{FlagId, Snapshot, sections, to_usize};
use crate::time::Millis;
use crate::trips::Trips;

/// A context that is bytes, and what [`Entries::bind`] found out about it.
#[derive(Clone, Copy, Debug)]
pub struct EntriesBound<'c> {
    /// The bytes that were bound.
    pub entries: Entries<'c>,
    /// What binding answered.
    pub slots: &'c Slots,
}

impl EntriesBound<'_> {
    /// The context's [`cohorts`](crate::cohorts()).
    pub fn cohorts<'s, B: AsRef<[u8]>>(&self, snapshot: &'s Snapshot<B>, show: &mut dyn FnMut(&'s str)) {
        cohorts_of(snapshot.reader(), self.entries.view(self.slots), show);
    }

    /// The decision of a flag whose place in `out` has what was decided without the override: see
    /// [`evaluate_as`](super::evaluate_as).
    pub fn evaluate_as<B: AsRef<[u8]>, T: AsRef<[u8]>>(
        &self,
        snapshot: &Snapshot<B>,
        trips: &Trips<T>,
        flag: FlagId,
        now: Millis,
        serve: Override,
        out: &mut [PackedDecision],
    ) {
        let reader = snapshot.reader();
        let trips = Trips::new(trips.as_bytes());
        let question = Question { reader, trips: &trips, context: self.entries.view(self.slots), now };
        if let (Some(record), Some(place)) = (reader.get(sections::FLAGS, flag.0), out.get_mut(to_usize(flag.0))) {
            *place = question.replaced(record, *place, serve);
        }
    }

    /// Decides one flag, and before it all that it depends on; or without a flag every one of them. Each decision goes
    /// to the place of its flag's id in `out`.
    ///
    /// The decisions are those of [`evaluate`](super::evaluate()). `out` must have a place for each flag of the
    /// snapshot.
    pub fn evaluate<B: AsRef<[u8]>, T: AsRef<[u8]>>(
        &self,
        snapshot: &Snapshot<B>,
        trips: &Trips<T>,
        flag: Option<FlagId>,
        now: Millis,
        out: &mut [PackedDecision],
    ) {
        let reader = snapshot.reader();
        let trips = Trips::new(trips.as_bytes());
        let question = Question { reader, trips: &trips, context: self.entries.view(self.slots), now };
        let flags = match flag {
            Some(flag) => flag.0..flag.0.wrapping_add(1),
            None => 0..reader.count(sections::FLAGS),
        };
        for flag in flags {
            for id in reader.closure(reader.at(sections::FLAGS, flag)) {
                question.decide_into(id.get(), out);
            }
            question.decide_into(flag, out);
        }
    }
}

impl Question<'_, '_> {
    /// Decides one flag whose prerequisites are decided.
    fn decide_into(&self, id: u32, out: &mut [PackedDecision]) {
        let packed = match self.reader.get(sections::FLAGS, id) {
            Some(flag) => self.decide_fully(FlagId(id), flag, &Decided::All(out), &mut ()),
            None => PackedDecision::error(ErrorCode::FlagNotFound),
        };
        if let Some(slot) = out.get_mut(to_usize(id)) {
            *slot = packed;
        }
    }
}
