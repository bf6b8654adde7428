//! Connections that are slow, silent, or too many: they end or wait, and others are served meanwhile.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use crate::host::{BATCH, Host};
use crate::http::{ask, connect, head, rest};
use crate::stream::Stream;
use crate::test_server::{TestFolder, TestServer, until};

/// The limits are ten seconds; this machine may be busy.
const LIMIT: Duration = Duration::from_secs(40);

/// Sends something that is not whole, and says how long it takes until the server has enough of it, and what it says.
fn outlast(server: &TestServer, start: &str, drip: Option<&str>) -> (Duration, String) {
    let (mut stream, begun) = (connect(server.address).unwrap(), Instant::now());
    stream.write_all(start.as_bytes()).unwrap();
    if let Some(drip) = drip {
        let (mut writer, drip) = (stream.try_clone().unwrap(), drip.to_owned());
        thread::spawn(move || {
            while writer.write_all(drip.as_bytes()).is_ok() && begun.elapsed() < LIMIT {
                thread::sleep(Duration::from_millis(200));
            }
        });
    }
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    (begun.elapsed(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn slow_and_silent_connections_end_and_others_are_served_meanwhile() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let body = |path| head(server.address, "POST", path, &[BATCH]) + "content-length: 1000\r\n\r\n";
    let open = head(server.address, "GET", "/flags", &[]);
    let (slow_body, dripped) = (body("/metrics") + "half", body("/metrics"));
    let attacks: [(&str, &str, Option<&str>); 6] = [
        ("silent", "", None),
        ("the beginning of HTTP/2", "PRI * HT", None),
        ("HTTP/2 that asks nothing", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0", None),
        ("a head without an end", &open, Some("x: y\r\n")),
        ("half a body", &slow_body, None),
        ("a body drop by drop", &dripped, Some("x")),
    ];
    thread::scope(|scope| {
        let server = &server;
        let outlasted = attacks.map(|(name, start, drip)| (name, scope.spawn(move || outlast(server, start, drip))));
        for _ in 0..20 {
            server.get("/flags").expect(200);
        }
        for (name, thread) in outlasted {
            let (took, said) = thread.join().unwrap();
            assert!(took < LIMIT, "{name}: {took:?}, {said}");
            assert!(!name.contains("body") || said.contains("408") && said.contains("TOO_SLOW"), "{name}: {said}");
        }
    });
    until("all are gone", || (server.figure("flcm_connections") == 1).then_some(()));
}

#[test]
fn bodies_that_are_only_announced_keep_nobody_out() {
    let (folder, mut host) = (TestFolder::new(), Host::new(1));
    let server = folder.serve();
    let announced = head(server.address, "POST", "/metrics", &[BATCH]) + "content-length: 8000000\r\n\r\nFLCM";
    let streams: Vec<TcpStream> = (0..40)
        .map(|_| {
            let mut stream = connect(server.address).unwrap();
            stream.write_all(announced.as_bytes()).unwrap();
            stream
        })
        .collect();
    until("all have begun", || (server.figure("flcm_connections") > 40).then_some(()));
    host.send(server.address, &[]).unwrap().expect(204);
    drop(streams);
}

#[test]
fn connections_beyond_the_limit_are_told_to_come_later() {
    let folder = TestFolder::new();
    let server = folder.serve_with(&["--max-connections", "3"]);
    let mut streams: Vec<Stream> = (0..3).map(|_| Stream::open(server.address).unwrap()).collect();
    for stream in &mut streams {
        stream.next_of("trips").unwrap();
    }
    let mut refused = connect(server.address).unwrap();
    let answer = rest(&mut refused).unwrap();
    assert_eq!(answer.header("retry-after"), Some("5"));
    assert_eq!(answer.expect(503).code(), "TOO_MANY_CONNECTIONS");
    streams.pop();
    let answer = until("there is room again", || {
        ask(server.address, "GET", "/metrics", &[], b"").ok().filter(|answer| answer.status == 200)
    });
    assert!(!answer.text().contains("flcm_connections_refused_total 0\n"));
    until("that connection has gone", || (server.post("/flags/plain/hold", "{}").status == 200).then_some(()));
    for stream in &mut streams {
        let told = stream.next_of("trips").unwrap();
        assert_eq!(told["flags"]["plain"]["trip"], "off");
    }
}

/// The systems between us take in a few megabytes; what is said to those who do not listen is many times that.
#[cfg(target_os = "linux")]
#[test]
fn streams_that_nobody_reads_take_no_memory_and_hold_nobody_up() {
    let folder = TestFolder::new();
    let flags = (0..300)
        .map(|number| format!("  guarded_{number}: {{ error_threshold: {{ rate: 0.05 }} }}"))
        .collect::<Vec<_>>()
        .join("\n");
    folder.file("flags.yaml", format!("flags:\n{flags}"));
    let server = folder.serve();
    let deaf: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = connect(server.address).unwrap();
            stream.write_all((head(server.address, "GET", "/flags/stream", &[]) + "\r\n").as_bytes()).unwrap();
            stream
        })
        .collect();
    let mut listener = Stream::open(server.address).unwrap();
    listener.next_of("trips").unwrap();
    let mut turn = |command: &str| {
        server.post(&format!("/flags/guarded_7/{command}"), "{}").expect(200);
        listener.next_of("trips").unwrap();
    };
    ["hold", "release"].into_iter().for_each(&mut turn);
    let before = server.memory();
    for _ in 0..200 {
        ["hold", "release"].into_iter().for_each(&mut turn);
    }
    // 400 times 15 KB for each of 50: 300 MB, if they were kept.
    let grown = server.memory().saturating_sub(before);
    assert!(grown < 60 << 20, "{grown} bytes more");
    drop(deaf);
}
