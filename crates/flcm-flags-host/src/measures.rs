//! What is counted of a snapshot's flags, in memory of their own: a flag's when it is first counted.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use flcm_flags::bucket::sip;
use flcm_flags::metrics::batch::{Batch, BatchError, Header, Writer};

use flcm_flags::metrics::{Custom, Distinct, FlagMetrics, Group};
use flcm_flags::{Flag, FlagId, PackedDecision, Snapshot};

use crate::groups::LazyGroups;
use crate::reserve::can_allocate;

/// How many custom counters and histograms there may be.
const COUNTERS: usize = 64;
const HISTOGRAMS: usize = 32;

/// What is counted of a flag.
pub type Counted = FlagMetrics<Vec<u32>, LazyGroups>;

/// The custom metrics of a host.
pub type CustomMetrics = Custom<COUNTERS, HISTOGRAMS>;

/// Metrics by flag, and custom ones.
#[derive(Debug)]
pub struct Measures {
    flags: Vec<Option<Box<Counted>>>,
    custom: Box<CustomMetrics>,
}

impl Measures {
    /// Nothing counted yet; `None` when there is no memory for it.
    #[must_use]
    pub fn new(flags: usize) -> Option<Self> {
        let size = size_of::<CustomMetrics>() + flags * size_of::<usize>();
        can_allocate(size).then(|| Self { flags: (0..flags).map(|_| None).collect(), custom: Box::new(Custom::new()) })
    }

    /// The metrics of a flag, made when it has none yet. `None` when there is no such flag, or no memory.
    #[inline]
    pub fn flag<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, flag: FlagId) -> Option<&mut Counted> {
        let slot = self.flags.get_mut(usize::try_from(flag.0).ok()?)?;
        if slot.is_none() {
            *slot = made(&snapshot.describe(flag)?);
        }
        slot.as_deref_mut()
    }

    /// What was counted of a flag.
    #[must_use]
    pub fn counted(&self, flag: FlagId) -> Option<&Counted> {
        self.flags.get(usize::try_from(flag.0).ok()?)?.as_deref()
    }

    /// Counts a decision that was made so often for the user with this digest.
    #[inline]
    pub fn decided<B: AsRef<[u8]>>(
        &mut self,
        snapshot: &Snapshot<B>,
        flag: FlagId,
        outcome: PackedDecision,
        user: Option<u64>,
        times: u32,
    ) {
        if let Some(metrics) = self.flag(snapshot, flag) {
            metrics.decisions_for(outcome, user, times);
        }
    }

    /// Counts a decision that was made for the user with this targeting key, or for nobody in particular.
    pub fn decided_by<B: AsRef<[u8]>>(
        &mut self,
        snapshot: &Snapshot<B>,
        flag: FlagId,
        outcome: PackedDecision,
        key: Option<&[u8]>,
    ) {
        let Some(metrics) = self.flag(snapshot, flag) else { return };
        metrics.tally(FlagMetrics::counter_of(outcome), 1);
        if let Some(key) = key {
            let (register, rank) = Distinct::register_and_rank(sip(key));
            metrics.see(Group::of(outcome), register, rank);
        }
    }

    /// Whether nothing was counted since it was drained.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.custom.is_empty() && self.flags.iter().flatten().all(|metrics| metrics.is_empty())
    }

    /// Custom metrics, together with those of others.
    #[must_use]
    pub fn customs(&self, others: Option<&Self>) -> Box<CustomMetrics> {
        let mut custom = self.custom.clone();
        if let Some(others) = others {
            custom.merge(&others.custom);
        }
        custom
    }

    /// Custom metrics, to add to.
    pub fn custom(&mut self) -> &mut CustomMetrics {
        &mut self.custom
    }

    /// Goes on under the fleet's generations that other metrics have counted under.
    pub fn take_generations<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, other: &Self, older: &Snapshot<B>) {
        for id in older.flags() {
            let Some(generation) = other.counted(id).map(|metrics| metrics.evidence().generation) else { continue };
            let flag = older.describe(id).and_then(|flag| snapshot.flag(flag.key()));
            if let Some(metrics) = flag.filter(|_| generation > 0).and_then(|flag| self.flag(snapshot, flag)) {
                metrics.set_generation(generation);
            }
        }
    }

    /// Takes everything as a batch, and forgets it.
    pub fn drain<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, header: Header) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(header, |part| bytes.extend_from_slice(part));
        for (id, metrics) in (0..).zip(&mut self.flags) {
            let (Some(metrics), Some(flag)) = (metrics, snapshot.describe(FlagId(id))) else { continue };
            writer.drain(flag.key(), |index| flag.variant(index).map(|variant| variant.name()), metrics);
        }
        writer.drain_custom(&mut self.custom);
        writer.finish();
        bytes
    }

    /// Adds all that was counted under another snapshot. Counts of flags that are gone are dropped.
    pub fn take_over<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, counted: &Self, older: &Snapshot<B>) {
        self.custom.merge(&counted.custom);
        for (id, counted) in (0..).zip(&counted.flags) {
            let (Some(counted), Some(before)) = (counted, older.describe(FlagId(id))) else { continue };
            let Some((id, flag)) = snapshot.flag(before.key()).and_then(|id| Some((id, snapshot.describe(id)?))) else {
                continue;
            };
            let index = |variant| {
                let name = before.variant(variant)?.name();
                flag.variants().position(|other| other.name() == name).and_then(|index| u16::try_from(index).ok())
            };
            if let Some(metrics) = self.flag(snapshot, id).filter(|_| !counted.is_empty()) {
                metrics.merge_by(counted, index);
            }
        }
    }

    /// Adds a batch; answers how much of it is about flags and variants that this snapshot does not have.
    ///
    /// # Errors
    /// The bytes are no batch; nothing of them was added.
    pub fn merge<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, bytes: &[u8]) -> Result<u64, BatchError> {
        let batch = Batch::from_own_bytes(bytes)?;
        let mut unknown = 0;
        for counted in batch.flags() {
            let flag = snapshot.flag(counted.key());
            let names: Vec<String> =
                flag.and_then(|flag| snapshot.describe(flag)).map(|flag| names(&flag)).unwrap_or_default();
            let index = |name: &str| names.iter().position(|known| known == name).and_then(|at| u16::try_from(at).ok());
            match flag.and_then(|flag| self.flag(snapshot, flag)) {
                Some(metrics) => unknown += counted.merge_into(metrics, index),
                None => unknown += counted.tallies().map(|(_, _, count)| u64::from(count)).sum::<u64>(),
            }
        }
        batch.merge_customs_into(&mut self.custom);
        Ok(unknown)
    }
}

fn made(flag: &Flag<'_>) -> Option<Box<Counted>> {
    let variants = flag.variants().count();
    let counters = FlagMetrics::counters_for(variants);
    let size = size_of::<Counted>() + counters * size_of::<u32>();
    can_allocate(size).then(|| Box::new(FlagMetrics::with_groups(vec![0; counters], LazyGroups::new(variants))))
}

fn names(flag: &Flag<'_>) -> Vec<String> {
    flag.variants().map(|variant| variant.name().into()).collect()
}
