//! Keys and their roles. Only hashes of keys are held.

use std::collections::BTreeSet;
use std::fmt;
use std::fmt::Write;
use std::num::NonZeroU32;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::bounded_file;
use crate::error::StartError;
use crate::peer::AddressPrefix;

mod limit;
mod line;
mod usage;

pub(crate) use limit::Limit;
use line::Line;
pub(crate) use usage::KeyReport;
use usage::Usage;

/// The role of a key. Each role may do what the roles before it may.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads snapshots and sends metrics. Pages contain such a key, so it is public.
    Client,
    /// Also evaluates flags, and reads documents and metrics.
    Server,
    /// Also reads everything that the dashboard shows.
    Viewer,
    /// Also holds and releases flags, and acknowledges rollbacks.
    Operator,
    /// Also publishes documents.
    Publisher,
    /// Also removes metrics, and sees which keys there are.
    Admin,
}

impl Role {
    /// All roles, from the least to the most.
    pub const ALL: [Self; 6] = [Self::Client, Self::Server, Self::Viewer, Self::Operator, Self::Publisher, Self::Admin];

    /// The name of the role in the file of keys.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Client => "client",
            Self::Operator => "operator",
            Self::Publisher => "publisher",
            Self::Server => "server",
            Self::Viewer => "viewer",
        }
    }

    /// Whether strangers have such keys, because pages contain them.
    pub(crate) const fn is_public(self) -> bool {
        matches!(self, Self::Client)
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let role = Self::ALL.into_iter().find(|role| role.as_str() == text);
        role.ok_or_else(|| {
            format!("`{text}` is not a role: write client, server, viewer, operator, publisher or admin")
        })
    }
}

/// One key, of which the server knows only the hash.
struct Key {
    name: Arc<str>,
    role: Role,
    hash: [u8; 32],
    /// In milliseconds since 1970.
    expires: Option<u64>,
    limit: Option<NonZeroU32>,
    limiter: Option<Limit>,
    usage: Arc<Usage>,
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Key {{ name: {:?}, role: {:?} }}", self.name, self.role)
    }
}

/// Whose request it is.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The name of the key.
    pub(crate) name: Arc<str>,
    pub(crate) role: Role,
    /// `None` where no keys are needed.
    key: Option<Arc<Key>>,
}

impl Caller {
    /// The hash of the key; `None` where no keys are needed.
    pub(crate) fn key_hash(&self) -> Option<KeyHash> {
        self.key.as_ref().map(|key| key.hash)
    }
}

/// Where a request comes from, and when, in milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) network: AddressPrefix,
    pub(crate) at: u64,
}

/// What a request is admitted by.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Credential<'k> {
    /// A key as it was sent.
    Key(&'k str),
    /// The hash of the key that somebody has signed in with.
    Session(KeyHash),
}

/// The SHA-256 of a key.
pub(crate) type KeyHash = [u8; 32];

/// Why a request is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Denial {
    /// The key is no longer valid.
    Expired,
    /// The role of the key does not allow this.
    Forbidden,
    /// Too many requests; how long to wait.
    Limited(Duration),
    /// The sign-in has ended, or its key is gone.
    SignedOut,
    /// The key is missing or unknown.
    Unknown,
}

/// All keys. Without any, everyone may do everything, but only from this machine.
#[derive(Debug, Default)]
pub(crate) struct Keys(Vec<Arc<Key>>);

/// The names of keys that differ between two files.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Changes {
    pub(crate) added: Vec<String>,
    pub(crate) changed: Vec<String>,
    pub(crate) removed: Vec<String>,
}

impl Keys {
    /// Reads a file of keys.
    pub(crate) fn read(path: &Path) -> Result<Self, StartError> {
        let name = path.display();
        let text = bounded_file::read_text(path, bounded_file::SMALL_BYTES).map_err(|error| {
            StartError::other(format!("cannot read {name}: {error}"), "check the path and its permissions")
        })?;
        Self::from_json(&text).map_err(|error| {
            StartError::other(format!("{name}: {error}"), "write a JSON list of the lines that `flcm key` prints")
        })
    }

