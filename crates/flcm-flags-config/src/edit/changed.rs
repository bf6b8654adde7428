//! Which lines edits change.

use serde::Serialize;

/// Lines, from 0. The end is not among them; where lines were removed, it equals the start.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct LineRange {
    /// The first line.
    pub start: usize,
    /// The line behind the last one.
    pub end: usize,
}

/// The lines that are different so far, in order, without overlaps.
#[derive(Clone, Debug, Default)]
pub(super) struct Changed(pub(super) Vec<LineRange>);

impl Changed {
    /// Adds what is different between two texts; the ranges so far are those of the old one.
    pub(super) fn add(&mut self, old: &str, new: &str) {
        if old == new {
            return;
        }
        let old: Vec<&str> = old.split_inclusive('\n').collect();
        let new: Vec<&str> = new.split_inclusive('\n').collect();
        let same = |(old, new): &(&&str, &&str)| old == new;
        let start = old.iter().zip(&new).take_while(same).count();
        let most = old.len().min(new.len()) - start;
        let after = old.iter().rev().zip(new.iter().rev()).take_while(same).count().min(most);
        let (old_end, new_end) = (old.len() - after, new.len() - after);
        let mut added = LineRange { start, end: new_end };
        let mut ranges = Vec::with_capacity(self.0.len() + 1);
        for range in &self.0 {
            if range.end < start {
                ranges.push(*range);
            } else if range.start <= old_end {
                added.start = added.start.min(range.start);
                added.end = added.end.max((range.end + new_end).saturating_sub(old_end));
            }
        }
        ranges.push(added);
        let behind = self.0.iter().filter(|range| range.start > old_end);
        let moved = |line: usize| line + new_end - old_end;
        ranges.extend(behind.map(|range| LineRange { start: moved(range.start), end: moved(range.end) }));
        self.0 = ranges;
    }
}

#[cfg(test)]
mod tests {
    use super::{Changed, LineRange};

    #[test]
    fn ranges_move_with_the_lines_before_them_and_merge() {
        let mut changed = Changed::default();
        let mut add = |old, new| {
            changed.add(old, new);
            changed.0.iter().map(|LineRange { start, end }| (*start, *end)).collect::<Vec<_>>()
        };
        assert_eq!(add("a\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n"), [(4, 5)]);
        assert_eq!(add("a\nb\nc\nd\nE\n", "a\nB\nB\nc\nd\nE\n"), [(1, 3), (5, 6)]);
        assert_eq!(add("a\nB\nB\nc\nd\nE\n", "B\nB\nc\nd\nE\n"), [(0, 2), (4, 5)]);
        assert_eq!(add("B\nB\nc\nd\nE\n", "B\nB\nc\nd\nE"), [(0, 2), (4, 5)]);
    }
}
