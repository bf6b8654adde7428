//! Metrics that the application names itself, in fixed memory.
//!
//! The memory is set by two constants, so a name that comes from user input cannot make it grow: the first names that
//! come get a slot, and everything under later names is dropped and counted.

use core::fmt;

use super::Histogram;

/// The longest name in bytes. Names of metrics are shorter in practice.
pub(super) const NAME_BYTES: usize = 48;

/// Counters and histograms by name: the first `COUNTERS` and `HISTOGRAMS` names that come.
///
/// What does not fit is dropped, and [`dropped`](Self::dropped) counts how often that happened. A histogram takes 1.6
/// KiB, a counter 64 bytes.
///
/// ```
/// use flcm_flags::metrics::{Custom, CustomValue};
///
/// let mut custom: Custom<1, 1> = Custom::new();
/// assert!(custom.add("shelves", 2) && custom.add("shelves", 1));
/// assert!(custom.observe("basket", 19.9));
/// assert!(!custom.add("no room", 1) && !custom.add("basket", 1));
/// assert_eq!(custom.dropped(), 2);
/// let (name, value) = custom.iter().next().unwrap();
/// assert!(name == "shelves" && matches!(value, CustomValue::Counter(3)));
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Custom<const COUNTERS: usize, const HISTOGRAMS: usize> {
    counters: [Slot<u64>; COUNTERS],
    histograms: [Slot<Histogram>; HISTOGRAMS],
    dropped: u64,
}

/// The metric of a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CustomValue<'a> {
    /// The sum of the amounts that were added.
    Counter(u64),
    /// The values that were observed.
    Histogram(&'a Histogram),
}

impl<const COUNTERS: usize, const HISTOGRAMS: usize> Custom<COUNTERS, HISTOGRAMS> {
    /// Metrics without any name.
    #[must_use]
    pub const fn new() -> Self {
        let counters = [const { Slot::free(0) }; COUNTERS];
        Self { counters, histograms: [const { Slot::free(Histogram::new()) }; HISTOGRAMS], dropped: 0 }
    }

    /// Adds to a counter. A new name takes a slot.
    ///
    /// Returns false, and counts the amount as dropped once, for a name that is empty, longer than 48 bytes, contains
    /// control characters, finds no free slot, or is that of a histogram.
    pub fn add(&mut self, name: &str, amount: u64) -> bool {
        let counter = take(&mut self.counters, name, &self.histograms);
        let added = counter.map(|counter| *counter = counter.saturating_add(amount));
        self.accepted(added.is_some())
    }

    /// Records a value in a histogram. A new name takes a slot.
    ///
    /// Returns false for the same names as [`add`](Self::add), and for a value that is negative or not finite, which
    /// takes no slot.
    pub fn observe(&mut self, name: &str, value: f64) -> bool {
        let observed = Histogram::accepts(value)
            && take(&mut self.histograms, name, &self.counters).is_some_and(|histogram| histogram.record(value));
        self.accepted(observed)
    }

    /// Counts what was not accepted, and passes the answer on.
    fn accepted(&mut self, accepted: bool) -> bool {
        self.add_dropped(u64::from(!accepted));
        accepted
    }

    pub(super) fn add_dropped(&mut self, count: u64) {
        self.dropped = self.dropped.saturating_add(count);
    }

    /// The histogram of a name, for a caller that records at least one value. `None` counts as dropped.
    pub(super) fn histogram(&mut self, name: &str) -> Option<&mut Histogram> {
        let histogram = take(&mut self.histograms, name, &self.counters);
        self.dropped = self.dropped.saturating_add(u64::from(histogram.is_none()));
        histogram
    }

    /// Adds all metrics of another. A name that does not fit counts as dropped once.
    pub fn merge<const C: usize, const H: usize>(&mut self, other: &Custom<C, H>) {
        for (name, value) in other.iter() {
            match value {
                CustomValue::Counter(amount) => {
                    self.add(name, amount);
                }
                CustomValue::Histogram(values) => {
                    if let Some(histogram) = self.histogram(name) {
                        histogram.merge(values);
                    }
                }
            }
        }
        self.add_dropped(other.dropped);
    }

