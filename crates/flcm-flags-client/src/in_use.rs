//! The flags in use: what readers see, in one piece.

use std::sync::Arc;

use flcm_flags::{BoundContext, Context, FlagId, Millis, PackedDecision, Snapshot, TripState, Trips, evaluate};
use flcm_flags_host::Guards;

use crate::tally::Tallies;

/// A snapshot, and the counters of decisions that were made by it.
#[derive(Debug)]
pub(crate) struct Flags {
    pub(crate) snapshot: Snapshot<Vec<u8>>,
    pub(crate) tallies: Tallies,
    /// Whether time alone may change a decision: else nobody need ask for it.
    follows_time: Box<[bool]>,
}

impl Flags {
    pub(crate) fn new(snapshot: Snapshot<Vec<u8>>) -> Self {
        let flags = snapshot.flags();
        let tallies = Tallies::new(flags.len());
        let follows_time =
            flags.map(|flag| snapshot.describe(flag).is_none_or(|flag| flag.changes_with_time())).collect();
        Self { snapshot, tallies, follows_time }
    }

    /// The digest, 16 hexadecimal digits.
    pub(crate) fn digest(&self) -> String {
        format!("{:016x}", self.snapshot.digest())
    }

    /// The key of a flag.
    pub(crate) fn key(&self, flag: FlagId) -> String {
        self.snapshot.describe(flag).map_or_else(String::new, |flag| flag.key().to_owned())
    }
}

/// A snapshot and the trips of its flags. It never changes: an update publishes another one.
#[derive(Debug)]
pub(crate) struct InUse {
    pub(crate) flags: Arc<Flags>,
    trips: Trips<Vec<u8>>,
    /// Of each flag's breaker: outcomes of an older one are no evidence.
    generations: Box<[u32]>,
}

impl InUse {
    pub(crate) fn new(flags: Arc<Flags>, guards: &Guards) -> Self {
        let generation = |flag| guards.breaker(flag).map_or(0, |(breaker, _)| breaker.generation());
        let generations = flags.snapshot.flags().map(generation).collect();
        Self { trips: Trips::new(guards.trips().as_bytes().to_vec()), generations, flags }
    }

    pub(crate) fn bind<'c>(&self, context: &Context<'c>) -> BoundContext<'c> {
        context.bind(&self.flags.snapshot)
    }

    /// Decides, and counts the decision. `now` is asked only where it matters.
    pub(crate) fn decide(
        &self,
        flag: FlagId,
        context: &BoundContext<'_>,
        now: impl FnOnce() -> Millis,
    ) -> PackedDecision {
        let outcome = self.peek(flag, context, now);
        self.flags.tallies.count(&self.flags.snapshot, flag, outcome, context);
        outcome
    }

    /// Like [`decide`](Self::decide), and counts nothing.
    pub(crate) fn peek(
        &self,
        flag: FlagId,
        context: &BoundContext<'_>,
        now: impl FnOnce() -> Millis,
    ) -> PackedDecision {
        let follows_time = usize::try_from(flag.0).ok().and_then(|flag| self.flags.follows_time.get(flag));
        let now = if follows_time == Some(&false) { Millis(0) } else { now() };
        evaluate(&self.flags.snapshot, &self.trips, flag, context, now).packed()
    }

    /// What holds a flag back.
    pub(crate) fn trip(&self, flag: FlagId) -> TripState {
        self.trips.state(flag)
    }

    pub(crate) fn generation(&self, flag: FlagId) -> u32 {
        usize::try_from(flag.0).ok().and_then(|flag| self.generations.get(flag)).copied().unwrap_or(0)
    }
}
