//! `flcm set`.

use super::run::TestFolder;

const SHOP: &str = "\
# The shop.
flags:
  checkout:
    # Ask anna first.
    rollout: { percentage: 10 } # since May
  shop.search: { enabled: false }
";

#[test]
fn a_value_is_changed_in_its_place() {
    let folder = TestFolder::new();
    folder.file("shop.yaml", SHOP);
    let out = folder.run(&["set", "shop.yaml", "flags.checkout.rollout.percentage", "25"]).well();
    let wanted = SHOP.replace("percentage: 10", "percentage: 25");
    assert_eq!(folder.read("shop.yaml"), wanted.as_bytes());
    assert_eq!(
        out,
        "--- shop.yaml\n+++ shop.yaml\n@@ -2,5 +2,5 @@\n flags:\n   checkout:\n     # Ask anna first.\n\
         -    rollout: { percentage: 10 } # since May\n+    rollout: { percentage: 25 } # since May\n   \
         shop.search: { enabled: false }\nshop.yaml is written\n"
    );
    let again = folder.run(&["set", "shop.yaml", "flags.checkout.rollout.percentage", "25"]).well();
    assert_eq!(again, "shop.yaml says so already\n");
}

#[test]
fn a_key_with_a_dot_stands_in_quotes_and_values_are_json_or_text() {
    let folder = TestFolder::new();
    for (path, value, old, new) in [
        (r#"flags."shop.search".enabled"#, "true", "enabled: false", "enabled: true"),
        (r#"flags."shop.search".description"#, "for all", "{ enabled: false", "{ description: for all, enabled: false"),
        (r#"flags."shop.search".salt"#, "\"5\"", "enabled: false", "enabled: false, salt: \"5\""),
        ("flags.checkout.tags", r#"["a", "b"]"#, "    # Ask", "    tags: [a, b]\n    # Ask"),
    ] {
        folder.file("shop.yaml", SHOP);
        folder.run(&["set", "shop.yaml", path, value]).well();
        let wanted = SHOP.replace(old, new);
        let read = String::from_utf8(folder.read("shop.yaml")).unwrap();
        // A key has its place in the order of the schema, or else at the end.
        let sorted = |text: &str| {
            let mut parts: Vec<char> = text.chars().collect();
            parts.sort_unstable();
            parts
        };
        assert_eq!(sorted(&read), sorted(&wanted), "{path}: {read}");
    }
}

#[test]
fn a_dry_run_writes_nothing() {
    let folder = TestFolder::new();
    folder.file("shop.yaml", SHOP);
    let out = folder.run(&["set", "shop.yaml", "flags.checkout.enabled", "false", "--dry-run"]).well();
    assert!(out.contains("+    enabled: false\n") && !out.contains("written"), "{out}");
    assert_eq!(folder.read("shop.yaml"), SHOP.as_bytes());
}

#[test]
fn a_document_with_errors_is_not_written() {
    let folder = TestFolder::new();
    folder.file("shop.yaml", SHOP);
    for (path, value, part) in [
        ("flags.checkout.rollout.percentage", "101", "the percentage is 101, and must be 0 to 100"),
        ("flags.checkout.rollout.percentag", "5", "did you mean `percentage`?"),
        ("flags.checkout.rollout.percentage", "-1", "the percentage is -1"),
        ("flags.checkout.rollout.percentage.x", "5", "shop.yaml:5:28: `flags.checkout.rollout.percentage` is a number"),
        ("flags..x", "5", "a key is missing in `flags..x`"),
        ("flags.chekout.rollout.percentage", "25", "did you mean `checkout`?"),
        ("flags.another.enabled", "true", "there is no flag `another`"),
    ] {
        let err = folder.run(&["set", "shop.yaml", path, value]).failed();
        assert!(err.contains(part), "{path}: {err}");
        assert_eq!(folder.read("shop.yaml"), SHOP.as_bytes());
    }
    folder.file("shop.json", "{\"flags\": {\"a\": {}}}");
    folder.run(&["set", "shop.json", "flags.a.rollout.percentage", "5"]).well();
    assert_eq!(folder.read("shop.json"), b"{\"flags\": {\"a\": {\"rollout\": {\"percentage\": 5}}}}");
    assert!(folder.run(&["set", "-", "flags.a.enabled", "true"]).failed().contains("the standard input"));
    assert!(folder.run(&["set", "no.yaml", "flags.a.enabled", "true"]).failed().contains("no such file"));
}
