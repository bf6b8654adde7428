//! Writes a batch in pieces, a block of 256 bytes at a time.
//!
//! The writer keeps one block and the checksum so far. It passes each full block to a sink, so a batch of any size is
//! written without allocation: into a `Vec`, a file or the memory that is shared with JavaScript. The checksum is at
//! the end for this reason.

use core::fmt;

use super::wire::{self, BLOCK, NAME_BYTES, group_part, kind, part};
use super::{Header, chain};
use crate::counts::{Counts, Sample};
use crate::decision::Arm;
use crate::metrics::{Custom, CustomValue, FlagMetrics, Group, Groups, Histogram};

/// Writes a batch into a sink that takes bytes. Without [`finish`](Self::finish) the bytes are no batch.
///
/// ```
/// use flcm_flags::metrics::Custom;
/// use flcm_flags::metrics::batch::{Batch, Header, Writer};
///
/// let mut custom: Custom<4, 4> = Custom::new();
/// custom.add("orders", 3);
/// let mut bytes = Vec::new();
/// let header = Header { instance: 7, epoch: 1, sequence: 1, age: 0 };
/// let mut writer = Writer::new(header, |written: &[u8]| bytes.extend_from_slice(written));
/// writer.drain_custom(&mut custom);
/// writer.finish();
///
/// assert!(custom.is_empty(), "what is written is cleared");
/// assert_eq!(Batch::from_bytes(&bytes)?.customs().next().unwrap().name(), "orders");
/// # Ok::<(), flcm_flags::metrics::batch::BatchError>(())
/// ```
pub struct Writer<S: FnMut(&[u8])> {
    sink: S,
    block: [u8; BLOCK],
    /// Bytes of the block that are taken.
    filled: usize,
    sum: u64,
}

impl<S: FnMut(&[u8])> Writer<S> {
    /// Begins a batch. The sink gets its bytes in order, at most 256 at a time.
    pub fn new(header: Header, sink: S) -> Self {
        let mut writer = Self { sink, block: [0; BLOCK], filled: 0, sum: 0 };
        writer.bytes(&wire::header(header));
        writer
    }

