//! From a JSON value to the text of a document, as YAML with its keys in random order or as JSON.

use fastrand::Rng;
use serde_json::Value;

/// The value as JSON text, on one line or many.
pub fn json(rng: &mut Rng, value: &Value) -> String {
    let text = if rng.bool() { serde_json::to_string(value) } else { serde_json::to_string_pretty(value) };
    text.expect("a JSON value is JSON text")
}

/// The value as YAML: blocks, and here and there the flow style. Keys of maps come in random order wherever the order has
/// no meaning.
pub fn yaml(rng: &mut Rng, value: &Value) -> String {
    let mut out = String::new();
    block(rng, &mut out, value, 0, true);
    out
}

fn block(rng: &mut Rng, out: &mut String, value: &Value, indent: usize, ordered: bool) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(map) if !map.is_empty() => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            if !ordered || indent == 0 {
                rng.shuffle(&mut entries);
            }
            for (key, value) in entries {
                // `rollout.cohorts` is a map that is read in the order in which it is written.
                let ordered = key == "cohorts" && indent > 0;
                out.extend([pad.as_str(), scalar(key).as_str(), ":"]);
                inner(rng, out, value, indent + 2, ordered);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                out.extend([pad.as_str(), "-"]);
                inner(rng, out, item, indent + 2, false);
            }
        }
        _ => out.extend([pad.as_str(), flow(value).as_str(), "\n"]),
    }
}

/// What follows a key or a dash: on the same line, or as a block below.
fn inner(rng: &mut Rng, out: &mut String, value: &Value, indent: usize, ordered: bool) {
    let nested = match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    // Flow style sorts its keys, which is an order like any other.
    if nested && (indent < 6 || rng.bool()) {
        out.push_str(if rng.u8(0..8) == 0 { " # a comment\n" } else { "\n" });
        block(rng, out, value, indent, ordered);
    } else {
        out.extend([" ", flow(value).as_str(), "\n"]);
    }
}

fn flow(value: &Value) -> String {
    if let Value::String(text) = value { scalar(text) } else { value.to_string() }
}

/// Plain where that cannot be read as anything else, otherwise in quotes: JSON's escapes are YAML's.
fn scalar(text: &str) -> String {
    let plain = text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-')
        && !["true", "false", "null"].contains(&text);
    if plain { text.to_owned() } else { Value::from(text).to_string() }
}
