//! Operator commands stay in force, whatever the document says and however the server ends.

use crate::host::{Host, Tally, errors};
use crate::http::ask;
use crate::test_server::{FLAGS, TestFolder, TestServer, until};

/// [`FLAGS`] with a threshold taken away, and one given.
fn turned() -> String {
    let threshold = "    error_threshold: { rate: 0.05, window: 300 }\n";
    FLAGS.replace(threshold, "") + threshold
}

fn without_guarded() -> String {
    let place = FLAGS.find("  guarded:").unwrap();
    FLAGS[..place].to_owned() + &FLAGS[FLAGS.find("  plain:").unwrap()..]
}

fn is_held(server: &TestServer, flag: &str) -> bool {
    server.trip(flag)["trip"] == "off"
}

#[test]
fn a_hold_outlives_a_kill_and_a_document() {
    let folder = TestFolder::new();
    let mut server = folder.serve();
    for flag in ["guarded", "plain"] {
        server.post(&format!("/flags/{flag}/hold"), r#"{"reason":"it hurts"}"#).expect(200);
    }
    for text in [without_guarded(), FLAGS.to_owned(), turned(), FLAGS.to_owned(), turned()] {
        server.put(&text).expect(200);
        for _ in 0..2 {
            assert!(is_held(&server, "plain"), "{text}");
            assert!(!text.contains("guarded") || is_held(&server, "guarded"), "{text}");
            server.kill();
            server = folder.serve();
        }
    }
    for flag in ["guarded", "plain"] {
        server.post(&format!("/flags/{flag}/release"), "{}").expect(200);
        assert!(!is_held(&server, flag), "{flag} is let go");
    }
    server.kill();
    let server = folder.serve();
    assert!(!is_held(&server, "guarded") && !is_held(&server, "plain"));
    let audit = server.get("/audit").json().to_string();
    assert!(audit.contains("it hurts"), "{audit}");
}

/// Trips `fragile`; the generation afterwards.
pub(crate) fn trip(server: &TestServer, host: &mut Host) -> u64 {
    let generation = server.trip("fragile")["generation"].as_u64().unwrap();
    until("the failing flag is rolled back", || {
        let current = u32::try_from(generation).unwrap();
        let failing = Tally { flag: "fragile", decisions: 0, errors: 50, generation: current };
        host.send(server.address, &[failing]).unwrap().expect(204);
        is_held(server, "fragile").then_some(())
    });
    let after = server.trip("fragile")["generation"].as_u64().unwrap();
    assert!(after > generation, "{generation} {after}");
    after
}

#[test]
fn a_rollback_outlives_a_kill_and_a_document_that_takes_its_threshold_away() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let mut host = Host::new(1);
    let generation = trip(&server, &mut host);
    server.kill();
    let server = folder.serve();
    let report = server.trip("fragile");
    assert_eq!((&report["trip"], report["generation"].as_u64()), (&"off".into(), Some(generation)), "{report}");
    assert_eq!((&report["state"], &report["last"]["event"]), (&"open".into(), &"tripped".into()), "{report}");
    assert_eq!(server.figure(&errors("fragile")), host.acknowledged("fragile").errors);
    server.put(&FLAGS.replace("    error_threshold: { rate: 0.05, window: 300, recovery: sticky }\n", "")).expect(200);
    assert!(is_held(&server, "fragile"), "taking the threshold away is no acknowledgement");
    server.kill();
    let server = folder.serve();
    assert!(is_held(&server, "fragile"));
    server.post("/flags/fragile/release", "{}").expect(200);
    assert!(!is_held(&server, "fragile"));
}

