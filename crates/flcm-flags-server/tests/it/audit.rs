//! The audit as a chain of hashes, and where requests came from.

use flcm_flags_server::{AuditCheck, verify_audit};
use serde_json::Value;

use crate::http::ask;
use crate::test_server::{TestFolder, until};

/// What whoever can write to the database does first.
const DROP: &str = "DROP TRIGGER audit_keeps; DROP TRIGGER audit_stays; DROP TRIGGER audit_grows;";

/// A database with seven records.
fn audited() -> (TestFolder, String) {
    let folder = TestFolder::new();
    let server = folder.serve();
    for command in ["hold", "release", "hold", "release", "hold", "release"] {
        server.post(&format!("/flags/plain/{command}"), r#"{"reason":"a drill"}"#).expect(200);
    }
    let log = server.stop();
    let head = log.rsplit_once("head=").expect("the head is in the log").1;
    let head = head.trim_start_matches('"')[..64].to_owned();
    (folder, head)
}

fn verify(folder: &TestFolder, head: Option<&str>) -> Result<String, (i64, String)> {
    match verify_audit(&folder.path("flags.db"), head).unwrap() {
        AuditCheck::Whole { head, rows: 7 } => Ok(head),
        AuditCheck::Whole { rows, .. } => panic!("{rows} rows"),
        AuditCheck::Broken { row, what } => Err((row, what)),
    }
}

#[test]
fn what_nobody_has_touched_is_whole_and_the_log_names_its_head() {
    let (folder, head) = audited();
    assert_eq!(verify(&folder, None), Ok(head.clone()));
    assert_eq!(verify(&folder, Some(&head)), Ok(head.clone()));
    let log = folder.serve().stop();
    assert!(log.matches(&head).count() == 2, "at the start and at the end: {log}");
    // An older head is in the chain of newer rows.
    let server = folder.serve();
    server.post("/flags/plain/hold", "{}").expect(200);
    let newest = server.get("/audit?limit=1").json()[0].clone();
    assert_eq!(newest["previous"], head.as_str());
    server.stop();
    assert!(matches!(verify_audit(&folder.path("flags.db"), Some(&head)).unwrap(), AuditCheck::Whole { rows: 8, .. }));
}

#[test]
fn the_first_row_that_was_changed_or_removed_is_named() {
    let attacks = [
        ("UPDATE audit SET reason = 'nothing' WHERE id = 3", 3),
        ("UPDATE audit SET actor = 'somebody else' WHERE id = 1", 1),
        ("UPDATE audit SET at = at + 1 WHERE id = 7", 7),
        ("DELETE FROM audit WHERE id = 4", 5),
        ("DELETE FROM audit WHERE id = 1", 2),
        ("DELETE FROM audit WHERE id > 5", 6),
        ("UPDATE audit SET previous = (SELECT hash FROM audit WHERE id = 2) WHERE id = 5", 5),
        ("DELETE FROM audit WHERE id = 4; UPDATE audit SET id = id - 1 WHERE id > 4", 4),
    ];
    for (attack, row) in attacks {
        let (folder, _) = audited();
        folder.database().execute_batch(&format!("{DROP} {attack}")).unwrap();
        let broken = verify(&folder, None).unwrap_err();
        assert_eq!(broken.0, row, "{attack}: {}", broken.1);
    }
}

#[test]
fn rows_that_are_missing_at_the_end_are_seen_by_the_head() {
    let (folder, head) = audited();
    let cut = "DELETE FROM audit WHERE id > 5; UPDATE sqlite_sequence SET seq = 5 WHERE name = 'audit'";
    folder.database().execute_batch(&format!("{DROP} {cut}")).unwrap();
    assert!(matches!(verify_audit(&folder.path("flags.db"), None).unwrap(), AuditCheck::Whole { rows: 5, .. }));
    let (row, what) = verify(&folder, Some(&head)).unwrap_err();
    assert!(row == 0 && what.contains("rows after 5 are missing"), "{row} {what}");
}

#[test]
fn addresses_are_in_the_audit_and_in_the_log_of_requests() {
    let folder = TestFolder::new();
    let mut command = folder.command(&["flags.yaml"]);
    command.env("FLCM_LOG", "debug");
    let server = crate::test_server::TestServer::start(command);
    server.post("/flags/plain/hold", "{}").expect(200);
    server.put("flags: { other: { rollout: { percentage: 1 } } }\n");
    let headers = [("content-type", "application/yaml"), ("if-match", "*")];
    let document = format!("{}# edited\n", crate::test_server::FLAGS);
    ask(server.address, "PUT", "/flags", &headers, document.as_bytes()).unwrap().expect(200);
    let audit = server.get("/audit").json();
    let address = |action: &str| {
        let records = audit.as_array().unwrap().iter();
        let found = records.filter(|record| record["action"] == action && record["actor"] == "anyone");
        found.map(|record| record["address"].clone()).next().unwrap_or_default()
    };
    assert_eq!((address("hold"), address("publish")), ("127.0.0.1".into(), "127.0.0.1".into()), "{audit}");
    let read = audit.as_array().unwrap().iter().find(|record| record["actor"] == "file").unwrap();
    assert!(read.get("address").is_none());
    let log = server.stop();
    let line = log.lines().find(|line| line.contains("answered") && line.contains("/flags/{key}/{command}"));
    assert!(line.is_some_and(|line| line.contains("peer=127.0.0.1")), "{log}");
}

#[test]
fn each_request_that_was_refused_has_an_address() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let first = server.get("/revisions").json()[0]["number"].as_u64().unwrap();
    server.put("flags: 1").expect(422);
    server.put("flags: { other: { rollout: { percentage: 1 } } }").expect(409);
    let more = format!("{}  more: {{}}\n  most: {{}}\n  least: {{}}\n", crate::test_server::FLAGS);
    server.put(&more).expect(200);
    let path = format!("/revisions/{first}/revert");
    ask(server.address, "POST", &path, &[("if-match", "*")], b"").unwrap().expect(409);
    folder.file("flags.yaml", "flags: 1");
    let refused = until("the edit is in the audit", || {
        let audit = server.get("/audit").json();
        let refused = audit.as_array().unwrap().iter().filter(|record| record["action"] == "refused");
        let refused: Vec<_> = refused.map(|record| (record["actor"].clone(), record["address"].clone())).collect();
        (refused.len() == 4).then_some(refused)
    });
    let of_request = (Value::from("anyone"), Value::from("127.0.0.1"));
    assert_eq!(refused[0], ("file".into(), Value::Null), "nobody sent a request");
    assert_eq!(refused[1..], vec![of_request; 3]);
}
