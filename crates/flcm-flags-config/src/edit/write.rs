//! Writes values into a text, in its style.

use serde_json::Value;

use crate::diagnostics::Span;
use crate::edit::order;
use crate::edit::place;
use crate::parse::json;
use crate::parse::source::{self, Node, NodeValue, Style};

/// Lists and maps that are longer get lines of their own, where the document has lines for them.
const LONGEST: usize = 100;

/// How a document is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer {
    /// Whether it is JSON, which has fewer ways to write a value.
    pub(super) json: bool,
    /// What stands between items in brackets, and behind a key.
    comma: &'static str,
    colon: &'static str,
    /// Spaces by which a map is indented below its key.
    step: usize,
    /// Spaces by which the dashes of a list are.
    dashes: usize,
}

impl Writer {
    pub(super) fn of(text: &str, root: &Node, json: bool) -> Self {
        let compact = json && !text.contains("\": ") && text.contains("\":");
        let (comma, colon) = if compact { (",", ":") } else { (", ", ": ") };
        let step = find(root, text, false).filter(|step| *step > 0).unwrap_or(2);
        let dashes = find(root, text, true).unwrap_or(step);
        Self { json, comma, colon, step, dashes }
    }

    /// What separates items in brackets.
    pub(super) const fn comma(&self) -> &'static str {
        self.comma
    }

    /// The text of a value on one line, which may stand in brackets.
    pub(super) fn flow(&self, value: &Value) -> String {
        match value {
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.flow(item)).collect();
                format!("[{}]", items.join(self.comma))
            }
            Value::Object(map) if map.is_empty() => "{}".to_owned(),
            Value::Object(_) => {
                let entries: Vec<String> =
                    ordered(value).into_iter().map(|(key, value)| self.flow_entry(key, value)).collect();
                self.braces(&entries.join(self.comma))
            }
            Value::Number(number) => number_text(number),
            Value::String(text) => self.text(text, Style::Plain),
            Value::Bool(_) | Value::Null => value.to_string(),
        }
    }

    /// A map in braces, of entries as text.
    pub(super) fn braces(&self, entries: &str) -> String {
        if self.json { format!("{{{entries}}}") } else { format!("{{ {entries} }}") }
    }

    /// A key and its value on one line.
    pub(super) fn flow_entry(&self, key: &str, value: &Value) -> String {
        format!("{}{}{}", self.key(key, Style::Plain), self.colon, self.flow(value))
    }

    /// A key in the style that stood there. Those of the schema need no quotes, though some readers take `on` for true.
    pub(super) fn key(&self, key: &str, style: Style) -> String {
        let known = !self.json && style == Style::Plain && order::rank(key).is_some();
        if known { key.to_owned() } else { self.text(key, style) }
    }

    /// Text in the style that stood there, if it can be written so.
    pub(super) fn text(&self, text: &str, style: Style) -> String {
        let single = style == Style::SingleQuoted && !text.contains(|character: char| character.is_control());
        match style {
            _ if self.json => quoted(text),
            Style::SingleQuoted if single => format!("'{}'", text.replace('\'', "''")),
            Style::DoubleQuoted | Style::SingleQuoted => quoted(text),
            _ if is_plain(text) => text.to_owned(),
            _ => quoted(text),
        }
    }

    /// Whether a value is written on the line of its key or dash.
    pub(super) fn is_inline(&self, value: &Value, column: usize) -> bool {
        let short = || column + self.flow(value).len() <= LONGEST;
        let is_scalar = |value: &Value| !value.is_array() && !value.is_object();
        let is_leaf = |value: &Value| value.as_array().map_or(is_scalar(value), |items| items.iter().all(is_scalar));
        match value {
            Value::Array(items) => items.is_empty() || (items.iter().all(is_scalar) && short()),
            Value::Object(map) => map.is_empty() || (map.values().all(is_leaf) && short()),
            _ => true,
        }
    }

    /// A key and its value in the block style, from the key on, without a line end behind it.
    pub(super) fn entry(&self, key: &str, value: &Value, column: usize, newline: &str) -> String {
        let key = self.key(key, Style::Plain);
        if self.is_inline(value, column + key.len() + 2) {
            return format!("{key}: {}", self.flow(value));
        }
        format!("{key}:{newline}{}", self.below(value, column, newline))
    }

    /// A list or map as lines below its key, which has a column.
    pub(super) fn below(&self, value: &Value, column: usize, newline: &str) -> String {
        let inner = column + if value.is_array() { self.dashes } else { self.step };
        format!("{}{}", " ".repeat(inner), self.block(value, inner, newline))
    }

    /// An item of a list in the block style, from its dash on.
    pub(super) fn item(&self, value: &Value, column: usize, newline: &str) -> String {
        let inner = column + 2;
        match value {
            Value::Object(_) if !self.is_inline(value, inner) => format!("- {}", self.block(value, inner, newline)),
            _ => format!("- {}", self.flow(value)),
        }
    }

    /// A list or map as lines with an indentation, which the first line has already.
    fn block(&self, value: &Value, column: usize, newline: &str) -> String {
        let lines: Vec<String> = match value {
            Value::Array(items) => items.iter().map(|item| self.item(item, column, newline)).collect(),
            _ => ordered(value).into_iter().map(|(key, value)| self.entry(key, value, column, newline)).collect(),
        };
        lines.join(&format!("{newline}{}", " ".repeat(column)))
    }
}

