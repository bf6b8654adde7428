//! `flcm serve` and `flcm key`, as far as they are about the command line: the server's own tests are in its crate.

use std::io::{BufRead, BufReader};

use super::run::TestFolder;

#[test]
fn a_document_with_errors_is_quoted() {
    let desk = TestFolder::new();
    desk.file("flags.yaml", "flags:\n  broken:\n    rollout: { percentage: 200 }\n");
    let error = desk.run(&["serve", "flags.yaml", "--listen", "127.0.0.1:0"]).failed();
    assert!(error.contains("percentage: 200") && error.contains("flags.yaml is refused"), "{error}");
    let error = desk.run(&["serve"]).failed();
    assert!(error.contains("neither a document nor a database"), "{error}");
}

#[test]
fn a_key_is_printed_with_the_line_that_the_server_reads() {
    let desk = TestFolder::new();
    let printed = desk.run(&["key", "ci", "--role", "admin"]).well();
    let (key, line) = printed.trim().split_once('\n').expect("two lines");
    assert!(key.starts_with("flcm_admin_") && line.contains(r#""name":"ci""#) && !line.contains(key), "{printed}");
    desk.file("flags.yaml", "flags:\n  plain:\n    rollout: { percentage: 50 }\n");
    desk.file("keys.json", format!("[{line}]"));
    let mut server = desk.spawn(&["serve", "flags.yaml", "--keys", "keys.json", "--listen", "127.0.0.1:0"]);
    let lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let heard = lines
        .map_while(Result::ok)
        .find(|line| line.starts_with("listening on 127.0.0.1:") || line.starts_with("error"));
    server.kill().unwrap();
    server.wait().unwrap();
    assert!(heard.is_some_and(|line| line.starts_with("listening")));
}

/// A server that ends with the test.
struct Served {
    child: std::process::Child,
    url: String,
}

impl Served {
    fn start(folder: &TestFolder, arguments: &[&str]) -> Self {
        let mut child = folder.spawn(&[&["serve", "flags.yaml", "--listen", "127.0.0.1:0"], arguments].concat());
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = lines.find_map(|line| Some(line.strip_prefix("listening on ")?.to_owned())).expect("it listens");
        // Goes on reading: a full pipe would stop the server.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url: format!("http://{address}") }
    }
}

impl Served {
    /// A server of [`FLAGS`] that wants the key in the file `key`.
    fn with_key(folder: &TestFolder) -> Self {
        folder.file("flags.yaml", FLAGS);
        let printed = folder.run(&["key", "ci", "--role", "admin"]).well();
        let (key, line) = printed.trim().split_once('\n').expect("two lines");
        folder.file("keys.json", format!("[{line}]"));
        folder.file("key", format!("{key}\n"));
        Self::start(folder, &["--keys", "keys.json"])
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const FLAGS: &str = "flags:\n  a: { rollout: { percentage: 5 } }\n  b: { rollout: { percentage: 5 } }\n  \
                     c: { rollout: { percentage: 5 } }\n";

#[test]
fn a_document_is_published_by_a_command() {
    let folder = TestFolder::new();
    let server = Served::with_key(&folder);
    let publish = |arguments: &[&str]| {
        folder.run(&[&["publish", "new.yaml", "--server", &server.url, "--key-file", "key"], arguments].concat())
    };
    folder.file("new.yaml", FLAGS.replace("percentage: 5", "percentage: 10"));
    let ran = publish(&["--dry-run"]);
    assert!(
        ran.code == Some(0) && ran.err.contains("would be published") && ran.err.contains("3 flags change"),
        "{ran:?}"
    );
    let ran = publish(&["--reason", "more users"]);
    assert!(ran.code == Some(0) && ran.err.contains("is published as revision"), "{ran:?}");
    assert!(String::from_utf8(folder.read("flags.yaml")).unwrap().contains("percentage: 10"), "the file has it");
    let error = publish(&["--if-match", "\"0123456789abcdef\""]).failed();
    assert!(error.contains("CONFLICT") && error.contains("help:"), "{error}");
    folder.file("new.yaml", "flags: {}");
    let error = publish(&[]).failed();
    assert!(error.contains("REMOVES_FLAGS") && error.contains("`a`, `b`, `c`"), "{error}");
    let ran = publish(&["--allow-removal"]);
    assert!(ran.code == Some(0) && ran.err.contains("it removes a, b, c"), "{ran:?}");
    folder.file("new.yaml", "");
    assert!(publish(&["--allow-removal"]).failed().contains("no-flags"));
    folder.file("new.yaml", FLAGS);
    let error = folder.run(&["publish", "new.yaml", "--server", &server.url]).failed();
    assert!(error.contains("UNAUTHORIZED"), "{error}");
    let error = folder.run(&["publish", "new.yaml", "--server", "http://127.0.0.1:9"]).failed();
    assert!(error.contains("does not answer") && error.contains("help:"), "{error}");
}

#[test]
fn a_key_may_expire_and_has_a_name_that_the_audit_can_show() {
    let desk = TestFolder::new();
    let printed = desk.run(&["key", "ci", "--role", "admin", "--expires", "2027-01-01T00:00:00Z"]).well();
    assert!(printed.contains(r#""expires":"2027-01-01T00:00:00Z""#), "{printed}");
    for wrong in [&["ci", "--expires", "tomorrow"][..], &["breaker"], &[""], &["two\nlines"]] {
        let error = desk.run(&[&["key", "--role", "admin"], wrong].concat()).failed();
        assert!(error.contains("name") || error.contains("2027-01-01T00:00:00Z"), "{wrong:?}: {error}");
    }
}

#[test]
fn the_audit_of_a_database_is_verified() {
    let desk = TestFolder::new();
    desk.file("flags.yaml", "flags:\n  plain:\n    rollout: { percentage: 50 }\n");
    let mut server = desk.spawn(&["serve", "flags.yaml", "--listen", "127.0.0.1:0"]);
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.starts_with("listening on 127.0.0.1:")));
    server.kill().unwrap();
    server.wait().unwrap();
    let whole = desk.run(&["audit", "verify", "flags.db"]).well();
    let head = whole.trim().strip_prefix("OK: 1 rows, head ").expect("a head").to_owned();
    desk.run(&["audit", "verify", "flags.db", "--head", &head]).well();
    let error = desk.run(&["audit", "verify", "flags.db", "--head", &"0".repeat(64)]).failed();
    assert!(error.contains("the audit is broken") && error.contains("--head"), "{error}");
    let error = desk.run(&["audit", "verify", "missing.db"]).failed();
    assert!(error.contains("missing.db"), "{error}");
}

#[test]
fn a_flag_is_held_and_released_by_a_command() {
    let folder = TestFolder::new();
    let server = Served::with_key(&folder);
    let run = |arguments: &[&str]| folder.run(&[arguments, &["--server", &server.url, "--key-file", "key"]].concat());
    let ran = run(&["hold", "a"]);
    assert!(ran.code == Some(0) && ran.err.contains("`a` is off for everyone"), "{ran:?}");
    let ran = run(&["release", "a", "--reason", "it was not this one"]);
    assert!(ran.code == Some(0) && ran.err.contains("`a` is not held any more"), "{ran:?}");
    let error = run(&["hold", "no/such flag"]).failed();
    assert!(error.contains("FLAG_NOT_FOUND"), "{error}");
    let error = run(&["acknowledge", "a", "--generation", "3"]).failed();
    assert!(error.contains("INVALID_STATE"), "{error}");
    let error = folder.run(&["hold", "a", "--server", &server.url]).failed();
    assert!(error.contains("UNAUTHORIZED"), "{error}");
}

#[test]
fn an_earlier_revision_is_published_again_by_a_command() {
    let folder = TestFolder::new();
    let server = Served::with_key(&folder);
    let run = |arguments: &[&str]| folder.run(&[arguments, &["--server", &server.url, "--key-file", "key"]].concat());
    let error = run(&["revert"]).failed();
    assert!(error.contains("there is no earlier revision"), "{error}");
    folder.file("new.yaml", FLAGS.replace("percentage: 5", "percentage: 10"));
    run(&["publish", "new.yaml"]).well();
    let ran = run(&["revert", "--reason", "wrong prices"]);
    assert!(ran.code == Some(0) && ran.err.contains("is in use again, as revision"), "{ran:?}");
    assert_eq!(String::from_utf8(folder.read("flags.yaml")).unwrap(), FLAGS);
    let error = run(&["revert", "7"]).failed();
    assert!(error.contains("REVISION_NOT_FOUND"), "{error}");
}
