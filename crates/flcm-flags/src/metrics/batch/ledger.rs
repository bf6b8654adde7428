//! Which batches were applied: one number for each instance and epoch.

/// The last batch of one epoch that was applied; 0 before the first. It is kept with what was added up, in one write.
///
/// ```
/// use flcm_flags::metrics::batch::{Ledger, Receipt};
///
/// let mut ledger = Ledger::default();
/// assert_eq!(ledger.accept(1), Receipt::Apply);
/// assert_eq!(ledger.accept(1), Receipt::Repeat);
/// assert_eq!(ledger.accept(3), Receipt::Gap);
/// assert_eq!(ledger, Ledger { last: 1 });
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Ledger {
    /// Its sequence number.
    pub last: u64,
}

/// What to do with a batch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Receipt {
    /// It is the next one: add it up, and acknowledge it.
    Apply,
    /// One before it is missing, which a host that waits for its acknowledgements never causes: ask it to begin a new
    /// epoch, and add nothing up.
    Gap,
    /// It was applied before: acknowledge it, and add nothing up.
    Repeat,
}

impl Ledger {
    /// Says what to do with the batch of a sequence number, and takes it down if it is to be applied.
    pub const fn accept(&mut self, sequence: u64) -> Receipt {
        if sequence <= self.last {
            Receipt::Repeat
        } else if sequence == self.last.saturating_add(1) {
            self.last = sequence;
            Receipt::Apply
        } else {
            Receipt::Gap
        }
    }
}
