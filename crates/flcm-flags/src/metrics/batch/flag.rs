//! One flag of a batch: evidence, decisions, and the groups with their outcomes, users and durations.
//!
//! Reading checks every list once and keeps its bytes. Merging walks them again, checks nothing, and no read fails any
//! more. So a batch is read without memory of its own, however many variants and registers it names.

use super::BatchError;
use super::group::GroupBatch;
use super::wire::{Cursor, Read, part};
use crate::counts::{Counts, Sample};
use crate::decision::Reason;
use crate::metrics::{FlagMetrics, Group, Groups, Outcomes, counter_index};

/// The metrics of one flag in a batch.
///
/// ```
/// use flcm_flags::Reason;
/// use flcm_flags::metrics::FlagMetrics;
/// use flcm_flags::metrics::batch::{Batch, Header, Writer};
///
/// let mut host = FlagMetrics::new([0; FlagMetrics::counters_for(1)]);
/// host.tally(FlagMetrics::counters_for(0), 3);
/// let mut bytes = Vec::new();
/// let mut writer = Writer::new(Header::default(), |written: &[u8]| bytes.extend_from_slice(written));
/// writer.drain("beta", |_index| Some("green"), &mut host);
/// writer.finish();
///
/// let batch = Batch::from_bytes(&bytes)?;
/// let flag = batch.flags().next().unwrap();
/// assert_eq!(flag.tallies().collect::<Vec<_>>(), [(Some("green"), Reason::BreakerOpen, 3)]);
/// let mut server = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
/// assert_eq!(flag.merge_into(&mut server, |_name| None), 3, "the server does not know the variant");
/// assert_eq!(server.count(None, Reason::BreakerOpen), 3);
/// # Ok::<(), flcm_flags::metrics::batch::BatchError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FlagBatch<'a> {
    key: &'a str,
    evidence: Counts,
    tallies: Cursor<'a>,
    groups: Cursor<'a>,
}

impl<'a> FlagBatch<'a> {
    /// Reads one flag behind its kind byte, all of its parts included.
    pub(super) fn read(from: &mut Cursor<'a>, check: bool) -> Read<Self> {
        let key = from.text()?;
        if key.is_empty() {
            return Err(BatchError("flag: without a key"));
        }
        let (generation, parts) = (from.count()?, from.byte()?);
        if parts & !part::ALL != 0 {
            return Err(BatchError("flag: unknown parts"));
        }
        let mut evidence = Counts { generation, ..Counts::default() };
        for (part, sample) in [(part::TREATMENT, &mut evidence.treatment), (part::CONTROL, &mut evidence.control)] {
            if parts & part != 0 {
                *sample = read_sample(from)?;
            }
        }
        let mut flag = Self { key, evidence, tallies: Cursor::default(), groups: Cursor::default() };
        if parts & part::TALLIES != 0 {
            flag.tallies = from.list(|cursor| read_tally(cursor).map(|_| ()))?;
        }
        if parts & part::GROUPS != 0 {
            flag.groups = read_groups(from, check)?;
        }
        Ok(flag)
    }

    /// The same with the age of its batch.
    pub(super) const fn aged(mut self, age: u32) -> Self {
        self.evidence.age = age;
        self
    }

    /// The flag key. The server may not know it: its snapshot may be a newer or an older one.
    #[must_use]
    pub const fn key(&self) -> &'a str {
        self.key
    }

    /// The evidence for the fleet's breaker, with the age of the batch.
    #[must_use]
    pub const fn evidence(&self) -> Counts {
        self.evidence
    }

    /// The groups, in the order of hosts: by variant, none first, and within it by arm.
    pub fn groups(&self) -> impl Iterator<Item = GroupBatch<'a>> + use<'a> {
        let mut rest = self.groups;
        core::iter::from_fn(move || if rest.is_empty() { None } else { GroupBatch::read(&mut rest, false).ok() })
    }

    /// All outcomes, by arm.
    #[must_use]
    pub fn outcomes(&self) -> Outcomes {
        let mut outcomes = Outcomes::default();
        self.groups().for_each(|group| outcomes.of_mut(group.arm()).add(group.outcomes()));
        outcomes
    }

    /// The number of decisions for each variant, by name, and reason. `None` stands for no variant.
    pub fn tallies(&self) -> impl Iterator<Item = (Option<&'a str>, Reason, u32)> + use<'a> {
        let mut rest = self.tallies;
        core::iter::from_fn(move || read_tally(&mut rest).ok())
    }

    /// Adds everything to the metrics of the same flag; `variant_index` finds a variant by its name.
    ///
    /// Returns how many decisions were for a variant that is unknown here. They are counted without a variant.
    pub fn merge_into<C: AsRef<[u32]> + AsMut<[u32]>, G: Groups>(
        &self,
        metrics: &mut FlagMetrics<C, G>,
        variant_index: impl Fn(&str) -> Option<u16>,
    ) -> u64 {
        let mut unknown = 0_u64;
        for (name, reason, count) in self.tallies() {
            let variant = name.and_then(&variant_index);
            if name.is_some() && variant.is_none() {
                unknown = unknown.saturating_add(count.into());
            }
            metrics.tally(counter_index(variant, reason), count);
        }
        metrics.add_evidence_of(&self.evidence);
        for group in self.groups() {
            let variant = group.variant().and_then(&variant_index);
            if let Some(own) = metrics.group_of(group.arm(), variant) {
                group.merge_into(own);
            }
        }
        unknown
    }

    /// All decisions.
    #[must_use]
    pub fn decisions(&self) -> u64 {
        self.tallies().fold(0, |sum, (_, _, count)| sum.saturating_add(count.into()))
    }
}

/// There are no more groups than a flag can have.
fn read_groups<'a>(from: &mut Cursor<'a>, check: bool) -> Read<Cursor<'a>> {
    let mut count = 0_usize;
    from.list(|cursor| {
        count = count.saturating_add(1);
        if count > Group::MOST {
            return Err(BatchError("flag: too many groups"));
        }
        GroupBatch::read(cursor, check).map(|_| ())
    })
}

pub(super) fn read_sample(from: &mut Cursor<'_>) -> Read<Sample> {
    let (total, errors) = (from.count()?, from.count()?);
    let sample = Sample { total, errors, slow: from.count()?, missing: from.count()? };
    if sample.is_valid() { Ok(sample) } else { Err(BatchError("flag: a part that is larger than the whole")) }
}

fn read_tally<'a>(from: &mut Cursor<'a>) -> Read<(Option<&'a str>, Reason, u32)> {
    let name = from.text()?;
    let reason = Reason::from_code(from.byte()?).ok_or(BatchError("flag: unknown reason"))?;
    let count = from.count()?;
    if count == 0 {
        return Err(BatchError("flag: a tally of nothing"));
    }
    Ok((Some(name).filter(|name| !name.is_empty()), reason, count))
}
