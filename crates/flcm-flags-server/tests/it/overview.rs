//! What the dashboard's list shows.

use serde_json::{Value, json};

use crate::host::{Host, Tally};
use crate::http::ask;
use crate::test_server::{FLAGS, TestFolder, TestServer};

const DOCUMENT: &str = "\
flags:
  a_checkout:
    description: A checkout on one page
    owner: team checkout
    tags: [migration, shop]
    kind: release
    until: 2027-01-01T00:00:00Z
    rollout: { schedule: [{ at: 2020-01-01T00:00:00Z, percentage: 25 }] }
    error_threshold: { rate: 0.05, window: 300 }
  b_prices:
    dependencies: [a_checkout]
    rules: [{ conditions: [{ attribute: plan, operator: in, value: [pro] }], percentage: 40 }]
    rollout: { percentage: 12.5 }
    variants: [{ name: low, weight: 1 }, { name: high, weight: 1 }]
  c_off:
    enabled: false
    rollout: { percentage: 50 }
";

fn live(server: &TestServer, flag: &str) -> Value {
    server.get("/overview/live").expect(200).json()["flags"][flag].clone()
}

#[test]
fn the_overview_has_all_flags_in_columns() {
    let folder = TestFolder::new();
    folder.file("flags.yaml", DOCUMENT);
    let server = folder.serve();
    let answer = server.get("/overview").expect(200);
    let overview = answer.json();
    let flags = &overview["flags"];
    assert_eq!(flags["key"], json!(["a_checkout", "b_prices", "c_off"]));
    assert_eq!(flags["description"], json!(["A checkout on one page", null, null]));
    assert_eq!(flags["owner"], json!(["team checkout", null, null]));
    assert_eq!(flags["tags"], json!([["migration", "shop"], [], []]));
    assert_eq!(flags["kind"], json!(["release", null, null]));
    assert_eq!(flags["until"], json!([1_798_761_600_000_u64, null, null]));
    assert_eq!(flags["enabled"], json!([true, true, false]));
    assert_eq!(flags["percentage"], json!([0.0, 40.0, 0.0]));
    assert_eq!(flags["scheduled"], json!([true, false, false]));
    assert_eq!(flags["rules"], json!([1, 2, 1]));
    assert_eq!(flags["variants"], json!([0, 2, 0]));
    assert_eq!(flags["needs"], json!([[], [0], []]));
    assert_eq!(flags["threshold"], json!([true, false, false]));
    let revision = &overview["revision"];
    assert_eq!(flags["changed"], json!([revision, revision, revision]));
    for column in flags.as_object().unwrap().values() {
        assert_eq!(column.as_array().unwrap().len(), 3);
    }
    let etag = answer.header("etag").unwrap().to_owned();
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    let known = [("if-none-match", etag.as_str())];
    ask(server.address, "GET", "/overview", &known, b"").unwrap().expect(304);
    let zipped = ask(server.address, "GET", "/overview", &[("accept-encoding", "gzip")], b"").unwrap().expect(200);
    assert!(zipped.header("content-encoding") == Some("gzip") && zipped.header("etag") != Some(&etag));
    // The next revision changes one of them.
    server.put(&DOCUMENT.replace("12.5", "99")).expect(200);
    let next = ask(server.address, "GET", "/overview", &known, b"").unwrap().expect(200).json();
    assert_eq!(next["flags"]["changed"], json!([revision, next["revision"], revision]));
    assert_eq!(next["flags"]["percentage"], json!([0.0, 99.0, 0.0]));
    let of = |flag: &str| server.get(&format!("/revisions?flag={flag}")).expect(200).json().as_array().unwrap().len();
    assert_eq!((of("b_prices"), of("a_checkout"), of("nothing")), (2, 1, 0));
}

