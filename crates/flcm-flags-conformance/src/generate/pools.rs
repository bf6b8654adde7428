//! What documents and contexts draw from.

use fastrand::Rng;
use jiff::Timestamp;

use super::{chance, pick};
use crate::Attribute;

/// Milliseconds of a day.
pub const DAY: u64 = 86_400_000;

/// 2026-12-01T00:00:00Z: the times of documents and contexts lie in the 24 days from here on.
pub const BASE: u64 = 1_796_083_200_000;

/// How many further attributes a document of many has: with [`ATTRIBUTES`] more than a bound context has slots.
pub const EXTRA: usize = 40;

/// The name of a further attribute.
#[must_use]
pub fn extra(index: usize) -> String {
    format!("extra_{index:02}")
}

/// What an attribute usually carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// `true` or `false`.
    Bool,
    /// A list of cohort names.
    Cohorts,
    /// A list of strings.
    List,
    /// A number.
    Number,
    /// Text.
    Text,
    /// An RFC 3339 time, or epoch milliseconds.
    Time,
    /// A user id.
    User,
    /// A semantic version.
    Version,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Bool, Self::Cohorts, Self::List, Self::Number, Self::Text, Self::Time, Self::User, Self::Version];
}

/// The attributes of every document. `cohorts` is apart, because it is less often present.
pub const ATTRIBUTES: [(&str, Kind); 11] = [
    ("admin", Kind::Bool),
    ("age", Kind::Number),
    ("app_version", Kind::Version),
    ("beta", Kind::Bool),
    ("country", Kind::Text),
    ("plan", Kind::Text),
    ("score", Kind::Number),
    ("signed_up", Kind::Time),
    ("straße 🛣", Kind::Text),
    ("tags", Kind::List),
    // A context's own `user_id` is ignored: the name reads the targeting key.
    ("user_id", Kind::User),
];

/// Users that overrides and cohorts list. Two of them differ in their normalisation alone.
pub const USERS: [&str; 10] =
    ["alice", "bob", "carol", "mallory", "", "Jürgen", "Ju\u{308}rgen", "李雷", "👩\u{200d}🚀", "\u{fffd}"];

/// Texts that conditions compare with.
pub const TEXTS: [&str; 6] = ["DE", "bee@example.com", "abc\n", "日本", "", "🦀 crab 47"];

/// Parts of those texts: starts, ends and pieces.
pub const PARTS: [&str; 6] = ["D", "b", "e@example.com", "本", "", "🦀"];

/// Members of lists.
pub const MEMBERS: [&str; 4] = ["red", "grün", "🟦", ""];

/// Patterns that a table decides.
pub const PATTERNS: [&str; 12] = [
    "^[A-Z]{2}$",
    "[0-9]+$",
    "@example\\.(com|org)$",
    "^$",
    "e.*e",
    "日|🦀",
    "^.{2}$",
    "(?i)dE",
    "c$",
    "(?m)c$",
    "(?-u:\\b)crab(?-u:\\b)",
    "[^a-zA-Z]",
];

/// Versions, in the order of their precedence but for the build metadata.
pub const VERSIONS: [&str; 9] = [
    "0.9.0",
    "1.2.3",
    "1.10.0",
    "2.0.0-rc.2",
    "2.0.0-rc.10",
    "2.0.0",
    "2.0.0+build.5",
    "2.0.1",
    "99999999999999999999.0.0",
];

/// Numbers around the places where floats and integers part.
pub const NUMBERS: [f64; 12] = [
    0.0,
    -0.0,
    1.0,
    18.0,
    30.0,
    45.5,
    -5.0,
    9_007_199_254_740_991.0,
    9_007_199_254_740_991.0,
    -9_007_199_254_740_991.0,
    1e300,
    0.1,
];

/// A random value of a kind, as contexts carry it.
pub fn value(rng: &mut Rng, kind: Kind) -> Attribute {
    let texts = |rng: &mut Rng, from: &[&str]| {
        let count = rng.usize(0..3);
        Attribute::List((0..count).map(|_| (*pick(rng, from)).to_owned()).collect())
    };
    let text = |text: &str| Attribute::Text(text.to_owned());
    match kind {
        Kind::Bool => Attribute::Bool(rng.bool()),
        Kind::Cohorts => texts(rng, &super::document::COHORTS),
        Kind::List => texts(rng, &MEMBERS),
        Kind::Number => match rng.u32(0..20) {
            0 => Attribute::Number(f64::NAN),
            1 => Attribute::Number(f64::NEG_INFINITY),
            _ => Attribute::Number(*pick(rng, &NUMBERS)),
        },
        Kind::Text => text(pick::<&str>(rng, &TEXTS)),
        Kind::Time => match rng.u32(0..10) {
            0 => text("2027-02-29T00:00:00Z"),
            1..=3 => Attribute::Number(milliseconds(BASE + rng.u64(0..24) * DAY)),
            _ => Attribute::Text(time(rng)),
        },
        Kind::User => text(pick::<&str>(rng, &USERS)),
        Kind::Version => match rng.u32(0..10) {
            0 => text("v1.2.3"),
            1 => text("1.2"),
            _ => text(pick::<&str>(rng, &VERSIONS)),
        },
    }
}

/// An RFC 3339 time at a whole day of UTC, in one of the ways to write it.
pub fn time(rng: &mut Rng) -> String {
    let day = BASE + rng.u64(0..24) * DAY;
    write_time(rng, day)
}

/// Writes a time in one of the ways there are.
pub fn write_time(rng: &mut Rng, at: u64) -> String {
    let write = |at: u64| {
        let at = i64::try_from(at).expect("a time of the pool");
        Timestamp::from_millisecond(at).expect("a time of the pool").to_string()
    };
    match rng.u32(0..8) {
        0 => write(at).replace('T', " "),
        1 => write(at).to_lowercase(),
        2 => write(at + 5_400_000).replace('Z', "+01:30"),
        3 => write(at - 3_600_000).replace('Z', "-01:00"),
        4 => write(at).replace('Z', ".0009Z"),
        _ => write(at),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a time of the pool is far below 2^53")]
const fn milliseconds(at: u64) -> f64 {
    at as f64
}

/// A text that is a flag key, a user or a text: for what compares names.
pub fn salt(rng: &mut Rng) -> String {
    if chance(rng, 50) {
        (*pick(rng, &["", "shared", "Salz ü", "🧂"])).to_owned()
    } else {
        format!("salt-{}", rng.u8(..))
    }
}
