//! Bodies, paths and queries that are not what they should be: each is refused for what it is, and nothing comes of it.

use flcm_flags::metrics::batch::Header;

use crate::host::{BATCH, Tally, batch, decisions};
use crate::http::{Answer, ask, connect, head, rest};
use crate::test_server::{TestFolder, TestServer};

type Headers<'h> = &'h [(&'h str, &'h str)];

const JSON: (&str, &str) = ("content-type", "application/json");

fn good(sequence: u64) -> Vec<u8> {
    let header = Header { instance: 1, epoch: 1, sequence, age: 0 };
    batch(header, &[Tally { flag: "plain", decisions: 1, errors: 1, generation: 0 }])
}

fn send(server: &TestServer, bytes: &[u8]) -> Answer {
    ask(server.address, "POST", "/metrics", &[BATCH], bytes).unwrap()
}

#[test]
fn damaged_batches_are_refused_and_the_good_one_counts_once() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let bytes = good(1);
    for length in 0..bytes.len() {
        assert_eq!(send(&server, &bytes[..length]).expect(400).code(), "INVALID_BATCH");
    }
    for place in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1 << (place % 8);
        assert_eq!(send(&server, &damaged).expect(400).code(), "INVALID_BATCH");
    }
    assert_eq!(server.figure(&decisions("plain")), 0);
    send(&server, &bytes).expect(204);
    send(&server, &bytes).expect(204);
    assert_eq!(server.figure(&decisions("plain")), 1);
    assert_eq!(server.figure("flcm_batches_repeated_total"), 1);
}

#[test]
fn batches_that_are_too_old_too_large_or_out_of_turn_are_refused() {
    let folder = TestFolder::new();
    let server = folder.serve_with(&["--max-batch", "1000"]);
    assert_eq!(send(&server, &good(2)).expect(409).code(), "BATCH_GAP");
    let old = Header { instance: 1, epoch: 1, sequence: 1, age: 25 * 3_600_000 };
    assert_eq!(send(&server, &batch(old, &[])).expect(422).code(), "BATCH_TOO_OLD");
    assert_eq!(send(&server, &[0; 1001]).expect(413).code(), "TOO_LARGE");
    for content_type in ["application/json", "text/plain", ""] {
        let answer = ask(server.address, "POST", "/metrics", &[("content-type", content_type)], &good(1)).unwrap();
        assert_eq!(answer.expect(415).code(), "WRONG_TYPE");
    }
    let unknown = Header { instance: 2, epoch: 1, sequence: 1, age: 0 };
    let unknown = batch(unknown, &[Tally { flag: "nobody_knows_it", decisions: 1, errors: 0, generation: 0 }]);
    send(&server, &unknown).expect(204);
    let figures = server.get("/metrics").text();
    assert!(figures.contains("flcm_unknown_flags_total 1\n") && !figures.contains("nobody_knows_it"), "{figures}");
}

/// Sends a body in chunks; it need not say how long it is.
fn send_chunked(server: &TestServer, path: &str, headers: &[(&str, &str)], length: usize) -> Answer {
    use std::io::Write;
    let mut stream = connect(server.address).unwrap();
    let method = if path == "/flags" { "PUT" } else { "POST" };
    let head = head(server.address, method, path, headers) + "transfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = [b"400\r\n".as_slice(), &[b' '; 1024], b"\r\n"].concat();
    for _ in 0..length / 1024 {
        // It may close before it has read everything.
        if stream.write_all(&chunk).is_err() {
            break;
        }
    }
    let _ = stream.write_all(b"0\r\n\r\n");
    rest(&mut stream).unwrap()
}

