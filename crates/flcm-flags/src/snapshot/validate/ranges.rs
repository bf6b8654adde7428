//! The checks of a small module: every range lies in its section, and the ranges into a section are together no longer
//! than it is.
//!
//! Reads beyond the bytes answer zeros, so a decision needs no more than that to end soon. What is left out only tells
//! one wrong decision from another: whoever writes such bytes could as well write other flags.

use core::mem::offset_of;

use super::{Check, ensure};
use crate::snapshot::Reader;
use crate::snapshot::wire::{self, section};

/// Where records of one section name a range of another: its start, and behind it how many records there are.
struct Range {
    parent: usize,
    child: usize,
    at: usize,
    /// Whether the count has 32 bits and not 16.
    is_long: bool,
}

const fn short(parent: u16, at: usize, child: u16) -> Range {
    Range { parent: parent as usize, child: child as usize, at, is_long: false }
}

const fn long(parent: u16, at: usize, child: u16) -> Range {
    Range { parent: parent as usize, child: child as usize, at, is_long: true }
}

static RANGES: [Range; 13] = [
    short(section::FLAGS, offset_of!(wire::FlagRecord, rules), section::RULES),
    short(section::FLAGS, offset_of!(wire::FlagRecord, variants), section::VARIANTS),
    short(section::FLAGS, offset_of!(wire::FlagRecord, shares), section::SHARES),
    short(section::FLAGS, offset_of!(wire::FlagRecord, closure), section::CLOSURES),
    short(section::FLAGS, offset_of!(wire::FlagRecord, dependencies), section::DEPENDENCIES),
    short(section::RULES, offset_of!(wire::RuleRecord, schedule), section::SCHEDULES),
    short(section::RULES, offset_of!(wire::RuleRecord, shares), section::SHARES),
    long(section::RULES, offset_of!(wire::RuleRecord, conditions), section::NODES),
    long(section::OVERRIDE_SETS, offset_of!(wire::OverrideSetRecord, start), section::OVERRIDES),
    long(section::COHORTS, offset_of!(wire::CohortRecord, except), section::MEMBERS),
    long(section::COHORTS, offset_of!(wire::CohortRecord, users), section::MEMBERS),
    long(section::COHORTS, offset_of!(wire::CohortRecord, conditions), section::NODES),
    short(section::COHORTS, offset_of!(wire::CohortRecord, closure), section::COHORT_CLOSURES),
];

/// Checks the ranges of all records.
pub(super) fn check(reader: Reader<'_>) -> Check {
    for child in &RANGES {
        let count = reader.layout.extent_of(child.child).count;
        let mut left = count;
        for range in RANGES.iter().filter(|range| range.child == child.child) {
            for id in 0..reader.layout.extent_of(range.parent).count {
                let (start, length) = reader.range_of(range.parent, id, range.at, range.is_long);
                let fits = start.saturating_add(length) <= count && length <= left;
                ensure(fits, &"records: ranges longer than their section")?;
                left = left.saturating_sub(length);
            }
        }
    }
    Ok(())
}
