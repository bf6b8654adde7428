//! What changes for real users: each context is decided by both versions, and counted.

use flcm_flags::{Context, Decision, FlagId, Millis, PackedDecision, Snapshot, Trips, evaluate_all};

use super::{Difference, Move, Moves, Served};
use crate::explain::text;

/// Counts contexts by what changes for them. No thread is started: a caller with threads gives each of them its own
/// counter, and [merges](Self::merge) the counters.
#[derive(Debug)]
pub struct ContextCounter<'s, B> {
    now: Millis,
    contexts: u64,
    sides: [Side<'s, B>; 2],
    flags: Vec<FlagMoves>,
}

impl<'s, B: AsRef<[u8]>> ContextCounter<'s, B> {
    /// Counts for all flags of a difference between two snapshots, the old one first.
    #[must_use]
    pub fn new(difference: &Difference, snapshots: [&'s Snapshot<B>; 2], now: Millis) -> Self {
        let pair = |key: &str| FlagMoves::new(snapshots.map(|snapshot| snapshot.flag(key)));
        let flags = difference.flags.iter().map(|flag| pair(&flag.flag)).collect();
        Self { now, contexts: 0, sides: snapshots.map(Side::new), flags }
    }

    /// Counts one context.
    pub fn add(&mut self, context: &Context<'_>) {
        self.contexts += 1;
        for side in &mut self.sides {
            side.decide(context, self.now);
        }
        for flag in &mut self.flags {
            flag.count(&self.sides);
        }
    }

    /// Adds what another counter of the same difference has counted.
    pub fn merge(&mut self, other: &Self) {
        self.contexts += other.contexts;
        for (flag, other) in self.flags.iter_mut().zip(&other.flags) {
            flag.moves.merge(&other.moves);
        }
    }

    /// Adds the counts to the difference that they belong to.
    pub fn write_to(self, difference: &mut Difference) {
        difference.contexts = Some(difference.contexts.unwrap_or_default() + self.contexts);
        for (flag, counted) in difference.flags.iter_mut().zip(self.flags) {
            flag.contexts.get_or_insert_default().merge(&counted.moves);
        }
    }
}

/// One version, and what it decided last.
#[derive(Debug)]
struct Side<'s, B> {
    snapshot: &'s Snapshot<B>,
    decisions: Vec<PackedDecision>,
}

impl<'s, B: AsRef<[u8]>> Side<'s, B> {
    fn new(snapshot: &'s Snapshot<B>) -> Self {
        let nothing = Decision::flag_not_found().packed();
        Self { snapshot, decisions: vec![nothing; snapshot.flags().len()] }
    }

    fn decide(&mut self, context: &Context<'_>, now: Millis) {
        evaluate_all(self.snapshot, &Trips::NONE, &context.bind(self.snapshot), now, &mut self.decisions);
    }

    fn decision(&self, flag: Option<FlagId>) -> Option<PackedDecision> {
        self.decisions.get(flag?.0 as usize).copied()
    }

    fn served(&self, flag: Option<FlagId>, decision: Option<PackedDecision>) -> Served {
        let (Some(flag), Some(decision)) = (flag, decision) else { return Served::default() };
        let decision = Decision::new(self.snapshot, flag, decision);
        Served {
            enabled: decision.enabled(),
            variant: decision.variant().map(str::to_owned),
            value: decision.value().map(|value| text::json_of_value(value).to_string()),
        }
    }
}

/// One flag in both versions. Each pair of decisions is compared only once.
#[derive(Debug)]
struct FlagMoves {
    ids: [Option<FlagId>; 2],
    known: Vec<([Option<PackedDecision>; 2], Move)>,
    moves: Moves,
}

impl FlagMoves {
    fn new(ids: [Option<FlagId>; 2]) -> Self {
        Self { ids, known: Vec::new(), moves: Moves::default() }
    }

    fn count<B: AsRef<[u8]>>(&mut self, sides: &[Side<'_, B>; 2]) {
        let decisions = [0, 1].map(|side| sides[side].decision(self.ids[side]));
        let known = self.known.iter().find(|(known, _)| *known == decisions).map(|(_, what)| *what);
        let what = known.unwrap_or_else(|| self.learn(sides, decisions));
        self.moves.add(what);
    }

    fn learn<B: AsRef<[u8]>>(&mut self, sides: &[Side<'_, B>; 2], decisions: [Option<PackedDecision>; 2]) -> Move {
        let [old, new] = [0, 1].map(|side| sides[side].served(self.ids[side], decisions[side]));
        let what = Move::of(&old, &new);
        self.known.push((decisions, what));
        what
    }
}
