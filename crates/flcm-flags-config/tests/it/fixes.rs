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
    let value = |number| {
        format!(
            "flags: {{ a: {{ default: 1, on: {number}, overrides: {{ u: true }}, rollout: {{ percentage: 5 }} }} }}"
        )
    };
    mends(&value("0.10000000000000000555"), &value("0.1"));
    assert_eq!(fixed(&value("9007199254740993")), value("9007199254740993"), "text or another number: who knows");
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

#[test]
fn what_has_no_effect_is_removed_with_its_comma_or_its_line() {
    let cohort = |users: &str, flags: &str| format!("cohorts:\n  c: {{ users: {users} }}\nflags:\n  a:\n    {flags}");
    let on = "rollout: { cohorts: { c: true }, percentage: 5 }\n";
    mends(&cohort("[u, v, u, v]", on), &cohort("[u, v]", on));
    mends(
        "cohorts:\n  c:\n    users:\n      - u\n      - u\n      - v\nflags: { a: { rollout: { cohorts: { c: true } } } }\n",
        "cohorts:\n  c:\n    users:\n      - u\n      - v\nflags: { a: { rollout: { cohorts: { c: true } } } }\n",
    );
    let threshold = |keys: &str| {
        cohort("[u]", &format!("rollout: {{ cohorts: {{ c: true }}, percentage: 5 }}\n    error_threshold:{keys}"))
    };
    mends(&threshold(" { min_samples: 5, rate: 0.1 }"), &threshold(" { rate: 0.1 }"));
    mends(&threshold(" { rate: 0.1, slow_rate: 0.2, min_samples: 5 }"), &threshold(" { rate: 0.1 }"));
    mends(
        &threshold("\n      min_samples: 5\n      rate: 0.1\n      slow_rate: 0.5\n"),
        &threshold("\n      rate: 0.1\n"),
    );
    mends(
        "flags: { a: { rollout: { percentage: 5, ramp: linear, by: user } } }",
        "flags: { a: { rollout: { percentage: 5, by: user } } }",
    );
    mends(
        &cohort("[u]", "rollout: { cohorts: { c: true }, by: user }\n"),
        &cohort("[u]", "rollout: { cohorts: { c: true } }\n"),
    );
}

#[test]
fn nothing_is_removed_where_something_is_inherited_or_nothing_would_be_left() {
    for text in [
        "templates: { t: { rollout: { percentage: 5, ramp: linear } } }\nflags: { a: { extends: t, rollout: { schedule: [{ at: 2026-01-01T00:00:00Z, percentage: 9 }, { at: 2026-02-01T00:00:00Z, percentage: 10 }] } }, b: { extends: t } }",
        "flags: { a: { rollout: { by: user } } }",
    ] {
        assert_eq!(fixed(text), text);
    }
}
