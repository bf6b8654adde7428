//! `flcm check`.

use super::run::{MENTOR, TestFolder};

const BAD: &str = "flags:\n  a: { rollout: { percentag: 10 } }\n  b: { dependencies: [a, nobody] }\n";
const GOOD: &str = "flags:\n  a: { rollout: { percentage: 10 } }\n";

#[test]
fn all_problems_of_all_documents_are_told() {
    let folder = TestFolder::new();
    folder.file("bad.yaml", BAD);
    folder.file("good.yaml", GOOD);
    let ran = folder.run(&["check", "good.yaml", "bad.yaml"]);
    assert_eq!(ran.code, Some(1));
    for part in ["unknown key `percentag`", "did you mean `percentage`?", "unknown flag `nobody`", "bad.yaml:2:"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    assert!(ran.out.ends_with("2 documents checked: 2 errors, 0 warnings\n"), "{}", ran.out);
    assert_eq!(folder.run(&["check", "good.yaml"]).well(), "1 document checked: 0 errors, 0 warnings\n");
}

#[test]
fn json_is_one_array_with_the_file_in_each_object() {
    let folder = TestFolder::new();
    folder.file("bad.yaml", BAD);
    folder.file("warned.yaml", MENTOR);
    let ran = folder.run(&["check", "--json", "bad.yaml", "warned.yaml"]);
    assert_eq!(ran.code, Some(1));
    let first = r#"[{"file":"bad.yaml","code":"unknown-key","severity":"error","path":"flags.a.rollout.percentag","line":2,"column":19,"range":{"start":{"line":1,"character":18},"end":{"line":1,"character":27}},"message":"unknown key `percentag`","help":"did you mean `percentage`?","fix":[{"start":25,"end":34,"replacement":"percentage"}]},"#;
    assert!(ran.out.starts_with(first), "{}", ran.out);
    let all: Vec<serde_json::Value> = serde_json::from_str(&ran.out).unwrap();
    let files: Vec<_> = all.iter().map(|problem| problem["file"].as_str().unwrap()).collect();
    assert_eq!(files, ["bad.yaml", "bad.yaml", "warned.yaml", "warned.yaml"]);
    folder.file("good.yaml", GOOD);
    assert_eq!(folder.run(&["check", "--json", "good.yaml"]).well(), "[]\n");
}

#[test]
fn warnings_fail_only_when_they_are_denied() {
    let folder = TestFolder::new();
    folder.file("warned.yaml", MENTOR);
    assert!(folder.run(&["check", "warned.yaml"]).well().contains("0 errors, 2 warnings"));
    assert_eq!(folder.run(&["check", "--deny-warnings", "warned.yaml"]).code, Some(1));
}

#[test]
fn hints_are_shown_and_never_fail() {
    let folder = TestFolder::new();
    folder.file("hinted.yaml", "flags:\n  a: {}\n");
    let out = folder.run(&["check", "--deny-warnings", "hinted.yaml"]).well();
    assert!(out.starts_with("hint[reaches-everyone]: nothing narrows this flag, so everyone gets it\n"), "{out}");
    assert!(out.ends_with("1 document checked: 0 errors, 0 warnings\n"), "{out}");
    let json = folder.run(&["check", "--json", "hinted.yaml"]).well();
    assert!(json.contains("\"severity\":\"hint\""), "{json}");
}

#[test]
fn a_dash_is_the_standard_input() {
    let ran = TestFolder::new().run_with_input(&["check", "-"], BAD);
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("<stdin>:2:"), "{}", ran.out);
}

#[test]
fn one_unreadable_file_does_not_keep_others_from_being_checked() {
    let folder = TestFolder::new();
    folder.file("bad.yaml", BAD);
    let ran = folder.run(&["check", "no.yaml", "bad.yaml"]);
    assert!(ran.out.contains("unknown flag `nobody`"));
    assert!(ran.failed().contains("cannot read no.yaml"));
    folder.file("latin.yaml", b"flags:\n  a: { description: \"\xe4\" }\n");
    assert!(folder.run(&["check", "latin.yaml"]).failed().contains("latin.yaml:2: not UTF-8"));
}

