//! Words of one line: in quotes, or plain.

use std::borrow::Cow;

use super::Style;
use super::simple::Reader;
use crate::diagnostics::Span;

/// What ends a part of a text in double quotes. A table: this is asked of nearly each byte of JSON.
const ENDS: [bool; 256] = {
    let mut ends = [false; 256];
    ends[b'"' as usize] = true;
    ends[b'\\' as usize] = true;
    ends[b'\n' as usize] = true;
    ends[b'\r' as usize] = true;
    ends
};

pub(super) struct Word<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) span: Span,
    pub(super) style: Style,
}

impl<'t> Reader<'_, 't> {
    pub(super) fn word(&mut self, in_flow: bool) -> Option<Word<'t>> {
        let start = self.at;
        let (text, style) = match self.peek() {
            b'"' => (self.double_quoted()?, Style::DoubleQuoted),
            b'\'' => (self.single_quoted()?, Style::SingleQuoted),
            _ => (Cow::Borrowed(self.plain(in_flow)?), Style::Plain),
        };
        Some(Word { text, span: Span { start, end: self.at }, style })
    }

    fn double_quoted(&mut self) -> Option<Cow<'t, str>> {
        self.at += 1;
        let part = self.until_quote()?;
        if self.bytes[self.at] == b'"' {
            self.at += 1;
            return Some(Cow::Borrowed(part));
        }
        let mut text = part.to_owned();
        while self.bytes[self.at] == b'\\' {
            text.push(self.escape()?);
            text.push_str(self.until_quote()?);
        }
        self.at += 1;
        Some(Cow::Owned(text))
    }

    /// The text up to a double quote, or up to an escape.
    fn until_quote(&mut self) -> Option<&'t str> {
        let start = self.at;
        self.at += self.bytes[start..].iter().position(|byte| ENDS[usize::from(*byte)])?;
        if matches!(self.bytes[self.at], b'"' | b'\\') { Some(&self.text[start..self.at]) } else { None }
    }

    /// An escape that JSON has. Halves of characters are left to the other reader.
    fn escape(&mut self) -> Option<char> {
        let escaped = *self.bytes.get(self.at + 1)?;
        self.at += 2;
        Some(match escaped {
            b'"' | b'/' | b'\\' => char::from(escaped),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let digits = self.text.get(self.at..self.at + 4)?;
                self.at += 4;
                let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                char::from_u32(u32::from_str_radix(digits, 16).ok().filter(|_| is_hex)?)?
            }
            _ => return None,
        })
    }

    fn single_quoted(&mut self) -> Option<Cow<'t, str>> {
        self.at += 1;
        let start = self.at;
        loop {
            let length = self.bytes[self.at..].iter().position(|byte| matches!(byte, b'\'' | b'\n' | b'\r'))?;
            self.at += length + 1;
            match (self.bytes[self.at - 1], self.peek()) {
                (b'\'', b'\'') => self.at += 1,
                (b'\'', _) => break,
                _ => return None,
            }
        }
        let inner = &self.text[start..self.at - 1];
        Some(if inner.contains('\'') { Cow::Owned(inner.replace("''", "'")) } else { Cow::Borrowed(inner) })
    }

    /// A word without quotes. What may be an indicator of YAML is declined.
    fn plain(&mut self, in_flow: bool) -> Option<&'t str> {
        let start = self.at;
        let next = self.bytes.get(start + 1).copied().unwrap_or(b' ');
        match self.peek() {
            b'-' if next.is_ascii_alphanumeric() || next == b'.' => {}
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'+' | b'.' | b'/' | b'~' | b'$' | b'<' | b'(' | b'^' => {}
            byte if byte >= 0x80 => {}
            _ => return None,
        }
        // Three dots in the first column end a document.
        if start == self.line && self.text[start..].starts_with("...") {
            return None;
        }
        self.at += self.plain_length(in_flow)?;
        Some(&self.text[start..self.at])
    }

    /// How long the plain word is that begins here, without spaces behind it.
    fn plain_length(&self, in_flow: bool) -> Option<usize> {
        let mut end = self.at;
        let mut at = self.at;
        while let Some(byte) = self.bytes.get(at) {
            let next = self.bytes.get(at + 1).copied().unwrap_or(b'\n');
            match byte {
                b'\n' | b'\r' => break,
                b'\t' => return None,
                b' ' => {
                    at += 1;
                    continue;
                }
                b',' | b'[' | b']' | b'{' | b'}' if in_flow => break,
                b':' if matches!(next, b' ' | b'\n' | b'\r') => break,
                b':' if next == b'\t' || (in_flow && matches!(next, b',' | b'[' | b']' | b'{' | b'}')) => return None,
                b'#' if at > end => break,
                _ => {}
            }
            at += 1;
            end = at;
        }
        Some(end - self.at)
    }
}