#[test]
fn bodies_that_are_too_large_are_not_read_to_their_end() {
    let folder = TestFolder::new();
    let server = folder.serve_with(&["--max-batch", "1048576"]);
    let put = [("content-type", "application/yaml"), ("if-match", "*")];
    let paths: [(&str, Headers<'_>, usize); 4] = [
        ("/metrics", &[BATCH], 1 << 20),
        ("/flags/plain/hold", &[JSON], 256 << 10),
        ("/ofrep/v1/evaluate/flags", &[JSON], 64 << 10),
        ("/flags", &put, 64 << 20),
    ];
    for (path, headers, most) in paths {
        use std::io::Write;
        let mut stream = connect(server.address).unwrap();
        let method = if path == "/flags" { "PUT" } else { "POST" };
        let head = head(server.address, method, path, headers) + &format!("content-length: {}\r\n\r\n", most + 1);
        stream.write_all(head.as_bytes()).unwrap();
        assert_eq!(rest(&mut stream).unwrap().expect(413).code(), "TOO_LARGE", "{path}");
    }
    // Of these it hears only while it reads. A little more than there may be: what it has not read would break the
    // connection off.
    assert_eq!(send_chunked(&server, "/metrics", &[BATCH], (1 << 20) + 1024).expect(413).code(), "TOO_LARGE");
    assert_eq!(send_chunked(&server, "/flags/plain/hold", &[JSON], (256 << 10) + 1024).expect(413).code(), "TOO_LARGE");
}

#[test]
fn json_that_is_not_what_is_expected_is_refused() {
    let folder = TestFolder::new();
    let server = folder.serve();
    for text in ["{", "[]", "null", r#"{"reason":1}"#, r#"{"raeson":"typo"}"#, r#"{"generation":-1}"#, "\u{7f}"] {
        assert_eq!(server.post("/flags/plain/hold", text).expect(400).code(), "INVALID_REQUEST", "{text}");
    }
    let plain = ask(server.address, "POST", "/flags/plain/hold", &[("content-type", "text/plain")], b"{}").unwrap();
    assert_eq!(plain.expect(415).code(), "WRONG_TYPE", "a page of another origin can send text/plain unasked");
    let untyped = ask(server.address, "POST", "/flags/plain/hold", &[], b"{}").unwrap();
    assert_eq!(untyped.expect(415).code(), "WRONG_TYPE");
    assert!(server.trip("plain").is_null());
    for (text, code) in [("{", "PARSE_ERROR"), (r#"{"context":[]}"#, "INVALID_CONTEXT")] {
        let answer = server.post("/ofrep/v1/evaluate/flags/plain", text).expect(400).json();
        assert_eq!((&answer["errorCode"], &answer["key"]), (&code.into(), &"plain".into()));
    }
    let unknown = server.post("/ofrep/v1/evaluate/flags/nobody_knows_it", "{}").expect(404).json();
    assert_eq!(unknown["errorCode"], "FLAG_NOT_FOUND");
}

#[test]
fn paths_methods_and_queries_that_do_not_exist_are_told_as_problems() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let post = |path: &str| server.post(path, "{}");
    assert_eq!(post("/flags/nobody_knows_it/hold").expect(404).code(), "FLAG_NOT_FOUND");
    assert_eq!(post("/flags/plain/explode").expect(404).code(), "PATH_NOT_FOUND");
    assert_eq!(post("/flags/plain/acknowledge").expect(409).code(), "INVALID_STATE");
    assert_eq!(post("/flags/guarded/acknowledge").expect(409).code(), "INVALID_STATE");
    assert_eq!(post("/flags/%ff/hold").expect(404).code(), "PATH_NOT_FOUND");
    assert_eq!(post("/ofrep/v1/evaluate/flags/%ff").expect(400).code(), "INVALID_REQUEST");
    assert_eq!(server.get("/nowhere").expect(404).code(), "PATH_NOT_FOUND");
    for path in ["/trips", "/flags", "/healthz"] {
        let answer = ask(server.address, "DELETE", path, &[], b"").unwrap();
        assert_eq!(answer.expect(405).code(), "METHOD_NOT_ALLOWED", "{path}");
    }
    for path in [
        "/revisions?limit=x",
        "/revisions?limit=0",
        "/audit?before=18446744073709551615",
        "/revisions?before=-1",
        "/audit?limit=4294967296",
        "/revisions/x",
        "/revisions/1/diff?to=x",
    ] {
        assert_eq!(server.get(path).expect(400).code(), "INVALID_REQUEST", "{path}");
    }
    for path in ["/revisions/1", "/revisions/1/diff", "/revisions/18446744073709551615"] {
        assert_eq!(server.get(path).expect(404).code(), "REVISION_NOT_FOUND", "{path}");
    }
    for path in ["/revisions?limit=1", "/audit?before=9223372036854775807&limit=1000", "/revisions?unknown=1"] {
        server.get(path).expect(200);
    }
    let answer = ask(server.address, "GET", "/flags", &[("accept", "text/html")], b"").unwrap();
    assert_eq!(answer.expect(406).code(), "NOT_ACCEPTABLE");
}
