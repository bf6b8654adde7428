//! Lists and maps in brackets, and the words that are keys and values.

use super::simple::Reader;
use super::word::Word;
use super::{Key, Node, NodeValue, Style, plain};
use crate::diagnostics::Span;

/// So many bytes of a key are certain to be read as one: YAML looks ahead for its colon by 1,024 characters.
const KEY_BYTES: usize = 1_000;

impl<'t> Reader<'_, 't> {
    /// A list or map in brackets, at its bracket.
    pub(super) fn flow(&mut self) -> Option<Node<'t>> {
        let start = self.at;
        self.at += 1;
        let value =
            if self.bytes[start] == b'{' { self.nested(Self::flow_map)? } else { self.nested(Self::flow_list)? };
        self.count()?;
        Some(Node { value, span: Span { start, end: self.at }, style: Style::Flow, marked: false })
    }

    fn flow_map(&mut self) -> Option<NodeValue<'t>> {
        let first = self.entries.len();
        while !self.closes(b'}')? {
            let key = self.key(true)?;
            self.enter(&key);
            self.flow_space()?;
            let value = self.flow_value()?;
            self.add(key, value);
            self.comma(b'}')?;
        }
        Some(NodeValue::Map(self.entries.split_off(first)))
    }

    fn flow_list(&mut self) -> Option<NodeValue<'t>> {
        let first = self.items.len();
        while !self.closes(b']')? {
            let item = self.flow_value()?;
            self.items.push(item);
            self.comma(b']')?;
        }
        Some(NodeValue::List(self.items.split_off(first)))
    }

    /// Whether the bracket comes next, which is taken.
    fn closes(&mut self, bracket: u8) -> Option<bool> {
        self.flow_space()?;
        let closes = self.peek() == bracket;
        self.at += usize::from(closes);
        Some(closes)
    }

    /// Takes a comma. Before the closing bracket there need be none.
    fn comma(&mut self, bracket: u8) -> Option<()> {
        self.flow_space()?;
        match self.peek() {
            b',' => self.at += 1,
            next if next == bracket => {}
            _ => return None,
        }
        Some(())
    }

    fn flow_value(&mut self) -> Option<Node<'t>> {
        if matches!(self.peek(), b'{' | b'[') {
            return self.flow();
        }
        let word = self.word(true)?;
        self.scalar(word)
    }

    /// A key and its colon, in one line.
    pub(super) fn key(&mut self, in_flow: bool) -> Option<Key<'t>> {
        let Word { text, span, style } = self.word(in_flow)?;
        self.blanks();
        let is_near = self.at - span.start <= KEY_BYTES;
        // Behind a key in quotes within brackets, no space is needed.
        let is_alone = (in_flow && style != Style::Plain)
            || matches!(self.bytes.get(self.at + 1), None | Some(b' ' | b'\n' | b'\r'));
        if self.peek() != b':' || !is_near || !is_alone {
            return None;
        }
        self.at += 1;
        self.count()?;
        Some(Key { text, span, style, marked: false })
    }

    /// A word as a value.
    pub(super) fn scalar(&mut self, Word { text, span, style }: Word<'t>) -> Option<Node<'t>> {
        self.count()?;
        let value = if style == Style::Plain { plain(text) } else { NodeValue::String(text) };
        Some(Node { value, span, style, marked: false })
    }
}
