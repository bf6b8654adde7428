//! `flcm types`.

use super::run::{MENTOR, TestFolder};

/// Every kind of value, alone and beside others.
const DOCUMENT: &str = r#"
templates:
  base: { description: No flag, default: [1], on: [2] }
flags:
  plain: {}
  off_for_good: { enabled: false, description: "Ends */ early, /* or not" }
  layout:
    description: |
      How it looks.

        - `@see` the *designs*
    variants:
      - { name: one, weight: 1, value: { steps: 1, hints: [card, 2, null], more: { deep: true } } }
      - { name: two, weight: 0, value: { steps: few, hints: [], more: {}, "odd-key": [[1], []] } }
  limits: { default: {}, on: {} }
  limit: { default: 5, on: 10, variants: [{ name: low, weight: 1, value: 3.5 }, { name: usual, weight: 1 }] }
  lists: { extends: base }
  mixed_lists: { default: [], on: [{ a: 1 }, { a: 2, b: x }] }
  nothing_in_lists: { default: [], on: [] }
  theme: { default: light, on: unseen, variants: [{ name: a, weight: 1, value: dark }, { name: b, weight: 1, value: light }] }
  tone: { variants: [{ name: "it's \\ so", weight: 1, value: "quote ' and\nline" }, { name: off, weight: 1 }] }
  odd-key: { extends: limit, default: 1 }
  "1": { default: text, on: text }
  class: { default: true }
"#;

const TYPES: &str = r"// Made by `flcm types` from a.yaml: run it again when the document changes.

/**
 * What each flag serves: for `createFeatures<Flags>`. A decision that serves the default names no variant, and a flag
 * without variants never does. A decision with an error has no value.
 */
export interface Flags {
  readonly '1': { readonly variant: never; readonly value: 'text' };
  readonly class: { readonly variant: never; readonly value: boolean };
  /**
   * How it looks.
   *
   *   - `@see` the *designs*
   */
  readonly layout: { readonly variant: 'one' | 'two'; readonly value: boolean | { readonly hints: readonly (null | number | string)[]; readonly more: { readonly deep?: boolean }; readonly 'odd-key'?: readonly (readonly number[])[]; readonly steps: number | string } };
  readonly limit: { readonly variant: 'low' | 'usual'; readonly value: number };
  readonly limits: { readonly variant: never; readonly value: Record<string, never> };
  readonly lists: { readonly variant: never; readonly value: readonly number[] };
  readonly mixed_lists: { readonly variant: never; readonly value: readonly { readonly a: number; readonly b?: string }[] };
  readonly nothing_in_lists: { readonly variant: never; readonly value: readonly never[] };
  readonly 'odd-key': { readonly variant: 'low' | 'usual'; readonly value: number };
  /** Ends *\/ early, /* or not */
  readonly off_for_good: { readonly variant: never; readonly value: boolean };
  readonly plain: { readonly variant: never; readonly value: boolean };
  readonly theme: { readonly variant: 'a' | 'b'; readonly value: 'light' | 'dark' };
  readonly tone: { readonly variant: 'it\'s \\ so' | 'off'; readonly value: boolean | 'quote \' and\nline' };
}
";

const KEYS: &str = r"// Made by `flcm types` from a.yaml: run it again when the document changes.

import '@openfeature/core';

/**
 * The keys that OpenFeature's clients may ask for. A flag that serves values of several types, such as `false` while it
 * is off and a text while it is on, stands under each of them.
 */
declare module '@openfeature/core' {
  export type BooleanFlagKey =
    | 'class'
    | 'layout'
    | 'off_for_good'
    | 'plain'
    | 'tone';
  export type StringFlagKey =
    | '1'
    | 'theme'
    | 'tone';
  export type NumberFlagKey =
    | 'limit'
    | 'odd-key';
  export type ObjectFlagKey =
    | 'layout'
    | 'limits'
    | 'lists'
    | 'mixed_lists'
    | 'nothing_in_lists';
}
";

#[test]
fn keys_for_openfeature_stand_under_what_they_serve() {
    let folder = TestFolder::new();
    folder.file("a.yaml", DOCUMENT);
    assert_eq!(folder.run(&["types", "a.yaml", "--for", "openfeature"]).well(), KEYS);
    let none = folder.run_with_input(&["types", "-", "--for", "openfeature"], "flags: {}\n").well();
    assert_eq!(none.matches("FlagKey = never;").count(), 4, "{none}");
}

#[test]
fn every_kind_of_value_has_its_type() {
    let folder = TestFolder::new();
    folder.file("a.yaml", DOCUMENT);
    assert_eq!(folder.run(&["types", "a.yaml"]).well(), TYPES);
}

#[test]
fn the_folder_of_the_document_leaves_no_trace() {
    let folder = TestFolder::new();
    folder.file("a.yaml", DOCUMENT);
    let whole = folder.path().join("a.yaml");
    assert_eq!(folder.run(&["types", whole.to_str().unwrap()]).well(), TYPES);
    let types = folder.run_with_input(&["types", "-"], "flags: {}\n").well();
    assert!(types.starts_with("// Made by `flcm types` from <stdin>: "), "{types}");
    assert!(types.ends_with("export interface Flags {\n}\n"), "{types}");
}

/// What the types say about `variant` and `value` is what decisions are.
#[test]
fn decisions_are_of_their_types() {
    let folder = TestFolder::new();
    folder.file(
        "a.yaml",
        "\
flags:
  plain: { rollout: { percentage: 100 } }
  tone: { overrides: { bob: false }, variants: [{ name: warm, weight: 1, value: Hi }] }
",
    );
    let decided = |user| {
        let lines = folder.run(&["decide", "a.yaml", "--user", user, "--json"]).well();
        let one = |line: &str| -> serde_json::Value { serde_json::from_str(line).unwrap() };
        lines.lines().map(one).map(|line| (line["variant"].clone(), line["value"].clone())).collect::<Vec<_>>()
    };
    let (none, warm) = (serde_json::Value::Null, serde_json::Value::from("warm"));
    assert_eq!(decided("alice"), [(none.clone(), true.into()), (warm, "Hi".into())]);
    assert_eq!(decided("bob"), [(none.clone(), true.into()), (none, false.into())]);
    let types = folder.run(&["types", "a.yaml"]).well();
    assert!(types.contains("plain: { readonly variant: never; readonly value: boolean };"), "{types}");
    assert!(types.contains("tone: { readonly variant: 'warm'; readonly value: boolean | 'Hi' };"), "{types}");
}

#[test]
fn a_document_is_refused_as_by_compile() {
    let folder = TestFolder::new();
    folder.file("bad.yaml", format!("{MENTOR}  a: {{ rollout: {{ percentag: 10 }} }}\n"));
    let (types, compile) =
        (folder.run(&["types", "bad.yaml"]), folder.run(&["compile", "bad.yaml", "-o", "a.snapshot"]));
    assert_eq!((types.code, types.out.as_str()), (Some(1), ""));
    assert!(types.err.contains("bad.yaml is refused: 1 error"), "{}", types.err);
    assert_eq!((types.code, types.err), (compile.code, compile.err));
}
