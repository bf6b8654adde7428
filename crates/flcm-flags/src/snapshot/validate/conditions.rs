//! Conditions: groups lie within each other, and everything that a condition names is there.

use zerocopy::little_endian::U32;

use super::{Check, claim, ensure, fail, string_count};
use crate::snapshot::{Expected, Reader, wire};

/// What the conditions of one owner may name.
pub(super) struct Scope<'r, 's> {
    pub(super) reader: &'r Reader<'s>,
    pub(super) closure: &'s [U32],
    pub(super) flags: bool,
    pub(super) cohorts_in_closure: bool,
}

impl Scope<'_, '_> {
    pub(super) fn in_closure(&self, id: u32) -> bool {
        self.closure.iter().any(|entry| entry.get() == id)
    }

    pub(super) fn check_nodes(&self, next: &mut u32, start: u32, count: u32) -> Check {
        claim(next, &self.reader.layout.nodes, start, count, "conditions: range does not follow its neighbour")?;
        // Ends of the groups that are open; the outermost is the whole range.
        let mut ends = [start.saturating_add(count); 17];
        let mut depth = 0_usize;
        for id in start..start.saturating_add(count) {
            while depth > 0 && ends.get(depth).is_some_and(|end| *end <= id) {
                depth = depth.saturating_sub(1);
            }
            let Some(record) = self.reader.get(&self.reader.layout.nodes, id) else {
                return fail("conditions: out of bounds");
            };
            ensure(record.negated <= 1, "conditions: unknown sign")?;
            if matches!(record.kind, wire::node::ALL | wire::node::ANY | wire::node::NOT) {
                let end = id.saturating_add(1).saturating_add(record.extra.get());
                ensure(ends.get(depth).is_some_and(|outer| end <= *outer), "conditions: group out of bounds")?;
                depth = depth.saturating_add(1);
                match ends.get_mut(depth) {
                    Some(slot) => *slot = end,
                    None => return fail("conditions: nested too deep"),
                }
            } else {
                self.check_leaf(record)?;
            }
        }
        Ok(())
    }

    fn check_leaf(&self, record: &wire::NodeRecord) -> Check {
        use wire::node;
        let (reader, layout) = (self.reader, self.reader.layout);
        let (subject, operand, extra) = (record.subject.get(), record.operand.get(), record.extra.get());
        let inside = |count: u32| operand.checked_add(extra).is_some_and(|end| end <= count);
        let (subject_known, operand_known) = match record.kind {
            node::COHORT => {
                (subject < layout.cohorts.count && (!self.cohorts_in_closure || self.in_closure(subject)), true)
            }
            node::FLAG => (self.flags && self.in_closure(subject), expected(operand, extra).is_some()),
            kind => {
                let known = match kind {
                    node::EXISTS | node::EQUAL_BOOL => true,
                    node::EQUAL_NUMBER | node::GREATER..=node::LESS_EQUAL | node::BEFORE | node::AFTER => {
                        operand < layout.numbers.count
                    }
                    node::IN_NUMBERS => inside(layout.numbers.count),
                    node::IN_STRINGS | node::STARTS_WITH | node::ENDS_WITH => {
                        inside(layout.operands.count)
                            && reader
                                .range(&layout.operands, operand, extra)
                                .iter()
                                .all(|id| id.get() < string_count(reader))
                    }
                    node::EQUAL_STRING | node::CONTAINS | node::SEMVER_EQUAL..=node::SEMVER_LESS_EQUAL => {
                        operand < string_count(reader)
                    }
                    node::MATCHES => operand < layout.patterns.count,
                    _ => return fail("conditions: unknown operator"),
                };
                (subject < layout.attributes.count, known)
            }
        };
        ensure(subject_known, "conditions: unknown subject")?;
        ensure(operand_known, "conditions: unknown operand")
    }
}

/// The expectation of a flag condition, whose variant stands in `extra`.
fn expected(kind: u32, variant: u32) -> Option<Expected> {
    Expected::from_wire(u8::try_from(kind).ok()?, u16::try_from(variant).ok()?)
}
