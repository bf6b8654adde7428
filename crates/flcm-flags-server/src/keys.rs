//! Keys and their roles. Only hashes of keys are held.

use std::fmt;
use std::fmt::Write;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The role of a key. Each role may do what the roles before it may.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads snapshots and sends metrics. Pages contain such a key, so it is public.
    Client,
    /// Also evaluates flags, and reads documents and metrics.
    Server,
    /// Also publishes documents, and holds flags.
    Admin,
}

impl Role {
    /// The name of the role in the file of keys.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let role = [Self::Client, Self::Server, Self::Admin].into_iter().find(|role| role.as_str() == text);
        role.ok_or_else(|| format!("`{text}` is not a role: write client, server or admin"))
    }
}

/// One key, of which the server knows only the hash.
pub struct Key {
    name: Arc<str>,
    role: Role,
    hash: [u8; 32],
    limiter: Option<DefaultDirectRateLimiter>,
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Key {{ name: {:?}, role: {:?} }}", self.name, self.role)
    }
}

/// A line of the file of keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    role: Role,
    sha256: String,
    /// Requests per second, and as many in one burst.
    limit: Option<NonZeroU32>,
}

/// Whose request it is.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The name of the key.
    pub(crate) name: Arc<str>,
    pub(crate) role: Role,
}

/// Why a request is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Denial {
    /// The key is missing or unknown.
    Unknown,
    /// The role of the key does not allow this.
    Forbidden,
    /// Too many requests; how long to wait.
    Limited(Duration),
}

/// All keys. Without any, everyone may do everything, but only from this machine.
#[derive(Debug, Default)]
pub struct Keys(Vec<Key>);

impl Keys {
    /// Reads a file of keys: JSON, a list of `{"name", "role", "sha256", "limit"}`, the last of them optional.
    ///
    /// # Errors
    /// Describes what is wrong, and where.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let lines: Vec<Line> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if lines.is_empty() {
            return Err("the list has no key".to_owned());
        }
        lines.into_iter().map(Key::new).collect::<Result<_, _>>().map(Self)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose key this is, if it has at least a role.
    pub(crate) fn admit(&self, key: Option<&str>, role: Role) -> Result<Caller, Denial> {
        if self.is_empty() {
            return Ok(Caller { name: "anyone".into(), role: Role::Admin });
        }
        let found = self.find(key.ok_or(Denial::Unknown)?).ok_or(Denial::Unknown)?;
        if found.role < role {
            return Err(Denial::Forbidden);
        }
        match found.limit() {
            Some(wait) => Err(Denial::Limited(wait)),
            None => Ok(Caller { name: Arc::clone(&found.name), role: found.role }),
        }
    }

    /// Compares all keys, so that the time it takes reveals nothing.
    fn find(&self, key: &str) -> Option<&Key> {
        let hash = Sha256::digest(key.as_bytes());
        self.0.iter().fold(None, |found, key| if bool::from(hash.ct_eq(&key.hash)) { Some(key) } else { found })
    }
}

impl Key {
    fn new(Line { name, role, sha256, limit }: Line) -> Result<Self, String> {
        let hash = from_hex(&sha256).ok_or_else(|| {
            format!("`sha256` of key `{name}` is not a hash: write 64 hexadecimal digits, as `flcm key` prints them")
        })?;
        Ok(Self {
            name: name.into(),
            role,
            hash,
            limiter: limit.map(|limit| RateLimiter::direct(Quota::per_second(limit))),
        })
    }

    /// How long to wait, if there were too many requests.
    fn limit(&self) -> Option<Duration> {
        let refused = self.limiter.as_ref()?.check().err()?;
        Some(refused.wait_time_from(DefaultClock::default().now()))
    }
}

/// A new key, and its entry for the file of keys. The key itself is stored nowhere.
#[must_use]
pub fn mint(name: &str, role: Role) -> (String, String) {
    let key = format!("flcm_{}_{}", role.as_str(), URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()));
    let mut sha256 = String::new();
    for byte in Sha256::digest(key.as_bytes()) {
        let _ = write!(sha256, "{byte:02x}");
    }
    let line = serde_json::json!({ "name": name, "role": role.as_str(), "sha256": sha256 });
    (key, line.to_string())
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    (digits.len() == 64).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::{Denial, Keys, Role, mint};

    #[test]
    fn a_key_is_good_for_its_role_and_those_below() {
        let (key, line) = mint("ci", Role::Server);
        let keys = Keys::from_json(&format!("[{line}]")).expect("keys");
        let name = |key, role| keys.admit(key, role).map(|caller| caller.name.to_string());
        assert_eq!(name(Some(&key), Role::Client), Ok("ci".to_owned()));
        assert_eq!(name(Some(&key), Role::Server), Ok("ci".to_owned()));
        assert_eq!(name(Some(&key), Role::Admin), Err(Denial::Forbidden));
        assert_eq!(name(Some("flcm_server_guess"), Role::Client), Err(Denial::Unknown));
        assert_eq!(name(None, Role::Client), Err(Denial::Unknown));
        assert!(!format!("{keys:?}").contains(&line[40..60]), "no hash in a log");
    }

    #[test]
    fn a_key_has_its_limit() {
        let (key, line) = mint("ci", Role::Client);
        let keys = Keys::from_json(&format!("[{}]", line.replace('}', ",\"limit\":2}"))).expect("keys");
        assert!(keys.admit(Some(&key), Role::Client).is_ok());
        assert!(keys.admit(Some(&key), Role::Client).is_ok());
        assert!(matches!(keys.admit(Some(&key), Role::Client), Err(Denial::Limited(_))));
    }

    #[test]
    fn a_file_without_keys_or_with_half_a_hash_is_refused() {
        assert!(Keys::from_json("[]").is_err());
        let error = Keys::from_json(r#"[{"name":"ci","role":"admin","sha256":"abc"}]"#).expect_err("half a hash");
        assert!(error.contains("`ci`") && error.contains("64"), "{error}");
        assert!(Keys::from_json(r#"[{"name":"ci","role":"root","sha256":""}]"#).is_err());
    }
}
