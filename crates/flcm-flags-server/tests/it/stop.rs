//! The server is asked to end: what has begun comes to its end, and everything is stored.

use std::io::Write;

use flcm_flags::metrics::batch::Header;

use crate::host::{BATCH, Host, Tally, batch, decisions};
use crate::http::{ask, connect, head, rest};
use crate::stream::Stream;
use crate::test_server::{TestFolder, until};

const COUNTED: Tally<'_> = Tally { flag: "plain", decisions: 1, errors: 0, generation: 0 };

#[test]
fn streams_end_what_has_begun_is_answered_and_everything_is_stored() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let mut host = Host::new(1);
    for _ in 0..5 {
        host.send(server.address, &[COUNTED]).unwrap().expect(204);
    }
    let mut stream = Stream::open(server.address).unwrap();
    stream.next_of("trips").unwrap();
    let bytes = batch(Header { instance: 2, epoch: 1, sequence: 1, age: 0 }, &[COUNTED]);
    let mut begun = connect(server.address).unwrap();
    let head = head(server.address, "POST", "/metrics", &[BATCH]) + &format!("content-length: {}\r\n\r\n", bytes.len());
    begun.write_all(&[head.as_bytes(), &bytes[..10]].concat()).unwrap();
    // It has heard of the request when it says that it listens to all three.
    until("it has begun", || (server.figure("flcm_connections") == 3).then_some(()));
    server.terminate();
    assert!(stream.ends_well());
    begun.write_all(&bytes[10..]).unwrap();
    rest(&mut begun).unwrap().expect(204);
    let address = server.address;
    let (status, log) = server.wait();
    assert!(status.success() && log.contains("everything is stored"), "{status}\n{log}");
    assert!(ask(address, "GET", "/flags", &[], b"").is_err(), "nobody listens");
    let waiting: u32 = folder.database().query_row("SELECT count(*) FROM batches", [], |row| row.get(0)).unwrap();
    assert_eq!(waiting, 0, "all of it is in a checkpoint");
    assert_eq!(folder.serve().figure(&decisions("plain")), 6);
}

#[test]
fn what_could_not_be_stored_until_then_is_stored_at_the_end() {
    const NO_ROOM: &str = "CREATE TRIGGER no_room BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END";
    let folder = TestFolder::new();
    for end in ["room", "no room"] {
        let server = folder.serve();
        let database = folder.database();
        database.execute_batch(NO_ROOM).unwrap();
        for _ in 0..2 {
            assert_eq!(server.post("/flags/guarded/hold", "{}").expect(503).code(), "NOT_YET_STORED");
        }
        if end == "room" {
            database.execute_batch("DROP TRIGGER no_room").unwrap();
        }
        drop(database);
        server.terminate();
        let (status, log) = server.wait();
        assert_eq!(status.success(), end == "room", "{status}\n{log}");
        assert_eq!(log.contains("everything is stored"), end == "room", "{log}");
        assert_eq!(log.contains("before everything could be stored"), end == "no room", "{log}");
        if end == "room" {
            let server = folder.serve();
            assert_eq!(server.trip("guarded")["mode"], "held");
            server.post("/flags/guarded/release", "{}").expect(200);
        }
    }
}

/// One that reads nothing of a long answer must not keep the server from ending.
#[test]
fn a_client_that_reads_nothing_does_not_keep_it_from_ending() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let mut deaf = connect(server.address).unwrap();
    deaf.write_all((head(server.address, "GET", "/flags/stream", &[]) + "\r\n").as_bytes()).unwrap();
    let mut half = connect(server.address).unwrap();
    half.write_all(b"GET /fla").unwrap();
    server.stop();
}

/// Load balancers ask whether it is ready, and need some seconds to stop sending requests.
#[test]
fn it_goes_on_serving_for_the_drain_delay_while_it_is_not_ready() {
    let folder = TestFolder::new();
    let server = folder.serve_with(&["--drain-delay", "3"]);
    let mut stream = Stream::open(server.address).unwrap();
    stream.next_of("trips").unwrap();
    server.terminate();
    until("it is not ready", || (server.get("/readyz").status == 503).then_some(()));
    server.get("/healthz").expect(200);
    server.get("/flags").expect(200);
    server.post("/flags/plain/hold", "{}").expect(200);
    assert_eq!(stream.next_of("trips").unwrap()["flags"]["plain"]["trip"], "off");
    assert!(stream.ends_well());
    let (status, log) = server.wait();
    assert!(status.success() && log.contains("everything is stored"), "{status}\n{log}");
}

/// A check that fails would have the process killed before it has stored everything.
#[test]
fn it_is_healthy_until_the_end() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let mut begun = connect(server.address).unwrap();
    let head = head(server.address, "POST", "/metrics", &[BATCH]) + "content-length: 100\r\n\r\n";
    begun.write_all(head.as_bytes()).unwrap();
    until("it has begun", || (server.figure("flcm_connections") == 2).then_some(()));
    server.terminate();
    until("it is closing", || (server.get("/flags").status == 503).then_some(()));
    server.get("/healthz").expect(200);
    assert_eq!(server.get("/readyz").expect(503).code(), "CLOSING");
    drop(begun);
    assert!(server.wait().0.success());
}

/// Whoever has heard that it listens may ask it to end.
#[test]
fn it_can_be_asked_to_end_as_soon_as_it_listens() {
    let folder = TestFolder::new();
    for _ in 0..20 {
        folder.serve().stop();
    }
}