    /// Writes the metrics of a flag; nothing if they are empty. `variant_name` finds the name of a variant by its
    /// index.
    ///
    /// Write flags in the order of their keys: readers refuse any other. Returns false, and writes nothing, for a key
    /// that is empty or longer than 256 bytes: no document has such a flag. A variant whose name is longer, or unknown, is written as no variant.
    pub fn flag<'n, C: AsRef<[u32]>, G: Groups>(
        &mut self,
        key: &str,
        variant_name: impl Fn(u16) -> Option<&'n str>,
        metrics: &FlagMetrics<C, G>,
    ) -> bool {
        let is_key = (1..=NAME_BYTES).contains(&key.len());
        if is_key && !metrics.is_empty() {
            self.byte(kind::FLAG);
            self.text(key);
            self.varint(metrics.evidence.generation.into());
            self.parts(metrics);
            self.tallies(metrics, &variant_name);
            self.groups(metrics, variant_name);
        }
        is_key
    }

    /// Like [`flag`](Self::flag), and clears the metrics when they were written.
    pub fn drain<'n, C: AsRef<[u32]> + AsMut<[u32]>, G: Groups>(
        &mut self,
        key: &str,
        variant_name: impl Fn(u16) -> Option<&'n str>,
        metrics: &mut FlagMetrics<C, G>,
    ) -> bool {
        let written = self.flag(key, variant_name, metrics);
        if written {
            metrics.clear();
        }
        written
    }

    /// Writes the metrics that the application has named, and how many additions were dropped.
    pub fn custom<const C: usize, const H: usize>(&mut self, metrics: &Custom<C, H>) {
        for (name, value) in metrics.iter() {
            self.metric(name, value);
        }
        self.dropped(metrics.dropped());
    }

    /// Writes one metric under a name of the application. Write all counters before the first histogram, behind all
    /// flags, and no name twice: readers refuse any other order.
    pub fn metric(&mut self, name: &str, value: CustomValue<'_>) {
        match value {
            CustomValue::Counter(amount) => {
                self.byte(kind::COUNTER);
                self.text(name);
                self.varint(amount);
            }
            CustomValue::Histogram(values) => {
                self.byte(kind::HISTOGRAM);
                self.text(name);
                self.values(values);
            }
        }
    }

    /// Writes how many additions were dropped, as the last entry; nothing if there were none.
    pub fn dropped(&mut self, count: u64) {
        if count > 0 {
            self.byte(kind::DROPPED);
            self.varint(count);
        }
    }

    /// Like [`custom`](Self::custom), and clears what was written.
    pub fn drain_custom<const C: usize, const H: usize>(&mut self, metrics: &mut Custom<C, H>) {
        self.custom(metrics);
        metrics.clear();
    }

    /// Ends the batch with its checksum. The sink has all bytes then.
    pub fn finish(mut self) {
        self.flush();
        (self.sink)(&self.sum.to_le_bytes());
    }

    /// Writes which parts follow, and then the evidence among them.
    fn parts<C: AsRef<[u32]>, G: Groups>(&mut self, metrics: &FlagMetrics<C, G>) {
        let Counts { treatment, control, .. } = &metrics.evidence;
        let evidence = [(part::TREATMENT, treatment), (part::CONTROL, control)];
        let evidence = evidence.into_iter().filter(|(_, sample)| is_there(sample));
        let parts = has(part::TALLIES, metrics.tallies().next().is_some())
            | has(part::GROUPS, metrics.groups().next().is_some());
        self.byte(evidence.clone().fold(parts, |parts, (part, _)| parts | part));
        evidence.for_each(|(_, sample)| self.sample(sample));
    }

    fn groups<'n, C: AsRef<[u32]>, G: Groups>(
        &mut self,
        metrics: &FlagMetrics<C, G>,
        variant_name: impl Fn(u16) -> Option<&'n str>,
    ) {
        let groups = metrics.groups();
        let count = groups.clone().count();
        if count == 0 {
            return;
        }
        self.length(count);
        for (arm, variant, group) in groups {
            self.variant(variant, &variant_name);
            self.group(arm, group);
        }
    }

    fn group(&mut self, arm: Arm, group: &Group) {
        let outcomes = is_there(&group.outcomes);
        let parts = has(group_part::OUTCOMES, outcomes)
            | has(group_part::USERS, !group.users.is_empty())
            | has(group_part::DURATIONS, !group.durations.is_empty());
        self.byte(arm.code() | parts);
        if outcomes {
            self.sample(&group.outcomes);
        }
        self.some_sparse(group.users.ranks());
        if !group.durations.is_empty() {
            self.values(&group.durations);
        }
    }

    /// The name of a variant; none if it is unknown or too long.
    fn variant<'n>(&mut self, variant: Option<u16>, name_of: impl Fn(u16) -> Option<&'n str>) {
        let name = variant.and_then(name_of).filter(|name| name.len() <= NAME_BYTES);
        self.text(name.unwrap_or_default());
    }

    /// Writes a sample, made valid: counts that have stopped at the largest number no longer add up, and the reader
    /// would refuse the whole batch because of them.
    #[cfg_attr(feature = "compact", inline(never))]
    fn sample(&mut self, sample: &Sample) {
        let Sample { total, errors, slow, missing } = *sample;
        let missing = missing.min(total);
        let errors = errors.min(total.saturating_sub(missing));
        for count in [total, errors, slow.min(total), missing] {
            self.varint(count.into());
        }
    }

    fn tallies<'n, C: AsRef<[u32]>, G: Groups>(
        &mut self,
        metrics: &FlagMetrics<C, G>,
        variant_name: impl Fn(u16) -> Option<&'n str>,
    ) {
        let tallies = metrics.tallies();
        if tallies.clone().next().is_none() {
            return;
        }
        self.length(tallies.clone().count());
        for (variant, reason, count) in tallies {
            self.variant(variant, &variant_name);
            self.byte(reason.code());
            self.varint(count.into());
        }
    }

    fn values(&mut self, values: &Histogram) {
        let (sum, min, max) = values.extent();
        self.some_sparse(values.filled());
        self.varint(sum);
        self.bytes(&min.to_le_bytes());
        self.bytes(&max.to_le_bytes());
    }

    /// A list of indices and values, if there are any.
    fn some_sparse(&mut self, values: impl Iterator<Item = (usize, u32)> + Clone) {
        let count = values.clone().count();
        if count == 0 {
            return;
        }
        self.length(count);
        let mut next = 0_usize;
        for (index, value) in values {
            self.length(index.saturating_sub(next));
            self.varint(value.into());
            next = index.saturating_add(1);
        }
    }

    #[cfg_attr(feature = "compact", inline(never))]
    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.bytes(text.as_bytes());
    }

    fn length(&mut self, length: usize) {
        self.varint(u64::try_from(length).unwrap_or(u64::MAX));
    }

    #[cfg_attr(feature = "compact", inline(never))]
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            let [low, ..] = value.to_le_bytes();
            self.byte(low | 0x80);
            value >>= 7;
        }
        let [low, ..] = value.to_le_bytes();
        self.byte(low);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.byte(*byte);
        }
    }

    #[cfg_attr(feature = "compact", inline(never))]
    fn byte(&mut self, byte: u8) {
        if let Some(free) = self.block.get_mut(self.filled) {
            *free = byte;
            self.filled = self.filled.saturating_add(1);
        }
        if self.filled == BLOCK {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let block = self.block.get(..self.filled).unwrap_or_default();
        if !block.is_empty() {
            self.sum = chain(self.sum, block);
            (self.sink)(block);
        }
        self.filled = 0;
    }
}

/// A part that is there.
const fn has(part: u8, is_there: bool) -> u8 {
    if is_there { part } else { 0 }
}

fn is_there(sample: &Sample) -> bool {
    *sample != Sample::default()
}

impl<S: FnMut(&[u8])> fmt::Debug for Writer<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Writer {{ unflushed: {} }}", self.filled)
    }
}
