//! The one pass over the bytes, after which every read succeeds and every walk ends.
//!
//! Each check stands beside the record that it is about. Children are checked by their parent, and because the
//! parents' ranges tile the child's section, the pass is linear whatever the bytes say.

use zerocopy::FromBytes;
use zerocopy::little_endian::U32;

use super::wire::{self, Header, NONE, SectionRecord};
use super::{Expected, Layout, Reader, Section, SnapshotError, index, to_usize};
use crate::bucket::BUCKETS;

mod conditions;

use conditions::Scope;

type Check = Result<(), SnapshotError>;

pub(super) fn validate(bytes: &[u8]) -> Result<Layout, SnapshotError> {
    let layout = read_layout(bytes)?;
    let reader = Reader { bytes, layout: &layout };
    check_strings(&reader)?;
    check_tables(&reader)?;
    check_numbers(&reader)?;
    check_patterns(&reader)?;
    // Ahead of the flags: they look into the sets, which must not overlap by then.
    check_overrides(&reader)?;
    let mut cursor = Cursor::default();
    check_cohorts(&reader, &mut cursor)?;
    check_flags(&reader, &mut cursor)?;
    check_policies(&reader)?;
    cursor.check_end(&reader)?;
    Ok(layout)
}

const fn fail(problem: &'static str) -> Check {
    Err(SnapshotError(problem))
}

#[inline]
const fn ensure(holds: bool, problem: &'static str) -> Check {
    if holds { Ok(()) } else { fail(problem) }
}

fn read_layout(bytes: &[u8]) -> Result<Layout, SnapshotError> {
    let (header, rest) = Header::ref_from_prefix(bytes).map_err(|_| SnapshotError("header: too short"))?;
    ensure(header.magic == wire::MAGIC, "header: not a snapshot")?;
    ensure(header.version.get() == wire::VERSION, "header: unknown format version")?;
    ensure(to_usize(header.length.get()) == bytes.len(), "header: wrong length")?;
    let checksum = index::checksum(bytes.get(wire::UNCHECKED..).unwrap_or_default());
    ensure(header.checksum.get() == checksum, "header: wrong checksum")?;

    let mut layout = Layout { digest: checksum, revision: header.revision.get(), ..Layout::EMPTY };
    let (table, _) = <[SectionRecord]>::ref_from_prefix_with_elems(rest, header.sections.get().into())
        .map_err(|_| SnapshotError("section table: too short"))?;
    let mut previous = 0;
    for section in table {
        let (start, size) = (to_usize(section.offset.get()), usize::from(section.size.get()));
        let end = to_usize(section.count.get()).checked_mul(size).and_then(|length| length.checked_add(start));
        ensure(section.kind.get() > previous, "section table: out of order")?;
        ensure(end.is_some_and(|end| end <= bytes.len()), "section table: section out of bounds")?;
        ensure(layout.place(section.kind.get(), start, size, section.count.get()), "section table: wrong record size")?;
        previous = section.kind.get();
    }
    Ok(layout)
}

fn check_strings(reader: &Reader<'_>) -> Check {
    let text = core::str::from_utf8(reader.all(&reader.layout.text)).map_err(|_| SnapshotError("text: not UTF-8"))?;
    let mut previous = 0;
    for start in reader.all(&reader.layout.strings) {
        let start = to_usize(start.get());
        ensure(start >= previous && text.is_char_boundary(start), "strings: out of bounds")?;
        previous = start;
    }
    Ok(())
}

/// How many strings there are: each ends where the next begins.
fn string_count(reader: &Reader<'_>) -> u32 {
    reader.layout.strings.count.saturating_sub(1)
}

fn check_tables(reader: &Reader<'_>) -> Check {
    let layout = reader.layout;
    check_table(reader, &layout.attribute_table, layout.attributes.count)?;
    check_table(reader, &layout.flag_table, layout.flags.count)?;
    check_table(reader, &layout.operand_table, string_count(reader))?;
    for id in 0..layout.attributes.count {
        let name = reader.get(&layout.attributes, id).map_or(NONE, |attribute| attribute.name.get());
        ensure(name < string_count(reader), "attributes: unknown string")?;
    }
    Ok(())
}

