//! Writes the sections of a snapshot: the counterpart of the core's reader.

use std::collections::HashMap;

use flcm_flags::snapshot::index;
use flcm_flags::snapshot::wire::{self, section};
use zerocopy::little_endian::{F64, U16, U32, U64};
use zerocopy::{Immutable, IntoBytes};

/// The records of the snapshot that is being written.
#[derive(Default)]
pub(crate) struct Sections<'c> {
    pub(crate) strings: Strings<'c>,
    pub(crate) numbers: Numbers,
    pub(crate) attributes: Vec<wire::AttributeRecord>,
    pub(crate) attribute_table: Vec<U32>,
    pub(crate) operand_table: Vec<U32>,
    pub(crate) flag_table: Vec<U32>,
    pub(crate) flags: Vec<wire::FlagRecord>,
    pub(crate) rules: Vec<wire::RuleRecord>,
    pub(crate) nodes: Vec<wire::NodeRecord>,
    pub(crate) operands: Vec<U32>,
    pub(crate) shares: Vec<wire::ShareRecord>,
    pub(crate) variants: Vec<wire::VariantRecord>,
    pub(crate) schedules: Vec<wire::ScheduleRecord>,
    pub(crate) closures: Vec<U32>,
    pub(crate) dependencies: Vec<wire::DependencyRecord>,
    pub(crate) override_sets: Vec<wire::OverrideSetRecord>,
    pub(crate) overrides: Vec<wire::OverrideRecord>,
    pub(crate) cohorts: Vec<wire::CohortRecord>,
    pub(crate) cohort_closures: Vec<U32>,
    pub(crate) members: Vec<U64>,
    pub(crate) patterns: Vec<wire::PatternRecord>,
    pub(crate) classes: Vec<u8>,
    pub(crate) transitions: Vec<U16>,
    pub(crate) policies: Vec<wire::PolicyRecord>,
    pub(crate) order: Vec<U32>,
    pub(crate) policy_details: Vec<wire::PolicyDetailRecord>,
}

impl Sections<'_> {
    /// The snapshot's bytes. Sections that are empty are left out.
    pub(crate) fn finish(self, revision: u64) -> Vec<u8> {
        let mut body = Body::default();
        body.add(section::TEXT, self.strings.text.as_bytes());
        body.add(section::STRINGS, &self.strings.starts());
        body.add(section::NUMBERS, &self.numbers.list);
        body.add(section::ATTRIBUTES, &self.attributes);
        body.add(section::ATTRIBUTE_TABLE, &self.attribute_table);
        body.add(section::OPERAND_TABLE, &self.operand_table);
        body.add(section::FLAG_TABLE, &self.flag_table);
        body.add(section::FLAGS, &self.flags);
        body.add(section::RULES, &self.rules);
        body.add(section::NODES, &self.nodes);
        body.add(section::OPERANDS, &self.operands);
        body.add(section::SHARES, &self.shares);
        body.add(section::VARIANTS, &self.variants);
        body.add(section::SCHEDULES, &self.schedules);
        body.add(section::CLOSURES, &self.closures);
        body.add(section::DEPENDENCIES, &self.dependencies);
        body.add(section::OVERRIDE_SETS, &self.override_sets);
        body.add(section::OVERRIDES, &self.overrides);
        body.add(section::COHORTS, &self.cohorts);
        body.add(section::COHORT_CLOSURES, &self.cohort_closures);
        body.add(section::MEMBERS, &self.members);
        body.add(section::PATTERNS, &self.patterns);
        body.add(section::CLASSES, &self.classes);
        body.add(section::TRANSITIONS, &self.transitions);
        body.add(section::POLICIES, &self.policies);
        body.add(section::ORDER, &self.order);
        body.add(section::POLICY_DETAILS, &self.policy_details);
        body.finish(revision)
    }
}

