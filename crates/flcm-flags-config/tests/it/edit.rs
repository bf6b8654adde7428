//! Edits of texts: what changes, what stays, and what is declined.

use flcm_flags_config::edit::{Declined, Edit, Reason, Step, edit, path};
use serde_json::{Value, json};

fn steps(text: &str) -> Vec<Step> {
    if text.is_empty() { Vec::new() } else { path(text).unwrap() }
}

fn set(at: &str, value: impl Into<Value>) -> Edit {
    Edit::Set { path: steps(at), value: value.into() }
}

fn remove(at: &str) -> Edit {
    Edit::Remove { path: steps(at) }
}

fn insert_key(at: &str, key: &str, value: impl Into<Value>) -> Edit {
    Edit::Insert { path: steps(at), key: Some(key.to_owned()), index: None, value: value.into() }
}

fn insert_item(at: &str, index: impl Into<Option<usize>>, value: impl Into<Value>) -> Edit {
    Edit::Insert { path: steps(at), key: None, index: index.into(), value: value.into() }
}

fn rename(at: &str, key: &str) -> Edit {
    Edit::Rename { path: steps(at), key: key.to_owned() }
}

fn reorder(at: &str, index: usize) -> Edit {
    Edit::Move { path: steps(at), index }
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "the calls are shorter")]
fn gives(text: &str, change: Edit, wanted: &str) {
    let edited =
        edit(text, std::slice::from_ref(&change)).unwrap_or_else(|declined| panic!("{change:?}: {declined:?}"));
    assert_eq!(edited.text, wanted, "{change:?}");
    // Other line ends, a byte order mark and a missing line end at the end stay.
    let with = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let edited =
        edit(&with(text), std::slice::from_ref(&change)).unwrap_or_else(|declined| panic!("{change:?}: {declined:?}"));
    assert_eq!(edited.text, with(wanted), "{change:?} with carriage returns");
    if let Some(text) = text.strip_suffix('\n') {
        // Blank lines before the last one go with it.
        let wanted = wanted.trim_end_matches('\n');
        let edited =
            edit(text, std::slice::from_ref(&change)).unwrap_or_else(|declined| panic!("{change:?}: {declined:?}"));
        assert_eq!(edited.text, wanted, "{change:?} without a line end");
    }
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "the calls are shorter")]
fn declined(text: &str, change: Edit, reason: Reason) -> Declined {
    let declined = edit(text, std::slice::from_ref(&change)).expect_err(&format!("{change:?} is declined"));
    assert_eq!(declined.reason, reason, "{change:?}: {declined:?}");
    declined
}

const FLAGS: &str = "\
# Flags of the shop.
flags:
  # The new checkout.
  checkout:
    description: 'It''s new' # for all
    rollout:
      percentage: 10 # ask anna
      cohorts: [beta, vip]

  search: { enabled: true, rollout: { percentage: 5 } }
";

#[test]
fn a_scalar_is_replaced_in_its_place() {
    for (at, value, old, new) in [
        ("flags.checkout.rollout.percentage", json!(25), "percentage: 10 #", "percentage: 25 #"),
        ("flags.checkout.rollout.percentage", json!(12.5), "percentage: 10 #", "percentage: 12.5 #"),
        ("flags.checkout.rollout.percentage", json!(30.0), "percentage: 10 #", "percentage: 30 #"),
        ("flags.checkout.description", json!("It's"), "'It''s new'", "'It''s'"),
        ("flags.checkout.rollout.cohorts[1]", json!("staff"), "vip", "staff"),
        ("flags.checkout.rollout.cohorts[1]", json!("a: b"), "vip", "\"a: b\""),
        ("flags.search.enabled", json!(false), "true", "false"),
        ("flags.search.rollout.percentage", json!(6), "percentage: 5", "percentage: 6"),
        ("flags.search.rollout", json!({"percentage": 6}), "percentage: 5", "percentage: 6"),
    ] {
        gives(FLAGS, set(at, value), &FLAGS.replace(old, new));
    }
}

