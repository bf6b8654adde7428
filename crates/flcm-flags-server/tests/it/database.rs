//! Databases that are locked, damaged, of others, or on their own after the document.

use std::fs;
use std::time::Duration;

use crate::host::{Host, Tally, decisions};
use crate::test_server::{TestFolder, bytes, until};

const SERVE: &[&str] = &["flags.yaml"];

fn tally(flag: &str) -> Tally<'_> {
    Tally { flag, decisions: 1, errors: 0, generation: 0 }
}

#[test]
fn one_that_another_program_holds_is_refused_at_the_start() {
    let folder = TestFolder::new();
    folder.serve().stop();
    let other = folder.database();
    // Both of them: with its journal, readers go on beside a writer.
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE facts SET number = number").unwrap();
    let (code, said) = folder.fails(SERVE);
    assert_eq!(code, 1);
    assert!(said.contains("flags.db") && said.contains("another program holds the database"), "{said}");
    drop(other);
    folder.serve();
}

#[test]
fn one_that_another_program_holds_for_a_while_takes_nothing_until_then() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let mut host = Host::new(1);
    host.send(server.address, &[tally("plain")]).unwrap().expect(204);
    let other = folder.database();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = host.send(server.address, &[tally("plain")]).unwrap().expect(503);
    assert!(refused.header("retry-after").is_some());
    server.put(crate::test_server::FLAGS).expect(503);
    server.get("/flags").expect(200);
    // In force at once, and it says that it is not stored.
    assert_eq!(server.post("/flags/guarded/hold", "{}").expect(503).code(), "NOT_YET_STORED");
    let trips = server.get("/trips").json();
    assert_eq!((&trips["flags"]["guarded"]["trip"], &trips["stored"]), (&"off".into(), &false.into()));
    other.execute_batch("COMMIT").unwrap();
    host.send(server.address, &[]).unwrap().expect(204);
    until("it is stored", || (server.figure("flcm_stored") == 1).then_some(()));
    assert_eq!(server.figure(&decisions("plain")), 2);
    server.kill();
    let server = folder.serve();
    assert_eq!(server.trip("guarded")["mode"], "held");
    assert_eq!(server.figure(&decisions("plain")), 2);
}

#[test]
fn one_that_is_damaged_is_named_and_left_alone() {
    let whole = TestFolder::new();
    whole.serve().stop();
    let good = bytes(&whole.path("flags.db"));
    let mut torn = good.clone();
    torn[16_384..40_000].fill(0xA5);
    for damaged in [b"this is no database, and it is long enough to be looked at".repeat(100), torn] {
        let folder = TestFolder::new();
        folder.file("flags.db", &damaged);
        let (code, said) = folder.fails(SERVE);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("flags.db") && said.contains("damaged") && said.contains("restore a backup"), "{said}");
        assert_eq!(bytes(&folder.path("flags.db")), damaged);
    }
}

/// What it did last is not in the file yet but in its journal: a start that fails must not bring it there.
#[test]
fn one_that_is_damaged_is_left_alone_with_its_journal() {
    let folder = TestFolder::new();
    folder.serve().stop();
    let server = folder.serve();
    server.post("/flags/plain/hold", "{}").expect(200);
    server.kill();
    assert!(bytes(&folder.path("flags.db-wal")).len() > 1000);
    let mut damaged = bytes(&folder.path("flags.db"));
    damaged[16_384..].fill(0xA5);
    folder.file("flags.db", &damaged);
    let (code, said) = folder.fails(SERVE);
    assert!(code == 1 && said.contains("flags.db") && said.contains("damaged"), "{said}");
    assert_eq!(bytes(&folder.path("flags.db")), damaged);
    assert!(bytes(&folder.path("flags.db-wal")).len() > 1000);
}

#[test]
fn two_servers_do_not_share_one() {
    let folder = TestFolder::new();
    let first = folder.serve();
    let (code, said) = folder.fails(SERVE);
    assert_eq!(code, 1);
    assert!(said.contains("another server uses the database") && said.contains("flags.db"), "{said}");
    first.get("/readyz").expect(200);
    drop(first);
    folder.serve();
}

