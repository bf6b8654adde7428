//! The snapshot format: typed, little-endian, unaligned records that are read in place.
//!
//! The module is public for the compiler, which writes the format, and for tools that show snapshots. An application
//! uses [`Snapshot`].
//!
//! # The format is structs
//!
//! A snapshot is a [`Header`], a table of [`SectionRecord`]s, and the sections themselves. The structs here *are* the
//! format: only this file knows offsets. `zerocopy` reads them in place, at any alignment, so there is no parsing step,
//! and this crate needs no `unsafe`. Loading is one pass of checks; a browser, Node and Rust share the same bytes.
//!
//! | part | bytes |
//! |---|---|
//! | [`Header`] | 32 |
//! | [`SectionRecord`] | 12 each, by ascending [kind](section) |
//! | sections | anywhere behind: each says where it begins |
//! | zeros | [`PADDING`], so that each record can be read as one array of that many bytes |
//!
//! # How the format may grow
//!
//! - A reader skips sections of a kind that it does not know.
//! - A record may grow at its end: its size is in the table. Bare numbers cannot grow, because they are read as slices.
//! - A flag carries a *level*. A flag of a later level than [`LEVEL`] is a `PARSE_ERROR` of that flag alone.
//! - Everything else raises [`VERSION`], which older readers refuse. Bytes of every released version must still load;
//!   `tests/vectors/snapshot` holds them.
//!
//! # Ranges tile
//!
//! A parent names its children as a range `(start, count)`. The ranges of all parents, in the parents' order, *tile*
//! the children's section: each begins where the one before ended, and the last ends with the section. So checking
//! every parent once checks every child once. No child is shared or left over, whatever hostile bytes claim, and
//! validation stays linear.
//!
//! # Cycles
//!
//! A flag that depends on others carries its *depth*: one more than the largest depth among its prerequisites. Depths
//! that only go down prove that there is no cycle, without a search. Cohorts do the same.
//!
//! ```
//! use flcm_flags::snapshot::wire::{Header, MAGIC, VERSION};
//! use zerocopy::FromBytes;
//!
//! # let text = "revision: 7\nflags: { beta: {} }";
//! # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
//! let (header, _) = Header::ref_from_prefix(&bytes).unwrap();
//! assert_eq!((header.magic, header.version.get()), (MAGIC, VERSION));
//! assert_eq!((header.length.get() as usize, header.revision.get()), (bytes.len(), 7));
//! ```
//!
//! [`Snapshot`]: crate::Snapshot

use zerocopy::little_endian::{F64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The first eight bytes of every snapshot.
pub const MAGIC: [u8; 8] = *b"FLCMSNAP";

/// The format version that this crate reads and writes.
pub const VERSION: u16 = 2;

/// The newest flag level that this crate can decide. A flag of a higher level is an error of that flag alone.
pub const LEVEL: u8 = 1;

/// The only bucketing hash of this version. Another hash would get another id, so that snapshots of both can be
/// distinguished.
pub const HASH_SIP_MIX: u8 = 1;

/// How many zeros end a snapshot: as many as the largest record has bytes.
///
/// A reader takes each record as one array of so many bytes after one check of its place. Its fields need no further
/// check.
pub const PADDING: usize = 80;

/// "None", wherever an index or an id may be absent.
pub const NONE: u32 = u32::MAX;

/// The longest list of prerequisites, direct and indirect, of one flag, and of cohorts of one cohort.
///
/// Evaluation keeps their decisions on the stack, and membership in cohorts in the bits of one integer.
pub const MAX_CLOSURE: usize = 64;

/// How deep groups of conditions may nest. The reader walks them by recursion, so the stack bounds it.
pub const MAX_NESTING: u32 = 16;

/// The largest weight of a variant: 256 of them still sum up below 2^32.
pub const MAX_WEIGHT: u32 = 1 << 20;

/// How many bytes at the start the checksum does not cover: the magic, which is compared as a whole, and the checksum.
pub const UNCHECKED: usize = 16;

macro_rules! record {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned)]
        #[repr(C)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }
    };
}

record! {
    /// The start of a snapshot: what it is, how long, and of which revision.
    Header {
        /// [`MAGIC`].
        magic: [u8; 8],
        /// [`checksum`](super::index::checksum) of everything behind this field; the snapshot's digest.
        checksum: U64,
        /// [`VERSION`].
        version: U16,
        /// How many [`SectionRecord`]s follow.
        sections: U16,
        /// Length of the whole snapshot in bytes.
        length: U32,
        /// The document's revision; 0 when it names none.
        revision: U64,
    }
}

