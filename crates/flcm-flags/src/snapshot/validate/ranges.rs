//! The checks of a small module: every range lies in its section, and the ranges into a section are together no longer
//! than it is.
//!
//! Reads beyond the bytes answer zeros, so a decision needs no more than that to end soon. What is left out only tells
//! one wrong decision from another: whoever writes such bytes could as well write other flags.

use core::mem::offset_of;

use zerocopy::little_endian::U32;

use super::{Check, ensure};
use crate::snapshot::Reader;
use crate::snapshot::wire::{self, section};

/// Where records of one section name a range of another: its start, and behind it how many records there are.
struct Range {
    child: u8,
    parent: u8,
    at: u8,
    /// Whether the count has 32 bits and not 16.
    is_long: bool,
}

macro_rules! ranges {
    ($($child:ident: $parent:ident $record:ident $start:ident $is_long:literal,)*) => {
        [$(Range {
            child: section::$child as u8,
            parent: section::$parent as u8,
            at: offset_of!(wire::$record, $start) as u8,
            is_long: $is_long,
        },)*]
    };
}

/// By child.
static RANGES: [Range; 13] = ranges! {
    RULES: FLAGS FlagRecord rules false,
    NODES: RULES RuleRecord conditions true,
    NODES: COHORTS CohortRecord conditions true,
    SHARES: FLAGS FlagRecord shares false,
    SHARES: RULES RuleRecord shares false,
    VARIANTS: FLAGS FlagRecord variants false,
    SCHEDULES: RULES RuleRecord schedule false,
    CLOSURES: FLAGS FlagRecord closure false,
    DEPENDENCIES: FLAGS FlagRecord dependencies false,
    OVERRIDES: OVERRIDE_SETS OverrideSetRecord start true,
    COHORT_CLOSURES: COHORTS CohortRecord closure false,
    MEMBERS: COHORTS CohortRecord except true,
    MEMBERS: COHORTS CohortRecord users true,
};

impl Reader<'_> {
    /// A range that a record of a section names: its start, and how many records it has.
    fn range_of(&self, kind: usize, index: u32, at: usize, is_long: bool) -> (u32, u32) {
        let bytes = self.record(kind, index).get(at..).and_then(<[u8]>::first_chunk);
        let [start, length]: [U32; 2] = zerocopy::transmute!(*bytes.unwrap_or(&[0; 8]));
        (start.get(), if is_long { length.get() } else { length.get() & 0xffff })
    }
}

/// Checks the ranges of all records.
pub(super) fn check(reader: Reader<'_>) -> Check {
    let (mut child, mut left) = (0, 0);
    for range in &RANGES {
        let count = reader.layout.extent_of(range.child.into()).count;
        if range.child != child {
            (child, left) = (range.child, count);
        }
        for id in 0..reader.layout.extent_of(range.parent.into()).count {
            let (start, length) = reader.range_of(range.parent.into(), id, range.at.into(), range.is_long);
            let fits = length <= left && start <= count.wrapping_sub(length);
            ensure(fits, &"records: ranges longer than their section")?;
            left = left.wrapping_sub(length);
        }
    }
    Ok(())
}
