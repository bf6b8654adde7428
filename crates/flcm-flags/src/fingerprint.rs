//! Fingerprints: numbers that change when a flag is written differently.
//!
//! After an update a host compares the fingerprints of both snapshots and reports which flags have changed. It cannot
//! compare records, because their ids are indices into the snapshot: adding one flag moves those of all flags behind
//! it. So a fingerprint reads names and values in place of ids. Where the order follows from other flags or texts
//! (cohorts, operands of a list), the parts are added up rather than chained, so that their order does not count.
//!
//! A fingerprint is no decision: a flag may decide differently although its fingerprint is the same, because a flag
//! that it depends on has changed. Fingerprints of two releases of this crate need not be equal, so do not store them.

use zerocopy::IntoBytes;

use crate::bucket::{mix, sip};
use crate::condition::{CohortId, Node, Nodes, Operand, Test};
use crate::policy::Policy;
use crate::snapshot::sections;
use crate::snapshot::{Expected, Flag, Reader, Rule, Serves, Snapshot};
use crate::value::Value;

impl Flag<'_> {
    /// A number for how the flag is written, the cohorts that it names included.
    ///
    /// Another document in which the flag is written the same gives the same number. The keys of flags that it depends
    /// on are part of it, but not how those are written: they have fingerprints of their own.
    ///
    /// `cohort` returns the [`Snapshot::cohort_fingerprint`] of a cohort. A host should remember it: many flags name
    /// the same cohort, and a cohort may have a million members.
    ///
    /// ```
    /// # let compile = |text| flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
    /// # let snapshot = |text| flcm_flags::Snapshot::from_bytes(compile(text));
    /// let one = snapshot("flags: { a: { rollout: { percentage: 10 } }, b: {} }")?;
    /// let two = snapshot("flags: { a: { rollout: { percentage: 20 } }, b: {} }")?;
    /// let of = |snapshot: &flcm_flags::Snapshot<Vec<u8>>, key| {
    ///     let flag = snapshot.describe(snapshot.flag(key).unwrap()).unwrap();
    ///     flag.fingerprint(&mut |cohort| snapshot.cohort_fingerprint(cohort))
    /// };
    /// assert_ne!(of(&one, "a"), of(&two, "a"));
    /// assert_eq!(of(&one, "b"), of(&two, "b"));
    /// # Ok::<(), flcm_flags::SnapshotError>(())
    /// ```
    #[must_use]
    pub fn fingerprint(&self, cohort: &mut dyn FnMut(CohortId) -> u64) -> u64 {
        let mut print = Print { reader: self.reader, sum: 0 };
        print.flag(self);
        // Ids follow the order of all cohorts, so theirs must not count.
        let mut cohorts = 0_u64;
        for rule in self.rules() {
            print.rule(&rule);
            each_cohort(self.reader, rule.conditions(), &mut |id| cohorts = cohorts.wrapping_add(mix(cohort(id))));
        }
        print.number(cohorts);
        print.sum
    }
}

impl<B: AsRef<[u8]>> Snapshot<B> {
    /// A number for how a cohort is written: its name, its members and its conditions.
    ///
    /// The names of cohorts that it names are part of it, but not how those are written. 0 for an id that the snapshot
    /// does not have.
    #[must_use]
    pub fn cohort_fingerprint(&self, cohort: CohortId) -> u64 {
        let reader = self.reader();
        let mut print = Print { reader, sum: 0 };
        let Some(cohort) = reader.get(sections::COHORTS, cohort.0) else { return 0 };
        print.text(reader.text(cohort.name.get()));
        for (start, count) in [(cohort.except, cohort.except_count), (cohort.users, cohort.user_count)] {
            print.bytes(reader.range(sections::MEMBERS, start.get(), count.get()).as_bytes());
        }
        print.number(cohort.when.into());
        print.nodes(Nodes::new(reader, cohort.conditions.get(), cohort.condition_count.get()));
        print.sum
    }
}

/// Passes each cohort that conditions name to `show`, and each that those name in turn. One may come several times.
fn each_cohort(reader: Reader<'_>, nodes: Nodes<'_>, show: &mut dyn FnMut(CohortId)) {
    for node in nodes {
        match node {
            Node::All(members) | Node::Any(members) | Node::Not(members) => each_cohort(reader, members, show),
            Node::Cohort(id) => {
                show(id);
                let Some(cohort) = reader.get(sections::COHORTS, id.0) else { continue };
                let (start, count) = (cohort.closure.get(), cohort.closure_count.get().into());
                let closure = reader.range(sections::COHORT_CLOSURES, start, count);
                for id in closure {
                    show(CohortId(id.get()));
                }
            }
            Node::Flag(..) | Node::Test(_) => {}
        }
    }
}

/// A running hash in which order counts: each part is mixed with the hash of the parts before it.
struct Print<'s> {
    reader: Reader<'s>,
    sum: u64,
}