fn check_table(reader: &Reader<'_>, table: &Section<U32>, entries: u32) -> Check {
    let slots = reader.all(table);
    ensure(slots.is_empty() || slots.len().is_power_of_two(), "hash table: size is no power of two")?;
    // Folded without an early exit, so that it runs as vectors.
    let valid = slots.iter().fold(true, |valid, slot| valid & (slot.get() == NONE || slot.get() < entries));
    ensure(valid, "hash table: unknown entry")
}

fn check_numbers(reader: &Reader<'_>) -> Check {
    let finite = reader.all(&reader.layout.numbers).iter().all(|number| number.get().is_finite());
    ensure(finite, "numbers: not finite")
}

fn check_patterns(reader: &Reader<'_>) -> Check {
    let layout = reader.layout;
    for id in 0..layout.patterns.count {
        let Some(pattern) = reader.get(&layout.patterns, id) else { return fail("patterns: out of bounds") };
        let (states, stride) = (u32::from(pattern.states.get()), u32::from(pattern.stride.get()));
        // The rows of the two fixed states are not stored.
        let length = states.saturating_sub(2).saturating_mul(stride);
        let classes = reader.range(&layout.classes, pattern.classes.get(), 256);
        let transitions = reader.range(&layout.transitions, pattern.transitions.get(), length);
        ensure(pattern.text.get() < string_count(reader), "patterns: unknown string")?;
        ensure(classes.len() == 256 && transitions.len() == to_usize(length), "patterns: out of bounds")?;
        // The last column is the end of the text, which no byte maps to.
        ensure(classes.iter().all(|class| u32::from(*class).saturating_add(1) < stride), "patterns: unknown class")?;
        ensure(transitions.iter().all(|next| u32::from(next.get()) < states), "patterns: unknown state")?;
        ensure(states > 2, "patterns: no start state")?;
    }
    Ok(())
}

/// How far each child section has been claimed by parents.
#[derive(Default)]
struct Cursor {
    rules: u32,
    nodes: u32,
    shares: u32,
    variants: u32,
    schedules: u32,
    closures: u32,
    dependencies: u32,
    override_sets: u32,
    cohort_closures: u32,
    members: u32,
}

/// Claims the next `count` children; `start` must be where the last claim ended.
#[inline]
fn claim<T>(next: &mut u32, section: &Section<T>, start: u32, count: u32, problem: &'static str) -> Check {
    let end = start.saturating_add(count);
    ensure(start == *next && end <= section.count, problem)?;
    *next = end;
    Ok(())
}

impl Cursor {
    fn check_end(&self, reader: &Reader<'_>) -> Check {
        let layout = reader.layout;
        let all = self.rules == layout.rules.count
            && self.nodes == layout.nodes.count
            && self.shares == layout.shares.count
            && self.variants == layout.variants.count
            && self.schedules == layout.schedules.count
            && self.closures == layout.closures.count
            && self.dependencies == layout.dependencies.count
            && self.override_sets == layout.override_sets.count
            && self.cohort_closures == layout.cohort_closures.count
            && self.members == layout.members.count;
        ensure(all, "sections: records that belong to nothing")
    }
}

