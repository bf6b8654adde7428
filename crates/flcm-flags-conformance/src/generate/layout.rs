//! From a JSON value to a text as people write it: comments, blank lines, both styles, quotes of each kind, anchors,
//! carriage returns, a byte order mark, and no line end at the end. Each comment has a number, and says whose it is.

use std::collections::BTreeMap;

use fastrand::Rng;
use serde_json::Value;

use super::{chance, pick};

/// A text, and what was written into it.
#[derive(Clone, Debug)]
pub struct Written {
    /// The text.
    pub text: String,
    /// The comments, by their number: the text of each is `# ` and its number.
    pub comments: Vec<Comment>,
    /// Where each item and each entry stands, by its path.
    pub extents: BTreeMap<Vec<String>, Extent>,
}

/// Where an item or an entry stands, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Where its key, its dash or, in brackets, its value begins.
    pub start: usize,
    /// Behind its colon or its dash; the value may stand further on.
    pub behind: usize,
    /// Where its value ends.
    pub end: usize,
}

/// A comment.
#[derive(Clone, Debug)]
pub struct Comment {
    /// The value that it belongs to, or in which it stands.
    pub owner: Vec<String>,
    /// Where it stands.
    pub place: Place,
}

/// Where a comment stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Place {
    /// Right above the key or the dash, with its indentation.
    Above,
    /// On the line of the key, the dash or the value.
    Beside,
    /// Somewhere in the list or map, with a blank line below.
    Free,
}

/// Writes a value.
pub fn written(rng: &mut Rng, value: &Value) -> Written {
    let newline = if chance(rng, 30) { "\r\n" } else { "\n" };
    let step = *pick(rng, &[2, 2, 2, 4, 1]);
    let comments = *pick(rng, &[0, 10, 25]);
    let aliases = if chance(rng, 15) { 15 } else { 0 };
    let dashes = if chance(rng, 70) { step } else { 0 };
    let mut writer = Writer {
        rng,
        newline,
        step,
        dashes,
        comments,
        aliases,
        out: String::new(),
        list: Vec::new(),
        extents: BTreeMap::new(),
        end: 0,
        anchors: Vec::new(),
    };
    if chance(writer.rng, 10) {
        writer.out.push('\u{feff}');
    }
    if chance(writer.rng, 15) {
        writer.flow(value, &mut Vec::new(), 0);
        writer.end_line();
    } else {
        writer.below(value, &mut Vec::new(), 0);
    }
    let Writer { out: mut text, list: comments, extents, .. } = writer;
    if chance(rng, 20) {
        text.truncate(text.trim_end_matches(['\n', '\r']).len());
    }
    Written { text, comments, extents }
}

struct Writer<'r> {
    rng: &'r mut Rng,
    newline: &'static str,
    step: usize,
    dashes: usize,
    /// How many of a hundred places have a comment.
    comments: u32,
    aliases: u32,
    out: String,
    list: Vec<Comment>,
    extents: BTreeMap<Vec<String>, Extent>,
    /// Where the value that was written last ends.
    end: usize,
    anchors: Vec<String>,
}