impl Print<'_> {
    #[inline(never)]
    fn number(&mut self, number: u64) {
        self.sum = mix(self.sum.wrapping_add(1) ^ number);
    }

    #[inline(never)]
    fn bytes(&mut self, bytes: &[u8]) {
        self.number(sip(bytes));
    }

    #[inline(never)]
    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn float(&mut self, number: f64) {
        self.number(number.to_bits());
    }

    #[inline(never)]
    fn value(&mut self, value: Option<Value<'_>>) {
        match value {
            None => self.number(0),
            Some(Value::Bool(value)) => self.number(1_u64.wrapping_add(value.into())),
            Some(Value::Json(text)) => self.tagged(3, text),
            Some(Value::Number(number)) => self.float(number),
            Some(Value::String(text)) => self.tagged(4, text),
        }
    }

    fn tagged(&mut self, tag: u64, text: &str) {
        self.number(tag);
        self.text(text);
    }

    #[inline(never)]
    fn flag(&mut self, flag: &Flag<'_>) {
        let record = flag.record;
        self.text(flag.salt());
        self.text(flag.by().unwrap_or_default());
        self.bytes(&[record.steps, record.level, record.hash]);
        self.value(flag.default_value());
        self.value(flag.on_value());
        for variant in flag.variants() {
            self.text(variant.name());
            self.value(variant.value());
        }
        self.shares(record.shares.get(), record.share_count.get());
        for (flag, expected) in flag.dependencies() {
            self.expected(self.reader.flag(flag).map_or("", |flag| flag.key()), expected);
        }
        self.overrides(record.overrides.get());
        if let Some(policy) = flag.policy() {
            self.policy(&policy);
        }
    }

    #[inline(never)]
    fn shares(&mut self, start: u32, count: u16) {
        self.bytes(self.reader.range(sections::SHARES, start, count.into()).as_bytes());
    }

    #[inline(never)]
    fn overrides(&mut self, set: u32) {
        let Some(set) = self.reader.get(sections::OVERRIDE_SETS, set) else { return };
        let entries = self.reader.range(sections::OVERRIDES, set.start.get(), set.count.get());
        self.bytes(entries.as_bytes());
    }

    #[inline(never)]
    fn policy(&mut self, policy: &Policy) {
        let Policy { detector, recovery, action, shared, evidence, .. } = policy;
        let keywords = [detector.as_str(), recovery.as_str(), action.as_str(), shared.as_str(), evidence.as_str()];
        for keyword in keywords {
            self.text(keyword);
        }
        for number in [policy.window, policy.min_samples, policy.cooldown, policy.probe, policy.slow_ms] {
            self.number(number.into());
        }
        for number in [policy.rate, policy.slow_rate, policy.ratio, policy.margin, policy.budget] {
            self.float(number);
        }
    }

    #[inline(never)]
    fn rule(&mut self, rule: &Rule<'_>) {
        let record = rule.record;
        self.text(rule.name().unwrap_or_default());
        self.number(match rule.serves() {
            Serves::CohortOff => 0,
            Serves::CohortOn => 1,
            Serves::On => 2,
            Serves::Everyone => 3,
        });
        self.number(rule.percentage().into());
        self.number(rule.is_linear().into());
        for (at, percentage) in rule.schedule() {
            self.number(at);
            self.number(percentage.into());
        }
        self.nodes(rule.conditions());
        self.shares(record.shares.get(), record.share_count.get());
    }

    #[inline(never)]
    fn nodes(&mut self, nodes: Nodes<'_>) {
        for node in nodes {
            match node {
                Node::All(members) => self.group(1, members),
                Node::Any(members) => self.group(2, members),
                Node::Not(members) => self.group(3, members),
                Node::Cohort(id) => {
                    let name = self.reader.get(sections::COHORTS, id.0).map(|cohort| cohort.name.get());
                    self.tagged(4, name.map_or("", |name| self.reader.text(name)));
                }
                Node::Flag(id, expected) => {
                    self.expected(self.reader.flag(id).map_or("", |flag| flag.key()), expected);
                }
                Node::Test(test) => self.test(&test),
            }
        }
        self.number(5);
    }

    fn group(&mut self, tag: u64, members: Nodes<'_>) {
        self.number(tag);
        self.nodes(members);
    }

    #[inline(never)]
    fn expected(&mut self, key: &str, expected: Expected) {
        self.text(key);
        self.number(match expected {
            Expected::Disabled => 0,
            Expected::Enabled => 1,
            Expected::Variant(index) => 2_u64.wrapping_add(index.into()),
        });
    }

    #[inline(never)]
    fn test(&mut self, test: &Test<'_>) {
        self.text(test.attribute());
        self.text(test.operator().as_str());
        // Nor must the order of a list, which follows that of all texts.
        let mut operands = 0_u64;
        for operand in test.operands() {
            let number = match operand {
                Operand::None => 0,
                Operand::Bool(value) => 1_u64.wrapping_add(value.into()),
                Operand::Number(number) | Operand::Time(number) => number.to_bits(),
                Operand::Text(text) => sip(text.as_bytes()),
            };
            operands = operands.wrapping_add(mix(number));
        }
        self.number(operands);
    }
}