fn check_cohorts(reader: &Reader<'_>, cursor: &mut Cursor) -> Check {
    let layout = reader.layout;
    for id in 0..layout.cohorts.count {
        let Some(cohort) = reader.get(&layout.cohorts, id) else { return fail("cohorts: out of bounds") };
        ensure(cohort.name.get() < string_count(reader), "cohorts: unknown string")?;
        for (start, count) in [(cohort.except, cohort.except_count), (cohort.users, cohort.user_count)] {
            claim(
                &mut cursor.members,
                &layout.members,
                start.get(),
                count.get(),
                "members: range does not follow its neighbour",
            )?;
            let members = reader.range(&layout.members, start.get(), count.get());
            ensure(members.is_sorted_by(|left, right| left.get() < right.get()), "members: out of order")?;
        }
        let count = u32::from(cohort.closure_count.get());
        claim(
            &mut cursor.cohort_closures,
            &layout.cohort_closures,
            cohort.closure.get(),
            count,
            "cohort closures: range does not follow its neighbour",
        )?;
        let closure = reader.range(&layout.cohort_closures, cohort.closure.get(), count);
        let depth = |id| reader.get(&layout.cohorts, id).map(|cohort| cohort.depth);
        check_closure(closure, cohort.depth, depth)?;
        let (start, count) = (cohort.conditions.get(), cohort.condition_count.get());
        let scope = Scope { reader, closure, flags: false, cohorts_in_closure: true };
        scope.check_nodes(&mut cursor.nodes, start, count)?;
    }
    Ok(())
}

/// Depths ascend within a closure and stay below the owner's, so nothing is its own prerequisite.
fn check_closure(closure: &[U32], owner: u8, depth: impl Fn(u32) -> Option<u8>) -> Check {
    ensure(closure.len() <= wire::MAX_CLOSURE, "closures: too long")?;
    let mut previous = 0;
    for id in closure {
        let depth = depth(id.get()).ok_or(SnapshotError("closures: unknown entry"))?;
        ensure(previous <= depth && depth < owner, "closures: cycle")?;
        previous = depth;
    }
    Ok(())
}

fn check_flags(reader: &Reader<'_>, cursor: &mut Cursor) -> Check {
    let layout = reader.layout;
    let mut previous: Option<&[u8]> = None;
    let mut deep = 0_u32;
    for id in 0..layout.flags.count {
        let Some(flag) = reader.get(&layout.flags, id) else { return fail("flags: out of bounds") };
        ensure(flag.key.get() < string_count(reader), "flags: unknown string")?;
        let key = reader.text_bytes(flag.key.get());
        ensure(previous.is_none_or(|previous| previous < key), "flags: keys out of order")?;
        previous = Some(key);
        deep = deep.saturating_add(u32::from(flag.depth > 0));
        check_flag(reader, flag, cursor)?;
    }
    check_order(reader, deep)
}

fn check_flag(reader: &Reader<'_>, flag: &wire::FlagRecord, cursor: &mut Cursor) -> Check {
    let layout = reader.layout;
    let by = flag.by.get();
    ensure(flag.salt.get() < string_count(reader), "flags: unknown string")?;
    ensure(by == NONE || by < layout.attributes.count, "flags: unknown attribute")?;
    let has = |step: u8| flag.steps & step != 0;
    let steps = has(wire::step::BY) == (by != NONE)
        && has(wire::step::DEPENDENCIES) == (flag.dependency_count.get() > 0)
        && has(wire::step::OVERRIDES) == (flag.overrides.get() != NONE);
    ensure(steps && flag.steps < 16, "flags: steps that do not fit")?;
    ensure(flag.default.kind != wire::value::NONE, "flags: no default")?;
    check_value(reader, flag.default)?;
    check_value(reader, flag.on)?;
    ensure(flag.policy.get() == NONE || flag.policy.get() < layout.policies.count, "flags: unknown policy")?;
    if flag.overrides.get() != NONE {
        claim(
            &mut cursor.override_sets,
            &layout.override_sets,
            flag.overrides.get(),
            1,
            "override sets: range does not follow its neighbour",
        )?;
        check_override_variants(reader, flag)?;
    }
    let count = u32::from(flag.closure_count.get());
    claim(
        &mut cursor.closures,
        &layout.closures,
        flag.closure.get(),
        count,
        "closures: range does not follow its neighbour",
    )?;
    let closure = reader.range(&layout.closures, flag.closure.get(), count);
    check_closure(closure, flag.depth, |id| reader.get(&layout.flags, id).map(|flag| flag.depth))?;
    let scope = Scope { reader, closure, flags: true, cohorts_in_closure: false };
    check_dependencies(&scope, flag, cursor)?;
    check_variants(reader, flag, cursor)?;
    check_shares(reader, flag, flag.shares.get(), flag.share_count.get(), cursor)?;
    let (start, count) = (flag.rules.get(), u32::from(flag.rule_count.get()));
    claim(&mut cursor.rules, &layout.rules, start, count, "rules: range does not follow its neighbour")?;
    (start..start.saturating_add(count)).try_for_each(|id| match reader.get(&layout.rules, id) {
        Some(rule) => check_rule(&scope, flag, rule, cursor),
        None => fail("rules: out of bounds"),
    })
}

