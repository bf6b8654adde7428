//! Deciding for a context that lies in memory as bytes, into memory of the caller: what modules without memory
//! management of their own call.

use super::{Decided, Question};
use crate::context::{Entries, Slots};
use crate::decision::PackedDecision;
use crate::snapshot::sections;
use crate::snapshot::{FlagId, Snapshot, to_usize};
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
    /// Decides one flag, and before it all that it depends on, each into the place of its id in `out`.
    ///
    /// The decision is that of [`evaluate`](super::evaluate()). `out` must have a place for each flag of the snapshot.
    pub fn evaluate<B: AsRef<[u8]>, T: AsRef<[u8]>>(
        &self,
        snapshot: &Snapshot<B>,
        trips: &Trips<T>,
        flag: FlagId,
        now: Millis,
        out: &mut [PackedDecision],
    ) {
        let trips = Trips::new(trips.as_bytes());
        let question =
            Question { reader: snapshot.reader(), trips: &trips, context: self.entries.view(self.slots), now };
        if flag.0 >= question.reader.count(sections::FLAGS) {
            return;
        }
        for id in question.reader.closure(question.reader.at(sections::FLAGS, flag.0)) {
            question.decide_into(FlagId(id.get()), out);
        }
        question.decide_into(flag, out);
    }

    /// Decides every flag: see [`evaluate_all`](super::evaluate_all).
    pub fn evaluate_all<B: AsRef<[u8]>, T: AsRef<[u8]>>(
        &self,
        snapshot: &Snapshot<B>,
        trips: &Trips<T>,
        now: Millis,
        out: &mut [PackedDecision],
    ) {
        let trips = Trips::new(trips.as_bytes());
        let question =
            Question { reader: snapshot.reader(), trips: &trips, context: self.entries.view(self.slots), now };
        question.decide_all(out);
    }
}

impl Question<'_, '_> {
    /// Decides one flag whose prerequisites are decided.
    fn decide_into(&self, id: FlagId, out: &mut [PackedDecision]) {
        let flag = self.reader.at(sections::FLAGS, id.0);
        let packed = self.decide_after(id, flag, &Decided::All(out), &mut ());
        if let Some(slot) = out.get_mut(to_usize(id.0)) {
            *slot = packed;
        }
    }
}
