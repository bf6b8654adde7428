//! Reads what nearly all documents are made of: JSON, and the plain part of YAML.
//!
//! It takes maps and lists in both styles, words of one line, and comments. It declines all else: anchors, aliases,
//! tags, text of several lines, empty values, several documents, and whatever may be a mistake. Then
//! [`yaml`](super::yaml) reads the whole text. So it reports nothing, and need not know all rules of YAML: it must only
//! decline where it is not sure. Tests hold what it takes to the same tree.

use super::{Key, Node, NodeValue, Style, Tree};
use crate::diagnostics::Span;
use crate::limits;

/// How deep it follows lists and maps: far deeper than conditions nest, and shallow enough for recursion.
const DEPTH: usize = limits::NODE_DEPTH / 2;

/// Takes the flags of a document one by one.
pub(super) type Visit<'v, 't> = &'v mut dyn FnMut(&Key<'t>, &Node<'t>);

/// `None` if the text has anything else. The flags are given to `visit`, and the tree does without what is in them: a
/// large document is never in memory as nodes.
pub(super) fn read<'t>(text: &'t str, comments: bool, visit: Option<Visit<'_, 't>>) -> Option<Tree<'t>> {
    if text.len() > limits::DOCUMENT_BYTES || !is_printable(text) {
        return None;
    }
    let mut reader = Reader::new(text, comments, visit);
    let root = reader.root()?;
    (reader.at == text.len()).then_some(Tree {
        root,
        shared: Vec::new(),
        comments: reader.comments.unwrap_or_default(),
    })
}

