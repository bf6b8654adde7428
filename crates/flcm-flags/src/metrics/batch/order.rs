//! The order in which hosts write a batch: flags by key, then counters, histograms, and how much was dropped.
//!
//! A receiver refuses any other order, and whatever comes twice. Strangers write batches too, and one flag or name that
//! comes a million times would cost a million searches. Order bounds that work by what the receiver knows.

use super::wire::{Read, kind};
use super::{BatchError, CustomEntry, Entry, FlagBatch};
use crate::bucket::mix;
use crate::decision::Reason;
use crate::snapshot::index::checksum;

/// The most flags of a batch: a document has no more.
const MOST_FLAGS: u32 = 100_000;

/// The most names of a batch, and the most variants of one flag in it: more than a document or a host can have.
const MOST_NAMES: usize = 384;

/// A power of two, a third larger.
const SLOTS: usize = 512;

/// A name without a variant may come several times: hosts write variants whose name cannot be written in this way.
const MOST_TALLIES: usize = MOST_NAMES * Reason::COUNT;

const TWICE: BatchError = BatchError("flag: a variant and a reason come twice");

/// What the entries so far were.
#[derive(Debug)]
pub(super) struct Order<'a> {
    kind: u8,
    key: &'a str,
    flags: u32,
    names: Names,
}

impl<'a> Order<'a> {
    pub(super) const fn new() -> Self {
        Self { kind: kind::FLAG, key: "", flags: 0, names: Names::new() }
    }

    /// Checks that an entry may follow those before it.
    pub(super) fn check(&mut self, entry: &Entry<'a>) -> Read<()> {
        let before = core::mem::replace(&mut self.kind, entry.kind());
        if self.kind < before || (self.kind, before) == (kind::DROPPED, kind::DROPPED) {
            return Err(BatchError("entry: not in the order of hosts"));
        }
        if before == kind::FLAG {
            self.names.clear();
        }
        match entry {
            Entry::Custom(custom) => {
                self.names.insert(custom.name, "metric: its name comes twice", "metric: too many names")
            }
            Entry::Dropped(_) => Ok(()),
            Entry::Flag(flag) => self.check_flag(flag),
        }
    }

    fn check_flag(&mut self, flag: &FlagBatch<'a>) -> Read<()> {
        if flag.key() <= self.key {
            return Err(BatchError("flag: not behind the one before"));
        }
        self.key = flag.key();
        self.flags = self.flags.saturating_add(1);
        if self.flags > MOST_FLAGS { Err(BatchError("flag: too many flags")) } else { self.check_tallies(flag) }
    }

    /// Tallies of one variant stand together, by rising reasons.
    fn check_tallies(&mut self, flag: &FlagBatch<'a>) -> Read<()> {
        let (mut before, mut count) = (("", None), 0_usize);
        for (variant, reason, _) in flag.tallies() {
            let (variant, reason) = (variant.unwrap_or_default(), Some(reason.code()));
            if variant.is_empty() {
            } else if variant != before.0 {
                self.names.insert(variant, TWICE.0, "flag: too many variants")?;
            } else if reason <= before.1 {
                return Err(TWICE);
            }
            before = (variant, reason);
            count = count.saturating_add(1);
        }
        if count > MOST_TALLIES { Err(BatchError("flag: too many tallies")) } else { Ok(()) }
    }
}

impl Entry<'_> {
    const fn kind(&self) -> u8 {
        match self {
            Self::Custom(custom) => match custom.value {
                CustomEntry::Counter(_) => kind::COUNTER,
                CustomEntry::Histogram(_) => kind::HISTOGRAM,
            },
            Self::Dropped(_) => kind::DROPPED,
            Self::Flag(_) => kind::FLAG,
        }
    }
}

/// The hashes of names, in an open table. Two names of one hash count as the same: of 64 bits, that does not happen to
/// a host, and a batch that was made for it is refused.
#[derive(Debug)]
struct Names {
    hashes: [u64; SLOTS],
    count: usize,
}

impl Names {
    const fn new() -> Self {
        Self { hashes: [0; SLOTS], count: 0 }
    }

    /// Most flags have no variants, and leave nothing to clear.
    fn clear(&mut self) {
        if self.count > 0 {
            *self = Self::new();
        }
    }

    /// Inserts a name that is not there yet: the errors for one that is, and for one too many.
    fn insert(&mut self, name: &str, twice: &'static str, too_many: &'static str) -> Read<()> {
        // No hash is that of a free slot.
        let hash = mix(checksum(name.as_bytes())) | 1;
        let [.., high, low, _, _] = hash.to_be_bytes();
        let first = usize::from(u16::from_be_bytes([high, low])) % SLOTS;
        let (before, behind) = self.hashes.split_at_mut(first);
        let slot = behind.iter_mut().chain(before).find(|slot| **slot == 0 || **slot == hash);
        match slot {
            Some(slot) if *slot == hash => Err(BatchError(twice)),
            Some(slot) if self.count < MOST_NAMES => {
                *slot = hash;
                self.count = self.count.saturating_add(1);
                Ok(())
            }
            _ => Err(BatchError(too_many)),
        }
    }
}
