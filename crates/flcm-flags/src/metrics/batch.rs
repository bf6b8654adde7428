//! Metrics on their way from a host to a server: a batch of bytes that is added up once, however often it arrives.
//!
//! 1. A host counts into one set of metrics. When it is time, it drains them into a batch with [`Writer`] and counts on
//!    into the emptied metrics. It sends the batch until the server acknowledges it. Only the batch's age changes
//!    meanwhile.
//! 2. The server keeps a [`Ledger`] for each instance and epoch, and applies a batch only if [`Ledger::accept`] allows
//!    it.
//! 3. [`Batch::from_bytes`] checks everything. After that [`FlagBatch::merge_into`] and [`CustomBatch::merge_into`]
//!    cannot fail.
//!
//! **One batch in flight per host.** So the receiver needs one number per host and start, the sequence of the last
//! batch, in order to recognise repeats. A host that was restarted begins a new epoch.
//!
//! **Checked as a whole, then added.** A damaged batch changes nothing: half of it added up could not be undone, and
//! sending it again would count that half twice.
//!
//! **Names, not numbers.** Flags and variants are written by name, because host and server may have different
//! snapshots.
//!
//! # Format
//!
//! Little-endian; *v* is a LEB128 varint, *text* is its length in bytes (v) and its UTF-8 bytes.
//!
//! | part | content |
//! |---|---|
//! | header | `FLCMBATC`, version u16 = 2, instance u64, epoch u64, sequence u64, age u32 |
//! | entries | as many as there are, a kind byte ahead of each: by kind, flags by key, each key and name once |
//! | trailer | checksum u64 of everything before it; at the end, so that a batch can be written as it goes |
//!
//! | kind | entry | content |
//! |---|---|---|
//! | 1 | flag | key text, generation v, parts u8, and those of the parts whose bit is set, from the lowest |
//! | 2 | counter | name text, amount v |
//! | 3 | histogram | name text, *values* |
//! | 4 | dropped | how many v |
//!
//! | bit | part of a flag | content |
//! |---|---|---|
//! | 0, 1 | evidence: treatment, control | total v, errors v, slow v, missing v |
//! | 2 | tallies | how many v, and for each: variant text (empty for none), reason u8, count v, by variant |
//! | 3 | groups | how many v (at most 51), and for each: variant text (empty for none), a byte, and its parts |
//!
//! The lowest two bits of a group's byte are the code of its arm.
//!
//! | bit | part of a group | content |
//! |---|---|---|
//! | 2 | outcomes | total v, errors v, slow v, missing v |
//! | 3 | users | *sparse* registers |
//! | 4 | durations | *values* |
//!
//! *Sparse* is the number of entries (v), and for each how many indices are skipped (v) and the value (v), never 0.
//! *Values* are sparse buckets, the sum in 1/1024 (v), and the bits of the least and the largest value (u64 each). What
//! is not there is left out: a flag with a few decisions and a key of twenty bytes takes about 43.

use core::fmt;

use super::custom::{Custom, is_name};
use super::histogram::Histogram;
use crate::bucket::mix;
use crate::snapshot::index::checksum;

mod checked;
mod flag;
mod group;
mod ledger;
mod order;
mod wire;
mod writer;

pub use checked::CheckedBatch;
pub use flag::FlagBatch;
pub use group::GroupBatch;
pub use ledger::{Ledger, Receipt};
use order::Order;
use wire::{BLOCK, Cursor, HEADER_BYTES, Read, TRAILER_BYTES, Values, kind};
pub use writer::Writer;

/// The identity of a batch: which host wrote it, in which run, and as which of its batches.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Header {
    /// The host, by 64 bits of its own choice. It should be stable over restarts.
    pub instance: u64,
    /// One run of the host: a random number that is drawn at each start.
    pub epoch: u64,
    /// The number of the batch within the epoch: from 1, each one higher than the one before.
    pub sequence: u64,
    /// For how long the host has held the batch back, in milliseconds by its own clock.
    pub age: u32,
}

