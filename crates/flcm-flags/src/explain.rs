//! How a decision is watched: the steps it takes, shown to a visitor.

use crate::condition::{CohortId, Test};
use crate::decision::PackedDecision;
use crate::snapshot::{Expected, FlagId, Reader, Rule, Snapshot};
use crate::trips::TripState;
use crate::value::AttributeValue;

/// Watches a decision. The unit type `()` is the silent visitor, which costs nothing.
pub trait Visitor {
    /// Whether nothing is looked at. Otherwise conditions and percentages are checked, and shown, even where an earlier
    /// miss has settled a rule.
    const SILENT: bool = false;

    /// Takes one step. Steps with a start and an end enclose what belongs to them.
    fn visit(&mut self, step: Step<'_, '_>);
}

impl Visitor for () {
    const SILENT: bool = true;

    #[inline]
    fn visit(&mut self, _: Step<'_, '_>) {}
}

/// One step of a decision: `'s` is the snapshot, `'c` the context.
#[derive(Clone, Copy, Debug)]
pub enum Step<'s, 'c> {
    /// A flag is looked at. Prerequisites come first, each once; the flag that was asked for comes last.
    FlagStart(FlagId),
    /// The breaker has something to say. `bucket` and `share` tell of a probe, in thousandths of a percent.
    Breaker {
        /// Probing, off or capped.
        state: TripState,
        /// The user's probe bucket; `None` without a unit or when not probing.
        bucket: Option<u32>,
        /// The probe share.
        share: u32,
        /// Whether the user passes.
        passed: bool,
    },
    /// A dependency is compared with what its flag has decided.
    Dependency {
        /// The other flag.
        flag: FlagId,
        /// What it should have decided.
        expected: Expected,
        /// Whether it did.
        held: bool,
    },
    /// The user is listed in the flag's overrides.
    Override,
    /// A rule is looked at.
    RuleStart(Rule<'s>),
    /// A group of conditions opens.
    GroupStart(Group),
    /// The innermost open group closes.
    GroupEnd {
        /// Whether the group holds.
        held: bool,
    },
    /// An attribute is tested.
    Test {
        /// Attribute, operator and operand.
        test: Test<'s>,
        /// What the attribute is; `None` when absent.
        actual: Option<AttributeValue<'c>>,
        /// Whether it passes.
        held: bool,
    },
    /// A condition on another flag.
    FlagCondition {
        /// The other flag.
        flag: FlagId,
        /// What it should have decided.
        expected: Expected,
        /// Whether it did.
        held: bool,
    },
    /// A cohort's condition on another cohort, which was decided before.
    CohortCondition {
        /// The other cohort.
        cohort: CohortId,
        /// Whether the user is a member of it.
        held: bool,
    },
    /// A cohort is looked at.
    CohortStart(CohortId),
    /// The innermost open cohort is decided.
    CohortEnd(Membership),
    /// The gate: in when the bucket is below the percentage.
    Rollout {
        /// The user's bucket, 0 to 99,999; `None` without a unit.
        bucket: Option<u32>,
        /// Thousandths of a percent.
        percentage: u32,
        /// Whether the user is in.
        inside: bool,
    },
    /// The open rule is done.
    RuleEnd {
        /// Whether it applied.
        applied: bool,
    },
    /// A variant was drawn.
    Split {
        /// The split point; `None` without a unit.
        point: Option<u32>,
        /// Sum of the weights.
        total: u32,
        /// Index of the variant.
        variant: u16,
    },
    /// The open flag is decided.
    FlagEnd(PackedDecision),
}

/// How conditions are combined.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Group {
    /// Every member must hold.
    All,
    /// Some member must hold.
    Any,
    /// The member must not hold.
    Not,
}

/// Why a user is a member of a cohort, or is not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Membership {
    /// Listed in `except`.
    Excepted,
    /// Named by the context's `cohorts`.
    Host,
    /// Listed in `users`.
    Listed,
    /// Nothing makes the user a member.
    None,
    /// `when` holds.
    When,
}

impl Membership {
    /// Whether the user belongs to the cohort.
    #[must_use]
    pub const fn is_member(self) -> bool {
        matches!(self, Self::Host | Self::Listed | Self::When)
    }
}

impl<B: AsRef<[u8]>> Snapshot<B> {
    /// The name of a cohort that a step speaks of; empty for a cohort of another snapshot.
    #[must_use]
    pub fn cohort_name(&self, cohort: CohortId) -> &str {
        self.reader().cohort_name(cohort)
    }
}

impl<'s> Reader<'s> {
    fn cohort_name(&self, cohort: CohortId) -> &'s str {
        self.get(&self.layout.cohorts, cohort.0).map_or("", |record| self.text(record.name.get()))
    }
}
