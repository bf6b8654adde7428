//! `PUT /flags`, the history, and the way back.

use std::thread;

use crate::http::ask;
use crate::test_server::{FLAGS, TestFolder};

const YAML: (&str, &str) = ("content-type", "application/yaml");

fn other(number: u32) -> String {
    FLAGS.replace("plain:", &format!("plain_{number}:"))
}

#[test]
fn a_document_is_taken_whole_or_not_at_all() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let etag = server.get("/flags").header("etag").unwrap().to_owned();
    let put = |headers: &[(&str, &str)], body: &[u8]| ask(server.address, "PUT", "/flags", headers, body).unwrap();
    let matching = [YAML, ("if-match", etag.as_str())];
    assert_eq!(put(&matching, b"flags: { a: \xff }").expect(400).code(), "INVALID_REQUEST");
    let refused = put(&matching, b"flags: { a: { rollout: { percentage: 120 } } }").expect(422);
    assert_eq!(refused.code(), "INVALID_DOCUMENT");
    let diagnostic = &refused.json()["diagnostics"][0];
    assert!(diagnostic["path"].as_str().unwrap().contains("percentage") && diagnostic["line"] == 1, "{diagnostic}");
    assert_eq!(put(&[YAML], FLAGS.as_bytes()).expect(428).code(), "PRECONDITION_REQUIRED");
    let wrong = [YAML, ("if-match", "\"0123456789abcdef\"")];
    assert_eq!(put(&wrong, FLAGS.as_bytes()).expect(412).code(), "CONFLICT");
    let json = [("content-type", "text/plain"), ("if-match", "*")];
    assert_eq!(put(&json, FLAGS.as_bytes()).expect(415).code(), "WRONG_TYPE");
    assert_eq!(server.get("/flags").header("etag"), Some(etag.as_str()), "the old one stays");
    assert_eq!(server.get("/revisions").json().as_array().unwrap().len(), 1);
    let dry = ask(server.address, "PUT", "/flags?dry_run=true", &matching, other(1).as_bytes()).unwrap().expect(200);
    assert_eq!(dry.json()["published"], false);
    let taken = put(&matching, other(1).as_bytes()).expect(200);
    assert_eq!(taken.header("etag"), server.get("/flags").header("etag"));
    put(&matching, other(2).as_bytes()).expect(412);
}

#[test]
fn of_those_who_publish_at_the_same_time_one_wins() {
    let folder = TestFolder::new();
    let server = folder.serve();
    for round in 0..10_u32 {
        let etag = server.get("/flags").header("etag").unwrap().to_owned();
        let headers = [YAML, ("if-match", etag.as_str())];
        let put = |number: u32| {
            ask(server.address, "PUT", "/flags", &headers, other(round * 10 + number).as_bytes()).unwrap()
        };
        let statuses = thread::scope(|scope| {
            let both = [1, 2].map(|number| scope.spawn(move || put(number).status));
            let mut statuses = both.map(|thread| thread.join().unwrap());
            statuses.sort_unstable();
            statuses
        });
        assert_eq!(statuses, [200, 412]);
    }
    let history = server.get("/revisions").json();
    let numbers: Vec<u64> = history.as_array().unwrap().iter().map(|of| of["number"].as_u64().unwrap()).collect();
    assert!(numbers.len() == 11 && numbers.is_sorted_by(|later, earlier| later > earlier), "{numbers:?}");
}

#[test]
fn a_revision_comes_back_under_a_new_number() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let first = server.get("/revisions").json()[0]["number"].as_u64().unwrap();
    server.put(&other(1)).expect(200);
    let headers = [("content-type", "application/json"), ("if-match", "*")];
    let path = format!("/revisions/{first}/revert");
    let back = ask(server.address, "POST", &path, &headers, br#"{"reason":"it broke"}"#).unwrap().expect(200);
    assert!(back.json()["revision"].as_u64().unwrap() > first + 1);
    let yaml = ask(server.address, "GET", "/flags", &[("accept", "application/yaml")], b"").unwrap().text();
    assert_eq!(yaml, FLAGS);
    let newest = &server.get("/revisions").json()[0];
    assert_eq!((&newest["origin"], newest["reason"].as_str().unwrap().contains("it broke")), (&"revert".into(), true));
}

/// Of its own it may have a number up to 2^32: hosts refuse a larger jump.
#[test]
fn numbers_go_on_rising_behind_the_largest() {
    let folder = TestFolder::new();
    let server = folder.serve();
    for number in [1_u64 << 53, (1 << 32) + 1] {
        let refused = server.put(&format!("revision: {number}\n{FLAGS}")).expect(422).json();
        assert_eq!(refused["diagnostics"][0]["code"], "limit-revision", "{refused}");
    }
    let first = server.put(&format!("revision: {}\n{FLAGS}", 1_u64 << 32)).expect(200).json()["revision"].as_u64();
    assert_eq!(first, Some(1 << 32));
    let next = server.put(&other(1)).expect(200).json()["revision"].as_u64();
    assert!(next > first);
    server.kill();
    let server = folder.serve();
    assert_eq!(server.get("/trips").json()["revision"].as_u64(), next);
}
