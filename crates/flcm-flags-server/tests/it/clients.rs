//! What a client key gets: the flags that the document allows pages, by any path, and nothing of the others.

use flcm_flags::Snapshot;
use flcm_flags::metrics::batch::Header;
use flcm_flags_server::Role;
use serde_json::{Value, json};

use crate::host::{BATCH, Tally, batch, decisions};
use crate::http::{Answer, ask};
use crate::stream::Stream;
use crate::test_server::{TestFolder, TestServer, figure};

/// A document with a secret in each place that a document has, and two flags for pages.
const SECRETS: &str = "
# secret-comment
clients: listed
cohorts:
  secret-cohort: { users: [secret-user], except: [secret-exception] }
  guests: { when: [{ attribute: guest, operator: exists }] }
templates: { secret-template: { owner: secret-owner } }
flags:
  shown:
    client: true
    description: secret-description
    owner: secret-owner
    tags: [secret-tag]
    rules: [{ name: secret-rule, conditions: [{ cohort: guests }], percentage: 50 }]
    error_threshold: { rate: 0.05 }
  also-shown: { client: true, rollout: { percentage: 50 } }
  secret-flag:
    extends: secret-template
    overrides: { secret-user: true }
    salt: secret-salt
    rollout: { by: secret-by, percentage: 5 }
    conditions: [{ cohort: secret-cohort }, { attribute: secret-attribute, operator: in, value: [secret-operand] }]
    variants: [{ name: secret-variant, weight: 1, value: true }]
    error_threshold: { rate: 0.05 }
  evaluated:
    client: evaluated
    conditions: [{ attribute: email, operator: matches, value: secret-pattern }]
    default: plain
    on: fancy
";

struct Served {
    server: TestServer,
    keys: Vec<String>,
}

impl Served {
    fn start(folder: &TestFolder, document: &str) -> Self {
        folder.file("flags.yaml", document);
        let keys = folder.write_keys(&Role::ALL, str::to_owned);
        let server = folder.serve_with(&["--keys", "keys.json"]);
        Self { server, keys }
    }

    fn ask(&self, role: Role, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let bearer = format!("Bearer {}", self.keys[role as usize]);
        let headers = [headers, &[("authorization", &bearer)]].concat();
        ask(self.server.address, method, path, &headers, body).unwrap()
    }

    fn get(&self, role: Role, path: &str) -> Answer {
        self.ask(role, "GET", path, &[], b"")
    }

    fn stream(&self, role: Role) -> Stream {
        Stream::open_with(self.server.address, &self.keys[role as usize]).unwrap()
    }

    fn hold(&self, flag: &str) {
        let body = json!({ "reason": "a test" }).to_string();
        let headers = [("content-type", "application/json")];
        self.ask(Role::Admin, "POST", &format!("/flags/{flag}/hold"), &headers, body.as_bytes()).expect(200);
    }
}

fn has_secret(answer: &Answer) -> bool {
    let bytes = format!("{answer:?}").into_bytes().into_iter().chain(answer.body.iter().copied()).collect::<Vec<u8>>();
    bytes.windows(7).any(|seven| seven == b"secret-")
}