record! {
    /// An entry of the section table: where a section lies, and how large its records are.
    SectionRecord {
        /// Which section: see [`section`].
        kind: U16,
        /// Bytes per record.
        size: U16,
        /// First byte, from the start of the snapshot.
        offset: U32,
        /// How many records.
        count: U32,
    }
}

record! {
    /// A value of a flag or a variant.
    ValueRecord {
        /// One of [`value`].
        kind: u8,
        /// A boolean as 0 or 1, an index into the numbers, or a string id.
        payload: U32,
    }
}

record! {
    /// A flag. Flags are ordered by key.
    ///
    /// What most flags lack (overrides, dependencies, …) is marked in `steps`, so that deciding them looks for none of
    /// it.
    FlagRecord {
        /// `key("flag", salt)`: what the context's digest is mixed with.
        hash_key: U64,
        /// String id of the flag key.
        key: U32,
        /// String id of the salt; the probe share derives its key from it.
        salt: U32,
        /// The attribute that is hashed, or [`NONE`] for the targeting key.
        by: U32,
        /// Served when off; never empty.
        default: ValueRecord,
        /// Served when on by a variant without a value, or without variants.
        on: ValueRecord,
        /// Bits of [`step`]: what is to be looked at besides the rules.
        steps: u8,
        /// What a reader must know to decide this flag: see [`LEVEL`].
        level: u8,
        /// How buckets are drawn: see [`HASH_SIP_MIX`].
        hash: u8,
        /// 0 without prerequisites, else 1 + the largest depth among them: proves that there is no cycle.
        depth: u8,
        /// First of the [`RuleRecord`]s.
        rules: U32,
        /// How many rules.
        rule_count: U16,
        /// First of the [`VariantRecord`]s.
        variants: U32,
        /// How many variants.
        variant_count: U16,
        /// First [`ShareRecord`] of the flag's own split.
        shares: U32,
        /// How many shares: variants of positive weight.
        share_count: U16,
        /// First flag of the closure of prerequisites, in an order in which each may be decided.
        closure: U32,
        /// How many flags in the closure, at most [`MAX_CLOSURE`].
        closure_count: U16,
        /// First of the [`DependencyRecord`]s.
        dependencies: U32,
        /// How many dependencies.
        dependency_count: U16,
        /// Index of the [`OverrideSetRecord`], or [`NONE`].
        overrides: U32,
        /// Index of the [`PolicyRecord`], or [`NONE`].
        policy: U32,
    }
}

record! {
    /// A rule of a flag: conditions, a percentage that may follow a schedule, and a split.
    RuleRecord {
        /// String id of the name, or [`NONE`].
        name: U32,
        /// One of [`serve`].
        serve: u8,
        /// 1 when the schedule runs straight from entry to entry, 0 when it steps.
        linear: u8,
        /// In thousandths of a percent, 0 to 100,000.
        percentage: U32,
        /// First of the [`ScheduleRecord`]s.
        schedule: U32,
        /// How many schedule entries.
        schedule_count: U16,
        /// First of the [`NodeRecord`]s; all of them must hold.
        conditions: U32,
        /// How many nodes, inner ones included.
        condition_count: U32,
        /// First [`ShareRecord`] of the rule's split.
        shares: U32,
        /// How many shares; 0 for the flag's own split.
        share_count: U16,
    }
}

record! {
    /// A condition, or a group with its members right behind it.
    NodeRecord {
        /// One of [`node`].
        kind: u8,
        /// 1 for the negative operator of the pair (`!=`, `not_in`, …).
        negated: u8,
        /// Attribute id; the flag of a flag condition; the cohort of a cohort condition.
        subject: U32,
        /// What is compared: an id, or the first of a list.
        operand: U32,
        /// Length of the operand's list; for a group, how many nodes its members take.
        extra: U32,
    }
}

record! {
    /// A variant that a split can draw. Weights are stored as cumulative sums, so drawing needs no addition.
    ShareRecord {
        /// Index of the variant within its flag.
        variant: U16,
        /// Sum of the weights up to and with this one.
        cumulative: U32,
    }
}

