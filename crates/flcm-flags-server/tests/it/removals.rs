//! Documents that lack flags which are in use, on purpose or by mistake.

use crate::host::{Host, Tally};
use crate::http::{Answer, ask};
use crate::test_server::{FLAGS, TestFolder, TestServer, until};

const YAML: (&str, &str) = ("content-type", "application/yaml");

/// Without the last flag.
fn without_plain() -> String {
    FLAGS[..FLAGS.find("  plain:").unwrap()].to_owned()
}

fn use_flag(server: &TestServer, flag: &str) {
    Host::new(1).send(server.address, &[Tally { flag, decisions: 1, errors: 0, generation: 0 }]).unwrap().expect(204);
}

fn put(server: &TestServer, query: &str, text: &str) -> Answer {
    ask(server.address, "PUT", &format!("/flags{query}"), &[YAML, ("if-match", "*")], text.as_bytes()).unwrap()
}

fn revision(server: &TestServer) -> u64 {
    server.get("/trips").json()["revision"].as_u64().unwrap()
}

fn refused(answer: Answer) -> Vec<String> {
    let answer = answer.expect(409);
    assert_eq!(answer.code(), "REMOVES_FLAGS");
    serde_json::from_value(answer.json()["flags"].clone()).unwrap()
}

#[test]
fn a_document_without_flags_is_refused_everywhere() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let first = revision(&server);
    for text in ["", "null", "{}", "# nothing\n", "cohorts: { a: { users: [b] } }"] {
        assert_eq!(put(&server, "", text).expect(422).json()["diagnostics"][0]["code"], "no-flags", "{text}");
        let before = server.figure("flcm_documents_refused_total");
        folder.file("flags.yaml", text);
        until("the edit is refused", || (server.figure("flcm_documents_refused_total") > before).then_some(()));
        assert_eq!(server.get("/trips").json()["refused"]["code"], "INVALID_DOCUMENT");
    }
    assert_eq!(revision(&server), first);
    assert!(server.log().contains("no-flags"), "{}", server.log());
    folder.file("flags.yaml", FLAGS);
    until("nothing is refused", || server.get("/trips").json()["refused"].is_null().then_some(()));
    let empty = TestFolder::new();
    empty.file("flags.yaml", "");
    let (code, log) = empty.fails(&["flags.yaml"]);
    assert!(code == 1 && log.contains("no-flags"), "{log}");
}

#[test]
fn a_flag_that_hosts_have_used_is_removed_only_by_name() {
    let folder = TestFolder::new();
    let server = folder.serve();
    use_flag(&server, "plain");
    let first = revision(&server);
    assert_eq!(refused(put(&server, "", &without_plain())), ["plain"]);
    assert_eq!(refused(put(&server, "?dry_run=true", &without_plain())), ["plain"]);
    assert_eq!((revision(&server), server.figure("flcm_documents_refused_total")), (first, 2));
    let named = without_plain() + "removed: [plain]\n";
    let answer = put(&server, "", &named).expect(200).json();
    assert_eq!(answer["removed"], serde_json::json!(["plain"]));
    let record = &server.get("/audit").json()[0];
    assert_eq!(record["detail"]["removed"], serde_json::json!(["plain"]), "{record}");
    assert!(server.log().contains("WARN") && server.log().contains("has removed `plain`"), "{}", server.log());
}

#[test]
fn a_removal_can_be_allowed_for_one_request() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let first = revision(&server);
    put(&server, "", &format!("{FLAGS}  another: {{ rollout: {{ percentage: 5 }} }}\n")).expect(200);
    use_flag(&server, "another");
    let headers = [("content-type", "application/json"), ("if-match", "*")];
    let revert =
        |query| ask(server.address, "POST", &format!("/revisions/{first}/revert{query}"), &headers, b"{}").unwrap();
    assert_eq!(refused(revert("")), ["another"]);
    revert("?allow_removal=true").expect(200);
    use_flag(&server, "plain");
    put(&server, "?allow_removal=true", &without_plain()).expect(200);
}

#[test]
fn an_edit_that_removes_a_flag_in_use_waits_for_its_name() {
    let folder = TestFolder::new();
    let server = folder.serve();
    use_flag(&server, "plain");
    let first = revision(&server);
    folder.file("flags.yaml", without_plain());
    let edit =
        until("the edit is refused", || Some(server.get("/trips").json()["refused"].clone()).filter(|e| !e.is_null()));
    assert!(edit["code"] == "REMOVES_FLAGS" && edit["detail"].as_str().unwrap().contains("`plain`"), "{edit}");
    assert_eq!((revision(&server), server.figure("flcm_documents_refused_total")), (first, 1));
    // A restart forgets neither the hosts nor the edit.
    server.kill();
    let server = folder.serve();
    assert_eq!(revision(&server), first);
    assert_eq!(server.get("/trips").json()["refused"]["code"], "REMOVES_FLAGS");
    folder.file("flags.yaml", without_plain() + "removed: [plain]\n");
    until("it is published", || (revision(&server) > first).then_some(()));
    assert!(server.get("/trips").json()["refused"].is_null());
}

#[test]
fn more_than_a_third_of_all_flags_is_too_many_at_once() {
    let folder = TestFolder::new();
    let flags = |count: u32| {
        (0..count)
            .fold("flags:\n".to_owned(), |text, n| text + &format!("  f{n}: {{ rollout: {{ percentage: 5 }} }}\n"))
    };
    folder.file("flags.yaml", flags(10));
    let server = folder.serve();
    assert_eq!(refused(put(&server, "", &flags(6))), ["f6", "f7", "f8", "f9"]);
    put(&server, "", &flags(7)).expect(200);
    // Two are few, whatever their share.
    folder.file("flags.yaml", flags(7));
    put(&server, "?allow_removal=true", &flags(2)).expect(200);
    put(&server, "", "flags: {}").expect(200);
}
