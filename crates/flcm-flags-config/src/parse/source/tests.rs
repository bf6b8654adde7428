//! Both readers make the same tree, or the simple one declines.

use fastrand::Rng;
use serde_json::Value;

use super::{Tree, simple, yaml};
use crate::diagnostics::Diagnostics;

const SEEDS: [&str; 8] = [
    "flags:\n  beta: # why\n    rollout: { percentage: 10, by: \"team\" }\n    \
     tags: [a, 'b c', \"d\\n\"]\n  gamma: {}\n",
    "# first\nflags:\n  a:\n    rules:\n      - name: x\n        conditions:\n        \
     - { attribute: b, operator: '>=', value: -1.5e3 }\n      - percentage: 5\n    on: it's\n",
    "{\"flags\":{\"a\":{\"default\":\"o\\\"f\\u00e9\",\"on\":[1,2.5,-0,true,null,{\"k\":[]}]}},\
     \"revision\":9007199254740993}",
    "{\n\t\"flags\": {\n\t\t\"a\": { \"enabled\": false }\n\t}\n}\n",
    "cohorts:\r\n  c:\r\n    users:\r\n    - anna # x\r\n    - 'o''hara'\r\n    when: []\r\n",
    "a:\n  - b\n  - c: 1\n    d: [\n      e,\n      f ]\n  - {g: h,\n     i: j}\nk: l m: n\n",
    "a: { \"b\":1, c : 2, d: e#f, g: h:i, 'j':\"k\", }\nl : \"m\"\n\"n\": ~\no: 0x1F\np: -\n",
    "a: &x [b]\nc: *x\nd: !!str 1\ne: |\n  f\ng: >-\n  h\ni:\n---\n? j\n: k\n",
];

/// What is put into texts, or is already there: all that means anything in YAML.
const PARTS: [&str; 56] = [
    " ", "  ", "\n", "\n  ", "\n    ", "\t", "\r\n", "\r", ":", ": ", ":\n", ",", ", ", "-", "- ", "\n- ", "\n  - ",
    "?", "? ", "[", "]", "{", "}", "[]", "{}", "#", " #", "\n#", "# c\n", "\"", "'", "''", "\\", "\\\"", "\\u00e9",
    "\\u12", "\\/", "&a ", "*a", "!", "|", ">", "%", "@", "`", "---", "\n---\n", "...", "\n...\n", "é", "\u{feff}",
    "\u{85}", "a", "1", "~", "<<: ",
];

fn shown(tree: Option<Tree<'_>>) -> Option<String> {
    tree.map(|tree| format!("{tree:?}"))
}

/// Whether the simple reader takes a text. If so, both say the same.
fn is_taken(text: &str) -> bool {
    let simple = shown(simple::read(text, true, None));
    if simple.is_some() {
        assert_eq!(simple, shown(yaml::read(text, true, &mut Diagnostics::default())), "{text:?}");
    }
    simple.is_some()
}

#[test]
fn the_readers_agree_about_texts_that_are_edited_at_random() {
    let mut rng = Rng::with_seed(1);
    let mut taken = 0;
    for round in 0..60_000 {
        let mut text = SEEDS[round % SEEDS.len()].to_owned();
        for _ in 0..rng.usize(1..5) {
            edit(&mut text, &mut rng);
        }
        taken += usize::from(is_taken(&text));
    }
    assert!(taken > 5_000, "{taken}");
}

fn edit(text: &mut String, rng: &mut Rng) {
    let start = text.floor_char_boundary(rng.usize(..=text.len()));
    let end = text.ceil_char_boundary((start + rng.usize(..4)).min(text.len()));
    let part = match rng.u8(..4) {
        0 => "",
        1 => {
            let from = text.floor_char_boundary(rng.usize(..=text.len()));
            &text[from..text.ceil_char_boundary((from + rng.usize(..30)).min(text.len()))].to_owned()
        }
        _ => PARTS[rng.usize(..PARTS.len())],
    };
    let end = if rng.bool() { start } else { end };
    text.replace_range(start..end, part);
}

#[test]
fn the_readers_agree_about_short_texts_of_all_indicators() {
    let mut rng = Rng::with_seed(2);
    for _ in 0..200_000 {
        let parts = (0..rng.usize(1..9)).map(|_| PARTS[rng.usize(..PARTS.len())]);
        let text: String = parts.collect();
        is_taken(&text);
        is_taken(&format!("a:\n  {text}\nb: c\n"));
        is_taken(&format!("a: [{text}]\n"));
    }
}

#[test]
fn json_is_taken_however_it_is_laid_out() {
    let mut rng = Rng::with_seed(3);
    for _ in 0..3_000 {
        let value = Value::Object((0..3).map(|key| (key.to_string(), value(&mut rng, 5))).collect());
        for text in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            assert!(is_taken(&text), "{text}");
            assert!(is_taken(&text.replace("  ", "\t")), "{text}");
            assert!(is_taken(&text.replace('\n', "\r\n")), "{text}");
            assert_eq!(super::super::json::value(&text), Some(value.clone()));
        }
    }
}

fn value(rng: &mut Rng, depth: usize) -> Value {
    const TEXTS: [&str; 10] = ["", "a", "a: b", "x # y", "\"\\/", "é🏳", "\n\t\u{8}\u{c}\r", "- [", "true", "1"];
    let text = |rng: &mut Rng| TEXTS[rng.usize(..TEXTS.len())].to_owned();
    match rng.u8(..if depth > 0 { 8 } else { 5 }) {
        0 => Value::Null,
        1 => rng.bool().into(),
        2 => rng.i32(..).into(),
        3 => (f64::from(rng.i32(..) | 1) / 1024.0).into(),
        5 => (0..rng.usize(..4)).map(|_| value(rng, depth - 1)).collect(),
        6 | 7 => Value::Object((0..rng.usize(..4)).map(|_| (text(rng), value(rng, depth - 1))).collect()),
        _ => text(rng).into(),
    }
}

#[test]
fn what_people_write_is_taken() {
    for text in &SEEDS[..5] {
        assert!(is_taken(text), "{text:?}");
    }
    assert!(!is_taken(SEEDS[7]));
}

#[test]
fn what_nests_deep_is_left_to_the_other_reader() {
    for depth in [super::limits::NODE_DEPTH / 2, super::limits::NODE_DEPTH / 2 + 1] {
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(is_taken(&text), depth == super::limits::NODE_DEPTH / 2);
    }
}

#[test]
fn more_nodes_than_the_limit_are_left_to_the_other_reader() {
    let list = |items: usize| format!("[{}0]", "0,".repeat(items - 1));
    assert!(simple::read(&list(super::limits::NODES - 1), false, None).is_some());
    assert!(simple::read(&list(super::limits::NODES), false, None).is_none());
}