    /// Names and their metrics: counters first, then histograms, each in the order in which the names came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, CustomValue<'_>)> {
        let counters = self.counters.iter().map(|slot| (slot.name.as_str(), CustomValue::Counter(slot.value)));
        let histograms = self.histograms.iter();
        let histograms = histograms.map(|slot| (slot.name.as_str(), CustomValue::Histogram(&slot.value)));
        counters.chain(histograms).filter(|(name, _)| !name.is_empty())
    }

    /// How many additions and observations were dropped.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Whether there is no name, and nothing was dropped.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.dropped == 0 && self.iter().next().is_none()
    }

    /// Removes everything, the names too, so that later names find free slots.
    pub fn clear(&mut self) {
        for slot in self.counters.iter_mut().take_while(|slot| !slot.name.is_free()) {
            *slot = Slot::free(0);
        }
        for slot in self.histograms.iter_mut().take_while(|slot| !slot.name.is_free()) {
            *slot = Slot::free(Histogram::new());
        }
        self.dropped = 0;
    }
}

impl<const COUNTERS: usize, const HISTOGRAMS: usize> Default for Custom<COUNTERS, HISTOGRAMS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const COUNTERS: usize, const HISTOGRAMS: usize> fmt::Debug for Custom<COUNTERS, HISTOGRAMS> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.iter()).entry(&"dropped", &self.dropped).finish()
    }
}

/// A name and its metric. Slots are taken in order: no slot behind a free one is taken.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Slot<T> {
    name: Name,
    value: T,
}

impl<T> Slot<T> {
    const fn free(value: T) -> Self {
        Self { name: Name { length: 0, bytes: [0; NAME_BYTES] }, value }
    }
}

/// The value of a name, which takes the first free slot if it is new; `others` are the slots of the other kind.
fn take<'s, T, U>(slots: &'s mut [Slot<T>], name: &str, others: &[Slot<U>]) -> Option<&'s mut T> {
    let slot = slots.iter_mut().find(|slot| slot.name.is(name) || slot.name.is_free())?;
    if slot.name.is_free() {
        if others.iter().any(|other| other.name.is(name)) {
            return None;
        }
        slot.name = Name::new(name)?;
    }
    Some(&mut slot.value)
}

/// Text of at most [`NAME_BYTES`], kept in place; empty in a free slot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Name {
    length: u8,
    bytes: [u8; NAME_BYTES],
}

impl Name {
    fn new(text: &str) -> Option<Self> {
        let length = u8::try_from(text.len()).ok().filter(|_| is_name(text))?;
        let mut bytes = [0; NAME_BYTES];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { length, bytes })
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    fn is(&self, text: &str) -> bool {
        self.as_bytes() == text.as_bytes()
    }

    const fn is_free(&self) -> bool {
        self.length == 0
    }
}

/// Whether a text can be the name of a metric.
pub(super) fn is_name(text: &str) -> bool {
    (1..=NAME_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::{Custom, CustomValue};

    #[test]
    fn what_cannot_be_kept_is_dropped_and_counted() {
        let mut custom: Custom<2, 1> = Custom::new();
        let longest = "é".repeat(24);
        assert!(custom.add(&longest, 1) && custom.observe("seconds", 0.0));
        let refused = [
            custom.add("", 1),
            custom.add(&"é".repeat(25), 1),
            custom.add("a\nb", 1),
            custom.add("seconds", 1),
            custom.observe(&longest, 1.0),
            custom.observe("minutes", 1.0),
            custom.observe("seconds", f64::NAN),
            custom.observe("seconds", -1.0),
        ];
        assert_eq!((refused, custom.dropped()), ([false; 8], 8));
        assert!(custom.add("b", 1) && !custom.add("c", 1) && custom.add("b", u64::MAX));
        let names: std::vec::Vec<&str> = custom.iter().map(|(name, _)| name).collect();
        assert_eq!((names, custom.dropped()), (std::vec![longest.as_str(), "b", "seconds"], 9));
        assert!(custom.iter().any(|(name, value)| name == "b" && value == CustomValue::Counter(u64::MAX)));
        custom.clear();
        assert!(custom == Custom::new() && custom.is_empty());
        assert!(custom.add("c", 0), "names are forgotten too");
    }

    #[test]
    fn a_refused_value_takes_no_name() {
        let mut custom: Custom<0, 1> = Custom::new();
        assert!(!custom.observe("a", f64::INFINITY) && custom.observe("b", 1.0));
    }
}
