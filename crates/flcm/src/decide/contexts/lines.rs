//! Reads the lines of a file into one buffer, which never grows.

use std::io::{self, Read};
use std::ops::Range;

use flcm_flags_config::context::LINE_BYTES;
use memchr::memchr;

/// Bytes of one read: few enough that they are parsed while they are in the CPU's cache.
const CHUNK: usize = 1 << 17;

/// A file, line by line.
pub(super) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    /// The part of the buffer that was read from the file and is not yet returned.
    filled: Range<usize>,
    /// Whether the file has ended.
    ended: bool,
    /// Bytes read so far.
    pub(super) bytes: u64,
}

/// A line, or that it was too long.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Line {
    /// The line's position in the buffer, without its line end.
    At(Range<usize>),
    /// It is longer than [`LINE_BYTES`], and was skipped.
    TooLong,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, buffer: vec![0; LINE_BYTES + CHUNK], filled: 0..0, ended: false, bytes: 0 }
    }

    pub(super) fn text(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range]
    }

    /// The next line; `None` at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        let mut searched = self.filled.start;
        let mut too_long = false;
        loop {
            if let Some(offset) = memchr(b'\n', &self.buffer[searched..self.filled.end]) {
                let line = self.filled.start..searched + offset;
                self.filled.start = line.end + 1;
                return Ok(Some(limited(line, too_long)));
            }
            if self.ended {
                let line = self.filled.clone();
                self.filled.start = self.filled.end;
                return Ok((!line.is_empty() || too_long).then(|| limited(line, too_long)));
            }
            if self.filled.len() > LINE_BYTES {
                too_long = true;
                self.filled.start = self.filled.end;
            }
            let before = self.filled.len();
            self.fill()?;
            searched = before;
        }
    }

    /// Moves the rest to the front of the buffer, and reads more after it.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.filled.clone(), 0);
        self.filled = 0..self.filled.len();
        let end = self.filled.end;
        let read = loop {
            match self.reader.read(&mut self.buffer[end..end + CHUNK]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.ended = read == 0;
        self.bytes += read as u64;
        self.filled.end += read;
        Ok(())
    }
}

fn limited(line: Range<usize>, too_long: bool) -> Line {
    if too_long || line.len() > LINE_BYTES { Line::TooLong } else { Line::At(line) }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read};

    use super::{LINE_BYTES, Line, Lines};

    /// Returns a few bytes at a time.
    struct Drip<'b>(&'b [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn all(text: &[u8], step: usize) -> Vec<Option<Vec<u8>>> {
        let mut lines = Lines::new(Drip(text, step));
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push(match line {
                Line::At(range) => Some(lines.text(range).to_vec()),
                Line::TooLong => None,
            });
        }
        assert_eq!(lines.bytes, text.len() as u64);
        all
    }

    #[test]
    fn lines_do_not_depend_on_how_they_arrive() {
        for text in ["", "a", "a\n", "a\n\nbcd\n\n", "\n", "ab\r\ncd"] {
            let expected: Vec<_> = text.split_terminator('\n').map(|line| Some(line.as_bytes().to_vec())).collect();
            for step in [1, 2, 3, 1_000_000] {
                assert_eq!(all(text.as_bytes(), step), expected, "{text:?} by {step}");
            }
        }
    }

    #[test]
    fn a_line_beyond_the_limit_is_skipped_and_the_next_is_not() {
        for (length, fits) in [(LINE_BYTES, true), (LINE_BYTES + 1, false), (5 * LINE_BYTES, false)] {
            let long = vec![b'x'; length];
            let text = [b"first\n", &long[..], b"\nlast"].concat();
            for step in [100_003, 1 << 20] {
                let expected = [Some(b"first".to_vec()), fits.then(|| long.clone()), Some(b"last".to_vec())];
                assert!(all(&text, step) == expected, "{length} by {step}");
            }
            assert_eq!(all(&long, 1 << 20).len(), 1);
        }
    }
}