fn check_value(reader: &Reader<'_>, value: wire::ValueRecord) -> Check {
    let payload = value.payload.get();
    let valid = match value.kind {
        wire::value::NONE => true,
        wire::value::BOOL => payload <= 1,
        wire::value::NUMBER => payload < reader.layout.numbers.count,
        wire::value::STRING | wire::value::JSON => payload < string_count(reader),
        _ => false,
    };
    ensure(valid, "values: unknown value")
}

fn check_dependencies(scope: &Scope<'_, '_>, flag: &wire::FlagRecord, cursor: &mut Cursor) -> Check {
    let layout = scope.reader.layout;
    let (start, count) = (flag.dependencies.get(), u32::from(flag.dependency_count.get()));
    claim(
        &mut cursor.dependencies,
        &layout.dependencies,
        start,
        count,
        "dependencies: range does not follow its neighbour",
    )?;
    for id in start..start.saturating_add(count) {
        let Some(record) = scope.reader.get(&layout.dependencies, id) else {
            return fail("dependencies: out of bounds");
        };
        ensure(scope.in_closure(record.flag.get()), "dependencies: flag is not in the closure")?;
        let expected = Expected::from_wire(record.expect, record.variant.get());
        ensure(expected.is_some(), "dependencies: unknown expectation")?;
    }
    Ok(())
}

fn check_variants(reader: &Reader<'_>, flag: &wire::FlagRecord, cursor: &mut Cursor) -> Check {
    let (start, count) = (flag.variants.get(), u32::from(flag.variant_count.get()));
    claim(
        &mut cursor.variants,
        &reader.layout.variants,
        start,
        count,
        "variants: range does not follow its neighbour",
    )?;
    for id in start..start.saturating_add(count) {
        let Some(variant) = reader.get(&reader.layout.variants, id) else { return fail("variants: out of bounds") };
        ensure(variant.name.get() < string_count(reader), "variants: unknown string")?;
        check_value(reader, variant.value)?;
    }
    Ok(())
}

fn check_shares(reader: &Reader<'_>, flag: &wire::FlagRecord, start: u32, count: u16, cursor: &mut Cursor) -> Check {
    let count = u32::from(count);
    claim(&mut cursor.shares, &reader.layout.shares, start, count, "shares: range does not follow its neighbour")?;
    let mut sum = 0;
    for id in start..start.saturating_add(count) {
        let Some(share) = reader.get(&reader.layout.shares, id) else { return fail("shares: out of bounds") };
        ensure(share.variant.get() < flag.variant_count.get(), "shares: unknown variant")?;
        ensure(share.cumulative.get() > sum, "shares: sums do not ascend")?;
        sum = share.cumulative.get();
    }
    Ok(())
}

