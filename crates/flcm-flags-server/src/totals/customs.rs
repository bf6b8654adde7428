//! The metrics that applications name themselves. Names are limited: the first ones that come are kept.

use std::collections::BTreeMap;

use flcm_flags::metrics::batch::{Batch, CustomBatch, Writer};
use flcm_flags::metrics::{CustomValue, Histogram};

/// At most so many counters and histograms.
const COUNTERS: usize = 256;
const HISTOGRAMS: usize = 64;

/// Counters and histograms by name.
#[derive(Debug, Default)]
pub(crate) struct Customs {
    counters: BTreeMap<String, u64>,
    histograms: BTreeMap<String, Box<Histogram>>,
    dropped: u64,
}

impl Customs {
    /// Adds what a batch has counted under names. A name for which there is no room is dropped, and counted.
    pub(crate) fn add(&mut self, batch: &Batch<'_>) {
        for custom in batch.customs() {
            self.dropped = self.dropped.saturating_add(u64::from(!self.add_one(&custom)));
        }
        self.dropped = self.dropped.saturating_add(batch.dropped());
    }

    /// Drops what a batch has counted under names, because its key may not name metrics.
    pub(crate) fn refuse(&mut self, batch: &Batch<'_>) {
        let names = batch.customs().count() as u64;
        self.dropped = self.dropped.saturating_add(names);
    }

    fn add_one(&mut self, custom: &CustomBatch<'_>) -> bool {
        let name = custom.name();
        if let Some(amount) = custom.amount() {
            let taken = self.histograms.contains_key(name);
            let counter = slot(&mut self.counters, name, COUNTERS, taken);
            counter.map(|counter| *counter = counter.saturating_add(amount)).is_some()
        } else {
            let taken = self.counters.contains_key(name);
            let histogram = slot(&mut self.histograms, name, HISTOGRAMS, taken);
            histogram.map(|histogram| custom.merge_values_into(histogram)).is_some()
        }
    }

    /// Removes a metric, which makes room for another name; returns it.
    pub(crate) fn remove(&mut self, name: &str) -> Option<Removed> {
        if let Some(amount) = self.counters.remove(name) {
            return Some(Removed::Counter(amount));
        }
        self.histograms.remove(name).map(Removed::Histogram)
    }

    /// Puts a metric back that was removed.
    pub(crate) fn put_back(&mut self, name: String, removed: Removed) {
        match removed {
            Removed::Counter(amount) => _ = self.counters.insert(name, amount),
            Removed::Histogram(values) => _ = self.histograms.insert(name, values),
        }
    }

    /// Names and their metrics: counters, then histograms.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, CustomValue<'_>)> {
        let counters = self.counters.iter().map(|(name, amount)| (name.as_str(), CustomValue::Counter(*amount)));
        let histograms = self.histograms.iter().map(|(name, values)| (name.as_str(), CustomValue::Histogram(values)));
        counters.chain(histograms)
    }

    /// How many additions were dropped.
    pub(crate) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Writes everything as the last part of a batch.
    pub(super) fn write<S: FnMut(&[u8])>(&self, writer: &mut Writer<S>) {
        self.iter().for_each(|(name, value)| writer.metric(name, value));
        writer.dropped(self.dropped);
    }
}

/// A metric that was removed.
#[derive(Debug)]
pub(crate) enum Removed {
    Counter(u64),
    Histogram(Box<Histogram>),
}

/// The metric of a name; a new one if there is room for it, and the name is not taken by the other kind.
fn slot<'m, T: Default>(
    metrics: &'m mut BTreeMap<String, T>,
    name: &str,
    most: usize,
    is_taken: bool,
) -> Option<&'m mut T> {
    // Most names are known: then the name need not be copied.
    if !is_taken && metrics.len() < most && !metrics.contains_key(name) {
        metrics.insert(name.to_owned(), T::default());
    }
    metrics.get_mut(name)
}
