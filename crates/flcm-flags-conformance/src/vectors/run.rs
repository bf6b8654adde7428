//! Holds the core, the config crate and the oracle to the vectors.
//!
//! Each function runs one file, panics with the case that fails, and answers how many cases there were.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use flcm_flags::{Millis, Snapshot, bucket};
use flcm_flags_config::diff::{Version, compare};
use flcm_flags_config::{Config, check, check_with, compile};
use serde_json::json;

use super::format;
use super::read;
use crate::OwnedContext;
use crate::answer::Answer;
use crate::oracle::{self, Oracle, Question};
use crate::parity::{Tally, ask_core};

/// A document's configuration and snapshot.
#[must_use]
pub fn load(text: &str, what: &str) -> (Config, Snapshot<Vec<u8>>) {
    let (config, diagnostics) = check(text);
    let config = config.unwrap_or_else(|| panic!("{what}:\n{}", diagnostics.render(what, text, false)));
    let snapshot = Snapshot::from_bytes(compile(&config)).unwrap_or_else(|error| panic!("{what}: {error}"));
    (config, snapshot)
}

/// Runs a file of kind `evaluate`.
#[must_use]
pub fn evaluate(path: &Path) -> usize {
    let file: format::Evaluate = read(path);
    let name = path.display().to_string();
    let (config, snapshot) = load(&file.document.text(), &name);
    decisions(&name, Some(&config), &snapshot, &file.cases)
}

/// The core and, with a configuration, the oracle answer all cases.
fn decisions(name: &str, config: Option<&Config>, snapshot: &Snapshot<Vec<u8>>, cases: &[format::Decision]) -> usize {
    let oracle = config.map(Oracle::new);
    for case in cases {
        let trips = case.trips();
        let question = Question { context: &case.context, trips: &trips, now: case.now };
        let wanted = case.answer.as_ref().unwrap_or_else(|| panic!("{name}: no answer yet: {case:?}"));
        let keys = [case.flag.clone()];
        let mut answers = ask_core(snapshot, question, &keys, &mut Tally::default()).remove(0);
        answers.extend(oracle.as_ref().map(|oracle| ("the oracle", oracle.decide(&case.flag, question))));
        for (function, answer) in answers {
            assert_eq!(&answer, wanted, "{name}: {function}: {}", serde_json::to_string(case).expect("a case is JSON"));
        }
    }
    cases.len()
}

/// Runs a file of kind `bucket`.
#[must_use]
pub fn bucket(path: &Path) -> usize {
    let file: format::Bucket = read(path);
    for case in &file.cases {
        core_draws(case);
        oracle_draws(case);
    }
    file.cases.len()
}

fn hex(number: u64) -> String {
    format!("{number:016x}")
}

fn core_draws(case: &format::Draw) {
    use bucket::{Draw, key, sip};
    let what = format!("core: {case:?}");
    let digest = sip(case.unit.as_bytes());
    let draw = |label| Draw::new(digest, key(label, &case.salt));
    let flag = draw("flag");
    assert_eq!(hex(digest), case.digest, "{what}");
    assert_eq!(hex(flag.hash()), case.hash, "{what}");
    assert_eq!(flag.gate(), case.gate, "{what}");
    assert_eq!(draw("probe").gate(), case.probe, "{what}");
    assert_eq!(hex(draw("cohort").hash()), case.member, "{what}");
    case.splits.iter().for_each(|(total, point)| assert_eq!(flag.split(*total), *point, "{what}"));
    case.override_hash.iter().for_each(|wanted| assert_eq!(hex(draw("override").hash()), *wanted, "{what}"));
}

fn oracle_draws(case: &format::Draw) {
    use oracle::{gate_bucket, hash_of, probe_bucket, sip, split_point};
    let what = format!("oracle: {case:?}");
    let digest = sip(case.unit.as_bytes());
    let hash = hash_of("flag", &case.salt, digest);
    assert_eq!(hex(digest), case.digest, "{what}");
    assert_eq!(hex(hash), case.hash, "{what}");
    assert_eq!(gate_bucket(hash), case.gate, "{what}");
    assert_eq!(probe_bucket(digest, &case.salt), case.probe, "{what}");
    assert_eq!(hex(hash_of("cohort", &case.salt, digest)), case.member, "{what}");
    case.splits.iter().for_each(|(total, point)| assert_eq!(split_point(hash, *total), *point, "{what}"));
    let overridden = hex(hash_of("override", &case.salt, digest));
    case.override_hash.iter().for_each(|wanted| assert_eq!(overridden, *wanted, "{what}"));
}

/// Runs a file of kind `condition`.
#[must_use]
pub fn condition(path: &Path) -> usize {
    let file: format::Condition = read(path);
    for case in &file.cases {
        let what = format!("{}: {case:?}", path.display());
        let mut test = json!({ "attribute": "a", "operator": case.operator });
        if !case.value.is_null() {
            test["value"] = case.value.clone();
        }
        let document = json!({ "flags": { "f": { "conditions": [test] } } });
        let (config, snapshot) = load(&document.to_string(), &what);
        let attributes = case.attribute.iter().map(|value| ("a".to_owned(), value.clone())).collect();
        let context = OwnedContext { targeting_key: None, attributes };
        for (function, answer) in ask(&config, &snapshot, &context) {
            assert_eq!(answer.enabled, case.holds, "{function}: {what}");
        }
    }
    file.cases.len()
}

