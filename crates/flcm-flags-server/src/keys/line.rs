//! A line of the file of keys, and what is refused in it.

use std::num::NonZeroU32;
use std::sync::Arc;

use flcm_flags::time::parse_rfc3339;
use serde::Deserialize;

use super::limit::Limit;
use super::{Key, Role};

/// The most characters of a name.
const LONGEST_NAME: usize = 100;

/// Names by which the audit calls others than keys.
const RESERVED: [&str; 5] = ["anyone", "breaker", "file", "fleet", "server"];

/// A line of the file of keys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) sha256: String,
    /// Requests per second, and as many in one burst.
    limit: Option<NonZeroU32>,
    /// When the key ends to be valid: a time by RFC 3339.
    expires: Option<String>,
}

impl Line {
    pub(super) fn into_key(self) -> Result<Key, String> {
        let Self { name, role, sha256, limit, expires } = self;
        check_name(&name)?;
        let hash = from_hex(&sha256).ok_or_else(|| {
            format!("`sha256` of key `{name}` is not a hash: write 64 hexadecimal digits, as `flcm key` prints them")
        })?;
        let expires =
            expires.map(|text| expiry(&text).map_err(|error| format!("key `{name}`: {error}"))).transpose()?;
        let limiter = limit.map(|limit| Limit::new(role, limit));
        Ok(Key { name: name.into(), role, hash, expires, limit, limiter, usage: Arc::default() })
    }
}

/// Refuses a name that the audit or the log could not show as it is, or that is not that of a key.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let problem = if name.is_empty() {
        "a key has an empty name: write who uses it".to_owned()
    } else if name.chars().any(char::is_control) {
        format!("the name {name:?} contains control characters: write it on one line")
    } else if name.trim() != name {
        format!("the name {name:?} begins or ends with a space: leave it out")
    } else if name.chars().count() > LONGEST_NAME {
        format!("a name has more than {LONGEST_NAME} characters: write a shorter one")
    } else if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
        format!("the name `{name}` is reserved, because the audit uses it: write who uses the key, such as `{name}-1`")
    } else {
        return Ok(());
    };
    Err(problem)
}

/// The milliseconds since 1970 of `expires`.
pub(super) fn expiry(text: &str) -> Result<u64, String> {
    let time = parse_rfc3339(text).and_then(|time| u64::try_from(time).ok());
    time.ok_or_else(|| format!("`{text}` is not a time: write it like 2027-01-01T00:00:00Z"))
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    (digits.len() == 64).then_some(hash)
}
