//! `POST /explain`.

use serde_json::Value;

use crate::test_server::{TestFolder, TestServer};

const DOCUMENT: &str = "\
flags:
  new_home: { rollout: { percentage: 50 } }
  needs_it: { dependencies: [new_home], rollout: { percentage: 100 } }
";

fn explained(server: &TestServer, request: &str) -> Value {
    server.post("/explain", request).expect(200).json()
}

#[test]
fn a_decision_is_explained_with_trips_and_without() {
    let folder = TestFolder::new();
    folder.file("flags.yaml", DOCUMENT);
    let server = folder.serve();
    let ask = |trips: bool| {
        let request = format!(
            r#"{{"flag": "needs_it", "context": {{"targetingKey": "alice", "plan": "pro"}}, "trips": {trips}}}"#
        );
        explained(&server, &request)
    };
    let before = ask(true);
    assert_eq!(before["flag"], "needs_it", "{before}");
    assert_ne!(before["reason"], "BREAKER_OPEN");
    server.post("/flags/needs_it/hold", "{}").expect(200);
    assert_eq!(ask(true)["reason"], "BREAKER_OPEN");
    assert_eq!(ask(false), before, "as if nothing were held");
    assert_eq!(explained(&server, r#"{"flag": "nothing"}"#)["errorCode"], "FLAG_NOT_FOUND");
}

#[test]
fn a_decision_of_an_earlier_revision_is_explained_by_its_document() {
    let folder = TestFolder::new();
    folder.file("flags.yaml", DOCUMENT);
    let server = folder.serve();
    let first = server.get("/revisions").expect(200).json()[0]["number"].clone();
    server.put(&DOCUMENT.replace("percentage: 50", "percentage: 0")).expect(200);
    server.post("/flags/needs_it/hold", "{}").expect(200);
    let request =
        |flag: &str| format!(r#"{{"flag": "{flag}", "context": {{"targetingKey": "u1"}}, "revision": {first}}}"#);
    let old = explained(&server, &request("new_home"));
    let now = explained(&server, r#"{"flag": "new_home", "context": {"targetingKey": "u1"}}"#);
    assert_ne!(old["checks"], now["checks"]);
    assert_eq!(explained(&server, &request("needs_it"))["reason"], "BREAKER_OPEN", "holds of now count");
    server.post("/explain", r#"{"flag": "new_home", "revision": 1}"#).expect(404);
    for wrong in
        ["{}", r#"{"flag": 1}"#, r#"{"flag": "new_home", "context": 7}"#, r#"{"flag": "new_home", "flags": []}"#]
    {
        server.post("/explain", wrong).expect(400);
    }
}
