//! Every code of a diagnostic is shown by a vector, or here by a document too long to be one.

use std::collections::BTreeSet;
use std::fmt::Write;

use flcm_flags_config::check;
use flcm_flags_conformance::sources::{files_below, read_text};
use flcm_flags_conformance::vectors::{files, run};
use regex::Regex;

/// Words in the sources that look like codes and are none.
const NO_CODES: [&str; 3] = ["date-time", "kebab-case", "only-child"];

/// Makes a document.
type Make = fn() -> String;

/// Limits that only a long document passes, each with one that does.
const LONG: [(&str, Make); 11] = [
    ("limit-conditions", || in_flag("conditions", 1_001, |_| "{ attribute: a, operator: exists }".to_owned())),
    ("limit-document-bytes", || " ".repeat((64 << 20) + 1)),
    ("limit-flags", || format!("flags: {{ {} }}", repeat(100_001, |index| format!("f{index}: {{}}")))),
    ("limit-members", || {
        format!("cohorts: {{ c: {{ users: [{}] }} }}", repeat(2_000_001, |index| format!("u{index}")))
    }),
    ("limit-nodes", aliases),
    ("limit-operands", || {
        let list = repeat(10_001, |index| index.to_string());
        format!("flags: {{ f: {{ conditions: [{{ attribute: a, operator: in, value: [{list}] }}] }} }}")
    }),
    ("limit-overrides", || {
        format!("flags: {{ f: {{ overrides: {{ {} }} }} }}", repeat(100_001, |index| format!("u{index}: true")))
    }),
    ("limit-patterns", || {
        let condition = |index| format!("{{ attribute: a, operator: matches, value: \"^p{index}$\" }}");
        in_flag("conditions", 1_001, condition)
    }),
    ("limit-rules", || in_flag("rules", 1_001, |_| "{}".to_owned())),
    ("limit-tags", || in_flag("tags", 65, |index| format!("t{index}"))),
    ("limit-schedule", || {
        let entry = |index| format!("{{ at: \"{:04}-01-01T00:00:00Z\", percentage: 5 }}", 1970 + index);
        format!("flags: {{ f: {{ rollout: {{ schedule: [{}] }} }} }}", repeat(1_001, entry))
    }),
];

fn repeat(count: usize, item: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for index in 0..count {
        write!(text, "{}, ", item(index)).expect("a string takes everything");
    }
    text.truncate(text.len() - 2);
    text
}

fn in_flag(key: &str, count: usize, item: impl Fn(usize) -> String) -> String {
    format!("flags: {{ f: {{ {key}: [{}] }} }}", repeat(count, item))
}

/// A few lines that would be four million nodes.
fn aliases() -> String {
    let list = |of: &str, count| repeat(count, |_| of.to_owned());
    format!("a: &a [{}]\nb: &b [{}]\nc: [{}]\n", list("x", 200), list("*a", 200), list("*b", 200))
}

#[test]
fn long_documents_pass_their_limits() {
    for (code, document) in LONG {
        let (config, diagnostics) = check(&document());
        assert!(config.is_none(), "{code}: the document is refused");
        assert!(diagnostics.iter().any(|problem| problem.code == code), "{code} is missing");
    }
}

#[test]
fn every_code_is_shown() {
    let mut shown: BTreeSet<String> = LONG.iter().map(|(code, _)| (*code).to_owned()).collect();
    let cases: usize = files("diagnostics").iter().map(|path| run::diagnostics(path, &mut shown)).sum();
    assert!(cases > 50, "{cases} cases");
    let codes = codes_in_sources();
    assert!(codes.len() > 40, "the sources have codes: {codes:?}");
    let missing: Vec<&String> = codes.difference(&shown).collect();
    assert!(missing.is_empty(), "no vector shows {missing:?}");
    let unknown: Vec<&String> = shown.difference(&codes).collect();
    assert!(unknown.is_empty(), "no source has {unknown:?}");
}

/// Codes are the words with a hyphen that stand in quotes in the config crate.
fn codes_in_sources() -> BTreeSet<String> {
    let code = Regex::new("\"([a-z]+(?:-[a-z]+)+)\"").expect("a pattern");
    let mut codes = BTreeSet::new();
    for path in files_below("crates/flcm-flags-config/src", &["rs"]) {
        let text = read_text(&path);
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        codes.extend(code.captures_iter(text).map(|found| found[1].to_owned()));
    }
    codes.retain(|code| !NO_CODES.contains(&code.as_str()));
    codes
}
