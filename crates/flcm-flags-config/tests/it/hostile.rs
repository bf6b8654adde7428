//! Hostile documents: refused by a named limit, or decided in linear time. Nothing here measures time: what is not
//! linear would not come back.

use std::fmt::Write;

use flcm_flags::{Context, Millis, Snapshot, Trips, evaluate};
use flcm_flags_config::{Severity, check, compile, limits};

fn codes(text: &str) -> Vec<&'static str> {
    let (config, diagnostics) = check(text);
    assert_eq!(config.is_none(), diagnostics.has_errors());
    let problems = diagnostics.iter().filter(|diagnostic| diagnostic.severity != Severity::Hint);
    problems.map(|diagnostic| diagnostic.code).collect()
}

#[test]
fn a_document_that_is_too_long_is_refused() {
    let text = " ".repeat(limits::DOCUMENT_BYTES + 1);
    assert_eq!(codes(&text), ["limit-document-bytes"]);
}

#[test]
fn nesting_is_refused_in_every_style() {
    for text in ["[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000), "? ".repeat(100_000)] {
        assert_eq!(codes(&text), ["limit-nesting"], "{}…", &text[..4]);
    }
    let indented = (0..1_000).fold(String::new(), |text, depth| text + &" ".repeat(depth) + "a:\n");
    assert_eq!(codes(&indented), ["limit-nesting"]);
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let _ = writeln!(text, "a{level}: &a{level} [{}]", vec![format!("*a{}", level - 1); 10].join(", "));
    }
    assert_eq!(codes(&text), ["limit-nodes"]);
}

#[test]
fn aliases_that_nest_into_each_other_are_refused() {
    let mut text = format!("a0: &a0 {}x{}\n", "[".repeat(50), "]".repeat(50));
    for level in 1..100 {
        let _ = writeln!(text, "a{level}: &a{level} {}*a{}{}", "[".repeat(50), level - 1, "]".repeat(50));
    }
    assert_eq!(codes(&text), ["limit-nesting"]);
}

#[test]
fn conditions_that_nest_too_deep_are_refused_and_the_deepest_legal_ones_decide() {
    let nested = |depth: usize| {
        let (open, close) = ("{ not: ".repeat(depth), " }".repeat(depth));
        format!("flags: {{ f: {{ conditions: [{open}{{ attribute: a, operator: exists }}{close}] }} }}")
    };
    assert_eq!(codes(&nested(limits::CONDITION_DEPTH + 1)), ["limit-condition-depth"]);
    let config = check(&nested(limits::CONDITION_DEPTH)).0.expect("the deepest legal document");
    let snapshot = Snapshot::from_bytes(compile(&config)).unwrap();
    let flag = snapshot.flag("f").unwrap();
    let attributes = [("a", 1.into())];
    let context = Context::new(None, &attributes).bind(&snapshot);
    // An even number of `not`.
    assert!(evaluate(&snapshot, &Trips::NONE, flag, &context, Millis(0)).enabled());
}

#[test]
fn patterns_that_explode_are_refused() {
    for pattern in ["[ab]*a[ab]{30}", "(\\\\w{1,200}){1,200}", "(a|b|ab)*c{900}(\\\\w\\\\W){90}"] {
        let text =
            format!("flags: {{ f: {{ conditions: [{{ attribute: a, operator: matches, value: \"{pattern}\" }}] }} }}");
        assert_eq!(codes(&text), ["limit-pattern-table"], "{pattern}");
    }
}

/// Each flag depends on the two before it: the paths to the first double with every second flag.
fn lattice(flags: usize) -> String {
    const ALICE: &str = "overrides: { alice: true }, rollout: { percentage: 0 }";
    let mut text = format!("flags:\n  f000: {{ {ALICE} }}\n  f001: {{ dependencies: [f000], {ALICE} }}\n");
    for index in 2..flags {
        let _ = writeln!(text, "  f{index:03}: {{ dependencies: [f{:03}, f{:03}], {ALICE} }}", index - 1, index - 2);
    }
    text
}

#[test]
fn a_lattice_of_dependencies_is_decided_in_linear_time() {
    let config = check(&lattice(limits::CLOSURE + 1)).0.expect("the deepest legal lattice");
    let snapshot = Snapshot::from_bytes(compile(&config)).unwrap();
    let last = snapshot.flag(&format!("f{:03}", limits::CLOSURE)).unwrap();
    assert_eq!(snapshot.describe(last).unwrap().closure().len(), limits::CLOSURE);
    for (user, expected) in [("alice", true), ("bob", false)] {
        let context = Context::new(Some(user), &[]).bind(&snapshot);
        assert_eq!(evaluate(&snapshot, &Trips::NONE, last, &context, Millis(0)).enabled(), expected);
    }
    let too_deep = codes(&lattice(limits::CLOSURE + 2));
    assert_eq!(too_deep, ["limit-closure"]);
}

