//! Snapshots that were in use before: hosts fetch the next one a little later, and pages count by numbers of the old one
//! until then.

use bytes::Bytes;
use flcm_flags::Snapshot;

use super::Published;

/// At most so many, and so many bytes of them together. A revision has one or two: pages may get one of their own.
const MOST: usize = 16;
const MOST_BYTES: usize = 16 << 20;

/// The last snapshots, the latest first. They end with the process.
#[derive(Debug, Default)]
pub(super) struct Earlier(Vec<Snapshot<Bytes>>);

impl Earlier {
    /// The snapshots of a revision, and those before it.
    pub(super) fn behind(before: &Published) -> Self {
        let mut room = MOST_BYTES;
        let mut fits = |snapshot: &Snapshot<Bytes>| {
            let rest = room.checked_sub(snapshot.as_bytes().len());
            room = rest.unwrap_or(0);
            rest.is_some()
        };
        Self(before.snapshots().take_while(|snapshot| fits(snapshot)).take(MOST).cloned().collect())
    }

    pub(super) fn snapshots(&self) -> impl Iterator<Item = &Snapshot<Bytes>> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Published;
    use super::MOST;
    use crate::keys::Role;

    #[test]
    fn the_last_snapshots_are_known_by_their_digest() {
        let of = |flag: usize| Published::republished(format!("flags: {{ f{flag}: {{}} }}"), 7).unwrap();
        let all: Vec<u64> = (0..MOST + 3).map(|flag| of(flag).snapshot.digest()).collect();
        let last = (1..all.len()).fold(of(0), |before, flag| of(flag).behind(&before));
        let known: Vec<bool> = all.iter().map(|digest| last.snapshot_of(*digest).is_some()).collect();
        assert_eq!(known, [vec![false; 2], vec![true; MOST + 1]].concat());
        assert_eq!(last.snapshot_of(all[5]).unwrap().digest(), all[5]);
    }

    #[test]
    fn the_snapshots_of_pages_are_among_them() {
        let text = "clients: listed\nflags: { a: { client: true }, b: {} }";
        let before = Published::republished(text.to_owned(), 7).unwrap();
        let digests = [Role::Client, Role::Server].map(|role| before.snapshot_for(role).digest());
        assert_ne!(digests[0], digests[1]);
        let after = Published::republished("flags: { a: {} }".to_owned(), 8).unwrap().behind(&before);
        for digest in digests {
            assert_eq!(before.snapshot_of(digest).unwrap().digest(), digest);
            assert_eq!(after.snapshot_of(digest).unwrap().digest(), digest);
        }
    }
}
