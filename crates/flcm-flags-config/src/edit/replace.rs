//! Gives a key another value, or another name.

use serde_json::Value;

use crate::diagnostics::Span;
use crate::edit::place::{self, Rest};
use crate::edit::plan::{Plan, Source, is_collection};
use crate::edit::{Reason, Result, refuse};
use crate::parse::source::{Node, Style};

pub(super) fn rename(source: Source<'_>, parent: &Node, index: usize, key: &str) -> Result<Plan> {
    match place::child_of(parent, index) {
        Some((Some(old), _)) if old.marked || old.span.start == old.span.end || old.style == Style::Block => {
            refuse(Reason::Layout, old.span, "the key is written in an unusual way")
        }
        Some((Some(old), _)) => Ok(Plan::patch(old.span, source.writer.key(key, old.style))),
        _ => refuse(Reason::Type, parent.span, "items of a list have no key"),
    }
}

/// Gives a child another value; the root has no parent.
pub(super) fn plan(source: Source<'_>, parent: Option<(&Node, usize)>, node: &Node, value: &Value) -> Result<Plan> {
    let text = source.text;
    let Some((parent, index)) = parent else {
        return refuse(Reason::Layout, node.span, "the whole document is not written anew");
    };
    if node.marked {
        return refuse(Reason::Layout, node.span, "an anchor or a tag stands before the value");
    }
    if source.has_comments(node.span) {
        return refuse(Reason::Comments, node.span, "there are comments inside the value");
    }
    let child = source.extent(parent, index)?;
    if node.span.start == node.span.end {
        return left_out(source, parent, (index, child), value);
    }
    match (node.style, is_collection(node)) {
        (Style::Block, _) => block(source, parent, (index, child), node, value),
        (_, true) | (Style::Alias, _) => Ok(Plan::patch(node.span, source.writer.flow(value))),
        (style, false) => Ok(Plan::patch(
            node.span,
            match value {
                // Quotes stay, but those of a text that was given for a number go.
                Value::String(new) => source.writer.text(new, style),
                _ => source.writer.flow(value),
            },
        )),
    }
    .map(|plan| separated(text, plan))
}

/// A value right behind a colon needs a space before it.
fn separated(text: &str, mut plan: Plan) -> Plan {
    for (span, new) in &mut plan.patches {
        if text[..span.start].ends_with([':', '-']) && !new.starts_with([' ', '\n', '\r']) && !new.starts_with('"') {
            new.insert(0, ' ');
        }
    }
    plan
}

/// Where a key has no value yet.
fn left_out(source: Source<'_>, parent: &Node, (index, child): (usize, Span), value: &Value) -> Result<Plan> {
    let (text, at) = (source.text, child.end);
    let key = place::child_of(parent, index).and_then(|(key, _)| key);
    let has_colon = text[..at].ends_with(':') && key.is_none_or(|key| key.span.end < at);
    if key.is_some() && !has_colon {
        return Ok(Plan::insert(at, format!(": {}", source.writer.flow(value))));
    }
    if parent.style == Style::Block && key.is_some() && source.rest_of_line(at) == Rest::Blank {
        return Ok(Plan::insert(at, behind_colon(source, child, value)?));
    }
    Ok(Plan::insert(at, format!(" {}", source.writer.flow(value))))
}

/// A value in the block style, or text behind `|` or `>`.
fn block(source: Source<'_>, parent: &Node, (index, child): (usize, Span), node: &Node, value: &Value) -> Result<Plan> {
    let (text, key) = (source.text, place::child_of(parent, index).and_then(|(key, _)| key));
    let start = match key {
        Some(key) => {
            let between = &text[key.span.end..node.span.start];
            let Some(colon) = between.find(':').filter(|_| between.trim_start().starts_with(':')) else {
                return refuse(Reason::Layout, child, "the colon does not stand right behind the key");
            };
            key.span.end + colon + 1
        }
        None => child.start + 1,
    };
    let cut = Span { start, end: node.span.end };
    if source.has_comments(cut) {
        return refuse(Reason::Comments, node.span, "there are comments inside the value");
    }
    let new = match key {
        Some(_) => behind_colon(source, child, value)?,
        None => format!(" {}", source.writer.flow(value)),
    };
    Ok(Plan::patch(cut, new))
}

/// On the line of the key, or on lines below it.
fn behind_colon(source: Source<'_>, child: Span, value: &Value) -> Result<String> {
    let column = place::column(source.text, child)?;
    if source.writer.is_inline(value, column) {
        return Ok(format!(" {}", source.writer.flow(value)));
    }
    let newline = place::newline(source.text, child.start);
    Ok(format!("{newline}{}", source.writer.below(value, column, newline)))
}
