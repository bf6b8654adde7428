//! The totals of all hosts: counts of 64 bits, and sketches of users and durations.

use std::collections::{BTreeMap, HashMap};

use flcm_flags::metrics::FlagMetrics;
use flcm_flags::metrics::batch::{Batch, FlagBatch, Header, Writer};
use flcm_flags::{Arm, Reason, Sample};
use serde::{Deserialize, Serialize};

mod customs;

pub(crate) use customs::Customs;

/// The totals of one flag.
#[derive(Debug)]
pub(crate) struct FlagTotals {
    pub(crate) counts: FlagCounts,
    /// Users and durations.
    pub(crate) sketches: FlagMetrics,
    /// Whether they have changed since they were stored.
    is_dirty: bool,
}

/// The counts of one flag.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct FlagCounts {
    /// By variant (`""` for none) and by the reason's code.
    decisions: BTreeMap<String, [u64; Reason::COUNT]>,
    /// When a host counted the flag last, in milliseconds since 1970.
    pub(crate) last_counted: u64,
    /// Outcomes by the arm's code: total, errors, slow, missing.
    pub(crate) outcomes: [[u64; 4]; 3],
}

/// The totals of all flags.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    flags: HashMap<String, FlagTotals>,
    pub(crate) customs: Customs,
}

/// The stored form of a flag's totals: its counts, and its sketches as a batch.
pub(crate) type Stored = (FlagCounts, Vec<u8>);

impl Default for FlagTotals {
    fn default() -> Self {
        let sketches = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
        Self { counts: FlagCounts::default(), sketches, is_dirty: false }
    }
}

impl Totals {
    /// The totals of a flag; new ones if it has none, but is known by the document.
    pub(crate) fn of(&mut self, flag: &str, is_known: bool) -> Option<&mut FlagTotals> {
        // Most flags have totals: then the key need not be copied.
        if is_known && !self.flags.contains_key(flag) {
            self.flags.insert(flag.to_owned(), FlagTotals::default());
        }
        self.flags.get_mut(flag)
    }

    /// When a host counted a flag last.
    pub(crate) fn last_counted(&self, flag: &str) -> Option<u64> {
        self.flags.get(flag).map(|totals| totals.counts.last_counted)
    }

    /// All flags that have totals, in the order of their keys.
    pub(crate) fn flags(&self) -> BTreeMap<&str, &FlagTotals> {
        self.flags.iter().map(|(key, totals)| (key.as_str(), totals)).collect()
    }

    /// Flags whose totals have changed since they were stored.
    pub(crate) fn changed(&self) -> impl Iterator<Item = &str> {
        self.to_be_stored().map(|(key, _)| key)
    }

    /// The stored form of totals that have changed.
    pub(crate) fn to_store(&self) -> impl Iterator<Item = (&str, Stored)> {
        self.to_be_stored().map(|(key, totals)| (key, totals.to_store(key)))
    }

    fn to_be_stored(&self) -> impl Iterator<Item = (&str, &FlagTotals)> {
        let dirty = self.flags.iter().filter(|(_, totals)| totals.is_dirty);
        dirty.map(|(key, totals)| (key.as_str(), totals))
    }

    /// Notes that all totals are stored.
    pub(crate) fn mark_stored(&mut self) {
        self.flags.values_mut().for_each(|totals| totals.is_dirty = false);
    }

    /// Restores stored totals.
    pub(crate) fn restore(&mut self, key: String, (counts, sketches): Stored) {
        let mut totals = FlagTotals { counts, ..FlagTotals::default() };
        if let Ok(batch) = Batch::from_own_bytes(&sketches) {
            batch.flags().for_each(|flag| flag.merge_sketches_into(&mut totals.sketches));
        }
        self.flags.insert(key, totals);
    }

    /// The stored form of custom metrics.
    pub(crate) fn stored_customs(&self) -> Vec<u8> {
        written(|writer| self.customs.write(writer))
    }

