//! What all hosts have counted, added up: counts of 64 bits, and the sketches of users and durations.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use flcm_flags::metrics::batch::{Batch, FlagBatch, Header, Writer};
use flcm_flags::metrics::{Custom, FlagMetrics};
use flcm_flags::{Arm, Reason, Sample};
use serde::{Deserialize, Serialize};

/// Names of applications' own metrics: of counters and of histograms.
pub(crate) type Customs = Custom<256, 64>;

/// What was counted of one flag.
#[derive(Debug)]
pub(crate) struct FlagTotals {
    pub(crate) counts: FlagCounts,
    /// Users and durations; its own counts end at 2^32 and are not looked at.
    pub(crate) sketches: FlagMetrics,
}

/// The counts of one flag.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct FlagCounts {
    /// By variant (`""` for none) and by the reason's code.
    pub(crate) decisions: BTreeMap<String, BTreeMap<u8, u64>>,
    /// Settled outcomes by the arm's code: total, errors, slow, missing.
    pub(crate) outcomes: [[u64; 4]; 3],
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    flags: HashMap<String, FlagTotals>,
    pub(crate) customs: Box<Customs>,
    /// Flags that were counted since they were stored last.
    dirty: BTreeSet<String>,
}

/// What is stored of a flag: its counts, and its sketches as a batch.
pub(crate) type Stored = (FlagCounts, Vec<u8>);

impl Default for FlagTotals {
    fn default() -> Self {
        let sketches = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
        Self { counts: FlagCounts::default(), sketches }
    }
}

impl Totals {
    /// Adds what a batch says of a flag. Decisions for a variant that `is_variant` does not know count as those without one: whoever
    /// sends batches must not be able to fill the memory with names.
    pub(crate) fn add(&mut self, flag: &FlagBatch<'_>, is_variant: impl Fn(&str) -> bool) {
        // Looked up first: most flags are known, and their keys need no copy then.
        if !self.flags.contains_key(flag.key()) {
            self.flags.insert(flag.key().to_owned(), FlagTotals::default());
        }
        if let Some(totals) = self.flags.get_mut(flag.key()) {
            totals.add(flag, is_variant);
        }
        if !self.dirty.contains(flag.key()) {
            self.dirty.insert(flag.key().to_owned());
        }
    }

    pub(crate) fn knows(&self, flag: &str) -> bool {
        self.flags.contains_key(flag)
    }

    /// All flags that were counted, in the order of their keys.
    pub(crate) fn flags(&self) -> BTreeMap<&str, &FlagTotals> {
        self.flags.iter().map(|(key, totals)| (key.as_str(), totals)).collect()
    }

    /// What was counted since it was asked last, to be stored.
    pub(crate) fn changed(&self) -> impl Iterator<Item = (&str, Stored)> {
        self.dirty.iter().filter_map(|key| Some((key.as_str(), self.flags.get(key)?.to_store(key))))
    }

    /// It is stored.
    pub(crate) fn settled(&mut self) {
        self.dirty.clear();
    }

    /// Takes up what was stored.
    pub(crate) fn restore(&mut self, key: String, (counts, sketches): Stored) {
        let mut totals = FlagTotals { counts, ..FlagTotals::default() };
        if let Ok(batch) = Batch::from_bytes(&sketches) {
            batch.flags().for_each(|flag| _ = flag.merge_into(&mut totals.sketches, |_| None));
        }
        self.flags.insert(key, totals);
    }

    /// Custom metrics, to be stored.
    pub(crate) fn stored_customs(&self) -> Vec<u8> {
        written(|writer| writer.custom(&self.customs))
    }

    pub(crate) fn restore_customs(&mut self, bytes: &[u8]) {
        if let Ok(batch) = Batch::from_bytes(bytes) {
            batch.merge_customs_into(&mut self.customs);
        }
    }
}

impl FlagTotals {
    fn add(&mut self, flag: &FlagBatch<'_>, is_variant: impl Fn(&str) -> bool) {
        for (variant, reason, count) in flag.tallies() {
            let variant = variant.filter(|variant| is_variant(variant)).unwrap_or_default();
            if !self.counts.decisions.contains_key(variant) {
                self.counts.decisions.insert(variant.to_owned(), BTreeMap::new());
            }
            if let Some(reasons) = self.counts.decisions.get_mut(variant) {
                *reasons.entry(reason.code()).or_default() += u64::from(count);
            }
        }
        for arm in [Arm::Control, Arm::Outside, Arm::Treatment] {
            let Sample { total, errors, slow, missing } = *flag.outcomes().of(arm);
            let sums = &mut self.counts.outcomes[usize::from(arm.code())];
            for (sum, count) in sums.iter_mut().zip([total, errors, slow, missing]) {
                *sum += u64::from(count);
            }
        }
        flag.merge_into(&mut self.sketches, |_| None);
    }

    fn to_store(&self, key: &str) -> Stored {
        let sketches = written(|writer| _ = writer.flag(key, |_| None, &self.sketches));
        (self.counts.clone(), sketches)
    }
}

impl FlagCounts {
    /// Decisions by variant and reason.
    pub(crate) fn decisions(&self) -> impl Iterator<Item = (&str, Reason, u64)> {
        self.decisions.iter().flat_map(|(variant, reasons)| {
            let known = reasons.iter().filter_map(|(code, count)| Some((Reason::from_code(*code)?, *count)));
            known.map(move |(reason, count)| (variant.as_str(), reason, count))
        })
    }
}

fn written(write: impl FnOnce(&mut Writer<&mut dyn FnMut(&[u8])>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    {
        let sink: &mut dyn FnMut(&[u8]) = &mut |part| bytes.extend_from_slice(part);
        let mut writer = Writer::new(Header::default(), sink);
        write(&mut writer);
        writer.finish();
    }
    bytes
}