impl Writer<'_> {
    fn end_line(&mut self) {
        self.out.push_str(self.newline);
    }

    /// A value ends here.
    fn ends(&mut self) {
        self.end = self.out.len();
    }

    fn extent(&mut self, path: &[String], start: usize, behind: usize) {
        self.extents.insert(path.to_vec(), Extent { start, behind, end: self.end });
    }

    fn comment(&mut self, owner: &[String], place: Place) {
        self.out.extend(["# ", &self.list.len().to_string()]);
        self.list.push(Comment { owner: owner.to_vec(), place });
    }

    /// At the end of a line.
    fn beside(&mut self, owner: &[String]) {
        if chance(self.rng, self.comments) {
            self.out.push(' ');
            self.comment(owner, Place::Beside);
        }
    }

    /// Before a child that begins its line.
    fn above(&mut self, owner: &[String], indent: usize) {
        let pad = " ".repeat(indent);
        if chance(self.rng, self.comments / 3) {
            self.out.push_str(&pad);
            self.comment(&owner[..owner.len() - 1], Place::Free);
            self.end_line();
            self.end_line();
        }
        if chance(self.rng, 8) {
            self.end_line();
        }
        while chance(self.rng, self.comments) {
            self.out.push_str(&pad);
            self.comment(owner, Place::Above);
            self.end_line();
        }
    }

    /// A list or map as lines.
    fn below(&mut self, value: &Value, path: &mut Vec<String>, indent: usize) {
        match value {
            Value::Object(map) if !map.is_empty() => self.entries(map, path, indent, false),
            Value::Array(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    path.push(index.to_string());
                    self.above(path, indent);
                    self.out.push_str(&" ".repeat(indent));
                    self.item(item, path, indent);
                    path.pop();
                }
            }
            _ => {
                self.out.push_str(&" ".repeat(indent));
                self.flow(value, path, indent);
                self.end_line();
            }
        }
    }

    /// The entries of a map; the first may stand beside a dash.
    fn entries(&mut self, map: &serde_json::Map<String, Value>, path: &mut Vec<String>, indent: usize, beside: bool) {
        let mut entries: Vec<(&String, &Value)> = map.iter().collect();
        self.rng.shuffle(&mut entries);
        for (index, (key, value)) in entries.into_iter().enumerate() {
            path.push(key.clone());
            if index > 0 || !beside {
                self.above(path, indent);
                self.out.push_str(&" ".repeat(indent));
            }
            let start = self.out.len();
            let key = self.key(key);
            self.out.push_str(&key);
            self.out.push(':');
            let behind = self.out.len();
            self.inner(value, path, indent);
            self.extent(path, start, behind);
            path.pop();
        }
    }

    fn item(&mut self, item: &Value, path: &mut Vec<String>, indent: usize) {
        let start = self.out.len();
        self.out.push('-');
        match item {
            Value::Object(map) if !map.is_empty() && self.rng.bool() => {
                self.out.push(' ');
                self.entries(map, path, indent + 2, true);
            }
            _ if is_nested(item) && chance(self.rng, 10) => {
                self.beside(path);
                self.end_line();
                self.below(item, path, indent + 2);
            }
            _ => {
                self.out.push(' ');
                self.flow(item, path, indent + 2);
                self.beside(path);
                self.end_line();
            }
        }
        self.extent(path, start, start + 1);
    }

    /// What follows a key.
    fn inner(&mut self, value: &Value, path: &mut Vec<String>, indent: usize) {
        if self.alias(value) || (value.is_null() && self.rng.bool()) {
            self.ends();
            self.beside(path);
            self.end_line();
        } else if is_nested(value) && chance(self.rng, if indent < 5 { 90 } else { 50 }) {
            self.beside(path);
            self.end_line();
            let deeper = if value.is_array() { self.dashes } else { self.step };
            self.below(value, path, indent + deeper);
        } else if let Some(text) = value.as_str().filter(|text| is_literal(text)).filter(|_| self.rng.bool()) {
            self.literal(text, indent);
        } else {
            self.out.push(' ');
            self.flow(value, path, indent + 1);
            self.beside(path);
            self.end_line();
        }
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.out.push_str(if text.ends_with('\n') { " |" } else { " |-" });
        self.end_line();
        for line in text.lines() {
            self.out.push_str(&" ".repeat(if line.is_empty() { 0 } else { indent + self.step }));
            self.out.push_str(line);
            self.ends();
            self.end_line();
        }
    }

    /// Behind a key: an alias of the same value, or an anchor.
    fn alias(&mut self, value: &Value) -> bool {
        if !chance(self.rng, self.aliases) {
            return false;
        }
        // Two zeros are equal, and are not written alike.
        let written = value.to_string();
        if let Some(index) = self.anchors.iter().position(|known| *known == written) {
            self.out.extend([" *a", &index.to_string()]);
            return true;
        }
        // Only of scalars: what stands inside is written by others.
        if !is_nested(value) && !value.is_null() {
            self.out.extend([" &a", &self.anchors.len().to_string()]);
            self.anchors.push(written);
        }
        false
    }

    /// A value in brackets, on one line or many.
    fn flow(&mut self, value: &Value, path: &mut Vec<String>, indent: usize) {
        let (open, close, entries): (_, _, Vec<(Option<&String>, &Value)>) = match value {
            Value::Array(items) => ('[', ']', items.iter().map(|item| (None, item)).collect()),
            Value::Object(map) => ('{', '}', map.iter().map(|(key, value)| (Some(key), value)).collect()),
            _ => {
                let text = self.scalar(value);
                self.out.push_str(&text);
                return self.ends();
            }
        };
        let lines = !entries.is_empty() && chance(self.rng, 20);
        let space = if self.rng.bool() { " " } else { "" };
        self.out.push(open);
        self.out.push_str(if lines { "" } else { space });
        let count = entries.len();
        for (index, (key, value)) in entries.into_iter().enumerate() {
            path.push(key.map_or_else(|| index.to_string(), Clone::clone));
            if lines {
                self.end_line_in_brackets(index, path, indent + 2);
            }
            let start = self.out.len();
            let mut behind = start;
            if let Some(key) = key {
                let key = self.key(key);
                self.out.push_str(&key);
                self.out.push_str(": ");
                behind = self.out.len() - 1;
            }
            self.flow(value, path, indent + 2);
            self.extent(path, start, behind);
            if index + 1 < count || chance(self.rng, 10) {
                self.out.push_str(if lines { "," } else { ", " });
            }
            if lines {
                self.beside(path);
            }
            path.pop();
        }
        if lines {
            self.end_line();
            self.out.push_str(&" ".repeat(indent));
        } else {
            self.out.push_str(space);
        }
        self.out.push(close);
        self.ends();
    }

    fn end_line_in_brackets(&mut self, index: usize, path: &[String], indent: usize) {
        if index == 0
            || chance(self.rng, 80)
            || self.out.trim_end_matches(|last: char| last.is_ascii_digit()).ends_with("# ")
        {
            self.end_line();
            self.above(path, indent);
            self.out.push_str(&" ".repeat(indent));
        } else {
            self.out.push(' ');
        }
    }

    fn key(&mut self, key: &str) -> String {
        self.text(key)
    }

    fn scalar(&mut self, value: &Value) -> String {
        value.as_str().map_or_else(|| value.to_string(), |text| self.text(text))
    }

    /// Plain where that cannot be read as anything else, otherwise in quotes.
    fn text(&mut self, text: &str) -> String {
        let plain = text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_' || byte == b'-')
            && !["true", "false", "null"].contains(&text);
        let single = !text
            .contains(|character: char| character.is_control() || "\u{85}\u{2028}\u{2029}\u{feff}".contains(character));
        match self.rng.u8(0..10) {
            0..=6 if plain => text.to_owned(),
            7 | 8 if single => format!("'{}'", text.replace('\'', "''")),
            _ => Value::from(text).to_string(),
        }
    }
}

fn is_nested(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// Whether text can stand behind `|`.
fn is_literal(text: &str) -> bool {
    let lines =
        || text.lines().all(|line| !line.starts_with(' ') && !line.contains(|character: char| character.is_control()));
    !text.is_empty() && !text.starts_with('\n') && !text.ends_with("\n\n") && !text.trim().is_empty() && lines()
}
