//! Random conditions: every operator, with operands out of the pools that contexts draw from.

use fastrand::Rng;
use serde_json::{Value, json};

use super::document::{Family, Known};
use super::pools::{self, ATTRIBUTES, Kind};
use super::{chance, pick};

/// A list of conditions.
pub(super) fn conditions(rng: &mut Rng, known: &Known, most: usize) -> Value {
    let count = rng.usize(0..=most);
    (0..count).map(|_| condition(rng, known, 0)).collect()
}

fn condition(rng: &mut Rng, known: &Known, depth: u32) -> Value {
    let members = |rng: &mut Rng, least: usize| -> Value {
        let count = rng.usize(least..=3);
        (0..count).map(|_| condition(rng, known, depth + 1)).collect()
    };
    match rng.u32(0..100) {
        // Most groups end early; a few go as deep as the limit allows.
        0..10 if depth < 4 => json!({ "all": members(rng, 0) }),
        10..22 if depth < 4 => json!({ "any": members(rng, 1) }),
        22..30 if depth < 15 => json!({ "not": condition(rng, known, depth + 1) }),
        30..40 if !known.cohorts.is_empty() => json!({ "cohort": pick(rng, &known.cohorts) }),
        40..48 if !known.flags.is_empty() => expectation(rng, known),
        _ => test(rng, known),
    }
}

/// `{flag, enabled}`, `{flag, variant}` or the flag alone.
pub(super) fn expectation(rng: &mut Rng, known: &Known) -> Value {
    let (flag, family) = pick(rng, &known.flags);
    match (rng.u32(0..3), family) {
        (0, Family { variants, .. }) if !variants.is_empty() => json!({ "flag": flag, "variant": pick(rng, variants) }),
        (1, _) => json!({ "flag": flag }),
        _ => json!({ "flag": flag, "enabled": rng.bool() }),
    }
}

fn test(rng: &mut Rng, known: &Known) -> Value {
    let (name, kind) = attribute(rng, known);
    // Now and then an operator of another kind: it must be false, or true of the odd value that fits.
    let kind = if chance(rng, 6) { *pick(rng, &Kind::ALL) } else { kind };
    if chance(rng, 8) {
        let operator = if rng.bool() { "exists" } else { "not_exists" };
        return json!({ "attribute": name, "operator": operator });
    }
    let (operator, value) = question(rng, kind);
    json!({ "attribute": name, "operator": operator, "value": value })
}

fn attribute(rng: &mut Rng, known: &Known) -> (String, Kind) {
    if known.many && chance(rng, 70) {
        return (pools::extra(rng.usize(0..pools::EXTRA)), Kind::Text);
    }
    if chance(rng, 5) {
        return ("cohorts".to_owned(), Kind::Cohorts);
    }
    let (name, kind) = *pick(rng, &ATTRIBUTES);
    (name.to_owned(), kind)
}

/// An operator that takes values of a kind, and its operand.
fn question(rng: &mut Rng, kind: Kind) -> (&'static str, Value) {
    match kind {
        Kind::Bool => (*pick(rng, &["==", "!="]), json!(rng.bool())),
        Kind::Cohorts => (*pick(rng, &["contains", "not_contains"]), json!(pick(rng, &super::document::COHORTS))),
        Kind::List => (*pick(rng, &["contains", "not_contains"]), json!(pick(rng, &pools::MEMBERS))),
        Kind::Number => about_number(rng),
        Kind::Text => about_text(rng),
        Kind::Time => (*pick(rng, &["before", "after"]), json!(pools::time(rng))),
        Kind::User => match rng.u32(0..2) {
            0 => (*pick(rng, &["==", "!="]), json!(pick(rng, &pools::USERS))),
            _ => (*pick(rng, &["in", "not_in"]), several(rng, &pools::USERS)),
        },
        Kind::Version => {
            let operator = pick(rng, &["semver_eq", "semver_gt", "semver_gte", "semver_lt", "semver_lte"]);
            (operator, json!(pick(rng, &pools::VERSIONS)))
        }
    }
}

fn about_number(rng: &mut Rng) -> (&'static str, Value) {
    match rng.u32(0..8) {
        0..=5 => (*pick(rng, &["==", "!=", ">", ">=", "<", "<="]), json!(pick(rng, &pools::NUMBERS))),
        _ => (*pick(rng, &["in", "not_in"]), several(rng, &pools::NUMBERS)),
    }
}

fn about_text(rng: &mut Rng) -> (&'static str, Value) {
    match rng.u32(0..10) {
        0..=1 => (*pick(rng, &["==", "!="]), json!(pick(rng, &pools::TEXTS))),
        2..=4 => (*pick(rng, &["in", "not_in"]), several(rng, &pools::TEXTS)),
        5..=6 => (*pick(rng, &["contains", "not_contains"]), json!(pick(rng, &pools::PARTS))),
        7 => (*pick(rng, &["starts_with", "ends_with"]), json!(pick(rng, &pools::PARTS))),
        8 => (*pick(rng, &["starts_with", "ends_with"]), several(rng, &pools::PARTS)),
        _ => ("matches", json!(pick(rng, &pools::PATTERNS))),
    }
}

/// About half of what there is, and at least one.
fn several<T: serde::Serialize + Clone>(rng: &mut Rng, from: &[T]) -> Value {
    let mut from = from.to_vec();
    rng.shuffle(&mut from);
    from.truncate(rng.usize(1..=from.len() / 2 + 2));
    json!(from)
}
