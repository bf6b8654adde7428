//! What an edit does to the text.

use crate::diagnostics::Span;
use crate::edit::place::{self, Child};
use crate::edit::write::Writer;
use crate::edit::{Reason, Result, refuse};
use crate::parse::source::{Node, NodeValue};

/// Changes of the text, and what they may touch.
#[derive(Debug)]
pub(super) struct Plan {
    /// Parts of the old text and what replaces them, in order, without overlaps.
    pub(super) patches: Vec<(Span, String)>,
    /// Where comments may be removed.
    pub(super) removed: Span,
}

/// The document that an edit is planned for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'t> {
    pub(super) text: &'t str,
    pub(super) comments: &'t [Span],
    pub(super) writer: Writer,
}

impl Plan {
    pub(super) fn patch(span: Span, text: impl Into<String>) -> Self {
        Self { patches: vec![(span, text.into())], removed: Span::default() }
    }

    pub(super) fn insert(at: usize, text: impl Into<String>) -> Self {
        Self::patch(Span { start: at, end: at }, text)
    }

    /// The new text.
    pub(super) fn apply(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + self.patches.iter().map(|(_, new)| new.len()).sum::<usize>());
        let mut copied = 0;
        for (span, new) in &self.patches {
            out.push_str(&text[copied..span.start]);
            out.push_str(new);
            copied = span.end;
        }
        out + &text[copied..]
    }
}

impl<'t> Source<'t> {
    pub(super) fn extent(&self, parent: &Node, index: usize) -> Result<Child> {
        place::extent(self.text, parent, index)
    }

    pub(super) fn lines(&self, child: Child) -> Result<Span> {
        place::lines(self.text, self.comments, child)
    }

    pub(super) fn gap(&self, start: usize, end: usize) -> Option<&'t str> {
        place::gap(self.text, self.comments, start, end)
    }

    pub(super) fn rest_of_line(&self, at: usize) -> place::Rest {
        place::rest_of_line(self.text, self.comments, at)
    }

    pub(super) fn has_comments(&self, span: Span) -> bool {
        place::has_comments(self.comments, span)
    }

    /// Whether a child in brackets has its lines for itself; a comma and a comment may follow.
    pub(super) fn is_alone(&self, child: Child) -> bool {
        let lead = place::lead(self.text, child);
        let end = self.comma_on_line(child).map_or(child.end, |comma| comma + 1);
        lead.trim_matches([' ', '\t']).is_empty() && self.rest_of_line(end) != place::Rest::Text
    }

    /// The comma right behind a child, on its line.
    pub(super) fn comma_on_line(&self, child: Child) -> Option<usize> {
        place::comma(self.text, child.end).filter(|comma| self.gap(child.end, *comma).is_some())
    }
}

/// Refuses what an alias repeats: a change would show in two places.
pub(super) fn own(shared: &[Span], node: &Node) -> Result<()> {
    let Span { start, end } = node.span;
    if shared.iter().any(|span| span.start < end.max(start + 1) && start < span.end) {
        return refuse(Reason::Alias, node.span, "an alias repeats the value");
    }
    Ok(())
}

/// Whether a node is a list or a map.
pub(super) const fn is_collection(node: &Node) -> bool {
    matches!(node.value, NodeValue::List(_) | NodeValue::Map(_))
}