/// The bytes of the sections, and their table with offsets from the start of the body.
#[derive(Default)]
struct Body {
    bytes: Vec<u8>,
    table: Vec<(u16, usize, usize, usize)>,
}

impl Body {
    fn add<T: IntoBytes + Immutable>(&mut self, kind: u16, records: &[T]) {
        if !records.is_empty() {
            self.table.push((kind, size_of::<T>(), self.bytes.len(), records.len()));
            self.bytes.extend_from_slice(records.as_bytes());
        }
    }

    fn finish(self, revision: u64) -> Vec<u8> {
        let start = size_of::<wire::Header>() + self.table.len() * size_of::<wire::SectionRecord>();
        let mut header = wire::Header {
            magic: wire::MAGIC,
            checksum: U64::ZERO,
            version: U16::new(wire::VERSION),
            sections: U16::new(narrow(self.table.len())),
            length: id(start + self.bytes.len() + wire::PADDING),
            revision: U64::new(revision),
        };
        let mut bytes = header.as_bytes().to_vec();
        for (kind, size, offset, count) in self.table {
            let record = wire::SectionRecord {
                kind: U16::new(kind),
                size: U16::new(narrow(size)),
                offset: id(start + offset),
                count: id(count),
            };
            bytes.extend_from_slice(record.as_bytes());
        }
        bytes.extend_from_slice(&self.bytes);
        bytes.extend_from_slice(&[0; wire::PADDING]);
        header.checksum = U64::new(index::checksum(&bytes[wire::UNCHECKED..]));
        bytes[..size_of::<wire::Header>()].copy_from_slice(header.as_bytes());
        bytes
    }
}

/// Interned strings.
#[derive(Default)]
pub(crate) struct Strings<'c> {
    text: String,
    ends: Vec<usize>,
    ids: HashMap<&'c str, U32>,
}

impl<'c> Strings<'c> {
    pub(crate) fn intern(&mut self, text: &'c str) -> U32 {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let fresh = id(self.ends.len());
        self.text.push_str(text);
        self.ends.push(self.text.len());
        self.ids.insert(text, fresh);
        fresh
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The start of each string, and the end of the last one.
    fn starts(&self) -> Vec<U32> {
        if self.ends.is_empty() { Vec::new() } else { [0].iter().chain(&self.ends).map(|end| id(*end)).collect() }
    }
}

/// Interned numbers.
#[derive(Default)]
pub(crate) struct Numbers {
    list: Vec<F64>,
    ids: HashMap<u64, U32>,
}

impl Numbers {
    pub(crate) fn intern(&mut self, number: f64) -> U32 {
        *self.ids.entry(number.to_bits()).or_insert_with(|| {
            self.list.push(F64::new(number));
            id(self.list.len() - 1)
        })
    }

    /// Numbers that must be adjacent.
    pub(crate) fn append(&mut self, numbers: &[f64]) -> U32 {
        let start = id(self.list.len());
        self.list.extend(numbers.iter().map(|number| F64::new(*number)));
        start
    }
}

/// A hash table of names in this order.
pub(crate) fn table<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> Vec<U32> {
    let count = u32::try_from(names.len()).unwrap_or(u32::MAX);
    let mut slots = vec![wire::NONE; usize::try_from(index::slots_for(count)).unwrap_or(0)];
    index::fill(&mut slots, names);
    slots.into_iter().map(U32::new).collect()
}

/// An index of the format. The limits of documents keep every count far below 2^32.
pub(crate) fn id(index: usize) -> U32 {
    debug_assert!(u32::try_from(index).is_ok(), "the limits keep counts below 2^32");
    U32::new(u32::try_from(index).unwrap_or(wire::NONE))
}

/// A count of the format that has 16 bits: rules, variants, schedule entries, closures of one flag.
pub(crate) fn narrow(count: usize) -> u16 {
    debug_assert!(u16::try_from(count).is_ok(), "the limits keep these counts below 2^16");
    u16::try_from(count).unwrap_or(u16::MAX)
}