#[test]
fn text_gets_quotes_where_it_would_read_as_something_else() {
    for (text, written) in [
        ("plain words", "plain words"),
        ("alice@example.com", "alice@example.com"),
        ("2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("größe", "größe"),
        ("", "\"\""),
        ("true", "\"true\""),
        ("null", "\"null\""),
        ("~", "\"~\""),
        ("5", "\"5\""),
        ("1e3", "\"1e3\""),
        ("no", "\"no\""),
        ("a # b", "\"a # b\""),
        ("a: b", "\"a: b\""),
        ("- a", "\"- a\""),
        ("*a", "\"*a\""),
        (" a", "\" a\""),
        ("a ", "\"a \""),
        ("a\nb", "\"a\\nb\""),
        ("a\u{2028}\u{feff}b", "\"a\\u2028\\ufeffb\""),
        ("[a]", "\"[a]\""),
        ("a, b", "\"a, b\""),
    ] {
        gives(
            "flags:\n  a:\n    salt: x\n",
            set("flags.a.salt", text),
            &format!("flags:\n  a:\n    salt: {written}\n"),
        );
        gives(
            "flags: { a: { salt: x } }\n",
            set("flags.a.salt", text),
            &format!("flags: {{ a: {{ salt: {written} }} }}\n"),
        );
    }
    // Keys as well, but not those of the schema.
    gives("a:\n  x: 1\n", insert_key("a", "5", 2), "a:\n  x: 1\n  \"5\": 2\n");
    gives("a:\n  x: 1\n", insert_key("a", "on", 2), "a:\n  x: 1\n  on: 2\n");
}

#[test]
fn a_key_that_is_not_there_is_added_in_the_order_of_the_schema() {
    let text = "flags:\n  a:\n    description: x # why\n    rollout: { percentage: 1 }\n    # end\n";
    gives(
        text,
        set("flags.a.enabled", false),
        "flags:\n  a:\n    description: x # why\n    enabled: false\n    rollout: { percentage: 1 }\n    # end\n",
    );
    gives(
        text,
        set("flags.a.rollout.cohorts.beta", true),
        "flags:\n  a:\n    description: x # why\n    rollout: { percentage: 1, cohorts: { beta: true } }\n    # end\n",
    );
    gives(
        "flags:\n  a:\n    enabled: true\n\n  b: {}\n",
        set("flags.a.rollout.percentage", 5),
        "flags:\n  a:\n    enabled: true\n    rollout: { percentage: 5 }\n\n  b: {}\n",
    );
    gives("flags:\n  a: {}\n", set("flags.a.rollout.percentage", 5), "flags:\n  a: { rollout: { percentage: 5 } }\n");
    gives("flags:\n  a:\n", set("flags.a.rollout.percentage", 5), "flags:\n  a:\n    rollout: { percentage: 5 }\n");
}

#[test]
fn what_is_added_is_written_as_the_document_is() {
    let flag = json!({
        "rollout": { "percentage": 10, "schedule": [{ "percentage": 20, "at": "2026-12-01T00:00:00Z" }] },
        "description": "new",
        "conditions": [{ "any": [{ "cohort": "beta" }, { "attribute": "plan", "operator": "in", "value": ["pro", "5"] }] }],
    });
    gives(
        "flags:\n    a:\n        enabled: true\n        conditions:\n        - x: 1\n          y: 2\n",
        insert_key("flags", "b", flag.clone()),
        "flags:\n    a:\n        enabled: true\n        conditions:\n        - x: 1\n          y: 2\n    \
         b:\n        description: new\n        rollout:\n            percentage: 10\n            schedule:\n            \
         - { at: 2026-12-01T00:00:00Z, percentage: 20 }\n        conditions:\n        \
         - any:\n          - { cohort: beta }\n          - { attribute: plan, operator: in, value: [pro, \"5\"] }\n",
    );
    let small = json!({ "rollout": { "percentage": 1 } });
    gives(
        "{\"flags\": {\"a\": {}}}",
        insert_key("flags", "b", small.clone()),
        "{\"flags\": {\"a\": {}, \"b\": {\"rollout\": {\"percentage\": 1}}}}",
    );
    gives(
        "{\"flags\":{\"a\":{}}}",
        insert_key("flags", "b", small.clone()),
        "{\"flags\":{\"a\":{},\"b\":{\"rollout\":{\"percentage\":1}}}}",
    );
    gives(
        "{\n  \"flags\": {\n    \"a\": {}\n  }\n}\n",
        insert_key("flags", "b", small),
        "{\n  \"flags\": {\n    \"a\": {},\n    \"b\": {\"rollout\": {\"percentage\": 1}}\n  }\n}\n",
    );
}

#[test]
fn items_are_added_and_removed() {
    let text = "a:\n  # one\n  - 1 # uno\n  # two\n  - 2 # due\n  # rest\nb: 1\n";
    gives(text, insert_item("a", None, 3), "a:\n  # one\n  - 1 # uno\n  # two\n  - 2 # due\n  - 3\n  # rest\nb: 1\n");
    gives(text, insert_item("a", 1, 3), "a:\n  # one\n  - 1 # uno\n  - 3\n  # two\n  - 2 # due\n  # rest\nb: 1\n");
    gives(text, insert_item("a", 0, 3), "a:\n  - 3\n  # one\n  - 1 # uno\n  # two\n  - 2 # due\n  # rest\nb: 1\n");
    gives(text, remove("a[0]"), "a:\n  # two\n  - 2 # due\n  # rest\nb: 1\n");
    gives(text, remove("a[1]"), "a:\n  # one\n  - 1 # uno\n  # rest\nb: 1\n");
    let flow = "a: [1, 2, 3]\n";
    gives(flow, insert_item("a", 0, 0), "a: [0, 1, 2, 3]\n");
    gives(flow, insert_item("a", 3, 4), "a: [1, 2, 3, 4]\n");
    gives(flow, remove("a[0]"), "a: [2, 3]\n");
    gives(flow, remove("a[2]"), "a: [1, 2]\n");
    let lines = "a: [\n  1, # uno\n  # two\n  2 # due\n]\n";
    gives(lines, insert_item("a", None, 3), "a: [\n  1, # uno\n  # two\n  2, # due\n  3\n]\n");
    gives(lines, insert_item("a", 1, 3), "a: [\n  1, # uno\n  3,\n  # two\n  2 # due\n]\n");
    gives(lines, remove("a[0]"), "a: [\n  # two\n  2 # due\n]\n");
    gives(lines, remove("a[1]"), "a: [\n  1 # uno\n]\n");
    gives("a: [1, 2,]\n", insert_item("a", None, 3), "a: [1, 2, 3,]\n");
    gives("a: []\n", insert_item("a", None, 3), "a: [3]\n");
}

#[test]
fn an_entry_goes_with_its_own_comments_only() {
    let text = "a:\n  # of b\n  # and more\n  b: # behind\n    - 1\n    # inside\n    - 2\n\n  # of c\n  c: |\n    # text\n\n  # of d\n  d: 1\n";
    gives(text, remove("a.b"), "a:\n\n  # of c\n  c: |\n    # text\n\n  # of d\n  d: 1\n");
    gives(text, remove("a.d"), &text.replace("  # of d\n  d: 1\n", ""));
    gives(text, remove("a.c"), &text.replace("  # of c\n  c: |\n    # text\n", ""));
    // What looks like a comment, and is text.
    gives("a: |\n  x\n  # text\nb:\n  c: 1\n  d: 2\n", remove("b.c"), "a: |\n  x\n  # text\nb:\n  d: 2\n");
}

#[test]
fn lists_and_maps_are_changed_where_they_differ() {
    let text =
        "a:\n  - name: x # ex\n    weight: 1\n  - name: y # why\n    weight: 2\n  - name: z # zed\n    weight: 3\n";
    let item = |name: &str, weight: i32| json!({ "name": name, "weight": weight });
    gives(text, set("a", json!([item("x", 1), item("y", 9), item("z", 3)])), &text.replace("weight: 2", "weight: 9"));
    gives(text, set("a", json!([item("x", 1), item("z", 3)])), &text.replace("  - name: y # why\n    weight: 2\n", ""));
    gives(
        text,
        set("a", json!([item("x", 1), item("y", 2), item("new", 5), item("z", 3)])),
        &text.replace("  - name: z", "  - { name: new, weight: 5 }\n  - name: z"),
    );
    gives("a:\n  b: 1\n  c: 2\n", set("a", json!({ "c": 3, "d": 4 })), "a:\n  c: 3\n  d: 4\n");
    gives("a:\n  b: 1\n", set("a", 5), "a: 5\n");
    gives("a:\n  - 1\nb: 2\n", set("a", json!([])), "a: []\nb: 2\n");
    gives("a: |\n  text\n  more\nb: 2\n", set("a", "new"), "a: new\nb: 2\n");
    gives("a: 1\nb: 2\n", set("a", json!({ "x": { "w": { "z": 1 } } })), "a: { x: { w: { z: 1 } } }\nb: 2\n");
}

#[test]
fn keys_are_renamed_in_their_quotes() {
    gives("a: 1 # x\nb: 2\n", rename("a", "c"), "c: 1 # x\nb: 2\n");
    gives("'a': 1\n", rename("a", "it's"), "'it''s': 1\n");
    gives("{\"a\": 1}\n", rename("a", "b"), "{\"b\": 1}\n");
    declined("a: 1\nb: 2\n", rename("a", "b"), Reason::Exists);
    declined("a: [1]\n", rename("a[0]", "b"), Reason::Type);
}

#[test]
fn children_change_places_with_their_comments() {
    let text = "a:\n  # one\n  - 1 # uno\n\n  - 2\n  # three\n  - x: 3\n    y: 4\n# end\n";
    gives(text, reorder("a[0]", 1), "a:\n\n  - 2\n  # one\n  - 1 # uno\n  # three\n  - x: 3\n    y: 4\n# end\n");
    gives(text, reorder("a[0]", 2), "a:\n\n  - 2\n  # three\n  - x: 3\n    y: 4\n  # one\n  - 1 # uno\n# end\n");
    gives("a: 1\nb: 2\nc: 3\n", reorder("c", 0), "c: 3\na: 1\nb: 2\n");
    gives("a: 1\nb: 2\nc: 3\n", reorder("a", 2), "b: 2\nc: 3\na: 1\n");
    gives("a: [1, 22, {x: 3}]\n", reorder("a[2]", 0), "a: [{x: 3}, 1, 22]\n");
    gives("{\"a\": 1, \"b\": 2}\n", reorder("a", 1), "{\"b\": 2, \"a\": 1}\n");
    let unmoved = edit(text, &[reorder("a[1]", 1)]).unwrap();
    assert_eq!((unmoved.text.as_str(), unmoved.changed.len()), (text, 0));
}

#[test]
fn what_cannot_be_changed_safely_is_declined() {
    let aliases = "a: &x { b: 1, c: 2 }\nd: *x\n";
    declined(aliases, set("d.b", 2), Reason::Alias);
    declined(aliases, set("a.b", 2), Reason::Alias);
    declined(aliases, remove("a"), Reason::Alias);
    declined(aliases, insert_key("a", "z", 2), Reason::Alias);
    gives(aliases, remove("d"), "a: &x { b: 1, c: 2 }\n");
    gives(aliases, set("d", 5), "a: &x { b: 1, c: 2 }\nd: 5\n");
    declined("a:\n  b: 1\n", remove("a.b"), Reason::OnlyChild);
    declined("a: [1]\n", remove("a[0]"), Reason::OnlyChild);
    declined("a:\n  - b: 1\n    c: 2\n", remove("a[0].b"), Reason::Dash);
    gives("a:\n  - b: 1\n    c: 2\n", remove("a[0].c"), "a:\n  - b: 1\n");
    declined("a: 1\na: 2\n", set("a", 3), Reason::Duplicate);
    declined("a:\n  # why\n  - 1\n  # and\n  - 2\n", set("a", 3), Reason::Comments);
    declined("a: !!str 5\n", set("a", 3), Reason::Layout);
    declined("? a\n: 1\n? b\n: 2\n", remove("a"), Reason::Layout);
    declined("a: 1\n", set("a.b", 3), Reason::Type);
    declined("a: [1]\n", set("a[1]", 3), Reason::Missing);
    declined("a: 1\n", remove("b"), Reason::Missing);
    declined("a: [\n", set("a", 3), Reason::Syntax);
    declined("a: {}\n", insert_key("a", &"k".repeat(2_000), 3), Reason::Proof);
    let mut deep = json!(1);
    (0..70).for_each(|_| deep = json!([deep]));
    declined("a: 1\n", set("a", deep), Reason::Limit);
    let many: Vec<Edit> = (0..1_001).map(|number| set("a", number)).collect();
    assert_eq!(edit("a: 1\n", &many).unwrap_err().reason, Reason::Limit);
}

#[test]
fn a_declined_edit_says_which_and_where() {
    let edits = [set("flags.a.enabled", false), remove("flags.a.rollout.percentage")];
    let text = "flags:\n  ü: {}\n  a: { enabled: true, rollout: { percentage: 5 } }\n";
    let declined = edit(text, &edits).unwrap_err();
    let written = serde_json::to_value(&declined).unwrap();
    assert_eq!(
        written,
        json!({
            "edit": 1,
            "reason": "only-child",
            "message": "nothing else stands in its list or map",
            "help": "remove what it stands in",
            "at": { "start": { "line": 2, "character": 34 }, "end": { "line": 2, "character": 47 } },
        })
    );
}

#[test]
fn edits_are_read_and_lines_are_reported() {
    let edits: Vec<Edit> = serde_json::from_value(json!([
        { "op": "set", "path": ["flags", "a", "rollout", "percentage"], "value": 25 },
        { "op": "insert", "path": ["flags", "a", "rules"], "index": 0, "value": { "percentage": 1 } },
        { "op": "insert", "path": ["flags"], "key": "c", "value": {} },
        { "op": "rename", "path": ["flags", "b"], "key": "d" },
        { "op": "move", "path": ["flags", "a", "rules", 0], "index": 1 },
        { "op": "remove", "path": ["flags", "a", "rules", 0] },
    ]))
    .unwrap();
    let text = "flags:\n  a:\n    rollout: { percentage: 5 }\n    rules:\n      - { percentage: 2 }\n  b: {}\n";
    let edited = edit(text, &edits).unwrap();
    assert_eq!(
        edited.text,
        "flags:\n  a:\n    rollout: { percentage: 25 }\n    rules:\n      - { percentage: 1 }\n  d: {}\n  c: {}\n"
    );
    let lines = serde_json::to_value(&edited.changed).unwrap();
    assert_eq!(lines, json!([{ "start": 2, "end": 3 }, { "start": 4, "end": 7 }]));
    assert!(serde_json::from_value::<Edit>(json!({ "op": "set", "path": [], "value": 1, "x": 1 })).is_err());
}
