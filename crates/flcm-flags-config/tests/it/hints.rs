//! Problems whose near miss is known: the help says what was probably meant.

use flcm_flags_config::{Diagnostic, check};

fn problems(text: &str) -> Vec<Diagnostic> {
    check(text).1.iter().cloned().collect()
}

/// A document has one problem, with this code and this help.
#[track_caller]
fn hints(text: &str, code: &str, help: &str) {
    let found = problems(text);
    let codes: Vec<_> = found.iter().map(|problem| (problem.code, problem.help.as_deref())).collect();
    assert_eq!(codes, [(code, Some(help))], "{text}");
}

fn rollout(value: &str) -> String {
    format!("flags: {{ a: {{ rollout: {value} }} }}")
}

#[test]
fn a_percentage_by_another_name_or_in_another_form() {
    for key in ["percent", "pct"] {
        hints(&rollout(&format!("{{ {key}: 10 }}")), "unknown-key", "did you mean `percentage`?");
    }
    hints(&rollout("{ percentage: \"10\" }"), "wrong-type", "remove the quotes: `10`");
    hints(&rollout("{ percentage: 10% }"), "wrong-type", "write 10 % as `10`");
    hints(&rollout("{ percentage: \"2.5 %\" }"), "wrong-type", "write 2.5 % as `2.5`");
    hints(&rollout("10"), "wrong-type", "write `{ percentage: 10 }`");
    hints(&rollout("25%"), "wrong-type", "write `{ percentage: 25 }`");
    hints(
        "flags: { a: { percentage: 10 } }",
        "unknown-key",
        "`percentage` belongs into `rollout`: write `rollout: { percentage: … }`",
    );
}

#[test]
fn a_rate_in_another_form() {
    let threshold = |value| format!("flags: {{ a: {{ rollout: {{ percentage: 10 }}, error_threshold: {value} }} }}");
    hints(&threshold("0.05"), "wrong-type", "write `{ rate: 0.05 }`");
    hints(&threshold("5%"), "wrong-type", "write `{ rate: 0.05 }`");
    hints(&threshold("{ rate: 5% }"), "wrong-type", "write 5 % as `0.05`");
    hints(&threshold("{ rate: 0.1 % }"), "wrong-type", "write 0.1 % as `0.001`");
    hints(&threshold("{ rate: \"0.05\" }"), "wrong-type", "remove the quotes: `0.05`");
    hints(&threshold("5"), "wrong-type", "write `{ rate: 0.05 }` for 5 %");
}

#[test]
fn cohorts_without_a_switch() {
    let document =
        |value| format!("cohorts: {{ vips: {{ users: [x] }} }}\nflags: {{ a: {{ rollout: {{ cohorts: {value} }} }} }}");
    hints(&document("[vips]"), "wrong-type", "write `{ vips: true }`");
    hints(&document("vips"), "wrong-type", "write `{ vips: true }`");
}

#[test]
fn a_boolean_in_another_form() {
    for (written, meant) in [("yes", "true"), ("On", "true"), ("no", "false"), ("OFF", "false"), ("\"true\"", "true")] {
        let text = format!("flags: {{ a: {{ enabled: {written} }} }}");
        let found = problems(&text);
        assert_eq!(found[0].help, Some(format!("write `{meant}`")), "{text}");
    }
}

#[test]
fn one_value_where_a_list_is_expected() {
    let text = "cohorts: { c: { users: alice } }\nflags: { a: { rollout: { cohorts: { c: true } } } }";
    hints(text, "wrong-type", "write `[alice]`");
    let text = "flags: { a: { conditions: { attribute: x, operator: exists } } }";
    hints(text, "wrong-type", "write `[{ attribute: x, operator: exists }]`");
    let text = "flags:\n  a:\n    conditions:\n      attribute: x\n      operator: exists\n";
    hints(text, "wrong-type", "write a list here: begin each item with `- `");
}

#[test]
fn operators_of_other_languages() {
    for (written, meant) in [
        ("=", "=="),
        ("===", "=="),
        ("eq", "=="),
        ("equals", "=="),
        ("<>", "!="),
        ("=>", ">="),
        ("=<", "<="),
        ("gt", ">"),
        ("regex", "matches"),
        ("=~", "matches"),
        ("not in", "not_in"),
        ("startsWith", "starts_with"),
        ("IN", "in"),
    ] {
        let text = format!("flags: {{ a: {{ conditions: [{{ attribute: x, operator: \"{written}\", value: y }}] }} }}");
        hints(&text, "unknown-operator", &format!("did you mean `{meant}`?"));
    }
}

#[test]
fn merge_keys_are_refused_wherever_they_stand() {
    let help = "YAML 1.2 has no merge keys: use `extends` with a template, or write the keys out";
    hints(
        "templates: { t: &t { rollout: { percentage: 5 } } }\nflags: { a: { <<: *t, extends: t } }",
        "merge-key",
        help,
    );
    hints("flags: { a: &a { rollout: { percentage: 5 } }, b: { default: { <<: *a } } }", "merge-key", help);
    hints("flags: { a: { rollout: { percentage: 5 }, overrides: { <<: true } } }", "merge-key", help);
    assert!(problems("flags: { a: { rollout: { percentage: 5 }, overrides: { \"<<\": true } } }").is_empty());
}

#[test]
fn fractions_as_weights() {
    let text =
        "flags: { a: { variants: [{ name: x, weight: 0.5 }, { name: y, weight: 0.25 }, { name: z, weight: 1 }] } }";
    let found = problems(text);
    assert!(found.iter().all(|problem| problem.code == "wrong-number"), "{found:?}");
    assert_eq!(found[0].help.as_deref(), Some("weights are integers: multiply all of them by 100"));
}

