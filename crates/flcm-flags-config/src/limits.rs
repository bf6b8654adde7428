//! Every limit of a document, each with its reason. A document beyond one is refused by the name of the limit.

/// Bytes of a document: a hundred times the largest configuration we know of, and still parsed in seconds.
pub const DOCUMENT_BYTES: usize = 64 << 20;

/// YAML nodes after aliases are resolved: what a document of [`DOCUMENT_BYTES`] can hold without them, so that a few
/// lines of nested aliases cannot fill the memory.
pub const NODES: usize = 4_000_000;

/// How deep lists and maps nest: more than [`CONDITION_DEPTH`] needs, and shallow enough for recursion.
pub const NODE_DEPTH: usize = 64;

/// How deep groups of conditions nest: the core walks them with recursion, on stacks that may be small.
pub const CONDITION_DEPTH: usize = 16;

/// Flags of a document: a snapshot of so many is still loaded in a few milliseconds.
pub const FLAGS: usize = 100_000;

/// Rules of a flag, those of the short form included: each may be tried in one decision.
pub const RULES_PER_FLAG: usize = 1_000;

/// Nodes of the conditions of one rule or cohort: all may be tried in one decision.
pub const CONDITIONS_PER_RULE: usize = 1_000;

/// Operands of one condition; more users than that are a cohort.
pub const OPERANDS: usize = 10_000;

/// Variants of a flag: their weights still sum up in 32 bits.
pub const VARIANTS: usize = 256;

/// The largest weight of a variant.
pub const WEIGHT: u32 = flcm_flags::snapshot::wire::MAX_WEIGHT;

/// Entries of a schedule: a step a day for more than two years.
pub const SCHEDULE: usize = 1_000;

/// Listed users of one cohort, and listed exceptions: eight bytes each in the snapshot.
pub const MEMBERS: usize = 2_000_000;

/// Overrides of one flag; more users than that are a cohort.
pub const OVERRIDES: usize = 100_000;

/// Flags that a flag depends on, directly or not: a decision keeps their outcomes on the stack. Also the cohorts that
/// a cohort names.
pub const CLOSURE: usize = flcm_flags::snapshot::wire::MAX_CLOSURE;

/// How long a chain of `extends` may be: longer ones cannot be read any more.
pub const EXTENDS_DEPTH: usize = 16;

/// Bytes of a name.
pub const NAME_BYTES: usize = 256;

/// Characters of a regular expression: beyond that it is a program.
pub const PATTERN_CHARS: usize = 1_000;

/// Bytes of the table of one regular expression. Unicode classes such as `\w` take about 80 KB.
pub const PATTERN_TABLE_BYTES: usize = 256 << 10;

/// Bytes of memory for building one table: some patterns double with every character.
pub const PATTERN_BUILD_BYTES: usize = 2 << 20;

/// Different regular expressions of a document: each may take up to a tenth of a second to compile.
pub const PATTERNS: usize = 1_000;

/// The last millisecond that a schedule can name: 2^53, as everywhere.
pub const TIME: u64 = 1 << 53;

/// Problems that are reported; the rest of a document that is wrong everywhere adds nothing.
pub const DIAGNOSTICS: usize = 1_000;
