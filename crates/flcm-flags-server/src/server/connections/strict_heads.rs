//! Heads of HTTP/1 that another program may understand differently are refused: a line that ends in a bare line feed,
//! and a body with two lengths. A proxy in front would disagree about where a request ends, and pass on as one what is
//! two (request smuggling). The parser of `hyper` accepts both.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What replaces a byte that is refused. The parser accepts it nowhere in a head, and responds with 400.
const REFUSED: u8 = 0;

/// The same, and the end of a head: until it has one, the parser waits for more.
const REFUSED_HEAD: &[u8; 5] = b"\0\r\n\r\n";

/// So many bytes of a line are kept between two reads: the names and values of interest are shorter.
const LINE: usize = 48;

/// A connection whose heads are checked on their way to the parser.
#[derive(Debug)]
pub(super) struct StrictHeads<S> {
    stream: S,
    heads: Heads,
}

impl<S> StrictHeads<S> {
    /// With `is_http1`; what is sent by HTTP/2 has no lines.
    pub(super) fn new(stream: S, is_http1: bool) -> Self {
        let part = if is_http1 { Part::Head } else { Part::Rest };
        Self { stream, heads: Heads { part, ..Heads::default() } }
    }
}

/// Where in a request the next byte is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Part {
    /// In a body, and how many bytes are left of it.
    Body(u64),
    #[default]
    Head,
    /// Behind anything that is looked at: the connection ends with this request.
    Rest,
}

#[derive(Debug, Default)]
struct Heads {
    part: Part,
    /// What earlier reads brought of the current line: its beginning, and its last byte.
    line: Vec<u8>,
    has_started: bool,
    length: Option<u64>,
    is_chunked: bool,
    is_refused: bool,
}

impl Heads {
    /// Checks the next bytes, and spoils those that are refused.
    fn check(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            let done = match self.part {
                Part::Rest => return,
                Part::Body(left) => {
                    let done = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    self.part = if left == done as u64 { Part::Head } else { Part::Body(left - done as u64) };
                    done
                }
                Part::Head => self.check_head(bytes),
            };
            bytes = &mut bytes[done..];
        }
    }

    /// Checks up to the end of a head; how many bytes those are.
    fn check_head(&mut self, bytes: &mut [u8]) -> usize {
        let mut start = 0;
        while let Some(length) = memchr::memchr(b'\n', &bytes[start..]) {
            let end = start + length;
            let before = if length == 0 { self.line.last() } else { bytes.get(end - 1) };
            let is_bare = before != Some(&b'\r');
            if is_bare || self.end_line(&bytes[start..end]) {
                if is_bare || self.is_refused || self.is_chunked && self.length.is_some() {
                    self.part = Part::Rest;
                    refuse(bytes, end);
                    return bytes.len();
                }
                self.end_head();
                return end + 1;
            }
            start = end + 1;
        }
        self.keep(&bytes[start..]);
        bytes.len()
    }

    /// Keeps the beginning of a line whose end has not come, and its last byte.
    fn keep(&mut self, part: &[u8]) {
        if part.is_empty() {
            return;
        }
        self.line.truncate(LINE);
        let room = LINE - self.line.len();
        self.line.extend_from_slice(&part[..part.len().min(room)]);
        self.line.extend(part.iter().skip(room).next_back());
    }

    /// Reads a line of the head, whose beginning may have been kept; whether it was the last.
    fn end_line(&mut self, end: &[u8]) -> bool {
        if self.line.is_empty() {
            return self.read_line(end, false);
        }
        self.keep(end);
        let line = std::mem::take(&mut self.line);
        self.read_line(&line, line.len() > LINE)
    }

    /// Reads a line, of which the middle is missing if it `is_cut`.
    fn read_line(&mut self, line: &[u8], is_cut: bool) -> bool {
        let line = line.trim_ascii();
        // Empty lines before a request are allowed.
        if line.is_empty() {
            return self.has_started;
        }
        self.has_started = true;
        // Most lines end here.
        if !matches!(line[0], b'c' | b'C' | b't' | b'T') {
            return false;
        }
        let Some(colon) = memchr::memchr(b':', line) else { return false };
        let (name, value) = (line[..colon].trim_ascii_end(), line[colon + 1..].trim_ascii_start());
        if name.eq_ignore_ascii_case(b"content-length") {
            // The parser refuses two that differ.
            self.length = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
            self.is_refused |= self.length.is_none() || is_cut;
        }
        self.is_chunked |= name.eq_ignore_ascii_case(b"transfer-encoding");
        false
    }

    fn end_head(&mut self) {
        // The response to a request in chunks closes the connection, so nobody need find their end here.
        let part = if self.is_chunked { Part::Rest } else { self.length.map_or(Part::Head, Part::Body) };
        let part = if part == Part::Body(0) { Part::Head } else { part };
        *self = Self { part, ..Self::default() };
    }
}

