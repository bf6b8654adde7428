//! Batches of metrics, read and written again.

use std::collections::BTreeMap;

use flcm_flags::bucket::mix;
use flcm_flags::metrics::batch::{Batch, Writer, set_age};
use flcm_flags::metrics::{Custom, CustomValue, FlagMetrics, Group};
use flcm_flags::snapshot::index::checksum;

/// How many bytes the checksum of a batch takes at a time.
const BLOCK: usize = 256;

/// Bytes are no batch, or they are one that can be added up; and what is drained of that is a batch that says the same. The
/// checksum is mended, so that the fuzzer gets past it.
pub fn batch(bytes: &[u8]) {
    read(bytes);
    let mut mended = bytes.to_vec();
    if let Some((body, trailer)) = mended.split_last_chunk_mut() {
        *trailer = body.chunks(BLOCK).fold(0, |sum, block| mix(sum ^ checksum(block))).to_le_bytes();
        read(&mended);
    }
}

fn read(bytes: &[u8]) {
    let Ok(batch) = Batch::from_bytes(bytes) else { return };
    let mut counted = Sums::of(&batch);
    let (known, unknown) = (counted.clone(), counted.unknown);
    let mut drained = counted.drain(&batch);
    assert_eq!(unknown, 0, "every variant has a place");
    assert!(counted.flags.values().all(|flag| flag.metrics.is_empty()) && counted.custom.is_empty());

    let again = Batch::from_bytes(&drained).expect("a batch of our own");
    assert_eq!(again.header(), batch.header());
    let mut again = Sums::of(&again);
    known.compare(&again);
    // Once more, and not a bit is different: what had stopped at the largest number has stopped for good.
    let once_more = again.drain(&batch);
    assert_eq!(once_more, drained);

    set_age(&mut drained, 7).expect("a batch of our own");
    assert!(Batch::from_bytes(&drained).is_ok_and(|batch| batch.header().age == 7));
}

/// What a batch comes to in metrics that had counted nothing.
#[derive(Clone, Default)]
struct Sums<'b> {
    flags: BTreeMap<&'b str, Flag<'b>>,
    custom: Box<Custom<64, 32>>,
    unknown: u64,
}

/// What is counted of one flag.
#[derive(Clone)]
struct Flag<'b> {
    /// The variants that the batch names, in its order.
    variants: Vec<&'b str>,
    metrics: FlagMetrics<Vec<u32>, Vec<Group>>,
    /// Decisions, as the batch lists them.
    decisions: u64,
}

impl<'b> Sums<'b> {
    fn of(batch: &Batch<'b>) -> Self {
        let mut sums = Self::default();
        for (key, variants) in variants(batch) {
            let groups = vec![Group::new(); Group::count_for(variants.len())];
            let metrics = FlagMetrics::with_groups(vec![0; FlagMetrics::counters_for(variants.len())], groups);
            sums.flags.insert(key, Flag { variants, metrics, decisions: 0 });
        }
        for counted in batch.flags() {
            assert!(counted.evidence().is_valid() && counted.evidence().age == batch.header().age);
            let flag = sums.flags.get_mut(counted.key()).expect("each has a place");
            let index = |name: &str| flag.variants.iter().position(|known| *known == name);
            sums.unknown += counted.merge_into(&mut flag.metrics, |name| index(name)?.try_into().ok());
            flag.decisions += counted.tallies().map(|(_, _, count)| u64::from(count)).sum::<u64>();
        }
        batch.merge_customs_into(&mut sums.custom);
        sums
    }

    fn drain(&mut self, batch: &Batch<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = Writer::new(batch.header(), |part| bytes.extend_from_slice(part));
        for (key, Flag { variants, metrics, .. }) in &mut self.flags {
            assert!(writer.drain(key, |variant| variants.get(usize::from(variant)).copied(), metrics));
        }
        writer.drain_custom(&mut self.custom);
        writer.finish();
        bytes
    }

    /// Both say the same, of all that no number was too small for.
    fn compare(&self, again: &Self) {
        let is_exact = |flag: &Flag<'_>| {
            let mut groups = flag.metrics.groups();
            flag.metrics.evidence().is_valid()
                && groups.all(|(.., group)| group.outcomes().is_valid() && group.durations().count() <= u32::MAX.into())
                && flag.decisions <= u32::MAX.into()
        };
        // Of a flag of which nothing is counted nothing is written.
        let there = self.flags.iter().filter(|(_, flag)| !flag.metrics.is_empty());
        assert_eq!(there.clone().count(), again.flags.len());
        for (key, flag) in there.filter(|(_, flag)| is_exact(flag)) {
            let other = &again.flags[key];
            assert_eq!(flag.metrics.summary().decisions, flag.decisions);
            assert!(flag.metrics == other.metrics && flag.variants == other.variants, "`{key}` says something else");
        }
        let is_exact = |(_, value): (&str, CustomValue<'_>)| match value {
            CustomValue::Counter(_) => true,
            CustomValue::Histogram(values) => values.count() <= u32::MAX.into(),
        };
        assert!(!self.custom.iter().all(is_exact) || self.custom == again.custom, "what was named says something else");
    }
}

/// The variants that a batch names of each flag.
fn variants<'b>(batch: &Batch<'b>) -> BTreeMap<&'b str, Vec<&'b str>> {
    let mut variants = BTreeMap::<_, Vec<_>>::new();
    for counted in batch.flags() {
        let known = variants.entry(counted.key()).or_default();
        let of_groups = counted.groups().filter_map(|group| group.variant());
        for name in counted.tallies().filter_map(|(name, ..)| name).chain(of_groups) {
            if !known.contains(&name) {
                known.push(name);
            }
        }
    }
    variants
}
