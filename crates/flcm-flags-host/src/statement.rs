//! A statement about a snapshot, which a key has signed: for whom the snapshot is, its place in the order, and its
//! bytes.
//!
//! It is not part of the snapshot. So a statement that expires later changes neither the snapshot's digest nor its
//! `ETag`. Integers are little-endian:
//!
//! | bytes | content |
//! |---|---|
//! | 17 | `flcm-snapshot-v1` and a zero: a signature for anything else is none for this |
//! | 32 | SHA-256 of the audience's name |
//! | 8 | the key: the first bytes of the SHA-256 of its 32 public bytes |
//! | 4 | epoch |
//! | 8 | revision |
//! | 8 | when it was signed, in milliseconds since 1970 |
//! | 8 | when it expires, in milliseconds since 1970 |
//! | 8 | length of the snapshot |
//! | 64 | SHA-512 of the snapshot |
//! | 64 | Ed25519 signature of all bytes above |
//!
//! As text, in the header `flcm-signature` and in files `.sig`, it is base64url without padding.

use alloc::string::String;
use alloc::vec::Vec;

use flcm_flags::Millis;

use crate::text::{from_base64url, to_base64url};

/// The name of the header. A file beside a snapshot contains the header's value.
pub const SIGNATURE_HEADER: &str = "flcm-signature";

/// The first bytes of what is signed.
const DOMAIN: &[u8; 17] = b"flcm-snapshot-v1\0";
const SIGNED: usize = 157;
const SIGNATURE: usize = 64;

/// Later times, in milliseconds since 1970, are not exact in JavaScript.
const LATEST: u64 = 1 << 53;

/// Names a key: the first 8 bytes of the SHA-256 of its 32 public bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyId(pub [u8; 8]);

impl KeyId {
    /// The id of a key, by the SHA-256 of its public bytes.
    #[must_use]
    pub fn new(sha256: &[u8; 32]) -> Self {
        let mut id = [0; 8];
        id.copy_from_slice(&sha256[..8]);
        Self(id)
    }
}

/// The place of a snapshot among all that a host is given. Of two, the greater one is later.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Position {
    /// A higher epoch begins anew with any revision.
    pub epoch: u32,
    /// Within an epoch revisions never fall.
    pub revision: u64,
    /// When it was signed: decides between two snapshots of one revision.
    pub issued: Millis,
}

/// What is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Statement {
    /// SHA-256 of the audience's name.
    pub audience: [u8; 32],
    /// The key that signs.
    pub key: KeyId,
    /// The snapshot's place in the order.
    pub position: Position,
    /// From then on hosts warn that they may be held back.
    pub expires: Millis,
    /// The snapshot's length in bytes.
    pub length: u64,
    /// SHA-512 of the snapshot.
    pub sha512: [u8; 64],
}

impl Statement {
    /// The bytes that are signed.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Position { epoch, revision, issued } = self.position;
        let mut bytes = Vec::with_capacity(SIGNED + SIGNATURE);
        bytes.extend_from_slice(DOMAIN);
        bytes.extend_from_slice(&self.audience);
        bytes.extend_from_slice(&self.key.0);
        bytes.extend_from_slice(&epoch.to_le_bytes());
        for number in [revision, issued.0, self.expires.0, self.length] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.sha512);
        bytes
    }

    /// The text of a statement with its signature.
    #[must_use]
    pub fn to_text(&self, signature: &[u8; 64]) -> String {
        let mut bytes = self.to_bytes();
        bytes.extend_from_slice(signature);
        to_base64url(&bytes)
    }

    /// Whether it has expired.
    #[must_use]
    pub const fn has_expired(&self, now: Millis) -> bool {
        self.expires.0 <= now.0
    }
}

/// A statement as it was received: nobody has checked its signature.
#[derive(Clone, Copy, Debug)]
pub struct Unverified {
    /// What it says.
    pub statement: Statement,
    /// Its signature.
    pub signature: [u8; SIGNATURE],
}

impl Unverified {
    /// Reads the text of a statement. `None` for anything that [`Statement::to_text`] does not write.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = from_base64url(text)?;
        let mut rest = bytes.strip_prefix(DOMAIN)?;
        let statement = Statement {
            audience: take(&mut rest)?,
            key: KeyId(take(&mut rest)?),
            position: Position {
                epoch: u32::from_le_bytes(take(&mut rest)?),
                revision: number(&mut rest)?,
                issued: time(&mut rest)?,
            },
            expires: time(&mut rest)?,
            length: number(&mut rest)?,
            sha512: take(&mut rest)?,
        };
        let signature = take(&mut rest)?;
        rest.is_empty().then_some(Self { statement, signature })
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    take(bytes).map(u64::from_le_bytes)
}

fn time(bytes: &mut &[u8]) -> Option<Millis> {
    number(bytes).filter(|time| *time <= LATEST).map(Millis)
}
