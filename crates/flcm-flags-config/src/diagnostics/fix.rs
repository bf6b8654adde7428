//! Fixes that programs can apply: changes of the document's text.

use serde::Serialize;

use crate::diagnostics::{Diagnostic, Diagnostics, Span};

/// One change of the document's text.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Edit {
    /// The first byte that is replaced, in UTF-8.
    pub start: usize,
    /// The byte after the last one that is replaced; equal to `start` for an insertion.
    pub end: usize,
    /// What stands there instead.
    pub replacement: String,
}

impl Edit {
    pub(crate) fn replace(span: Span, replacement: impl Into<String>) -> Self {
        Self { start: span.start, end: span.end, replacement: replacement.into() }
    }

    /// Another word in the place of one: in the same quotes, and in quotes if it needs them.
    pub(crate) fn respell(text: &str, span: Span, word: &str) -> Self {
        let is_plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let quote = match text[span.start..].chars().next() {
            Some('\'') => "'",
            Some('"') => "\"",
            _ if is_plain => "",
            _ => "\"",
        };
        Self::replace(span, format!("{quote}{word}{quote}"))
    }

    /// Removes a key with its value from a map that has other keys; `None` if it is not written plainly.
    pub(crate) fn remove_entry(text: &str, key: &str, value: Span) -> Option<Self> {
        let before = text[..value.start].trim_end().strip_suffix(':')?.trim_end();
        let quoted = [format!("\"{key}\""), format!("'{key}'"), key.to_owned()];
        let name = quoted.iter().find(|name| before.ends_with(name.as_str()))?;
        Self::remove(text, Span { start: before.len() - name.len(), end: value.end }, "")
    }

    /// Removes an item from a list that has other items.
    pub(crate) fn remove_item(text: &str, item: Span) -> Option<Self> {
        Self::remove(text, item, "- ")
    }

    /// Removes a part of a list or map: with its comma in the flow style, with its line in the block style, where it
    /// follows a dash or nothing.
    fn remove(text: &str, Span { start, end }: Span, dash: &str) -> Option<Self> {
        let before = text[..start].trim_end();
        if before.ends_with(',') {
            return Some(Self::replace(Span { start: before.len() - 1, end }, ""));
        }
        if before.ends_with(['{', '[']) {
            let rest = text[end..].trim_start().strip_prefix(',')?.trim_start();
            return Some(Self::replace(Span { start, end: text.len() - rest.len() }, ""));
        }
        let line = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let rest = &text[end..];
        let rest_of_line = rest.split_inclusive('\n').next().unwrap_or_default();
        let is_alone = text[line..start].trim_start() == dash && rest_of_line.trim().is_empty();
        is_alone.then(|| Self::replace(Span { start: line, end: end + rest_of_line.len() }, ""))
    }

    /// Insertions at one position overlap, too: their order would be a guess.
    fn overlaps(&self, other: &Self) -> bool {
        self.start == other.start || (self.start < other.end && other.start < self.end)
    }
}

/// The text of a value as it is written on one line; `None` if it has several, or stands elsewhere, as an alias does.
pub(crate) fn written(text: &str, span: Span) -> Option<&str> {
    let written = text.get(span.start..span.end)?.trim_end();
    (!written.is_empty() && !written.starts_with(['*', '&', '!']) && !written.contains(['\n', '\r'])).then_some(written)
}

/// A document with fixes applied.
#[derive(Clone, Debug)]
pub struct Fixed<'d> {
    /// The new text.
    pub text: String,
    /// The problems whose fixes were applied.
    pub applied: Vec<&'d Diagnostic>,
    /// The problems whose fixes overlap with one that was applied. Check the new text for what is left of them.
    pub left: Vec<&'d Diagnostic>,
}

impl Diagnostics {
    /// Removes the fixes that change a part of the text that aliases repeat: the fix of one use would change the others.
    pub(crate) fn keep_shared(&mut self, shared: &[Span]) {
        let is_inside = |edit: &Edit| shared.iter().any(|span| edit.start < span.end && edit.end > span.start);
        for problem in &mut self.0 {
            if problem.fix.iter().any(is_inside) {
                problem.fix.clear();
            }
        }
    }

    /// Applies all fixes to the text that was checked. Of fixes that overlap the first one is applied.
    ///
    /// ```
    /// let text = "flags: { beta: { rollout: { percentag: 10 } } }";
    /// let (_, diagnostics) = flcm_flags_config::check(text);
    /// assert_eq!(diagnostics.fix(text).text, "flags: { beta: { rollout: { percentage: 10 } } }");
    /// ```
    #[must_use]
    pub fn fix(&self, text: &str) -> Fixed<'_> {
        let mut edits: Vec<&Edit> = Vec::new();
        let (applied, left) = self.iter().filter(|problem| !problem.fix.is_empty()).partition(|problem| {
            let fits = |edit: &Edit| text.get(edit.start..edit.end).is_some() && !overlapped(edit, &edits);
            let all_fit = problem.fix.iter().all(fits);
            edits.extend(problem.fix.iter().filter(|_| all_fit));
            edits.sort_by_key(|edit| edit.start);
            all_fit
        });
        Fixed { text: apply(text, &edits), applied, left }
    }
}

/// Whether an edit overlaps with one of a sorted list without overlaps.
fn overlapped(edit: &Edit, sorted: &[&Edit]) -> bool {
    let next = sorted.partition_point(|other| other.start < edit.start);
    let neighbours = &sorted[next.saturating_sub(1)..sorted.len().min(next + 1)];
    neighbours.iter().any(|other| edit.overlaps(other))
}

fn apply(text: &str, edits: &[&Edit]) -> String {
    let mut fixed = String::with_capacity(text.len());
    let mut copied = 0;
    for edit in edits {
        fixed.push_str(&text[copied..edit.start]);
        fixed.push_str(&edit.replacement);
        copied = edit.end;
    }
    fixed + &text[copied..]
}
