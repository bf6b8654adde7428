//! How conditions are walked: groups, and what only the caller knows.

use crate::condition::{CohortId, Node, Nodes};
use crate::context::BoundContext;
use crate::decision::PackedDecision;
use crate::explain::{Group, Step, Visitor};
use crate::snapshot::{Expected, FlagId};

/// What conditions name but do not decide themselves.
pub(crate) trait Facts<V> {
    /// Whether the user is a member of a cohort.
    fn is_member(&self, cohort: CohortId, visitor: &mut V) -> bool;
    /// What another flag decided; `None` when it has not been asked.
    fn packed(&self, flag: FlagId) -> Option<PackedDecision>;
}

/// Whether an expectation of another flag is met. An error meets none.
pub(crate) fn is_met(expected: Expected, packed: Option<PackedDecision>) -> bool {
    let Some(packed) = packed.filter(|packed| packed.reason().error_code().is_none()) else { return false };
    match expected {
        Expected::Disabled => !packed.enabled(),
        Expected::Enabled => packed.enabled(),
        Expected::Variant(variant) => packed.variant() == Some(variant),
    }
}

impl Nodes<'_> {
    /// Whether all hold.
    #[inline]
    pub(crate) fn all<V: Visitor>(self, context: &BoundContext<'_>, facts: &dyn Facts<V>, visitor: &mut V) -> bool {
        !self.some(false, context, facts, visitor)
    }

    /// Whether some condition holds, or with `false` whether some does not. A visitor is shown the rest after that as
    /// well.
    fn some<V: Visitor>(
        mut self,
        wanted: bool,
        context: &BoundContext<'_>,
        facts: &dyn Facts<V>,
        visitor: &mut V,
    ) -> bool {
        let mut some = false;
        loop {
            let held = if V::SILENT {
                self.decide_next(|test| test.holds(context), |node| node.holds(context, facts, visitor))
            } else {
                self.next().map(|node| node.holds(context, facts, visitor))
            };
            let Some(held) = held else { return some };
            some |= held == wanted;
            if some && V::SILENT {
                return true;
            }
        }
    }

    /// Shows a group around what is shown of its members.
    fn group<V: Visitor>(
        self,
        group: Group,
        context: &BoundContext<'_>,
        facts: &dyn Facts<V>,
        visitor: &mut V,
    ) -> bool {
        visitor.visit(Step::GroupStart(group));
        let held = match group {
            Group::All => self.all(context, facts, visitor),
            Group::Any => self.some(true, context, facts, visitor),
            Group::Not => self.some(false, context, facts, visitor),
        };
        visitor.visit(Step::GroupEnd { held });
        held
    }
}

impl Node<'_> {
    /// Whether the condition holds. Out of line: it calls itself, by way of groups.
    #[inline(never)]
    fn holds<V: Visitor>(self, context: &BoundContext<'_>, facts: &dyn Facts<V>, visitor: &mut V) -> bool {
        match self {
            Self::Test(test) => {
                let held = test.holds(context);
                visitor.visit(Step::Test { test, actual: test.actual(context), held });
                held
            }
            Self::Cohort(cohort) => facts.is_member(cohort, visitor),
            Self::Flag(flag, expected) => {
                let held = is_met(expected, facts.packed(flag));
                visitor.visit(Step::FlagCondition { flag, expected, held });
                held
            }
            Self::All(nodes) => nodes.group(Group::All, context, facts, visitor),
            Self::Any(nodes) => nodes.group(Group::Any, context, facts, visitor),
            Self::Not(nodes) => nodes.group(Group::Not, context, facts, visitor),
        }
    }
}
