//! Which snapshots a host takes whose application has pinned keys.
//!
//! Nothing here computes a hash or verifies a signature: that is an argument, [`Cryptography`]. So the bindings, which
//! verify by what their platform has, contain none of it.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use flcm_flags::Millis;

use crate::statement::{KeyId, Position, Statement, Unverified};
use crate::text::{from_base64url, to_base64url};

/// What the text of a pin begins with.
const PIN: &str = "ed25519:";

/// Two keys, so that one can replace the other without a gap.
const MOST_PINS: usize = 2;

/// Statements in one header that are looked at: two keys, each in two versions of the format.
const MOST_STATEMENTS: usize = 4;

/// Hashes and signatures, by whoever has them.
pub trait Cryptography {
    /// SHA-256.
    fn sha256(&self, bytes: &[u8]) -> [u8; 32];
    /// SHA-512.
    fn sha512(&self, bytes: &[u8]) -> [u8; 64];
    /// Whether this is the Ed25519 signature of a message by a key.
    fn verifies(&self, key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool;
}

/// A public key, as `ed25519:` and 43 characters of base64url.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pin(pub [u8; 32]);

impl Pin {
    /// Reads a pin. `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        from_base64url(text.strip_prefix(PIN)?)?.try_into().ok().map(Self)
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{PIN}{}", to_base64url(&self.0))
    }
}

/// Why a snapshot is not taken, in the order in which it is checked.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Distrust {
    /// There is no statement.
    Missing,
    /// What is there is no statement.
    Malformed,
    /// None of the pinned keys has signed.
    UnknownKey,
    /// The signature is not that of the key.
    BadSignature,
    /// It is meant for another audience.
    OtherAudience,
    /// It speaks of other bytes.
    OtherBytes,
}

impl Distrust {
    /// The reason as words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown key",
            Self::BadSignature => "bad signature",
            Self::OtherAudience => "other audience",
            Self::OtherBytes => "other bytes",
        }
    }

    /// What is wrong, and what to do.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::Missing => "the snapshot is not signed: sign it, and let proxies pass the header `flcm-signature`",
            Self::Malformed => "the signature of the snapshot cannot be read",
            Self::UnknownKey => "no key of `trust` has signed the snapshot: compare the pins with those of the signer",
            Self::BadSignature => "the signature of the snapshot is not that of its key",
            Self::OtherAudience => "the snapshot is signed for another audience than `audience`",
            Self::OtherBytes => "the snapshot is not the one that was signed",
        }
    }
}

/// The pinned keys of a host, and its audience.
#[derive(Clone, Debug)]
pub struct Trust {
    keys: Vec<(KeyId, Pin)>,
    audience: [u8; 32],
}

impl Trust {
    /// Trusts the owners of one key, or of two while one replaces the other.
    ///
    /// # Errors
    /// Says which option is wrong.
    pub fn new(pins: &[String], audience: &str, cryptography: &impl Cryptography) -> Result<Self, String> {
        if pins.is_empty() || pins.len() > MOST_PINS {
            return Err("`trust` must be one pin, or two while a key is replaced".to_owned());
        }
        if audience.is_empty() {
            return Err("`trust` needs an `audience`, such as `prod`: the one that the signer names".to_owned());
        }
        let key = |text: &String| {
            let pin = Pin::parse(text).ok_or_else(|| {
                alloc::format!("`trust`: `{text}` is no pin; `flcm key sign` prints one, `{PIN}` and 43 characters")
            })?;
            Ok((KeyId::new(&cryptography.sha256(&pin.0)), pin))
        };
        let keys = pins.iter().map(key).collect::<Result<_, String>>()?;
        Ok(Self { keys, audience: cryptography.sha256(audience.as_bytes()) })
    }

    /// Checks a snapshot before it is loaded, by the text of its statements. Of several that hold, the one that expires
    /// last counts.
    ///
    /// # Errors
    /// None of them holds: the one that came furthest says why.
    pub fn check(
        &self,
        statements: Option<&str>,
        snapshot: &[u8],
        cryptography: &impl Cryptography,
    ) -> Result<Statement, Distrust> {
        let texts: Vec<&str> = statements.into_iter().flat_map(|list| list.split(',')).map(str::trim).collect();
        if texts.len() > MOST_STATEMENTS {
            return Err(Distrust::Malformed);
        }
        let (mut last, mut distrust) = (None::<Statement>, Distrust::Missing);
        for text in texts.into_iter().filter(|text| !text.is_empty()) {
            match self.check_one(text, snapshot, cryptography) {
                Ok(statement) if last.is_none_or(|last| last.expires < statement.expires) => last = Some(statement),
                Ok(_) => {}
                Err(reason) => distrust = distrust.max(reason),
            }
        }
        last.ok_or(distrust)
    }

    fn check_one(&self, text: &str, snapshot: &[u8], cryptography: &impl Cryptography) -> Result<Statement, Distrust> {
        let Unverified { statement, signature } = Unverified::parse(text).ok_or(Distrust::Malformed)?;
        let known = self.keys.iter().find(|(id, _)| *id == statement.key);
        let (_, Pin(key)) = known.ok_or(Distrust::UnknownKey)?;
        if !cryptography.verifies(key, &statement.to_bytes(), &signature) {
            return Err(Distrust::BadSignature);
        }
        if statement.audience != self.audience {
            return Err(Distrust::OtherAudience);
        }
        let is_of_length = u64::try_from(snapshot.len()) == Ok(statement.length);
        if is_of_length && cryptography.sha512(snapshot) == statement.sha512 {
            Ok(statement)
        } else {
            Err(Distrust::OtherBytes)
        }
    }
}

/// Whether a signed snapshot may follow the one in use, if its bytes are others. A source that goes on with older ones
/// is never believed: whoever holds back an update does just that.
#[must_use]
pub fn may_follow(next: Position, in_use: Position) -> bool {
    next > in_use
}

/// The statement about the snapshot in use. What the program brings has none: whoever can change that can change the
/// pins as well.
#[derive(Clone, Debug, Default)]
pub struct SignedInUse {
    statement: Option<Statement>,
    /// The text that it was in, to be stored.
    text: Option<String>,
}

impl SignedInUse {
    /// Whether a snapshot may follow the one in use, by the statement about it. `revision` is that of what is in use, 0
    /// for none. Other statements about the same snapshot come from a cache that is slow to learn of a new one.
    #[must_use]
    pub fn may_be_followed(&self, next: &Statement, revision: u64) -> bool {
        match &self.statement {
            Some(in_use) => in_use.sha512 == next.sha512 || may_follow(next.position, in_use.position),
            None => may_follow(next.position, Position { revision, ..Position::default() }),
        }
    }

    /// A snapshot is in use, or was confirmed. Answers whether its statements are to be stored: they are about another
    /// snapshot, or expire later.
    pub fn accept(&mut self, next: Statement, text: Option<&str>) -> bool {
        let is_known = |in_use: &Statement| in_use.sha512 == next.sha512 && in_use.expires >= next.expires;
        if self.statement.as_ref().is_some_and(is_known) {
            return false;
        }
        self.statement = Some(next);
        self.text = text.map(ToOwned::to_owned);
        true
    }

    /// The statements about what is in use, as they came.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The place of what is in use.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.statement.map(|statement| statement.position)
    }

    /// When the signature of what is in use expires; `None` for what the program brings.
    #[must_use]
    pub fn expires(&self) -> Option<Millis> {
        self.statement.map(|statement| statement.expires)
    }
}
