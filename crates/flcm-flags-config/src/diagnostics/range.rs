//! Positions as the Language Server Protocol has them: lines and characters from 0, characters in units of UTF-16.

use serde::{Deserialize, Serialize};

use crate::diagnostics::Span;

/// A place between two characters.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Position {
    /// Line, from 0.
    pub line: usize,
    /// Units of UTF-16 before it in its line.
    pub character: usize,
}

/// A part of a text. The end is not part of it.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Range {
    /// Its first character.
    pub start: Position,
    /// The place behind its last character.
    pub end: Position,
}

/// The lines of a text, to find positions in.
#[derive(Debug)]
pub(crate) struct Lines<'t> {
    text: &'t str,
    /// The first byte of each line.
    starts: Vec<usize>,
    /// The last position that was asked for, and its byte: in a line of megabytes the next one is counted from there.
    last: (usize, Position),
}

impl<'t> Lines<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(index, _)| index + 1)).collect();
        Self { text, starts, last: (0, Position::default()) }
    }

    pub(crate) fn range(&mut self, span: Span) -> Range {
        let start = self.position(span.start);
        let last = self.last;
        let end = self.position(span.end.max(span.start));
        self.last = last;
        Range { start, end }
    }

    fn position(&mut self, byte: usize) -> Position {
        // A parser may point into the middle of a character, and behind the end.
        let byte = self.text.floor_char_boundary(byte.min(self.text.len()));
        let line = self.starts.partition_point(|start| *start <= byte) - 1;
        let (from, before) = match self.last {
            (last, position) if position.line == line && last <= byte => (last, position.character),
            _ => (self.starts[line], 0),
        };
        let character = before + self.text[from..byte].chars().map(char::len_utf16).sum::<usize>();
        self.last = (byte, Position { line, character });
        self.last.1
    }
}

#[cfg(test)]
mod tests {
    use super::{Lines, Position, Range};
    use crate::diagnostics::Span;

    #[test]
    fn characters_are_units_of_utf16() {
        let text = "a: 🏳\r\nü: é🏳x";
        let mut lines = Lines::new(text);
        let mut range = |part: &str| {
            let start = text.find(part).unwrap();
            lines.range(Span { start, end: start + part.len() })
        };
        let at = |line, start, end| {
            let position = |character| Position { line, character };
            Range { start: position(start), end: position(end) }
        };
        assert_eq!(range("🏳"), at(0, 3, 5));
        assert_eq!(range("é🏳"), at(1, 3, 6));
        assert_eq!(range("x"), at(1, 6, 7));
        assert_eq!(range("a"), at(0, 0, 1), "asked out of order");
        let whole = Lines::new(text).range(Span { start: 0, end: text.len() + 1 });
        assert_eq!(whole.end, Position { line: 1, character: 7 });
    }

    #[test]
    fn a_position_inside_a_character_is_that_of_the_character() {
        let mut lines = Lines::new("é");
        assert_eq!(lines.range(Span { start: 1, end: 1 }), Range::default());
    }
}
