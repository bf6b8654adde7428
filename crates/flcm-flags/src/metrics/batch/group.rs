//! One group of a flag in a batch: outcomes, users and durations.

use super::BatchError;
use super::flag::read_sample;
use super::wire::{Cursor, Read, Sparse, Values, group_part};
use crate::counts::Sample;
use crate::decision::Arm;
use crate::metrics::Group;
use crate::metrics::distinct::{HIGHEST_RANK, REGISTERS};

/// What a host has counted of the users of one arm who were served the same variant.
#[derive(Clone, Debug)]
pub struct GroupBatch<'a> {
    variant: Option<&'a str>,
    arm: Arm,
    outcomes: Sample,
    users: Sparse<'a>,
    durations: Option<Values<'a>>,
}

impl<'a> GroupBatch<'a> {
    pub(super) fn read(from: &mut Cursor<'a>, check: bool) -> Read<Self> {
        let variant = Some(from.text()?).filter(|name| !name.is_empty());
        let parts = from.byte()?;
        let arm = Arm::from_code(parts & group_part::ARM).filter(|_| parts & !group_part::ALL == 0);
        let arm = arm.ok_or(BatchError("group: unknown arm or parts"))?;
        let has = |part| parts & part != 0;
        let outcomes = if has(group_part::OUTCOMES) { read_sample(from)? } else { Sample::default() };
        let users = if has(group_part::USERS) {
            Sparse::read(from, check, REGISTERS, HIGHEST_RANK.into())?
        } else {
            Sparse::default()
        };
        let durations = if has(group_part::DURATIONS) { Some(Values::read(from, check)?) } else { None };
        Ok(Self { variant, arm, outcomes, users, durations })
    }

    /// The name of the variant; `None` stands for no variant.
    #[must_use]
    pub const fn variant(&self) -> Option<&'a str> {
        self.variant
    }

    /// The arm.
    #[must_use]
    pub const fn arm(&self) -> Arm {
        self.arm
    }

    /// How calls of the feature went.
    #[must_use]
    pub const fn outcomes(&self) -> &Sample {
        &self.outcomes
    }

    /// Adds everything.
    pub fn merge_into(&self, group: &mut Group) {
        group.outcomes.add(&self.outcomes);
        self.merge_users_into(group);
        if let Some(values) = &self.durations {
            values.merge_into(&mut group.durations);
        }
    }

    /// Adds users and durations alone, for a receiver that counts outcomes by itself, and leaves out what cannot be:
    /// more users than so many decisions, more durations than outcomes, durations of more than a week, or a sum that
    /// its values cannot have.
    ///
    /// Takes the users off the decisions, because each decision is in one group. Returns whether all of it was added. A
    /// host that counts on several threads may drain a user a moment before the decision, so this is no reason to
    /// refuse the batch.
    pub fn merge_likely_sketches_into(&self, group: &mut Group, decisions: &mut u64) -> bool {
        let users = self.likely_users(*decisions);
        if let Some(users) = users {
            *decisions = decisions.saturating_sub(users);
            self.merge_users_into(group);
        }
        let likely = self.durations.as_ref().is_none_or(|values| values.are_likely(self.outcomes.total.into()));
        if let Some(values) = self.durations.as_ref().filter(|_| likely) {
            values.merge_into(&mut group.durations);
        }
        users.is_some() && likely
    }

    fn merge_users_into(&self, group: &mut Group) {
        for (register, rank) in self.users.clone() {
            group.users.raise(register, u8::try_from(rank).unwrap_or(0));
        }
    }

    /// Each user was decided for at least once. So there are no more registers than decisions; and where half of the
    /// registers are taken, their estimate `0.72 · m² / Σ 2^-rank` is close enough to compare it too. Answers how many
    /// registers there are; `None` if there are too many users.
    fn likely_users(&self, decisions: u64) -> Option<u64> {
        let (mut taken, mut sum) = (0_u64, 0_u64);
        for (_, rank) in self.users.clone() {
            taken = taken.saturating_add(1);
            sum = sum.saturating_add(ONE >> rank);
        }
        let registers = u64::try_from(REGISTERS).unwrap_or(u64::MAX);
        let sum = sum.saturating_add(registers.saturating_sub(taken).saturating_mul(ONE));
        let most = u128::from(sum).saturating_mul(decisions.into()).saturating_mul(TOLERANCE);
        (taken <= decisions && (taken.saturating_mul(2) < registers || CLAIMED <= most)).then_some(taken)
    }
}

/// How often a sketch may stand for more users than there were decisions: its estimate is not exact.
const TOLERANCE: u128 = 2;

/// One as a fixed-point number: 2,048 of it fit into 64 bits.
const ONE: u64 = 1 << 52;

/// `0.72 · m²`, in parts of [`ONE`].
const CLAIMED: u128 = (1 << 22 << 52) / 100 * 72;