#[test]
fn a_variant_that_is_misspelt_or_a_switch() {
    let with =
        |value| format!("flags: {{ a: {{ variants: [{{ name: blue, weight: 1 }}], overrides: {{ u: {value} }} }} }}");
    hints(&with("bleu"), "unknown-variant", "did you mean `blue`?");
    hints(&with("on"), "unknown-variant", "did you mean `true`?");
    hints(&with("no"), "unknown-variant", "did you mean `false`?");
    hints(
        "flags: { a: { rollout: { percentage: 5 }, overrides: { u: blue } } }",
        "unknown-variant",
        "the flag has no `variants`: write true or false",
    );
}

#[test]
fn users_listed_twice_or_in_both_lists() {
    let with = |cohort: &str| {
        format!("cohorts: {{ c: {{ {cohort} }} }}\nflags: {{ a: {{ rollout: {{ cohorts: {{ c: true }} }} }} }}")
    };
    hints(&with("users: [u, v, u]"), "duplicate-user", "keep one of them");
    hints(&with("users: [v], except: [u, u]"), "duplicate-user", "keep one of them");
    hints(
        &with("users: [u, v], except: [u]"),
        "excluded-user",
        "remove it from `users`, which changes nothing, or from `except`",
    );
}

#[test]
fn invisible_characters_of_keys_and_ids() {
    let help = "type it again, without what cannot be seen";
    for text in [
        "flags: { \"a\u{200b}\": { rollout: { percentage: 5 } } }",
        "flags: { a: { rollout: { percentage: 5 }, overrides: { \"u\u{feff}\": true } } }",
        "flags: { a: { conditions: [{ attribute: \"x\u{200d}\", operator: exists }] } }",
        "flags: { a: { rollout: { percentage: 5, by: \"\u{2060}x\" } } }",
        "cohorts: { c: { users: [\"a\u{ad}b\"] } }\nflags: { a: { rollout: { cohorts: { c: true } } } }",
        "flags: { a: { variants: [{ name: \"x\u{202e}y\", weight: 1 }] } }",
    ] {
        let found = problems(text);
        let invisible = found.iter().find(|problem| problem.code == "invisible-character");
        assert_eq!(invisible.and_then(|problem| problem.help.as_deref()), Some(help), "{text}: {found:?}");
    }
    // Joiners between letters that join, and in emoji.
    let text = "flags: { a: { rollout: { percentage: 5 }, overrides: { \"👩\u{200d}🚀\": true, \"می\u{200c}خواهم\": true } } }";
    assert!(problems(text).is_empty(), "{:?}", problems(text));
}

#[test]
fn keys_that_do_not_fit_into_a_url() {
    let with = |key: &str| format!("flags: {{ \"{key}\": {{ rollout: {{ percentage: 5 }} }} }}");
    let help = "use letters, digits, `-`, `_` and `.`";
    for key in ["a/b", "a b", "50%", "a?b", "a#b", "..", "größe"] {
        hints(&with(key), "key-not-url-safe", help);
    }
    for key in ["a-b_c.d~e", "team:checkout", "A1"] {
        assert!(problems(&with(key)).is_empty(), "{key}");
    }
}

#[test]
fn numbers_that_a_float_cannot_keep() {
    let values = [
        "9007199254740993",
        "-9007199254740993",
        "12345678901234567890",
        "1e400",
        "0x20000000000001",
        "10000000000000000",
        "0.12345678901234567890",
    ];
    for value in values {
        for text in [
            format!("flags: {{ a: {{ default: 1, on: {value} }} }}"),
            format!("flags: {{ a: {{ default: {{}}, on: {{ x: [{value}] }} }} }}"),
            format!("flags: {{ a: {{ conditions: [{{ attribute: x, operator: \"==\", value: {value} }}] }} }}"),
            format!("flags: {{ a: {{ conditions: [{{ attribute: x, operator: in, value: [1, {value}] }}] }} }}"),
        ] {
            let found = problems(&text);
            let precision = found.iter().find(|problem| problem.code == "number-precision");
            let help = precision.and_then(|problem| problem.help.as_deref()).unwrap_or_default();
            assert!(help.starts_with("quote it"), "{text}: {found:?}");
        }
    }
    for value in
        ["9007199254740992", "-9007199254740992", "1e20", "0.1", "1.50", "5e-324", "0.30000000000000004", "1_0"]
    {
        let text = format!("flags: {{ a: {{ conditions: [{{ attribute: x, operator: \"==\", value: {value} }}] }} }}");
        assert!(problems(&text).is_empty(), "{text}: {:?}", problems(&text));
    }
    hints(
        "revision: 9007199254740993\nflags: { a: { rollout: { percentage: 5 } } }",
        "wrong-number",
        "round it, or bring it into range",
    );
}

#[test]
fn ids_that_are_numbers_keep_their_digits() {
    let text =
        "cohorts: { c: { users: [12345678901234567890, 0x1F] } }\nflags: { a: { rollout: { cohorts: { c: true } } } }";
    let found = problems(text);
    assert!(found.iter().all(|problem| problem.code == "wrong-type"), "{found:?}");
    assert_eq!(found[0].help.as_deref(), Some("put it in quotes: `\"12345678901234567890\"`"));
}

#[test]
fn of_several_conflicts_the_first_in_the_document_is_named() {
    let test = |attribute, value| format!("{{ attribute: {attribute}, operator: \"==\", value: {value} }}");
    let tests = [test("z", 1), test("a", 1), test("z", 2), test("a", 2)].join(", ");
    let found = problems(&format!("flags: {{ f: {{ conditions: [{tests}], rollout: {{ percentage: 5 }} }} }}"));
    assert!(found[0].message.ends_with("its conditions on `z` exclude each other"), "{found:?}");
}
