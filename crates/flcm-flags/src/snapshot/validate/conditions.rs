//! Validation of conditions: groups lie within each other, and everything that a condition names is there.
//!
//! A group says how many nodes its members take. The pass walks the nodes of an owner once, from left to right, with
//! the ends of the open groups on a stack of fixed size. A group must end within the one around it, and the stack
//! bounds the nesting, so the recursion of a decision is bounded as well.

use zerocopy::little_endian::U32;

use super::records::Pass;
use super::{Check, ensure};
use crate::snapshot::{SnapshotError, sections, wire};

/// What the conditions of one owner may name: the entries of its closure, which are decided before it.
pub(super) struct Scope<'s> {
    pub(super) closure: &'s [U32],
    /// Whether the owner is a flag, which may name any cohort; a cohort names no flags.
    pub(super) flags: bool,
}

impl Scope<'_> {
    /// Whether the closure holds a flag or cohort.
    pub(super) fn in_closure(&self, id: u32) -> bool {
        self.closure.iter().any(|entry| entry.get() == id)
    }
}

impl Pass<'_> {
    /// Checks the nodes of a rule or of a cohort's `when`. Many have none.
    #[inline]
    pub(super) fn check_nodes(&mut self, scope: &Scope<'_>, start: U32, count: U32) -> Check {
        self.nodes.claim(start, count.get())?;
        if count.get() > 0 { self.check_tree(scope, start, count) } else { Ok(()) }
    }

    #[inline(never)]
    fn check_tree(&self, scope: &Scope<'_>, start: U32, count: U32) -> Check {
        // Ends of the groups that are open; the outermost is the whole range.
        let mut ends = [start.get().saturating_add(count.get()); 17];
        let mut depth = 0_usize;
        for (id, record) in (start.get()..).zip(self.reader.records_at(sections::NODES, start, count.get())) {
            while depth > 0 && ends.get(depth).is_some_and(|end| *end <= id) {
                depth = depth.saturating_sub(1);
            }
            ensure(record.negated <= 1, &"conditions: unknown sign")?;
            if matches!(record.kind, wire::node::ALL | wire::node::ANY | wire::node::NOT) {
                let end = id.saturating_add(1).saturating_add(record.extra.get());
                ensure(ends.get(depth).is_some_and(|outer| end <= *outer), &"conditions: group out of bounds")?;
                depth = depth.saturating_add(1);
                let slot = ends.get_mut(depth).ok_or(SnapshotError(&"conditions: nested too deep"))?;
                *slot = end;
            } else {
                self.check_leaf(scope, record)?;
            }
        }
        Ok(())
    }

    /// Checks a node that is no group: its subject and its operands are there.
    fn check_leaf(&self, scope: &Scope<'_>, record: &wire::NodeRecord) -> Check {
        use wire::node;
        let (subject, operand, extra) = (record.subject.get(), record.operand.get(), record.extra.get());
        let subject_known = match record.kind {
            node::COHORT => {
                subject < self.reader.count(sections::COHORTS) && (scope.flags || scope.in_closure(subject))
            }
            node::FLAG => scope.flags && scope.in_closure(subject),
            _ => subject < self.reader.count(sections::ATTRIBUTES),
        };
        // How many operands there are, and where they must end.
        let (length, end) = match record.kind {
            node::COHORT | node::EXISTS | node::EQUAL_BOOL => (0, u32::MAX),
            node::FLAG => (1, if record.expected().is_some() { u32::MAX } else { 0 }),
            node::EQUAL_NUMBER | node::GREATER..=node::LESS_EQUAL | node::BEFORE | node::AFTER => {
                (1, self.reader.count(sections::NUMBERS))
            }
            node::IN_NUMBERS => (extra, self.reader.count(sections::NUMBERS)),
            node::IN_STRINGS | node::STARTS_WITH | node::ENDS_WITH => (extra, self.reader.count(sections::OPERANDS)),
            node::EQUAL_STRING | node::CONTAINS | node::SEMVER_EQUAL..=node::SEMVER_LESS_EQUAL => (1, self.strings),
            node::MATCHES => (1, self.reader.count(sections::PATTERNS)),
            _ => return Err(SnapshotError(&"conditions: unknown operator")),
        };
        let operand_known = operand.checked_add(length).is_some_and(|last| last <= end);
        ensure(subject_known && operand_known, &"conditions: unknown subject or operand")
    }
}
