//! Canonical JSON text, so that the same document gives the same bytes everywhere.

use std::fmt::Write;

use crate::parse::source::{Key, Node, NodeValue};

/// An object or array as canonical text: keys sorted by their bytes, no white space, numbers as [`write_number`].
pub(crate) fn canonical(node: &Node) -> String {
    let mut out = String::new();
    write(&mut out, node);
    out
}

fn write(out: &mut String, node: &Node) {
    match &node.value {
        NodeValue::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        NodeValue::Null => out.push_str("null"),
        NodeValue::Inexact(_, value) | NodeValue::Number(value) => write_number(out, *value),
        NodeValue::String(value) => write_string(out, value),
        NodeValue::List(items) => write_list(out, items),
        NodeValue::Map(entries) => write_map(out, entries),
    }
}

fn write_list(out: &mut String, items: &[Node]) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        write(out, item);
    }
    out.push(']');
}

fn write_map(out: &mut String, entries: &[(Key, Node)]) {
    let mut sorted: Vec<_> = entries.iter().collect();
    sorted.sort_by_key(|(key, _)| &key.text);
    out.push('{');
    for (index, (key, value)) in sorted.into_iter().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        write_string(out, &key.text);
        out.push(':');
        write(out, value);
    }
    out.push('}');
}

/// Writes a number so that it reads back as the same float: a whole one without a fraction.
pub fn write_number(out: &mut String, value: f64) {
    if value.fract() == 0.0 && value.abs() < LONG {
        #[expect(clippy::cast_possible_truncation, reason = "an integer of magnitude below 10^16")]
        let whole = value as i64;
        let _ = write!(out, "{whole}");
    } else {
        // Serialising a finite float cannot fail.
        out.push_str(&serde_json::to_string(&value).unwrap_or_default());
    }
}

/// Serialises a number as [`write_number`] writes it.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
pub(crate) fn serialize_number<S: serde::Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.fract() == 0.0 && value.abs() < LONG {
        #[expect(clippy::cast_possible_truncation, reason = "an integer of magnitude below 10^16")]
        return serializer.serialize_i64(*value as i64);
    }
    serializer.serialize_f64(*value)
}

/// Writes a string with quotes and escapes.
pub fn write_string(out: &mut String, value: &str) {
    out.push_str(&serde_json::to_string(value).unwrap_or_default());
}

/// From here on numbers are written with an exponent.
const LONG: f64 = 1e16;
