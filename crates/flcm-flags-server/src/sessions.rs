//! Sign-ins of people: a cookie stands for a key, so that the key need not be kept in a page. Only hashes are held.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::keys::KeyHash;

mod failures;

pub(crate) use failures::Failures;

/// How long a sign-in lasts, in milliseconds.
pub(crate) const LASTS_MS: u64 = 12 * 3_600_000;

/// At most so many sign-ins with one key; a further one ends the oldest.
const PER_KEY: usize = 100;

/// The SHA-256 of a cookie.
pub(crate) type SessionHash = [u8; 32];

/// A sign-in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Session {
    pub(crate) hash: SessionHash,
    /// The hash of the key: what it may do, and whether it still may, is looked up each time.
    pub(crate) key: KeyHash,
    /// In milliseconds since 1970.
    pub(crate) expires: u64,
}

/// All sign-ins that have not ended.
#[derive(Debug, Default)]
pub(crate) struct Sessions(Mutex<HashMap<SessionHash, Session>>);

/// A sign-in that has begun.
#[derive(Debug)]
pub(crate) struct Begun {
    /// The value of the cookie, which is stored nowhere.
    pub(crate) cookie: String,
    pub(crate) session: Session,
    /// The one that has ended to make room.
    pub(crate) ended: Option<SessionHash>,
}

impl Sessions {
    pub(crate) fn new(stored: Vec<Session>) -> Self {
        Self(Mutex::new(stored.into_iter().map(|session| (session.hash, session)).collect()))
    }

    /// Begins a sign-in with a key.
    pub(crate) fn begin(&self, key: KeyHash, now: u64) -> Begun {
        let cookie = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let session = Session { hash: hash_of(&cookie), key, expires: now + LASTS_MS };
        let mut all = self.lock();
        let own = all.values().filter(|session| session.key == key);
        let oldest = own.clone().min_by_key(|session| session.expires).map(|session| session.hash);
        let ended = oldest.filter(|_| own.count() >= PER_KEY);
        ended.inspect(|hash| _ = all.remove(hash));
        all.insert(session.hash, session);
        Begun { cookie, session, ended }
    }

    /// The sign-in of a cookie.
    pub(crate) fn find(&self, cookie: &str, now: u64) -> Option<Session> {
        self.lock().get(&hash_of(cookie)).filter(|session| session.expires > now).copied()
    }

    /// Whether a sign-in goes on.
    pub(crate) fn goes_on(&self, hash: &SessionHash, now: u64) -> bool {
        self.lock().get(hash).is_some_and(|session| session.expires > now)
    }

    pub(crate) fn end(&self, hash: &SessionHash) {
        self.lock().remove(hash);
    }

    /// Ends those that are over, and those of keys that are gone; which these are.
    pub(crate) fn end_all_but(&self, has_key: impl Fn(&KeyHash) -> bool, now: u64) -> Vec<SessionHash> {
        let mut all = self.lock();
        let ended = all.values().filter(|session| session.expires <= now || !has_key(&session.key));
        let ended: Vec<SessionHash> = ended.map(|session| session.hash).collect();
        for hash in &ended {
            all.remove(hash);
        }
        ended
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionHash, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash_of(cookie: &str) -> SessionHash {
    Sha256::digest(cookie.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::{LASTS_MS, PER_KEY, Sessions};

    #[test]
    fn a_sign_in_ends_by_time_with_its_key_or_to_make_room() {
        let sessions = Sessions::default();
        let first = sessions.begin([1; 32], 0);
        assert_eq!(sessions.find(&first.cookie, LASTS_MS - 1), Some(first.session));
        assert_eq!(sessions.find(&first.cookie, LASTS_MS), None);
        assert_eq!(sessions.find("guess", 0), None);
        let others: Vec<_> = (1..PER_KEY as u64).map(|now| sessions.begin([1; 32], now)).collect();
        assert!(others.iter().all(|begun| begun.ended.is_none()));
        assert!(sessions.begin([2; 32], 0).ended.is_none(), "of another key");
        assert_eq!(sessions.begin([1; 32], 1000).ended, Some(first.session.hash));
        assert_eq!(sessions.end_all_but(|key| *key == [2; 32], 0).len(), PER_KEY);
        assert_eq!(sessions.end_all_but(|_| true, LASTS_MS).len(), 1);
    }
}