#[test]
fn one_of_another_version_or_of_another_program_is_refused_and_left_alone() {
    let version =
        |of: &TestFolder| -> u32 { of.database().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap() };
    let folder = TestFolder::new();
    folder.serve().stop();
    let own = version(&folder);
    for (other, help) in [(own + 1, "use the release that wrote it"), (own - 1, "SELECT document FROM revisions")] {
        let change = format!("PRAGMA user_version = {other}; PRAGMA journal_mode = DELETE");
        folder.database().execute_batch(&change).unwrap();
        let before = bytes(&folder.path("flags.db"));
        let (code, said) = folder.fails(SERVE);
        let versions = format!("flags.db: the database has version {other}, and this server needs version {own}");
        assert!(code == 1 && said.contains(&versions) && said.contains(help), "{said}");
        assert_eq!(bytes(&folder.path("flags.db")), before);
    }
    let foreign = TestFolder::new();
    foreign.database().execute_batch("CREATE TABLE songs (title TEXT)").unwrap();
    let before = bytes(&foreign.path("flags.db"));
    let (code, said) = foreign.fails(SERVE);
    assert!(code == 1 && said.contains("flags.db") && said.contains("another program"), "{said}");
    assert_eq!(bytes(&foreign.path("flags.db")), before);
}

/// Two of its tables, with the version that it gave them.
#[test]
fn one_of_an_earlier_build_says_how_to_go_on() {
    let folder = TestFolder::new();
    let revisions = "CREATE TABLE revisions (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, author TEXT NOT NULL, \
                     reason TEXT NOT NULL, origin TEXT NOT NULL, digest TEXT NOT NULL, document TEXT NOT NULL) STRICT";
    let facts = "CREATE TABLE facts (name TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT, WITHOUT ROWID";
    folder.database().execute_batch(&format!("{revisions}; {facts}; PRAGMA user_version = 1")).unwrap();
    let document = crate::test_server::FLAGS.replace("50", "60");
    let insert = "INSERT INTO revisions VALUES (1, 2, 'ci', '', 'put', '0', ?1)";
    folder.database().execute(insert, [&document]).unwrap();
    let (code, said) = folder.fails(SERVE);
    assert!(code == 1 && said.contains("flags.db: the database has version 1"), "{said}");
    // The help, followed.
    let query = said.split_once('"').unwrap().1.split_once('"').unwrap().0;
    let saved: String = folder.database().query_row(query, [], |row| row.get(0)).unwrap();
    assert_eq!(saved, document);
    folder.file("flags.yaml", saved);
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(folder.path(&format!("flags.db{ending}")));
    }
    folder.serve();
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_to_is_told() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let folder = TestFolder::new();
    let binary = folder.path("flcm");
    fs::copy(env!("CARGO_BIN_EXE_flcm-flags-server"), &binary).unwrap();
    fs::set_permissions(folder.path(""), fs::Permissions::from_mode(0o555)).unwrap();
    let mut command = folder.command(SERVE);
    let is_root = fs::metadata("/proc/self").is_ok_and(|of| std::os::unix::fs::MetadataExt::uid(&of) == 0);
    if is_root {
        // The superuser may write everywhere. The binary may be where only that may read.
        command = std::process::Command::new(binary);
        command.args(["flags.yaml", "--listen", "127.0.0.1:0"]).current_dir(folder.path("")).uid(65534);
    }
    // Another test that starts a server may still hold what was copied open to write.
    let out = until("it is run", || command.output().ok());
    fs::set_permissions(folder.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1));
    assert!(said.contains("flags.db") && said.contains("permissions"), "{said}");
}

/// The wall clock may have been set back while the server was away.
#[test]
fn the_fleets_time_goes_on_behind_what_was_written_last() {
    const HOUR: Duration = Duration::from_hours(1);
    let folder = TestFolder::new();
    let server = folder.serve();
    server.post("/flags/guarded/hold", "{}").expect(200);
    let first = server.trip("guarded")["last"]["at"].as_u64().unwrap();
    server.kill();
    // As if all of this had been written an hour from now.
    let hour = u64::try_from(HOUR.as_millis()).unwrap();
    let database = folder.database();
    let last = "INSERT INTO audit SELECT id + 1, at + ?1, actor, action, flag, revision, reason, detail, address, hash, \
                'forged' FROM audit ORDER BY id DESC LIMIT 1";
    database.execute(last, [hour.cast_signed()]).unwrap();
    drop(database);
    let server = folder.serve();
    server.post("/flags/guarded/release", "{}").expect(200);
    let second = server.trip("guarded")["last"]["at"].as_u64().unwrap();
    assert!(second >= first + hour, "{first} {second}");
    server.kill();
    let server = folder.serve();
    server.post("/flags/guarded/hold", "{}").expect(200);
    let third = server.trip("guarded")["last"]["at"].as_u64().unwrap();
    assert!(third > second, "{second} {third}");
}
