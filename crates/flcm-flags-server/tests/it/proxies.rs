//! Without keys only programs of this machine may call: a proxy on it would pass on requests of everyone.

use std::io::Write;

use crate::http::{ask, connect, rest};
use crate::test_server::TestFolder;

/// What a proxy adds, in the spellings of nginx, Caddy, `HAProxy` and others.
const TRACES: [(&str, &str); 8] = [
    ("forwarded", "for=192.0.2.1"),
    ("x-forwarded-for", "192.0.2.1"),
    ("X-Forwarded-For", ""),
    ("x-forwarded-host", "flags.example.com"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-anything", "yes"),
    ("x-real-ip", "192.0.2.1"),
    ("via", "1.1 proxy"),
];

#[test]
fn without_keys_a_request_that_came_through_a_proxy_is_refused() {
    let server = TestFolder::new().serve_alone();
    for header in TRACES {
        for (method, path) in [("GET", "/flags"), ("GET", "/flags/stream"), ("POST", "/flags/plain/hold")] {
            let headers = [header, ("content-type", "application/json")];
            let answer = ask(server.address, method, path, &headers, b"{}").unwrap().expect(403);
            assert_eq!(answer.code(), "PROXY_NOT_ALLOWED", "{header:?}");
            assert!(answer.text().contains("flcm key"), "{}", answer.text());
        }
    }
    assert_ne!(server.trip("plain")["trip"], "off");
    // A probe of the machine's own load balancer needs no key.
    ask(server.address, "GET", "/readyz", &TRACES[1..2], b"").unwrap().expect(200);
}

#[test]
fn without_keys_a_request_that_names_no_host_is_refused() {
    let server = TestFolder::new().serve_alone();
    let mut stream = connect(server.address).unwrap();
    stream.write_all(b"GET /trips HTTP/1.0\r\n\r\n").unwrap();
    let answer = rest(&mut stream).unwrap().expect(403);
    assert_eq!(answer.code(), "HOST_NOT_ALLOWED");
    assert!(answer.text().contains("--keys"), "{}", answer.text());
}

/// nginx adds no header of itself, and puts the address of this server into `Host`.
#[test]
fn without_keys_a_request_of_http_1_0_is_refused() {
    let server = TestFolder::new().serve_alone();
    let mut stream = connect(server.address).unwrap();
    write!(stream, "GET /trips HTTP/1.0\r\nhost: {}\r\nconnection: close\r\n\r\n", server.address).unwrap();
    assert_eq!(rest(&mut stream).unwrap().expect(403).code(), "PROXY_NOT_ALLOWED");
}

#[test]
fn with_keys_a_proxy_may_pass_requests_on() {
    let (server, keys) = TestFolder::new().serve_with_keys(&[]);
    let bearer = format!("Bearer {}", keys[0]);
    let headers = [("authorization", bearer.as_str()), TRACES[1], TRACES[7], ("host", "flags.example.com")];
    ask(server.address, "GET", "/flags", &headers, b"").unwrap().expect(200);
}

/// Only then: everyone can write the header.
#[test]
fn a_trusted_proxy_says_from_where_a_request_came() {
    for is_trusted in [true, false] {
        let options: &[&str] = if is_trusted { &["--trusted-proxy", "127.0.0.0/8"] } else { &[] };
        let folder = TestFolder::new();
        let (server, keys) = folder.serve_with_keys_of(options, |line| line.replace('}', ",\"limit\":5}"));
        let status = |key: &str, from: &str| {
            let bearer = format!("Bearer {key}");
            let headers = [("authorization", bearer.as_str()), ("x-forwarded-for", from)];
            ask(server.address, "GET", "/flags", &headers, b"").unwrap().status
        };
        let refused = (0..30).filter(|_| status(&keys[0], "6.6.6.6, 192.0.2.1") == 429).count();
        assert!(refused > 0);
        assert_eq!(status(&keys[0], "192.0.2.1, 198.51.100.1") == 200, is_trusted);
        let bearer = format!("Bearer {}", keys[2]);
        let headers = [
            ("authorization", bearer.as_str()),
            ("content-type", "application/json"),
            ("x-forwarded-for", "6.6.6.6, 192.0.2.1"),
        ];
        ask(server.address, "POST", "/flags/plain/hold", &headers, b"{}").unwrap().expect(200);
        let audit = ask(server.address, "GET", "/audit?limit=1", &headers[..1], b"").unwrap().json();
        assert_eq!(audit[0]["address"], if is_trusted { "192.0.2.1" } else { "127.0.0.1" });
    }
}