#[test]
fn live_shows_what_hosts_have_counted_and_what_is_held_back() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let quiet = server.get("/overview/live").expect(200).json();
    assert_eq!(quiet["flags"], json!({}));
    assert_eq!(quiet["unasked"], json!(["fragile", "guarded", "plain"]));
    let tally = Tally { flag: "guarded", decisions: 40, errors: 3, generation: 0 };
    let mut host = Host::new(1);
    host.send(server.address, &[Tally { errors: 1, ..tally }]).unwrap().expect(204);
    assert_eq!(live(&server, "guarded")["treatment"], json!([1, 1, 0, 0]));
    host.send(server.address, &[Tally { errors: 2, ..tally }]).unwrap().expect(204);
    let guarded = live(&server, "guarded");
    assert_eq!(
        (&guarded["state"], &guarded["mode"], &guarded["trip"]),
        (&"closed".into(), &"auto".into(), &"clear".into())
    );
    assert_eq!(guarded["treatment"], json!([3, 3, 0, 0]), "{guarded}");
    assert_eq!((&guarded["served"], &guarded["asked"]), (&100.0.into(), &50.0.into()), "{guarded}");
    let spark = guarded["spark"].as_array().unwrap();
    assert!(spark.len() == 30 && spark[29] == 1.0 && spark[0].is_null(), "{guarded}");
    assert!(guarded["lastAsked"].as_u64().is_some());
    assert_eq!(live(&server, "plain"), Value::Null);
    server.post("/flags/plain/hold", r#"{"reason":"wrong prices"}"#).expect(200);
    let plain = live(&server, "plain");
    assert_eq!((&plain["state"], &plain["mode"], &plain["trip"]), (&Value::Null, &"held".into(), &"off".into()));
    assert_eq!(plain["by"], "anyone", "a flag without a breaker as well: {plain}");
    assert!(plain["since"].as_u64() > Some(0), "{plain}");
    server.post("/flags/fragile/hold", "{}").expect(200);
    let fragile = live(&server, "fragile");
    assert_eq!(
        (&fragile["mode"], &fragile["by"], &fragile["next"]),
        (&"held".into(), &"anyone".into(), &"release".into())
    );
    assert_eq!(server.get("/overview/live").json()["unasked"], json!(["fragile", "plain"]));
}

#[test]
fn the_audit_is_searched() {
    let folder = TestFolder::new();
    let server = folder.serve();
    server.post("/flags/plain/hold", r#"{"reason":"wrong 10% of prices"}"#).expect(200);
    server.post("/flags/plain/release", r#"{"reason":"mended"}"#).expect(200);
    server.post("/flags/fragile/hold", r#"{"reason":"wrong too"}"#).expect(200);
    server.put(&FLAGS.replace("percentage: 50", "percentage: 51")).expect(200);
    let found = |query: &str| {
        let rows = server.get(&format!("/audit?{query}")).expect(200).json();
        rows.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    // The breaker of `fragile` has changed its mode, which is a record of its own.
    assert_eq!(found(""), [6, 5, 4, 3, 2, 1]);
    assert_eq!(found("flag=plain"), [3, 2]);
    assert_eq!(found("actor=file"), [1]);
    assert_eq!(found("action=hold&action=release"), [4, 3, 2]);
    assert_eq!(found("action=hold&flag=plain"), [2]);
    assert!(found("text=wrong").ends_with(&[4, 2]) && !found("text=wrong").contains(&3));
    assert_eq!(found("text=10%25"), [2], "a percent sign is one");
    assert_eq!(found("text=10%25%25"), [0; 0]);
    assert_eq!(found("before=4&limit=1"), [3]);
    let at = server.get("/audit?flag=plain&action=release").json()[0]["at"].as_u64().unwrap();
    assert!(found(&format!("since={at}")).starts_with(&[6, 5, 4]) && !found(&format!("until={at}")).contains(&3));
    for wrong in ["since=yesterday", "limit=0", "limit=1001", "before=-1", &format!("text={}", "a".repeat(201))] {
        assert_eq!(server.get(&format!("/audit?{wrong}")).expect(400).code(), "INVALID_REQUEST", "{wrong}");
    }
    assert_eq!((found("since=18446744073709551615"), found("until=18446744073709551615").len()), (vec![], 6));
    let many = "action=a&".repeat(33);
    server.get(&format!("/audit?{many}")).expect(400);
}
