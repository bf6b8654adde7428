//! One flag of a batch.

use super::BatchError;
use super::wire::{Cursor, Read, Sparse, Values, part};
use crate::counts::{Counts, Sample};
use crate::decision::Reason;
use crate::metrics::distinct::{HIGHEST_RANK, REGISTERS};
use crate::metrics::{FlagMetrics, Outcomes, counter_index};

/// What a batch says of one flag.
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

    pub(super) const fn aged(mut self, age: u32) -> Self {
        self.evidence.age = age;
        self
    }

    /// The flag key.
    #[must_use]
    pub const fn key(&self) -> &'a str {
        self.key
    }

    /// What a breaker wants to hear, with the age of the batch.
    #[must_use]
    pub const fn evidence(&self) -> Counts {
        self.evidence
    }

    /// Settled outcomes by arm.
    #[must_use]
    pub const fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// How many decisions there were for each variant (by its name) and reason.
    pub fn tallies(&self) -> impl Iterator<Item = (Option<&'a str>, Reason, u32)> + use<'a> {
        let mut rest = self.tallies;
        core::iter::from_fn(move || read_tally(&mut rest).ok())
    }

    /// Adds everything to the metrics of the same flag; `variant_index` finds a variant by its name.
    ///
    /// Answers how many decisions were for a variant that is unknown here; they are counted as such without a variant.
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

    /// Adds users and durations alone, for those who count the rest in numbers of their own.
    pub fn merge_sketches_into<C: AsRef<[u32]> + AsMut<[u32]>>(&self, metrics: &mut FlagMetrics<C>) {
        for (register, rank) in self.users.clone() {
            metrics.users.raise(register, u8::try_from(rank).unwrap_or(0));
        }
        if let Some(values) = &self.durations {
            values.merge_into(&mut metrics.durations);
        }
    }
}

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
