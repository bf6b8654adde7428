//! Compares two versions of a document: which flags change, and for how many users.
//!
//! For each flag a difference lists the settings that change, and the exact shares of users that get something else,
//! counted over all buckets and split points. A flag that depends on others has shares of its own users. Neither needs
//! real users. [`compare_for`] also counts real contexts.
//!
//! ```
//! use flcm_flags::{Millis, Snapshot};
//! use flcm_flags_config::diff::{Version, compare};
//!
//! let document = |percentage| format!("flags: {{ beta: {{ rollout: {{ percentage: {percentage} }} }} }}");
//! let [old, new] = [10, 25].map(|percentage| flcm_flags_config::check(&document(percentage)).0.unwrap());
//! let before = Snapshot::from_bytes(flcm_flags_config::compile(&old))?;
//! let after = Snapshot::from_bytes(flcm_flags_config::compile(&new))?;
//! let difference = compare(
//!     &Version { name: "revision 1", snapshot: &before, config: Some(&old) },
//!     &Version { name: "revision 2", snapshot: &after, config: Some(&new) },
//!     Millis(0),
//! );
//! assert_eq!(difference.flags[0].changes[0].what, "rule 1 percentage");
//! assert_eq!(difference.flags[0].shares[0].gain.percent, 15.0);
//! # Ok::<(), flcm_flags::SnapshotError>(())
//! ```

use std::collections::BTreeSet;

use flcm_flags::{Flag, FlagId, Millis, Snapshot};
use serde::Serialize;

use crate::explain::text;
use crate::explain::view::FlagView;
use crate::{Config, OwnedContext};

mod changes;
mod contexts;
mod draws;
mod intervals;
mod joint;
mod member;
mod moves;

pub use changes::Change;
pub use contexts::ContextCounter;
pub use intervals::{Share, Shares};
pub use moves::{Move, Moves, Served};

use joint::Joint;

/// One of the two versions that are compared.
#[derive(Debug)]
pub struct Version<'v, B> {
    /// Its name in the difference, such as a file or a revision.
    pub name: &'v str,
    /// The compiled flags.
    pub snapshot: &'v Snapshot<B>,
    /// The checked document, if there is one: a snapshot does not show overrides and the members of cohorts.
    pub config: Option<&'v Config>,
}

/// All differences.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The time of the comparison, as RFC 3339 in UTC.
    pub now: String,
    /// The old version.
    pub old: Side,
    /// The new version.
    pub new: Side,
    /// Sorted by key.
    pub flags: Vec<FlagDifference>,
    /// What could not be compared.
    pub notes: Vec<String>,
    /// How many contexts were counted; `None` if none are counted.
    pub contexts: Option<u64>,
}

/// A version, as a difference shows it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Side {
    /// The name of the version.
    pub file: String,
    /// The revision of its snapshot.
    pub revision: u64,
    /// The digest of its snapshot, in hexadecimal.
    pub digest: String,
}

/// What is different in one flag.
#[derive(Clone, Debug, Serialize)]
pub struct FlagDifference {
    /// The flag key.
    pub flag: String,
    /// What happened to it.
    pub status: Status,
    /// The settings that change; empty for a flag that is added or removed.
    pub changes: Vec<Change>,
    /// Changed flags that this one depends on.
    pub through: Vec<String>,
    /// The shares by class of users, as far as other flags let them. Classes for which nothing changes are left out.
    pub shares: Vec<Shares>,
    /// The contexts by what changes for them; `None` if none are counted.
    pub contexts: Option<Moves>,
}

/// What happened to a flag.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is new.
    Added,
    /// Not changed itself, but a flag that it depends on is.
    Affected,
    /// Its settings change.
    Changed,
    /// It is removed.
    Removed,
    /// It is unchanged.
    Same,
}

/// Every flag that changes. Schedules are compared at the given time.
#[must_use]
pub fn compare<B: AsRef<[u8]>>(old: &Version<'_, B>, new: &Version<'_, B>, now: Millis) -> Difference {
    let mut difference = compare_all(old, new, now);
    difference.drop_same();
    difference
}

/// Like [`compare`], and includes unchanged flags: two snapshots may treat a user differently without showing a change.
#[must_use]
pub fn compare_all<B: AsRef<[u8]>>(old: &Version<'_, B>, new: &Version<'_, B>, now: Millis) -> Difference {
    let keys: BTreeSet<&str> = old.keys().chain(new.keys()).collect();
    let mut flags: Vec<FlagDifference> = keys.into_iter().map(|key| compare_flag(old, new, key, now)).collect();
    let changed: BTreeSet<String> =
        flags.iter().filter(|flag| flag.status != Status::Same).map(|flag| flag.flag.clone()).collect();
    for flag in &mut flags {
        let prerequisites: BTreeSet<String> =
            [old, new].into_iter().flat_map(|side| side.prerequisites(&flag.flag)).collect();
        flag.through = prerequisites.intersection(&changed).cloned().collect();
        if flag.status == Status::Same && !flag.through.is_empty() {
            flag.status = Status::Affected;
        }
        if flag.status != Status::Same && [old, new].into_iter().any(|side| side.has_prerequisites(&flag.flag)) {
            flag.shares = Joint::new([old, new], &flag.flag, now).shares();
        }
    }
    let notes = changes::notes(old, new, !changed.is_empty());
    Difference { now: text::rfc3339(now.0), old: old.side(), new: new.side(), flags, notes, contexts: None }
}

