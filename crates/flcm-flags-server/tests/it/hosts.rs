//! Which hosts there are, and who asks for a flag.

use flcm_flags::metrics::batch::Header;
use flcm_flags_server::Role;
use serde_json::{Value, json};

use crate::host::{BATCH, Tally, batch};
use crate::http::ask;
use crate::stream::Stream;
use crate::test_server::{TestFolder, TestServer};

fn send(server: &TestServer, instance: u64, sequence: u64, query: &str, key: Option<&str>) {
    let header = Header { instance, epoch: 1, sequence, age: 0 };
    let tally = Tally { flag: "guarded", decisions: 10, errors: 0, generation: 0 };
    let bearer = key.map(|key| format!("Bearer {key}"));
    let mut headers = vec![BATCH];
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    let path = format!("/metrics{query}");
    ask(server.address, "POST", &path, &headers, &batch(header, &[tally])).unwrap().expect(204);
}

fn list(server: &TestServer, path: &str) -> Vec<Value> {
    server.get(path).expect(200).json().as_array().unwrap().clone()
}

#[test]
fn hosts_say_what_they_are_and_whether_they_are_in_step() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let revision = server.get("/overview").json()["revision"].as_u64().unwrap();
    let shop = |revision: u64| format!("?host=shop-7&app=shop&version=2.4.1&sdk=features-js/0.1.0&revision={revision}");
    send(&server, 7, 1, &shop(revision), None);
    send(&server, 8, 1, &shop(1), None);
    send(&server, 9, 1, "", None);
    // What cannot be read says nothing, and the batch counts all the same.
    send(&server, 10, 1, "?app=%ff&revision=many", None);
    let hosts = list(&server, "/hosts");
    let of = |name: &str| hosts.iter().map(|host| host[name].clone()).collect::<Vec<_>>();
    let numbers = ["0000000000000007", "0000000000000008", "0000000000000009", "000000000000000a"];
    assert_eq!(of("instance"), numbers.map(Value::from));
    assert_eq!(of("app")[..3], [json!("shop"), json!("shop"), Value::Null]);
    assert_eq!(of("host")[0], "shop-7");
    assert_eq!(of("inStep"), [true, false, false, false].map(Value::from), "{hosts:?}");
    assert_eq!(of("kind"), ["server"; 4].map(Value::from));
    let live = server.get("/overview/live").json();
    assert_eq!(live["hosts"], json!({ "total": 4, "inStep": 1, "revision": revision }));
    let mut events = Stream::open_at(server.address, "/events", &[]).unwrap();
    assert_eq!(events.greeting(), ": hello");
    send(&server, 8, 2, &shop(revision), None);
    events.give_up_after(std::time::Duration::from_secs(10));
    let counted = loop {
        let counted = events.next_of("hosts").expect("the change of how many are in step");
        if counted["inStep"] == 2 {
            break counted;
        }
    };
    assert_eq!((&counted["total"], &counted["revision"]), (&4.into(), &revision.into()));
    let asking = list(&server, "/flags/guarded/hosts");
    let shop = asking.iter().find(|group| group["app"] == "shop").unwrap();
    assert_eq!((&shop["hosts"], &shop["decisions24h"], &shop["version"]), (&2.into(), &30.into(), &"2.4.1".into()));
    assert!(list(&server, "/flags/plain/hosts").is_empty());
    assert_eq!(server.get("/flags/nothing/hosts").expect(404).code(), "FLAG_NOT_FOUND");
}

#[test]
fn hosts_that_ask_for_flags_or_listen_are_known_before_they_count_anything() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let revision = server.get("/overview").json()["revision"].as_u64().unwrap();
    let of = |instance: u64| format!("app=shop&version=2.4.1&instance={instance:016x}");
    server.get(&format!("/flags?{}&revision={revision}", of(7))).expect(200);
    let _stream = Stream::open_at(server.address, &format!("/flags/stream?{}", of(8)), &[]).unwrap();
    // Who gives no number of its own is served, and stays unknown.
    for query in ["", "?app=shop", "?instance=7", "?instance=%2b00000000000000f&app=shop", "?instance=%ff"] {
        server.get(&format!("/flags{query}")).expect(200);
    }
    let hosts = list(&server, "/hosts");
    let of = |name: &str| hosts.iter().map(|host| host[name].clone()).collect::<Vec<_>>();
    assert_eq!(of("instance"), ["0000000000000007", "0000000000000008"].map(Value::from));
    assert_eq!(of("app"), ["shop"; 2].map(Value::from));
    assert_eq!(of("inStep"), [true, false].map(Value::from));
    // The stream goes on after the host has counted: its revision stays known.
    send(&server, 8, 1, &format!("?app=shop&revision={revision}"), None);
    server.get("/flags?app=shop&instance=0000000000000008").expect(200);
    assert_eq!(list(&server, "/hosts")[1]["inStep"], true);
}

#[test]
fn pages_are_only_counted() {
    let folder = TestFolder::new();
    let keys = folder.write_keys(&[Role::Client, Role::Viewer], str::to_owned);
    let server = folder.serve_with(&["--keys", "keys.json"]);
    for instance in 0..300 {
        let query = format!("?app=shop-{}&host=h{instance}", instance % 250);
        send(&server, instance, 1, &query, Some(&keys[0]));
    }
    let bearer = format!("Bearer {}", keys[1]);
    let viewer = [("authorization", bearer.as_str())];
    let hosts = ask(server.address, "GET", "/hosts", &viewer, b"").unwrap().expect(200).json();
    let hosts = hosts.as_array().unwrap();
    assert_eq!(hosts.len(), 201, "200 names, and those that came later without one");
    assert!(hosts.iter().all(|pages| pages["kind"] == "page" && pages["instance"] == "" && pages["host"].is_null()));
    let sum: u64 = hosts.iter().map(|pages| pages["count"].as_u64().unwrap()).sum();
    assert!((285..=315).contains(&sum), "{sum}");
    let asking = ask(server.address, "GET", "/flags/guarded/hosts", &viewer, b"").unwrap().expect(200).json();
    assert_eq!(asking.as_array().unwrap().len(), 16, "the list of a flag is bounded");
}
