//! The limits of documents, each with its reason. The diagnostic of a document that exceeds one names the limit.

/// Bytes of a document: a hundred times the largest document we know of, and still parsed in seconds.
pub const DOCUMENT_BYTES: usize = 64 << 20;

/// YAML nodes after aliases are expanded: as many as a document of [`DOCUMENT_BYTES`] can have without aliases, so that
/// a few lines of nested aliases cannot exhaust memory.
pub const NODES: usize = 4_000_000;

/// How deep lists and maps nest: deeper than [`CONDITION_DEPTH`] needs, and shallow enough for recursion.
pub const NODE_DEPTH: usize = 64;

/// How deep groups of conditions nest: the core evaluates them recursively, on stacks that may be small.
pub const CONDITION_DEPTH: usize = 16;

/// The largest revision of a document. Hosts refuse a jump of more than this, so that one wrong number cannot keep every
/// later revision out; seconds since 1970 fit, milliseconds do not.
pub const REVISION: u64 = 1 << 32;

/// Flags of a document: a snapshot with this many still loads in a few milliseconds.
pub const FLAGS: usize = 100_000;

/// Rules of a flag, including those of the short form: one decision may try all of them.
pub const RULES_PER_FLAG: usize = 1_000;

/// Conditions of one rule or cohort, including groups: one decision may evaluate all of them.
pub const CONDITIONS_PER_RULE: usize = 1_000;

/// Operands of one condition; a cohort can list more users.
pub const OPERANDS: usize = 10_000;

/// Variants of a flag: the sum of their weights fits into 32 bits.
pub const VARIANTS: usize = 256;

/// The largest weight of a variant.
pub const WEIGHT: u32 = flcm_flags::snapshot::wire::MAX_WEIGHT;

/// Tags of a flag: more would not help to find it.
pub const TAGS: usize = 64;

/// Entries of a schedule: one a day for more than two years.
pub const SCHEDULE: usize = 1_000;

/// Listed users of one cohort, and listed exceptions: each takes eight bytes of the snapshot.
pub const MEMBERS: usize = 2_000_000;

/// Overrides of one flag; a cohort can list more users.
pub const OVERRIDES: usize = 100_000;

/// Flags that a flag depends on, directly or indirectly: their decisions are kept on the stack. Also cohorts that a
/// cohort depends on.
pub const CLOSURE: usize = flcm_flags::snapshot::wire::MAX_CLOSURE;

/// The length of a chain of `extends`: longer ones are hard to read.
pub const EXTENDS_DEPTH: usize = 16;

/// Bytes of a name.
pub const NAME_BYTES: usize = 256;

/// Characters of a regular expression: longer ones are hard to read and slow to compile.
pub const PATTERN_CHARS: usize = 1_000;

/// Bytes of the table of one regular expression. Unicode classes such as `\w` take about 80 KB.
pub const PATTERN_TABLE_BYTES: usize = 256 << 10;

/// Bytes of memory for building one table: the size of some patterns doubles with every character.
pub const PATTERN_BUILD_BYTES: usize = 2 << 20;

/// Distinct regular expressions of a document: each may take a tenth of a second to compile.
pub const PATTERNS: usize = 1_000;

/// The last time of a schedule, in milliseconds since 1970: JavaScript's numbers are exact up to here.
pub const TIME: u64 = 1 << 53;

/// Edits that are applied at once: each is proven, which takes as long as reading the document.
pub const EDITS: usize = 1_000;

/// Diagnostics that are reported: more would not help anyone.
pub const DIAGNOSTICS: usize = 1_000;
