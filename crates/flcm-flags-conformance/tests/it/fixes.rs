//! The fixes of diagnostics keep what is served.

use std::collections::BTreeMap;

use fastrand::Rng;
use flcm_flags_config::{CheckOptions, Diagnostics, check, check_with};
use flcm_flags_conformance::generate::{self, Document};
use flcm_flags_conformance::parity::{Tally, ask_core};
use flcm_flags_conformance::vectors::run::load;
use flcm_flags_conformance::vectors::{files, format, read};
use flcm_flags_conformance::{Answer, OwnedContext, Question};
use serde_json::{Value, json};

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
        text = fix.text;
    }
    panic!("the fixes do not end: {text}");
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
