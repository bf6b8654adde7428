//! Signs snapshots: the keys, and statements about snapshots.

use std::fmt;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flcm_flags::Millis;
use flcm_flags_host::{KeyId, Pin, Position, Statement};
use ring::digest::{SHA256, SHA512, digest};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{Ed25519KeyPair, KeyPair};
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use crate::bounded_file;
use crate::error::StartError;

/// PKCS#8 of an Ed25519 key, up to its 32 secret bytes. `ring` writes the public key as well, which `OpenSSL` 3.0 does
/// not read.
const PKCS8: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// Two keys, so that one can replace the other without a gap: hosts pin as many.
const MOST_KEYS: usize = 2;

/// An Ed25519 key that signs snapshots.
pub struct SigningKey {
    pair: Ed25519KeyPair,
    pin: Pin,
    id: KeyId,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SigningKey {{ pin: {} }}", self.pin)
    }
}

impl SigningKey {
    /// Reads a private key of PKCS#8, as PEM or DER.
    ///
    /// # Errors
    /// Says what the bytes are instead.
    pub fn from_pkcs8(bytes: &[u8]) -> Result<Self, String> {
        let is_pem = bytes.trim_ascii_start().starts_with(b"-----BEGIN");
        let der = if is_pem {
            let key = PrivatePkcs8KeyDer::from_pem_slice(bytes);
            key.map_err(|_| "it has no block `PRIVATE KEY`".to_owned())?.secret_pkcs8_der().to_vec()
        } else {
            bytes.to_vec()
        };
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der);
        let pair = pair.map_err(|error| format!("it is no Ed25519 key in PKCS#8 ({error})"))?;
        let public = bytes_of(pair.public_key());
        let id = KeyId::new(&bytes_of(digest(&SHA256, &public)));
        Ok(Self { pair, pin: Pin(public), id })
    }

    /// What hosts pin.
    #[must_use]
    pub const fn pin(&self) -> Pin {
        self.pin
    }
}

/// A new key, and its file: PKCS#8 as PEM.
///
/// # Errors
/// The system has no random numbers.
pub fn mint_signing_key() -> Result<(SigningKey, String), String> {
    let mut der = [0; 48];
    der[..16].copy_from_slice(&PKCS8);
    SystemRandom::new().fill(&mut der[16..]).map_err(|_| "the system has no random numbers")?;
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der));
    Ok((SigningKey::from_pkcs8(&der)?, pem))
}

/// Which keys sign snapshots, and what they say of them.
#[derive(Clone, Debug)]
pub struct SignerOptions {
    /// The files of the keys: one, or two while one replaces the other.
    pub keys: Vec<PathBuf>,
    /// For whom it is signed.
    pub audience: String,
    /// A higher one begins anew with any revision.
    pub epoch: u32,
    /// How long a signature holds.
    pub valid: Millis,
}

impl SignerOptions {
    /// Reads the keys.
    ///
    /// # Errors
    /// Says which file, or which option, is wrong.
    pub fn read(&self) -> Result<SnapshotSigner, StartError> {
        let help = "make a key with `flcm key sign NAME`, or with `openssl genpkey -algorithm ed25519`";
        let keys = self.keys.iter().map(|path| {
            let bytes = bounded_file::read(path, bounded_file::SMALL_BYTES).map_err(|error| {
                let what = format!("cannot read {}: {error}", path.display());
                StartError::other(what, "check the path and its permissions")
            })?;
            let wrong = |error| StartError::other(format!("{}: {error}", path.display()), help);
            SigningKey::from_pkcs8(&bytes).map_err(wrong)
        });
        let keys = keys.collect::<Result<_, _>>()?;
        let signer = SnapshotSigner::new(keys, &self.audience, self.epoch, self.valid);
        signer.map_err(|error| StartError::other(error, help))
    }
}

/// Signs snapshots with one key, or with two while one replaces the other.
#[derive(Debug)]
pub struct SnapshotSigner {
    keys: Vec<SigningKey>,
    audience: [u8; 32],
    epoch: u32,
    /// How long a signature holds.
    valid: Millis,
}

