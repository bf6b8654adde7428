//! Removes a value from a list or map.

use crate::diagnostics::Span;
use crate::edit::place::{self, Child};
use crate::edit::plan::{Plan, Source};
use crate::edit::{Reason, Result, refuse};
use crate::parse::source::{Node, Style};

pub(super) fn plan(source: Source<'_>, parent: &Node, index: usize) -> Result<Plan> {
    let child = source.extent(parent, index)?;
    if place::count(parent) < 2 {
        return refuse(Reason::OnlyChild, child, "nothing else stands in its list or map");
    }
    if parent.style == Style::Block {
        return Ok(whole_lines(source, source.lines(child)?));
    }
    let before = index.checked_sub(1).map(|index| source.extent(parent, index)).transpose()?;
    if source.is_alone(child) {
        return line_in_brackets(source, parent, child, before);
    }
    let after = if index + 1 < place::count(parent) { Some(source.extent(parent, index + 1)?) } else { None };
    within_line(source, child, before, after)
}

/// Removes lines. If the text had no line end at its end, it has none afterwards.
fn whole_lines(source: Source<'_>, lines: Span) -> Plan {
    let text = source.text;
    let at_end = lines.end == text.len() && !text.ends_with('\n');
    let start = if at_end { place::without_line_ends(text, lines.start) } else { lines.start };
    let cut = Span { start, end: lines.end };
    Plan { removed: cut, ..Plan::patch(cut, "") }
}

/// Removes a child in brackets that has lines for itself; the last one also takes the comma before it.
fn line_in_brackets(source: Source<'_>, parent: &Node, child: Child, before: Option<Child>) -> Result<Plan> {
    let lines =
        Span { start: place::above(source.text, source.comments, child), end: place::line_end(source.text, child.end) };
    let mut plan = Plan { removed: lines, ..Plan::patch(lines, "") };
    if place::comma(source.text, child.end).is_some() {
        return Ok(plan);
    }
    // The last one has no comma of its own, and a bracket at least follows.
    let comma = before.and_then(|before| place::comma(source.text, before.end)).filter(|comma| *comma < lines.start);
    let Some(comma) = comma else {
        return refuse(Reason::Layout, parent.span, "the comma does not stand right behind the value before");
    };
    plan.patches.insert(0, (Span { start: comma, end: comma + 1 }, String::new()));
    Ok(plan)
}

/// Removes a child in brackets with one comma, where others stand on its line.
fn within_line(source: Source<'_>, child: Child, before: Option<Child>, after: Option<Child>) -> Result<Plan> {
    let is_clean = |start, end| source.gap(start, end).is_some();
    if source.has_comments(child) {
        return refuse(Reason::Layout, child, "comments stand inside the value, and others beside it");
    }
    match (before, after) {
        (_, Some(after)) if is_clean(child.end, after.start) => {
            Ok(Plan::patch(Span { start: child.start, end: after.start }, ""))
        }
        (Some(before), _) if is_clean(before.end, child.start) => {
            Ok(Plan::patch(Span { start: before.end, end: child.end }, ""))
        }
        (Some(before), None) if !source.has_comments(Span { start: before.end, end: child.start }) => {
            Ok(Plan::patch(Span { start: before.end, end: child.end }, ""))
        }
        _ => refuse(Reason::Layout, child, "comments or line ends stand beside the value"),
    }
}
