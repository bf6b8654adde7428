//! The fixes of diagnostics keep what is served.

use std::collections::BTreeMap;

use fastrand::Rng;
use flcm_flags_config::{CheckOptions, Diagnostics, Edit, Severity, check, check_with, compile};
use flcm_flags_conformance::generate::{self, Document};
use flcm_flags_conformance::parity::{Tally, ask_core};
use flcm_flags_conformance::vectors::run::load;
use flcm_flags_conformance::vectors::{files, format, read};
use flcm_flags_conformance::{Answer, OwnedContext, Question};
use serde_json::{Value, json};

mod near_misses;
mod rest;

use near_misses::{NearMiss, Written};

/// Contexts that ask each document before and after.
const CONTEXTS: usize = 60;

/// Applies all fixes until none is left; how many there were.
fn fix_all(text: &str, check: impl Fn(&str) -> Diagnostics) -> (String, usize) {
    let (mut text, mut count) = (text.to_owned(), 0);
    for _ in 0..100 {
        let diagnostics = check(&text);
        let fix = diagnostics.fix(&text);
        if fix.applied.is_empty() {
            return (text, count);
        }
        count += fix.applied.len();
        let edits = fix.applied.iter().flat_map(|problem| &problem.fix);
        rest::is_the_same(&text, &sorted(edits), &fix.text);
        text = fix.text;
    }
    panic!("the fixes do not end: {text}");
}

fn sorted<'e>(edits: impl Iterator<Item = &'e Edit>) -> Vec<&'e Edit> {
    let mut edits: Vec<&Edit> = edits.collect();
    edits.sort_by_key(|edit| edit.start);
    edits
}

/// Applies the fixes of errors, and of nothing else.
fn fix_errors(text: &str) -> String {
    let (_, diagnostics) = check(text);
    let errors = diagnostics.iter().filter(|problem| problem.severity == Severity::Error);
    let edits = sorted(errors.flat_map(|problem| &problem.fix));
    let mut fixed = text.to_owned();
    for Edit { start, end, replacement } in edits.iter().rev() {
        fixed.replace_range(*start..*end, replacement);
    }
    rest::is_the_same(text, &edits, &fixed);
    fixed
}

fn answers(text: &str, context: &OwnedContext, now: u64) -> BTreeMap<String, Vec<Answer>> {
    let (config, snapshot) = load(text, text);
    let trips = BTreeMap::new();
    let question = Question { context, trips: &trips, now };
    let keys: Vec<String> = config.flags.keys().cloned().collect();
    let all = ask_core(&snapshot, question, &keys, &mut Tally::default());
    let plain = all.into_iter().map(|of_flag| of_flag.into_iter().map(|(_, answer)| served(answer)).collect());
    keys.into_iter().zip(plain).collect()
}

/// Without the reason, which may tell of a rule that is no longer written out.
fn served(answer: Answer) -> Answer {
    Answer { reason: String::new(), ..answer }
}

/// Applies the fixes of a document that is accepted, and compares decisions; how many fixes there were.
fn keeps_what_is_served(text: &str, rng: &mut Rng, many: bool) -> usize {
    let (fixed, count) = fix_all(text, |text| check(text).1);
    if count > 0 {
        for _ in 0..CONTEXTS {
            let (context, now) = (generate::context(rng, many), generate::now(rng));
            assert_eq!(
                answers(text, &context, now),
                answers(&fixed, &context, now),
                "{context:?} at {now}\n--- before\n{text}\n--- after\n{fixed}"
            );
        }
    }
    count
}

/// Adds what the lints with fixes find: keys without effect, and users who are listed twice.
fn spoil(rng: &mut Rng, document: &mut Value) {
    if let Some(cohorts) = document["cohorts"].as_object_mut() {
        for cohort in cohorts.values_mut() {
            for list in ["users", "except"] {
                if let Some(users) = cohort.get_mut(list).and_then(Value::as_array_mut)
                    && !users.is_empty()
                {
                    let again = users[rng.usize(0..users.len())].clone();
                    users.push(again);
                }
            }
        }
    }
    let Some(flags) = document["flags"].as_object_mut() else { return };
    for flag in flags.values_mut().filter_map(Value::as_object_mut) {
        flag.remove("extends");
        if let Some(rollout) = flag.get_mut("rollout").and_then(Value::as_object_mut) {
            rollout.entry("by").or_insert_with(|| json!("country"));
            rollout.entry("ramp").or_insert_with(|| json!("linear"));
        }
        if let Some(threshold) = flag.get_mut("error_threshold").and_then(Value::as_object_mut) {
            threshold.entry("min_samples").or_insert_with(|| json!(7));
            threshold.entry("slow_rate").or_insert_with(|| json!(0.5));
        }
    }
    if let Some(document) = document.as_object_mut() {
        document.remove("templates");
    }
}

