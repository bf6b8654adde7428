//! `flcm decide`, one user at a time or a few.

use super::run::{MENTOR, TestFolder};

const DOCUMENT: &str = "\
flags:
  banner:
    default: none
    on: \"a \\\"quoted\\\" on\"
    variants: [{ name: blue, weight: 1, value: sky }, { name: red, weight: 0 }]
    overrides: { carol: red }
    rules: [{ name: germans, conditions: [{ attribute: country, operator: '==', value: DE }] }]
  limits:
    default: { a: 1 }
    on: { b: [1, 2.5] }
    overrides: { alice: true }
    rollout: { percentage: 0 }
  ratio: { default: 1.5, on: 2, overrides: { alice: true } }
  switched_off: { enabled: false }
";

#[test]
fn json_has_exactly_these_keys_in_this_order() {
    let folder = TestFolder::new();
    folder.file("a.yaml", DOCUMENT);
    let out = folder.run(&["decide", "a.yaml", "--json", "--user", "alice", "--attr", "country=DE"]).well();
    assert_eq!(out, "\
{\"flag\":\"banner\",\"user\":\"alice\",\"enabled\":true,\"value\":\"sky\",\"variant\":\"blue\",\"reason\":\"TARGETING_MATCH\",\"errorCode\":null,\"rule\":\"germans\",\"arm\":\"treatment\"}
{\"flag\":\"limits\",\"user\":\"alice\",\"enabled\":true,\"value\":{\"b\":[1,2.5]},\"variant\":null,\"reason\":\"OVERRIDE\",\"errorCode\":null,\"rule\":null,\"arm\":\"outside\"}
{\"flag\":\"ratio\",\"user\":\"alice\",\"enabled\":true,\"value\":2,\"variant\":null,\"reason\":\"OVERRIDE\",\"errorCode\":null,\"rule\":null,\"arm\":\"outside\"}
{\"flag\":\"switched_off\",\"user\":\"alice\",\"enabled\":false,\"value\":false,\"variant\":null,\"reason\":\"DISABLED\",\"errorCode\":null,\"rule\":null,\"arm\":\"outside\"}
");
    let out =
        folder.run(&["decide", "a.yaml", "--json", "--flag", "ratio", "--flag", "banner", "--user", "carol"]).well();
    assert_eq!(out, "\
{\"flag\":\"banner\",\"user\":\"carol\",\"enabled\":true,\"value\":\"a \\\"quoted\\\" on\",\"variant\":\"red\",\"reason\":\"OVERRIDE\",\"errorCode\":null,\"rule\":null,\"arm\":\"outside\"}
{\"flag\":\"ratio\",\"user\":\"carol\",\"enabled\":true,\"value\":2,\"variant\":null,\"reason\":\"STATIC\",\"errorCode\":null,\"rule\":null,\"arm\":\"treatment\"}
");
}

#[test]
fn without_a_targeting_key_the_user_is_null() {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    let out = folder.run(&["decide", "a.yaml", "--json"]).well();
    assert!(out.starts_with("{\"flag\":\"v2_mentor_layer\",\"user\":null,\"enabled\":false,"), "{out}");
    // An empty one is a targeting key like others.
    let out = folder.run(&["decide", "a.yaml", "--json", "--user", ""]).well();
    assert!(out.starts_with("{\"flag\":\"v2_mentor_layer\",\"user\":\"\","), "{out}");
}

#[test]
fn an_unknown_flag_is_an_error_of_its_own_line() {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    let ran = folder.run(&[
        "decide",
        "a.yaml",
        "--json",
        "--user",
        "alice",
        "--flag",
        "v2_mentor_layr",
        "--flag",
        "v2_mentor_layer",
    ]);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[0].starts_with("{\"flag\":\"v2_mentor_layer\""));
    assert_eq!(
        lines[1],
        r#"{"flag":"v2_mentor_layr","user":"alice","enabled":false,"value":null,"variant":null,"reason":"ERROR","errorCode":"FLAG_NOT_FOUND","rule":null,"arm":"outside"}"#
    );
    assert_eq!(lines.len(), 2);
    assert!(ran.err.contains("warning: no flag `v2_mentor_layr`"), "{}", ran.err);
    assert!(ran.err.contains("help: did you mean `v2_mentor_layer`?"), "{}", ran.err);
    assert_eq!(ran.code, Some(1));
}

#[test]
fn a_snapshot_decides_as_its_document_does() {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    let line = |user| format!("{{\"targetingKey\":\"user-{user}\",\"account_age_days\":{}}}", user % 60);
    let lines: Vec<String> = (0..2_000).map(line).collect();
    folder.file("users.jsonl", lines.join("\n"));
    folder.run(&["compile", "a.yaml", "-o", "a.snapshot"]).well();
    for form in [&["--json"][..], &[], &["--summary"], &["--explain"], &["--explain", "--json"]] {
        let run = |source| {
            let arguments = [&["decide", source, "--contexts", "users.jsonl", "--now", "0"], form].concat();
            folder.run(&arguments).well()
        };
        let (document, snapshot) = (run("a.yaml"), run("a.snapshot"));
        assert!(!document.is_empty());
        assert!(document == snapshot, "{form:?}");
    }
}

#[test]
fn contexts_decide_as_options_do() {
    let folder = TestFolder::new();
    folder.file("a.yaml", DOCUMENT);
    let options = folder.run(&[
        "decide",
        "a.yaml",
        "--json",
        "--user",
        "käthe \"\\\u{7f}\t",
        "--attr",
        "country=DE",
        "--attr",
        "cohorts=[\"a\"]",
    ]);
    let line = r#"{"cohorts":["a"],"country":"\u0044E","targetingKey":"k\u00e4the \"\\\u007f\t","more":[]}"#;
    let contexts = folder.run_with_input(&["decide", "a.yaml", "--json", "--contexts", "-"], line);
    let out = options.well();
    assert_eq!(out, contexts.well());
    for line in out.lines() {
        let decided: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(decided["user"], "käthe \"\\\u{7f}\t");
    }
}

#[test]
fn users_are_escaped_as_json_wants_it() {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    for user in ["\"", "a\\b", "\t", "\u{7f}", "ä", "a,b"] {
        let line = serde_json::json!({ "targetingKey": user }).to_string();
        let contexts = folder.run_with_input(&["decide", "a.yaml", "--json", "--contexts", "-"], line).well();
        assert_eq!(contexts, folder.run(&["decide", "a.yaml", "--json", "--user", user]).well());
        let decided: serde_json::Value = serde_json::from_str(&contexts).unwrap();
        assert_eq!(decided["user"], user);
    }
}

#[test]
fn the_host_names_cohorts() {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    let lines = "\
{\"targetingKey\":\"a\",\"cohorts\":[\"beta_testers\"]}
{\"targetingKey\":\"a\",\"cohorts\":[\"beta_testers\",\"banned\"]}
{\"targetingKey\":\"a\",\"cohorts\":[\"banned\"]}
{\"targetingKey\":\"a\",\"cohorts\":[]}
";
    let out = folder.run_with_input(&["decide", "a.yaml", "--json", "--contexts", "-"], lines).well();
    let reasons: Vec<_> =
        out.lines().map(|line| (line.contains("\"enabled\":true"), line.contains("TARGETING_MATCH"))).collect();
    assert_eq!(reasons, [(true, true), (true, true), (false, true), (false, false)]);
}

#[test]
fn now_moves_along_a_schedule() {
    let folder = TestFolder::new();
    folder.file(
        "a.yaml",
        "flags: { a: { rollout: { percentage: 0, schedule: [{ at: 2026-12-01T00:00:00Z, percentage: 100 }] } } }",
    );
    let enabled = |now| {
        folder.run(&["decide", "a.yaml", "--json", "--user", "u", "--now", now]).well().contains("\"enabled\":true")
    };
    assert!(!enabled("2026-11-30T23:59:59.999Z"));
    assert!(enabled("2026-12-01T00:00:00Z"));
    assert!(!enabled("1796083199999"));
    assert!(enabled("1796083200000"));
}

#[test]
fn the_summary_counts() {
    let folder = TestFolder::new();
    folder.file("a.yaml", "flags: { a: { conditions: [{ attribute: n, operator: '<', value: 3 }], variants: [{ name: x, weight: 1 }, { name: y, weight: 0 }] } }");
    let lines: Vec<String> = (0..10).map(|n| format!("{{\"n\":{n}}}")).collect();
    folder.file("users.jsonl", lines.join("\n"));
    let json = folder.run(&["decide", "a.yaml", "--contexts", "users.jsonl", "--summary", "--json"]).well();
    assert_eq!(
        json,
        "{\"flag\":\"a\",\"contexts\":10,\"on\":3,\"variants\":{\"x\":3,\"y\":0},\"reasons\":{\"DEFAULT\":7,\"TARGETING_MATCH\":3},\"errors\":{}}\n"
    );
    let text = folder.run(&["decide", "a.yaml", "--contexts", "users.jsonl", "--summary", "--now", "0"]).well();
    assert_eq!(
        text,
        "\
10 users, 1 flag, at 1970-01-01T00:00:00Z

a                      30.0 %  ███████▎················           3
  variant x            30.0 %  ███████▎················           3
  variant y             0.0 %  ························           0
  DEFAULT              70.0 %  ████████████████▊·······           7
  TARGETING_MATCH      30.0 %  ███████▎················           3
"
    );
}

#[test]
fn text_is_in_columns_and_cannot_move_the_cursor() {
    let folder = TestFolder::new();
    folder.file("a.yaml", DOCUMENT);
    let line = r#"{"targetingKey":"e\u001b[2Jvil","country":"DE"}"#;
    let out = folder.run_with_input(&["decide", "a.yaml", "--contexts", "-"], line).well();
    assert_eq!(
        out,
        "\
e\\u{1b}[2Jvil     banner        on     blue  TARGETING_MATCH  rule germans  \"sky\"
e\\u{1b}[2Jvil     limits        off          DEFAULT  {\"a\":1}
e\\u{1b}[2Jvil     ratio         on           STATIC  2
e\\u{1b}[2Jvil     switched_off  off          DISABLED
"
    );
}

#[test]
fn one_standard_input_cannot_be_two_files() {
    let error = TestFolder::new().run(&["decide", "-", "--contexts", "-"]).failed();
    assert!(error.contains("cannot both be the standard input"), "{error}");
    let out = TestFolder::new().run_with_input(&["decide", "-", "--json", "--user", "alice"], MENTOR).well();
    assert!(out.contains("\"user\":\"alice\""));
}

#[test]
fn a_long_decimal_is_read_to_the_last_bit() {
    let folder = TestFolder::new();
    // A reader that is not exact to the last bit gets another float for one of these.
    for number in ["0.1", "12.345678901234567", "7.120190887522012e-10", "9007199254740992", "0.01234567890123457"] {
        let document =
            format!("flags: {{ a: {{ conditions: [{{ attribute: n, operator: '==', value: {number} }}] }} }}");
        folder.file("a.yaml", document);
        let line = format!("{{\"n\":{number}}}");
        let out = folder.run_with_input(&["decide", "a.yaml", "--json", "--contexts", "-"], line).well();
        assert!(out.contains("\"enabled\":true"), "{number}: {out}");
    }
}

/// Bare digits and a quoted text, of an id that a number cannot keep.
const LONG_ID: &str = "9007199254740993";

#[test]
fn quotes_make_an_attribute_text() {
    let folder = TestFolder::new();
    folder.file("a.yaml", "flags: { a: { conditions: [{ attribute: zip, operator: '==', value: \"12345\" }] } }");
    let enabled =
        |zip: &str| folder.run(&["decide", "a.yaml", "--json", "--attr", zip]).well().contains("enabled\":true");
    assert!(enabled("zip=\"12345\""), "JSON text is text");
    assert!(!enabled("zip=12345"), "digits are a number");
}

#[test]
fn a_number_that_cannot_be_kept_is_refused_wherever_it_comes_from() {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    for long in [LONG_ID, "-9007199254740993", "12345678901234567890", "100000000000000000000", "1e400"] {
        let ran = folder.run(&["decide", "a.yaml", "--attr", &format!("id={long}")]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.contains(&format!("--attr 'id=\"{long}\"'")), "{}", ran.err);
    }
    for long in [LONG_ID, "-9007199254740993", "12345678901234567890", "100000000000000000000"] {
        let line = format!("{{\"account_age_days\":{long}}}\n{{\"unread\":{long}}}\n{{\"account_age_days\":5}}\n");
        let ran = folder.run_with_input(&["decide", "a.yaml", "--contexts", "-"], line);
        assert!(ran.err.contains("<stdin>:1:") && ran.err.contains("<stdin>:2:"), "{}", ran.err);
        assert!(ran.err.contains("`account_age_days` is a number that cannot be kept exactly"), "{}", ran.err);
        assert!(ran.err.contains("help: write it in quotes, as text"), "{}", ran.err);
        assert_eq!(ran.code, Some(1));
    }
}

#[test]
fn whole_numbers_are_served_without_a_fraction() {
    let folder = TestFolder::new();
    for (written, served) in [
        ("9007199254740992", "9007199254740992"),
        ("-9007199254740992", "-9007199254740992"),
        ("5.0", "5"),
        ("1e3", "1000"),
        ("9.007199254740994e15", "9007199254740994"),
        ("1.5", "1.5"),
    ] {
        folder.file("a.yaml", format!("flags: {{ a: {{ default: {written}, on: 1, enabled: false }}, b: {{ default: {{ x: {written} }}, on: {{}}, enabled: false }} }}"));
        let out = folder.run(&["decide", "a.yaml", "--json"]).well();
        assert!(out.contains(&format!("\"value\":{served},")), "{written}: {out}");
        assert!(out.contains(&format!("\"value\":{{\"x\":{served}}}")), "{written}: {out}");
        let out = folder.run(&["decide", "a.yaml", "--json", "--explain"]).well();
        assert!(!out.contains(&format!("{served}.0")), "{written}: {out}");
    }
}
