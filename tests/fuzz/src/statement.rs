//! Statements about snapshots, pins, and which signed snapshots a host takes.

use flcm_flags::Millis;
use flcm_flags::bucket::mix;
use flcm_flags_host::text::to_base64url;
use flcm_flags_host::{Cryptography, Distrust, KeyId, Pin, SignedInUse, Statement, Trust, Unverified};

/// The bytes of a statement that are signed.
const SIGNED: usize = 157;

const KEY: Pin = Pin([7; 32]);
const AUDIENCE: &str = "prod";

/// Text is no statement and no pin, or it is what we write of what was read; and a host takes a snapshot only if each
/// byte of a statement about it is as it was signed.
///
/// The bytes also become the content of a statement that is signed, so that the fuzzer gets past the encoding.
pub fn statement(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(Unverified { statement, signature }) = Unverified::parse(&text) {
        assert_eq!(statement.to_text(&signature), text, "what was read is what is written");
    }
    if let Some(pin) = Pin::parse(&text) {
        assert_eq!(pin.to_string(), text);
    }
    let trust = trust();
    let taken = trust.check(Some(&text), bytes, &Toy);
    assert!(taken.is_ok() || taken != Err(Distrust::Missing) || text.replace(',', "").trim().is_empty());
    signed(&trust, bytes);
}

fn trust() -> Trust {
    Trust::new(&[KEY.to_string()], AUDIENCE, &Toy).expect("a pin of our own")
}

/// Signs a statement of any content about the bytes, and changes it afterwards.
fn signed(trust: &Trust, bytes: &[u8]) {
    let Some((content, snapshot)) = bytes.split_first_chunk::<SIGNED>() else { return };
    let Some(statement) = about(content, snapshot) else { return };
    let text = sign(&statement);
    assert_eq!(trust.check(Some(&text), snapshot, &Toy), Ok(statement));
    assert_eq!(trust.check(Some(&format!("{text}, {text}")), snapshot, &Toy), Ok(statement), "a list of two");
    let other = [snapshot, b"!"].concat();
    assert_eq!(trust.check(Some(&text), &other, &Toy), Err(Distrust::OtherBytes));
    changed(trust, &text, snapshot, usize::from(content[0]) + usize::from(content[1]));
    in_use(statement, &text, content);
}

/// What the content says, about this snapshot, for this audience, by this key.
fn about(content: &[u8; SIGNED], snapshot: &[u8]) -> Option<Statement> {
    let mut written = [&b"flcm-snapshot-v1\0"[..], &content[17..], &[0; 64]].concat();
    written.truncate(SIGNED + 64);
    let Unverified { statement, .. } = Unverified::parse(&to_base64url(&written))?;
    Some(Statement {
        audience: Toy.sha256(AUDIENCE.as_bytes()),
        key: KeyId::new(&Toy.sha256(&KEY.0)),
        length: u64::try_from(snapshot.len()).expect("a length"),
        sha512: Toy.sha512(snapshot),
        ..statement
    })
}

fn sign(statement: &Statement) -> String {
    statement.to_text(&signature(&KEY.0, &statement.to_bytes()))
}

/// Another character in one place.
fn changed(trust: &Trust, text: &str, snapshot: &[u8], place: usize) {
    let mut changed = text.as_bytes().to_vec();
    let place = place % changed.len();
    changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).expect("ASCII");
    assert!(trust.check(Some(&changed), snapshot, &Toy).is_err(), "changed at {place}: {changed}");
}

/// A host with this statement takes no earlier one about other bytes.
fn in_use(statement: Statement, text: &str, content: &[u8; SIGNED]) {
    let mut in_use = SignedInUse::default();
    assert!(in_use.accept(statement, Some(text)) && !in_use.accept(statement, None), "once");
    assert_eq!(in_use.text(), Some(text));
    let mut other = Statement { sha512: [1; 64], ..statement };
    assert!(!in_use.may_be_followed(&other, 0), "the same place in the order");
    other.position.issued = Millis(other.position.issued.0 + 1);
    assert!(in_use.may_be_followed(&other, 0));
    other.position.revision = u64::from(content[2]).min(statement.position.revision);
    let is_later = other.position > statement.position;
    assert_eq!(in_use.may_be_followed(&other, 0), is_later);
}

/// Stands in for cryptography: the fuzzer looks for faults of ours, not of SHA-2 and Ed25519.
struct Toy;

impl Cryptography for Toy {
    fn sha256(&self, bytes: &[u8]) -> [u8; 32] {
        digest(bytes)
    }

    fn sha512(&self, bytes: &[u8]) -> [u8; 64] {
        digest(bytes)
    }

    fn verifies(&self, key: &[u8; 32], message: &[u8], given: &[u8; 64]) -> bool {
        signature(key, message) == *given
    }
}

fn signature(key: &[u8; 32], message: &[u8]) -> [u8; 64] {
    digest(&[key, message].concat())
}

fn digest<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut state = bytes.iter().fold(1, |state, byte| mix(state ^ u64::from(*byte)));
    [(); N].map(|()| {
        state = mix(state.wrapping_add(1));
        state.to_le_bytes()[0]
    })
}