/// A batch whose bytes were checked.
///
/// ```
/// use flcm_flags::metrics::FlagMetrics;
/// use flcm_flags::metrics::batch::{Batch, Header, Ledger, Receipt, Writer};
/// use flcm_flags::{Arm, Sample};
///
/// let mut host = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
/// host.add_evidence(Arm::Treatment, &Sample { total: 1, errors: 1, ..Sample::default() });
/// let mut bytes = Vec::new();
/// let header = Header { instance: 7, epoch: 1, sequence: 1, age: 0 };
/// let mut writer = Writer::new(header, |written: &[u8]| bytes.extend_from_slice(written));
/// writer.drain("beta", |_variant| None, &mut host);
/// writer.finish();
/// assert!(host.is_empty());
///
/// let (mut ledger, mut server) = (Ledger::default(), FlagMetrics::new([0; FlagMetrics::counters_for(0)]));
/// for _ in 0..2 {
///     let batch = Batch::from_bytes(&bytes)?;
///     if ledger.accept(batch.header().sequence) == Receipt::Apply {
///         for flag in batch.flags() {
///             assert_eq!((flag.key(), flag.evidence().treatment.errors), ("beta", 1));
///             flag.merge_into(&mut server, |_name| None);
///         }
///     }
/// }
/// assert_eq!(server.evidence().treatment.total, 1);
/// # Ok::<(), flcm_flags::metrics::batch::BatchError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    header: Header,
    entries: Cursor<'a>,
    /// Whether there is anything but flags: mostly not, and then it is not looked for.
    has_others: bool,
}

impl<'a> Batch<'a> {
    /// Checks all of the bytes, in one pass and without allocation: that they can be read, and that flags and names
    /// are in the order in which hosts write them, each once.
    ///
    /// ```
    /// use flcm_flags::metrics::batch::Batch;
    /// let error = Batch::from_bytes(b"no batch").unwrap_err();
    /// assert_eq!(error.to_string(), "invalid batch: header: not a batch");
    /// ```
    ///
    /// # Errors
    /// [`BatchError`] names what was being read and what is wrong with it. Use nothing of the bytes then.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, BatchError> {
        let mut order = Order::new();
        Self::read(bytes, |entry| order.check(entry))
    }

    /// Like [`from_bytes`](Self::from_bytes), for bytes that this program has written: they can be read, and are taken
    /// to be in order.
    ///
    /// # Errors
    /// [`BatchError`], when the bytes are damaged.
    pub fn from_own_bytes(bytes: &'a [u8]) -> Result<Self, BatchError> {
        Self::read(bytes, |_| Ok(()))
    }

    fn read(bytes: &'a [u8], mut check: impl FnMut(&Entry<'a>) -> Read<()>) -> Result<Self, BatchError> {
        let (header, entries) = wire::open(bytes)?;
        let (mut rest, mut has_others) = (entries, false);
        while !rest.is_empty() {
            let entry = Entry::read(&mut rest, true)?;
            check(&entry)?;
            has_others |= !matches!(entry, Entry::Flag(_));
        }
        Ok(Self { header, entries, has_others })
    }

    /// The identity of the batch, which a [`Ledger`] needs, and its age.
    #[must_use]
    pub const fn header(&self) -> Header {
        self.header
    }

    /// The metrics of flags, in the order in which they were written.
    pub fn flags(&self) -> impl Iterator<Item = FlagBatch<'a>> + use<'a> {
        let age = self.header.age;
        self.entries().filter_map(move |entry| if let Entry::Flag(flag) = entry { Some(flag.aged(age)) } else { None })
    }

    /// The metrics under names of the application.
    pub fn customs(&self) -> impl Iterator<Item = CustomBatch<'a>> + use<'a> {
        self.others().filter_map(|entry| if let Entry::Custom(custom) = entry { Some(custom) } else { None })
    }

    /// How many additions and observations the host has dropped: see [`Custom::dropped`].
    #[must_use]
    pub fn dropped(&self) -> u64 {
        let counts = self.others().map(|entry| if let Entry::Dropped(count) = entry { count } else { 0 });
        counts.fold(0, u64::saturating_add)
    }

    /// Adds all metrics under names of the application, and the number of dropped ones.
    pub fn merge_customs_into<const C: usize, const H: usize>(&self, metrics: &mut Custom<C, H>) {
        for custom in self.customs() {
            custom.merge_into(metrics);
        }
        metrics.add_dropped(self.dropped());
    }

    /// All entries, if some are no flags.
    fn others(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        self.has_others.then(|| self.entries()).into_iter().flatten()
    }

    fn entries(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let mut rest = self.entries;
        core::iter::from_fn(move || if rest.is_empty() { None } else { Entry::read(&mut rest, false).ok() })
    }
}