#[test]
fn a_lattice_of_cohorts_is_decided_in_linear_time() {
    let mut text =
        String::from("flags: { f: { conditions: [{ cohort: c060 }] } }\ncohorts:\n  c000: { users: [alice] }\n");
    for index in 1..=60 {
        let below = format!("{{ cohort: c{:03} }}", index - 1);
        let _ = writeln!(text, "  c{index:03}: {{ when: [{below}, {{ any: [{below}, {below}] }}] }}");
    }
    let config = check(&text).0.expect("a legal lattice");
    let snapshot = Snapshot::from_bytes(compile(&config)).unwrap();
    let flag = snapshot.flag("f").unwrap();
    for (user, expected) in [("alice", true), ("bob", false)] {
        let context = Context::new(Some(user), &[]).bind(&snapshot);
        assert_eq!(evaluate(&snapshot, &Trips::NONE, flag, &context, Millis(0)).enabled(), expected);
    }
}

#[test]
fn a_chain_of_all_the_flags_that_there_may_be_is_refused_before_anyone_tires() {
    let mut text = String::from("flags:\n");
    for index in 1..limits::FLAGS {
        let _ = writeln!(text, "  f{index}: {{ dependencies: [f{}] }}", index - 1);
    }
    text += "  f0: {}\n";
    let codes = codes(&text);
    assert_eq!(codes.len(), limits::DIAGNOSTICS);
    assert!(codes.iter().all(|code| *code == "limit-closure"));
}

#[test]
fn a_cycle_of_many_flags_is_told_once() {
    let mut text = String::from("flags:\n");
    for index in 0..20_000 {
        let _ = writeln!(text, "  f{index}: {{ dependencies: [f{}] }}", (index + 1) % 20_000);
    }
    assert_eq!(codes(&text), ["prerequisite-cycle"]);
}

#[test]
fn problems_everywhere_are_reported_up_to_a_limit() {
    let text: String = std::iter::once("flags:\n".to_owned())
        .chain((0..5_000).map(|index| format!("  f{index}: {{ x: 1 }}\n")))
        .collect();
    assert_eq!(codes(&text).len(), limits::DIAGNOSTICS);
}

#[test]
fn ten_thousand_mutations_of_the_examples_never_panic_and_never_hang() {
    let examples =
        [include_str!("../../../../examples/feature-flags.yaml"), include_str!("../../../../examples/shop.yaml")];
    let pieces = [
        "{", "}", "[", "]", ":", "- ", "\n", "\"", "'", "&a ", "*a", "!", "|", ">", "#", "null", "-1", "1e999", "\t",
        "é", "\u{0}", "not: ", "all: ",
    ];
    let mut random = fastrand::Rng::with_seed(20_261_201);
    let mut accepted = 0;
    for round in 0..10_000 {
        let mut text: Vec<char> = examples[round % 2].chars().collect();
        for _ in 0..random.usize(1..6) {
            let at = random.usize(0..text.len());
            match random.u8(0..4) {
                0 => drop(text.drain(at..(at + random.usize(1..20)).min(text.len()))),
                1 => drop(text.splice(at..at, random.choice(pieces).unwrap().chars())),
                2 => {
                    let to = random.usize(0..text.len());
                    text.swap(at, to);
                }
                _ => {
                    let copied: Vec<char> = text[at..(at + 40).min(text.len())].to_vec();
                    let to = random.usize(0..text.len());
                    drop(text.splice(to..to, copied));
                }
            }
        }
        let text: String = text.into_iter().collect();
        let (config, diagnostics) = check(&text);
        let _ = diagnostics.render("mutated", &text, false);
        if let Some(config) = config {
            accepted += 1;
            assert!(Snapshot::from_bytes(compile(&config)).is_ok(), "{text}");
        } else {
            assert!(diagnostics.has_errors());
        }
    }
    assert!(accepted > 100, "only {accepted} mutations were valid: the test no longer reaches the compiler");
}

#[test]
fn no_number_of_hints_and_warnings_hides_an_error() {
    let flag = |index| format!("  f{index}: {{ conditions: [{{ flag: off }}] }}\n  g{index}: {{}}\n");
    let flags: String = (0..2_000).map(flag).collect();
    let text = format!("flags:\n  off: {{ enabled: false }}\n{flags}  last: {{ rollout: {{ percentage: 101 }} }}\n");
    let (config, diagnostics) = check(&text);
    assert!(config.is_none(), "the document has an error");
    assert_eq!(diagnostics.counts().0, 1);
    assert!(diagnostics.iter().all(|problem| problem.severity != Severity::Hint), "warnings come first");
}
