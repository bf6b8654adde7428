//! The checks of all records: what a decision follows is there, in the order in which it is searched, and without
//! cycles.
//!
//! Parents check their children. The ranges of all parents tile the children's section ([`Claims`] holds them to it),
//! so each record is checked once and the pass is linear, whatever the bytes claim. Without that, a snapshot of a
//! megabyte could name the same million children from each of a thousand parents.

use zerocopy::little_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::conditions::Scope;
use super::{Check, ensure};
use crate::bucket::BUCKETS;
use crate::snapshot::sections::{self, Section};
use crate::snapshot::wire::{self, FlagRecord, NONE, RuleRecord};
use crate::snapshot::{Expected, Reader, SnapshotError, to_usize};

/// Checks all records.
pub(super) fn check(reader: Reader<'_>) -> Check {
    Pass::new(reader).check()
}

impl<'s> Reader<'s> {
    /// All records of a section.
    fn records<T>(&self, section: Section<T>) -> impl Iterator<Item = &'s T> + use<'s, T>
    where
        T: FromBytes + Immutable + KnownLayout + Unaligned + 's,
    {
        self.records_at(section, U32::ZERO, self.count(section))
    }

    /// A range of records, as far as it is there.
    pub(super) fn records_at<T>(
        &self,
        section: Section<T>,
        start: U32,
        count: u32,
    ) -> impl Iterator<Item = &'s T> + use<'s, T>
    where
        T: FromBytes + Immutable + KnownLayout + Unaligned + 's,
    {
        let reader = *self;
        (start.get()..start.get().saturating_add(count)).map_while(move |id| reader.get(section, id))
    }
}

/// How far a section of children has been claimed by parents, from its start on.
pub(super) struct Claims {
    next: u32,
    count: u32,
}

impl Claims {
    fn of<T>(reader: Reader<'_>, section: Section<T>) -> Self {
        Self { next: 0, count: reader.count(section) }
    }

    /// Claims the next `count` children. `start` must be where the last claim ended, so that ranges tile.
    pub(super) fn claim(&mut self, start: U32, count: u32) -> Check {
        let end = start.get().saturating_add(count);
        ensure(start.get() == self.next && end <= self.count, &"records: range does not follow its neighbour")?;
        self.next = end;
        Ok(())
    }

    /// Like [`claim`](Self::claim), of a count that is half as wide.
    fn claim_short(&mut self, start: U32, count: U16) -> Check {
        self.claim(start, count.get().into())
    }
}

/// The pass: what is read, and what has been claimed of it.
pub(super) struct Pass<'s> {
    pub(super) reader: Reader<'s>,
    /// How many strings there are: each ends where the next begins.
    pub(super) strings: u32,
    rules: Claims,
    pub(super) nodes: Claims,
    shares: Claims,
    variants: Claims,
    schedules: Claims,
    closures: Claims,
    dependencies: Claims,
    override_sets: Claims,
    overrides: Claims,
    cohort_closures: Claims,
    members: Claims,
}

impl<'s> Pass<'s> {
    fn new(reader: Reader<'s>) -> Self {
        Self {
            reader,
            strings: reader.count(sections::STRINGS).saturating_sub(1),
            rules: Claims::of(reader, sections::RULES),
            nodes: Claims::of(reader, sections::NODES),
            shares: Claims::of(reader, sections::SHARES),
            variants: Claims::of(reader, sections::VARIANTS),
            schedules: Claims::of(reader, sections::SCHEDULES),
            closures: Claims::of(reader, sections::CLOSURES),
            dependencies: Claims::of(reader, sections::DEPENDENCIES),
            override_sets: Claims::of(reader, sections::OVERRIDE_SETS),
            overrides: Claims::of(reader, sections::OVERRIDES),
            cohort_closures: Claims::of(reader, sections::COHORT_CLOSURES),
            members: Claims::of(reader, sections::MEMBERS),
        }
    }

    /// All checks. Strings come first, because everything else names them.
    fn check(&mut self) -> Check {
        self.check_strings()?;
        self.check_ids()?;
        self.check_numbers()?;
        self.check_patterns()?;
        // Ahead of the flags: they look into the sets, which must not overlap by then.
        self.check_overrides()?;
        self.check_cohorts()?;
        self.check_flags()?;
        self.check_policies()?;
        self.check_end()
    }

