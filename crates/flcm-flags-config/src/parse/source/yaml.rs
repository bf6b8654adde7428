//! Reads all of YAML.
//!
//! `granit-parser` is the parser under `serde-saphyr`, used directly because its events carry byte positions, which
//! lets one pass find every problem of a document.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;

use granit_parser::{Event, Options, Parser, ScalarStyle, StructureStyle, Tag};

use super::{Key, Node, NodeValue, Style, Tree, plain};
use crate::diagnostics::{Diagnostic, Diagnostics, Span};
use crate::limits;

pub(super) fn read<'t>(text: &'t str, comments: bool, diagnostics: &mut Diagnostics) -> Option<Tree<'t>> {
    let mut builder = Builder::new(text, diagnostics);
    for event in Parser::new_from_str_with_options(text, options(comments)) {
        match event {
            Ok((event, span)) => builder.take(event, span.byte_range().unwrap_or_default().into())?,
            Err(error) => {
                builder.syntax_error(&error);
                return None;
            }
        }
    }
    let empty = || Node { value: NodeValue::Null, span: Span::default(), style: Style::Plain, marked: false };
    let Builder { root, shared, comments, .. } = builder;
    Some(Tree { root: root.unwrap_or_else(empty), shared, comments })
}

fn options(comments: bool) -> Options {
    let mut options = Options::default();
    options.emit_comments = comments;
    // The text itself has a limit.
    options.max_buffered_comment_events = usize::MAX;
    options.flow_nesting_limit = limits::NODE_DEPTH;
    options.block_nesting_limit = limits::NODE_DEPTH;
    options
}

/// Builds the tree with its own stack, so that deep nesting cannot overflow the thread's stack.
struct Builder<'t, 'd> {
    text: &'t str,
    diagnostics: &'d mut Diagnostics,
    frames: Vec<Frame<'t>>,
    anchors: HashMap<usize, (Node<'t>, usize)>,
    shared: Vec<Span>,
    comments: Vec<Span>,
    nodes: usize,
    documents: usize,
    root: Option<Node<'t>>,
}

/// A list or a map that is not closed yet.
struct Frame<'t> {
    value: Open<'t>,
    start: usize,
    style: Style,
    marked: bool,
    anchor: usize,
    /// How many nodes there were when it opened.
    nodes: usize,
}