record! {
    /// A variant of a flag: its name, and its value if it has one of its own.
    VariantRecord {
        /// String id.
        name: U32,
        /// Empty when the flag's `on` is served.
        value: ValueRecord,
    }
}

record! {
    /// An entry of a schedule; times ascend strictly.
    ScheduleRecord {
        /// Milliseconds since 1970.
        at: U64,
        /// In thousandths of a percent.
        percentage: U32,
    }
}

record! {
    /// A dependency: what another flag must decide.
    DependencyRecord {
        /// Flag index.
        flag: U32,
        /// One of [`expect`].
        expect: u8,
        /// The variant that is expected, with [`expect::VARIANT`].
        variant: U16,
    }
}

record! {
    /// The overrides of one flag.
    OverrideSetRecord {
        /// `key("override", flag key)`.
        key: U64,
        /// First of the [`OverrideRecord`]s.
        start: U32,
        /// How many.
        count: U32,
    }
}

record! {
    /// One override; hashes ascend strictly within a flag.
    OverrideRecord {
        /// The override hash of the user id.
        hash: U64,
        /// Index of a variant, [`OVERRIDE_ON`] or [`OVERRIDE_OFF`].
        serve: U16,
    }
}

record! {
    /// A cohort: lists of members as hashes, conditions, and the closure of cohorts that those name.
    CohortRecord {
        /// `key("cohort", name)`.
        key: U64,
        /// String id.
        name: U32,
        /// First member hash of `except`, ascending.
        except: U32,
        /// How many.
        except_count: U32,
        /// First member hash of `users`, ascending.
        users: U32,
        /// How many.
        user_count: U32,
        /// 1 when `when` is present (an empty one holds).
        when: u8,
        /// First node of `when`.
        conditions: U32,
        /// How many nodes.
        condition_count: U32,
        /// First cohort of the closure, in an order in which each may be decided.
        closure: U32,
        /// How many cohorts in the closure.
        closure_count: U16,
        /// Like [`FlagRecord::depth`].
        depth: u8,
    }
}

record! {
    /// A regular expression as a table of transitions. State 0 is dead, state 1 accepts, the search starts in 2.
    PatternRecord {
        /// String id of the pattern as written.
        text: U32,
        /// First of the 256 bytes that map a byte to its class.
        classes: U32,
        /// First transition; a row per state from 2 on, a column per class, then one for the end of the text.
        transitions: U32,
        /// How many states, the two fixed ones included.
        states: U16,
        /// How many columns in a row.
        stride: U16,
    }
}

record! {
    /// When a flag rolls back: the keys that policies had from the beginning.
    PolicyRecord {
        /// Error rate above which the flag is rolled back, 0 to 1.
        rate: F64,
        /// Seconds.
        window: U32,
        /// Outcomes before a rate counts.
        min_samples: U32,
        /// Seconds before the first probe.
        cooldown: U32,
        /// Share that passes half-open, in thousandths of a percent.
        probe: U32,
    }
}

record! {
    /// The keys of a policy that were added later.
    ///
    /// The section is left out when all policies have the defaults, so documents without these keys compile to the same
    /// bytes as before the keys existed. Otherwise there is one record for each policy, in their order.
    PolicyDetailRecord {
        /// Code of a [`Detector`](crate::Detector).
        detector: u8,
        /// Code of a [`Recovery`](crate::Recovery).
        recovery: u8,
        /// Code of an [`Action`](crate::Action).
        action: u8,
        /// Code of a [`Shared`](crate::Shared), and times 16 that of [`Sources`](crate::Sources).
        shared: u8,
        /// Milliseconds above which a call is slow; 0: no call is.
        slow_ms: U32,
        /// Share of slow calls above which the flag is rolled back, 0 to 1.
        slow_rate: F64,
        /// How many times the control's error rate is tolerated.
        ratio: F64,
        /// What is tolerated on top of it.
        margin: F64,
        /// How many false rollbacks a flag may have in a day.
        budget: F64,
    }
}

record! {
    /// An attribute that some condition reads or some flag hashes.
    AttributeRecord {
        /// String id.
        name: U32,
        /// Bits of [`attribute`].
        uses: u8,
    }
}

/// An override that serves on.
pub const OVERRIDE_ON: u16 = u16::MAX;
/// An override that serves off.
pub const OVERRIDE_OFF: u16 = u16::MAX - 1;