    /// Every child must belong to some parent.
    fn check_end(&self) -> Check {
        let all = [
            &self.rules,
            &self.nodes,
            &self.shares,
            &self.variants,
            &self.schedules,
            &self.closures,
            &self.dependencies,
            &self.override_sets,
            &self.overrides,
            &self.cohort_closures,
            &self.members,
        ];
        ensure(all.iter().all(|claims| claims.next == claims.count), &"sections: records that belong to nothing")
    }

    /// The text is UTF-8 as a whole, and each string begins and ends at a character of it.
    fn check_strings(&self) -> Check {
        let text =
            core::str::from_utf8(self.reader.all(sections::TEXT)).map_err(|_| SnapshotError(&"text: not UTF-8"))?;
        let mut previous = 0;
        for start in self.reader.all(sections::STRINGS) {
            let start = to_usize(start.get());
            ensure(start >= previous && text.is_char_boundary(start), &"strings: out of bounds")?;
            previous = start;
        }
        Ok(())
    }

    /// Sections that consist of ids: hash tables, operands, and the names of attributes.
    fn check_ids(&self) -> Check {
        self.check_table(sections::ATTRIBUTE_TABLE, self.reader.count(sections::ATTRIBUTES))?;
        self.check_table(sections::FLAG_TABLE, self.reader.count(sections::FLAGS))?;
        self.check_table(sections::OPERAND_TABLE, self.strings)?;
        let known = self.reader.all(sections::OPERANDS).iter().all(|id| id.get() < self.strings);
        ensure(known, &"operands: unknown string")?;
        self.reader.records(sections::ATTRIBUTES).try_for_each(|attribute| self.check_string(attribute.name))
    }

    /// A hash table has a power of two of slots, and names nothing that is not there.
    fn check_table(&self, table: Section<U32>, entries: u32) -> Check {
        let slots = self.reader.all(table);
        ensure(slots.is_empty() || slots.len().is_power_of_two(), &"hash table: size is no power of two")?;
        // Folded without an early exit, so that it runs as vectors.
        let valid = slots.iter().fold(true, |valid, slot| valid & (slot.get() == NONE || slot.get() < entries));
        ensure(valid, &"hash table: unknown entry")
    }

    fn check_string(&self, id: U32) -> Check {
        ensure(id.get() < self.strings, &"strings: unknown")
    }

    /// Numbers are finite, so that every comparison of the document means what it says.
    fn check_numbers(&self) -> Check {
        let finite = self.reader.all(sections::NUMBERS).iter().all(|number| number.get().is_finite());
        ensure(finite, &"numbers: not finite")
    }

    /// A walk over the table of a pattern never leaves the table.
    fn check_patterns(&self) -> Check {
        for pattern in self.reader.records(sections::PATTERNS) {
            let (states, stride) = (u32::from(pattern.states.get()), u32::from(pattern.stride.get()));
            // The rows of the two fixed states are not stored.
            let length = states.saturating_sub(2).saturating_mul(stride);
            let classes = self.reader.range(sections::CLASSES, pattern.classes.get(), 256);
            let transitions = self.reader.range(sections::TRANSITIONS, pattern.transitions.get(), length);
            self.check_string(pattern.text)?;
            // The last column is the end of the text, which no byte maps to.
            let valid = states > 2
                && classes.len() == 256
                && classes.iter().all(|class| u32::from(*class).saturating_add(1) < stride)
                && transitions.len() == to_usize(length)
                && transitions.iter().all(|next| u32::from(next.get()) < states);
            ensure(valid, &"patterns: broken table")?;
        }
        Ok(())
    }

    /// Cohorts: members ascend, closures have no cycle, conditions name what is there.
    fn check_cohorts(&mut self) -> Check {
        for cohort in self.reader.records(sections::COHORTS) {
            self.check_string(cohort.name)?;
            for (start, count) in [(cohort.except, cohort.except_count), (cohort.users, cohort.user_count)] {
                self.members.claim(start, count.get())?;
                let members = self.reader.range(sections::MEMBERS, start.get(), count.get());
                let sorted = members.is_sorted_by(|left, right| left.get() < right.get());
                ensure(sorted, &"members: out of order")?;
            }
            self.cohort_closures.claim_short(cohort.closure, cohort.closure_count)?;
            let count = cohort.closure_count.get().into();
            let closure = self.reader.range(sections::COHORT_CLOSURES, cohort.closure.get(), count);
            let depth = |id| self.reader.get(sections::COHORTS, id).map(|cohort| cohort.depth);
            check_closure(closure, cohort.depth, depth)?;
            let scope = Scope { closure, flags: false };
            self.check_nodes(&scope, cohort.conditions, cohort.condition_count)?;
        }
        Ok(())
    }

