//! Adds a value to a list or map.

use serde_json::Value;

use crate::diagnostics::Span;
use crate::edit::order::rank;
use crate::edit::place::{self, Child, Rest};
use crate::edit::plan::{Plan, Source};
use crate::edit::{Reason, Result, refuse};
use crate::parse::source::{Node, NodeValue, Style};

/// The place of a new key: behind those that stand before it in the schema, or else at the end.
pub(super) fn place_of_key(map: &Node, key: &str) -> usize {
    let NodeValue::Map(entries) = &map.value else { return 0 };
    let Some(new) = rank(key) else { return entries.len() };
    let before = entries.iter().rposition(|(name, _)| rank(&name.text).is_some_and(|rank| rank < new));
    before.map_or(entries.len(), |last| last + 1)
}

/// Adds a value before the child that has a place, or at the end.
pub(super) fn plan(source: Source<'_>, parent: &Node, index: usize, key: Option<&str>, value: &Value) -> Result<Plan> {
    match (parent.style, place::count(parent)) {
        (Style::Block, _) => block(source, parent, index, key, value),
        (_, 0) => empty(source, parent, key, value),
        _ => flow(source, parent, index, key, value),
    }
}

fn flow_text(source: Source<'_>, key: Option<&str>, value: &Value) -> String {
    key.map_or_else(|| source.writer.flow(value), |key| source.writer.flow_entry(key, value))
}

fn empty(source: Source<'_>, parent: &Node, key: Option<&str>, value: &Value) -> Result<Plan> {
    let inside = Span { start: parent.span.start + 1, end: parent.span.end.saturating_sub(1) };
    let is_blank = source.text.get(inside.start..inside.end).is_some_and(|inside| inside.trim().is_empty());
    if !is_blank {
        return refuse(Reason::Layout, parent.span, "comments stand between the brackets");
    }
    let text = flow_text(source, key, value);
    let text = if key.is_some() { source.writer.braces(&text) } else { format!("[{text}]") };
    Ok(Plan::patch(parent.span, text))
}

fn block(source: Source<'_>, parent: &Node, index: usize, key: Option<&str>, value: &Value) -> Result<Plan> {
    let sibling = source.extent(parent, index.saturating_sub(1))?;
    let newline = place::newline(source.text, sibling.start);
    let column = place::column(source.text, sibling)?;
    let text = match key {
        Some(key) => source.writer.entry(key, value, column, newline),
        None => source.writer.item(value, column, newline),
    };
    let indent = " ".repeat(column);
    if index == 0 {
        let lines = source.lines(sibling)?;
        return Ok(Plan::insert(lines.start, format!("{indent}{text}{newline}")));
    }
    if source.rest_of_line(sibling.end) == Rest::Text {
        return refuse(Reason::Layout, sibling, "more text follows on the line");
    }
    let at = place::line_end(source.text, sibling.end);
    Ok(if source.text[..at].ends_with('\n') {
        Plan::insert(at, format!("{indent}{text}{newline}"))
    } else {
        Plan::insert(at, format!("{newline}{indent}{text}"))
    })
}

fn flow(source: Source<'_>, parent: &Node, index: usize, key: Option<&str>, value: &Value) -> Result<Plan> {
    let sibling = source.extent(parent, index.saturating_sub(1))?;
    let (text, alone) = (flow_text(source, key, value), source.is_alone(sibling));
    let newline = || format!("{}{}", place::newline(source.text, sibling.start), place::lead(source.text, sibling));
    if index == 0 && alone {
        // The comments right above the first one stay with it.
        let at = place::above(source.text, source.comments, sibling);
        let lead = place::lead(source.text, sibling);
        let end = place::newline(source.text, sibling.start);
        return Ok(Plan::insert(at, format!("{lead}{text},{end}")));
    }
    if index == 0 {
        return Ok(Plan::insert(sibling.start, format!("{text}{}", source.writer.comma())));
    }
    if alone {
        return Ok(on_its_own_line(source, sibling, &text, &newline()));
    }
    if source.rest_of_line(sibling.end) == Rest::Comment {
        return refuse(Reason::Layout, sibling, "a comment stands right behind the value");
    }
    Ok(Plan::insert(sibling.end, format!("{}{text}", source.writer.comma())))
}

/// Below a sibling, behind its comma and its comment.
fn on_its_own_line(source: Source<'_>, sibling: Child, text: &str, newline: &str) -> Plan {
    let comma = source.comma_on_line(sibling);
    let end = place::content_end(source.text, sibling.end);
    let behind = Span { start: end, end };
    match comma {
        Some(_) => Plan::patch(behind, format!("{newline}{text},")),
        None if end == sibling.end => Plan::insert(end, format!(",{newline}{text}")),
        None => {
            let mut plan = Plan::insert(sibling.end, ",");
            plan.patches.push((behind, format!("{newline}{text}")));
            plan
        }
    }
}
