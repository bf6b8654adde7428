//! Walking conditions: groups, and the facts that only the caller knows.
//!
//! Conditions of a rule and of a cohort are the same records, but they learn about cohorts and other flags in different
//! ways. Both pass a [`Facts`] to the walk. A rule's facts decide cohorts when they are asked; a cohort's facts hold
//! the cohorts that were decided before.
//!
//! Groups nest at most 16 deep, which the validator checks, so the recursion here is bounded.

use crate::condition::{CohortId, Nodes};
use crate::context::View;
use crate::decision::PackedDecision;
use crate::explain::{Group, Step, Visitor};
use crate::snapshot::wire::node;
use crate::snapshot::{Expected, FlagId};

/// Answers about what conditions name but cannot decide by themselves: cohorts and other flags.
pub(crate) trait Facts<V> {
    /// Whether the user is a member of a cohort.
    fn is_member(&self, cohort: CohortId, visitor: &mut V) -> bool;
    /// The decision of another flag; `None` when it was not decided before.
    fn packed(&self, flag: FlagId) -> Option<PackedDecision>;
}

/// Whether a decision is what another flag expects. An error meets no expectation, not even `Disabled`: otherwise a
/// flag that needs a newer core would switch others on.
pub(crate) fn is_met(expected: Expected, packed: Option<PackedDecision>) -> bool {
    let Some(packed) = packed.filter(|packed| packed.reason().error_code().is_none()) else { return false };
    match expected {
        Expected::Disabled => !packed.enabled(),
        Expected::Enabled => packed.enabled(),
        Expected::Variant(variant) => packed.variant() == Some(variant),
    }
}

impl Nodes<'_> {
    /// Whether all conditions hold. Without any they do.
    #[inline]
    pub(crate) fn all<V: Visitor>(self, context: View<'_>, facts: &dyn Facts<V>, visitor: &mut V) -> bool {
        !self.some(false, context, facts, visitor)
    }

    /// Whether some condition holds, or with `wanted: false` whether some does not.
    ///
    /// The walk stops at the first such condition, unless a visitor wants to see the rest. Out of line: it calls
    /// itself, by way of groups.
    #[inline(never)]
    fn some<V: Visitor>(mut self, wanted: bool, context: View<'_>, facts: &dyn Facts<V>, visitor: &mut V) -> bool {
        let mut some = false;
        while let Some(record) = self.advance() {
            let held = match record.kind {
                // Most nodes are tests.
                node::EXISTS.. => {
                    let test = self.test(record);
                    let held = test.holds(context);
                    if !V::SILENT {
                        visitor.visit(Step::Test { test, actual: test.actual(context), held });
                    }
                    held
                }
                node::COHORT => facts.is_member(CohortId(record.subject.get()), visitor),
                node::FLAG => {
                    let flag = FlagId(record.subject.get());
                    let expected = record.expected();
                    let held = expected.is_some_and(|expected| is_met(expected, facts.packed(flag)));
                    if let Some(expected) = expected {
                        visitor.visit(Step::FlagCondition { flag, expected, held });
                    }
                    held
                }
                kind => self.members(record).group(Group::of(kind), context, facts, visitor),
            };
            some |= held == wanted;
            if some && V::SILENT {
                break;
            }
        }
        some
    }

    /// Decides a group. The visitor sees its start and end around the steps of its members.
    fn group<V: Visitor>(self, group: Group, context: View<'_>, facts: &dyn Facts<V>, visitor: &mut V) -> bool {
        visitor.visit(Step::GroupStart(group));
        let some = self.some(group == Group::Any, context, facts, visitor);
        let held = some != (group == Group::All);
        visitor.visit(Step::GroupEnd { held });
        held
    }
}
