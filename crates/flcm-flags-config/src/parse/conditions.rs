//! Parses conditions, and what a flag expects of other flags.

use super::Parser;
use super::map::Map;
use crate::diagnostics::Path;
use crate::parse::document::{AllOf, AnyOf, At, Condition, Dependency, FlagCondition, InCohort, NotOf, Operand, Test};
use crate::parse::source::{Node, NodeValue};

impl Parser<'_> {
    pub(super) fn dependency(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<Dependency>> {
        let value = match &node.value {
            NodeValue::String(key) => Dependency::Key(key.to_string()),
            NodeValue::Map(_) => Dependency::Expects(self.flag_condition(node, path)?),
            _ => {
                self.wrong_type(node, path, "a flag key or a map");
                return None;
            }
        };
        Some(At { value, span: node.span })
    }

    pub(super) fn flag_condition(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<FlagCondition> {
        let mut map = self.map(node, path)?;
        let flag = map.need(self, "flag", Self::text);
        let enabled = map.get(self, "enabled", Self::boolean);
        let variant = map.get(self, "variant", Self::text);
        map.finish(self);
        Some(FlagCondition { flag: flag?, enabled, variant })
    }

    pub(super) fn conditions(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<Vec<At<Condition>>>> {
        self.list(node, path, Self::condition)
    }

    fn condition(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<Condition>> {
        let mut map = self.map(node, path)?;
        let has = |key: &str| map.entries().iter().any(|(name, _)| name.text == key);
        let value = if has("all") {
            map.get(self, "all", Self::conditions).map(|all| Condition::All(AllOf { all: all.value }))
        } else if has("any") {
            map.get(self, "any", Self::conditions).map(|any| Condition::Any(AnyOf { any: any.value }))
        } else if has("not") {
            map.get(self, "not", Self::condition).map(|not| Condition::Not(NotOf { not: Box::new(not) }))
        } else if has("cohort") {
            map.get(self, "cohort", Self::text).map(|cohort| Condition::Cohort(InCohort { cohort }))
        } else if has("flag") {
            return Some(At { value: Condition::Flag(self.flag_condition(node, path)?), span: node.span });
        } else {
            self.test(&mut map).map(Condition::Test)
        };
        map.finish(self);
        Some(At { value: value?, span: node.span })
    }

    fn test(&mut self, map: &mut Map<'_, '_>) -> Option<Test> {
        let attribute = map.need(self, "attribute", Self::text);
        let operator = map.need(self, "operator", Self::text);
        let value = map.get(self, "value", Self::operand);
        Some(Test { attribute: attribute?, operator: operator?, value })
    }

    fn operand(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<Operand>> {
        let value = match &node.value {
            NodeValue::List(_) => Operand::Many(self.list(node, path, Self::literal)?.value),
            _ => Operand::One(self.literal(node, path)?.value),
        };
        Some(At { value, span: node.span })
    }
}
