//! `flcm check` on hostile input: refused by a named limit.

use std::fs::File;

use super::run::TestFolder;

/// The codes that a document is refused with.
fn refused(folder: &TestFolder, name: &str) -> Vec<String> {
    let ran = folder.run(&["check", "--json", name]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    let problems: Vec<serde_json::Value> = serde_json::from_str(&ran.out).unwrap();
    let text = folder.run(&["check", name]);
    assert!(text.code == Some(1) && text.out.len() < 100_000, "{} bytes for a person", text.out.len());
    problems.iter().map(|problem| problem["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_huge_document_is_refused_without_being_read() {
    let folder = TestFolder::new();
    // A terabyte, most of it a hole: whoever reads it all does not come back.
    File::create(folder.path().join("huge.yaml")).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(refused(&folder, "huge.yaml"), ["limit-document-bytes"]);
    folder.file("long.yaml", format!("# {}", "ä".repeat(50_000_000)));
    assert_eq!(refused(&folder, "long.yaml"), ["limit-document-bytes"]);
}

#[test]
fn deep_nesting_is_refused() {
    let folder = TestFolder::new();
    folder.file("deep.yaml", "[".repeat(100_000));
    assert_eq!(refused(&folder, "deep.yaml"), ["limit-nesting"]);
    folder.file("deep.json", format!("{}1{}", "{\"flags\":".repeat(100_000), "}".repeat(100_000)));
    assert_eq!(refused(&folder, "deep.json"), ["limit-nesting"]);
    let not = format!(
        "flags: {{ a: {{ conditions: [{}{{attribute: a, operator: exists}}{}] }} }}",
        "{not: ".repeat(20),
        "}".repeat(20)
    );
    folder.file("not.yaml", not);
    assert!(refused(&folder, "not.yaml").iter().all(|code| code.starts_with("limit-")));
}

#[test]
fn a_bomb_of_aliases_is_refused() {
    let folder = TestFolder::new();
    let line = |level| match level {
        0 => "a0: &a0 [x, x, x, x, x, x, x, x, x, x]".to_owned(),
        _ => format!("a{level}: &a{level} [{}]", [format!("*a{}", level - 1).as_str(); 10].join(", ")),
    };
    folder.file("bomb.yaml", (0..12).map(line).collect::<Vec<_>>().join("\n"));
    assert!(refused(&folder, "bomb.yaml").iter().any(|code| code == "limit-nodes"));
}

#[test]
fn an_exploding_pattern_is_refused() {
    let folder = TestFolder::new();
    for pattern in ["(a|b)*a(a|b){30}", "(x{1000}){1000}", "\\\\w{500}"] {
        let document =
            format!("flags: {{ a: {{ conditions: [{{ attribute: a, operator: matches, value: \"{pattern}\" }}] }} }}");
        folder.file("pattern.yaml", document);
        let codes = refused(&folder, "pattern.yaml");
        assert!(codes.len() == 1 && codes[0].starts_with("limit-pattern"), "{pattern}: {codes:?}");
    }
}
