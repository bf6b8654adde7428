//! What changes for real users: each is decided by both versions.

use std::path::Path;

use flcm_flags::{BoundContext, Decision, FlagId, Millis, PackedDecision, Snapshot, Trips, evaluate_all};
use flcm_flags_config::diff::{Move, Moves, Served};
use flcm_flags_config::explain::text;

use crate::decide::{Contexts, Parser};
use crate::failure::Failure;

/// What was counted.
pub(super) struct Counted {
    pub(super) moves: Vec<Moves>,
    pub(super) contexts: u64,
    /// Whether every line could be read.
    pub(super) well: bool,
}

/// Counts over a file of contexts, flag by flag.
pub(super) fn count(
    path: &Path,
    snapshots: [&Snapshot<Vec<u8>>; 2],
    keys: &[String],
    now: Millis,
) -> Result<Counted, Failure> {
    let mut sides = snapshots.map(Side::new);
    let mut flags: Vec<Pair> = keys.iter().map(|key| Pair::new(snapshots.map(|side| side.flag(key)))).collect();
    let mut parser = Parser::new(snapshots.into_iter().flat_map(Snapshot::attributes));
    let mut contexts = Contexts::open(path, true)?;
    let mut read = 0;
    while contexts.advance()? {
        contexts.parse(&mut parser, |context| {
            read += 1;
            for side in &mut sides {
                side.decide(&context.bind(side.snapshot), now);
            }
            for flag in &mut flags {
                flag.count(&sides);
            }
            Ok(())
        })?;
    }
    let moves = flags.into_iter().map(|flag| flag.moves).collect();
    Ok(Counted { moves, contexts: read, well: contexts.finish() })
}

/// One version, and what it decided last.
struct Side<'s> {
    snapshot: &'s Snapshot<Vec<u8>>,
    outcomes: Vec<PackedDecision>,
}

impl<'s> Side<'s> {
    fn new(snapshot: &'s Snapshot<Vec<u8>>) -> Self {
        let nothing = Decision::flag_not_found().packed();
        Self { snapshot, outcomes: vec![nothing; snapshot.flags().len()] }
    }

    fn decide(&mut self, context: &BoundContext<'_>, now: Millis) {
        evaluate_all(self.snapshot, &Trips::NONE, context, now, &mut self.outcomes);
    }

    fn outcome(&self, flag: Option<FlagId>) -> Option<PackedDecision> {
        self.outcomes.get(flag?.0 as usize).copied()
    }

    fn served(&self, flag: Option<FlagId>, outcome: Option<PackedDecision>) -> Served {
        let (Some(flag), Some(outcome)) = (flag, outcome) else { return Served::default() };
        let decision = Decision::new(self.snapshot, flag, outcome);
        Served {
            enabled: decision.enabled(),
            variant: decision.variant().map(str::to_owned),
            value: decision.value().map(|value| text::json_of_value(value).to_string()),
        }
    }
}

/// One flag in both versions. What a pair of outcomes means is found out once.
struct Pair {
    ids: [Option<FlagId>; 2],
    known: Vec<([Option<PackedDecision>; 2], Move)>,
    moves: Moves,
}

impl Pair {
    fn new(ids: [Option<FlagId>; 2]) -> Self {
        Self { ids, known: Vec::new(), moves: Moves::default() }
    }

    fn count(&mut self, sides: &[Side<'_>; 2]) {
        let outcomes = [sides[0].outcome(self.ids[0]), sides[1].outcome(self.ids[1])];
        let known = self.known.iter().find(|(known, _)| *known == outcomes).map(|(_, what)| *what);
        let what = known.unwrap_or_else(|| {
            let served = |side: usize| sides[side].served(self.ids[side], outcomes[side]);
            let what = Move::of(&served(0), &served(1));
            self.known.push((outcomes, what));
            what
        });
        self.moves.add(what);
    }
}