/// Like [`compare`], and counts for how many of these contexts each flag changes.
///
/// ```
/// use flcm_flags::{Millis, Snapshot};
/// use flcm_flags_config::OwnedContext;
/// use flcm_flags_config::diff::{Version, compare_for};
///
/// let document = |percentage| format!("flags: {{ beta: {{ rollout: {{ percentage: {percentage} }} }} }}");
/// let compile = |percentage| flcm_flags_config::compile(&flcm_flags_config::check(&document(percentage)).0.unwrap());
/// let [before, after] = [Snapshot::from_bytes(compile(0))?, Snapshot::from_bytes(compile(100))?];
/// let [old, new] = [&before, &after].map(|snapshot| Version { name: "", snapshot, config: None });
/// let users = ["alice", "bob"].map(OwnedContext::of);
/// let difference = compare_for(&old, &new, Millis(0), &users);
/// assert_eq!(difference.contexts, Some(2));
/// assert_eq!(difference.flags[0].contexts.as_ref().unwrap().gain, 2);
/// # Ok::<(), flcm_flags::SnapshotError>(())
/// ```
#[must_use]
pub fn compare_for<'c, B: AsRef<[u8]>>(
    old: &Version<'_, B>,
    new: &Version<'_, B>,
    now: Millis,
    contexts: impl IntoIterator<Item = &'c OwnedContext>,
) -> Difference {
    let mut difference = compare_all(old, new, now);
    let mut counter = ContextCounter::new(&difference, [old.snapshot, new.snapshot], now);
    for context in contexts {
        context.with_core(|context| counter.add(&context));
    }
    counter.write_to(&mut difference);
    difference.drop_same();
    difference
}

impl Difference {
    /// Whether there is neither a changed flag nor a note.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.flags.is_empty() && self.notes.is_empty()
    }

    /// Leaves out unchanged flags, unless contexts were counted for which they change.
    pub fn drop_same(&mut self) {
        self.flags.retain(|flag| flag.status != Status::Same || flag.contexts.as_ref().is_some_and(Moves::moved));
    }
}

fn compare_flag<B: AsRef<[u8]>>(old: &Version<'_, B>, new: &Version<'_, B>, key: &str, now: Millis) -> FlagDifference {
    if changes::is_written_alike(old, new, key) {
        return FlagDifference::same(key);
    }
    let (before, after) = (old.flag(key), new.flag(key));
    let views =
        (before.map(|flag| FlagView::new(old.snapshot, flag)), after.map(|flag| FlagView::new(new.snapshot, flag)));
    let mut changes = Vec::new();
    let mut shares = Vec::new();
    let status = match &views {
        (None, _) => Status::Added,
        (_, None) => Status::Removed,
        (Some(from), Some(to)) => {
            changes = changes::of(from, to);
            changes.extend(changes::of_documents(old, new, key));
            if changes.is_empty() { Status::Same } else { Status::Changed }
        }
    };
    if status != Status::Same && !old.has_prerequisites(key) && !new.has_prerequisites(key) {
        let side = |version: &Version<'_, B>, flag: Option<Flag<'_>>| {
            flag.map_or_else(intervals::Side::default, |flag| intervals::Side::new(version.snapshot, flag, now))
        };
        shares = intervals::shares(&side(old, before), &side(new, after));
    }
    FlagDifference { flag: key.to_owned(), status, changes, through: Vec::new(), shares, contexts: None }
}

impl FlagDifference {
    fn same(key: &str) -> Self {
        let (changes, through, shares) = (Vec::new(), Vec::new(), Vec::new());
        Self { flag: key.to_owned(), status: Status::Same, changes, through, shares, contexts: None }
    }
}

impl<'v, B: AsRef<[u8]>> Version<'v, B> {
    fn side(&self) -> Side {
        let digest = format!("{:016x}", self.snapshot.digest());
        Side { file: self.name.to_owned(), revision: self.snapshot.revision(), digest }
    }

    fn flag(&self, key: &str) -> Option<Flag<'v>> {
        self.snapshot.describe(self.snapshot.flag(key)?)
    }

    fn keys(&self) -> impl Iterator<Item = &'v str> {
        self.snapshot.flags().filter_map(|id| self.snapshot.describe(id)).map(|flag| flag.key())
    }

    fn has_prerequisites(&self, key: &str) -> bool {
        self.flag(key).is_some_and(|flag| !flag.closure().is_empty())
    }

    /// The flags that this one depends on, directly or indirectly.
    fn prerequisites(&self, key: &str) -> Vec<String> {
        let closure = self.flag(key).map_or(&[][..], |flag| flag.closure());
        let flags = closure.iter().filter_map(|id| self.snapshot.describe(FlagId(id.get())));
        flags.map(|flag| flag.key().to_owned()).collect()
    }
}