/// Spoils a head, of which these bytes are a part, and whatever is behind it.
fn refuse(bytes: &mut [u8], position: usize) {
    bytes[position] = REFUSED;
    if let Some(last) = bytes.last_chunk_mut() {
        *last = *REFUSED_HEAD;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for StrictHeads<S> {
    fn poll_read(mut self: Pin<&mut Self>, task: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(task, into))?;
        self.heads.check(&mut into.filled_mut()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for StrictHeads<S> {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(task, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(task)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(task)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(task, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::{Heads, Part};

    /// What arrives at the parser if the bytes come in reads of a size.
    fn checked(text: &str, size: usize) -> String {
        let (mut heads, mut bytes) = (Heads::default(), text.as_bytes().to_vec());
        bytes.chunks_mut(size).for_each(|read| heads.check(read));
        String::from_utf8(bytes).expect("only ASCII replaces a byte")
    }

    /// Whether the parser gets nothing of a head that it would accept, however the bytes are cut into reads.
    fn is_refused(text: &str, start: usize, at: usize) -> bool {
        (1..=text.len()).all(|size| {
            let checked = checked(text, size);
            checked.starts_with(&text[..start]) && checked[start..=at].contains('\0')
        })
    }

    #[test]
    fn bare_line_feeds_are_refused_in_each_head_and_in_no_body() {
        for accepted in [
            "GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n",
            "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "PUT / HTTP/1.1\r\nContent-Length : 5\r\n\r\n\na\n\r\nGET / HTTP/1.1\r\n\r\n",
            "PUT / HTTP/1.1\r\ncontent-length: 0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n\n\r\n0\r\n\r\n",
        ] {
            assert!((1..=accepted.len()).all(|size| checked(accepted, size) == accepted), "{accepted:?}");
        }
        // The head begins at the first number, and its bare line feed is at the second.
        for (refused, start, at) in [
            ("GET / HTTP/1.1\nhost: a\r\n\r\n", 0, 14),
            ("GET / HTTP/1.1\nhost: a\n\n", 0, 14),
            ("\nGET / HTTP/1.1\r\n\r\n", 0, 0),
            ("GET / HTTP/1.1\r\nhost: a\r\n\n", 0, 25),
            ("PUT / HTTP/1.1\r\ncontent-length: 1\r\n\r\n\nGET /\n", 38, 43),
        ] {
            assert!(is_refused(refused, start, at), "{refused:?}");
        }
    }

    #[test]
    fn a_body_with_two_lengths_or_one_that_is_no_number_is_refused() {
        for lengths in ["content-length: 1\r\ntransfer-encoding: chunked", "content-length:\t\t", "content-length: x"] {
            let head = format!("PUT / HTTP/1.1\r\n{lengths}\r\n\r\n");
            assert!(is_refused(&head, 0, head.len() - 1), "{head:?}");
        }
    }

    #[test]
    fn a_length_behind_many_zeros_or_spaces_is_read_whole_or_refused() {
        for padding in ["0", " "].map(|pad| pad.repeat(40)) {
            let head = format!("PUT / HTTP/1.1\r\ncontent-length:{padding}12\r\n\r\n");
            for size in 1..=head.len() {
                let (mut heads, mut bytes) = (Heads::default(), head.clone().into_bytes());
                bytes.chunks_mut(size).for_each(|read| heads.check(read));
                assert!(bytes.contains(&0) || heads.part == Part::Body(12), "{head:?} in reads of {size} bytes");
            }
        }
    }
}
