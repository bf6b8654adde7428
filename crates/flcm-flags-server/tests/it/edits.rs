//! Where edits over HTTP go: into the file, into the database alone, or nowhere.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::http::{Answer, ask};
use crate::test_server::{FLAGS, TestFolder, TestServer, until};

fn with_percentage(percentage: u32) -> String {
    FLAGS.replace("percentage: 50", &format!("percentage: {percentage}"))
}

fn read(folder: &TestFolder) -> String {
    fs::read_to_string(folder.path("flags.yaml")).unwrap()
}

fn served(server: &TestServer) -> String {
    ask(server.address, "GET", "/flags", &[("accept", "application/yaml")], b"").unwrap().text()
}

fn revision(server: &TestServer) -> u64 {
    server.get("/trips").json()["revision"].as_u64().unwrap()
}

fn refused(server: &TestServer) -> serde_json::Value {
    until("an edit is refused", || Some(server.get("/trips").json()["refused"].clone()).filter(|edit| !edit.is_null()))
}

fn revert(server: &TestServer, number: u64) -> Answer {
    let headers = [("content-type", "application/json"), ("if-match", "*")];
    ask(server.address, "POST", &format!("/revisions/{number}/revert"), &headers, b"{}").unwrap()
}

#[test]
fn a_put_and_a_revert_are_written_to_the_file() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let first = revision(&server);
    let text = format!("# a comment, and  odd   spaces\r\n{}", with_percentage(60));
    server.put(&text).expect(200);
    assert_eq!(read(&folder), text, "byte for byte");
    revert(&server, first).expect(200);
    assert_eq!(read(&folder), FLAGS);
    // The watcher sees that the file has changed, and publishes nothing.
    let last = revision(&server);
    thread::sleep(Duration::from_millis(500));
    assert_eq!((revision(&server), server.get("/revisions").json().as_array().unwrap().len()), (last, 3));
    // The next edit of the file is based on what was published over HTTP.
    server.put(&with_percentage(60)).expect(200);
    let edited = read(&folder) + "  another: { rollout: { percentage: 5 } }\n";
    folder.file("flags.yaml", &edited);
    until("the edit is served", || (served(&server) == edited).then_some(()));
    assert!(served(&server).contains("percentage: 60"));
}

#[cfg(unix)]
#[test]
fn a_file_keeps_its_mode_its_owner_and_its_link() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
    let folder = TestFolder::new();
    fs::create_dir(folder.path("real")).unwrap();
    fs::rename(folder.path("flags.yaml"), folder.path("real/shop.yaml")).unwrap();
    fs::set_permissions(folder.path("real/shop.yaml"), fs::Permissions::from_mode(0o640)).unwrap();
    let _ = chown(folder.path("real/shop.yaml"), Some(1234), Some(4321));
    symlink("real/shop.yaml", folder.path("flags.yaml")).unwrap();
    let before = fs::metadata(folder.path("flags.yaml")).unwrap();
    let server = folder.serve();
    server.put(&with_percentage(60)).expect(200);
    let after = fs::metadata(folder.path("flags.yaml")).unwrap();
    let facts = |of: &fs::Metadata| (of.mode() & 0o7777, of.uid(), of.gid());
    assert_eq!(facts(&after), facts(&before));
    assert_ne!(after.ino(), before.ino(), "it is another file, so that no reader sees a part");
    assert!(fs::symlink_metadata(folder.path("flags.yaml")).unwrap().is_symlink());
    assert_eq!(read(&folder), with_percentage(60));
    assert_eq!(fs::read_dir(folder.path("real")).unwrap().count(), 1, "nothing is left beside it");
    // Edits behind the link are followed as well.
    folder.file("real/shop.yaml", with_percentage(70));
    until("the edit is served", || (served(&server) == with_percentage(70)).then_some(()));
}

