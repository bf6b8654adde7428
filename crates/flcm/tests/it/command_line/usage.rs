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
