//! Where things stand in the text: entries and items with their lines and their comments.

use crate::diagnostics::Span;
use crate::edit::{Reason, Result, refuse};
use crate::parse::source::{Key, Node, NodeValue, Style};

/// An entry of a map from its key on, or an item of a list: in the block style from its dash on.
pub(super) type Child = Span;

/// How many children a list or map has.
pub(super) const fn count(parent: &Node) -> usize {
    match &parent.value {
        NodeValue::List(items) => items.len(),
        NodeValue::Map(entries) => entries.len(),
        _ => 0,
    }
}

/// A child of a list or map, and its key.
pub(super) fn child_of<'n>(parent: &'n Node<'n>, index: usize) -> Option<(Option<&'n Key<'n>>, &'n Node<'n>)> {
    match &parent.value {
        NodeValue::List(items) => items.get(index).map(|item| (None, item)),
        NodeValue::Map(entries) => entries.get(index).map(|(key, node)| (Some(key), node)),
        _ => None,
    }
}

/// The extent of a child.
pub(super) fn extent(text: &str, parent: &Node, index: usize) -> Result<Child> {
    match child_of(parent, index) {
        Some((Some(key), _)) if key.marked => {
            refuse(Reason::Layout, key.span, "an anchor or a tag stands before the key")
        }
        Some((Some(key), node)) => Ok(Span { start: key.span.start, end: node.end_after(key, text) }),
        Some((None, item)) if parent.style == Style::Block => {
            Ok(Span { start: dash(text, item)?, end: item.span.end.max(item.span.start) })
        }
        Some((None, item)) if item.marked => {
            refuse(Reason::Layout, item.span, "an anchor or a tag stands before the item")
        }
        Some((None, item)) => Ok(item.span),
        None => refuse(Reason::Missing, parent.span, "there is no such item"),
    }
}

/// The dash before an item, on its line.
fn dash(text: &str, item: &Node) -> Result<usize> {
    let before = text[..item.span.start].trim_end_matches(' ');
    match before.strip_suffix('-') {
        Some(rest) if !item.marked => Ok(rest.len()),
        _ => refuse(Reason::Layout, item.span, "the item does not stand right behind its dash"),
    }
}

/// The first byte of the text; a byte order mark is not part of its first line.
pub(super) fn top(text: &str) -> usize {
    text.len() - text.strip_prefix('\u{feff}').unwrap_or(text).len()
}

/// The first byte of the line.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    let newline = text.as_bytes()[..at].iter().rposition(|byte| *byte == b'\n');
    newline.map_or_else(|| top(text).min(at), |newline| newline + 1)
}

/// The byte behind the line, with its line end.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1)
}

/// The end of the line without its line end.
pub(super) fn content_end(text: &str, at: usize) -> usize {
    let end = line_end(text, at);
    at + text[at..end].trim_end_matches(['\n', '\r']).len()
}

/// The end of what stands before a place, without line ends; a byte order mark stays.
pub(super) fn without_line_ends(text: &str, at: usize) -> usize {
    text[..at].trim_end_matches(['\n', '\r']).len()
}

/// The line end that is written at a place: that of its line, or else that of the text.
pub(super) fn newline(text: &str, at: usize) -> &'static str {
    let ends_in = |line: &str| line.ends_with('\n').then(|| if line.ends_with("\r\n") { "\r\n" } else { "\n" });
    ends_in(&text[..line_end(text, at)]).or_else(|| ends_in(&text[..line_end(text, 0)])).unwrap_or("\n")
}

/// What stands between two places, if it is on one line and has no comment.
pub(super) fn gap<'t>(text: &'t str, comments: &[Span], start: usize, end: usize) -> Option<&'t str> {
    let between = text.get(start..end)?;
    (!between.contains('\n') && !has_comments(comments, Span { start, end })).then_some(between)
}

/// Whether a comment begins inside.
pub(super) fn has_comments(comments: &[Span], span: Span) -> bool {
    let first = comments.partition_point(|comment| comment.start < span.start);
    comments.get(first).is_some_and(|comment| comment.start < span.end)
}

/// Whether a comment begins at a place: a `#` may also be text.
fn is_comment(comments: &[Span], at: usize) -> bool {
    comments.binary_search_by_key(&at, |comment| comment.start).is_ok()
}

/// What follows on a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Rest {
    Blank,
    Comment,
    Text,
}

pub(super) fn rest_of_line(text: &str, comments: &[Span], at: usize) -> Rest {
    let rest = &text[at..content_end(text, at)];
    let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    match rest.len() - blank {
        0 => Rest::Blank,
        _ if is_comment(comments, at + blank) => Rest::Comment,
        _ => Rest::Text,
    }
}

/// What stands before a child in its line.
pub(super) fn lead(text: &str, child: Child) -> &str {
    &text[line_start(text, child.start)..child.start]
}

/// The indentation of a child in the block style, in spaces. A key may stand behind dashes.
pub(super) fn column(text: &str, child: Child) -> Result<usize> {
    let lead = lead(text, child);
    match lead.trim_matches([' ', '-']) {
        "" => Ok(lead.len()),
        rest if rest.trim_matches('\t').is_empty() => tabs(child),
        _ => refuse(Reason::Layout, child, "the value does not begin its line"),
    }
}

/// The lines of a child in the block style, with the comments right above it. It must have them for itself.
pub(super) fn lines(text: &str, comments: &[Span], child: Child) -> Result<Span> {
    let lead = lead(text, child);
    if !lead.bytes().all(|byte| byte == b' ') {
        return match lead.trim_matches([' ', '-']) {
            "" => refuse(Reason::Dash, child, "the value stands beside the dash of a list"),
            rest if rest.trim_matches('\t').is_empty() => tabs(child),
            _ => refuse(Reason::Layout, child, "the value does not begin its line"),
        };
    }
    if rest_of_line(text, comments, child.end) == Rest::Text {
        return refuse(Reason::Layout, child, "more text follows on the line");
    }
    Ok(Span { start: above(text, comments, child), end: line_end(text, child.end) })
}

fn tabs<T>(child: Child) -> Result<T> {
    refuse(Reason::Tabs, child, "the indentation has tabs")
}

/// The first of the comments right above a child that have its indentation.
pub(super) fn above(text: &str, comments: &[Span], child: Child) -> usize {
    let mut first = line_start(text, child.start);
    let lead = &text[first..child.start];
    while first > top(text) {
        let line = line_start(text, first - 1);
        let starts_so = text[line..].starts_with(lead);
        if line >= first || !starts_so || !is_comment(comments, line + lead.len()) {
            break;
        }
        first = line;
    }
    first
}

/// The comma behind a place, if nothing but blanks stands before it; blank lines count as blanks.
pub(super) fn comma(text: &str, at: usize) -> Option<usize> {
    let rest = text[at..].trim_start_matches([' ', '\t', '\n', '\r']);
    rest.starts_with(',').then(|| text.len() - rest.len())
}