#[test]
fn an_acknowledgement_means_the_rollback_that_was_seen() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let mut host = Host::new(1);
    let generation = trip(&server, &mut host);
    let acknowledge =
        |generation| server.post("/flags/fragile/acknowledge", &format!(r#"{{"generation":{generation}}}"#));
    assert_eq!(acknowledge(generation - 1).expect(409).code(), "INVALID_STATE");
    let event = acknowledge(generation).expect(200).json()["event"].clone();
    assert_eq!((&event["event"], &event["actor"]), (&"acknowledged".into(), &"anyone".into()), "{event}");
    assert!(!is_held(&server, "fragile"));
    assert!(trip(&server, &mut host) > generation + 1);
}

/// What a breaker knows when it is stored is not told to it again by the batches behind it, and those after that are.
#[test]
fn evidence_is_neither_lost_nor_doubled_by_a_kill() {
    let folder = TestFolder::new();
    let mut server = folder.serve();
    let mut host = Host::new(1);
    for round in 1..=3 {
        for command in ["hold", "release"] {
            server.post(&format!("/flags/guarded/{command}"), "{}").expect(200);
        }
        let generation = u32::try_from(server.trip("guarded")["generation"].as_u64().unwrap()).unwrap();
        for _ in 0..round {
            let failed = Tally { flag: "guarded", decisions: 0, errors: 1, generation };
            host.send(server.address, &[failed]).unwrap().expect(204);
        }
        // Outcomes are seen once their second is over.
        let outcomes = |server: &TestServer| server.trip("guarded")["treatment"]["total"] == round;
        until("the breaker has seen them", || outcomes(&server).then_some(()));
        server.kill();
        server = folder.serve();
        until("the breaker sees them again", || outcomes(&server).then_some(()));
    }
}

/// As if it had been killed right after the revision was stored, and before what that did to breakers was.
#[test]
fn a_hold_outlives_a_kill_amid_the_document_that_takes_its_threshold_away() {
    for text in [turned(), without_guarded()] {
        let folder = TestFolder::new();
        let server = folder.serve();
        server.post("/flags/guarded/hold", "{}").expect(200);
        server.kill();
        let revision = "INSERT INTO revisions SELECT number + 1, at, author, reason, origin, digest, ?1 FROM revisions";
        folder.database().execute(revision, [&text]).unwrap();
        let server = TestServer::start(folder.command(&["--database", "flags.db"]));
        assert!(!text.contains("guarded") || is_held(&server, "guarded"));
        server.put(FLAGS).expect(200);
        assert!(is_held(&server, "guarded"));
    }
}

/// In an emergency a command is short. A page of another origin could send such a request without asking first.
#[test]
fn commands_need_neither_a_body_nor_its_type_unless_a_page_sends_them() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let send =
        |path: &str, headers: &[(&str, &str)], body: &[u8]| ask(server.address, "POST", path, headers, body).unwrap();
    for page in
        [("origin", "http://evil.example"), ("sec-fetch-site", "cross-site"), ("referer", "http://evil.example/")]
    {
        assert_eq!(send("/flags/plain/hold", &[page], b"").expect(415).code(), "WRONG_TYPE");
    }
    let form = ("content-type", "application/x-www-form-urlencoded");
    assert_eq!(send("/flags/plain/hold", &[form], b"a=b").expect(415).code(), "WRONG_TYPE");
    assert!(!is_held(&server, "plain"));
    send("/flags/plain/hold", &[], b"").expect(200);
    assert!(is_held(&server, "plain"));
    // As curl sends it with `-d ''`.
    send("/flags/plain/release", &[form], b"").expect(200);
    assert!(!is_held(&server, "plain"));
    let mut host = Host::new(1);
    trip(&server, &mut host);
    send("/flags/fragile/acknowledge", &[], b"").expect(200);
    let first = server.get("/revisions").json()[0]["number"].as_u64().unwrap();
    server.put(&turned()).expect(200);
    send(&format!("/revisions/{first}/revert"), &[("if-match", "*")], b"").expect(200);
}

#[test]
fn trips_say_who_has_set_the_mode_why_and_when() {
    let folder = TestFolder::new();
    let mut server = folder.serve();
    for flag in ["guarded", "plain"] {
        server.post(&format!("/flags/{flag}/hold"), r#"{"reason":"it hurts"}"#).expect(200);
    }
    assert!(server.trip("fragile").get("setBy").is_none(), "the breaker decides");
    let audit = server.get("/audit").json();
    // `turned` takes the threshold of one, and gives the other one: each is held as before.
    for text in [FLAGS.to_owned(), turned(), FLAGS.to_owned()] {
        server.put(&format!("{text}# edited\n")).expect(200);
        server.kill();
        server = folder.serve();
        for flag in ["guarded", "plain"] {
            let mut records = audit.as_array().unwrap().iter();
            let hold = records.find(|record| record["action"] == "hold" && record["flag"] == flag).unwrap();
            let status = server.trip(flag);
            let expected = serde_json::json!({ "actor": "anyone", "reason": "it hurts", "at": hold["at"] });
            assert_eq!((&status["setBy"], &status["mode"]), (&expected, &"held".into()), "{flag}: {status}");
        }
    }
    server.post("/flags/guarded/observe", r#"{"reason":"a drill"}"#).expect(200);
    server.post("/flags/plain/release", "{}").expect(200);
    assert_eq!(server.trip("guarded")["setBy"]["reason"], "a drill");
    assert!(server.trip("plain").is_null());
    server.put(&turned()).expect(200);
    assert!(server.trip("guarded").is_null(), "without a breaker it is not observed");
    server.put(FLAGS).expect(200);
    assert!(server.trip("guarded").get("setBy").is_none());
}

#[test]
fn a_second_hold_with_another_reason_is_recorded_and_the_same_one_is_not() {
    let folder = TestFolder::new();
    let server = folder.serve();
    for flag in ["guarded", "plain"] {
        let reasons = || {
            let audit = server.get("/audit").json();
            let mut records: Vec<_> = audit.as_array().unwrap().clone();
            records.retain(|record| record["action"] == "hold" && record["flag"] == flag);
            records.iter().rev().map(|record| record["reason"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        for reason in ["it hurts", "it hurts", "it hurts in Spain too"] {
            server.post(&format!("/flags/{flag}/hold"), &format!(r#"{{"reason":"{reason}"}}"#)).expect(200);
        }
        assert_eq!(reasons(), ["it hurts", "it hurts in Spain too"], "{flag}");
        assert_eq!(server.trip(flag)["setBy"]["reason"], "it hurts in Spain too", "{flag}");
    }
}

/// Nobody has commanded it, so the breaker is named.
#[test]
fn trips_say_what_holds_a_flag_that_has_lost_its_threshold() {
    let folder = TestFolder::new();
    let server = folder.serve();
    trip(&server, &mut Host::new(1));
    let at = server.trip("fragile")["last"]["at"].clone();
    let threshold = "    error_threshold: { rate: 0.05, window: 300, recovery: sticky }\n";
    server.put(&FLAGS.replace(threshold, "")).expect(200);
    server.kill();
    let server = folder.serve();
    let status = server.trip("fragile");
    assert_eq!((&status["trip"], &status["setBy"]["actor"]), (&"off".into(), &"breaker".into()), "{status}");
    assert_eq!(status["setBy"]["at"], at);
    assert!(status["setBy"]["reason"].as_str().unwrap().contains("fragile"), "{status}");
}