#[test]
fn a_fix_never_changes_what_a_random_document_serves() {
    let (mut fixes, mut accepted) = (0, 0);
    for seed in 0..150 {
        let mut rng = Rng::with_seed(seed);
        let mut document = Document::random(&mut rng);
        spoil(&mut rng, &mut document.value);
        let text = if rng.bool() {
            generate::yaml(&mut rng, &document.value)
        } else {
            generate::json(&mut rng, &document.value)
        };
        if check(&text).0.is_some() {
            accepted += 1;
            fixes += keeps_what_is_served(&text, &mut rng, document.many);
        }
    }
    assert!(accepted > 50 && fixes > 200, "{fixes} fixes in {accepted} documents");
}

#[test]
fn a_fix_never_changes_what_a_document_with_a_lint_serves() {
    let mut rng = Rng::with_seed(1);
    let mut cases = 0;
    for path in files("diagnostics") {
        let file: format::Diagnostics = read(&path);
        for case in &file.cases {
            let (text, options) = (case.document.text(), case.options());
            let check = |text: &str| check_with(text, options).1;
            let (fixed, _) = fix_all(&text, check);
            let (again, none) = fix_all(&fixed, check);
            assert!(none == 0 && again == fixed, "fixed twice: {text}");
            if check_with(&text, CheckOptions::default()).0.is_some() {
                cases += 1;
                keeps_what_is_served(&text, &mut rng, false);
            }
        }
    }
    assert!(cases > 10, "{cases} documents are accepted");
}

/// Adds what can be written wrongly, and is rare in random documents.
fn enrich(rng: &mut Rng, document: &mut Value) {
    for cohort in document["cohorts"].as_object_mut().into_iter().flat_map(|cohorts| cohorts.values_mut()) {
        cohort["users"] = if rng.bool() { json!(["7", "u", "1.50", "true"]) } else { json!(["0012"]) };
    }
    for flag in document["flags"].as_object_mut().into_iter().flat_map(|flags| flags.values_mut()) {
        if flag.get("error_threshold").is_some() && rng.bool() {
            flag["error_threshold"] = json!({ "rate": 0.07 });
        }
    }
    // A template is checked by the flags that extend it.
    let templates = document["templates"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
    for name in templates.collect::<Vec<_>>() {
        document["flags"][format!("of {name}")] = json!({ "extends": name });
    }
}

/// The fix of a near miss gives the document in which nothing was wrong, byte for byte once it is compiled.
fn is_mended(near_miss: &NearMiss, Written { before, wrong, after }: Written, served: &[u8]) {
    let text = format!("{before}{wrong}{after}");
    assert!(check(&text).0.is_none(), "{near_miss}: accepted");
    let fixed = fix_errors(&text);
    assert!(fixed.starts_with(&before) && fixed.ends_with(&after), "{near_miss}: more is changed\n{fixed}");
    let (config, diagnostics) = check(&fixed);
    let config = config.unwrap_or_else(|| panic!("{near_miss}\n{}", diagnostics.render("fixed", &fixed, false)));
    assert!(compile(&config) == served, "{near_miss}: something else is served\n{fixed}");
}

#[test]
fn a_fix_of_a_near_miss_serves_what_was_meant() {
    let mut mended = BTreeMap::<&str, usize>::new();
    for seed in 0..40 {
        let mut rng = Rng::with_seed(seed);
        let mut document = Document::random(&mut rng).value;
        enrich(&mut rng, &mut document);
        let served = compile(&check(&document.to_string()).0.expect("a valid document"));
        let mut near_misses = NearMiss::all(&document);
        rng.shuffle(&mut near_misses);
        for near_miss in near_misses.iter().take(30) {
            let write = if rng.bool() { generate::yaml } else { generate::json };
            is_mended(near_miss, near_miss.write(&document, |document| write(&mut rng, document)), &served);
            *mended.entry(near_miss.kind).or_default() += 1;
        }
    }
    assert_eq!(mended.len(), 12, "{mended:?}");
}
