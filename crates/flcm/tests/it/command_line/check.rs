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
    let first = r#"[{"file":"bad.yaml","code":"unknown-key","severity":"error","path":"flags.a.rollout.percentag","line":2,"column":19,"message":"unknown key `percentag`","help":"did you mean `percentage`?","fix":[{"start":25,"end":34,"replacement":"percentage"}]},"#;
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
