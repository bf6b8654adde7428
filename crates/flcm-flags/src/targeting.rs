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
    let Some(outcome) = outcome.filter(|outcome| outcome.reason().error_code().is_none()) else { return false };
    match expected {
        Expected::Disabled => !outcome.enabled(),
        Expected::Enabled => outcome.enabled(),
        Expected::Variant(variant) => outcome.variant() == Some(variant),
    }
}

impl Nodes<'_> {
    /// Whether all hold. A visitor is shown the rest after a miss as well.
    #[inline]
    pub(crate) fn all<F: Facts, V: Visitor>(mut self, context: &BoundContext<'_>, facts: &F, visitor: &mut V) -> bool {
        let mut all = true;
        while let Some(held) = self.next_holds(context, facts, visitor) {
            all &= held;
            if !all && V::SILENT {
                break;
            }
        }
        all
    }

    fn any<F: Facts, V: Visitor>(mut self, context: &BoundContext<'_>, facts: &F, visitor: &mut V) -> bool {
        let mut any = false;
        while let Some(held) = self.next_holds(context, facts, visitor) {
            any |= held;
            if any && V::SILENT {
                break;
            }
        }
        any
    }

    #[inline]
    fn next_holds<F: Facts, V: Visitor>(
        &mut self,
        context: &BoundContext<'_>,
        facts: &F,
        visitor: &mut V,
    ) -> Option<bool> {
        if V::SILENT {
            return self.decide_next(|test| test.holds(context), |node| node.holds(context, facts, &mut ()));
        }
        self.next().map(|node| node.holds(context, facts, visitor))
    }

    /// Shows a group around what is shown of its members.
    fn group<F: Facts, V: Visitor>(self, group: Group, context: &BoundContext<'_>, facts: &F, visitor: &mut V) -> bool {
        visitor.visit(Step::GroupStart(group));
        let held = match group {
            Group::All => self.all(context, facts, visitor),
            Group::Any => self.any(context, facts, visitor),
            Group::Not => !self.all(context, facts, visitor),
        };
        visitor.visit(Step::GroupEnd { held });
        held
    }
}

impl Node<'_> {
    /// Whether the condition holds. Out of line: it calls itself, by way of groups.
    #[inline(never)]
    fn holds<F: Facts, V: Visitor>(self, context: &BoundContext<'_>, facts: &F, visitor: &mut V) -> bool {
        match self {
            Self::Test(test) => {
                let held = test.holds(context);
                visitor.visit(Step::Test { test, actual: test.actual(context), held });
                held
            }
            Self::Cohort(cohort) => facts.is_member(cohort, visitor),
            Self::Flag(flag, expected) => {
                let held = is_met(expected, facts.outcome(flag));
                visitor.visit(Step::FlagCondition { flag, expected, held });
                held
            }
            Self::All(nodes) => nodes.group(Group::All, context, facts, visitor),
            Self::Any(nodes) => nodes.group(Group::Any, context, facts, visitor),
            Self::Not(nodes) => nodes.group(Group::Not, context, facts, visitor),
        }
    }
}