enum Open<'t> {
    List(Vec<Node<'t>>),
    Map(Vec<(Key<'t>, Node<'t>)>, Option<Key<'t>>),
}

impl<'t, 'd> Builder<'t, 'd> {
    fn new(text: &'t str, diagnostics: &'d mut Diagnostics) -> Self {
        let (frames, anchors, shared, comments) = (Vec::new(), HashMap::new(), Vec::new(), Vec::new());
        Self { text, diagnostics, frames, anchors, shared, comments, nodes: 0, documents: 0, root: None }
    }

    fn take(&mut self, event: Event<'t>, span: Span) -> Option<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => self.scalar(text, style, anchor, tag.as_deref(), span),
            Event::SequenceStart(style, anchor, tag) => {
                self.open(Open::List(Vec::new()), style, anchor, tag.as_deref(), span)
            }
            Event::MappingStart(style, anchor, tag) => {
                self.open(Open::Map(Vec::new(), None), style, anchor, tag.as_deref(), span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::Comment(..) => {
                self.comments.push(span);
                Some(())
            }
            Event::DocumentStart(..) => self.start_document(span),
            _ => Some(()),
        }
    }

    fn start_document(&mut self, span: Span) -> Option<()> {
        self.documents += 1;
        if self.documents > 1 {
            let problem = self.diagnostics.error(span, "", "several-documents", "more than one YAML document");
            problem.help("keep one document per file: remove the `---` in between");
            return None;
        }
        Some(())
    }

    fn open(
        &mut self,
        value: Open<'t>,
        style: StructureStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Option<()> {
        self.check_tag(tag, &["seq", "map"], span);
        if self.frames.len() >= limits::NODE_DEPTH {
            return self.too_deep(span);
        }
        let style = if style == StructureStyle::Flow { Style::Flow } else { Style::Block };
        let marked = anchor > 0 || tag.is_some();
        self.frames.push(Frame { value, start: span.start, style, marked, anchor, nodes: self.nodes });
        Some(())
    }

    fn close(&mut self, span: Span) -> Option<()> {
        let frame = self.frames.pop()?;
        // The parser reports that a block ends where the next token begins, behind comments and blank lines.
        let last = match &frame.value {
            Open::List(items) => items.last().map(|item| item.span.end),
            Open::Map(entries, _) => entries.last().map(|(key, node)| node.end_after(key, self.text)),
        };
        let end = last.filter(|_| frame.style == Style::Block).unwrap_or(span.end).max(frame.start);
        let value = match frame.value {
            Open::List(items) => NodeValue::List(items),
            Open::Map(entries, _) => NodeValue::Map(entries),
        };
        let span = Span { start: frame.start, end };
        let node = Node { value, span, style: frame.style, marked: frame.marked };
        if frame.anchor > 0 {
            self.anchors.insert(frame.anchor, (node.clone(), self.nodes - frame.nodes));
        }
        self.add(node, 1)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Option<()> {
        let Some((node, size)) = self.anchors.get(&anchor) else {
            let problem = self.error(span, "yaml-syntax", "the alias is inside the value that it refers to");
            problem.help("write the value out");
            return None;
        };
        self.shared.push(node.span);
        let (node, size) = (Node { span, style: Style::Alias, marked: false, ..node.clone() }, *size);
        if self.frames.len() + node.depth() > limits::NODE_DEPTH {
            return self.too_deep(span);
        }
        self.add(node, size + 1)
    }

    fn scalar(
        &mut self,
        text: Cow<'t, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: Span,
    ) -> Option<()> {
        self.check_tag(tag, &["str", "int", "float", "bool", "null"], span);
        let is_text = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix() == "str");
        let (style, marked) = (Style::from(style), anchor > 0 || tag.is_some());
        if let Some(Frame { value: Open::Map(_, key @ None), .. }) = self.frames.last_mut() {
            *key = Some(Key { text, span, style, marked });
            return self.count(span, 1);
        }
        let value = if is_text { NodeValue::String(text) } else { plain(text) };
        let node = Node { value, span: self.without_line_ends(span, style), style, marked };
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), 1));
        }
        self.add(node, 1)
    }

    /// Text of several lines, without the blank lines behind it and the indentation of what follows.
    fn without_line_ends(&self, Span { start, end }: Span, style: Style) -> Span {
        if style != Style::Block {
            return Span { start, end };
        }
        let written = self.text.get(start..end).unwrap_or_default();
        let last = written.trim_end().len();
        let rest = written[last..].find(['\n', '\r']).unwrap_or(written.len() - last);
        Span { start, end: start + last + rest }
    }

    /// Adds a finished node to the list or map that is open.
    fn add(&mut self, node: Node<'t>, size: usize) -> Option<()> {
        let span = node.span;
        match self.frames.last_mut().map(|frame| &mut frame.value) {
            None => self.root = Some(node),
            Some(Open::List(items)) => items.push(node),
            Some(Open::Map(entries, key)) => {
                let Some(key) = key.take() else {
                    let message = format!("a key must be text, not {}", node.kind());
                    self.error(span, "wrong-key", message).help("write the key as plain text");
                    return None;
                };
                entries.push((key, node));
            }
        }
        self.count(span, size)
    }

    fn count(&mut self, span: Span, size: usize) -> Option<()> {
        self.nodes = self.nodes.saturating_add(size);
        if self.nodes <= limits::NODES {
            return Some(());
        }
        let message = format!("more than the limit of {} nodes, with aliases expanded", limits::NODES);
        self.error(span, "limit-nodes", message).help("use fewer aliases, or split the document");
        None
    }

    fn too_deep<T>(&mut self, span: Span) -> Option<T> {
        let message = format!("nested deeper than the limit of {}", limits::NODE_DEPTH);
        self.error(span, "limit-nesting", message).help("flatten the structure");
        None
    }

    fn check_tag(&mut self, tag: Option<&Tag>, known: &[&str], span: Span) {
        let Some(tag) = tag else { return };
        if tag.handle() != "tag:yaml.org,2002:" || !known.contains(&tag.suffix()) {
            let message = format!("unknown YAML tag `{}{}`", tag.original_handle(), tag.suffix());
            self.error(span, "unknown-tag", message).help("remove the tag; quote the value if it is text");
        }
    }

    fn syntax_error(&mut self, error: &granit_parser::ScanError) {
        let start = error.marker().byte_offset().unwrap_or_default();
        let (code, help) = if error.info().contains("recursion limit") {
            ("limit-nesting", format!("lists and maps may nest {} deep", limits::NODE_DEPTH))
        } else {
            ("yaml-syntax", "check indentation, quotes and brackets before this position".to_owned())
        };
        self.error(Span { start, end: start + 1 }, code, error.info().clone()).help(help);
    }

    fn error(&mut self, span: Span, code: &'static str, message: impl Into<String>) -> &mut Diagnostic {
        let path = self.path();
        self.diagnostics.error(span, path, code, message)
    }

    /// The path of the list or map that is open.
    fn path(&self) -> String {
        let mut path = String::new();
        for frame in &self.frames {
            match &frame.value {
                Open::List(items) => drop(write!(path, "[{}]", items.len())),
                Open::Map(_, Some(key)) if path.is_empty() => path.push_str(&key.text),
                Open::Map(_, Some(key)) => drop(write!(path, ".{}", key.text)),
                Open::Map(_, None) => {}
            }
        }
        path
    }
}

impl From<ScalarStyle> for Style {
    fn from(style: ScalarStyle) -> Self {
        match style {
            ScalarStyle::Plain => Self::Plain,
            ScalarStyle::SingleQuoted => Self::SingleQuoted,
            ScalarStyle::DoubleQuoted => Self::DoubleQuoted,
            ScalarStyle::Folded | ScalarStyle::Literal => Self::Block,
        }
    }
}