    /// Flags: keys ascend strictly, so each is there once.
    fn check_flags(&mut self) -> Check {
        let mut previous: Option<&[u8]> = None;
        let mut deep = 0_u32;
        for flag in self.reader.records(sections::FLAGS) {
            self.check_string(flag.key)?;
            let key = self.reader.text_bytes(flag.key.get());
            ensure(previous.is_none_or(|previous| previous < key), &"flags: keys out of order")?;
            previous = Some(key);
            deep = deep.saturating_add(u32::from(flag.depth > 0));
            self.check_flag(flag)?;
        }
        self.check_order(deep)
    }

    /// One flag with all of its children.
    fn check_flag(&mut self, flag: &FlagRecord) -> Check {
        self.check_string(flag.salt)?;
        let steps = flag.has(wire::step::BY) == (flag.by.get() != NONE)
            && flag.has(wire::step::DEPENDENCIES) == (flag.dependency_count.get() > 0)
            && flag.has(wire::step::OVERRIDES) == (flag.overrides.get() != NONE);
        ensure(steps && flag.steps < 16, &"flags: steps that do not fit")?;
        ensure(flag.default.kind != wire::value::NONE, &"flags: no default")?;
        self.check_value(flag.default)?;
        self.check_value(flag.on)?;
        let known = is_none_or_below(flag.by, self.reader.count(sections::ATTRIBUTES))
            && is_none_or_below(flag.policy, self.reader.count(sections::POLICIES));
        ensure(known, &"flags: unknown attribute or policy")?;
        if flag.overrides.get() != NONE {
            self.override_sets.claim(flag.overrides, 1)?;
            self.check_override_variants(flag)?;
        }
        self.closures.claim_short(flag.closure, flag.closure_count)?;
        let closure = match flag.closure_count.get() {
            0 => &[],
            count => self.reader.range(sections::CLOSURES, flag.closure.get(), count.into()),
        };
        check_closure(closure, flag.depth, |id| self.reader.get(sections::FLAGS, id).map(|flag| flag.depth))?;
        let scope = Scope { closure, flags: true };
        self.check_dependencies(&scope, flag)?;
        self.check_variants(flag)?;
        self.check_shares(flag, flag.shares, flag.share_count)?;
        self.rules.claim_short(flag.rules, flag.rule_count)?;
        let mut rules = self.reader.records_at(sections::RULES, flag.rules, flag.rule_count.get().into());
        rules.try_for_each(|rule| self.check_rule(&scope, flag, rule))
    }

    /// The payload of a value is within what its kind indexes.
    fn check_value(&self, value: wire::ValueRecord) -> Check {
        let limit = match value.kind {
            wire::value::NONE => return Ok(()),
            wire::value::BOOL => 2,
            wire::value::NUMBER => self.reader.count(sections::NUMBERS),
            wire::value::STRING | wire::value::JSON => self.strings,
            _ => 0,
        };
        ensure(value.payload.get() < limit, &"values: unknown value")
    }

    /// Dependencies name flags of the closure, which are decided before.
    fn check_dependencies(&mut self, scope: &Scope<'_>, flag: &FlagRecord) -> Check {
        self.dependencies.claim_short(flag.dependencies, flag.dependency_count)?;
        let records = sections::DEPENDENCIES;
        let count = flag.dependency_count.get().into();
        self.reader.records_at(records, flag.dependencies, count).try_for_each(|record| {
            let expected = Expected::from_wire(record.expect, record.variant.get());
            let known = scope.in_closure(record.flag.get()) && expected.is_some();
            ensure(known, &"dependencies: unknown flag or expectation")
        })
    }

    fn check_variants(&mut self, flag: &FlagRecord) -> Check {
        self.variants.claim_short(flag.variants, flag.variant_count)?;
        let records = sections::VARIANTS;
        let count = flag.variant_count.get().into();
        self.reader.records_at(records, flag.variants, count).try_for_each(|variant| {
            self.check_string(variant.name)?;
            self.check_value(variant.value)
        })
    }

