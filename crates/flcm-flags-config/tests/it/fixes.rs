//! Fixes of diagnostics, applied to the text.

use flcm_flags_config::check;

/// The text with all fixes applied, until nothing changes.
fn fixed(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..10 {
        let (_, diagnostics) = check(&text);
        let next = diagnostics.fix(&text).text;
        if next == text {
            return text;
        }
        text = next;
    }
    panic!("the fixes do not end: {text}");
}

#[track_caller]
fn mends(wrong: &str, right: &str) {
    assert_eq!(fixed(wrong), right);
    let (config, diagnostics) = check(right);
    assert!(config.is_some(), "{}", diagnostics.render("fixed", right, false));
}

#[test]
fn a_misspelt_key_is_respelt_in_its_quotes() {
    mends("flags: { a: { rolout: { percentag: 10 } } }", "flags: { a: { rollout: { percentage: 10 } } }");
    mends(r#"{"flags":{"ä":{"rolout":{"percentage":10}}}}"#, r#"{"flags":{"ä":{"rollout":{"percentage":10}}}}"#);
    mends("flags:\n  a:\n    'rolout': { percentage: 5 }\n", "flags:\n  a:\n    'rollout': { percentage: 5 }\n");
}

#[test]
fn a_key_that_is_there_already_is_not_given_twice() {
    let text = "flags: { a: { rollout: { percentage: 10, percentag: 20 } } }";
    assert_eq!(fixed(text), text);
}

#[test]
fn fixes_of_errors_write_what_was_meant() {
    let rollout = |value: &str| format!("flags: {{ a: {{ rollout: {value} }} }}");
    for (wrong, right) in [
        ("{ percent: 10 }", "{ percentage: 10 }"),
        ("{ percentage: \"10\" }", "{ percentage: 10 }"),
        ("{ percentage: '10 %' }", "{ percentage: 10 }"),
        ("10%", "{ percentage: 10 }"),
        ("{ percentage: 5, by: 12 }", "{ percentage: 5, by: \"12\" }"),
    ] {
        mends(&rollout(wrong), &rollout(right));
    }
    mends("flags: { a: { enabled: No } }", "flags: { a: { enabled: false } }");
    let threshold = |value| format!("flags: {{ a: {{ rollout: {{ percentage: 5 }}, error_threshold: {value} }} }}");
    mends(&threshold("0.05"), &threshold("{ rate: 0.05 }"));
    mends(&threshold("{ rate: 7% }"), &threshold("{ rate: 0.07 }"));
    mends(
        "cohorts: { v: { users: u } }\nflags:\n  a:\n    rollout:\n      cohorts:\n        - v\n",
        "cohorts: { v: { users: [u] } }\nflags:\n  a:\n    rollout:\n      cohorts:\n        - { v: true }\n",
    );
    mends(
        r#"{"cohorts":{"v":{"users":[7]}},"flags":{"a":{"rollout":{"cohorts":["v"]}}}}"#,
        r#"{"cohorts":{"v":{"users":["7"]}},"flags":{"a":{"rollout":{"cohorts":[{ "v": true }]}}}}"#,
    );
    let test =
        |operator| format!("flags: {{ a: {{ conditions: [{{ attribute: x, operator: {operator}, value: y }}] }} }}");
    mends(&test("="), &test("\"==\""));
    mends(&test("'<>'"), &test("'!='"));
    mends(&test("startsWith"), &test("starts_with"));
    mends(
        "flags: { a: { variants: [{ name: x, weight: 0.5 }, { name: y, weight: 0.25 }, { name: z, weight: 1 }] } }",
        "flags: { a: { variants: [{ name: x, weight: 50 }, { name: y, weight: 25 }, { name: z, weight: 100 }] } }",
    );
}

#[test]
fn a_shared_value_is_not_fixed_through_its_alias() {
    // The fix of one use would change the others.
    for text in [
        "flags: { a: { description: *x, default: &x 5, on: 6 } }",
        "flags: { a: { default: &x { percent: 5 }, on: {}, rollout: { percentage: 1 } }, b: { rollout: *x } }",
    ] {
        assert_eq!(fixed(text), text);
    }
}

#[test]
fn of_fixes_that_overlap_the_first_is_applied() {
    let text = "flags: { a: { rollout: { percentag: 10 }, enabled: yes } }";
    let (_, diagnostics) = check(text);
    let fix = diagnostics.fix(text);
    assert_eq!((fix.applied.len(), fix.left.len()), (2, 0));
}
