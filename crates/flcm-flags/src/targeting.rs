//! How conditions are walked: groups, and what only the caller knows.

use crate::condition::{CohortId, Node, Nodes};
use crate::context::BoundContext;
use crate::decision::Outcome;
use crate::explain::{Group, Step, Visitor};
use crate::snapshot::{Expected, FlagId};

/// What conditions name but do not decide themselves.
pub(crate) trait Facts {
    /// Whether the user is a member of a cohort.
    fn is_member<V: Visitor>(&self, cohort: CohortId, visitor: &mut V) -> bool;
    /// What another flag decided; `None` when it has not been asked.
    fn outcome(&self, flag: FlagId) -> Option<Outcome>;
}

/// Whether an expectation of another flag is met. An error meets none.
pub(crate) fn is_met(expected: Expected, outcome: Option<Outcome>) -> bool {
    let Some(outcome) = outcome.filter(|outcome| outcome.reason.error_code().is_none()) else { return false };
    match expected {
        Expected::Disabled => !outcome.enabled,
        Expected::Enabled => outcome.enabled,
        Expected::Variant(variant) => outcome.variant == Some(variant),
    }
}

impl Nodes<'_> {
    /// Whether all hold. A thorough visitor is shown the rest after a miss as well.
    #[inline]
    pub(crate) fn all<F: Facts, V: Visitor>(self, context: &BoundContext<'_>, facts: &F, visitor: &mut V) -> bool {
        let mut held = true;
        for node in self {
            held &= node.holds(context, facts, visitor);
            if !held && !V::THOROUGH {
                break;
            }
        }
        held
    }

    fn any<F: Facts, V: Visitor>(self, context: &BoundContext<'_>, facts: &F, visitor: &mut V) -> bool {
        let mut held = false;
        for node in self {
            held |= node.holds(context, facts, visitor);
            if held && !V::THOROUGH {
                break;
            }
        }
        held
    }
}

impl Node<'_> {
    #[inline]
    fn holds<F: Facts, V: Visitor>(self, context: &BoundContext<'_>, facts: &F, visitor: &mut V) -> bool {
        match self {
            Self::Test(test) => {
                let (actual, held) = test.run(context);
                visitor.visit(Step::Test { test, actual, held });
                held
            }
            Self::Cohort(cohort) => facts.is_member(cohort, visitor),
            Self::Flag(flag, expected) => {
                let held = is_met(expected, facts.outcome(flag));
                visitor.visit(Step::FlagCondition { flag, expected, held });
                held
            }
            Self::All(nodes) => grouped(Group::All, visitor, |visitor| nodes.all(context, facts, visitor)),
            Self::Any(nodes) => grouped(Group::Any, visitor, |visitor| nodes.any(context, facts, visitor)),
            Self::Not(nodes) => grouped(Group::Not, visitor, |visitor| !nodes.all(context, facts, visitor)),
        }
    }
}

/// Shows a group around what is shown of its members.
fn grouped<V: Visitor>(group: Group, visitor: &mut V, holds: impl FnOnce(&mut V) -> bool) -> bool {
    visitor.visit(Step::GroupStart(group));
    let held = holds(visitor);
    visitor.visit(Step::GroupEnd { held });
    held
}
