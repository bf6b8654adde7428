//! What an update has changed.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use flcm_flags::{Flag, FlagId, Snapshot};

/// The flags that an update has changed, by their keys.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ChangedFlags {
    /// Flags that are new, or are written differently than before, their cohorts included.
    pub changed: Vec<String>,
    /// Flags that are gone.
    pub removed: Vec<String>,
}

impl ChangedFlags {
    /// What a snapshot has changed, compared with the one before; without one, all its flags are new.
    #[must_use]
    pub fn new<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, before: Option<&Snapshot<B>>) -> Self {
        let Some(before) = before else {
            return Self { changed: keys(snapshot).map(ToOwned::to_owned).collect(), removed: Vec::new() };
        };
        let differs = changed(snapshot, before, snapshot.flags());
        let changed = keys(snapshot).zip(differs).filter(|(_, differs)| *differs).map(|(key, _)| key.to_owned());
        let removed = keys(before).filter(|key| snapshot.flag(key).is_none()).map(ToOwned::to_owned);
        Self { changed: changed.collect(), removed: removed.collect() }
    }
}

fn keys<B: AsRef<[u8]>>(snapshot: &Snapshot<B>) -> impl Iterator<Item = &str> {
    snapshot.flags().filter_map(|flag| snapshot.describe(flag)).map(|flag| flag.key())
}

/// For each of some flags, up to the first that is none, whether it is written differently than in another snapshot, or
/// is not in it.
pub fn changed<'s, B: AsRef<[u8]>>(
    snapshot: &'s Snapshot<B>,
    before: &'s Snapshot<B>,
    flags: impl Iterator<Item = FlagId> + 's,
) -> impl Iterator<Item = bool> + 's {
    let (mut prints, mut old_prints) = (Prints::new(snapshot), Prints::new(before));
    flags.map_while(|id| snapshot.describe(id)).map(move |flag| {
        let old = before.flag(flag.key()).and_then(|id| before.describe(id));
        old.is_none_or(|old| old_prints.of(&old) != prints.of(&flag))
    })
}

/// Fingerprints, those of cohorts remembered.
struct Prints<'s, B> {
    snapshot: &'s Snapshot<B>,
    cohorts: Vec<Option<u64>>,
}

impl<'s, B: AsRef<[u8]>> Prints<'s, B> {
    fn new(snapshot: &'s Snapshot<B>) -> Self {
        Self { snapshot, cohorts: vec![None; snapshot.cohort_count()] }
    }

    fn of(&mut self, flag: &Flag<'_>) -> u64 {
        let Self { snapshot, cohorts } = self;
        flag.fingerprint(&mut |id| match cohorts.get_mut(id.index()) {
            Some(known) => *known.get_or_insert_with(|| snapshot.cohort_fingerprint(id)),
            None => 0,
        })
    }
}