#[test]
fn a_put_does_not_undo_an_edit_of_the_file() {
    let folder = TestFolder::new();
    let server = folder.serve();
    folder.file("flags.yaml", "flags: { plain: { rollout: { percentage: 120 } } }");
    assert_eq!(refused(&server)["code"], "INVALID_DOCUMENT");
    let (before, broken) = (revision(&server), read(&folder));
    assert_eq!(server.put(&with_percentage(60)).expect(409).code(), "FILE_CHANGED");
    assert_eq!(revert(&server, before).expect(409).code(), "FILE_CHANGED");
    assert_eq!((revision(&server), read(&folder)), (before, broken));
    folder.file("flags.yaml", FLAGS);
    until("nothing is refused", || server.get("/trips").json()["refused"].is_null().then_some(()));
    server.put(&with_percentage(60)).expect(200);
}

/// The server ends after a revision is stored and before it is in the file, and is started again.
#[test]
fn a_file_that_is_behind_is_brought_up_to_date() {
    let folder = TestFolder::new();
    let server = folder.serve_with(&["--edits", "database"]);
    server.put(&with_percentage(60)).expect(200);
    assert_eq!(read(&folder), FLAGS, "the database alone has it");
    server.kill();
    let server = folder.serve();
    assert_eq!((served(&server), read(&folder)), (with_percentage(60), with_percentage(60)));
}

#[test]
fn an_edit_of_an_older_revision_is_refused_with_the_difference() {
    let folder = TestFolder::new();
    let server = folder.serve_with(&["--edits", "database"]);
    server.put(&with_percentage(60)).expect(200);
    let put = revision(&server);
    server.kill();
    let edited = format!("{FLAGS}  another: {{ rollout: {{ percentage: 5 }} }}\n");
    folder.file("flags.yaml", &edited);
    let server = folder.serve();
    assert_eq!((revision(&server), served(&server)), (put, with_percentage(60)));
    assert_eq!(refused(&server)["code"], "FILE_BEHIND");
    assert!(server.log().contains("another") && server.log().contains("rule 1 percentage"), "{}", server.log());
    assert_eq!(server.put(&with_percentage(70)).expect(409).code(), "FILE_CHANGED");
    // Ways out: publish the file as it is, or begin with the revision in use.
    server.put(&edited).expect(200);
    assert_eq!(served(&server), edited);
    assert!(server.get("/trips").json()["refused"].is_null());
    drop(server);
    // With `--edits database` the latest edit wins.
    let server = folder.serve_with(&["--edits", "database"]);
    server.put(&with_percentage(80)).expect(200);
    folder.file("flags.yaml", with_percentage(90));
    until("the edit is served", || (served(&server) == with_percentage(90)).then_some(()));
}

#[test]
fn a_file_that_is_managed_elsewhere_is_the_only_way() {
    let folder = TestFolder::new();
    let server = folder.serve_with(&["--edits", "none"]);
    assert_eq!(server.put(&with_percentage(60)).expect(403).code(), "MANAGED");
    assert_eq!(revert(&server, revision(&server)).expect(403).code(), "MANAGED");
    let headers = [("content-type", "application/yaml"), ("if-match", "*")];
    ask(server.address, "PUT", "/flags?dry_run=true", &headers, with_percentage(60).as_bytes()).unwrap().expect(200);
    server.post("/flags/plain/hold", "{}").expect(200);
    folder.file("flags.yaml", with_percentage(70));
    until("the edit is served", || (served(&server) == with_percentage(70)).then_some(()));
}

#[cfg(unix)]
#[test]
fn where_edits_go_follows_from_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TestFolder::new();
    fs::set_permissions(folder.path("flags.yaml"), fs::Permissions::from_mode(0o444)).unwrap();
    assert_eq!(folder.serve().put(&with_percentage(60)).expect(403).code(), "MANAGED");
    let (code, log) = folder.fails(&["flags.yaml", "--edits", "file"]);
    assert!(code == 1 && log.contains("flags.yaml cannot be written") && log.contains("permissions"), "{log}");
    let (code, log) = folder.fails(&["--database", "flags.db", "--edits", "file"]);
    assert!(code == 1 && log.contains("needs a document"), "{log}");
    let (code, log) = folder.fails(&["flags.yaml", "--edits", "cloud"]);
    assert!(code == 2 && log.contains("file, database or none"), "{log}");
    let server = TestServer::start(folder.command(&["--database", "flags.db"]));
    server.put(&with_percentage(60)).expect(200);
    assert_eq!(read(&folder), FLAGS);
}