/// Each method and path of the server, with something that is not there in place of its parameters.
fn routes() -> Vec<(String, String)> {
    let text = include_str!("../../../../schema/openapi.json");
    let openapi: Value = serde_json::from_str(text).unwrap();
    let mut found = Vec::new();
    for (path, methods) in openapi["paths"].as_object().unwrap() {
        let parts = path.split('/').map(|part| if part.starts_with('{') { "1" } else { part });
        let path = parts.collect::<Vec<_>>().join("/");
        found.extend(methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    found
}

#[test]
fn no_answer_to_a_client_key_has_a_text_of_what_pages_do_not_get() {
    let folder = TestFolder::new();
    let served = Served::start(&folder, SECRETS);
    served.hold("secret-flag");
    let routes = routes();
    assert!(routes.len() > 30, "{}", routes.len());
    let bodies: [(&str, &[u8]); 4] = [
        ("application/json", b"{}"),
        ("application/json", br#"{"context":{"targetingKey":"anna","email":"secret"},"flag":"shown"}"#),
        ("application/vnd.flcm.batch", b"FLCM"),
        ("application/yaml", b"flags: {}"),
    ];
    let mut answered = 0;
    // Streams do not end; the next test listens to the one that a client key opens.
    for (method, path) in routes.iter().filter(|(_, path)| path != "/events" && path != "/flags/stream") {
        for (media, body) in bodies {
            for accept in ["*/*", "application/yaml", "application/vnd.flcm.snapshot", "application/json"] {
                let headers = [("content-type", media), ("accept", accept), ("if-match", "*")];
                let answer = served.ask(Role::Client, method, path, &headers, body);
                assert!(!has_secret(&answer), "{method} {path} {accept}: {answer:?}");
                answered += usize::from(answer.status == 200);
            }
        }
    }
    assert!(answered > 4, "{answered} answers");
    let once = served.get(Role::Client, "/flags/stream?once=true").expect(200);
    assert!(!has_secret(&once) && once.text().contains("shown"), "{}", once.text());
    // The search finds them where they are.
    let whole = served.get(Role::Server, "/flags").expect(200);
    assert!(has_secret(&whole));
    assert!(has_secret(&served.get(Role::Server, "/flags/stream?once=true")));
}

#[test]
fn a_client_key_gets_a_snapshot_of_its_own_with_its_own_digest() {
    let folder = TestFolder::new();
    let served = Served::start(&folder, SECRETS);
    let [page, whole] = [Role::Client, Role::Server].map(|role| served.get(role, "/flags").expect(200));
    let keys = |answer: &Answer| {
        let snapshot = Snapshot::from_bytes(answer.body.clone()).unwrap();
        let keys: Vec<String> = snapshot.flags().map(|id| snapshot.describe(id).unwrap().key().to_owned()).collect();
        (keys, snapshot.revision(), format!("\"{:016x}\"", snapshot.digest()))
    };
    let ((of_page, revision, digest), (of_server, same, other)) = (keys(&page), keys(&whole));
    assert_eq!(of_page, ["also-shown", "shown"]);
    assert_eq!((of_server.len(), same), (4, revision));
    assert_ne!(digest, other);
    for (role, answer, digest) in [(Role::Client, &page, &digest), (Role::Server, &whole, &other)] {
        assert_eq!(answer.header("etag"), Some(&**digest));
        let (name, event) = served.stream(role).next().unwrap();
        assert_eq!((&*name, format!("\"{}\"", event["digest"].as_str().unwrap())), ("snapshot", digest.clone()));
        served.ask(role, "GET", "/flags", &[("if-none-match", digest)], b"").expect(304);
        let liked = served.ask(role, "GET", "/flags", &[("accept", "application/vnd.flcm.snapshot")], b"").expect(200);
        assert_eq!(liked.header("etag"), Some(&**digest));
    }
    served.ask(Role::Client, "GET", "/flags", &[("if-none-match", &other)], b"").expect(200);
}

#[test]
fn trips_and_counts_of_a_client_key_are_those_of_its_flags() {
    let folder = TestFolder::new();
    let served = Served::start(&folder, SECRETS);
    let mut stream = served.stream(Role::Client);
    let trips = |stream: &mut Stream| loop {
        let (name, event) = stream.next().unwrap();
        if name == "trips" {
            return event["flags"].clone();
        }
    };
    assert_eq!(trips(&mut stream), json!({ "shown": { "trip": "clear", "generation": 1 } }));
    served.hold("secret-flag");
    served.hold("also-shown");
    let held = loop {
        let flags = trips(&mut stream);
        if flags.get("also-shown").is_some() {
            break flags;
        }
        assert_eq!(flags.as_object().unwrap().len(), 1, "{flags}");
    };
    assert_eq!(held.as_object().unwrap().keys().collect::<Vec<_>>(), ["also-shown", "shown"]);
    let tally = |flag| Tally { flag, decisions: 5, errors: 0, generation: 0 };
    for (role, instance) in [(Role::Client, 1), (Role::Server, 2)] {
        let header = Header { instance, epoch: 1, sequence: 1, age: 0 };
        let counts = batch(header, &[tally("secret-flag"), tally("shown")]);
        served.ask(role, "POST", "/metrics", &[BATCH], &counts).expect(204);
    }
    let metrics = served.get(Role::Server, "/metrics").text();
    assert_eq!(figure(&metrics, &decisions("secret-flag")), 5);
    assert_eq!(figure(&metrics, &decisions("shown")), 10);
}

#[test]
fn a_document_that_says_nothing_gives_pages_all_flags() {
    let folder = TestFolder::new();
    let document = ["clients: listed", "client: true,", "client: true", "client: evaluated"];
    let document = document.iter().fold(SECRETS.to_owned(), |text, written| text.replace(written, ""));
    let served = Served::start(&folder, &document);
    let tags = [Role::Client, Role::Server].map(|role| served.get(role, "/flags").header("etag").map(str::to_owned));
    assert_eq!(tags[0], tags[1]);
}

#[test]
fn a_client_key_has_flags_evaluated_that_the_document_allows() {
    let folder = TestFolder::new();
    let served = Served::start(&folder, SECRETS);
    let context = br#"{"context":{"targetingKey":"anna","guest":"1"}}"#;
    let json = [("content-type", "application/json")];
    let evaluate =
        |role, path: &str| served.ask(role, "POST", &format!("/ofrep/v1/evaluate/flags{path}"), &json, context);
    let bulk = evaluate(Role::Client, "").expect(200).json();
    let keys: Vec<_> = bulk["flags"].as_array().unwrap().iter().map(|flag| flag["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["also-shown", "evaluated", "shown"]);
    let [page, server] = [Role::Client, Role::Server].map(|role| evaluate(role, "/shown").expect(200).json());
    assert_eq!(server["metadata"]["rule"], "secret-rule");
    assert_eq!(page["metadata"].get("rule"), None);
    assert_eq!(page["value"], server["value"]);
    evaluate(Role::Client, "/evaluated").expect(200);
    let [hidden, absent] = ["/secret-flag", "/absent-flag"].map(|path| evaluate(Role::Client, path).expect(404).text());
    assert_eq!(hidden.replace("secret-flag", ""), absent.replace("absent-flag", ""));
    evaluate(Role::Server, "/secret-flag").expect(200);
    let large = format!(r#"{{"context":{{"targetingKey":"{}"}}}}"#, "a".repeat(9 << 10));
    let path = "/ofrep/v1/evaluate/flags/shown";
    served.ask(Role::Client, "POST", path, &json, large.as_bytes()).expect(413);
    served.ask(Role::Server, "POST", path, &json, large.as_bytes()).expect(200);
}

#[test]
fn pages_of_a_network_that_ask_too_often_wait_and_servers_do_not() {
    let folder = TestFolder::new();
    let served = Served::start(&folder, SECRETS);
    let json = [("content-type", "application/json")];
    let ask = |role| served.ask(role, "POST", "/ofrep/v1/evaluate/flags/shown", &json, b"{}");
    let refused = (0..500).map(|_| ask(Role::Client)).find(|answer| answer.status != 200).expect("a limit");
    assert_eq!((refused.status, refused.code().as_str()), (429, "RATE_LIMITED"));
    assert!(refused.header("retry-after").is_some());
    ask(Role::Server).expect(200);
}
