//! Tracing a decision: its steps, passed to a visitor.
//!
//! [`explain()`](crate::explain()) calls [`Visitor::visit`] with each [`Step`] while it decides. Nothing is collected
//! here: the crate allocates nothing, so a visitor builds the tree, the log line or the statistic that it wants.
//! `flcm-flags-config` has a visitor that builds explanations as trees.
//!
//! Steps come in the order of the decision. Those named `…Start` and `…End` enclose the steps in between, so a visitor
//! can rebuild the nesting with a stack:
//!
//! ```text
//! FlagStart  Breaker?  Dependency*
//!   ( Override  Split?  |  ( RuleStart  condition*  Rollout?  Split?  RuleEnd )* )
//! FlagEnd
//!
//! condition = Test | FlagCondition | CohortCondition
//!           | GroupStart condition* GroupEnd | CohortStart condition* CohortEnd
//! ```

use crate::condition::{CohortId, Test};
use crate::decision::PackedDecision;
use crate::snapshot::sections;
use crate::snapshot::wire::node;
use crate::snapshot::{Expected, FlagId, Reader, Rule, Snapshot};
use crate::trips::TripState;
use crate::value::AttributeValue;

/// Receives the steps of a decision. The unit type `()` is the silent visitor, which costs nothing.
///
/// A visitor cannot change the decision.
///
/// ```
/// use flcm_flags::{Context, Millis, Snapshot, Step, Trips, Visitor, explain};
///
/// /// The attributes that were tested, and whether each passed.
/// struct Tested(Vec<(String, bool)>);
/// impl Visitor for Tested {
///     fn visit(&mut self, step: Step<'_, '_>) {
///         if let Step::Test { test, held, .. } = step {
///             self.0.push((test.attribute().to_owned(), held));
///         }
///     }
/// }
///
/// let text = "
/// flags:
///   beta: { conditions: [{ attribute: age, operator: '>', value: 30 }, { attribute: plan, operator: exists }] }";
/// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
/// let snapshot = Snapshot::from_bytes(bytes)?;
/// let alice = Context::new(Some("alice"), &[]).bind(&snapshot);
/// let mut tested = Tested(Vec::new());
/// let _ = explain(&snapshot, &Trips::NONE, snapshot.flag("beta").unwrap(), &alice, Millis(0), &mut tested);
/// assert_eq!(tested.0, [("age".to_owned(), false), ("plan".to_owned(), false)], "also behind the first miss");
/// # Ok::<(), flcm_flags::SnapshotError>(())
/// ```
pub trait Visitor {
    /// Whether the visitor ignores all steps.
    ///
    /// With `false`, which is the default, conditions and percentages are checked and shown even where an earlier miss
    /// has settled a rule. With `true` the decision stops at the first miss, and steps may be left out.
    const SILENT: bool = false;

    /// Takes one step. Steps with a start and an end enclose what belongs to them.
    fn visit(&mut self, step: Step<'_, '_>);
}

impl Visitor for () {
    const SILENT: bool = true;

    #[inline]
    fn visit(&mut self, _: Step<'_, '_>) {}
}

/// One step of a decision. It borrows from the snapshot (`'s`) and from the context (`'c`).
#[derive(Clone, Copy, Debug)]
pub enum Step<'s, 'c> {
    /// A flag is looked at. Prerequisites come first, each once; the flag that was asked for comes last.
    FlagStart(FlagId),
    /// The flag's breaker has tripped. `bucket` and `share` matter while probing, in thousandths of a percent.
    Breaker {
        /// Probing, off or capped.
        state: TripState,
        /// The user's probe bucket; `None` when not probing, and for a user without the value that is hashed.
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
    /// The percentage of the open rule is compared: the user is in when the bucket is below it.
    Rollout {
        /// The user's bucket, 0 to 99,999; `None` for a user without the value that is hashed.
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
        /// The split point, below `total`; `None` for a user without the value that is hashed.
        point: Option<u32>,
        /// Sum of the weights.
        total: u32,
        /// Index of the variant.
        variant: u16,
    },
    /// The open flag is decided.
    FlagEnd(PackedDecision),
}

/// How the conditions of a group are combined: `all`, `any` or `not` in the document.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Group {
    /// Every member must hold.
    All,
    /// Some member must hold.
    Any,
    /// The member must not hold.
    Not,
}

impl Group {
    /// The group of a node's kind.
    pub(crate) const fn of(kind: u8) -> Self {
        match kind {
            node::ALL => Self::All,
            node::ANY => Self::Any,
            _ => Self::Not,
        }
    }
}

/// Why a user is a member of a cohort, or is not. The first that applies counts, `Excepted` first.
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
    /// The name of a cohort that a step names; empty for an id that the snapshot does not have.
    #[must_use]
    pub fn cohort_name(&self, cohort: CohortId) -> &str {
        self.reader().cohort_name(cohort)
    }
}

impl<'s> Reader<'s> {
    fn cohort_name(&self, cohort: CohortId) -> &'s str {
        self.get(sections::COHORTS, cohort.0).map_or("", |record| self.text(record.name.get()))
    }
}
