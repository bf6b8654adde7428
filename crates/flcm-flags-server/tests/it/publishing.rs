//! `PUT /flags`, the history, and the way back.

use std::thread;

use crate::http::{Answer, ask};
use crate::test_server::{FLAGS, TestFolder, TestServer};

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

#[test]
fn the_time_of_the_last_publish_is_a_metric() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let is_that_of_the_newest = |server: &TestServer| {
        let newest = server.get("/revisions").json()[0]["at"].as_f64().unwrap();
        let text = server.get("/metrics").text();
        assert!(text.contains("# TYPE flcm_last_publish_timestamp_seconds gauge"), "{text}");
        let line = text.lines().find_map(|line| line.strip_prefix("flcm_last_publish_timestamp_seconds "));
        let seconds: f64 = line.unwrap().parse().unwrap();
        assert!((seconds * 1000.0 - newest).abs() < 1.0, "{seconds} {newest}");
        newest
    };
    let first = is_that_of_the_newest(&server);
    server.put(&other(1)).expect(200);
    let second = is_that_of_the_newest(&server);
    assert!(second > first);
    server.put("flags: 1").expect(422);
    server.kill();
    assert_eq!(is_that_of_the_newest(&folder.serve()).to_bits(), second.to_bits(), "a restart is no publish");
}

/// YAML accepts more: a comma at the end, comments.
#[test]
fn what_is_sent_as_json_or_written_to_a_json_file_must_be_json() {
    const JSON: &str = r#"{ "flags": { "plain": { "rollout": { "percentage": 10 } } } }"#;
    let relaxed = JSON.replace("10 }", "10, }");
    let put = |server: &TestServer, media_type: &str, text: &str| {
        let headers = [("content-type", media_type), ("if-match", "*")];
        ask(server.address, "PUT", "/flags?allow_removal=true", &headers, text.as_bytes()).unwrap()
    };
    let is_refused = |answer: Answer| {
        let diagnostics = answer.expect(422).json()["diagnostics"].clone();
        assert!(diagnostics.to_string().contains("JSON"), "{diagnostics}");
    };
    let folder = TestFolder::new();
    let server = folder.serve();
    is_refused(put(&server, "application/json; charset=utf-8", &relaxed));
    put(&server, "application/json", JSON).expect(200);
    put(&server, "application/yaml", &relaxed).expect(200);
    // What is read at the next start must be what was accepted now.
    let folder = TestFolder::new();
    folder.file("flags.json", JSON);
    let server = TestServer::start(folder.command(&["flags.json"]));
    is_refused(put(&server, "application/yaml", &relaxed));
    put(&server, "application/yaml", &JSON.replace("10", "20")).expect(200);
    // With edits to the database alone, the file is not what was published.
    let folder = TestFolder::new();
    folder.file("flags.json", JSON);
    let server = TestServer::start(folder.command(&["flags.json", "--edits", "database"]));
    put(&server, "application/yaml", &relaxed).expect(200);
}
