//! Server-sent events: lines in, events out. Bounded, which libraries for it are not.

/// The largest event that is taken in, in bytes.
const LARGEST: usize = 1 << 20;

/// An event of a stream.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct ServerEvent {
    /// What kind; empty when the server named none.
    pub(crate) name: String,
    pub(crate) data: String,
}

/// What came is too large for an event.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TooLarge;

/// Reads events from bytes that come in parts.
#[derive(Debug, Default)]
pub(crate) struct EventReader {
    line: Vec<u8>,
    event: ServerEvent,
    has_data: bool,
    /// A line feed behind it is part of it.
    after_return: bool,
}

impl EventReader {
    /// Takes a part, and shows each event that it completes.
    pub(crate) fn feed(&mut self, part: &[u8], show: &mut impl FnMut(ServerEvent)) -> Result<(), TooLarge> {
        for byte in part {
            let is_second = std::mem::replace(&mut self.after_return, *byte == b'\r') && *byte == b'\n';
            match byte {
                b'\n' if is_second => {}
                b'\n' | b'\r' => {
                    let line = std::mem::take(&mut self.line);
                    self.end_line(&String::from_utf8_lossy(&line), show);
                }
                _ if self.line.len() + self.event.data.len() >= LARGEST => return Err(TooLarge),
                byte => self.line.push(*byte),
            }
        }
        Ok(())
    }

    fn end_line(&mut self, line: &str, show: &mut impl FnMut(ServerEvent)) {
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            if std::mem::take(&mut self.has_data) {
                show(event);
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            "event" => value.clone_into(&mut self.event.name),
            // A comment, or something that is nothing to us.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EventReader, LARGEST, ServerEvent, TooLarge};

    fn read(parts: &[&[u8]]) -> Vec<(String, String)> {
        let (mut reader, mut events) = (EventReader::default(), Vec::new());
        for part in parts {
            reader.feed(part, &mut |ServerEvent { name, data }| events.push((name, data))).unwrap();
        }
        events
    }

    #[test]
    fn events_are_the_same_however_they_are_cut_and_their_lines_end() {
        let text = "\u{feff}: hello\n\nevent: trips\ndata: {\ndata:  \"a\"}\nid: 7\n\nevent: empty\n\ndata: ü\n\n: beat\n\nnonsense\n\n";
        let expected = [("trips".to_owned(), "{\n \"a\"}".to_owned()), (String::new(), "ü".to_owned())];
        for end in ["\n", "\r\n", "\r"] {
            let text = text.replace('\n', end);
            assert_eq!(read(&[text.as_bytes()]), expected, "{end:?}");
            let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
            assert_eq!(read(&bytes), expected, "{end:?}");
        }
    }

    #[test]
    fn an_event_without_an_end_is_given_up() {
        let mut reader = EventReader::default();
        assert_eq!(reader.feed(b"data: ", &mut |_| {}), Ok(()));
        assert_eq!(reader.feed(&vec![b'x'; LARGEST], &mut |_| {}), Err(TooLarge));
        let mut reader = EventReader::default();
        let lines = b"data: 0123456789\n".repeat(LARGEST / 10 + 2);
        assert_eq!(reader.feed(&lines, &mut |_| {}), Err(TooLarge));
    }
}
