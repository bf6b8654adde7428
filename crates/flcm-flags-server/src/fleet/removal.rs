//! A revision that removes flags: refused where that may be a mistake, as with a file that was cut off.

use std::collections::BTreeSet;
use std::fmt;

use super::{Fleet, FleetError};

/// A flag is in use if a host has counted it within the hour.
const IN_USE_MS: u64 = 3_600_000;

/// So many flags, and more than a third of all, are too many at once.
const MANY: usize = 3;

/// So many keys are named in a sentence.
const NAMED: usize = 10;

/// The flags that a refused revision would remove without naming them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Removal {
    /// In the order of their keys.
    pub(crate) flags: Vec<String>,
    /// Those that hosts have counted within the hour.
    in_use: Vec<String>,
    /// The number of flags in use before.
    all: usize,
}

impl fmt::Display for Removal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.in_use.is_empty() {
            let (removed, all) = (self.flags.len(), self.all);
            write!(formatter, "it removes {removed} of {all} flags: {}", listed(&self.flags))
        } else {
            write!(formatter, "it removes {}, which hosts have used within the hour", listed(&self.in_use))
        }
    }
}

impl Fleet {
    /// Refuses a revision that removes flags which hosts have used within the hour, or many at once. The counts of every
    /// key matter, also those of pages: whoever makes them up can only cause a flag to be named.
    pub(super) fn check_removal(&self, removed: &[String], named: &BTreeSet<String>) -> Result<(), FleetError> {
        let flags: Vec<String> = removed.iter().filter(|key| !named.contains(*key)).cloned().collect();
        let since = self.clock.now().0.saturating_sub(IN_USE_MS);
        let is_in_use = |key: &&String| self.totals.last_counted(key).is_some_and(|at| at >= since);
        let in_use: Vec<String> = flags.iter().filter(is_in_use).cloned().collect();
        let all = self.published.snapshot.flags().len();
        let too_many = flags.len() >= MANY && flags.len() * 3 > all;
        if in_use.is_empty() && !too_many {
            Ok(())
        } else {
            Err(FleetError::RemovesFlags(Removal { flags, in_use, all }))
        }
    }
}

/// The keys of flags, as a sentence names them.
pub(super) fn listed(keys: &[String]) -> String {
    let named: Vec<String> = keys.iter().take(NAMED).map(|key| format!("`{key}`")).collect();
    let more = keys.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", named.join(", "))
}