/// Bits for what a flag has besides rules. Most flags have none of it, and are decided without looking for it.
pub mod step {
    /// The kill switch is off.
    pub const DISABLED: u8 = 1;
    /// An attribute is hashed in place of the targeting key.
    pub const BY: u8 = 2;
    /// There are dependencies.
    pub const DEPENDENCIES: u8 = 4;
    /// There are overrides.
    pub const OVERRIDES: u8 = 8;
}

/// Bits for what a bound context prepares of an attribute.
pub mod attribute {
    /// Some condition compares it with interned strings.
    pub const INTERNED: u8 = 1;
    /// Some flag hashes it (`by`).
    pub const HASHED: u8 = 2;
}

/// Kinds of [`ValueRecord`], and what their payload is. The names are those of [`Value`](crate::Value).
pub mod value {
    /// No value. The payload is 0.
    pub const NONE: u8 = 0;
    /// A boolean. The payload is 0 or 1.
    pub const BOOL: u8 = 1;
    /// A finite number. The payload is an index into the numbers.
    pub const NUMBER: u8 = 2;
    /// Text. The payload is a string id.
    pub const STRING: u8 = 3;
    /// An object or array as canonical JSON. The payload is a string id.
    pub const JSON: u8 = 4;
}

/// What a rule serves, and to whom.
pub mod serve {
    /// On, to users inside the percentage.
    pub const ON: u8 = 0;
    /// On, because of a cohort.
    pub const COHORT_ON: u8 = 1;
    /// Off, because of a cohort.
    pub const COHORT_OFF: u8 = 2;
    /// Like [`ON`], for a flag that nothing narrows. The reason is `STATIC`.
    pub const EVERYONE: u8 = 3;
}

/// What is expected of another flag. The names are those of [`Expected`](crate::Expected).
pub mod expect {
    /// The other flag must not be enabled.
    pub const DISABLED: u8 = 0;
    /// The other flag must be enabled.
    pub const ENABLED: u8 = 1;
    /// The other flag must serve the variant of this record.
    pub const VARIANT: u8 = 2;
}

/// Kinds of [`NodeRecord`], and what `subject`, `operand` and `extra` are.
///
/// Kinds from [`EXISTS`](node::EXISTS) on are tests of an attribute: `subject` is its id, and `extra` has no
/// meaning unless the kind says so. One comparison distinguishes tests from all other nodes.
pub mod node {
    /// All members must hold. `extra` is the number of nodes that they take.
    pub const ALL: u8 = 1;
    /// Some member must hold. `extra` is the number of nodes that they take.
    pub const ANY: u8 = 2;
    /// Some member must not hold; mostly there is one. `extra` is the number of nodes that they take.
    pub const NOT: u8 = 3;
    /// The user must be a member of the cohort `subject`.
    pub const COHORT: u8 = 4;
    /// The flag `subject` must have decided as `operand`, one of [`expect`](super::expect), says. `extra` is the
    /// variant.
    pub const FLAG: u8 = 5;
    /// The attribute must be present, or absent if negated.
    pub const EXISTS: u8 = 10;
    /// `==` with a boolean: `operand` is 0 or 1.
    pub const EQUAL_BOOL: u8 = 11;
    /// `==` with a number: `operand` is an index into the numbers, as for the four comparisons below.
    pub const EQUAL_NUMBER: u8 = 12;
    /// `==` with a text: `operand` is a string id.
    pub const EQUAL_STRING: u8 = 13;
    /// `>`
    pub const GREATER: u8 = 14;
    /// `>=`
    pub const GREATER_EQUAL: u8 = 15;
    /// `<`
    pub const LESS: u8 = 16;
    /// `<=`
    pub const LESS_EQUAL: u8 = 17;
    /// `in` a list of numbers: `extra` of them from the index `operand` on.
    pub const IN_NUMBERS: u8 = 18;
    /// `in` a list of texts: `extra` string ids from `operand` on, which is an index into the operands.
    pub const IN_STRINGS: u8 = 19;
    /// `contains`: `operand` is a string id.
    pub const CONTAINS: u8 = 20;
    /// `starts_with` any of several texts, which are listed as for [`IN_STRINGS`].
    pub const STARTS_WITH: u8 = 21;
    /// `ends_with` any of several texts, which are listed as for [`IN_STRINGS`].
    pub const ENDS_WITH: u8 = 22;
    /// `matches`: `operand` is the index of a [`PatternRecord`](super::PatternRecord).
    pub const MATCHES: u8 = 23;
    /// `before`: `operand` is an index into the numbers, of milliseconds since 1970.
    pub const BEFORE: u8 = 24;
    /// `after`, like [`BEFORE`].
    pub const AFTER: u8 = 25;
    /// `semver_eq`: `operand` is a string id, as for the four below.
    pub const SEMVER_EQUAL: u8 = 26;
    /// `semver_gt`
    pub const SEMVER_GREATER: u8 = 27;
    /// `semver_gte`
    pub const SEMVER_GREATER_EQUAL: u8 = 28;
    /// `semver_lt`
    pub const SEMVER_LESS: u8 = 29;
    /// `semver_lte`
    pub const SEMVER_LESS_EQUAL: u8 = 30;
}

