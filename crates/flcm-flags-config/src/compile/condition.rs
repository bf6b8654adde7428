//! Conditions as nodes: a group is followed by its members.

use flcm_flags::Operator;
use flcm_flags::snapshot::wire::{self, node};
use zerocopy::little_endian::U32;

use super::Compiler;
use crate::compile::writer::id;
use crate::config::{Condition, Operand, Test};

impl<'c> Compiler<'c> {
    /// Writes a list of conditions; returns the number of nodes.
    pub(super) fn conditions(&mut self, conditions: impl Iterator<Item = &'c Condition>) -> U32 {
        let start = self.sections.nodes.len();
        conditions.for_each(|condition| self.condition(condition));
        id(self.sections.nodes.len() - start)
    }

    fn condition(&mut self, condition: &'c Condition) {
        let leaf = |kind, subject, operand, extra| wire::NodeRecord { kind, negated: 0, subject, operand, extra };
        let never = leaf(node::ANY, U32::ZERO, U32::ZERO, U32::ZERO);
        let record = match condition {
            Condition::All(members) => return self.group(node::ALL, members.iter()),
            Condition::Any(members) => return self.group(node::ANY, members.iter()),
            Condition::Not(member) => return self.group(node::NOT, std::iter::once(&**member)),
            Condition::Cohort(name) => {
                let cohort = self.cohorts.index(name);
                cohort.map_or(never, |cohort| leaf(node::COHORT, id(cohort), U32::ZERO, U32::ZERO))
            }
            Condition::Flag(dependency) => self.expectation(dependency).map_or(never, |(flag, expect, variant)| {
                leaf(node::FLAG, flag, U32::new(expect.into()), U32::new(variant.into()))
            }),
            Condition::Test(test) => self.test(test),
        };
        self.sections.nodes.push(record);
    }

    fn group(&mut self, kind: u8, members: impl Iterator<Item = &'c Condition>) {
        let at = self.sections.nodes.len();
        let (subject, operand) = (U32::ZERO, U32::ZERO);
        self.sections.nodes.push(wire::NodeRecord { kind, negated: 0, subject, operand, extra: U32::ZERO });
        let extra = self.conditions(members);
        self.sections.nodes[at].extra = extra;
    }

    fn test(&mut self, test: &'c Test) -> wire::NodeRecord {
        let (operand, extra) = self.operand(test);
        let (kind, negated) = kind(test);
        let subject = self.attributes.get(test.attribute.as_str()).copied().unwrap_or(U32::ZERO);
        wire::NodeRecord { kind, negated: negated.into(), subject, operand, extra }
    }

    fn operand(&mut self, test: &'c Test) -> (U32, U32) {
        let sections = &mut self.sections;
        match &test.operand {
            Operand::None => (U32::ZERO, U32::ZERO),
            Operand::Bool(value) => (U32::new((*value).into()), U32::ZERO),
            Operand::Number(value) => (sections.numbers.intern(*value), U32::ZERO),
            Operand::Numbers(list) => (sections.numbers.append(list), id(list.len())),
            Operand::Text(text) if test.operator == Operator::Matches => {
                (self.patterns.get(text.as_str()).copied().unwrap_or(U32::ZERO), U32::ZERO)
            }
            Operand::Text(text) => (sections.strings.intern(text), U32::ZERO),
            Operand::Texts(list) => {
                let start = id(sections.operands.len());
                for text in list {
                    let text = sections.strings.intern(text);
                    sections.operands.push(text);
                }
                (start, id(list.len()))
            }
            #[expect(clippy::cast_precision_loss, reason = "a time of RFC 3339 is below 2^53 milliseconds")]
            Operand::Time(time) => (sections.numbers.intern(*time as f64), U32::ZERO),
        }
    }
}

/// Whether an attribute is compared with strings by their ids.
pub(super) fn is_interned(test: &Test) -> bool {
    matches!(kind(test).0, node::EQUAL_STRING | node::IN_STRINGS)
}

pub(super) fn texts(test: &Test) -> Vec<&str> {
    match &test.operand {
        Operand::Text(text) => vec![text],
        Operand::Texts(list) => list.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

/// The kind of node, and whether the operator is negated.
const fn kind(test: &Test) -> (u8, bool) {
    use Operator as O;
    let equal = match test.operand {
        Operand::Bool(_) => node::EQUAL_BOOL,
        Operand::Number(_) => node::EQUAL_NUMBER,
        _ => node::EQUAL_STRING,
    };
    let one_of = if matches!(test.operand, Operand::Numbers(_)) { node::IN_NUMBERS } else { node::IN_STRINGS };
    match test.operator {
        O::After => (node::AFTER, false),
        O::Before => (node::BEFORE, false),
        O::Contains => (node::CONTAINS, false),
        O::EndsWith => (node::ENDS_WITH, false),
        O::Equal => (equal, false),
        O::Exists => (node::EXISTS, false),
        O::Greater => (node::GREATER, false),
        O::GreaterEqual => (node::GREATER_EQUAL, false),
        O::In => (one_of, false),
        O::Less => (node::LESS, false),
        O::LessEqual => (node::LESS_EQUAL, false),
        O::Matches => (node::MATCHES, false),
        O::NotContains => (node::CONTAINS, true),
        O::NotEqual => (equal, true),
        O::NotExists => (node::EXISTS, true),
        O::NotIn => (one_of, true),
        O::SemverEqual => (node::SEMVER_EQUAL, false),
        O::SemverGreater => (node::SEMVER_GREATER, false),
        O::SemverGreaterEqual => (node::SEMVER_GREATER_EQUAL, false),
        O::SemverLess => (node::SEMVER_LESS, false),
        O::SemverLessEqual => (node::SEMVER_LESS_EQUAL, false),
        O::StartsWith => (node::STARTS_WITH, false),
    }
}
