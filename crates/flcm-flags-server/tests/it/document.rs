//! The document as a file that people edit.

use std::fs;
use std::io::Write;
use std::thread;
use std::time::Duration;

use crate::host::{Host, Tally, decisions};
use crate::http::ask;
use crate::stream::Stream;
use crate::test_server::{FLAGS, TestFolder, TestServer, until};

const BAD: &str = "flags: { a: { rollout: { percentage: 120 } } }";

fn other(name: &str) -> String {
    FLAGS.replace("plain:", &format!("{name}:"))
}

fn served(server: &TestServer) -> String {
    ask(server.address, "GET", "/flags", &[("accept", "application/yaml")], b"").unwrap().text()
}

fn revision(server: &TestServer) -> u64 {
    server.get("/trips").json()["revision"].as_u64().unwrap()
}

fn serves(server: &TestServer, text: &str) {
    until("the edit is served", || (served(server) == text).then_some(()));
}

#[test]
fn an_edit_is_published_and_announced_and_a_bad_one_leaves_what_is_in_use() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let first = revision(&server);
    let mut stream = Stream::open(server.address).unwrap();
    stream.next_of("snapshot").unwrap();
    folder.file("flags.yaml", other("edited"));
    assert!(stream.next_of("snapshot").unwrap()["revision"].as_u64().unwrap() > first);
    serves(&server, &other("edited"));
    folder.file("flags.yaml", BAD);
    until("the bad edit is reported", || server.log().contains("is refused; revision").then_some(()));
    assert!(server.log().contains("flags.yaml:") && server.log().contains("percentage"), "{}", server.log());
    assert_eq!(server.figure("flcm_documents_refused_total"), 1);
    assert_eq!(served(&server), other("edited"));
    folder.file("flags.yaml", other("mended"));
    serves(&server, &other("mended"));
}

#[test]
fn a_file_that_is_replaced_or_deleted_and_back_is_followed() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let mut last = revision(&server);
    for name in ["first", "second"] {
        folder.file("new.yaml", other(name));
        fs::rename(folder.path("new.yaml"), folder.path("flags.yaml")).unwrap();
        serves(&server, &other(name));
        assert!(revision(&server) > last);
        last = revision(&server);
    }
    fs::remove_file(folder.path("flags.yaml")).unwrap();
    until("its absence is told", || server.log().contains("cannot read").then_some(()));
    assert_eq!(served(&server), other("second"));
    // Whatever else happens in the folder, it is told once.
    (0..20).for_each(|number| folder.file("beside.txt", number.to_string()));
    folder.file("flags.yaml", other("third"));
    serves(&server, &other("third"));
    assert!(server.log().matches("cannot read").count() <= 2, "{}", server.log());
}

#[test]
fn a_bad_document_without_a_database_is_refused_as_a_compiler_would() {
    let folder = TestFolder::new();
    folder.file("flags.yaml", BAD);
    let (code, said) = folder.fails(&["flags.yaml"]);
    assert_eq!(code, 1);
    assert!(said.contains("percentage") && said.contains("flags.yaml:1"), "{said}");
    let (code, said) = folder.fails(&["--database", "new.db"]);
    assert!(code == 1 && said.contains("nothing to serve"), "{said}");
    let (code, said) = folder.fails(&["missing.yaml"]);
    assert!(code == 1 && said.contains("missing.yaml"), "{said}");
    folder.file("latin.yaml", b"# \xe4\nflags: {}");
    let (code, said) = folder.fails(&["latin.yaml"]);
    assert!(code == 1 && said.contains("latin.yaml") && said.contains("UTF-8"), "{said}");
}

#[test]
fn a_bad_document_with_a_database_leaves_the_last_revision() {
    let folder = TestFolder::new();
    let first = revision(&folder.serve());
    folder.file("flags.yaml", BAD);
    let server = folder.serve();
    assert_eq!((revision(&server), served(&server)), (first, FLAGS.to_owned()));
    until("it is told", || server.log().contains("percentage").then_some(()));
    drop(server);
    let server = TestServer::start(folder.command(&["--database", "flags.db"]));
    assert_eq!((revision(&server), served(&server)), (first, FLAGS.to_owned()), "without a document as well");
}

#[test]
fn the_latest_edit_counts_wherever_it_was_made() {
    let folder = TestFolder::new();
    let arguments = &["--edits", "database"];
    let server = folder.serve_with(arguments);
    let put = server.put(&other("put")).expect(200).json()["revision"].as_u64().unwrap();
    server.kill();
    let server = folder.serve_with(arguments);
    assert_eq!((revision(&server), served(&server)), (put, other("put")), "the file has not changed since");
    server.kill();
    folder.file("flags.yaml", other("edited"));
    let server = folder.serve_with(arguments);
    assert_eq!(served(&server), other("edited"), "it was edited meanwhile");
    assert!(revision(&server) > put);
    server.put(&other("put_again")).expect(200);
    folder.file("flags.yaml", other("put"));
    serves(&server, &other("put"));
    assert_eq!(server.get("/revisions").json().as_array().unwrap().len(), 5);
}