/// The entries of a map, in the order of the schema; then the others.
pub(super) fn ordered(value: &Value) -> Vec<(&str, &Value)> {
    let entries = value.as_object().into_iter().flatten();
    let mut entries: Vec<(&str, &Value)> = entries.map(|(key, value)| (key.as_str(), value)).collect();
    entries.sort_by_key(|(key, _)| order::rank(key).unwrap_or(usize::MAX));
    entries
}

/// A number of JSON, which may be an integer that no float keeps.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64().filter(|_| number.is_f64()) {
        Some(value) => json::number_text(value),
        None => number.to_string(),
    }
}

/// A value as a node, to compare it with what is read.
pub(super) fn node(value: &Value) -> Node<'static> {
    let value = match value {
        Value::Array(items) => NodeValue::List(items.iter().map(node).collect()),
        Value::Bool(value) => NodeValue::Bool(*value),
        Value::Null => NodeValue::Null,
        Value::Number(number) => source::plain(number_text(number).into()),
        Value::Object(_) => {
            NodeValue::Map(ordered(value).into_iter().map(|(name, value)| (key(name), node(value))).collect())
        }
        Value::String(text) => NodeValue::String(text.clone().into()),
    };
    Node { value, span: Span::default(), style: Style::Plain, marked: false }
}

/// A key, to compare it with what is read.
pub(super) fn key(text: &str) -> source::Key<'static> {
    source::Key { text: text.to_owned().into(), span: Span::default(), style: Style::Plain, marked: false }
}

/// Text in double quotes. JSON's escapes are YAML's; characters that nobody sees are escaped as well.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    json::write_string(&mut out, text);
    if !out.contains(is_unseen) {
        return out;
    }
    out.chars()
        .map(
            |character| {
                if is_unseen(character) { format!("\\u{:04x}", u32::from(character)) } else { character.into() }
            },
        )
        .collect()
}

fn is_unseen(character: char) -> bool {
    matches!(character, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// Whether text needs no quotes: it must not read as anything else, neither here nor in other readers of YAML.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 8] = ["y", "n", "yes", "no", "on", "off", "nan", "inf"];
    let is_inner = |character: char| character.is_alphanumeric() || "_-./@+ ".contains(character);
    let first = text.chars().next().is_some_and(|character| character.is_alphabetic() || character == '_');
    let named = first && text.chars().all(is_inner) && !text.contains("  ") && !text.ends_with(' ');
    let is_word = || WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    (named && !is_word() && matches!(source::plain(text.into()), NodeValue::String(_))) || is_time(text)
}

/// Times are mostly written without quotes.
fn is_time(text: &str) -> bool {
    text.len() >= 20 && text.ends_with('Z') && flcm_flags::time::parse_rfc3339(text).is_some()
}

/// By how many spaces the first map in the block style is indented below a key, or the dashes of the first list.
fn find(node: &Node, text: &str, list: bool) -> Option<usize> {
    let own = |node: &Node| {
        let first = place::extent(text, node, 0).ok().filter(|_| node.style == Style::Block)?;
        Some(first.start - place::line_start(text, first.start))
    };
    let NodeValue::Map(entries) = &node.value else { return None };
    let outer = own(node)?;
    let fits = |inner: &Node| {
        matches!(inner.value, NodeValue::List(_)) == list
            && matches!(inner.value, NodeValue::List(_) | NodeValue::Map(_))
    };
    let here = entries.iter().filter(|(_, inner)| fits(inner) && inner.style == Style::Block);
    here.into_iter()
        .find_map(|(_, inner)| own(inner)?.checked_sub(outer))
        .or_else(|| entries.iter().find_map(|(_, inner)| find(inner, text, list)))
}
