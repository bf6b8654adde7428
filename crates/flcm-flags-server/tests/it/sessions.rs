//! People sign in with a key, which a cookie stands for from then on.

use flcm_flags_server::Role;
use serde_json::Value;

use crate::http::{Answer, ask};
use crate::test_server::{TestFolder, TestServer};

/// What a browser adds to a request of the server's own page.
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");

const JSON: (&str, &str) = ("content-type", "application/json");

fn sign_in(server: &TestServer, key: &str) -> Answer {
    ask(server.address, "POST", "/session", &[JSON, OWN], format!(r#"{{"key":"{key}"}}"#).as_bytes()).unwrap()
}

/// The cookie as it is sent back.
fn cookie(answer: &Answer) -> String {
    answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
}

fn with_cookie(server: &TestServer, method: &str, path: &str, cookie: &str, more: &[(&str, &str)]) -> Answer {
    ask(server.address, method, path, &[&[("cookie", cookie), JSON][..], more].concat(), b"").unwrap()
}

fn who(server: &TestServer, cookie: &str) -> Answer {
    with_cookie(server, "GET", "/session", cookie, &[OWN])
}

#[test]
fn a_cookie_stands_for_the_key_until_it_is_signed_out() {
    let folder = TestFolder::new();
    let keys = folder.write_keys(&[Role::Operator], str::to_owned);
    let server = folder.serve_with(&["--keys", "keys.json"]);
    assert_eq!(ask(server.address, "GET", "/session", &[], b"").unwrap().expect(401).code(), "UNAUTHORIZED");
    let answer = sign_in(&server, &keys[0]).expect(204);
    let set = answer.header("set-cookie").unwrap();
    assert!(set.ends_with("; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200"), "{set}");
    let cookie = cookie(&answer);
    assert!(cookie.len() == "flcm=".len() + 43 && !keys[0].contains(&cookie[5..]), "{cookie}");
    let me = who(&server, &cookie).expect(200).json();
    assert_eq!((&me["name"], &me["role"], &me["keyless"]), (&"a-operator".into(), &"operator".into(), &false.into()));
    assert!(me["expires"].as_u64().is_some());
    with_cookie(&server, "POST", "/flags/plain/hold", &cookie, &[OWN]).expect(200);
    with_cookie(&server, "PUT", "/flags", &cookie, &[OWN]).expect(403);
    let audit = with_cookie(&server, "GET", "/audit", &cookie, &[OWN]).expect(200).json();
    let did = |row: &Value| (row["actor"].clone(), row["action"].clone(), row["address"].clone());
    assert_eq!(did(&audit[0]), ("a-operator".into(), "hold".into(), "127.0.0.1".into()));
    assert_eq!(did(&audit[1]), ("a-operator".into(), "sign_in".into(), "127.0.0.1".into()));
    let ended = with_cookie(&server, "DELETE", "/session", &cookie, &[OWN]).expect(204);
    assert!(ended.header("set-cookie").unwrap().contains("Max-Age=0"));
    let refused = who(&server, &cookie).expect(401);
    assert!(refused.json()["help"].as_str().unwrap().contains("sign in"), "{refused:?}");
}

#[test]
fn a_restart_signs_nobody_out_and_a_key_that_goes_does() {
    let folder = TestFolder::new();
    let keys = folder.write_keys(&[Role::Viewer, Role::Admin], str::to_owned);
    let file = crate::test_server::bytes(&folder.path("keys.json"));
    let server = folder.serve_with(&["--keys", "keys.json"]);
    let [viewer, admin] = [&keys[0], &keys[1]].map(|key| cookie(&sign_in(&server, key).expect(204)));
    server.kill();
    let stored: String =
        folder.database().query_row("SELECT hex(group_concat(hash)) FROM sessions", [], |row| row.get(0)).unwrap();
    assert!(!stored.is_empty());
    let server = folder.serve_with(&["--keys", "keys.json"]);
    assert_eq!(who(&server, &viewer).expect(200).json()["role"], "viewer");
    let lines: Vec<Value> = serde_json::from_slice(&file).unwrap();
    folder.file("keys.json", serde_json::to_string(&lines[1..]).unwrap());
    server.hang_up();
    crate::test_server::until("the key is gone", || (who(&server, &viewer).status == 401).then_some(()));
    who(&server, &admin).expect(200);
    // It does not come back with its key.
    folder.file("keys.json", &file);
    server.hang_up();
    let bearer = format!("Bearer {}", keys[0]);
    crate::test_server::until("the key is back", || {
        let answer = ask(server.address, "GET", "/session", &[("authorization", &bearer)], b"").unwrap();
        (answer.status == 200).then_some(())
    });
    who(&server, &viewer).expect(401);
    server.stop();
    let rows: i64 = folder.database().query_row("SELECT count(*) FROM sessions", [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 1);
}

#[test]
fn ten_wrong_keys_in_a_minute_are_the_last() {
    let folder = TestFolder::new();
    let keys = folder.write_keys(&[Role::Viewer], str::to_owned);
    let server = folder.serve_with(&["--keys", "keys.json"]);
    // The eleventh may be the first one of the next minute.
    let refused = (0..21).map(|_| sign_in(&server, "flcm_admin_guess")).find(|answer| answer.status != 401).unwrap();
    assert_eq!(refused.expect(429).code(), "RATE_LIMITED");
    let waits = sign_in(&server, &keys[0]);
    if waits.status == 429 {
        assert!((1..=60).contains(&waits.header("retry-after").unwrap().parse::<u32>().unwrap()));
    }
    // Who has a key already is not locked out.
    let bearer = format!("Bearer {}", keys[0]);
    ask(server.address, "GET", "/session", &[("authorization", &bearer)], b"").unwrap().expect(200);
}

#[test]
fn a_page_of_another_origin_never_uses_the_cookie() {
    let folder = TestFolder::new();
    let keys = folder.write_keys(&[Role::Admin], str::to_owned);
    let server = folder.serve_with(&["--keys", "keys.json", "--origin", "*"]);
    let cookie = cookie(&sign_in(&server, &keys[0]).expect(204));
    let own_origin = format!("http://{}", server.address);
    let foreign: [&[(&str, &str)]; 5] = [
        &[("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:1")],
        &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
        &[("sec-fetch-site", "cross-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ];
    let reads = ["/session", "/flags", "/trips", "/audit", "/keys", "/metrics", "/meta"];
    for headers in foreign {
        for path in reads {
            let answer = with_cookie(&server, "GET", path, &cookie, headers);
            assert_eq!(answer.expect(403).code(), "CROSS_ORIGIN", "{path} {headers:?}");
        }
        let answer = with_cookie(&server, "POST", "/flags/plain/hold", &cookie, headers);
        assert_eq!(answer.expect(403).code(), "CROSS_ORIGIN", "{headers:?}");
        let body = format!(r#"{{"key":"{}"}}"#, keys[0]);
        let answer =
            ask(server.address, "POST", "/session", &[&[JSON][..], headers].concat(), body.as_bytes()).unwrap();
        assert_eq!(answer.expect(403).code(), "CROSS_ORIGIN", "{headers:?}");
    }
    // A command needs proof; whoever only looks needs none.
    assert_eq!(with_cookie(&server, "POST", "/flags/plain/hold", &cookie, &[]).expect(403).code(), "CROSS_ORIGIN");
    with_cookie(&server, "POST", "/flags/plain/hold", &cookie, &[("sec-fetch-site", "none")]).expect(403);
    with_cookie(&server, "GET", "/trips", &cookie, &[]).expect(200);
    with_cookie(&server, "POST", "/flags/plain/hold", &cookie, &[("origin", &own_origin)]).expect(200);
    // Hosts have keys.
    for (method, path) in [("GET", "/flags/stream"), ("POST", "/metrics")] {
        with_cookie(&server, method, path, &cookie, &[OWN]).expect(401);
    }
    // A key goes before the cookie: whoever has one needs no browser.
    let bearer = format!("Bearer {}", keys[0]);
    let headers = [("authorization", bearer.as_str()), ("origin", "https://evil.example")];
    with_cookie(&server, "POST", "/flags/plain/hold", &cookie, &headers).expect(200);
}

#[test]
fn the_key_of_a_page_or_a_service_signs_nobody_in() {
    let folder = TestFolder::new();
    let keys = folder.write_keys(&[Role::Client, Role::Server], str::to_owned);
    let server = folder.serve_with(&["--keys", "keys.json"]);
    for key in &keys {
        let answer = sign_in(&server, key).expect(403);
        assert!(answer.code() == "FORBIDDEN" && answer.header("set-cookie").is_none());
    }
    for body in ["", "{}", "[]", r#"{"key":1}"#, r#"{"key":"a","name":"b"}"#] {
        ask(server.address, "POST", "/session", &[JSON, OWN], body.as_bytes()).unwrap().expect(400);
    }
    let body = format!(r#"{{"key":"{}"}}"#, keys[1]);
    let plain = [OWN, ("content-type", "text/plain")];
    ask(server.address, "POST", "/session", &plain, body.as_bytes()).unwrap().expect(415);
}

#[test]
fn without_keys_nobody_signs_in() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let me = server.get("/session").expect(200).json();
    assert_eq!(me, serde_json::json!({ "name": "anyone", "role": "admin", "expires": null, "keyless": true }));
    assert!(sign_in(&server, "anything").expect(204).header("set-cookie").is_none());
    let foreign = [("host", "evil.example"), JSON];
    let answer = ask(server.address, "POST", "/session", &foreign, br#"{"key":""}"#).unwrap();
    assert_eq!(answer.expect(403).code(), "HOST_NOT_ALLOWED");
    assert_eq!(server.get("/keys").expect(200).json(), serde_json::json!([]));
}

#[test]
fn an_admin_sees_which_keys_are_used() {
    let folder = TestFolder::new();
    let keys = folder.write_keys(&[Role::Server, Role::Admin], |line| line.replace('}', ",\"limit\":50}"));
    let server = folder.serve_with(&["--keys", "keys.json"]);
    let list = |path: &str, key: &str| {
        let bearer = format!("Bearer {key}");
        ask(server.address, "GET", path, &[("authorization", &bearer)], b"").unwrap().expect(200)
    };
    list("/trips", &keys[0]);
    list("/trips", &keys[0]);
    server.hang_up();
    crate::test_server::until("the keys were read again", || server.log().contains("read again").then_some(()));
    let listed = list("/keys", &keys[1]).json();
    assert_eq!(
        (&listed[0]["name"], &listed[0]["requests"], &listed[0]["limit"]),
        (&"a-server".into(), &2.into(), &50.into())
    );
    assert!(listed[0]["lastUsed"].as_u64().is_some() && listed[1]["requests"] == 1, "{listed}");
    assert!(!listed.to_string().contains("sha256"));
    let meta = list("/meta", &keys[1]).json();
    assert_eq!(
        (&meta["document"]["name"], &meta["document"]["mode"]),
        (&"flags.yaml".into(), &"file".into()),
        "{meta}"
    );
    assert!(meta["stored"] == true && meta["contract"].as_str().unwrap().len() == 64, "{meta}");
}

#[test]
fn somebody_can_sign_in_although_nothing_can_be_stored() {
    let folder = TestFolder::new();
    let keys = folder.write_keys(&[Role::Operator], str::to_owned);
    let server = folder.serve_with(&["--keys", "keys.json"]);
    folder.database().execute_batch("DROP TABLE sessions").unwrap();
    let cookie = cookie(&sign_in(&server, &keys[0]).expect(204));
    with_cookie(&server, "POST", "/flags/plain/hold", &cookie, &[OWN]).expect(200);
    assert!(server.log().contains("a restart ends it"), "{}", server.log());
}