impl SnapshotSigner {
    /// Signs for an audience, in an epoch.
    ///
    /// # Errors
    /// Says which of these is wrong.
    pub fn new(keys: Vec<SigningKey>, audience: &str, epoch: u32, valid: Millis) -> Result<Self, String> {
        if keys.is_empty() || keys.len() > MOST_KEYS {
            return Err("one key signs, or two while one replaces the other".to_owned());
        }
        if audience.is_empty() {
            return Err("the audience has no name: write one that hosts have as well, such as `prod`".to_owned());
        }
        let audience = bytes_of(digest(&SHA256, audience.as_bytes()));
        Ok(Self { keys, audience, epoch, valid })
    }

    /// What hosts pin, of each key.
    pub(crate) fn pins(&self) -> impl Iterator<Item = Pin> {
        self.keys.iter().map(SigningKey::pin)
    }

    /// The statements about a snapshot, one of each key, as the header `flcm-signature` has them.
    #[must_use]
    pub fn sign(&self, snapshot: &[u8], revision: u64, now: Millis) -> String {
        let sha512 = bytes_of(digest(&SHA512, snapshot));
        let statement = |key: &SigningKey| {
            let statement = Statement {
                audience: self.audience,
                key: key.id,
                position: Position { epoch: self.epoch, revision, issued: now },
                expires: self.expires(now),
                length: snapshot.len() as u64,
                sha512,
            };
            statement.to_text(&bytes_of(key.pair.sign(&statement.to_bytes())))
        };
        self.keys.iter().map(statement).collect::<Vec<_>>().join(", ")
    }

    /// When that expires which is signed now.
    #[must_use]
    pub const fn expires(&self, now: Millis) -> Millis {
        Millis(now.0.saturating_add(self.valid.0))
    }

    /// Whether that is to be signed anew which was signed then: a tenth of the time is over.
    pub(crate) const fn is_due(&self, signed: Millis, now: Millis) -> bool {
        now.0.abs_diff(signed.0) > self.valid.0 / 10
    }
}

/// A key, hash or signature, whose length its algorithm says.
fn bytes_of<const N: usize>(value: impl AsRef<[u8]>) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(value.as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::{SigningKey, SnapshotSigner, mint_signing_key};
    use flcm_flags::Millis;
    use flcm_flags_host::Unverified;
    use serde_json::Value;

    fn key(name: &str) -> SigningKey {
        let seed = super::digest(&super::SHA256, name.as_bytes());
        SigningKey::from_pkcs8(&[&super::PKCS8[..], seed.as_ref()].concat()).unwrap()
    }

    #[test]
    fn it_signs_the_bytes_of_the_vectors() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/host/statements.json");
        let vectors: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let case = &vectors["cases"][0];
        let (ours, takes) = (key("ours"), &case["takes"]);
        assert_eq!(ours.pin().to_string(), case["trust"][0]);
        let [issued, expires] = ["issued", "expires"].map(|name| takes[name].as_u64().unwrap());
        let signer = SnapshotSigner::new(vec![ours], "prod", 3, Millis(expires - issued)).unwrap();
        let snapshot = case["snapshot"].as_str().unwrap();
        assert_eq!(signer.sign(snapshot.as_bytes(), 7, Millis(issued)), case["statements"]);
    }

    #[test]
    fn each_key_makes_a_statement() {
        let signer = SnapshotSigner::new(vec![key("ours"), key("next")], "prod", 0, Millis(1000)).unwrap();
        let text = signer.sign(b"snapshot", 1, Millis(5));
        let ids: Vec<_> = text.split(", ").map(|text| Unverified::parse(text).unwrap().statement.key).collect();
        assert_eq!(ids, [key("ours").id, key("next").id]);
        assert!(SnapshotSigner::new(vec![key("a"), key("b"), key("c")], "prod", 0, Millis(1)).is_err());
        assert!(SnapshotSigner::new(Vec::new(), "prod", 0, Millis(1)).is_err());
        assert!(SnapshotSigner::new(vec![key("a")], "", 0, Millis(1)).is_err());
    }

    #[test]
    fn a_key_is_read_as_it_was_written_and_nothing_else_is_one() {
        let (key, pem) = mint_signing_key().unwrap();
        assert_eq!(SigningKey::from_pkcs8(pem.as_bytes()).unwrap().pin(), key.pin());
        assert_ne!(mint_signing_key().unwrap().0.pin(), key.pin());
        for other in [&b""[..], b"key", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(SigningKey::from_pkcs8(other).unwrap_err().starts_with("it "));
        }
        let rsa = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert!(SigningKey::from_pkcs8(rsa.as_bytes()).unwrap_err().starts_with("it is no Ed25519 key"));
    }
}
