//! Wrong usage, help, completions, colours.

use super::run::{MENTOR, TestFolder};

#[test]
fn wrong_usage_is_exit_code_2() {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    for arguments in [
        &["decid"][..],
        &["check"],
        &["compile", "a.yaml"],
        &["decide", "a.yaml", "--now", "tomorrow"],
        &["decide", "a.yaml", "--attr", "novalue"],
        &["decide", "a.yaml", "--attr", "targetingKey=alice"],
        &["decide", "a.yaml", "--user", "alice", "--contexts", "users.jsonl"],
        &["check", "a.yaml", "--color", "sometimes"],
        &["completions", "cmd"],
    ] {
        assert_eq!(folder.run(arguments).code, Some(2), "{arguments:?}");
    }
}

#[test]
fn help_names_the_exit_codes() {
    let help = TestFolder::new().run(&["--help"]).well();
    assert!(help.contains("Exit codes: 0 done; 1 the input has errors; 2 wrong usage"), "{help}");
}

#[test]
fn every_shell_gets_completions() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = TestFolder::new().run(&["completions", shell]).well();
        assert!(script.contains("decide") && script.contains("deny-warnings"), "{shell}");
    }
}

#[test]
fn the_schema_is_json() {
    let schema = TestFolder::new().run(&["schema"]).well();
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert!(schema["$schema"].is_string() && schema["properties"]["flags"].is_object());
}

#[test]
fn colours_are_for_terminals_or_on_request() {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    for arguments in [&["check", "a.yaml"][..], &["decide", "a.yaml"], &["decide", "a.yaml", "--explain"]] {
        let plain = folder.run(arguments).well();
        assert!(!plain.contains('\u{1b}'), "{plain}");
        let coloured = folder.run(&[arguments, &["--color", "always"]].concat()).well();
        assert!(coloured.contains('\u{1b}'), "{coloured}");
        let bare = strip(&coloured);
        // `annotate-snippets` draws the same in colour.
        assert_eq!(bare, plain);
    }
}

/// Without escape sequences.
fn strip(text: &str) -> String {
    let mut bare = String::new();
    for (index, part) in text.split("\u{1b}[").enumerate() {
        bare.push_str(if index == 0 { part } else { part.split_once('m').unwrap().1 });
    }
    bare
}

#[test]
fn a_missing_file_is_said_with_a_way_out() {
    for command in [&["check", "no.yaml"][..], &["inspect", "no.yaml"], &["decide", "no.yaml"]] {
        let error = TestFolder::new().run(command).failed();
        assert!(error.contains("error: cannot read no.yaml: no such file"), "{error}");
        assert!(error.contains("help: check the path"), "{error}");
    }
}

/// A wrong call, its exit code, and what its error must contain.
type WrongCall = (&'static [&'static str], i32, &'static str);

const WRONG: [WrongCall; 24] = [
    (&["decide", "a.yaml", "checkout"], 2, "tip: to decide one flag, write `--flag checkout`"),
    (&["decide", "a.yaml", "--attr", "country", "DE"], 2, "an attribute is `--attr NAME=VALUE`"),
    (&["decide", "a.yaml", "--attr", "country:DE"], 2, "write it as country=DE"),
    (&["decide", "a.yaml", "--attr", "cohorts=vips"], 2, "write --attr 'cohorts=[\"vips\"]'"),
    (&["decide", "a.yaml", "--attr", "x=1", "--attr", "x=2"], 1, "attribute `x` is given twice"),
    (&["decide", "a.yaml", "--now", "2026-12-01"], 2, "did you mean 2026-12-01T00:00:00Z?"),
    (&["decide", "a.yaml", "--now", "2026-12-01 08:30:00"], 2, "did you mean 2026-12-01T08:30:00Z?"),
    (
        &["decide", "a.yaml", "--contexts", "list.json"],
        1,
        "help: write one object on a line, without the brackets and commas of a list",
    ),
    (&["decide", "a.yaml", "--contexts", "list.json"], 1, "list.json: none of 2 lines could be read"),
    (
        &["decide", "a.yaml", "--contexts", "{\"a\":1}"],
        1,
        "help: name a file, or give attributes with `--attr NAME=VALUE`",
    ),
    (&["decide", "folder"], 1, "help: name a file, not a folder"),
    (&["check", "folder"], 1, "help: name a file, not a folder"),
    (&["compile", "a.yaml", "out.snapshot"], 2, "tip: write the snapshot to a file with `-o out.snapshot`"),
    (&["compile", "a.yaml", "-o", "folder"], 1, "help: name a file, not a folder"),
    (&["compile", "a.yaml", "-o", "nowhere/out"], 1, "help: make the folder `nowhere` first"),
    (&["compile", "a.yaml", "-o", "a.yaml"], 1, "a.yaml is no snapshot, and would be lost"),
    (&["compile", "a.yaml", "-o", "list.json"], 1, "list.json is no snapshot, and would be lost"),
    (&["diff", "a.yaml", "a.yaml", "a.yaml"], 2, "tip: `flcm diff` compares two versions"),
    (&["diff", "a.yaml", "a.yaml", "--contexts", "list.json"], 1, "list.json: none of 2 lines could be read"),
    (&["simulate", "a.yaml", "checkout"], 2, "tip: name the flag with `--flag checkout`"),
    (&["simulate", "a.yaml", "--flag", "f", "--error-rate", "20%", "--rps", "1"], 2, "did you mean 0.2?"),
    (&["simulate", "a.yaml", "--flag", "f", "--error-rate", "20", "--rps", "1"], 2, "did you mean 0.2?"),
    (
        &["simulate", "a.yaml", "--flag", "f", "--error-rate", "0.2", "--rps", "1", "--share", "10%"],
        2,
        "did you mean 10?",
    ),
    (
        &["simulate", "a.yaml", "--flag", "f", "--error-rate", "0.2", "--rps", "0"],
        2,
        "not a number of requests a second above 0",
    ),
];

#[test]
fn each_wrong_call_is_answered_with_what_to_write() {
    let folder = TestFolder::new();
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    folder.file("list.json", "[{\"targetingKey\":\"a\"},\n{\"targetingKey\":\"b\"}]\n");
    folder.file("a.yaml", MENTOR);
    let mut wrong = Vec::new();
    for (arguments, code, expected) in WRONG {
        let ran = folder.run(arguments);
        if ran.code != Some(code) || !ran.err.contains(expected) {
            wrong.push(format!("{arguments:?}: no `{expected}` and {code} in {ran:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), WRONG.len(), wrong.join("\n"));
    assert_eq!(folder.read("a.yaml"), MENTOR.as_bytes(), "no document is lost");
    let ran = folder.run(&["check", "folder", "a.yaml"]);
    assert!(ran.out.contains("1 document checked: 0 errors") && ran.out.contains("1 could not be read"), "{}", ran.out);
}
