//! Parses YAML into a tree of nodes with their positions. JSON is read by the same parser.
//!
//! `granit-parser` reads the YAML: it is the parser under `serde-saphyr`, used directly because its events carry byte
//! positions, which lets one pass find every problem of a document.

use std::collections::HashMap;
use std::fmt::Write;

use granit_parser::{Event, Options, Parser, ScalarStyle, Tag};

use crate::diagnostics::{Diagnostic, Diagnostics, Span};
use crate::limits;
use crate::parse::number;

/// A value of the document and its position.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) value: NodeValue,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum NodeValue {
    Bool(bool),
    /// A number that a float cannot keep, as it is written, and what it would become.
    Inexact(String, f64),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
    Null,
    Number(f64),
    String(String),
}

/// A key of a map and its position.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Node {
    /// The type of the value, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            NodeValue::Bool(_) => "a boolean",
            NodeValue::List(_) => "a list",
            NodeValue::Map(_) => "a map",
            NodeValue::Null => "nothing",
            NodeValue::Inexact(..) | NodeValue::Number(_) => "a number",
            NodeValue::String(_) => "text",
        }
    }
}

impl Node {
    /// How deep lists and maps nest here; at most [`limits::NODE_DEPTH`].
    fn depth(&self) -> usize {
        match &self.value {
            NodeValue::List(items) => 1 + items.iter().map(Self::depth).max().unwrap_or(0),
            NodeValue::Map(entries) => 1 + entries.iter().map(|(_, node)| node.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }
}

/// A document as nodes.
pub(crate) struct Tree {
    pub(crate) root: Node,
    /// What aliases repeat.
    pub(crate) shared: Vec<Span>,
}

/// Parses a document. `None` if it cannot be read at all; the diagnostics say why.
pub(crate) fn parse(text: &str, diagnostics: &mut Diagnostics) -> Option<Tree> {
    if text.len() > limits::DOCUMENT_BYTES {
        let message = format!("the document is longer than the limit of {} bytes", limits::DOCUMENT_BYTES);
        let problem = diagnostics.error(Span::default(), "", "limit-document-bytes", message);
        problem.help("split it into several documents");
        return None;
    }
    let mut builder = Builder::new(diagnostics);
    for event in Parser::new_from_str_with_options(text, options()) {
        match event {
            Ok((event, span)) => builder.take(event, span.byte_range().unwrap_or_default().into())?,
            Err(error) => {
                builder.syntax_error(&error);
                return None;
            }
        }
    }
    let empty = || Node { value: NodeValue::Null, span: Span::default() };
    Some(Tree { root: builder.root.unwrap_or_else(empty), shared: builder.shared })
}

fn options() -> Options {
    let mut options = Options::default();
    options.flow_nesting_limit = limits::NODE_DEPTH;
    options.block_nesting_limit = limits::NODE_DEPTH;
    options
}

/// Builds the tree with its own stack, so that deep nesting cannot overflow the thread's stack.
struct Builder<'d> {
    diagnostics: &'d mut Diagnostics,
    frames: Vec<Frame>,
    anchors: HashMap<usize, (Node, usize)>,
    shared: Vec<Span>,
    nodes: usize,
    documents: usize,
    root: Option<Node>,
}

/// A list or a map that is not closed yet.
struct Frame {
    value: Open,
    start: usize,
    anchor: usize,
    /// How many nodes there were when it opened.
    nodes: usize,
}

enum Open {
    List(Vec<Node>),
    Map(Vec<(Key, Node)>, Option<Key>),
}

impl<'d> Builder<'d> {
    fn new(diagnostics: &'d mut Diagnostics) -> Self {
        let (frames, anchors, shared) = (Vec::new(), HashMap::new(), Vec::new());
        Self { diagnostics, frames, anchors, shared, nodes: 0, documents: 0, root: None }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        match event {
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref(), span),
            Event::SequenceStart(_, anchor, tag) => self.open(Open::List(Vec::new()), anchor, tag.as_deref(), span),
            Event::MappingStart(_, anchor, tag) => self.open(Open::Map(Vec::new(), None), anchor, tag.as_deref(), span),
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            Event::Alias(anchor) => self.alias(anchor, span),
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

    fn open(&mut self, value: Open, anchor: usize, tag: Option<&Tag>, span: Span) -> Option<()> {
        self.check_tag(tag, &["seq", "map"], span);
        if self.frames.len() >= limits::NODE_DEPTH {
            return self.too_deep(span);
        }
        self.frames.push(Frame { value, start: span.start, anchor, nodes: self.nodes });
        Some(())
    }

    fn close(&mut self, span: Span) -> Option<()> {
        let frame = self.frames.pop()?;
        let value = match frame.value {
            Open::List(items) => NodeValue::List(items),
            Open::Map(entries, _) => NodeValue::Map(entries),
        };
        let node = Node { value, span: Span { start: frame.start, end: span.end.max(frame.start) } };
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
        let (node, size) = (Node { span, ..node.clone() }, *size);
        if self.frames.len() + node.depth() > limits::NODE_DEPTH {
            return self.too_deep(span);
        }
        self.add(node, size + 1)
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, anchor: usize, tag: Option<&Tag>, span: Span) -> Option<()> {
        self.check_tag(tag, &["str", "int", "float", "bool", "null"], span);
        let is_text = style != ScalarStyle::Plain || tag.is_some_and(|tag| tag.suffix() == "str");
        let value = if is_text { NodeValue::String(text.to_owned()) } else { plain(text) };
        if let Some(Frame { value: Open::Map(_, key @ None), .. }) = self.frames.last_mut() {
            *key = Some(Key { text: text.to_owned(), span });
            return self.count(span, 1);
        }
        let node = Node { value, span };
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), 1));
        }
        self.add(node, 1)
    }

    /// Adds a finished node to the list or map that is open.
    fn add(&mut self, node: Node, size: usize) -> Option<()> {
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

/// An unquoted scalar, by the core schema of YAML 1.2.
fn plain(text: &str) -> NodeValue {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => NodeValue::Null,
        "true" | "True" | "TRUE" => NodeValue::Bool(true),
        "false" | "False" | "FALSE" => NodeValue::Bool(false),
        _ => number::read(text).unwrap_or_else(|| NodeValue::String(text.to_owned())),
    }
}