/// Kinds of sections, and the record of each. A section that would be empty may be left out.
pub mod section {
    /// Bytes: all strings one after the other, as UTF-8.
    pub const TEXT: u16 = 1;
    /// U32: the offset of each string in the text, and one more for the end of the last. A string id is an index here.
    pub const STRINGS: u16 = 2;
    /// F64: all numbers, which are finite.
    pub const NUMBERS: u16 = 3;
    /// [`AttributeRecord`](super::AttributeRecord): those that most conditions read first.
    pub const ATTRIBUTES: u16 = 4;
    /// U32: a hash table that finds an attribute by name. See [`index`](super::super::index).
    pub const ATTRIBUTE_TABLE: u16 = 5;
    /// U32: a hash table that finds the string id of a text that some condition compares with.
    pub const OPERAND_TABLE: u16 = 6;
    /// U32: a hash table that finds a flag by key.
    pub const FLAG_TABLE: u16 = 7;
    /// [`FlagRecord`](super::FlagRecord): in the order of their keys. A flag id is an index here.
    pub const FLAGS: u16 = 8;
    /// [`RuleRecord`](super::RuleRecord), in the order in which a flag tries them.
    pub const RULES: u16 = 9;
    /// [`NodeRecord`](super::NodeRecord), of rules and cohorts. A group comes before its members.
    pub const NODES: u16 = 10;
    /// U32: string ids of the operands of lists.
    pub const OPERANDS: u16 = 11;
    /// [`ShareRecord`](super::ShareRecord), of flags and rules.
    pub const SHARES: u16 = 12;
    /// [`VariantRecord`](super::VariantRecord), in the order of the document.
    pub const VARIANTS: u16 = 13;
    /// [`ScheduleRecord`](super::ScheduleRecord), of rules.
    pub const SCHEDULES: u16 = 14;
    /// U32: flag ids of the prerequisites of flags, each after what it depends on.
    pub const CLOSURES: u16 = 15;
    /// [`DependencyRecord`](super::DependencyRecord), of flags.
    pub const DEPENDENCIES: u16 = 16;
    /// [`OverrideSetRecord`](super::OverrideSetRecord): one for each flag with overrides.
    pub const OVERRIDE_SETS: u16 = 17;
    /// [`OverrideRecord`](super::OverrideRecord), by ascending hash within a flag.
    pub const OVERRIDES: u16 = 18;
    /// [`CohortRecord`](super::CohortRecord), in the order of their names. A cohort id is an index here.
    pub const COHORTS: u16 = 19;
    /// U32: cohort ids of the cohorts that cohorts name, each after what it names itself.
    pub const COHORT_CLOSURES: u16 = 20;
    /// U64: hashes of the members of cohorts, ascending within a list.
    pub const MEMBERS: u16 = 21;
    /// [`PatternRecord`](super::PatternRecord): each regular expression once.
    pub const PATTERNS: u16 = 22;
    /// Bytes: 256 for each pattern, the class of each byte.
    pub const CLASSES: u16 = 23;
    /// U16: the rows of the tables of all patterns.
    pub const TRANSITIONS: u16 = 24;
    /// [`PolicyRecord`](super::PolicyRecord): each policy once.
    pub const POLICIES: u16 = 25;
    /// U32: flag ids of the flags with prerequisites, by ascending depth.
    pub const ORDER: u16 = 26;
    /// [`PolicyDetailRecord`](super::PolicyDetailRecord): none, or one for each policy.
    pub const POLICY_DETAILS: u16 = 27;
}
