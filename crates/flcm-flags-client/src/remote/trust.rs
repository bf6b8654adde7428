//! Checks what the source or the cache has given where keys are pinned. `Trust` and `SignedInUse` have the rules; this
//! has the cryptography.

use flcm_flags::Millis;
use flcm_flags_config::explain::text::rfc3339;
use flcm_flags_host::{Cryptography, Distrust, SignedInUse, Statement, Trust};
use ring::digest::{SHA256, SHA512, digest};
use ring::signature::{ED25519, UnparsedPublicKey};

use crate::error::{Code, Error};

struct Ring;

impl Cryptography for Ring {
    fn sha256(&self, bytes: &[u8]) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
        hash
    }

    fn sha512(&self, bytes: &[u8]) -> [u8; 64] {
        let mut hash = [0; 64];
        hash.copy_from_slice(digest(&SHA512, bytes).as_ref());
        hash
    }

    fn verifies(&self, key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
        UnparsedPublicKey::new(&ED25519, key).verify(message, signature).is_ok()
    }
}

/// The pinned keys, and what was signed of the snapshot in use.
#[derive(Debug)]
pub(crate) struct SnapshotTrust {
    trust: Trust,
    /// Whether nothing may be decided by what has expired.
    pub(crate) is_strict: bool,
    pub(crate) in_use: SignedInUse,
}

impl SnapshotTrust {
    pub(crate) fn new(pins: &[String], audience: &str, is_strict: bool) -> Result<Self, Error> {
        let trust = Trust::new(pins, audience, &Ring).map_err(|error| Error::new(Code::InvalidOptions, error))?;
        Ok(Self { trust, is_strict, in_use: SignedInUse::default() })
    }

    /// Checks a snapshot before it is loaded.
    pub(crate) fn check(&self, snapshot: &[u8], statements: Option<&str>, now: Millis) -> Result<Statement, Error> {
        let statement = self.trust.check(statements, snapshot, &Ring).map_err(|distrust| {
            let is_missing = distrust == Distrust::Missing;
            let code = if is_missing { Code::SignatureMissing } else { Code::SignatureInvalid };
            Error::new(code, distrust.message())
        })?;
        if self.is_strict && statement.has_expired(now) { Err(expired(statement.expires)) } else { Ok(statement) }
    }

    /// Whether a snapshot may follow the one in use, whose revision is given.
    pub(crate) fn judge(&self, next: &Statement, revision: u64) -> Result<(), Error> {
        if self.in_use.may_be_followed(next, revision) {
            return Ok(());
        }
        let epoch = self.in_use.position().map_or(0, |position| position.epoch);
        let position = next.position;
        let message = format!(
            "revision {} of epoch {} is older than revision {revision} of epoch {epoch} in use: sign a higher one",
            position.revision, position.epoch
        );
        Err(Error::new(Code::OlderRevision, message))
    }
}

/// The error that a signature has expired.
pub(crate) fn expired(at: Millis) -> Error {
    let help = "the source may be held back: sign the snapshot again";
    Error::new(Code::SignatureExpired, format!("the signature has expired at {}: {help}", rfc3339(at.0)))
}