/// Whether YAML takes all characters. A mark of the byte order is left to the other reader.
fn is_printable(text: &str) -> bool {
    let is_plain = |byte: u8| (byte >= b' ' && byte != 0x7f) || matches!(byte, b'\t' | b'\n' | b'\r');
    let others = |character: char| {
        matches!(character, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    text.bytes().fold(true, |all, byte| all & is_plain(byte)) && (text.is_ascii() || !text.contains(others))
}

/// Where the reader is in the text.
pub(super) struct Reader<'v, 't> {
    pub(super) text: &'t str,
    pub(super) bytes: &'t [u8],
    pub(super) at: usize,
    /// The first byte of the line.
    pub(super) line: usize,
    /// The column of the list or map in the block style around; -1 outside of any.
    indent: isize,
    depth: usize,
    nodes: usize,
    /// Unless they are only skipped.
    comments: Option<Vec<Span>>,
    /// What lists and maps that are not closed yet have so far, so that each is allocated once, when it is closed.
    pub(super) entries: Vec<(Key<'t>, Node<'t>)>,
    pub(super) items: Vec<Node<'t>>,
    visit: Option<Visit<'v, 't>>,
    /// Whether it is in the first map of flags.
    flags: Section,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Section {
    After,
    Before,
    Inside,
}

impl<'v, 't> Reader<'v, 't> {
    fn new(text: &'t str, comments: bool, visit: Option<Visit<'v, 't>>) -> Self {
        let (entries, items) = (Vec::new(), Vec::new());
        let comments = comments.then(Vec::new);
        Self {
            visit,
            flags: Section::Before,
            text,
            bytes: text.as_bytes(),
            at: 0,
            line: 0,
            indent: -1,
            depth: 0,
            nodes: 0,
            comments,
            entries,
            items,
        }
    }

    /// The next byte; 0 at the end.
    #[inline]
    pub(super) fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn column(&self) -> usize {
        self.at - self.line
    }

    fn root(&mut self) -> Option<Node<'t>> {
        self.space()?;
        let root = match self.peek() {
            b'{' | b'[' => self.flow()?,
            _ => self.block()?,
        };
        self.space()?;
        Some(root)
    }

    /// Skips white space and comments.
    pub(super) fn space(&mut self) -> Option<()> {
        loop {
            match self.peek() {
                b' ' => self.at += 1,
                b'\n' => self.new_line(),
                b'\r' if self.bytes.get(self.at + 1) == Some(&b'\n') => self.at += 1,
                // Within blocks a tab may stand for indentation, which is a mistake.
                b'\t' if self.indent < 0 => self.at += 1,
                b'#' => self.comment()?,
                b'\t' | b'\r' => return None,
                _ => return Some(()),
            }
        }
    }

    fn new_line(&mut self) {
        self.at += 1;
        self.line = self.at;
    }

    fn comment(&mut self) -> Option<()> {
        if self.at > 0 && !self.bytes[self.at - 1].is_ascii_whitespace() {
            return None;
        }
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len());
        if let Some(comments) = &mut self.comments {
            comments.push(Span { start: self.at, end: self.at + length });
        }
        self.at += length;
        Some(())
    }

    /// White space within blocks, whose lines begin with spaces alone.
    fn block_space(&mut self) -> Option<()> {
        let indent = std::mem::replace(&mut self.indent, 0);
        let space = self.space();
        self.indent = indent;
        space
    }

    /// White space and comments in brackets.
    pub(super) fn flow_space(&mut self) -> Option<()> {
        // In most places there is none.
        if self.peek() > b'#' { Some(()) } else { self.space() }
    }

    /// Notes that the value of a key begins, which may be the flags.
    pub(super) fn enter(&mut self, key: &Key<'t>) {
        if self.depth == 1 {
            self.flags = match self.flags {
                Section::Before if key.text == "flags" => Section::Inside,
                Section::Inside => Section::After,
                section => section,
            };
        }
    }

    /// Adds a value to the map that is open.
    pub(super) fn add(&mut self, key: Key<'t>, mut node: Node<'t>) {
        if let Some(visit) = self.visit.as_mut().filter(|_| self.depth == 2 && self.flags == Section::Inside) {
            visit(&key, &node);
            node.value = NodeValue::Null;
        }
        self.entries.push((key, node));
    }

    /// Counts a node. It stops at the limit, and not at the end of the text: a list of so many numbers would take
    /// gigabytes.
    pub(super) fn count(&mut self) -> Option<()> {
        self.nodes += 1;
        (self.nodes <= limits::NODES).then_some(())
    }

    /// Reads a list or map, at most so deep.
    pub(super) fn nested(&mut self, read: impl FnOnce(&mut Self) -> Option<NodeValue<'t>>) -> Option<NodeValue<'t>> {
        if self.depth >= DEPTH {
            return None;
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    /// A list or map in the block style.
    fn block(&mut self) -> Option<Node<'t>> {
        let (mut start, column) = (self.at, self.column());
        // The other reader lets a list in the column of its key begin with its first item, and not with the dash.
        let is_level = self.indent == isize::try_from(column).ok()?;
        let indent = std::mem::replace(&mut self.indent, isize::try_from(column).ok()?);
        let value = if self.is_dash() {
            self.nested(|reader| reader.block_list(column))?
        } else {
            self.nested(|reader| reader.block_map(column))?
        };
        self.indent = indent;
        self.count()?;
        let last = match &value {
            NodeValue::List(items) => {
                start = items.first().filter(|_| is_level).map_or(start, |item| item.span.start);
                items.last()?
            }
            NodeValue::Map(entries) => &entries.last()?.1,
            _ => return None,
        };
        let span = Span { start, end: last.span.end };
        Some(Node { value, span, style: Style::Block, marked: false })
    }

    /// Whether an item of a list begins here.
    fn is_dash(&self) -> bool {
        self.peek() == b'-' && matches!(self.bytes.get(self.at + 1), Some(b' '))
    }

    fn block_list(&mut self, column: usize) -> Option<NodeValue<'t>> {
        let first = self.items.len();
        while self.column() == column && self.is_dash() {
            self.at += 1;
            self.blanks();
            let item = self.item()?;
            self.items.push(item);
            self.next_line(column)?;
        }
        Some(NodeValue::List(self.items.split_off(first)))
    }

    /// An item behind its dash: a value, or a map that begins in the same line.
    fn item(&mut self) -> Option<Node<'t>> {
        let start = self.at;
        match self.peek() {
            b'{' | b'[' => self.inline(),
            _ => {
                let word = self.word(false)?;
                let end = self.at;
                self.blanks();
                if self.peek() == b':' {
                    self.at = start;
                    return self.block();
                }
                self.at = end;
                self.end_of_line()?;
                self.scalar(word)
            }
        }
    }

    fn block_map(&mut self, column: usize) -> Option<NodeValue<'t>> {
        let first = self.entries.len();
        while self.at < self.bytes.len() && self.column() == column && !self.is_dash() {
            let key = self.key(false)?;
            self.enter(&key);
            let value = self.value(column)?;
            self.add(key, value);
            self.next_line(column)?;
        }
        Some(NodeValue::Map(self.entries.split_off(first)))
    }

    /// A value behind its key: in the same line, or as a block in the lines below.
    fn value(&mut self, column: usize) -> Option<Node<'t>> {
        let line = self.line;
        self.blanks();
        if !matches!(self.peek(), b'\n' | b'\r' | b'#' | 0) {
            return self.inline();
        }
        self.block_space()?;
        let is_below = self.column() > column || (self.column() == column && self.is_dash());
        let is_block = self.line > line && is_below && !matches!(self.peek(), b'{' | b'[');
        if is_block { self.block() } else { None }
    }

    /// A value that begins in this line, and ends the line that it ends in.
    fn inline(&mut self) -> Option<Node<'t>> {
        let node = match self.peek() {
            b'{' | b'[' => self.flow()?,
            _ => {
                let word = self.word(false)?;
                self.scalar(word)?
            }
        };
        self.end_of_line()?;
        Some(node)
    }

    pub(super) fn blanks(&mut self) {
        while self.peek() == b' ' {
            self.at += 1;
        }
    }

    /// Nothing but a comment may follow in this line.
    fn end_of_line(&mut self) -> Option<()> {
        let end = self.at;
        self.blanks();
        match self.peek() {
            b'#' if self.at > end => Some(()),
            b'\n' | b'\r' => Some(()),
            _ => (self.at == self.bytes.len()).then_some(()),
        }
    }

    /// Goes on to the next line with anything in it, which must not be indented further than the block that it follows.
    fn next_line(&mut self, column: usize) -> Option<()> {
        self.block_space()?;
        (self.at == self.bytes.len() || self.column() <= column).then_some(())
    }
}
