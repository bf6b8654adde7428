//! Conditions: groups, and the table of operators.

use std::cmp::Ordering;

use flcm_flags_config::config::{Condition, Operand, Operator as O, Test};
use regex::Regex;

use super::{Oracle, Question, compare, milliseconds, read};
use crate::Attribute as A;

impl Oracle<'_> {
    /// A list of conditions means all of them; an empty one holds.
    pub(super) fn all_hold(&self, conditions: &[Condition], question: Question<'_>) -> bool {
        conditions.iter().all(|condition| self.holds(condition, question))
    }

    fn holds(&self, condition: &Condition, question: Question<'_>) -> bool {
        match condition {
            Condition::All(members) => self.all_hold(members, question),
            Condition::Any(members) => members.iter().any(|member| self.holds(member, question)),
            Condition::Not(member) => !self.holds(member, question),
            Condition::Cohort(name) => self.is_member(name, question),
            Condition::Flag(dependency) => self.is_met(dependency, question),
            Condition::Test(test) => self.passes(test, read(question.context, &test.attribute)),
        }
    }

    /// An absent attribute makes every operator false but `not_exists`.
    fn passes(&self, test: &Test, actual: Option<A>) -> bool {
        match (actual, test.operator) {
            (None, operator) => operator == O::NotExists,
            (Some(_), O::Exists) => true,
            (Some(_), O::NotExists) => false,
            (Some(A::Bool(actual)), _) => bool_passes(actual, test),
            (Some(A::Number(actual)), _) => number_passes(actual, test),
            (Some(A::List(actual)), _) => list_passes(&actual, test),
            (Some(A::Text(actual)), O::Matches) => self.matches(&actual, test),
            (Some(A::Text(actual)), _) => text_passes(&actual, test),
        }
    }

    fn matches(&self, actual: &str, test: &Test) -> bool {
        let Operand::Text(pattern) = &test.operand else { return false };
        let mut patterns = self.patterns.borrow_mut();
        if !patterns.contains_key(pattern) {
            let compiled = Regex::new(pattern).unwrap_or_else(|error| panic!("a checked pattern: {error}"));
            patterns.insert(pattern.clone(), compiled);
        }
        patterns[pattern].is_match(actual)
    }
}

/// What a boolean can pass. Whatever is not listed is of the wrong type, and false; likewise below.
fn bool_passes(actual: bool, test: &Test) -> bool {
    match (test.operator, &test.operand) {
        (O::Equal, Operand::Bool(wanted)) => actual == *wanted,
        (O::NotEqual, Operand::Bool(wanted)) => actual != *wanted,
        _ => false,
    }
}

#[expect(clippy::float_cmp, reason = "`==` of the document is the equality of IEEE 754")]
fn number_passes(actual: f64, test: &Test) -> bool {
    match (test.operator, &test.operand) {
        (O::Equal, Operand::Number(wanted)) => actual == *wanted,
        (O::NotEqual, Operand::Number(wanted)) => actual != *wanted,
        (O::Greater, Operand::Number(bound)) => actual > *bound,
        (O::GreaterEqual, Operand::Number(bound)) => actual >= *bound,
        (O::Less, Operand::Number(bound)) => actual < *bound,
        (O::LessEqual, Operand::Number(bound)) => actual <= *bound,
        (O::In, Operand::Numbers(list)) => list.contains(&actual),
        (O::NotIn, Operand::Numbers(list)) => !list.contains(&actual),
        (O::Before, Operand::Time(time)) => actual < exact(*time),
        (O::After, Operand::Time(time)) => actual > exact(*time),
        _ => false,
    }
}

fn list_passes(actual: &[String], test: &Test) -> bool {
    match (test.operator, &test.operand) {
        (O::Contains, Operand::Text(member)) => actual.contains(member),
        (O::NotContains, Operand::Text(member)) => !actual.contains(member),
        _ => false,
    }
}

fn text_passes(actual: &str, test: &Test) -> bool {
    match (test.operator, &test.operand) {
        (O::Equal, Operand::Text(wanted)) => actual == wanted,
        (O::NotEqual, Operand::Text(wanted)) => actual != wanted,
        (O::In, Operand::Texts(list)) => list.iter().any(|wanted| actual == wanted),
        (O::NotIn, Operand::Texts(list)) => !list.iter().any(|wanted| actual == wanted),
        (O::Contains, Operand::Text(part)) => actual.contains(part.as_str()),
        (O::NotContains, Operand::Text(part)) => !actual.contains(part.as_str()),
        (O::StartsWith, Operand::Texts(list)) => list.iter().any(|start| actual.starts_with(start.as_str())),
        (O::EndsWith, Operand::Texts(list)) => list.iter().any(|end| actual.ends_with(end.as_str())),
        (O::Before, Operand::Time(time)) => milliseconds(actual).is_some_and(|actual| actual < *time),
        (O::After, Operand::Time(time)) => milliseconds(actual).is_some_and(|actual| actual > *time),
        (_, Operand::Text(version)) => {
            compare(actual, version).is_some_and(|order| version_passes(order, test.operator))
        }
        _ => false,
    }
}

fn version_passes(order: Ordering, operator: O) -> bool {
    match operator {
        O::SemverEqual => order.is_eq(),
        O::SemverGreater => order.is_gt(),
        O::SemverGreaterEqual => order.is_ge(),
        O::SemverLess => order.is_lt(),
        O::SemverLessEqual => order.is_le(),
        _ => false,
    }
}

/// A time of RFC 3339 is below 2^53 milliseconds, so the float is exact.
#[expect(clippy::cast_precision_loss, reason = "see above")]
const fn exact(time: i64) -> f64 {
    time as f64
}