    /// Shares name variants of the flag, and their sums ascend strictly, so that the last one is the total.
    fn check_shares(&mut self, flag: &FlagRecord, start: U32, count: U16) -> Check {
        self.shares.claim_short(start, count)?;
        let mut sum = 0;
        for share in self.reader.records_at(sections::SHARES, start, count.get().into()) {
            let valid = share.variant.get() < flag.variant_count.get() && share.cumulative.get() > sum;
            ensure(valid, &"shares: unknown variant, or sums that do not ascend")?;
            sum = share.cumulative.get();
        }
        Ok(())
    }

    /// A rule: percentages are at most 100 %, times of the schedule ascend, conditions name what is there.
    fn check_rule(&mut self, scope: &Scope<'_>, flag: &FlagRecord, rule: &RuleRecord) -> Check {
        let valid = is_none_or_below(rule.name, self.strings)
            && rule.serve <= wire::serve::EVERYONE
            && rule.linear <= 1
            && rule.percentage.get() <= BUCKETS;
        ensure(valid, &"rules: unknown string, kind or percentage")?;
        self.check_shares(flag, rule.shares, rule.share_count)?;
        self.schedules.claim_short(rule.schedule, rule.schedule_count)?;
        let mut previous = None;
        for (at, percentage) in self.reader.schedule(rule) {
            let valid = percentage <= BUCKETS && previous < Some(at);
            ensure(valid, &"schedules: percentage above 100, or out of order")?;
            previous = Some(at);
        }
        if flag.level > wire::LEVEL {
            // Conditions of a later level: skipped, as the flag is never decided.
            return self.nodes.claim(rule.conditions, rule.condition_count.get());
        }
        self.check_nodes(scope, rule.conditions, rule.condition_count)
    }

    /// Overrides name variants of the flag that they belong to.
    fn check_override_variants(&self, flag: &FlagRecord) -> Check {
        let Some(set) = self.reader.get(sections::OVERRIDE_SETS, flag.overrides.get()) else { return Ok(()) };
        let known = self.reader.records_at(sections::OVERRIDES, set.start, set.count.get()).all(|entry| {
            let serve = entry.serve.get();
            serve >= wire::OVERRIDE_OFF || serve < flag.variant_count.get()
        });
        ensure(known, &"overrides: unknown variant")
    }

    /// Overrides ascend by hash within a set, because they are searched.
    fn check_overrides(&mut self) -> Check {
        for set in self.reader.records(sections::OVERRIDE_SETS) {
            self.overrides.claim(set.start, set.count.get())?;
            let entries = self.reader.records_at(sections::OVERRIDES, set.start, set.count.get());
            let sorted = entries.map(|entry| entry.hash.get()).is_sorted_by(|left, right| left < right);
            ensure(sorted, &"overrides: out of order")?;
        }
        Ok(())
    }

    /// The flags with prerequisites, each once, by ascending depth: the order in which `evaluate_all` decides them.
    fn check_order(&self, deep: u32) -> Check {
        let mut previous = (0, 0);
        for id in self.reader.all(sections::ORDER) {
            let depth = self.reader.get(sections::FLAGS, id.get()).map_or(0, |flag| flag.depth);
            let key = (depth, id.get().saturating_add(1));
            ensure(depth > 0 && previous < key, &"order: flag without prerequisites, or out of order")?;
            previous = key;
        }
        ensure(self.reader.count(sections::ORDER) == deep, &"order: a flag is missing")
    }

    /// Every policy is valid, so that the arithmetic of breakers stays finite.
    fn check_policies(&self) -> Check {
        let fits = [0, self.reader.count(sections::POLICIES)].contains(&self.reader.count(sections::POLICY_DETAILS));
        ensure(fits, &"policies: as many details as policies, or none")?;
        (0..self.reader.count(sections::POLICIES)).try_for_each(|id| {
            let valid = self.reader.policy(id).is_some_and(|policy| policy.is_valid());
            ensure(valid, &"policies: a number out of bounds")
        })
    }
}

fn is_none_or_below(id: U32, count: u32) -> bool {
    id.get() == NONE || id.get() < count
}

/// Depths ascend within a closure and stay below the owner's, so nothing is its own prerequisite.
fn check_closure(closure: &[U32], owner: u8, depth: impl Fn(u32) -> Option<u8>) -> Check {
    ensure(closure.len() <= wire::MAX_CLOSURE, &"closures: too long")?;
    let mut previous = 0;
    for id in closure {
        let depth = depth(id.get()).ok_or(SnapshotError(&"closures: unknown entry"))?;
        ensure(previous <= depth && depth < owner, &"closures: cycle")?;
        previous = depth;
    }
    Ok(())
}
