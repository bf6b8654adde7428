//! Decisions, counted by any number of threads at once without a lock.

use std::cell::Cell;
use std::iter;
use std::sync::atomic::{AtomicU8, AtomicU64, AtomicUsize, Ordering};

use flcm_flags::metrics::{Distinct, FlagMetrics, Group};
use flcm_flags::{BoundContext, FlagId, PackedDecision, Snapshot};
use flcm_flags_host::{Counted, Measures};
use once_cell::race::OnceBox;

/// Threads count in so many shards, so that few of them write to the same place.
const SHARDS: usize = 8;

/// What was decided of each flag and not been taken yet. A flag's memory comes with its first decision.
#[derive(Debug)]
pub(crate) struct Tallies(Box<[OnceBox<Tally>]>);

/// What was decided of a flag.
#[derive(Debug)]
struct Tally {
    /// One counter per variant and reason, in the order of [`FlagMetrics`]; a shard for some of the threads.
    shards: [Box<[AtomicU64]>; SHARDS],
    /// The users of each group, in the order of [`Group`].
    groups: Box<[OnceBox<Registers>]>,
}

/// The highest rank of the users of each register, as [`Distinct`] has it. Mostly read: a rank seldom rises.
#[derive(Debug)]
struct Registers([AtomicU8; Distinct::REGISTERS]);

impl Tallies {
    pub(crate) fn new(flags: usize) -> Self {
        Self(iter::repeat_with(OnceBox::new).take(flags).collect())
    }

    /// Counts one decision, and its user.
    pub(crate) fn count(
        &self,
        snapshot: &Snapshot<Vec<u8>>,
        flag: FlagId,
        outcome: PackedDecision,
        context: &BoundContext<'_>,
    ) {
        let Some(tally) = self.0.get(index(flag)) else { return };
        let tally = tally.get_or_init(|| Box::new(Tally::new(snapshot, flag)));
        let shard = SHARD.with(|shard| tally.shards.get(shard.get()));
        if let Some(counter) = shard.and_then(|shard| shard.get(FlagMetrics::counter_of(outcome))) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        let Some(user) = context.user_digest() else { return };
        if let Some(registers) = tally.groups.get(Group::of(outcome)) {
            registers.get_or_init(Box::default).raise(Distinct::register_and_rank(user));
        }
    }

    /// Takes what was counted; what is counted meanwhile is taken the next time.
    pub(crate) fn take_all(&self, snapshot: &Snapshot<Vec<u8>>, measures: &mut Measures) {
        for (flag, tally) in (0..).map(FlagId).zip(&self.0) {
            let Some(tally) = tally.get() else { continue };
            if let Some(counted) = measures.flag(snapshot, flag) {
                tally.take_into(counted);
            }
        }
    }
}

impl Tally {
    fn new(snapshot: &Snapshot<Vec<u8>>, flag: FlagId) -> Self {
        let variants = snapshot.describe(flag).map_or(0, |flag| flag.variants().count());
        let (counters, groups) = (FlagMetrics::counters_for(variants), Group::count_for(variants));
        Self {
            shards: std::array::from_fn(|_| iter::repeat_with(AtomicU64::default).take(counters).collect()),
            groups: iter::repeat_with(OnceBox::new).take(groups).collect(),
        }
    }

    fn take_into(&self, counted: &mut Counted) {
        for shard in &self.shards {
            for (index, counter) in shard.iter().enumerate().filter(|(_, counter)| counter.load(Ordering::Relaxed) > 0)
            {
                counted.tally(index, u32::try_from(counter.swap(0, Ordering::Relaxed)).unwrap_or(u32::MAX));
            }
        }
        let registers = self.groups.iter().enumerate().filter_map(|(group, registers)| Some((group, registers.get()?)));
        for (group, registers) in registers {
            registers.take(|register, rank| counted.see(group, register, rank));
        }
    }
}

impl Default for Registers {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU8::default()))
    }
}

impl Registers {
    fn raise(&self, (register, rank): (usize, u8)) {
        if let Some(highest) = self.0.get(register)
            && highest.load(Ordering::Relaxed) < rank
        {
            highest.fetch_max(rank, Ordering::Relaxed);
        }
    }

    /// Gives what was raised, by register and rank, and lowers it to nothing.
    fn take(&self, mut each: impl FnMut(usize, u8)) {
        for (register, rank) in self.0.iter().enumerate() {
            if rank.load(Ordering::Relaxed) > 0 {
                each(register, rank.swap(0, Ordering::Relaxed));
            }
        }
    }
}

fn index(flag: FlagId) -> usize {
    usize::try_from(flag.0).unwrap_or(usize::MAX)
}

thread_local! {
    static SHARD: Cell<usize> = Cell::new(next_shard());
}

fn next_shard() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    THREADS.fetch_add(1, Ordering::Relaxed) % SHARDS
}
