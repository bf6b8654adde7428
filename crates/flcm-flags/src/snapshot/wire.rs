//! The snapshot format: typed, little-endian, unaligned records that are read in place.
//!
//! A snapshot is a [`Header`], a table of [`SectionRecord`]s and the sections themselves. A reader skips
//! sections that it does not know, and a record may grow at its end: its size stands in the table. The structs
//! here *are* the format; only this file knows offsets. `flcm-flags-config` writes it, [`Snapshot`] reads it.
//!
//! Ranges `(start, count)` of a parent tile their section in the parents' order, so that checking every
//! parent once checks every child once, and nothing can be shared or left over.
//!
//! [`Snapshot`]: crate::Snapshot

use zerocopy::little_endian::{F64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The first eight bytes of every snapshot.
pub const MAGIC: [u8; 8] = *b"FLCMSNAP";

/// The format version that this crate reads and writes.
pub const VERSION: u16 = 1;

/// The newest flag level that this crate can decide; a flag of a higher level is an error of that flag alone.
pub const LEVEL: u8 = 1;

/// The only bucketing hash of version 1; other vendors' bucketing will have ids of their own.
pub const HASH_SIP_MIX: u8 = 1;

/// Stands for "none" wherever an index or an id may be absent.
pub const NONE: u32 = u32::MAX;

/// Longest list of prerequisites (direct and indirect) of one flag, and of cohorts of one cohort: a decision
/// keeps their decisions on the stack.
pub const MAX_CLOSURE: usize = 64;

/// Groups of conditions nest at most this deep; the reader walks them with recursion.
pub const MAX_NESTING: u32 = 16;

/// The largest weight of a variant: 256 of them still sum up below 2^32.
pub const MAX_WEIGHT: u32 = 1 << 20;

/// The bytes that the checksum does not cover: the magic, compared whole, and the checksum itself.
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
    /// The start of a snapshot.
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
    /// Where a section lies.
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
    /// A rule of a flag.
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
    /// A variant that a split can draw.
    ShareRecord {
        /// Index of the variant within its flag.
        variant: U16,
        /// Sum of the weights up to and with this one.
        cumulative: U32,
    }
}

record! {
    /// A variant of a flag.
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
    /// A cohort.
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
    /// When a flag rolls back.
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
    /// What a policy says beyond its [`PolicyRecord`]. The section is left out when all of that is the default; else
    /// there is one for each policy, in their order.
    PolicyDetailRecord {
        /// Code of a [`Detector`](crate::Detector).
        detector: u8,
        /// Code of a [`Recovery`](crate::Recovery).
        recovery: u8,
        /// Code of an [`Action`](crate::Action).
        action: u8,
        /// Code of a [`Shared`](crate::Shared).
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

/// What a flag has besides rules. A flag with none of it, which most are, is decided without looking for it.
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

/// What a bound context prepares for an attribute.
pub mod attribute {
    /// Some condition compares it with interned strings.
    pub const INTERNED: u8 = 1;
    /// Some flag hashes it (`by`).
    pub const HASHED: u8 = 2;
}

/// Kinds of [`ValueRecord`].
#[allow(missing_docs, reason = "the names are those of `Value`")]
pub mod value {
    pub const NONE: u8 = 0;
    pub const BOOL: u8 = 1;
    pub const NUMBER: u8 = 2;
    pub const STRING: u8 = 3;
    pub const JSON: u8 = 4;
}

/// What a rule serves.
pub mod serve {
    /// On, to users inside the percentage.
    pub const ON: u8 = 0;
    /// On, because of a cohort.
    pub const COHORT_ON: u8 = 1;
    /// Off, because of a cohort.
    pub const COHORT_OFF: u8 = 2;
}

/// What is expected of another flag.
#[allow(missing_docs, reason = "the names are those of `Expected`")]
pub mod expect {
    pub const DISABLED: u8 = 0;
    pub const ENABLED: u8 = 1;
    pub const VARIANT: u8 = 2;
}

/// Kinds of [`NodeRecord`].
#[allow(missing_docs, reason = "the names are those of the document's operators")]
pub mod node {
    pub const ALL: u8 = 1;
    pub const ANY: u8 = 2;
    pub const NOT: u8 = 3;
    pub const COHORT: u8 = 4;
    pub const FLAG: u8 = 5;
    pub const EXISTS: u8 = 10;
    pub const EQUAL_BOOL: u8 = 11;
    pub const EQUAL_NUMBER: u8 = 12;
    pub const EQUAL_STRING: u8 = 13;
    pub const GREATER: u8 = 14;
    pub const GREATER_EQUAL: u8 = 15;
    pub const LESS: u8 = 16;
    pub const LESS_EQUAL: u8 = 17;
    pub const IN_NUMBERS: u8 = 18;
    pub const IN_STRINGS: u8 = 19;
    pub const CONTAINS: u8 = 20;
    pub const STARTS_WITH: u8 = 21;
    pub const ENDS_WITH: u8 = 22;
    pub const MATCHES: u8 = 23;
    pub const BEFORE: u8 = 24;
    pub const AFTER: u8 = 25;
    pub const SEMVER_EQUAL: u8 = 26;
    pub const SEMVER_GREATER: u8 = 27;
    pub const SEMVER_GREATER_EQUAL: u8 = 28;
    pub const SEMVER_LESS: u8 = 29;
    pub const SEMVER_LESS_EQUAL: u8 = 30;
}

/// Kinds of sections.
#[allow(missing_docs, reason = "the names are the record types, in the plural")]
pub mod section {
    pub const TEXT: u16 = 1;
    pub const STRINGS: u16 = 2;
    pub const NUMBERS: u16 = 3;
    pub const ATTRIBUTES: u16 = 4;
    pub const ATTRIBUTE_TABLE: u16 = 5;
    pub const OPERAND_TABLE: u16 = 6;
    pub const FLAG_TABLE: u16 = 7;
    pub const FLAGS: u16 = 8;
    pub const RULES: u16 = 9;
    pub const NODES: u16 = 10;
    pub const OPERANDS: u16 = 11;
    pub const SHARES: u16 = 12;
    pub const VARIANTS: u16 = 13;
    pub const SCHEDULES: u16 = 14;
    pub const CLOSURES: u16 = 15;
    pub const DEPENDENCIES: u16 = 16;
    pub const OVERRIDE_SETS: u16 = 17;
    pub const OVERRIDES: u16 = 18;
    pub const COHORTS: u16 = 19;
    pub const COHORT_CLOSURES: u16 = 20;
    pub const MEMBERS: u16 = 21;
    pub const PATTERNS: u16 = 22;
    pub const CLASSES: u16 = 23;
    pub const TRANSITIONS: u16 = 24;
    pub const POLICIES: u16 = 25;
    pub const ORDER: u16 = 26;
    pub const POLICY_DETAILS: u16 = 27;
}
