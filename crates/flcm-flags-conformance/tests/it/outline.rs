//! A flag that is written from its outline, without `extends`, compiles to the same bytes.

use std::path::Path;

use fastrand::Rng;
use flcm_flags_config::edit::Step;
use flcm_flags_config::parse::json;
use flcm_flags_config::{check, compile, outline};
use flcm_flags_conformance::generate::Document;
use flcm_flags_conformance::vectors::{files, format, read};
use serde_json::{Map, Value};

/// The document with all that its flags inherit written into them.
fn flattened(text: &str) -> Value {
    let mut document = json::value(text).expect("a document");
    let keys: Vec<String> = document["flags"].as_object().expect("flags").keys().cloned().collect();
    let flags = keys.into_iter().map(|key| {
        let outline = outline(text, &key).unwrap_or_else(|| panic!("no outline of `{key}`"));
        let mut flag = Value::Object(Map::new());
        for value in outline.values {
            put(&mut flag, &value.path, value.value);
        }
        flag.as_object_mut().expect("a map").remove("extends");
        (key, flag)
    });
    let flags: Map<String, Value> = flags.collect();
    document["flags"] = Value::Object(flags);
    document.as_object_mut().expect("a map").remove("templates");
    document
}

fn put(node: &mut Value, path: &[Step], value: Option<Value>) {
    let Some((step, rest)) = path.split_first() else {
        if let Some(value) = value {
            *node = value;
        }
        return;
    };
    let inner = match step {
        Step::Key(key) => {
            if !node.is_object() {
                *node = Value::Object(Map::new());
            }
            node.as_object_mut().expect("a map").entry(key.as_str()).or_insert(Value::Null)
        }
        Step::Index(index) => {
            if !node.is_array() {
                *node = Value::Array(Vec::new());
            }
            let items = node.as_array_mut().expect("a list");
            items.resize(items.len().max(index + 1), Value::Null);
            &mut items[*index]
        }
    };
    put(inner, rest, value);
}

fn same_bytes(text: &str, what: &str) {
    let flattened = flattened(text).to_string();
    let [before, after] = [text, &flattened].map(|text| check(text).0.unwrap_or_else(|| panic!("{what}: {text}")));
    for (key, flag) in &before.flags {
        assert_eq!(after.flags.get(key).map(|flag| &flag.rules), Some(&flag.rules), "{what}: `{key}` of\n{text}");
    }
    assert!(compile(&before) == compile(&after), "{what}:\n{text}\nand\n{flattened}");
}

#[test]
fn of_vectors() {
    for path in files("inherit") {
        let file: format::Inherit = read(&path);
        same_bytes(&file.document.text(), &path.display().to_string());
    }
    let shop = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop.yaml");
    same_bytes(&std::fs::read_to_string(shop).expect("the example"), "the shop");
}

#[test]
fn of_random_documents() {
    for seed in 0..150 {
        same_bytes(&Document::random(&mut Rng::with_seed(seed)).text, &format!("seed {seed}"));
    }
}
