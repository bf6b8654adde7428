//! Gives a child another place among the others.

use crate::diagnostics::Span;
use crate::edit::place;
use crate::edit::plan::{Plan, Source};
use crate::edit::{Reason, Result, refuse};
use crate::parse::source::{Node, Style};

pub(super) fn plan(source: Source<'_>, parent: &Node, from: usize, to: usize) -> Result<Plan> {
    if from == to {
        return Ok(Plan { patches: Vec::new(), removed: Span::default() });
    }
    if parent.style == Style::Block { lines(source, parent, from, to) } else { texts(source, parent, from, to) }
}

/// Moves the lines of a child, with the comments above it.
fn lines(source: Source<'_>, parent: &Node, from: usize, to: usize) -> Result<Plan> {
    let text = source.text;
    let moved = source.lines(source.extent(parent, from)?)?;
    let target = source.lines(source.extent(parent, to)?)?;
    let first = source.lines(source.extent(parent, 0)?)?;
    let newline = place::newline(text, first.start);
    let content = text[moved.start..moved.end].trim_end_matches(['\n', '\r']);
    let ends = |at: usize| text[..at].ends_with('\n');
    let cut = if ends(moved.end) {
        moved
    } else {
        // The last line has no line end: the one before it gives its own away.
        Span { start: place::without_line_ends(text, moved.start), end: moved.end }
    };
    let at = if from < to { target.end } else { target.start };
    let pasted =
        if ends(at) || at == target.start { format!("{content}{newline}") } else { format!("{newline}{content}") };
    let mut patches = vec![(cut, String::new()), (Span { start: at, end: at }, pasted)];
    patches.sort_by_key(|(span, _)| span.start);
    Ok(Plan { patches, removed: Span::default() })
}

/// Exchanges the texts of children in brackets; commas and line ends stay.
fn texts(source: Source<'_>, parent: &Node, from: usize, to: usize) -> Result<Plan> {
    let extents = (from.min(to)..=from.max(to)).map(|index| source.extent(parent, index));
    let extents = extents.collect::<Result<Vec<Span>>>()?;
    let (first, last) = (extents[0], extents[extents.len() - 1]);
    let between = Span { start: first.start, end: place::content_end(source.text, last.end) };
    if source.has_comments(between) {
        return refuse(Reason::Comments, between, "there are comments beside the values");
    }
    let mut texts: Vec<&str> = extents.iter().map(|extent| &source.text[extent.start..extent.end]).collect();
    if from < to {
        texts.rotate_left(1);
    } else {
        texts.rotate_right(1);
    }
    let patches = extents.into_iter().zip(texts).map(|(extent, text)| (extent, text.to_owned())).collect();
    Ok(Plan { patches, removed: Span::default() })
}
