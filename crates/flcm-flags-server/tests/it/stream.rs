//! Listening to `GET /flags/stream`.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::http::{connect, head};
use crate::test_server::TestFolder;

/// A stream that is open.
pub(crate) struct Stream(BufReader<TcpStream>);

impl Stream {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        Self::open_as(address, &[])
    }

    /// With a key.
    pub(crate) fn open_with(address: SocketAddr, key: &str) -> io::Result<Self> {
        Self::open_as(address, &[("authorization", &format!("Bearer {key}"))])
    }

    fn open_as(address: SocketAddr, headers: &[(&str, &str)]) -> io::Result<Self> {
        Self::open_at(address, "/flags/stream", headers)
    }

    /// Another stream of events.
    pub(crate) fn open_at(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> io::Result<Self> {
        let mut stream = connect(address)?;
        stream.write_all((head(address, "GET", path, headers) + "\r\n").as_bytes())?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Takes silence for the end.
    pub(crate) fn give_up_after(&mut self, silence: Duration) {
        self.0.get_ref().set_read_timeout(Some(silence)).unwrap();
    }

    /// The next event, its name and its data; nothing at the end.
    pub(crate) fn next(&mut self) -> Option<(String, serde_json::Value)> {
        let mut name = String::new();
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some(event) = line.strip_prefix("event: ") {
                event.trim().clone_into(&mut name);
            } else if let Some(data) = line.strip_prefix("data: ") {
                return Some((name, serde_json::from_str(data).ok()?));
            }
        }
    }

    /// The first comment of a stream that has begun.
    pub(crate) fn greeting(&mut self) -> String {
        let mut line = String::new();
        while !line.starts_with(':') {
            line.clear();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream has ended");
        }
        line.trim().to_owned()
    }

    /// The next event of a name.
    pub(crate) fn next_of(&mut self, wanted: &str) -> Option<serde_json::Value> {
        loop {
            let (name, data) = self.next()?;
            if name == wanted {
                return Some(data);
            }
        }
    }

    /// Whether the answer was ended as HTTP wants it, rather than broken off.
    pub(crate) fn ends_well(mut self) -> bool {
        let mut rest = String::new();
        let mut line = String::new();
        while self.0.read_line(&mut line).is_ok_and(|length| length > 0) {
            rest.push_str(&line);
            line.clear();
        }
        rest.ends_with("0\r\n\r\n")
    }
}

#[test]
fn a_stream_says_everything_at_once_and_then_what_changes() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let mut stream = Stream::open(server.address).unwrap();
    let (name, snapshot) = stream.next().unwrap();
    assert_eq!(name, "snapshot");
    let etag = server.get("/flags").header("etag").unwrap().to_owned();
    assert_eq!(format!("\"{}\"", snapshot["digest"].as_str().unwrap()), etag);
    let (name, trips) = stream.next().unwrap();
    assert_eq!((name.as_str(), &trips["epoch"]), ("trips", &1.into()));
    server.post("/flags/plain/hold", "{}").expect(200);
    let news = stream.next_of("trips").unwrap();
    assert_eq!(news["flags"]["plain"]["trip"], "off");
    assert!(news["sequence"].as_u64() > trips["sequence"].as_u64(), "{trips} {news}");
    drop(server);
    let restarted = folder.serve();
    let trips = Stream::open(restarted.address).unwrap().next_of("trips").unwrap();
    assert_eq!(trips["epoch"], 2, "an epoch for each start");
}

#[test]
fn a_stream_that_is_asked_for_once_ends_after_the_state_of_now() {
    let folder = TestFolder::new();
    let server = folder.serve();
    server.post("/flags/plain/hold", "{}").expect(200);
    let answer = server.get("/flags/stream?once=true");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/event-stream")));
    assert!(answer.header("content-length").is_some(), "an end that a proxy sees");
    let text = String::from_utf8(answer.body).unwrap();
    let events: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!(events, ["snapshot", "trips"]);
    assert!(text.contains(r#""plain":{"generation":0,"trip":"off"}"#), "{text}");
    server.get("/flags/stream?once=perhaps").expect(400);
}