    pub(crate) fn restore_customs(&mut self, bytes: &[u8]) {
        if let Ok(batch) = Batch::from_own_bytes(bytes) {
            self.customs.add(&batch);
        }
    }
}

impl FlagTotals {
    /// Adds the counts of a batch; returns whether the host has held the flag back. Decisions for a variant that
    /// `is_variant` does not know are counted without a variant, so that invented names cannot fill the memory.
    pub(crate) fn add(&mut self, flag: &FlagBatch<'_>, is_variant: impl Fn(&str) -> bool) -> bool {
        self.is_dirty = true;
        let held_back = self.counts.add_tallies(flag, is_variant);
        for arm in [Arm::Control, Arm::Outside, Arm::Treatment] {
            let Sample { total, errors, slow, missing } = *flag.outcomes().of(arm);
            let sums = &mut self.counts.outcomes[usize::from(arm.code())];
            for (sum, count) in sums.iter_mut().zip([total, errors, slow, missing]) {
                *sum = sum.saturating_add(u64::from(count));
            }
        }
        // Users and durations that the batch cannot have counted are left out.
        let _ = flag.merge_likely_sketches_into(&mut self.sketches);
        held_back
    }

    /// The number of users: no more than decisions.
    pub(crate) fn users(&self) -> f64 {
        let decisions = self.counts.decisions().fold(0_u64, |sum, (_, _, count)| sum.saturating_add(count));
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let most = decisions as f64;
        self.sketches.users().estimate().min(most)
    }

    fn to_store(&self, key: &str) -> Stored {
        let sketches = written(|writer| _ = writer.flag(key, |_| None, &self.sketches));
        (self.counts.clone(), sketches)
    }
}

impl FlagCounts {
    /// Decisions by variant and reason.
    pub(crate) fn decisions(&self) -> impl Iterator<Item = (&str, Reason, u64)> {
        self.decisions.iter().flat_map(|(variant, counts)| {
            let known = (0..).zip(counts).filter_map(|(code, count)| Some((Reason::from_code(code)?, *count)));
            known.filter(|(_, count)| *count > 0).map(move |(reason, count)| (variant.as_str(), reason, count))
        })
    }

    /// Adds decisions; whether the host has held the flag back. Tallies of one variant stand together, so each is
    /// looked for once.
    fn add_tallies(&mut self, flag: &FlagBatch<'_>, is_variant: impl Fn(&str) -> bool) -> bool {
        let mut tallies = flag.tallies().peekable();
        let mut held_back = false;
        while let Some(&(variant, ..)) = tallies.peek() {
            let counted = self.of(variant.unwrap_or_default(), &is_variant);
            while let Some((_, reason, count)) = tallies.next_if(|(name, ..)| *name == variant) {
                let counted = &mut counted[usize::from(reason.code())];
                *counted = counted.saturating_add(u64::from(count));
                held_back |= reason == Reason::BreakerOpen;
            }
        }
        held_back
    }

    /// The counts of a variant; those without one if it is unknown.
    fn of(&mut self, variant: &str, is_variant: impl Fn(&str) -> bool) -> &mut [u64; Reason::COUNT] {
        if !variant.is_empty() && (self.decisions.contains_key(variant) || is_variant(variant)) {
            if !self.decisions.contains_key(variant) {
                self.decisions.insert(variant.to_owned(), [0; Reason::COUNT]);
            }
            return self.decisions.get_mut(variant).expect("it was inserted");
        }
        self.decisions.entry(String::new()).or_default()
    }
}

/// What is written as one batch.
pub(crate) fn written(write: impl FnOnce(&mut Writer<&mut dyn FnMut(&[u8])>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    {
        let sink: &mut dyn FnMut(&[u8]) = &mut |part| bytes.extend_from_slice(part);
        let mut writer = Writer::new(Header::default(), sink);
        write(&mut writer);
        writer.finish();
    }
    bytes
}
