//! A disk that is full, and has room again.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use crate::host::{Host, Tally, decisions, errors};
use crate::operator_commands::trip;
use crate::stream::Stream;
use crate::test_server::{FLAGS, TestFolder, TestServer, until};

const COUNTED: &[Tally<'_>] = &[Tally { flag: "plain", decisions: 3, errors: 2, generation: 0 }];

/// A server that is told, rather than ended, when it may not write: as on a disk that is full.
fn serve_limited(folder: &TestFolder) -> TestServer {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_flcm-flags-server"), "flags.yaml"]);
    command.args(["--listen", "127.0.0.1:0"]).current_dir(folder.path(""));
    TestServer::start(command)
}

fn limit(server: &TestServer, most: &str) {
    let id = server.id().to_string();
    let done = Command::new("prlimit").args(["--pid", &id, &format!("--fsize={most}:unlimited")]).status().unwrap();
    assert!(done.success());
}

/// What must be so while nothing can be written, and after.
fn starve(server: &TestServer, fill: impl Fn(), free: impl Fn()) {
    let mut hosts: Vec<Host> = (1..=8).map(Host::new).collect();
    hosts[0].send(server.address, COUNTED).unwrap().expect(204);
    let mut stream = Stream::open(server.address).unwrap();
    stream.next_of("trips").unwrap();
    fill();
    for _ in 0..2 {
        // Together, so that several share what fails.
        thread::scope(|scope| {
            for host in &mut hosts {
                scope.spawn(|| {
                    let refused = host.send(server.address, COUNTED).unwrap().expect(503);
                    assert!(refused.header("retry-after").is_some() && refused.code() == "BUSY");
                });
            }
        });
    }
    let etag = server.get("/flags").header("etag").unwrap().to_owned();
    let refused = server.put(&FLAGS.replace("percentage: 50", "percentage: 60")).expect(503);
    assert!(["STORE_FAILED", "FILE_NOT_WRITTEN"].contains(&refused.code().as_str()), "{}", refused.code());
    assert_eq!(server.get("/flags").header("etag"), Some(etag.as_str()), "what cannot be kept is not used");
    assert_eq!(server.post("/flags/guarded/hold", "{}").expect(503).code(), "NOT_YET_STORED");
    assert_eq!(server.post("/flags/plain/hold", "{}").expect(503).code(), "NOT_YET_STORED");
    until("the holds are announced", || {
        let flags = stream.next_of("trips").unwrap()["flags"].clone();
        (flags["guarded"]["trip"] == "off" && flags["plain"]["trip"] == "off").then_some(())
    });
    assert_eq!(server.get("/trips").json()["stored"], false);
    assert_eq!(server.figure(&decisions("plain")), 3);
    server.get("/flags").expect(200);
    free();
    for host in &mut hosts {
        until("the batch is taken", || (host.send(server.address, &[]).unwrap().status == 204).then_some(()));
    }
    until("everything is stored", || (server.figure("flcm_stored") == 1).then_some(()));
    server.put(&format!("{FLAGS}# edited")).expect(200);
}

fn check(server: &TestServer) {
    assert_eq!(server.figure(&decisions("plain")), 9 * 3);
    assert_eq!(server.figure(&errors("plain")), 9 * 2);
    assert_eq!(server.trip("guarded")["mode"], "held");
    assert_eq!(server.trip("plain")["trip"], "off");
    let audit = server.get("/audit").json();
    let holds = audit.as_array().unwrap().iter().filter(|of| of["action"] == "hold").count();
    assert_eq!(holds, 2, "{audit}");
}

#[test]
fn a_full_disk_loses_nothing_and_keeps_nobody_from_holding() {
    let folder = TestFolder::new();
    let server = serve_limited(&folder);
    starve(&server, || limit(&server, "0"), || limit(&server, "unlimited"));
    check(&server);
    server.kill();
    check(&folder.serve());
}

/// A small disk of its own, where the tests may have one.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: &TestFolder) -> Option<Self> {
        let path = folder.path("disk");
        fs::create_dir(&path).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "none"]).arg(&path).output();
        mount.is_ok_and(|out| out.status.success()).then_some(Self(path))
    }

    fn fill(&self) {
        // The last bytes as well: a page at a time, until there is no room.
        let mut filler = fs::File::create(self.0.join("filler")).unwrap();
        while std::io::Write::write_all(&mut filler, &[0; 4096]).is_ok() {}
    }

    fn free(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_disk_without_room_is_one_of_those() {
    let folder = TestFolder::new();
    let Some(disk) = Disk::mount(&folder) else {
        println!("left out: only the superuser may mount a small disk");
        return;
    };
    let arguments = ["--database", "disk/flags.db"];
    let server = folder.serve_with(&arguments);
    starve(&server, || disk.fill(), || disk.free());
    assert!(server.log().contains("the disk is full"), "{}", server.log());
    check(&server);
    server.kill();
    check(&folder.serve_with(&arguments));
}

/// The batches that led to it are stored, and then there is no room for what it was.
#[test]
fn a_rollback_that_cannot_be_stored_is_in_force_and_outlives_a_kill() {
    const NO_ROOM: &str = "CREATE TRIGGER no_room BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no room'); END";
    let folder = TestFolder::new();
    let mut server = folder.serve();
    let mut host = Host::new(1);
    folder.database().execute_batch(NO_ROOM).unwrap();
    let generation = trip(&server, &mut host);
    assert_eq!(server.figure("flcm_stored"), 0);
    for _ in 0..2 {
        server.kill();
        server = folder.serve();
        let report = server.trip("fragile");
        assert_eq!((&report["trip"], report["generation"].as_u64()), (&"off".into(), Some(generation)), "{report}");
        assert_eq!(server.figure(&errors("fragile")), host.acknowledged("fragile").errors);
    }
    folder.database().execute_batch("DROP TRIGGER no_room").unwrap();
    until("it is stored", || (server.figure("flcm_stored") == 1).then_some(()));
    let audit = server.get("/audit").json();
    let trips = audit.as_array().unwrap().iter().filter(|of| of["action"] == "tripped").count();
    assert_eq!(trips, 1, "{audit}");
}
