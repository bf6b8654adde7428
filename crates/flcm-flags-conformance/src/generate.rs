//! Random documents, contexts, trips and times, out of a seed.
//!
//! Whatever is compared is drawn from small pools that documents and contexts share, so that conditions hit and miss.
//! Documents come as text, so that reading and checking are exercised as well, and they pass the check without errors:
//! see [`document::Document`] for how.

use std::collections::BTreeMap;

use fastrand::Rng;
use flcm_flags::TripState;

mod condition;
pub mod document;
pub mod layout;
pub mod pools;
mod text;

pub use document::Document;
pub use text::{json, yaml};

use crate::{Attribute, OwnedContext};
use pools::{ATTRIBUTES, Kind};

/// `true` in so many of a hundred draws.
pub(crate) fn chance(rng: &mut Rng, percent: u32) -> bool {
    rng.u32(0..100) < percent
}

/// One of several.
pub(crate) fn pick<'t, T>(rng: &mut Rng, from: &'t [T]) -> &'t T {
    &from[rng.usize(0..from.len())]
}

/// Who asks. `many` adds the attributes of a document that reads more of them than a bound context has slots.
pub fn context(rng: &mut Rng, many: bool) -> OwnedContext {
    let targeting_key = match rng.u32(0..10) {
        0 => None,
        1..=4 => Some((*pick(rng, &pools::USERS)).to_owned()),
        _ => Some(format!("user-{}", rng.u32(0..100_000))),
    };
    let mut attributes = BTreeMap::new();
    for (name, kind) in ATTRIBUTES {
        if chance(rng, 92) {
            attributes.insert(name.to_owned(), attribute(rng, kind));
        }
    }
    if chance(rng, 60) {
        attributes.insert("cohorts".to_owned(), attribute(rng, Kind::Cohorts));
    }
    if many {
        for index in 0..pools::EXTRA {
            let value = attribute(rng, Kind::Text);
            attributes.insert(pools::extra(index), value);
        }
    }
    OwnedContext { targeting_key, attributes }
}

/// A value of a kind, or now and then of another: a wrong type must make every operator false.
fn attribute(rng: &mut Rng, kind: Kind) -> Attribute {
    let kind = if chance(rng, 6) { *pick(rng, &Kind::ALL) } else { kind };
    pools::value(rng, kind)
}

/// The trips of breakers: mostly none.
pub fn trips(rng: &mut Rng, flags: &[String]) -> BTreeMap<String, TripState> {
    let mut trips = BTreeMap::new();
    for flag in flags {
        match rng.u32(0..100) {
            0..8 => drop(trips.insert(flag.clone(), TripState::Probing)),
            8..11 => drop(trips.insert(flag.clone(), TripState::HeldOff)),
            11..14 => drop(trips.insert(flag.clone(), TripState::Capped(rng.u32(0..=100_000)))),
            _ => {}
        }
    }
    trips
}

/// A time near those that documents name, often exactly one of them; now and then an end of the range.
pub fn now(rng: &mut Rng) -> u64 {
    match rng.u32(0..40) {
        0 => 0,
        1 => 1 << 53,
        2..=20 => pools::BASE + rng.u64(0..24 * pools::DAY),
        _ => pools::BASE + rng.u64(0..24) * pools::DAY,
    }
}
