//! Starts: what is refused, and that the reason helps.

use std::net::TcpListener;

use crate::test_server::{TestFolder, TestServer, key};

const SERVE: &[&str] = &["flags.yaml"];

fn fails_with(folder: &TestFolder, secret: &str, arguments: &[&str]) -> String {
    let mut command = folder.command(&[SERVE, arguments].concat());
    let out = command.env("FLCM_WEBHOOK_SECRET", secret).output().unwrap();
    assert_eq!(out.status.code(), Some(1));
    String::from_utf8(out.stderr).unwrap()
}

#[cfg(unix)]
#[test]
fn only_the_user_of_the_server_reads_its_database() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TestFolder::new();
    let mode = |name: &str| std::fs::metadata(folder.path(name)).unwrap().permissions().mode() & 0o777;
    let server = folder.serve();
    for name in ["flags.db", "flags.db-wal", "flags.db-shm", "flags.db.lock"] {
        assert_eq!(mode(name), 0o600, "{name}: {:o}", mode(name));
    }
    server.stop();
    std::fs::set_permissions(folder.path("flags.db"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let _server = folder.serve();
    for name in ["flags.db", "flags.db-wal", "flags.db-shm"] {
        assert_eq!(mode(name), 0o600, "{name}: {:o}", mode(name));
    }
}

#[test]
fn secrets_that_sign_nothing_are_refused() {
    let folder = TestFolder::new();
    for secret in ["", "  ", "whsec_", "whsec_no base64!"] {
        let why = fails_with(&folder, secret, &["--webhook", "http://127.0.0.1:9/hook"]);
        assert!(why.contains("FLCM_WEBHOOK_SECRET") && why.contains("openssl rand"), "{secret:?}: {why}");
        assert!(!why.contains("no base64"), "{why}");
    }
}

#[test]
fn names_of_keys_that_would_mislead_the_audit_are_refused() {
    let folder = TestFolder::new();
    let line = key("ci").1;
    for name in ["", "breaker", "file", "server", "fleet", "anyone", "a\\nb", "a\\u0007"] {
        folder.file("keys.json", format!("[{}]", line.replace("\"ci\"", &format!("\"{name}\""))));
        let (code, why) = folder.fails(&["flags.yaml", "--keys", "keys.json"]);
        assert!(code == 1 && why.contains("keys.json") && why.contains("name"), "{name}: {why}");
        let is_whole = |line: &str| line.starts_with("error: ") || line.contains(" WARN ");
        assert!(why.trim().lines().all(is_whole), "the name breaks no line: {why}");
    }
    folder.file("keys.json", format!("[{line},{}]", key("ci").1));
    let (code, why) = folder.fails(&["flags.yaml", "--keys", "keys.json"]);
    assert!(code == 1 && why.contains("two keys have the name `ci`"), "{why}");
}

#[test]
fn keys_in_plain_text_over_a_network_are_a_warning() {
    const WARNING: &str = "without TLS, keys cross the network in plain text";
    let folder = TestFolder::new();
    folder.file("keys.json", format!("[{}]", key("ci").1));
    let log = |listen: &str| folder.serve_with(&["--keys", "keys.json", "--listen", listen]).log();
    let open = log("0.0.0.0:0");
    assert!(open.contains("WARN") && open.contains(WARNING), "{open}");
    assert!(!log("127.0.0.1:0").contains(WARNING));
}

#[test]
fn an_address_may_be_localhost_and_what_is_wrong_is_explained() {
    let folder = TestFolder::new();
    let server = folder.serve_with(&["--listen", "localhost:0"]);
    assert!(server.address.ip().is_loopback());
    drop(server);
    let wrong = |listen: &str| {
        let out = folder.command(&["flags.yaml", "--listen", listen]).output().unwrap();
        assert!(!out.status.success());
        String::from_utf8(out.stderr).unwrap()
    };
    for listen in ["flags.example.com:8787", ":8787", "8787", "127.0.0.1"] {
        let why = wrong(listen);
        assert!(why.contains("127.0.0.1:8787") && why.contains("0.0.0.0:8787"), "{listen}: {why}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let why = wrong(&taken.local_addr().unwrap().to_string());
    assert!(why.contains("another program listens on") && why.contains("--listen"), "{why}");
    folder.file("keys.json", format!("[{}]", key("ci").1));
    let (_, why) = folder.fails(&["flags.yaml", "--keys", "keys.json", "--listen", "192.0.2.1:8787"]);
    assert!(why.contains("no network interface of this machine has"), "{why}");
}

#[test]
fn a_folder_for_the_database_that_does_not_exist_is_named() {
    let folder = TestFolder::new();
    let (code, why) = folder.fails(&["flags.yaml", "--database", "missing/flags.db"]);
    assert!(code == 1 && why.contains("the folder `missing` does not exist"), "{why}");
}

#[test]
fn as_json_the_log_is_json_from_the_first_line() {
    let folder = TestFolder::new();
    let parse = |log: &str| -> Vec<serde_json::Value> {
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
    };
    folder.file("broken.yaml", "flags: { a: { rollout: { percentage: 200 } } }\n");
    for (arguments, reason) in [
        (&["broken.yaml", "--log-json"][..], "percentage"),
        (&["flags.yaml", "--log-json", "--keys", "missing.json"], "missing.json"),
        (&["flags.yaml", "--log-json", "--listen", "0.0.0.0:0"], "without keys"),
    ] {
        let (code, log) = folder.fails(arguments);
        let lines = parse(&log);
        assert!(code == 1 && log.contains(reason), "{log}");
        assert!(lines.iter().any(|line| line["level"] == "ERROR"), "{log}");
    }
    let server = TestServer::start(folder.command(&["flags.yaml", "--log-json"]));
    let lines = parse(&server.stop());
    assert!(lines.iter().any(|line| line["fields"]["message"] == "listening"), "{lines:?}");
}

#[test]
fn warnings_of_a_refused_edit_are_logged_as_warnings() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let edit =
        "flags:\n  plain: { rollout: { percentage: 200 } }\n  other: { rollout: { cohorts: [{ vips: true }] } }\n";
    let counts = flcm_flags_config::check(edit).1.counts();
    assert!(counts.0 > 0 && counts.1 > 0, "{counts:?}");
    folder.file("flags.yaml", edit);
    crate::test_server::until("it is refused", || server.log().contains("is refused").then_some(()));
    let log = server.stop();
    let levels = |level: &str| log.lines().filter(|line| line.contains(level) && line.contains("flags.yaml:")).count();
    assert_eq!((levels("ERROR"), levels("WARN")), counts, "{log}");
}

/// A path may be misspelt, and a disk may be broken: whatever is read has a length first.
#[test]
fn files_that_are_too_long_are_refused_by_their_length() {
    let folder = TestFolder::new();
    let long = |name: &str, head: &[u8]| {
        folder.file(name, head);
        let file = std::fs::File::options().write(true).open(folder.path(name)).unwrap();
        file.set_len(300 << 20).unwrap();
    };
    long("long", b"");
    long("flags.signed", &flcm_flags::snapshot::wire::MAGIC);
    folder.file("short.signed", flcm_flags::snapshot::wire::MAGIC);
    long("short.signed.sig", b"");
    for (name, arguments) in [
        ("long", &["long"][..]),
        ("flags.signed", &["flags.signed"]),
        ("short.signed.sig", &["short.signed"]),
        ("long", &["flags.yaml", "--keys", "long"]),
        ("long", &["flags.yaml", "--signing-key", "long", "--audience", "prod"]),
        ("long", &["flags.yaml", "--tls-cert", "long", "--tls-key", "long"]),
    ] {
        let (code, why) = folder.fails(arguments);
        let is_named = why.contains(name) && why.contains("314572800 bytes, more than the limit of");
        assert!(code == 1 && is_named, "{arguments:?}: {why}");
    }
    // What has no length is read no further than that.
    let (code, why) = folder.fails(&["flags.yaml", "--keys", "/dev/zero"]);
    assert!(code == 1 && why.contains("more than the limit of"), "{why}");
}
