//! Webhooks: signed, in order, again until they are taken, and then not again.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use crate::http::{ask, request};
use crate::test_server::{FLAGS, TestFolder, TestServer, until};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What a listener was sent, and what it answered.
#[derive(Clone, Debug)]
struct Received {
    head: String,
    body: String,
    status: u16,
}

impl Received {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    fn id(&self) -> &str {
        self.header("webhook-id").unwrap()
    }

    fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn data(&self) -> Value {
        self.event()["data"].clone()
    }

    fn name(&self) -> String {
        self.event()["type"].as_str().unwrap().to_owned()
    }

    /// As the receiver is to check it.
    fn is_signed(&self) -> bool {
        let key = STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        let at = self.header("webhook-timestamp").unwrap();
        mac.update(format!("{}.{at}.{}", self.id(), self.body).as_bytes());
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        self.header("webhook-signature") == Some(&expected)
    }
}

/// Listens to webhooks.
#[derive(Clone)]
struct Listener {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Listener {
    /// Refuses so many, and takes the others.
    fn new(refusals: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let made = Self { address: listener.local_addr().unwrap(), received: Arc::default() };
        let received = Arc::clone(&made.received);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // One at a time, so that their order is that of the answers. One that was killed says nothing more.
                let _ = take(stream, refusals, &received);
            }
        });
        made
    }

    fn all(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    fn taken(&self) -> Vec<Received> {
        self.all().into_iter().filter(|received| received.status == 200).collect()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

fn take(mut stream: std::net::TcpStream, refusals: usize, received: &Mutex<Vec<Received>>) -> std::io::Result<()> {
    let Some((head, body)) = request(&mut stream)? else { return Ok(()) };
    let body = String::from_utf8_lossy(&body).into_owned();
    let mut received = received.lock().unwrap();
    let status = if received.len() < refusals { 500 } else { 200 };
    received.push(Received { head, body, status });
    stream.write_all(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").as_bytes())
}

fn serve(folder: &TestFolder, arguments: &[&str]) -> TestServer {
    let mut command = folder.command(&[&["flags.yaml"], arguments].concat());
    command.env("FLCM_WEBHOOK_SECRET", SECRET).env("FLCM_LOG", "trace");
    TestServer::start(command)
}

fn hold(server: &TestServer, command: &str) {
    server.post(&format!("/flags/guarded/{command}"), "{}").expect(200);
}

fn outbox(folder: &TestFolder) -> u32 {
    folder.database().query_row("SELECT count(*) FROM outbox", [], |row| row.get(0)).unwrap()
}

#[test]
fn letters_arrive_once_in_order_and_signed_though_the_listener_fails_and_the_server_is_killed() {
    let (folder, listener) = (TestFolder::new(), Listener::new(3));
    let url = listener.url("/hook");
    let server = serve(&folder, &["--webhook", &url]);
    for command in ["hold", "release", "hold"] {
        hold(&server, command);
    }
    until("it has failed once", || (!listener.all().is_empty()).then_some(()));
    server.kill();
    let server = serve(&folder, &["--webhook", &url]);
    until("all are taken", || (listener.taken().len() >= 3).then_some(()));
    until("that is stored", || (outbox(&folder) == 0).then_some(()));
    let (all, taken) = (listener.all(), listener.taken());
    assert_eq!(taken.len(), 3, "{taken:?}");
    assert!(all[..4].iter().all(|received| received.id() == all[0].id() && received.body == all[0].body), "{all:?}");
    let modes: Vec<_> = taken.iter().map(|received| received.data()["breaker"]["mode"].clone()).collect();
    assert_eq!(modes, ["held", "auto", "held"]);
    assert!(taken[0].id() != taken[1].id() && taken[1].id() != taken[2].id());
    assert!(all.iter().all(Received::is_signed), "{all:?}");
    server.stop();
}

#[test]
fn a_letter_that_was_taken_is_not_sent_again_because_that_cannot_be_stored() {
    let (folder, listener) = (TestFolder::new(), Listener::new(0));
    let server = serve(&folder, &["--webhook", &listener.url("/hook")]);
    let no_room = "CREATE TRIGGER no_room BEFORE DELETE ON outbox BEGIN SELECT RAISE(ABORT, 'no room'); END";
    folder.database().execute_batch(no_room).unwrap();
    hold(&server, "hold");
    until("it was tried to store that", || (server.figure("flcm_store_failures_total") >= 3).then_some(()));
    assert_eq!(listener.all().len(), 1);
    folder.database().execute_batch("DROP TRIGGER no_room").unwrap();
    until("it is stored", || (outbox(&folder) == 0).then_some(()));
    hold(&server, "release");
    until("the next one arrives", || (listener.all().len() == 2).then_some(()));
}

/// A receiver that accepts connections and never responds takes the whole time limit of each attempt.
#[test]
fn a_slow_receiver_delays_no_other() {
    let (folder, listener, slow) = (TestFolder::new(), Listener::new(0), TcpListener::bind("127.0.0.1:0").unwrap());
    let slow_url = format!("http://{}/hook", slow.local_addr().unwrap());
    let server = serve(&folder, &["--webhook", &slow_url, "--webhook", &listener.url("/hook")]);
    hold(&server, "hold");
    // The slow one is busy with it.
    let _first = slow.accept().unwrap();
    until("the other one has it", || (listener.taken().len() == 1).then_some(()));
    for (count, command) in [(2, "release"), (3, "hold"), (4, "release")] {
        hold(&server, command);
        until("the other one has it", || (listener.taken().len() == count).then_some(()));
    }
    // As long as the first attempt goes on, none of these waited for it.
    assert!(!server.log().contains("was not delivered"), "{}", server.log());
}

#[test]
fn chats_are_told_a_line_and_no_secret_or_path_is_in_the_log() {
    let (folder, json, slack) = (TestFolder::new(), Listener::new(1), Listener::new(1));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let arguments = [
        "--webhook",
        &json.url("/json/Hush1?token=Hush2"),
        "--slack",
        &slack.url("/services/Hush3"),
        "--webhook",
        &format!("http://{nobody}/Hush4"),
    ];
    let server = serve(&folder, &arguments);
    hold(&server, "hold");
    until("both have taken it", || (json.taken().len() == 1 && slack.taken().len() == 1).then_some(()));
    let said = &slack.taken()[0];
    assert!(said.head.starts_with("POST /services/Hush3 ") && said.header("webhook-signature").is_none(), "{said:?}");
    let text = said.event();
    assert!(text["text"].as_str().unwrap().contains("guarded") && text.as_object().unwrap().len() == 1, "{text}");
    assert_eq!(text["text"], json.taken()[0].data()["text"]);
    until("nobody was told", || server.log().contains("attempt=2").then_some(()));
    let log = server.stop();
    assert!(
        !log.contains("Hush") && !log.contains("MfKQ9r8G"),
        "{}",
        log.lines().filter(|line| line.contains("Hush")).collect::<String>()
    );
}

/// The fleet's time is ahead when the wall clock was set back; nobody is to wait for that.
#[test]
fn letters_do_not_wait_for_the_wall_clock() {
    let (folder, listener) = (TestFolder::new(), Listener::new(0));
    folder.serve().stop();
    folder
        .database()
        .execute("REPLACE INTO facts SELECT 'clock', number + 3600000 FROM facts WHERE name = 'clock'", [])
        .unwrap();
    let server = serve(&folder, &["--webhook", &listener.url("/hook")]);
    hold(&server, "hold");
    until("it arrives", || (listener.taken().len() == 1).then_some(()));
    let data = listener.taken()[0].data();
    let (at, sent) = (
        data["at"].as_u64().unwrap(),
        listener.taken()[0].header("webhook-timestamp").unwrap().parse::<u64>().unwrap(),
    );
    assert!(at > sent * 1000 + 3_000_000, "{at} {sent}");
}

/// Does one of each: an operator's commands, a document that is published, another that is refused, a revert.
fn do_everything(server: &TestServer) {
    let first = server.get("/revisions").json()[0]["number"].as_u64().unwrap();
    server.post("/flags/plain/hold", r#"{"reason":"wrong prices"}"#).expect(200);
    server.post("/flags/plain/release", "").expect(200);
    server.put(&FLAGS.replace("percentage: 50", "percentage: 60")).expect(200);
    server.put("flags: 1").expect(422);
    let headers = [("if-match", "*")];
    ask(server.address, "POST", &format!("/revisions/{first}/revert"), &headers, b"").unwrap().expect(200);
}

#[test]
fn each_change_is_an_event_that_says_who_and_why() {
    let (folder, listener) = (TestFolder::new(), Listener::new(0));
    let server = serve(&folder, &["--webhook", &listener.url("/hook")]);
    do_everything(&server);
    until("all are taken", || (listener.taken().len() == 5).then_some(()));
    let taken = listener.taken();
    let of = |name: &str| {
        let found = taken.iter().find(|received| received.name() == name);
        found.unwrap_or_else(|| panic!("no {name}: {taken:?}")).clone()
    };
    let held = of("flag.held");
    assert_eq!(held.data()["text"], "anyone held `plain`: wrong prices");
    assert_eq!((&held.data()["flag"], &held.data()["actor"]), (&"plain".into(), &"anyone".into()));
    assert_eq!((held.data()["reason"].as_str(), held.event()["id"].as_str()), (Some("wrong prices"), Some(held.id())));
    assert_eq!(of("flag.released").data()["text"], "anyone released `plain`");
    let published = of("revision.published").data();
    let number = published["revision"].as_u64().unwrap();
    assert_eq!(published["text"], format!("anyone published revision {number}"));
    let reverted = of("revision.reverted").data();
    assert_eq!(reverted["revision"], number + 1);
    assert!(reverted["text"].as_str().unwrap().contains("back to revision"), "{reverted}");
    let refused = of("document.refused").data();
    assert_eq!((&refused["code"], &refused["revision"]), (&"INVALID_DOCUMENT".into(), &number.into()));
    assert!(refused["text"].as_str().unwrap().starts_with("a document of anyone was refused"), "{refused}");
    let mut ids: Vec<_> = taken.iter().map(|received| received.id().to_owned()).collect();
    ids.sort();
    ids.dedup();
    assert!(ids.len() == 5 && ids.iter().all(|id| !id.contains('.')), "{ids:?}");
    assert!(taken.iter().all(|received| received.is_signed() && is_rfc3339(&received.event()["timestamp"])));
    let audit = server.get("/audit").json().to_string();
    assert!(audit.contains(r#""action":"refused""#), "{audit}");
}

fn is_rfc3339(time: &Value) -> bool {
    time.as_str().is_some_and(|time| time.starts_with("20") && time.ends_with('Z') && time.contains('T'))
}

#[test]
fn an_edit_of_the_file_that_is_refused_is_an_event() {
    let (folder, listener) = (TestFolder::new(), Listener::new(0));
    let _server = serve(&folder, &["--webhook", &listener.url("/hook"), "--webhook-events", "refused"]);
    folder.file("flags.yaml", "flags: 1");
    until("it arrives", || (!listener.taken().is_empty()).then_some(()));
    let data = listener.taken()[0].data();
    assert_eq!((&data["actor"], &data["code"]), (&"file".into(), &"INVALID_DOCUMENT".into()), "{data}");
}

#[test]
fn a_command_is_one_event_whether_servers_or_pages_or_both_are_sources_of_the_flag() {
    let (folder, listener) = (TestFolder::new(), Listener::new(0));
    let sources = ["[servers]", "[pages]", "[servers, pages]"];
    let flag = |(number, sources): (usize, &str)| {
        format!(
            "  f{number}: {{ rollout: {{ percentage: 50 }}, error_threshold: {{ rate: 0.05, evidence: {sources} }} }}\n"
        )
    };
    folder.file("flags.yaml", format!("flags:\n{}", sources.into_iter().enumerate().map(flag).collect::<String>()));
    let server = serve(&folder, &["--webhook", &listener.url("/hook"), "--webhook-events", "hold"]);
    for number in 0..sources.len() {
        for command in ["hold", "release"] {
            server.post(&format!("/flags/f{number}/{command}"), "{}").expect(200);
        }
    }
    until("nothing waits", || (!listener.taken().is_empty() && outbox(&folder) == 0).then_some(()));
    let taken = listener.taken().into_iter();
    let mut taken: Vec<_> = taken.map(|event| (event.data()["flag"].to_string(), event.name())).collect();
    taken.sort();
    let expected = (0..sources.len())
        .flat_map(|number| ["flag.held", "flag.released"].map(|name| (format!("\"f{number}\""), name.to_owned())));
    assert_eq!(taken, expected.collect::<Vec<_>>());
}

#[test]
fn a_webhook_receives_only_the_kinds_that_it_chose() {
    let (folder, holds, slack) = (TestFolder::new(), Listener::new(0), Listener::new(0));
    let (url, other) = (holds.url("/hook"), slack.url("/slack"));
    let options =
        ["--webhook", &url, "--webhook-events", "hold", "--slack", &other, "--slack-events", "publish,refused"];
    let server = serve(&folder, &options);
    do_everything(&server);
    hold(&server, "hold");
    until("all are taken", || (holds.taken().len() >= 3 && slack.taken().len() >= 3).then_some(()));
    until("nothing waits", || (outbox(&folder) == 0).then_some(()));
    let mut names: Vec<_> = holds.taken().iter().map(Received::name).collect();
    names.sort();
    assert_eq!(names, ["flag.held", "flag.held", "flag.released"]);
    let texts: Vec<_> = slack.taken().iter().map(|received| received.event()["text"].to_string()).collect();
    assert!(texts.len() == 3 && texts[0].contains("published") && texts[1].contains("refused"), "{texts:?}");
}

/// The receiver is down until both are killed.
#[test]
fn an_event_is_stored_with_the_change_that_it_announces() {
    let folder = TestFolder::new();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}/hook");
    let server = serve(&folder, &["--webhook", &url]);
    server.post("/flags/plain/hold", "").expect(200);
    server.kill();
    assert_eq!(outbox(&folder), 1);
    let server = serve(&folder, &["--webhook", &url]);
    server.put(&FLAGS.replace("percentage: 50", "percentage: 60")).expect(200);
    server.kill();
    assert_eq!(outbox(&folder), 2);
}

/// `<!channel>` would notify everybody, and `<http://…>` is a link.
#[test]
fn what_slack_would_take_for_a_command_is_escaped() {
    let (folder, slack, json) = (TestFolder::new(), Listener::new(0), Listener::new(0));
    let server = serve(&folder, &["--slack", &slack.url("/slack"), "--webhook", &json.url("/hook")]);
    server.post("/flags/plain/hold", r#"{"reason":"<!channel> a & b &lt;"}"#).expect(200);
    until("both have taken it", || (json.taken().len() == 1 && slack.taken().len() == 1).then_some(()));
    let escaped = "anyone held `plain`: &lt;!channel&gt; a &amp; b &amp;lt;";
    assert_eq!(slack.taken()[0].event()["text"], escaped);
    assert_eq!(json.taken()[0].data()["text"], "anyone held `plain`: <!channel> a & b &lt;");
}