    /// Reads JSON, a list of `{"name", "role", "sha256", "limit", "expires"}`, the last two of them optional.
    ///
    /// # Errors
    /// Describes what is wrong, and where.
    fn from_json(text: &str) -> Result<Self, String> {
        let lines: Vec<Line> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if lines.is_empty() {
            return Err("the list has no key".to_owned());
        }
        let keys = lines.into_iter().map(|line| line.into_key().map(Arc::new)).collect::<Result<Vec<_>, _>>()?;
        refuse_duplicates(&keys)?;
        Ok(Self(keys))
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose key this is, if it has at least a role.
    pub(crate) fn admit(
        &self,
        credential: Option<Credential<'_>>,
        role: Role,
        arrival: Arrival,
    ) -> Result<Caller, Denial> {
        if self.is_empty() {
            return Ok(Caller { name: "anyone".into(), role: Role::Admin, key: None });
        }
        let found = match credential.ok_or(Denial::Unknown)? {
            Credential::Key(key) => self.find(&hash_of(key)).ok_or(Denial::Unknown)?,
            Credential::Session(hash) => self.find(&hash).ok_or(Denial::SignedOut)?,
        };
        if found.has_expired(arrival.at) {
            return Err(Denial::Expired);
        }
        if found.role < role {
            return Err(Denial::Forbidden);
        }
        found.usage.note(arrival.at);
        match found.limiter.as_ref().and_then(|limiter| limiter.wait(arrival.network)) {
            Some(wait) => Err(Denial::Limited(wait)),
            None => Ok(Caller { name: Arc::clone(&found.name), role: found.role, key: Some(Arc::clone(found)) }),
        }
    }

    /// Whether a caller's key is still one of these, as it was when it was admitted.
    pub(crate) fn still_admit(&self, caller: &Caller, at: u64) -> bool {
        let Some(key) = &caller.key else { return self.is_empty() };
        let is_it = |own: &&Arc<Key>| own.hash == key.hash && own.role >= key.role;
        self.0.iter().find(is_it).is_some_and(|own| !own.has_expired(at))
    }

    /// The names of keys that are no longer valid.
    pub(crate) fn expired(&self, at: u64) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |key| key.has_expired(at)).map(|key| &*key.name)
    }

    /// What is different in the keys that replace these.
    pub(crate) fn changes(&self, newer: &Self) -> Changes {
        let named = |keys: &Self, key: &Arc<Key>| keys.0.iter().find(|other| other.name == key.name).cloned();
        let mut changes = Changes::default();
        for key in &newer.0 {
            match named(self, key) {
                None => changes.added.push(key.name.to_string()),
                Some(old) if !old.is_same(key) => changes.changed.push(key.name.to_string()),
                Some(_) => {}
            }
        }
        let gone = self.0.iter().filter(|key| named(newer, key).is_none());
        changes.removed = gone.map(|key| key.name.to_string()).collect();
        changes
    }

    /// Each key, in the order of the file.
    pub(crate) fn list(&self) -> impl Iterator<Item = KeyReport<'_>> {
        self.0.iter().map(|key| KeyReport::of(key))
    }

    /// Whether one of these has this hash.
    pub(crate) fn has(&self, hash: &KeyHash) -> bool {
        self.find(hash).is_some()
    }

    /// Goes on counting the requests of keys that were in the file before.
    pub(crate) fn with_usage_of(self, older: &Self) -> Self {
        let keys = self.0.into_iter().map(|mut key| {
            let usage = older.find(&key.hash).map(|older| Arc::clone(&older.usage));
            if let (Some(key), Some(usage)) = (Arc::get_mut(&mut key), usage) {
                key.usage = usage;
            }
            key
        });
        Self(keys.collect())
    }

    /// Compares all keys, so that the time it takes reveals nothing.
    fn find(&self, hash: &KeyHash) -> Option<&Arc<Key>> {
        self.0.iter().fold(None, |found, key| if bool::from(hash.ct_eq(&key.hash)) { Some(key) } else { found })
    }
}

