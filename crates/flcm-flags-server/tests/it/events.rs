//! `GET /events`: what happens, as it happens.

use flcm_flags_server::Role;
use serde_json::{Value, json};

use crate::host::{Host, Tally};
use crate::http::ask;
use crate::stream::Stream;
use crate::test_server::{FLAGS, TestFolder};

#[test]
fn a_page_receives_what_happens() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let mut events = Stream::open_at(server.address, "/events", &[]).unwrap();
    // Only once it is open, something can be missed.
    assert_eq!(events.greeting(), ": hello");
    server.post("/flags/fragile/hold", r#"{"reason":"wrong prices"}"#).expect(200);
    let held = events.next_of("breaker").unwrap();
    assert_eq!(
        (&held["flag"], &held["event"], &held["actor"]),
        (&"fragile".into(), &"mode_changed".into(), &"anyone".into())
    );
    let live = events.next_of("live").unwrap();
    assert_eq!((&live["sequence"], &live["flags"]["fragile"]["mode"]), (&1.into(), &"held".into()), "{live}");
    assert_eq!(live["flags"].as_object().unwrap().len(), 1);
    server.put(&FLAGS.replace("plain:", "other:")).expect(200);
    let revision = events.next_of("revision").unwrap();
    assert_eq!(revision["flags"], json!(["other", "plain"]), "{revision}");
    assert!(revision["digest"].as_str().unwrap().len() == 16 && revision["author"] == "anyone");
    let tally = Tally { flag: "guarded", decisions: 40, errors: 3, generation: 0 };
    Host::new(1).send(server.address, &[tally]).unwrap().expect(204);
    let live = events.next_of("live").unwrap();
    assert_eq!(live["flags"]["guarded"]["treatment"], json!([3, 3, 0, 0]), "{live}");
    assert_eq!(server.get("/overview/live").json()["sequence"], live["sequence"]);
}

#[test]
fn a_page_that_comes_back_receives_what_it_has_missed() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let events = |last: &str| Stream::open_at(server.address, "/events", &[("last-event-id", last)]).unwrap();
    for command in ["hold", "release", "hold"] {
        server.post(&format!("/flags/fragile/{command}"), "{}").expect(200);
    }
    let rows = server.get("/audit?flag=fragile").json();
    // Each command has a record, and its transition another one.
    let first = rows[4]["id"].as_i64().unwrap();
    let mut missed = events(&first.to_string());
    let seen: Vec<Value> = (0..2).map(|_| missed.next_of("breaker").unwrap()["mode"].clone()).collect();
    assert_eq!(seen, [json!("auto"), json!("held")]);
    // What is no number, or lies in the future, begins with what comes.
    for last in ["nonsense", "99999999", "-5"] {
        let mut fresh = events(last);
        assert_eq!(fresh.greeting(), ": hello", "{last}");
    }
    let mut all = events("0");
    assert_eq!(all.next_of("revision").unwrap()["flags"], json!(["fragile", "guarded", "plain"]));
}

#[test]
fn a_page_that_looks_at_a_flag_receives_each_second_in_which_it_was_counted() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let mut events = Stream::open_at(server.address, "/events?flag=guarded", &[]).unwrap();
    let mut others = Stream::open_at(server.address, "/events?flag=plain", &[]).unwrap();
    assert_eq!((events.greeting(), others.greeting()), (": hello".to_owned(), ": hello".to_owned()));
    let tally = Tally { flag: "guarded", decisions: 40, errors: 3, generation: 0 };
    Host::new(1).send(server.address, &[tally]).unwrap().expect(204);
    let point = events.next_of("point").unwrap();
    assert_eq!((&point["flag"], &point["step"], &point["percent"]), (&"guarded".into(), &1.into(), &json!([50.0])));
    assert_eq!((&point["treatment"]["failed"], &point["decisions"]["OVERRIDE"]), (&json!([3]), &json!([40])));
    let tally = Tally { flag: "plain", decisions: 7, errors: 0, generation: 0 };
    Host::new(2).send(server.address, &[tally]).unwrap().expect(204);
    assert_eq!(others.next_of("point").unwrap()["flag"], "plain");
    let unknown = ask(server.address, "GET", "/events?flag=nothing", &[], b"").unwrap();
    assert_eq!(unknown.expect(404).code(), "FLAG_NOT_FOUND");
}

#[test]
fn the_stream_ends_with_the_sign_in() {
    let folder = TestFolder::new();
    let keys = folder.write_keys(&[Role::Viewer], str::to_owned);
    let server = folder.serve_with(&["--keys", "keys.json"]);
    let body = format!(r#"{{"key":"{}"}}"#, keys[0]);
    let json = [("content-type", "application/json")];
    let answer = ask(server.address, "POST", "/session", &json, body.as_bytes()).unwrap().expect(204);
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let own = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    let mut events = Stream::open_at(server.address, "/events", &own).unwrap();
    assert_eq!(events.greeting(), ": hello");
    ask(server.address, "DELETE", "/session", &own, b"").unwrap().expect(204);
    assert_eq!(events.next(), None);
}
