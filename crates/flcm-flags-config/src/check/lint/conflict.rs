//! Conditions that exclude each other, so that they never hold together.
//!
//! Only what is certain is found: two tests of one attribute that no value passes, and a condition beside its opposite.

use flcm_flags::Operator;

use crate::config::graph::test_of;
use crate::config::{Condition, Operand, Test};

/// A condition is compared with so many others only, so that the check stays linear.
const NEAR: usize = 16;

/// Why conditions never hold together; `None` if they may.
pub(super) fn of(conditions: &[Condition]) -> Option<String> {
    // One condition excludes nothing but itself.
    if let [] | [Condition::Cohort(_) | Condition::Flag(_) | Condition::Test(_)] = conditions {
        return None;
    }
    let mut all = Vec::with_capacity(conditions.len());
    flatten(conditions, &mut all);
    opposites(&all).or_else(|| tests(&all))
}

/// The conditions of nested `all` as one list.
fn flatten<'c>(conditions: &'c [Condition], all: &mut Vec<&'c Condition>) {
    for condition in conditions {
        match condition {
            Condition::All(members) => flatten(members, all),
            other => all.push(other),
        }
    }
}

fn opposites(all: &[&Condition]) -> Option<String> {
    let opposite = |(index, condition): (usize, &&Condition)| {
        let Condition::Not(member) = condition else { return false };
        let near = index.saturating_sub(NEAR)..all.len().min(index + NEAR);
        all[near].contains(&&**member)
    };
    let found = all.iter().enumerate().any(opposite);
    found.then(|| "a condition and its opposite exclude each other".to_owned())
}

fn tests(all: &[&Condition]) -> Option<String> {
    let mut tests: Vec<(usize, &Test)> = all.iter().filter_map(|condition| test_of(condition)).enumerate().collect();
    tests.sort_unstable_by_key(|(place, test)| (&test.attribute, *place));
    let is_excluded = |(index, (_, test)): &(usize, &(usize, &Test))| {
        let near = tests[index.saturating_sub(NEAR)..*index].iter();
        near.filter(|(_, other)| other.attribute == test.attribute).any(|(_, other)| exclude(other, test))
    };
    let found = tests.iter().enumerate().filter(is_excluded).map(|(_, found)| found);
    let first = found.min_by_key(|(place, _)| place);
    first.map(|(_, test)| format!("its conditions on `{}` exclude each other", test.attribute))
}

/// Whether no value passes both tests.
fn exclude(one: &Test, other: &Test) -> bool {
    no_candidate(one, other) || no_candidate(other, one) || absent(one, other) || absent(other, one) || gap(one, other)
}

/// Every operator but `not_exists` needs the attribute.
fn absent(one: &Test, other: &Test) -> bool {
    one.operator == Operator::NotExists && other.operator != Operator::NotExists
}

/// Whether all values that pass the one test fail the other.
fn no_candidate(one: &Test, other: &Test) -> bool {
    let candidates = match one.operator {
        Operator::Equal | Operator::In => values(&one.operand),
        _ => return false,
    };
    !candidates.is_empty() && candidates.iter().all(|value| passes(value, other) == Some(false))
}

/// A value that a test names.
#[derive(PartialEq)]
enum Value<'t> {
    Bool(bool),
    Number(f64),
    Text(&'t str),
}

fn values(operand: &Operand) -> Vec<Value<'_>> {
    match operand {
        Operand::Bool(value) => vec![Value::Bool(*value)],
        Operand::Number(number) => vec![Value::Number(*number)],
        Operand::Numbers(list) => list.iter().map(|number| Value::Number(*number)).collect(),
        Operand::Text(text) => vec![Value::Text(text)],
        Operand::Texts(list) => list.iter().map(|text| Value::Text(text)).collect(),
        Operand::None | Operand::Time(_) => Vec::new(),
    }
}

/// Whether a value passes a test; `None` where that is not simple.
fn passes(value: &Value<'_>, test: &Test) -> Option<bool> {
    use Operator as O;
    let named = values(&test.operand);
    let same_type = named.first().is_some_and(|first| std::mem::discriminant(first) == std::mem::discriminant(value));
    match (test.operator, value) {
        (O::Equal | O::In, _) => Some(named.contains(value)),
        (O::NotEqual | O::NotIn, _) => Some(same_type && !named.contains(value)),
        (O::Greater | O::GreaterEqual | O::Less | O::LessEqual, Value::Number(number)) => {
            bound(test).map(|bound| bound.holds(*number))
        }
        (O::StartsWith, Value::Text(text)) => Some(texts(&named).any(|start| text.starts_with(start))),
        (O::EndsWith, Value::Text(text)) => Some(texts(&named).any(|end| text.ends_with(end))),
        _ => None,
    }
}

fn texts<'v>(values: &'v [Value<'v>]) -> impl Iterator<Item = &'v str> {
    values.iter().filter_map(|value| if let Value::Text(text) = value { Some(*text) } else { None })
}

/// The numbers on one side of an edge.
#[derive(Clone, Copy)]
struct Bound {
    edge: f64,
    is_lower: bool,
    /// Whether the edge itself passes.
    closed: bool,
}

impl Bound {
    fn holds(self, number: f64) -> bool {
        match (self.is_lower, self.closed) {
            (true, true) => number >= self.edge,
            (true, false) => number > self.edge,
            (false, true) => number <= self.edge,
            (false, false) => number < self.edge,
        }
    }
}

fn bound(test: &Test) -> Option<Bound> {
    let Operand::Number(edge) = test.operand else { return None };
    let (is_lower, closed) = match test.operator {
        Operator::Greater => (true, false),
        Operator::GreaterEqual => (true, true),
        Operator::Less => (false, false),
        Operator::LessEqual => (false, true),
        _ => return None,
    };
    Some(Bound { edge, is_lower, closed })
}

/// Whether one test wants numbers above an edge, and the other numbers below one that is not higher.
fn gap(one: &Test, other: &Test) -> bool {
    let (Some(one), Some(other)) = (bound(one), bound(other)) else { return false };
    let (low, high) = if one.is_lower { (one, other) } else { (other, one) };
    low.is_lower && !high.is_lower && !(low.holds(high.edge) && high.holds(high.edge)) && low.edge >= high.edge
}