impl Key {
    fn has_expired(&self, at: u64) -> bool {
        self.expires.is_some_and(|expires| expires <= at)
    }

    fn is_same(&self, other: &Self) -> bool {
        (self.role, self.hash, self.expires, self.limit) == (other.role, other.hash, other.expires, other.limit)
    }
}

fn hash_of(key: &str) -> KeyHash {
    Sha256::digest(key.as_bytes()).into()
}

/// The audit names keys: each needs a name of its own.
fn refuse_duplicates(keys: &[Arc<Key>]) -> Result<(), String> {
    let (mut names, mut hashes) = (BTreeSet::new(), BTreeSet::new());
    for key in keys {
        if !names.insert(&key.name) {
            return Err(format!("two keys have the name `{}`: give each its own", key.name));
        }
        if !hashes.insert(key.hash) {
            return Err(format!("the key `{}` is the same as another one: make one with `flcm key`", key.name));
        }
    }
    Ok(())
}

/// A new key, and its entry for the file of keys. The key itself is stored nowhere. `expires` is a time by RFC 3339.
///
/// # Errors
/// The server would refuse the name or the time: says how to write it.
pub fn mint(name: &str, role: Role, expires: Option<&str>) -> Result<(String, String), String> {
    line::check_name(name)?;
    let key = format!("flcm_{}_{}", role.as_str(), URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
    let mut sha256 = String::new();
    for byte in Sha256::digest(key.as_bytes()) {
        let _ = write!(sha256, "{byte:02x}");
    }
    let mut line = serde_json::json!({ "name": name, "role": role.as_str(), "sha256": sha256 });
    if let Some(expires) = expires {
        line::expiry(expires)?;
        line["expires"] = expires.into();
    }
    Ok((key, line.to_string()))
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{AddressPrefix, Arrival, Changes, Credential, Denial, Keys, Role, mint};

    fn from(address: [u8; 4], at: u64) -> Arrival {
        Arrival { network: AddressPrefix::of(IpAddr::from(address)), at }
    }

    fn here() -> Arrival {
        from([192, 0, 2, 1], 0)
    }

    #[test]
    fn a_key_is_good_for_its_role_and_those_below() {
        let (key, line) = mint("ci", Role::Server, None).expect("a key");
        let keys = Keys::from_json(&format!("[{line}]")).expect("keys");
        let name = |key: Option<&str>, role| {
            keys.admit(key.map(Credential::Key), role, here()).map(|caller| caller.name.to_string())
        };
        assert_eq!(name(Some(&key), Role::Client), Ok("ci".to_owned()));
        assert_eq!(name(Some(&key), Role::Server), Ok("ci".to_owned()));
        assert_eq!(name(Some(&key), Role::Admin), Err(Denial::Forbidden));
        assert_eq!(name(Some("flcm_server_guess"), Role::Client), Err(Denial::Unknown));
        assert_eq!(name(None, Role::Client), Err(Denial::Unknown));
        assert!(!format!("{keys:?}").contains(&line[40..60]), "no hash in a log");
    }

    #[test]
    fn the_limit_of_a_secret_key_is_for_the_key_and_that_of_a_public_one_for_each_network() {
        for (role, is_shared) in [(Role::Server, true), (Role::Client, false)] {
            let (key, line) = mint("ci", role, None).expect("a key");
            let keys = Keys::from_json(&format!("[{}]", line.replace('}', ",\"limit\":2}"))).expect("keys");
            let admit = |address| keys.admit(Some(Credential::Key(&key)), Role::Client, from(address, 0));
            assert!(admit([192, 0, 2, 1]).is_ok() && admit([192, 0, 2, 2]).is_ok());
            assert!(matches!(admit([192, 0, 2, 3]), Err(Denial::Limited(_))));
            assert_eq!(admit([198, 51, 100, 1]).is_err(), is_shared, "{role:?}");
        }
    }

    #[test]
    fn a_key_expires() {
        const EXPIRES: u64 = 1_796_083_200_000;
        let (key, line) = mint("ci", Role::Admin, Some("2026-12-01T00:00:00Z")).expect("a key");
        let keys = Keys::from_json(&format!("[{line}]")).expect("keys");
        let admit = |at| keys.admit(Some(Credential::Key(&key)), Role::Client, from([192, 0, 2, 1], at));
        let caller = admit(EXPIRES - 1).expect("not yet");
        assert_eq!(admit(EXPIRES).map(|caller| caller.role), Err(Denial::Expired));
        assert!(keys.still_admit(&caller, EXPIRES - 1) && !keys.still_admit(&caller, EXPIRES));
        assert_eq!(keys.expired(EXPIRES).collect::<Vec<_>>(), ["ci"]);
        assert!(mint("ci", Role::Admin, Some("2026-12-01")).is_err());
        assert!(Keys::from_json(&format!("[{}]", line.replace("2026-12-01T", "soon"))).is_err());
    }

    #[test]
    fn keys_that_are_gone_or_have_less_rights_are_not_admitted_any_more() {
        let lines: Vec<_> = ["a", "b", "c"].map(|name| mint(name, Role::Server, None).expect("a key")).into();
        let file = |lines: &[&str]| Keys::from_json(&format!("[{}]", lines.join(","))).expect("keys");
        let old = file(&[&lines[0].1, &lines[1].1]);
        let less = lines[1].1.replace("\"server\"", "\"client\"");
        let new = file(&[&less, &lines[2].1]);
        for (key, _) in &lines[..2] {
            let caller = old.admit(Some(Credential::Key(key)), Role::Server, here()).expect("one of these");
            assert!(old.still_admit(&caller, 0) && !new.still_admit(&caller, 0));
        }
        let names = |name: &str| vec![name.to_owned()];
        let expected = Changes { added: names("c"), changed: names("b"), removed: names("a") };
        assert_eq!(old.changes(&new), expected);
        assert_eq!(old.changes(&file(&[&lines[0].1, &lines[1].1])), Changes::default());
    }

    #[test]
    fn a_file_without_keys_or_with_half_a_hash_is_refused() {
        assert!(Keys::from_json("[]").is_err());
        let error = Keys::from_json(r#"[{"name":"ci","role":"admin","sha256":"abc"}]"#).expect_err("half a hash");
        assert!(error.contains("`ci`") && error.contains("64"), "{error}");
        assert!(Keys::from_json(r#"[{"name":"ci","role":"root","sha256":""}]"#).is_err());
    }

    #[test]
    fn names_that_the_audit_could_not_show_are_refused() {
        let long = "n".repeat(101);
        let refused = ["", " ", "ci ", "a\nb", "a\u{7}", "breaker", "file", "server", "Fleet", "anyone", &long];
        for name in refused {
            assert!(mint(name, Role::Admin, None).is_err(), "{name:?}");
            let line = serde_json::json!([{ "name": name, "role": "admin", "sha256": "0".repeat(64) }]);
            assert!(Keys::from_json(&line.to_string()).is_err(), "{name:?}");
        }
        for name in ["ci", "Zoë, the operator", "file-server"] {
            assert!(mint(name, Role::Admin, None).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn each_key_has_its_own_name_and_hash() {
        let line =
            |name: &str, digit: &str| format!(r#"{{"name":"{name}","role":"admin","sha256":"{}"}}"#, digit.repeat(64));
        for (one, other) in [(line("a", "0"), line("a", "1")), (line("a", "0"), line("b", "0"))] {
            assert!(Keys::from_json(&format!("[{one},{other}]")).is_err(), "{one} {other}");
        }
    }
}
