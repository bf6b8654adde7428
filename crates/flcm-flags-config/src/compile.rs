//! Compiles a [`Config`] into the bytes of a snapshot. The same configuration gives the same bytes on every machine.

use std::collections::{BTreeMap, HashMap};

use flcm_flags::Serves;
use flcm_flags::bucket::{Draw, key, sip};
use flcm_flags::snapshot::wire::{self};
use zerocopy::little_endian::{U16, U32, U64};

use crate::compile::writer::{Sections, id, narrow, table};
use crate::config::graph::{DecisionOrder, Graph, Names, all_leaves, test_of};
use crate::config::{Cohort, Config, Dependency, Expected, Flag, Override, Rule, Test, Value};

mod condition;
mod policy;
mod writer;

use condition::{is_interned, texts};

/// Compiles a checked configuration.
///
/// A configuration from [`check`](crate::check) always compiles to a snapshot that loads. A configuration that was
/// built by hand may name flags or cohorts that it does not define; conditions and dependencies on those never hold.
///
/// # Panics
/// In debug builds, if a configuration that was built by hand exceeds the [limits](crate::limits).
#[must_use]
pub fn compile(config: &Config) -> Vec<u8> {
    let mut compiler = Compiler::new(config);
    compiler.cohorts();
    compiler.flags();
    compiler.policy_details();
    compiler.sections.finish(config.revision)
}

struct Compiler<'c> {
    config: &'c Config,
    sections: Sections<'c>,
    attributes: HashMap<&'c str, U32>,
    flags: Names<'c>,
    cohorts: Names<'c>,
    patterns: HashMap<&'c str, U32>,
}

impl<'c> Compiler<'c> {
    fn new(config: &'c Config) -> Self {
        let mut compiler = Self {
            config,
            sections: Sections::default(),
            attributes: HashMap::new(),
            flags: Names::of(&config.flags),
            cohorts: Names::of(&config.cohorts),
            patterns: HashMap::new(),
        };
        compiler.operand_strings();
        compiler.attributes();
        compiler.patterns();
        compiler
    }

