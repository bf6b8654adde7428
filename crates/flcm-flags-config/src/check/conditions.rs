//! Checks conditions and their groups.

use super::Checker;
use crate::check::operand;
use crate::config;
use crate::diagnostics::{Path, Span};
use crate::limits;
use crate::parse::document::{At, Condition};

impl Checker<'_> {
    pub(crate) fn conditions(
        &mut self,
        list: &At<Vec<At<Condition>>>,
        path: Path<'_>,
        flags_allowed: bool,
    ) -> Vec<config::Condition> {
        let mut count = 0;
        let mut scope = Scope { checker: self, flags_allowed, negated: false, depth: 0, count: &mut count };
        let conditions = scope.list(&list.value, path);
        self.limit(count, limits::CONDITIONS_PER_RULE, list.span, path, "limit-conditions", "conditions");
        conditions
    }
}

/// Conditions of one rule or cohort.
struct Scope<'s, 'd> {
    checker: &'s mut Checker<'d>,
    /// A cohort must not name flags.
    flags_allowed: bool,
    /// Whether the conditions stand under an odd number of `not`.
    negated: bool,
    depth: usize,
    count: &'s mut usize,
}

impl Scope<'_, '_> {
    fn list(&mut self, list: &[At<Condition>], path: Path<'_>) -> Vec<config::Condition> {
        list.iter().enumerate().filter_map(|(index, condition)| self.condition(condition, path.index(index))).collect()
    }

    fn condition(&mut self, At { value, span }: &At<Condition>, path: Path<'_>) -> Option<config::Condition> {
        *self.count += 1;
        Some(match value {
            Condition::All(group) => config::Condition::All(self.members(&group.all, *span, path, "all")?),
            Condition::Any(group) if group.any.is_empty() => return self.empty_any(*span, path),
            Condition::Any(group) => config::Condition::Any(self.members(&group.any, *span, path, "any")?),
            Condition::Not(group) => {
                self.negated = !self.negated;
                let member = self.group(*span, path, |scope| scope.condition(&group.not, path.key("not")));
                self.negated = !self.negated;
                config::Condition::Not(Box::new(member??))
            }
            Condition::Cohort(cohort) => self.checker.named_cohort(&cohort.cohort, path.key("cohort")),
            Condition::Flag(_) if !self.flags_allowed => return self.flag_in_cohort(*span, path),
            Condition::Flag(condition) => {
                config::Condition::Flag(self.checker.flag_condition(condition, self.negated, *span, path)?)
            }
            Condition::Test(test) => {
                self.checker.visible(&test.attribute, path.key("attribute"));
                let Checker { text, patterns, diagnostics, .. } = &mut *self.checker;
                config::Condition::Test(operand::check_test(test, text, path, patterns, diagnostics)?)
            }
        })
    }

    fn members(
        &mut self,
        list: &[At<Condition>],
        span: Span,
        path: Path<'_>,
        key: &str,
    ) -> Option<Vec<config::Condition>> {
        self.group(span, path, |scope| scope.list(list, path.key(key)))
    }

    fn flag_in_cohort<T>(&mut self, span: Span, path: Path<'_>) -> Option<T> {
        let message = "a cohort must not depend on a flag".to_owned();
        let problem = self.checker.diagnostics.error(span, path, "flag-in-cohort", message);
        problem.help("put the condition into the flag's rules");
        None
    }

    fn empty_any<T>(&mut self, span: Span, path: Path<'_>) -> Option<T> {
        let message = "an empty `any` never holds".to_owned();
        let problem = self.checker.diagnostics.error(span, path.key("any"), "empty-any", message);
        problem.help("list conditions, one of which must hold");
        None
    }

    fn group<T>(&mut self, span: Span, path: Path<'_>, members: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= limits::CONDITION_DEPTH {
            let message = format!("conditions nest deeper than the limit of {}", limits::CONDITION_DEPTH);
            let problem = self.checker.diagnostics.error(span, path, "limit-condition-depth", message);
            problem.help("move a part into a cohort");
            return None;
        }
        self.depth += 1;
        let members = members(self);
        self.depth -= 1;
        Some(members)
    }
}
