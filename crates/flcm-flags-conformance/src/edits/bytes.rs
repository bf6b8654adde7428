//! Which bytes an edit may touch: those of the value, of the gap that it stands in, and none of its neighbours, not
//! even on the same line.

use std::ops::Range;

use flcm_flags_config::edit::{Edit, Step};
use serde_json::Value;

use super::{oracle, steps};
use crate::generate::layout::{Extent, Written};

/// Whether all bytes stay that are outside the edit.
pub(super) fn compare(value: &Value, written: &Written, edit: &Edit, new: &str) -> Result<(), String> {
    let text = Text { value, written, old: &written.text, new };
    match edit {
        Edit::Insert { path, index, .. } => text.inserts(path, *index),
        Edit::Move { path, index } => text.moves(path, *index),
        Edit::Remove { path } => text.removes(path),
        Edit::Rename { path, .. } => text.renames(path),
        Edit::Set { path, .. } => text.sets(path),
    }
}

/// A text before and after an edit.
struct Text<'t> {
    value: &'t Value,
    written: &'t Written,
    old: &'t str,
    new: &'t str,
}

impl Text<'_> {
    /// The bytes of the old text outside a part of it are those of the new text.
    fn is_outside_kept(&self, part: &Range<usize>) -> bool {
        let [old, new] = [self.old, self.new].map(str::as_bytes);
        let (head, tail) = (&old[..part.start], &old[part.end..]);
        new.len() >= head.len() + tail.len() && new.starts_with(head) && new.ends_with(tail)
    }

    fn within(&self, part: Range<usize>, what: &str) -> Result<(), String> {
        if self.is_outside_kept(&part) {
            return Ok(());
        }
        let shown = self.old.get(part.clone()).unwrap_or_default();
        Err(format!("bytes outside {what} at {part:?}, `{shown}`, are different"))
    }

    fn sets(&self, path: &[Step]) -> Result<(), String> {
        // What is not there is added to what is there.
        let taken = (0..=path.len()).rev().find(|taken| oracle::at(self.value, &path[..*taken]).is_some()).unwrap_or(0);
        let is_map = oracle::at(self.value, &path[..taken]).is_some_and(Value::is_object);
        if taken < path.len() && is_map {
            return self.inserts(&path[..taken], None);
        }
        self.within(self.inside(&steps(&path[..taken])), "the value")
    }

    fn renames(&self, path: &[Step]) -> Result<(), String> {
        let extent = self.extent(&steps(path));
        self.within(extent.start..extent.behind - 1, "the key")
    }

    fn inserts(&self, path: &[Step], index: Option<usize>) -> Result<(), String> {
        let parent = steps(path);
        let gaps = self.gaps(&parent);
        let is_list = oracle::at(self.value, path).is_some_and(Value::is_array);
        // Where a key goes is up to the edit, but it goes between two others.
        let (kept, what) = if is_list {
            (self.is_outside_kept(&gaps[index.unwrap_or(gaps.len() - 1)]), "the place")
        } else {
            (gaps.iter().any(|gap| self.is_outside_kept(gap)), "every gap")
        };
        if kept { Ok(()) } else { Err(format!("bytes outside {what} of {parent:?} are different, of {gaps:?}")) }
    }

    fn removes(&self, path: &[Step]) -> Result<(), String> {
        let (parent, index) = self.child(path);
        let gaps = self.gaps(&parent);
        self.within(gaps[index].start..gaps[index + 1].end, "what is removed")
    }

    fn moves(&self, path: &[Step], to: usize) -> Result<(), String> {
        let (parent, from) = self.child(path);
        if from == to {
            return self.within(0..0, "nothing");
        }
        let (first, last) = (from.min(to), from.max(to));
        let children = &self.children(&parent)[first..=last];
        let mut order: Vec<&Extent> = children.iter().collect();
        if from < to {
            order.rotate_left(1);
        } else {
            order.rotate_right(1);
        }
        if self.is_flow(&parent) {
            return self.exchanges(children, &order);
        }
        let gaps = self.gaps(&parent);
        self.within(gaps[first].start..gaps[last + 1].end, "what is moved")?;
        let mut rest = &self.new[gaps[first].start..];
        for child in order {
            let text = &self.old[child.start..child.end];
            let Some((_, behind)) = rest.split_once(text) else { return Err(format!("`{text}` is not in its place")) };
            rest = behind;
        }
        Ok(())
    }

    /// In brackets, texts take each other's places, and what is between them stays.
    fn exchanges(&self, children: &[Extent], order: &[&Extent]) -> Result<(), String> {
        let (mut expected, mut copied) = (String::new(), 0);
        for (place, child) in children.iter().zip(order) {
            expected += &self.old[copied..place.start];
            expected += &self.old[child.start..child.end];
            copied = place.end;
        }
        expected += &self.old[copied..];
        if expected == self.new { Ok(()) } else { Err(format!("the texts were not only exchanged, as in\n{expected}")) }
    }

    /// The value, or as much of it and of its line as may change.
    fn inside(&self, path: &[String]) -> Range<usize> {
        let Extent { behind, end, .. } = self.extent(path);
        let spaces = self.old[behind..end].len() - self.old[behind..end].trim_start_matches(' ').len();
        let first = self.old[behind + spaces..end].chars().next();
        match first {
            // Lines: items at the end are added and removed with their line.
            None | Some('#' | '\r' | '\n') if behind < end => behind..self.line_end(end),
            _ if self.is_block(path) => behind..self.line_end(end),
            Some('|') | None => behind..end,
            Some(_) => behind + spaces..end,
        }
    }

    /// Around the children of a list or map, and between them: one more than there are children.
    fn gaps(&self, path: &[String]) -> Vec<Range<usize>> {
        let inside = self.inside(path);
        let children = self.children(path);
        let (open, close) =
            if self.is_flow(path) { (inside.start + 1, inside.end - 1) } else { (inside.start, inside.end) };
        if children.is_empty() {
            return vec![inside];
        }
        let starts = std::iter::once(open).chain(children.iter().map(|child| child.end));
        let ends = children.iter().map(|child| child.start).chain([close]);
        starts.zip(ends).map(|(start, end)| start..end).collect()
    }

    /// The children of a list or map, in the order of the text.
    fn children(&self, path: &[String]) -> Vec<Extent> {
        let below = self.written.extents.range(path.to_vec()..).take_while(|(inner, _)| inner.starts_with(path));
        let children = below.filter(|(inner, _)| inner.len() == path.len() + 1);
        let mut children: Vec<Extent> = children.map(|(_, extent)| self.clamped(*extent)).collect();
        children.sort_by_key(|child| child.start);
        children
    }

    /// The parent of what a path names, and its place there.
    fn child(&self, path: &[Step]) -> (Vec<String>, usize) {
        let mut parent = steps(path);
        let start = self.extent(&parent).start;
        parent.pop();
        let place = self.children(&parent).iter().position(|child| child.start == start);
        (parent, place.unwrap_or_default())
    }

    fn extent(&self, path: &[String]) -> Extent {
        let root = || {
            let start = self.old.len() - self.old.trim_start_matches('\u{feff}').len();
            Extent { start, behind: start, end: self.old.len() }
        };
        self.written.extents.get(path).map_or_else(root, |extent| self.clamped(*extent))
    }

    /// The text may have lost its last line end.
    fn clamped(&self, Extent { start, behind, end }: Extent) -> Extent {
        let most = self.old.len();
        Extent { start: start.min(most), behind: behind.min(most), end: end.min(most) }
    }

    /// Whether the children stand in brackets.
    fn is_flow(&self, path: &[String]) -> bool {
        let Extent { behind, end, .. } = self.extent(path);
        self.old[behind..end].trim_start_matches(' ').starts_with(['[', '{'])
    }

    /// Whether there are children that have lines of their own.
    fn is_block(&self, path: &[String]) -> bool {
        !self.is_flow(path) && !self.children(path).is_empty()
    }

    fn line_end(&self, at: usize) -> usize {
        self.old[at..].find('\n').map_or(self.old.len(), |end| at + end + 1)
    }
}
