//! The section table: where the records of each kind lie.

use core::marker::PhantomData;

use zerocopy::little_endian::{F64, U16, U32, U64};

use super::to_usize;
use super::wire::{self, section};

/// Where a section lies: its first byte, the size of a record, and how many records there are.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) start: u32,
    pub(super) size: u16,
    pub(super) count: u32,
}

impl Extent {
    const EMPTY: Self = Self { start: 0, size: 0, count: 0 };
}

/// A section whose records are of type `T`, by its kind.
pub(crate) struct Section<T> {
    pub(super) kind: usize,
    record: PhantomData<fn() -> T>,
}

impl<T> Clone for Section<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Section<T> {}

/// Records of at most so many bytes cannot grow: bare numbers are read as slices.
pub(super) const FIXED: u16 = 8;

/// How many kinds there are, and one more: kinds begin with 1.
const KINDS: usize = 28;

/// The section table, read once by `from_bytes`, and what else every decision needs.
#[derive(Clone)]
pub(crate) struct Layout {
    pub(crate) digest: u64,
    pub(crate) revision: u64,
    /// The attribute that reads the targeting key, if some condition names it.
    pub(crate) user_attribute: Option<u32>,
    extents: [Extent; KINDS],
}

impl Layout {
    pub(super) const EMPTY: Self =
        Self { digest: 0, revision: 0, user_attribute: None, extents: [Extent::EMPTY; KINDS] };

    #[inline]
    pub(super) fn extent<T>(&self, section: Section<T>) -> &Extent {
        self.extent_of(section.kind)
    }

    /// The extent of a kind.
    #[inline]
    pub(super) fn extent_of(&self, kind: usize) -> &Extent {
        self.extents.get(kind).unwrap_or(&Extent::EMPTY)
    }

    /// Where a record begins, if it is there at all.
    ///
    /// The size of records that cannot grow is known. Where speed counts, it is not read.
    #[inline]
    pub(super) fn offset(&self, kind: usize, index: u32) -> usize {
        let extent = self.extent_of(kind);
        let least = LEAST.get(kind).map_or(0, |least| u16::from(*least));
        let size = if least <= FIXED && !cfg!(feature = "compact") { least } else { extent.size };
        to_usize(extent.start).wrapping_add(to_usize(index).wrapping_mul(size.into()))
    }

    #[inline]
    pub(crate) fn count<T>(&self, section: Section<T>) -> u32 {
        self.extent(section).count
    }

    /// The extent of a kind, and how long its records are at least; `None` for an unknown kind.
    pub(super) fn of_kind(&mut self, kind: u16) -> Option<(&mut Extent, u16)> {
        let least = LEAST.get(usize::from(kind)).filter(|least| **least > 0)?;
        Some((self.extents.get_mut(usize::from(kind))?, u16::from(*least)))
    }

    /// Name, record count and length in bytes of each section.
    pub(super) fn sizes(&self) -> impl Iterator<Item = (&'static str, u32, usize)> + use<> {
        let extents = self.extents;
        let length = |extent: &Extent| to_usize(extent.count).saturating_mul(extent.size.into());
        NAMES.into_iter().zip(extents).map(move |(name, extent)| (name, extent.count, length(&extent)))
    }
}

macro_rules! sections {
    ($($name:ident $shown:ident: $record:ty,)*) => {
        $(pub(crate) const $name: Section<$record> =
            Section { kind: section::$name as usize, record: PhantomData };)*

        /// The least size of a record, by kind.
        #[expect(
            clippy::as_conversions,
            clippy::cast_possible_truncation,
            clippy::indexing_slicing,
            reason = "of constants, by the compiler; a record is at most as long as the padding"
        )]
        static LEAST: [u8; KINDS] = {
            let mut least = [0; KINDS];
            $(least[section::$name as usize] = size_of::<$record>() as u8;)*
            least
        };

        /// The names of sections, by kind.
        #[expect(clippy::indexing_slicing, reason = "of constants, by the compiler")]
        static NAMES: [&str; KINDS] = {
            let mut names = [""; KINDS];
            $(names[section::$name as usize] = stringify!($shown);)*
            names
        };
    };
}

sections! {
    TEXT text: u8,
    STRINGS strings: U32,
    NUMBERS numbers: F64,
    ATTRIBUTES attributes: wire::AttributeRecord,
    ATTRIBUTE_TABLE attribute_table: U32,
    OPERAND_TABLE operand_table: U32,
    FLAG_TABLE flag_table: U32,
    FLAGS flags: wire::FlagRecord,
    RULES rules: wire::RuleRecord,
    NODES nodes: wire::NodeRecord,
    OPERANDS operands: U32,
    SHARES shares: wire::ShareRecord,
    VARIANTS variants: wire::VariantRecord,
    SCHEDULES schedules: wire::ScheduleRecord,
    CLOSURES closures: U32,
    DEPENDENCIES dependencies: wire::DependencyRecord,
    OVERRIDE_SETS override_sets: wire::OverrideSetRecord,
    OVERRIDES overrides: wire::OverrideRecord,
    COHORTS cohorts: wire::CohortRecord,
    COHORT_CLOSURES cohort_closures: U32,
    MEMBERS members: U64,
    PATTERNS patterns: wire::PatternRecord,
    CLASSES classes: u8,
    TRANSITIONS transitions: U16,
    POLICIES policies: wire::PolicyRecord,
    ORDER order: U32,
    POLICY_DETAILS policy_details: wire::PolicyDetailRecord,
}