/// Batches behind the last checkpoint are added up again by a start, and then another document may be in use.
#[test]
fn counts_of_a_flag_that_a_document_takes_away_are_kept_through_a_kill() {
    for how in ["put", "edit while away"] {
        let folder = TestFolder::new();
        let server = folder.serve();
        let mut host = Host::new(1);
        host.send(server.address, &[Tally { flag: "plain", decisions: 5, errors: 0, generation: 0 }])
            .unwrap()
            .expect(204);
        let text = other("another") + "removed: [plain]\n";
        if how == "put" {
            server.put(&text).expect(200);
            server.kill();
        } else {
            server.kill();
            folder.file("flags.yaml", &text);
        }
        let server = folder.serve();
        assert_eq!(served(&server), text);
        assert_eq!(server.figure(&decisions("plain")), 5, "{how}");
    }
}

fn revisions(server: &TestServer) -> usize {
    server.get("/revisions").json().as_array().unwrap().len()
}

/// It stays open for longer than an editor takes between two writes.
#[cfg(target_os = "linux")]
#[test]
fn a_slow_writer_is_published_when_it_has_closed_the_file() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let text = FLAGS.replace("percentage: 50", "percentage: 60");
    let (first, rest) = text.split_at(text.find("  guarded:").unwrap());
    let mut file = fs::File::create(folder.path("flags.yaml")).unwrap();
    file.write_all(first.as_bytes()).unwrap();
    thread::sleep(Duration::from_millis(600));
    assert_eq!(served(&server), FLAGS, "a half is not published");
    file.write_all(rest.as_bytes()).unwrap();
    drop(file);
    serves(&server, &text);
    assert_eq!(revisions(&server), 2);
}

#[test]
fn an_edit_that_removes_a_flag_is_read_again_before_it_is_published() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let text = FLAGS.replace("percentage: 50", "percentage: 60");
    folder.file("flags.yaml", &text[..text.find("  plain:").unwrap()]);
    thread::sleep(Duration::from_millis(600));
    assert_eq!(served(&server), FLAGS, "it may be the first of two parts");
    folder.file("flags.yaml", &text);
    serves(&server, &text);
    assert_eq!(revisions(&server), 2);
    let short = &text[..text.find("  plain:").unwrap()];
    folder.file("flags.yaml", short);
    serves(&server, short);
    until("the log names what was removed", || server.log().contains("has removed `plain`").then_some(()));
}

/// Another program has left the file empty, cut off, away, or far too long.
#[test]
fn a_start_with_a_file_that_is_no_document_serves_the_last_revision() {
    let folder = TestFolder::new();
    let first = revision(&folder.serve());
    for damage in ["empty", "cut off", "missing", "too long"] {
        match damage {
            "empty" => folder.file("flags.yaml", ""),
            "cut off" => folder.file("flags.yaml", b"flags:\n  plain: { rollout: { percent"),
            "missing" => fs::remove_file(folder.path("flags.yaml")).unwrap(),
            _ => fs::File::create(folder.path("flags.yaml")).unwrap().set_len(70 << 20).unwrap(),
        }
        let server = folder.serve();
        assert_eq!((revision(&server), served(&server)), (first, FLAGS.to_owned()), "{damage}");
        until(damage, || server.log().contains("ERROR").then_some(()));
        assert!(server.log().contains(&format!("revision {first} stays in use")), "{damage}: {}", server.log());
        assert_eq!(server.figure("flcm_file_refused"), 1, "{damage}");
    }
    folder.file("flags.yaml", FLAGS);
    let server = folder.serve();
    assert_eq!((revision(&server), server.figure("flcm_file_refused")), (first, 0));
}

/// A watcher that is woken by its own reading never sleeps.
#[cfg(target_os = "linux")]
#[test]
fn a_server_that_is_left_alone_does_nothing() {
    let folder = TestFolder::new();
    let server = folder.serve();
    server.get("/flags").expect(200);
    let reads = || {
        let io = fs::read_to_string(format!("/proc/{}/io", server.id())).unwrap();
        let line = io.lines().find_map(|line| line.strip_prefix("syscr: ")).unwrap();
        line.parse::<u64>().unwrap()
    };
    // One look at the document is what it takes to begin.
    folder.file("flags.yaml", other("edited"));
    serves(&server, &other("edited"));
    thread::sleep(Duration::from_millis(500));
    let before = reads();
    thread::sleep(Duration::from_secs(2));
    let after = reads();
    assert!(after - before < 20, "{} reads in two seconds", after - before);
}

#[test]
fn a_file_named_json_must_be_json() {
    const JSON: &str = r#"{ "flags": { "plain": { "rollout": { "percentage": 50 } } } }"#;
    let relaxed = JSON.replace("50 }", "50, }");
    let folder = TestFolder::new();
    folder.file("flags.json", &relaxed);
    let (code, said) = folder.fails(&["flags.json"]);
    assert!(code == 1 && said.contains("flags.json:1") && said.contains("JSON"), "{said}");
    folder.file("flags.json", JSON);
    let server = TestServer::start(folder.command(&["flags.json"]));
    folder.file("flags.json", &relaxed);
    let refused = until("the edit is refused", || {
        Some(server.get("/trips").json()["refused"].clone()).filter(|refused| !refused.is_null())
    });
    assert_eq!(refused["code"], "INVALID_DOCUMENT", "{refused}");
    assert_eq!(served(&server), JSON);
}
