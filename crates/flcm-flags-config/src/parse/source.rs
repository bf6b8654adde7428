//! Parses YAML and JSON into a tree of nodes with their positions.
//!
//! Two readers make the same tree. [`simple`] takes what nearly all documents are made of, without an allocation per
//! word. What it does not take, and each text with a mistake, is read by [`yaml`], which knows all of YAML.

use std::borrow::Cow;

use crate::diagnostics::{Diagnostics, Span};
use crate::limits;
use crate::parse::number;

mod flow;
mod simple;
mod word;
mod yaml;

/// A value of the document, its position, and how it is written.
#[derive(Clone, Debug)]
pub(crate) struct Node<'t> {
    pub(crate) value: NodeValue<'t>,
    pub(crate) span: Span,
    pub(crate) style: Style,
    /// Whether an anchor or a tag stands before it.
    pub(crate) marked: bool,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Style {
    /// As an alias, which repeats another value.
    Alias,
    /// A list or map whose items have lines of their own, or text behind `|` or `>`.
    Block,
    DoubleQuoted,
    /// A list or map in brackets.
    Flow,
    Plain,
    SingleQuoted,
}

#[derive(Clone, Debug)]
pub(crate) enum NodeValue<'t> {
    Bool(bool),
    /// A number that a float cannot keep, as it is written, and what it would become.
    Inexact(Cow<'t, str>, f64),
    List(Vec<Node<'t>>),
    Map(Vec<(Key<'t>, Node<'t>)>),
    Null,
    Number(f64),
    String(Cow<'t, str>),
}

/// A key of a map and its position.
#[derive(Clone, Debug)]
pub(crate) struct Key<'t> {
    pub(crate) text: Cow<'t, str>,
    pub(crate) span: Span,
    pub(crate) style: Style,
    /// Whether an anchor or a tag stands before it.
    pub(crate) marked: bool,
}

impl Node<'_> {
    /// Where the value of a key ends. One that is left out ends with the colon.
    pub(crate) fn end_after(&self, key: &Key, text: &str) -> usize {
        if self.span.start < self.span.end {
            return self.span.end;
        }
        let rest = &text[key.span.end..];
        let colon = rest.trim_start();
        if colon.starts_with(':') { key.span.end + rest.len() - colon.len() + 1 } else { key.span.end }
    }

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

impl Node<'_> {
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
#[derive(Clone, Debug)]
pub(crate) struct Tree<'t> {
    pub(crate) root: Node<'t>,
    /// What aliases repeat.
    pub(crate) shared: Vec<Span>,
    /// Comments, from `#` to the end of the line; empty unless they were asked for.
    pub(crate) comments: Vec<Span>,
}

impl Tree<'_> {
    /// A tree that does not borrow from the text.
    pub(crate) fn into_owned(self) -> Tree<'static> {
        Tree { root: self.root.into_owned(), shared: self.shared, comments: self.comments }
    }
}

impl Node<'_> {
    fn into_owned(self) -> Node<'static> {
        let value = match self.value {
            NodeValue::Bool(value) => NodeValue::Bool(value),
            NodeValue::Inexact(written, value) => NodeValue::Inexact(Cow::Owned(written.into_owned()), value),
            NodeValue::List(items) => NodeValue::List(items.into_iter().map(Node::into_owned).collect()),
            NodeValue::Map(entries) => {
                NodeValue::Map(entries.into_iter().map(|(key, node)| (key.into_owned(), node.into_owned())).collect())
            }
            NodeValue::Null => NodeValue::Null,
            NodeValue::Number(value) => NodeValue::Number(value),
            NodeValue::String(text) => NodeValue::String(Cow::Owned(text.into_owned())),
        };
        Node { value, span: self.span, style: self.style, marked: self.marked }
    }
}

impl Key<'_> {
    fn into_owned(self) -> Key<'static> {
        Key { text: Cow::Owned(self.text.into_owned()), span: self.span, style: self.style, marked: self.marked }
    }
}

/// Parses a document. `None` if it cannot be read at all; the diagnostics say why.
pub(crate) fn parse<'t>(text: &'t str, diagnostics: &mut Diagnostics) -> Option<Tree<'t>> {
    read(text, false, diagnostics)
}

/// Parses a document, and lists its comments.
pub(crate) fn parse_with_comments<'t>(text: &'t str, diagnostics: &mut Diagnostics) -> Option<Tree<'t>> {
    read(text, true, diagnostics)
}

/// Parses a document, and gives its flags to `visit` one by one; the tree does without what is in them. `None` for a
/// document that [`parse_yaml`] must read.
pub(crate) fn parse_flags<'t>(text: &'t str, visit: simple::Visit<'_, 't>) -> Option<Tree<'t>> {
    simple::read(text, false, Some(visit))
}

/// Parses a document that [`parse_flags`] has declined.
pub(crate) fn parse_yaml<'t>(text: &'t str, diagnostics: &mut Diagnostics) -> Option<Tree<'t>> {
    read_yaml(text, false, diagnostics)
}

fn read<'t>(text: &'t str, comments: bool, diagnostics: &mut Diagnostics) -> Option<Tree<'t>> {
    simple::read(text, comments, None).or_else(|| read_yaml(text, comments, diagnostics))
}

fn read_yaml<'t>(text: &'t str, comments: bool, diagnostics: &mut Diagnostics) -> Option<Tree<'t>> {
    if text.len() > limits::DOCUMENT_BYTES {
        let message = format!("the document is longer than the limit of {} bytes", limits::DOCUMENT_BYTES);
        let problem = diagnostics.error(Span::default(), "", "limit-document-bytes", message);
        problem.help("split it into several documents");
        return None;
    }
    yaml::read(text, comments, diagnostics)
}

/// An unquoted scalar, by the core schema of YAML 1.2.
pub(crate) fn plain(text: Cow<'_, str>) -> NodeValue<'_> {
    match &*text {
        "" | "~" | "null" | "Null" | "NULL" => NodeValue::Null,
        "true" | "True" | "TRUE" => NodeValue::Bool(true),
        "false" | "False" | "FALSE" => NodeValue::Bool(false),
        _ => match number::read(&text) {
            Some((value, true)) => NodeValue::Number(value),
            Some((value, false)) => NodeValue::Inexact(text, value),
            None => NodeValue::String(text),
        },
    }
}

#[cfg(test)]
mod tests;