/// Sets the age of a batch, in milliseconds, before it is sent again. Nothing else of it changes but the checksum.
///
/// ```
/// use flcm_flags::metrics::batch::{Batch, Header, Writer, set_age};
///
/// let mut bytes = Vec::new();
/// Writer::new(Header::default(), |written: &[u8]| bytes.extend_from_slice(written)).finish();
/// set_age(&mut bytes, 5_000)?;
/// assert_eq!(Batch::from_bytes(&bytes)?.header().age, 5_000);
/// # Ok::<(), flcm_flags::metrics::batch::BatchError>(())
/// ```
///
/// # Errors
/// [`BatchError`] when the bytes are no batch or are damaged. They are left unchanged then.
pub fn set_age(bytes: &mut [u8], age: u32) -> Result<(), BatchError> {
    set_header(bytes, |header| Header { age, ..header })
}

/// Gives a batch another header: another age, or another name after a server has lost count of its host. Its counts stay.
///
/// # Errors
/// [`BatchError`] when the bytes are no batch or are damaged; they are left alone then.
pub fn set_header(bytes: &mut [u8], change: impl FnOnce(Header) -> Header) -> Result<(), BatchError> {
    let (header, _) = wire::open(bytes)?;
    if let Some(start) = bytes.first_chunk_mut::<HEADER_BYTES>() {
        *start = wire::header(change(header));
    }
    if let Some((body, trailer)) = bytes.split_last_chunk_mut::<TRAILER_BYTES>() {
        *trailer = body.chunks(BLOCK).fold(0, chain).to_le_bytes();
    }
    Ok(())
}

/// The checksum of a batch, block after block of [`BLOCK`] bytes: so it needs no more than one of them at a time.
fn chain(sum: u64, block: &[u8]) -> u64 {
    mix(sum ^ checksum(block))
}

/// One metric of a batch that the application has named.
#[derive(Clone, Debug)]
pub struct CustomBatch<'a> {
    name: &'a str,
    value: CustomEntry<'a>,
}

#[derive(Clone, Debug)]
enum CustomEntry<'a> {
    Counter(u64),
    Histogram(Values<'a>),
}

impl<'a> CustomBatch<'a> {
    /// The name that the application has given the metric.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The amount of a counter; `None` for a histogram.
    #[must_use]
    pub const fn amount(&self) -> Option<u64> {
        match self.value {
            CustomEntry::Counter(amount) => Some(amount),
            CustomEntry::Histogram(_) => None,
        }
    }

    /// Adds the values of a histogram to another one; nothing of a counter.
    pub fn merge_values_into(&self, histogram: &mut Histogram) {
        if let CustomEntry::Histogram(values) = &self.value {
            values.merge_into(histogram);
        }
    }

    /// Adds the metric to others. False when there is no room for the name: it is dropped, and counted as such there.
    pub fn merge_into<const C: usize, const H: usize>(&self, metrics: &mut Custom<C, H>) -> bool {
        match &self.value {
            CustomEntry::Counter(amount) => metrics.add(self.name, *amount),
            CustomEntry::Histogram(values) => {
                metrics.histogram(self.name).map(|histogram| values.merge_into(histogram)).is_some()
            }
        }
    }
}

enum Entry<'a> {
    Custom(CustomBatch<'a>),
    Dropped(u64),
    Flag(FlagBatch<'a>),
}

impl<'a> Entry<'a> {
    fn read(from: &mut Cursor<'a>, check: bool) -> Read<Self> {
        match from.byte()? {
            kind::COUNTER => {
                let name = Self::name(from)?;
                Ok(Self::Custom(CustomBatch { name, value: CustomEntry::Counter(from.varint()?) }))
            }
            kind::DROPPED => from.varint().map(Self::Dropped),
            kind::FLAG => FlagBatch::read(from, check).map(Self::Flag),
            kind::HISTOGRAM => {
                let name = Self::name(from)?;
                Ok(Self::Custom(CustomBatch { name, value: CustomEntry::Histogram(Values::read(from, check)?) }))
            }
            _ => Err(BatchError("entry: unknown kind")),
        }
    }

    fn name(from: &mut Cursor<'a>) -> Read<&'a str> {
        from.text().and_then(|name| if is_name(name) { Ok(name) } else { Err(BatchError("metric: not a name")) })
    }
}

/// Why bytes are no batch: what was being read, and what is wrong with it.
///
/// It is opaque: hosts log the text, and treat all errors alike.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BatchError(&'static str);

impl BatchError {
    /// The text, such as `trailer: wrong checksum`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "invalid batch: {}", self.0)
    }
}

impl core::error::Error for BatchError {}
