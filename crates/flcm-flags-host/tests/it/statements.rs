//! `tests/vectors/host/statements.json` and `positions.json`: which signed snapshots a host takes.

use flcm_flags::Millis;
use flcm_flags_host::{Cryptography, Pin, Position, Trust, may_follow};
use ring::{digest, signature};
use serde::Deserialize;

use crate::vectors::cases;

struct Ring;

impl Cryptography for Ring {
    fn sha256(&self, bytes: &[u8]) -> [u8; 32] {
        digest::digest(&digest::SHA256, bytes).as_ref().try_into().unwrap()
    }

    fn sha512(&self, bytes: &[u8]) -> [u8; 64] {
        digest::digest(&digest::SHA512, bytes).as_ref().try_into().unwrap()
    }

    fn verifies(&self, key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
        signature::UnparsedPublicKey::new(&signature::ED25519, key).verify(message, signature).is_ok()
    }
}

#[derive(Deserialize)]
struct Case {
    note: String,
    trust: Vec<String>,
    audience: String,
    snapshot: String,
    statements: Option<String>,
    takes: Option<Taken>,
    refuses: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Taken {
    epoch: u32,
    revision: u64,
    issued: u64,
    expires: u64,
}

#[test]
fn statements() {
    for Case { note, trust, audience, snapshot, statements, takes, refuses } in cases("statements.json") {
        let trust = Trust::new(&trust, &audience, &Ring).unwrap();
        match trust.check(statements.as_deref(), snapshot.as_bytes(), &Ring) {
            Ok(statement) => {
                let Position { epoch, revision, issued } = statement.position;
                let taken = Taken { epoch, revision, issued: issued.0, expires: statement.expires.0 };
                assert_eq!((Some(taken), refuses), (takes, None), "{note}");
            }
            Err(distrust) => assert_eq!((None, Some(distrust.as_str())), (takes, refuses.as_deref()), "{note}"),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    note: String,
    in_use: (u32, u64, u64),
    next: (u32, u64, u64),
    follows: bool,
}

#[test]
fn positions() {
    let position = |(epoch, revision, issued)| Position { epoch, revision, issued: Millis(issued) };
    for Step { note, in_use, next, follows } in cases("positions.json") {
        assert_eq!(may_follow(position(next), position(in_use)), follows, "{note}");
    }
}

#[test]
fn options_that_are_wrong_say_which() {
    let pin = Pin([7; 32]).to_string();
    assert_eq!(Pin::parse(&pin), Some(Pin([7; 32])));
    let wrong = |trust: &[&str], audience: &str| {
        let trust: Vec<String> = trust.iter().map(|&pin| pin.to_owned()).collect();
        Trust::new(&trust, audience, &Ring).unwrap_err()
    };
    assert!(wrong(&[], "prod").starts_with("`trust` must be one pin, or two"));
    assert!(wrong(&[&pin, &pin, &pin], "prod").starts_with("`trust` must be one pin, or two"));
    assert!(wrong(&[&pin], "").starts_with("`trust` needs an `audience`"));
    for other in ["ed25519:", "ed25519:AAAA", "rsa:AAAA", &pin[8..], &format!("{pin}=")] {
        assert!(wrong(&[other], "prod").contains(&format!("`{other}` is no pin")), "{other}");
    }
}
