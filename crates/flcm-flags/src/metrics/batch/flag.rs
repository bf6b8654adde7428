//! One flag of a batch: evidence, outcomes, decisions, users and durations.
//!
//! Reading checks every list once and keeps its bytes. Merging walks them again, and no read fails any more. So a batch
//! is read without memory of its own, however many variants and registers it names.

use super::BatchError;
use super::wire::{Cursor, Read, Sparse, Values, part};
use crate::counts::{Counts, Sample};
use crate::decision::Reason;
use crate::metrics::distinct::{HIGHEST_RANK, REGISTERS};
use crate::metrics::{FlagMetrics, Outcomes, counter_index};

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
    outcomes: Outcomes,
    tallies: Cursor<'a>,
    users: Sparse<'a>,
    durations: Option<Values<'a>>,
}

impl<'a> FlagBatch<'a> {
    /// Reads one flag behind its kind byte, all of its parts included.
    pub(super) fn read(from: &mut Cursor<'a>) -> Read<Self> {
        let key = from.text()?;
        if key.is_empty() {
            return Err(BatchError("flag: without a key"));
        }
        let (generation, parts) = (from.count()?, from.byte()?);
        let mut samples = [Sample::default(); 5];
        for (bit, sample) in samples.iter_mut().enumerate() {
            if parts & (1 << bit) != 0 {
                *sample = read_sample(from)?;
            }
        }
        let [treatment, control, outcomes @ ..] = samples;
        let evidence = Counts { generation, age: 0, treatment, control };
        let [treatment, control, outside] = outcomes;
        let mut flag = Self {
            key,
            evidence,
            outcomes: Outcomes { treatment, control, outside },
            tallies: Cursor::default(),
            users: Sparse::default(),
            durations: None,
        };
        flag.read_lists(from, parts)?;
        Ok(flag)
    }

    /// Reads the parts behind the samples: tallies, users and durations.
    fn read_lists(&mut self, from: &mut Cursor<'a>, parts: u8) -> Read<()> {
        if parts & part::TALLIES != 0 {
            self.tallies = from.list(|cursor| read_tally(cursor).map(|_| ()))?;
        }
        if parts & part::USERS != 0 {
            self.users = Sparse::read(from, REGISTERS, HIGHEST_RANK.into())?;
        }
        if parts & part::DURATIONS != 0 {
            self.durations = Some(Values::read(from)?);
        }
        Ok(())
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

    /// All outcomes, by arm.
    #[must_use]
    pub const fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// The number of decisions for each variant, by name, and reason. `None` stands for no variant.
    pub fn tallies(&self) -> impl Iterator<Item = (Option<&'a str>, Reason, u32)> + use<'a> {
        let mut rest = self.tallies;
        core::iter::from_fn(move || read_tally(&mut rest).ok())
    }

    /// Adds everything to the metrics of the same flag; `variant_index` finds a variant by its name.
    ///
    /// Returns how many decisions were for a variant that is unknown here. They are counted without a variant.
    pub fn merge_into<C: AsRef<[u32]> + AsMut<[u32]>>(
        &self,
        metrics: &mut FlagMetrics<C>,
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
        metrics.add_settled(&self.evidence, &self.outcomes);
        self.merge_sketches_into(metrics);
        unknown
    }

    /// Adds users and durations alone, for a receiver that counts the rest by itself.
    pub fn merge_sketches_into<C: AsRef<[u32]> + AsMut<[u32]>>(&self, metrics: &mut FlagMetrics<C>) {
        for (register, rank) in self.users.clone() {
            metrics.users.raise(register, u8::try_from(rank).unwrap_or(0));
        }
        if let Some(values) = &self.durations {
            values.merge_into(&mut metrics.durations);
        }
    }
}

/// How often a sketch may stand for more users than there were decisions: its estimate is not exact.
const TOLERANCE: u128 = 2;

impl FlagBatch<'_> {
    /// Like [`merge_sketches_into`](Self::merge_sketches_into), and leaves out what cannot be: more users than
    /// decisions, more durations than outcomes, durations of more than a week, or a sum that its values cannot have.
    ///
    /// Returns whether all of it was added. A host that counts on several threads may drain a user a moment before the
    /// decision, so this is no reason to refuse the batch.
    pub fn merge_likely_sketches_into<C: AsRef<[u32]> + AsMut<[u32]>>(&self, metrics: &mut FlagMetrics<C>) -> bool {
        let (users, durations) = (self.are_users_likely(), self.are_durations_likely());
        if users {
            self.users
                .clone()
                .for_each(|(register, rank)| metrics.users.raise(register, u8::try_from(rank).unwrap_or(0)));
        }
        if let Some(values) = self.durations.as_ref().filter(|_| durations) {
            values.merge_into(&mut metrics.durations);
        }
        users && durations
    }

    /// Each user was decided for at least once. So there are no more registers than decisions; and where half of the
    /// registers are taken, their estimate `0.72 · m² / Σ 2^-rank` is close enough to compare it too.
    fn are_users_likely(&self) -> bool {
        let decisions = self.tallies().fold(0_u64, |sum, (_, _, count)| sum.saturating_add(count.into()));
        let (mut taken, mut sum) = (0_u64, 0_u64);
        for (_, rank) in self.users.clone() {
            taken = taken.saturating_add(1);
            sum = sum.saturating_add(ONE >> rank);
        }
        let registers = u64::try_from(REGISTERS).unwrap_or(u64::MAX);
        let sum = sum.saturating_add(registers.saturating_sub(taken).saturating_mul(ONE));
        let most = u128::from(sum).saturating_mul(decisions.into()).saturating_mul(TOLERANCE);
        taken <= decisions && (taken.saturating_mul(2) < registers || CLAIMED <= most)
    }

    /// Each duration is that of an outcome.
    fn are_durations_likely(&self) -> bool {
        let Outcomes { treatment, control, outside } = &self.outcomes;
        let outcomes = [treatment, control, outside].map(|sample| u64::from(sample.total)).iter().sum::<u64>();
        self.durations.as_ref().is_none_or(|values| values.are_likely(outcomes))
    }
}

/// One as a fixed-point number: 2,048 of it fit into 64 bits.
const ONE: u64 = 1 << 52;

/// `0.72 · m²`, in parts of [`ONE`].
const CLAIMED: u128 = (1 << 22 << 52) / 100 * 72;

fn read_sample(from: &mut Cursor<'_>) -> Read<Sample> {
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