/// What everyone answers for the flag `f`.
fn ask(config: &Config, snapshot: &Snapshot<Vec<u8>>, context: &OwnedContext) -> Vec<(&'static str, Answer)> {
    let trips = std::collections::BTreeMap::new();
    let question = Question { context, trips: &trips, now: 0 };
    let mut answers = ask_core(snapshot, question, &["f".to_owned()], &mut Tally::default()).remove(0);
    answers.push(("the oracle", Oracle::new(config).decide("f", question)));
    answers
}

/// Runs a file of kind `schedule`.
#[must_use]
pub fn schedule(path: &Path) -> usize {
    let file: format::Schedule = read(path);
    for case in &file.cases {
        let document = json!({ "flags": { "f": { "rollout": case.rollout } } });
        let (config, snapshot) = load(&document.to_string(), &case.note);
        // Behind those of cohorts.
        let rule = config.flags["f"].rules.last().expect("the rule");
        let flag = snapshot.describe(snapshot.flag("f").expect("the flag")).expect("the flag");
        let compiled = flag.rules().last().expect("the rule");
        for (now, wanted) in &case.percentages {
            assert_eq!(compiled.percentage_at(Millis(*now)), *wanted, "core at {now}: {}", case.note);
            let slow = oracle::percentage_at(rule.percentage, &rule.schedule, rule.linear, *now);
            assert_eq!(slow, *wanted, "oracle at {now}: {}", case.note);
        }
    }
    file.cases.iter().map(|case| case.percentages.len()).sum()
}

/// Runs a file of kind `inherit`.
#[must_use]
pub fn inherit(path: &Path) -> usize {
    let file: format::Inherit = read(path);
    let name = path.display().to_string();
    let bytes = |document: &format::Document| load(&document.text(), &name).1.as_bytes().to_vec();
    assert!(!file.equals.text().contains("extends"), "{name}: `equals` must not inherit");
    assert_eq!(bytes(&file.document), bytes(&file.equals), "{name}: {}", file.about);
    1
}

/// Runs a file of kind `diff`.
#[must_use]
pub fn diff(path: &Path) -> usize {
    let file: format::Diff = read(path);
    for case in &file.cases {
        let wanted = case.flags.as_ref().unwrap_or_else(|| panic!("{}: no answer yet: {}", path.display(), case.note));
        assert_eq!(&different_flags(case), wanted, "{}: {}", path.display(), case.note);
    }
    file.cases.len()
}

/// The flags that change between two versions, as JSON.
#[must_use]
pub fn different_flags(case: &format::Compared) -> serde_json::Value {
    let [(old, before), (new, after)] = [&case.old, &case.new].map(|document| load(&document.text(), &case.note));
    let old = Version { name: "old", snapshot: &before, config: Some(&old) };
    let new = Version { name: "new", snapshot: &after, config: Some(&new) };
    serde_json::to_value(compare(&old, &new, Millis(case.now)).flags).expect("a difference is JSON")
}

/// Runs a file of kind `diagnostics`, and adds the codes that it shows.
pub fn diagnostics(path: &Path, codes: &mut BTreeSet<String>) -> usize {
    let file: format::Diagnostics = read(path);
    for case in &file.cases {
        let text = case.document.text();
        let (config, found) = check_with(&text, case.options());
        assert_eq!(config.is_none(), found.has_errors(), "a configuration comes back unless there is an error");
        let wanted = case.diagnostics.as_ref().unwrap_or_else(|| panic!("{}: not filled in: {text}", path.display()));
        let mut problems = problems(&found);
        for (problem, wanted) in problems.iter_mut().zip(wanted).filter(|(_, wanted)| wanted.range.is_none()) {
            problem.range = wanted.range;
        }
        assert_eq!(&problems, wanted, "{}:\n{text}", path.display());
        codes.extend(wanted.iter().map(|problem| problem.code.clone()));
    }
    file.cases.len()
}

/// The part of diagnostics that vectors hold fast.
#[must_use]
pub fn problems(found: &flcm_flags_config::Diagnostics) -> Vec<format::Problem> {
    let value = serde_json::to_value(found).expect("diagnostics are JSON");
    let list = value.as_array().expect("diagnostics are a list");
    let keep = |problem: &serde_json::Value| {
        let text = |key: &str| problem[key].as_str().expect("text").to_owned();
        let number =
            |key: &str| problem[key].as_u64().and_then(|number| usize::try_from(number).ok()).expect("a number");
        format::Problem {
            code: text("code"),
            severity: text("severity"),
            path: text("path"),
            line: number("line"),
            column: number("column"),
            range: Some(serde_json::from_value(problem["range"].clone()).expect("a range")),
        }
    };
    list.iter().map(keep).collect()
}

/// Runs a file of kind `snapshot`: today's compiler writes these bytes unless they are older, and today's core decides
/// from them.
#[must_use]
pub fn snapshot(path: &Path) -> usize {
    let file: format::Snapshot = read(path);
    let name = path.display().to_string();
    let stored = path.with_extension("snapshot");
    let stored = fs::read(&stored).unwrap_or_else(|error| panic!("{}: {error}", stored.display()));
    let (config, compiled) = load(&file.document.text(), &name);
    let same = compiled.as_bytes() == stored;
    assert!(same || file.older, "{name}: the compiler writes other bytes than those that are stored");
    let snapshot = Snapshot::from_bytes(stored).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(Some(hex(snapshot.digest())), file.digest, "{name}");
    decisions(&name, same.then_some(&config), &snapshot, &file.cases)
}