#[test]
fn json_lists_files_that_cannot_be_read() {
    let folder = TestFolder::new();
    folder.file("bad.yaml", BAD);
    folder.file("latin.yaml", b"flags:\n  a: { description: \"\xe4\" }\n");
    std::fs::create_dir(folder.path().join("folder.yaml")).unwrap();
    let ran = folder.run(&["check", "--json", "no.yaml", "bad.yaml", "latin.yaml", "folder.yaml"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
    let all: Vec<serde_json::Value> = serde_json::from_str(&ran.out).unwrap();
    let of = |file| all.iter().find(|problem| problem["file"] == file).unwrap();
    let expected = r#"{"file":"no.yaml","code":"unreadable","severity":"error","path":"","line":1,"column":1,"range":{"start":{"line":0,"character":0},"end":{"line":0,"character":0}},"message":"cannot read no.yaml: no such file or directory","help":"check the path","fix":[]}"#;
    assert_eq!(of("no.yaml").to_string(), serde_json::from_str::<serde_json::Value>(expected).unwrap().to_string());
    assert_eq!(of("latin.yaml")["code"], "unreadable");
    assert_eq!(of("folder.yaml")["help"], "name a file, not a folder");
    assert_eq!(all.len(), 5, "{all:?}");
}

const FIXABLE: &str = "\
# Kept.
flags:
  a: { rollout: { percent: 10 } } # Kept, too.
  b:
    enabled: yes
    error_threshold: 0.05
    rollout:
      percentage: 5%
";

const FIXED: &str = "\
# Kept.
flags:
  a: { rollout: { percentage: 10 } } # Kept, too.
  b:
    enabled: true
    error_threshold: { rate: 0.05 }
    rollout:
      percentage: 5
";

#[test]
fn fixes_are_written_and_told_and_there_are_none_the_second_time() {
    let folder = TestFolder::new();
    folder.file("a.yaml", FIXABLE);
    let out = folder.run(&["check", "--fix", "a.yaml"]).well();
    assert_eq!(String::from_utf8(folder.read("a.yaml")).unwrap(), FIXED);
    for part in [
        "a.yaml:3:19: fixed unknown key `percent`: `percent` → `percentage`",
        "a.yaml:5:14: fixed expected true or false, found text: `yes` → `true`",
        "1 document checked: 0 errors, 0 warnings; 4 problems fixed",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let again = folder.run(&["check", "--fix", "a.yaml"]).well();
    assert_eq!(again, "1 document checked: 0 errors, 0 warnings\n");
    assert_eq!(String::from_utf8(folder.read("a.yaml")).unwrap(), FIXED);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn fixes_leave_what_is_not_certain() {
    let folder = TestFolder::new();
    let text = "flags: { a: { rollout: { percent: 10 } }, b: { dependencies: [nobody] } }\n";
    folder.file("a.yaml", text);
    let ran = folder.run(&["check", "--fix", "a.yaml"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("unknown flag `nobody`") && !ran.out.contains("error[unknown-key]"), "{}", ran.out);
    assert_eq!(folder.read("a.yaml"), text.replace("percent:", "percentage:").as_bytes());
    // As JSON, only what is left is printed.
    folder.file("a.yaml", text);
    let ran = folder.run(&["check", "--fix", "--json", "a.yaml"]);
    let left: Vec<serde_json::Value> = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((left.len(), &left[0]["code"]), (1, &serde_json::json!("unknown-flag")));
    assert!(ran.err.contains("fixed unknown key `percent`"), "{}", ran.err);
}

#[cfg(unix)]
#[test]
fn a_fixed_file_keeps_its_mode_and_a_link_stays_a_link() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TestFolder::new();
    folder.file("a.yaml", FIXABLE);
    let path = folder.path().join("a.yaml");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("a.yaml", folder.path().join("link.yaml")).unwrap();
    folder.run(&["check", "--fix", "link.yaml"]).well();
    assert_eq!(folder.read("a.yaml"), FIXED.as_bytes());
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(folder.path().join("link.yaml").is_symlink());
}

#[test]
fn the_standard_input_cannot_be_fixed() {
    let ran = TestFolder::new().run_with_input(&["check", "--fix", "-"], FIXABLE);
    let error = ran.failed();
    assert!(error.contains("the standard input cannot be fixed") && error.contains("help: name a file"), "{error}");
}

#[test]
fn a_file_named_json_is_json() {
    let folder = TestFolder::new();
    let document = |rollout: &str| format!("{{\"flags\": {{\"a\": {{\"rollout\": {rollout}}}}}}}");
    folder.file("good.json", document("{\"percentage\": 10}"));
    folder.run(&["check", "good.json"]).well();
    for (rollout, help) in [
        ("{\"percentage\": 10,}", "remove the comma"),
        ("{\"percentage\": 10 /* ten */}", "JSON has no comments: remove it, or name the file `.yaml`"),
        ("{\"percentage\": 10 } # ten\n", "JSON has no comments: remove it, or name the file `.yaml`"),
        ("{percentage: 10}", "put keys and text in double quotes, or name the file `.yaml`"),
        ("{'percentage': 10}", "put keys and text in double quotes, or name the file `.yaml`"),
    ] {
        folder.file("bad.json", document(rollout));
        let ran = folder.run(&["check", "bad.json"]);
        assert_eq!(ran.code, Some(1), "{rollout}");
        assert!(ran.out.contains("error[json-syntax]") && ran.out.contains(help), "{rollout}: {}", ran.out);
        for command in [&["decide", "bad.json"][..], &["compile", "bad.json", "-o", "x"], &["inspect", "bad.json"]] {
            assert!(folder.run(command).failed().contains("json-syntax"), "{rollout} {command:?}");
        }
    }
    folder.file("bad.json", document("{\"percentage\": 10,}"));
    folder.run(&["check", "--fix", "bad.json"]).well();
    assert_eq!(folder.read("bad.json"), document("{\"percentage\": 10}").as_bytes());
}

#[test]
fn a_schedule_that_is_over_is_a_warning() {
    let folder = TestFolder::new();
    let document = |last: &str| {
        format!(
            "flags: {{ a: {{ rollout: {{ schedule: [{{ at: 2020-01-01T00:00:00Z, percentage: 5 }}, {{ at: {last}, percentage: 50 }}] }} }} }}"
        )
    };
    folder.file("past.yaml", document("2020-02-01T00:00:00Z"));
    folder.file("ahead.yaml", document("2999-02-01T00:00:00Z"));
    let out = folder.run(&["check", "past.yaml"]).well();
    assert!(
        out.contains("warning[past-schedule]") && out.contains("since 2020-02-01T00:00:00Z it stays at 50 %"),
        "{out}"
    );
    assert!(out.contains("help: write `percentage: 50` in its place"), "{out}");
    assert!(folder.run(&["check", "ahead.yaml"]).well().contains("0 warnings"));
}

/// A document with a secret in each place that a document has.
const SECRETS: &str = "
# secret-comment
clients: listed
cohorts:
  secret-cohort: { users: [secret-user], except: [secret-exception] }
  guests: { when: [{ attribute: guest, operator: exists }] }
templates: { secret-template: { owner: secret-owner } }
flags:
  shown:
    client: true
    description: secret-description
    owner: secret-owner
    tags: [secret-tag]
    rules: [{ name: secret-rule, conditions: [{ cohort: guests }, { attribute: host, operator: matches, value: ^shop$ }] }]
  secret-flag:
    extends: secret-template
    overrides: { secret-user: true }
    salt: secret-salt
    rollout: { by: secret-by, percentage: 5 }
    conditions: [{ cohort: secret-cohort }, { attribute: secret-attribute, operator: in, value: [secret-operand] }]
    variants: [{ name: secret-variant, weight: 1, value: true }]
  secret-evaluated:
    client: evaluated
    conditions: [{ attribute: email, operator: matches, value: secret-pattern }]
    default: secret-value
    on: secret-on
";

#[test]
fn show_client_prints_what_pages_can_read_and_nothing_else() {
    let folder = TestFolder::new();
    folder.file("flags.yaml", SECRETS);
    let shown = folder.run(&["check", "--show-client", "flags.yaml"]).out;
    let (readable, evaluated) = shown.split_once("evaluated").unwrap();
    assert_eq!(
        readable.lines().map(str::trim).collect::<Vec<_>>(),
        ["clients: listed  pages get 1 flag, and can read", "^shop$", "guest", "guests", "host", "shown",]
    );
    assert!(evaluated.starts_with("  by the server, for pages: secret-evaluated\n"), "{shown}");
}

#[test]
fn init_writes_a_document_without_problems_and_replaces_none() {
    let folder = TestFolder::new();
    folder.run(&["init"]).well();
    let checked = folder.run(&["check", "feature-flags.yaml"]).well();
    assert_eq!(checked, "1 document checked: 0 errors, 0 warnings\n");
    let before = folder.read("feature-flags.yaml");
    let again = folder.run(&["init", "feature-flags.yaml"]);
    assert!(again.code != Some(0) && again.err.contains("feature-flags.yaml exists"), "{}", again.err);
    assert_eq!(folder.read("feature-flags.yaml"), before);
}