fn check_rule(scope: &Scope<'_, '_>, flag: &wire::FlagRecord, rule: &wire::RuleRecord, cursor: &mut Cursor) -> Check {
    let reader = scope.reader;
    let name = rule.name.get();
    ensure(name == NONE || name < string_count(reader), "rules: unknown string")?;
    ensure(rule.serve <= wire::serve::COHORT_OFF && rule.linear <= 1, "rules: unknown kind")?;
    ensure(rule.percentage.get() <= BUCKETS, "rules: percentage above 100")?;
    check_shares(reader, flag, rule.shares.get(), rule.share_count.get(), cursor)?;
    let (start, count) = (rule.schedule.get(), u32::from(rule.schedule_count.get()));
    claim(
        &mut cursor.schedules,
        &reader.layout.schedules,
        start,
        count,
        "schedules: range does not follow its neighbour",
    )?;
    let mut previous = None;
    for id in start..start.saturating_add(count) {
        let Some(entry) = reader.get(&reader.layout.schedules, id) else { return fail("schedules: out of bounds") };
        ensure(entry.percentage.get() <= BUCKETS, "schedules: percentage above 100")?;
        ensure(previous.is_none_or(|previous| previous < entry.at.get()), "schedules: out of order")?;
        previous = Some(entry.at.get());
    }
    if flag.level > wire::LEVEL {
        // Conditions of a later level: skipped, as the flag is never decided.
        return claim(
            &mut cursor.nodes,
            &reader.layout.nodes,
            rule.conditions.get(),
            rule.condition_count.get(),
            "conditions",
        );
    }
    scope.check_nodes(&mut cursor.nodes, rule.conditions.get(), rule.condition_count.get())
}

fn check_override_variants(reader: &Reader<'_>, flag: &wire::FlagRecord) -> Check {
    let Some(set) = reader.get(&reader.layout.override_sets, flag.overrides.get()) else {
        return fail("override sets: out of bounds");
    };
    let end = set.start.get().saturating_add(set.count.get()).min(reader.layout.overrides.count);
    for id in set.start.get()..end {
        let serve = reader.get(&reader.layout.overrides, id).map_or(0, |entry| entry.serve.get());
        let known = serve >= wire::OVERRIDE_OFF || serve < flag.variant_count.get();
        ensure(known, "overrides: unknown variant")?;
    }
    Ok(())
}

fn check_overrides(reader: &Reader<'_>) -> Check {
    let layout = reader.layout;
    let mut next = 0;
    for id in 0..layout.override_sets.count {
        let Some(set) = reader.get(&layout.override_sets, id) else { return fail("override sets: out of bounds") };
        let (start, count) = (set.start.get(), set.count.get());
        claim(&mut next, &layout.overrides, start, count, "overrides: range does not follow its neighbour")?;
        let hash = |id| reader.get(&layout.overrides, id).map(|entry| entry.hash.get());
        let sorted = (start..start.saturating_add(count)).is_sorted_by(|left, right| hash(*left) < hash(*right));
        ensure(sorted, "overrides: out of order")?;
    }
    ensure(next == layout.overrides.count, "overrides: records that belong to nothing")
}

/// Flags with prerequisites, each once, by ascending depth: the order of `evaluate_all`.
fn check_order(reader: &Reader<'_>, deep: u32) -> Check {
    let layout = reader.layout;
    let mut previous = (0, 0);
    for id in reader.all(&layout.order) {
        let depth = reader.get(&layout.flags, id.get()).map_or(0, |flag| flag.depth);
        ensure(depth > 0, "order: flag without prerequisites")?;
        ensure(previous < (depth, id.get().saturating_add(1)), "order: out of order")?;
        previous = (depth, id.get().saturating_add(1));
    }
    ensure(layout.order.count == deep, "order: a flag is missing")
}

fn check_policies(reader: &Reader<'_>) -> Check {
    for id in 0..reader.layout.policies.count {
        let Some(policy) = reader.get(&reader.layout.policies, id) else { return fail("policies: out of bounds") };
        ensure((0.0..=1.0).contains(&policy.rate.get()), "policies: rate out of bounds")?;
        ensure(policy.probe.get() <= BUCKETS, "policies: probe share above 100")?;
    }
    Ok(())
}
