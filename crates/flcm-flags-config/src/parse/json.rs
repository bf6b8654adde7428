//! Canonical JSON text, so that the same document gives the same bytes everywhere.

use std::fmt::Write;

use serde_json::Value;

use crate::diagnostics::Diagnostics;
use crate::parse::source::{self, Key, Node, NodeValue};

/// A document as it is written, as one value: aliases are replaced by what they repeat. `None` if it cannot be read. Of
/// a key that is given twice the later value counts, and a number that JSON does not have is `null`.
#[must_use]
pub fn value(text: &str) -> Option<Value> {
    source::parse(text, &mut Diagnostics::default()).map(|tree| value_of(&tree.root))
}

/// A node as a value.
pub(crate) fn value_of(node: &Node<'_>) -> Value {
    match &node.value {
        NodeValue::Bool(value) => Value::Bool(*value),
        NodeValue::Inexact(written, value) => serde_json::from_str(written).unwrap_or_else(|_| number(*value)),
        NodeValue::List(items) => items.iter().map(value_of).collect(),
        NodeValue::Map(entries) => entries.iter().map(|(key, node)| (key.text.to_string(), value_of(node))).collect(),
        NodeValue::Null => Value::Null,
        NodeValue::Number(value) => number(*value),
        NodeValue::String(text) => Value::String(text.to_string()),
    }
}

fn number(value: f64) -> Value {
    serde_json::from_str(&number_text(value)).unwrap_or(Value::Null)
}

/// A number as it is written into documents: without a fraction if it is whole, and with the sign of a zero.
pub(crate) fn number_text(value: f64) -> String {
    let mut text = String::new();
    if value == 0.0 && value.is_sign_negative() {
        text.push_str("-0.0");
    } else {
        write_number(&mut text, value);
    }
    text
}

/// An object or array as canonical text: keys sorted by their bytes, no white space, numbers as [`write_number`].
pub(crate) fn canonical(node: &Node<'_>) -> String {
    let mut out = String::new();
    write(&mut out, node);
    out
}

fn write(out: &mut String, node: &Node<'_>) {
    match &node.value {
        NodeValue::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        NodeValue::Null => out.push_str("null"),
        NodeValue::Inexact(_, value) | NodeValue::Number(value) => write_number(out, *value),
        NodeValue::String(value) => write_string(out, value),
        NodeValue::List(items) => write_list(out, items),
        NodeValue::Map(entries) => write_map(out, entries),
    }
}

fn write_list(out: &mut String, items: &[Node<'_>]) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        write(out, item);
    }
    out.push(']');
}

fn write_map(out: &mut String, entries: &[(Key<'_>, Node<'_>)]) {
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