    fn all_tests(&self) -> Vec<&'c Test> {
        all_leaves(self.config).filter_map(test_of).collect()
    }

    /// Strings that are compared by id are interned first, so that their table contains the ids.
    fn operand_strings(&mut self) {
        let tests = self.all_tests();
        let mut texts: Vec<&str> = tests.iter().filter(|test| is_interned(test)).flat_map(|test| texts(test)).collect();
        texts.sort_unstable();
        texts.dedup();
        for text in &texts {
            self.sections.strings.intern(text);
        }
        debug_assert_eq!(self.sections.strings.len(), texts.len());
        self.sections.operand_table = table(texts.into_iter());
    }

    /// Attributes that many conditions read get the lowest ids, which a bound context resolves in advance.
    fn attributes(&mut self) {
        let mut uses: BTreeMap<&str, (u32, u8)> = BTreeMap::new();
        for test in self.all_tests() {
            let (count, bits) = uses.entry(&test.attribute).or_default();
            *count += 1;
            *bits |= if is_interned(test) { wire::attribute::INTERNED } else { 0 };
        }
        for by in self.config.flags.values().filter_map(|flag| flag.by.as_ref()) {
            let (count, bits) = uses.entry(by).or_default();
            *count += 1;
            *bits |= wire::attribute::HASHED;
        }
        let mut sorted: Vec<_> = uses.into_iter().collect();
        sorted.sort_by_key(|(name, (count, _))| (u32::MAX - count, *name));
        for (index, (name, (_, uses))) in sorted.iter().enumerate() {
            let record = wire::AttributeRecord { name: self.sections.strings.intern(name), uses: *uses };
            self.sections.attributes.push(record);
            self.attributes.insert(name, id(index));
        }
        self.sections.attribute_table = table(sorted.iter().map(|(name, _)| *name));
    }

    fn patterns(&mut self) {
        let sections = &mut self.sections;
        for (text, pattern) in &self.config.patterns {
            self.patterns.insert(text, id(sections.patterns.len()));
            sections.patterns.push(wire::PatternRecord {
                text: sections.strings.intern(text),
                classes: id(sections.classes.len()),
                transitions: id(sections.transitions.len()),
                states: U16::new(narrow(pattern.states())),
                stride: U16::new(narrow(pattern.stride)),
            });
            sections.classes.extend_from_slice(&pattern.classes);
            sections.transitions.extend(pattern.transitions.iter().map(|next| U16::new(*next)));
        }
    }

    fn cohorts(&mut self) {
        let order = Graph::of_cohorts(self.config).order().unwrap_or_default();
        for (index, (name, cohort)) in self.config.cohorts.iter().enumerate() {
            let record = self.cohort(index, name, cohort, &order);
            self.sections.cohorts.push(record);
        }
    }

    fn cohort(&mut self, index: usize, name: &'c str, cohort: &'c Cohort, order: &DecisionOrder) -> wire::CohortRecord {
        let member_key = key("cohort", name);
        let (except, except_count) = self.members(member_key, &cohort.except);
        let (users, user_count) = self.members(member_key, &cohort.users);
        let conditions = id(self.sections.nodes.len());
        let condition_count = self.conditions(cohort.when.iter().flatten());
        let (closure, closure_count) = closure(order, index, &mut self.sections.cohort_closures);
        wire::CohortRecord {
            key: U64::new(member_key),
            name: self.sections.strings.intern(name),
            except,
            except_count,
            users,
            user_count,
            when: cohort.when.is_some().into(),
            conditions,
            condition_count,
            closure,
            closure_count,
            depth: order.depth.get(index).copied().unwrap_or(0),
        }
    }

    fn members(&mut self, member_key: u64, users: &[String]) -> (U32, U32) {
        let mut hashes: Vec<u64> =
            users.iter().map(|user| Draw::new(sip(user.as_bytes()), member_key).hash()).collect();
        hashes.sort_unstable();
        hashes.dedup();
        let start = id(self.sections.members.len());
        self.sections.members.extend(hashes.iter().map(|hash| U64::new(*hash)));
        (start, id(hashes.len()))
    }

    fn flags(&mut self) {
        let order = Graph::of_flags(self.config).order().unwrap_or_default();
        for (index, (key, flag)) in self.config.flags.iter().enumerate() {
            let record = self.flag(index, key, flag, &order);
            self.sections.flags.push(record);
        }
        self.sections.flag_table = table(self.config.flags.keys().map(String::as_str));
        let mut deep: Vec<(u8, usize)> =
            order.depth.iter().copied().enumerate().map(|(index, depth)| (depth, index)).collect();
        deep.retain(|(depth, _)| *depth > 0);
        deep.sort_unstable();
        self.sections.order = deep.into_iter().map(|(_, index)| id(index)).collect();
    }

    fn flag(&mut self, index: usize, flag_key: &'c str, flag: &'c Flag, order: &DecisionOrder) -> wire::FlagRecord {
        let own: Vec<(u16, u32)> = (0..).zip(flag.variants.iter().map(|variant| variant.weight)).collect();
        let (shares, share_count) = self.shares(&own);
        let (variants, variant_count) = self.variants(flag);
        let (closure, closure_count) = closure(order, index, &mut self.sections.closures);
        let (dependencies, dependency_count) = self.dependencies(&flag.dependencies);
        let (rules, rule_count) = self.rules(flag);
        let overrides = self.overrides(flag_key, flag);
        wire::FlagRecord {
            hash_key: U64::new(key("flag", &flag.salt)),
            key: self.sections.strings.intern(flag_key),
            salt: self.sections.strings.intern(&flag.salt),
            by: self.attribute(flag.by.as_deref()),
            default: self.value(Some(&flag.default)),
            on: self.value(flag.on.as_ref()),
            steps: steps(flag, dependency_count, overrides),
            level: 1,
            hash: wire::HASH_SIP_MIX,
            depth: order.depth.get(index).copied().unwrap_or(0),
            rules,
            rule_count,
            variants,
            variant_count,
            shares,
            share_count,
            closure,
            closure_count,
            dependencies,
            dependency_count,
            overrides,
            policy: self.policy(flag),
        }
    }

    fn variants(&mut self, flag: &'c Flag) -> (U32, U16) {
        let start = id(self.sections.variants.len());
        for variant in &flag.variants {
            let record = wire::VariantRecord {
                name: self.sections.strings.intern(&variant.name),
                value: self.value(variant.value.as_ref()),
            };
            self.sections.variants.push(record);
        }
        (start, U16::new(narrow(flag.variants.len())))
    }

    fn rules(&mut self, flag: &'c Flag) -> (U32, U16) {
        let start = id(self.sections.rules.len());
        for rule in &flag.rules {
            let record = self.rule(rule, flag);
            self.sections.rules.push(record);
        }
        (start, U16::new(narrow(flag.rules.len())))
    }

    fn attribute(&self, name: Option<&str>) -> U32 {
        name.and_then(|name| self.attributes.get(name)).copied().unwrap_or(U32::new(wire::NONE))
    }

    fn value(&mut self, value: Option<&'c Value>) -> wire::ValueRecord {
        let (kind, payload) = match value {
            None => (wire::value::NONE, U32::ZERO),
            Some(Value::Bool(value)) => (wire::value::BOOL, U32::new((*value).into())),
            Some(Value::Number(value)) => (wire::value::NUMBER, self.sections.numbers.intern(*value)),
            Some(Value::String(text)) => (wire::value::STRING, self.sections.strings.intern(text)),
            Some(Value::Json(text)) => (wire::value::JSON, self.sections.strings.intern(text)),
        };
        wire::ValueRecord { kind, payload }
    }

    /// The variants with a weight above 0, with cumulative weights.
    fn shares(&mut self, weights: &[(u16, u32)]) -> (U32, U16) {
        let start = self.sections.shares.len();
        let mut sum = 0;
        for (variant, weight) in weights.iter().filter(|(_, weight)| *weight > 0) {
            sum += weight;
            self.sections.shares.push(wire::ShareRecord { variant: U16::new(*variant), cumulative: U32::new(sum) });
        }
        (id(start), U16::new(narrow(self.sections.shares.len() - start)))
    }

    fn dependencies(&mut self, dependencies: &[Dependency]) -> (U32, U16) {
        let start = self.sections.dependencies.len();
        for dependency in dependencies {
            let Some((flag, expect, variant)) = self.expectation(dependency) else { continue };
            let variant = U16::new(variant);
            self.sections.dependencies.push(wire::DependencyRecord { flag, expect, variant });
        }
        (id(start), U16::new(narrow(self.sections.dependencies.len() - start)))
    }

    /// Flag, kind and variant of an expectation.
    fn expectation(&self, dependency: &Dependency) -> Option<(U32, u8, u16)> {
        let flag = self.flags.index(&dependency.flag)?;
        let (expect, variant) = match &dependency.expected {
            Expected::Enabled(false) => (wire::expect::DISABLED, 0),
            Expected::Enabled(true) => (wire::expect::ENABLED, 0),
            Expected::Variant(name) => {
                (wire::expect::VARIANT, variant_index(self.config.flags.get(&dependency.flag)?, name))
            }
        };
        Some((id(flag), expect, variant))
    }

    fn overrides(&mut self, flag_key: &str, flag: &Flag) -> U32 {
        if flag.overrides.is_empty() {
            return U32::new(wire::NONE);
        }
        let override_key = key("override", flag_key);
        let serve = |to: &Override| match to {
            Override::Off => wire::OVERRIDE_OFF,
            Override::On => wire::OVERRIDE_ON,
            Override::Variant(name) => variant_index(flag, name),
        };
        let hash = |user: &str| Draw::new(sip(user.as_bytes()), override_key).hash();
        let entries: BTreeMap<u64, u16> = flag.overrides.iter().map(|(user, to)| (hash(user), serve(to))).collect();
        let set = id(self.sections.override_sets.len());
        self.sections.override_sets.push(wire::OverrideSetRecord {
            key: U64::new(override_key),
            start: id(self.sections.overrides.len()),
            count: id(entries.len()),
        });
        let record = |(hash, serve): (u64, u16)| wire::OverrideRecord { hash: U64::new(hash), serve: U16::new(serve) };
        self.sections.overrides.extend(entries.into_iter().map(record));
        set
    }

    fn rule(&mut self, rule: &'c Rule, flag: &Flag) -> wire::RuleRecord {
        let (schedule, schedule_count) = self.schedule(rule);
        let (shares, share_count) = self.split(rule, flag);
        let conditions = id(self.sections.nodes.len());
        let condition_count = self.conditions(rule.conditions.iter());
        wire::RuleRecord {
            name: rule.name.as_ref().map_or(U32::new(wire::NONE), |name| self.sections.strings.intern(name)),
            serve: match rule.serves {
                Serves::On => wire::serve::ON,
                Serves::CohortOn => wire::serve::COHORT_ON,
                Serves::CohortOff => wire::serve::COHORT_OFF,
                Serves::Everyone => wire::serve::EVERYONE,
            },
            linear: rule.linear.into(),
            percentage: U32::new(rule.percentage),
            schedule,
            schedule_count,
            conditions,
            condition_count,
            shares,
            share_count,
        }
    }

    fn schedule(&mut self, rule: &Rule) -> (U32, U16) {
        let start = id(self.sections.schedules.len());
        let stage = |(at, percentage): &(u64, u32)| wire::ScheduleRecord {
            at: U64::new(*at),
            percentage: U32::new(*percentage),
        };
        self.sections.schedules.extend(rule.schedule.iter().map(stage));
        (start, U16::new(narrow(rule.schedule.len())))
    }

    /// A rule's own split.
    fn split(&mut self, rule: &Rule, flag: &Flag) -> (U32, U16) {
        let split = rule.split.iter().flatten();
        // In the order of the flag's variants, so that a rule's split is as close to the flag's split as possible.
        let mut weights: Vec<(u16, u32)> = split.map(|(name, weight)| (variant_index(flag, name), *weight)).collect();
        weights.sort_unstable();
        self.shares(&weights)
    }
}

/// The steps that are needed before a flag's rules.
fn steps(flag: &Flag, dependency_count: U16, overrides: U32) -> u8 {
    let steps = [
        (!flag.enabled, wire::step::DISABLED),
        (flag.by.is_some(), wire::step::BY),
        (dependency_count.get() > 0, wire::step::DEPENDENCIES),
        (overrides.get() != wire::NONE, wire::step::OVERRIDES),
    ];
    steps.into_iter().filter(|(present, _)| *present).map(|(_, step)| step).sum()
}

/// Writes all that a flag or cohort depends on, in the order in which it is decided.
fn closure(order: &DecisionOrder, index: usize, table: &mut Vec<U32>) -> (U32, U16) {
    let closure = order.closure.get(index).map_or(&[][..], Vec::as_slice);
    let start = id(table.len());
    table.extend(closure.iter().map(|other| id(*other)));
    (start, U16::new(narrow(closure.len())))
}

fn variant_index(flag: &Flag, name: &str) -> u16 {
    narrow(flag.variants.iter().position(|variant| variant.name == name).unwrap_or(0))
}
