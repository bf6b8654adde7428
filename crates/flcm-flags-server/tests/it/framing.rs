//! Heads of requests that a proxy in front may understand differently are refused.

use std::io::Write;

use crate::http::{connect, rest};
use crate::test_server::{TestFolder, TestServer};

/// The statuses of the responses to these bytes, up to the end of the connection.
fn statuses(server: &TestServer, parts: &[&str]) -> Vec<u16> {
    let mut stream = connect(server.address).unwrap();
    for part in parts {
        // One that refuses may have closed already.
        let _ = stream.write_all(part.as_bytes());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut text = Vec::new();
    let _ = std::io::Read::read_to_end(&mut stream, &mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    let lines = text.split("HTTP/1.1 ").skip(1);
    lines.map(|rest| rest[..3].parse().unwrap()).collect()
}

#[test]
fn http_1_1_has_one_host() {
    let server = TestFolder::new().serve_alone();
    for heads in ["", "host: localhost\r\nhost: localhost\r\n", "host: localhost\r\nHost: evil.example\r\n"] {
        let mut stream = connect(server.address).unwrap();
        stream.write_all(format!("GET /healthz HTTP/1.1\r\nconnection: close\r\n{heads}\r\n").as_bytes()).unwrap();
        assert_eq!(rest(&mut stream).unwrap().expect(400).code(), "INVALID_REQUEST", "{heads:?}");
    }
    let target = "GET http://evil.example/healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    assert_eq!(statuses(&server, &[target]), [400]);
    assert_eq!(statuses(&server, &["GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"]), [200]);
}

#[test]
fn lines_of_heads_end_in_crlf() {
    let server = TestFolder::new().serve_alone();
    let ok = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let post =
        "POST /metrics HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nContent-Length: 4\r\n\r\n";
    for bad in [
        vec!["GET /healthz HTTP/1.1\nhost: localhost\n\n"],
        vec!["GET /healthz HTTP/1.1\r\nhost: localhost\nx: y\r\n\r\n"],
        vec!["GET /healthz HTTP/1.1\r\nhost: localhost\r\n\n"],
        vec!["GET /healthz HTTP/1.1\r\nhost: localhost\r", "\nx: y\n\r\n"],
        vec!["\nGET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"],
    ] {
        assert_eq!(statuses(&server, &bad), [400], "{bad:?}");
    }
    // Later heads of a connection too, in one packet with what is before them, or not.
    let second = "GET /healthz HTTP/1.1\r\nhost: localhost\n\r\n";
    assert_eq!(statuses(&server, &[ok, second]), [200, 400]);
    assert_eq!(statuses(&server, &[&format!("{ok}{second}")]), [200, 400]);
    assert_eq!(statuses(&server, &[&format!("{post}a\nb\n{second}")]), [415, 400]);
    // In a body, a line feed is as good as any other byte.
    assert_eq!(statuses(&server, &[ok, ok]), [200, 200]);
    assert_eq!(statuses(&server, &[&format!("{post}\n\n\n\n{ok}")]), [415, 200]);
}

#[test]
fn a_body_has_one_length() {
    let server = TestFolder::new().serve_alone();
    let head = "POST /metrics HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let both = format!("{head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_eq!(statuses(&server, &[&both]), [400]);
    // The end of such a body is where the chunks say; what follows it is not taken for another request.
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n");
    assert_eq!(statuses(&server, &[&chunked, "GET /healthz HTTP/1.1\r\nhost: localhost\n\r\n"]), [415]);
}
