//! Connections that keep others out: those with keys come first, and no address has all of them.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use flcm_flags::metrics::batch::Header;

use crate::host::batch;
use crate::http::{Answer, ask_from, connect, head, rest};
use crate::test_server::{DEADLINE, TestFolder, TestServer, until};

/// A connection from this address of this machine.
fn connect_from(last: u8, server: &TestServer) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    // Each of them in a network of its own.
    let from = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, last, 1)), 0);
    socket.bind(&from.into()).unwrap();
    socket.connect(&server.address.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

fn open_stream(stream: &mut TcpStream, server: &TestServer, key: &str) -> u16 {
    let bearer = format!("Bearer {key}");
    let text = head(server.address, "GET", "/flags/stream", &[("authorization", bearer.as_str())]) + "\r\n";
    let _ = stream.write_all(text.as_bytes());
    let mut first = [0; 12];
    stream.read_exact(&mut first).map_or(0, |()| std::str::from_utf8(&first[9..]).unwrap().parse().unwrap())
}

fn hold(server: &TestServer, key: &str) -> std::io::Result<Answer> {
    let (mut stream, bearer) = (connect(server.address)?, format!("Bearer {key}"));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let text = head(server.address, "POST", "/flags/plain/hold", &headers) + "content-length: 2\r\n\r\n{}";
    let _ = stream.write_all(text.as_bytes());
    rest(&mut stream)
}

/// Whether it is open, and nothing has come.
fn is_open(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let peeked = stream.peek(&mut [0; 1]);
    stream.set_nonblocking(false).unwrap();
    peeked.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

#[test]
fn connections_without_a_key_make_room_for_those_with_one() {
    let (server, keys) = TestFolder::new().serve_with_keys(&["--max-connections", "12"]);
    let silent: Vec<TcpStream> = (1..=40).map(|last| connect_from(last, &server)).collect();
    hold(&server, &keys[2]).unwrap().expect(200);
    assert!(silent.iter().filter(|stream| is_open(stream)).count() <= 12);
}

#[test]
fn public_keys_leave_room_for_the_keys_of_servers() {
    let (server, keys) = TestFolder::new().serve_with_keys(&["--max-connections", "20"]);
    let mut pages: Vec<(TcpStream, u16)> = Vec::new();
    for last in 1..=40 {
        let mut stream = connect_from(last, &server);
        let status = open_stream(&mut stream, &server, &keys[0]);
        pages.push((stream, status));
    }
    let open = pages.iter().filter(|(_, status)| *status == 200).count();
    assert!((10..20).contains(&open), "{open} streams of pages");
    assert!(pages.iter().all(|(_, status)| [0, 200, 503].contains(status)));
    hold(&server, &keys[2]).unwrap().expect(200);
    let mut host = connect_from(1, &server);
    assert_eq!(open_stream(&mut host, &server, &keys[1]), 200);
}

#[test]
fn one_network_has_a_share_of_the_connections_of_pages() {
    let (server, keys) = TestFolder::new().serve_with_keys(&["--max-connections", "40"]);
    let stream = |last| {
        let mut stream = connect_from(last, &server);
        let status = open_stream(&mut stream, &server, &keys[0]);
        (stream, status)
    };
    let pages: Vec<_> = (0..20).map(|_| stream(1)).collect();
    assert_eq!(pages.iter().filter(|(_, status)| *status == 200).count(), 10);
    assert_eq!(stream(2).1, 200);
    // The keys of servers may all come from one network, as through one gateway.
    let hosts: Vec<_> = (0..15)
        .map(|_| {
            let mut stream = connect_from(1, &server);
            let status = open_stream(&mut stream, &server, &keys[1]);
            (stream, status)
        })
        .collect();
    assert!(hosts.iter().all(|(_, status)| *status == 200));
}

/// Connections of a trusted proxy are those of many networks, so a network is limited by its streams.
#[test]
fn behind_a_proxy_one_network_has_a_share_of_the_streams_of_pages() {
    let options = ["--max-connections", "40", "--trusted-proxy", "127.0.0.0/8"];
    let (server, keys) = TestFolder::new().serve_with_keys(&options);
    let stream = |key: &str, from: &str| {
        let (mut stream, bearer) = (connect_from(1, &server), format!("Bearer {key}"));
        let headers = [("authorization", bearer.as_str()), ("x-forwarded-for", from)];
        let text = head(server.address, "GET", "/flags/stream", &headers) + "\r\n";
        stream.write_all(text.as_bytes()).unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        (stream, std::str::from_utf8(&first[9..]).unwrap().to_owned())
    };
    let mut pages: Vec<_> = (0..15).map(|_| stream(&keys[0], "192.0.2.1")).collect();
    let open = |pages: &[(TcpStream, String)]| pages.iter().filter(|(_, status)| status == "200").count();
    assert_eq!(open(&pages), 10);
    assert_eq!(stream(&keys[0], "198.51.100.1").1, "200");
    assert_eq!(stream(&keys[1], "192.0.2.1").1, "200", "a server");
    // What ends makes room.
    pages.truncate(9);
    until("a stream has ended", || (stream(&keys[0], "192.0.2.1").1 == "200").then_some(()));
}

/// More slow bodies than there is memory for, of one network: each reserves some with its first byte.
#[test]
fn slow_batches_of_one_network_do_not_keep_out_those_of_others() {
    let folder = TestFolder::new();
    let (server, keys) = folder.serve_with_keys(&["--max-connections", "1200"]);
    let bearer = format!("Bearer {}", keys[0]);
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/vnd.flcm.batch")];
    let slow = head(server.address, "POST", "/metrics", &headers) + "content-length: 1000\r\n\r\nF";
    let slow: Vec<TcpStream> = (0..280)
        .map(|_| {
            let mut stream = connect_from(1, &server);
            stream.write_all(slow.as_bytes()).unwrap();
            stream
        })
        .collect();
    let body = batch(Header { instance: 7, epoch: 1, sequence: 1, age: 0 }, &[]);
    let send =
        |last| ask_from(Ipv4Addr::new(127, 0, last, 1), server.address, "POST", "/metrics", &headers, &body).unwrap();
    until("the network has no turn left", || (send(1).status == 503).then_some(()));
    send(2).expect(204);
    drop(slow);
}

#[test]
fn a_connection_without_a_key_ends_when_it_is_idle() {
    let (server, keys) = TestFolder::new().serve_with_keys(&[]);
    let mut probe = connect(server.address).unwrap();
    probe.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut page = connect(server.address).unwrap();
    assert_eq!(open_stream(&mut page, &server, &keys[0]), 200);
    let mut answer = Vec::new();
    probe.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
    probe.read_to_end(&mut answer).unwrap();
    assert!(is_open(&page) || page.peek(&mut [0; 1]).is_ok_and(|bytes| bytes > 0), "a stream goes on");
}

#[test]
fn the_limit_of_a_public_key_is_for_each_network() {
    let folder = TestFolder::new();
    let (server, keys) = folder.serve_with_keys_of(&[], |line| line.replace('}', ",\"limit\":5}"));
    let status = |last, key: &str| {
        let (mut stream, bearer) = (connect_from(last, &server), format!("Bearer {key}"));
        let text = head(server.address, "GET", "/flags", &[("authorization", bearer.as_str())]) + "\r\n";
        stream.write_all(text.as_bytes()).unwrap();
        rest(&mut stream).unwrap().status
    };
    let all = |last, key: &str| (0..30).map(|_| status(last, key)).filter(|status| *status == 429).count();
    assert!(all(1, &keys[0]) > 0);
    assert_eq!(status(2, &keys[0]), 200, "a stranger shuts nobody out");
    // That of a server is for the key.
    assert!(all(1, &keys[1]) > 0);
    assert_eq!(status(2, &keys[1]), 429);
}
