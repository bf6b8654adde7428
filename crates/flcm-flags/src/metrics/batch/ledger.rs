//! Ledgers: which batches were applied. One number for each instance and epoch is enough.
//!
//! A host waits for the acknowledgement of a batch before it sends the next one. So batches of an epoch arrive in
//! order, possibly more than once, and a receiver that knows the last one recognises every repeat. Exactly-once
//! counting needs no more than this number and the sums, stored in one transaction.

/// The sequence number of the last batch of one epoch that was applied.
///
/// Store it together with the sums, in one transaction. Otherwise a crash in between loses a batch or counts it twice.
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
    /// The sequence number; 0 before the first batch.
    pub last: u64,
}

/// What a receiver does with a batch: the result of [`Ledger::accept`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Receipt {
    /// It is the next batch: add it up, and acknowledge it.
    Apply,
    /// A batch before it is missing. Add nothing up, and ask the host to begin a new epoch.
    ///
    /// A host that waits for acknowledgements never causes this. It happens when the receiver has lost its ledger.
    Gap,
    /// It was applied before: acknowledge it, and add nothing up.
    Repeat,
}

impl Ledger {
    /// Decides what to do with the batch of a sequence number, and records it if it is to be applied.
    ///
    /// The number 0 is a repeat always: batches are numbered from 1.
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
