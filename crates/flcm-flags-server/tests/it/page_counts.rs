//! Counts as JSON: what pages send instead of batches.

use std::fmt::Write;

use flcm_flags::bucket::sip;
use flcm_flags::metrics::batch::Header;
use flcm_flags::{Context, Millis, Snapshot, Trips, evaluate};
use flcm_flags_host::{HostState, Outcome};
use flcm_flags_server::Role;

use crate::host::{BATCH, Tally, batch};
use crate::http::{Answer, ask};
use crate::test_server::{TestFolder, TestServer, figure};

pub(crate) const COUNTS: (&str, &str) = ("content-type", "application/vnd.flcm.counts+json");

/// What engines answer for the treatment and the control, without a variant.
pub(crate) const TREATMENT: u32 = 0x0f05_ffff;
pub(crate) const CONTROL: u32 = 0x1205_ffff;

/// Of everyone.
const STATIC: u32 = 0x0706_ffff;

const DOCUMENT: &str = "\
flags:
  layout:
    rollout: { percentage: 70 }
    variants: [{ name: wide, weight: 2 }, { name: narrow, weight: 1 }]
    error_threshold: { rate: 0.05, slow_ms: 800 }
  plain: {}
";

/// The JSON of rows, for a snapshot that no server has.
pub(crate) fn counts(header: Header, rows: &[String]) -> String {
    of_snapshot("0123456789abcdef", None, header, rows)
}

fn of_snapshot(digest: &str, user: Option<&str>, header: Header, rows: &[String]) -> String {
    let Header { instance, epoch, sequence, age } = header;
    let (user, rows) = (serde_json::json!(user), rows.join(","));
    format!(
        r#"{{"instance":{instance},"epoch":{epoch},"sequence":{sequence},"age":{age},"snapshot":"{digest}","user":{user},"rows":[{rows}]}}"#
    )
}

const fn header(instance: u64, sequence: u64) -> Header {
    Header { instance, epoch: 1, sequence, age: 0 }
}

fn decisions(header: Header, times: u32) -> String {
    counts(header, &[format!(r#"[{times},"plain",{STATIC}]"#)])
}

/// The line of `GET /metrics` that counts them.
const PLAIN: &str = r#"flcm_decisions_total{flag="plain",variant="",reason="STATIC"}"#;

/// A server with keys, and one of each role.
struct Served {
    server: TestServer,
    keys: Vec<String>,
}

impl Served {
    fn start(folder: &TestFolder) -> Self {
        Self::start_with(folder, DOCUMENT)
    }

    fn start_with(folder: &TestFolder, document: &str) -> Self {
        folder.file("flags.yaml", document);
        let keys = folder.write_keys(&Role::ALL, str::to_owned);
        Self { server: folder.serve_with(&["--keys", "keys.json"]), keys }
    }

    fn ask(&self, role: Role, what: (&str, &str), kind: (&str, &str), body: &[u8]) -> Answer {
        let bearer = format!("Bearer {}", self.keys[role as usize]);
        ask(self.server.address, what.0, what.1, &[kind, ("authorization", &bearer)], body).unwrap()
    }

    fn send(&self, role: Role, counts: &str) -> Answer {
        self.ask(role, ("POST", "/metrics"), COUNTS, counts.as_bytes())
    }

    fn metrics(&self) -> String {
        self.ask(Role::Server, ("GET", "/metrics"), COUNTS, b"").text()
    }

    fn figure(&self, name: &str) -> u64 {
        figure(&self.metrics(), name)
    }
}

/// What one user's decisions and calls are, as a batch and as JSON.
fn of_user(snapshot: &Snapshot<Vec<u8>>, user: &str, instance: u64) -> (Vec<u8>, String) {
    let context = Context::new(Some(user), &[]).bind(snapshot);
    let (unit, header) = (sip(user.as_bytes()), header(instance, 1));
    let mut state = HostState::none(snapshot.flags().len());
    assert!(state.measure(snapshot));
    let mut rows = Vec::new();
    for id in snapshot.flags() {
        let decision = evaluate(snapshot, &Trips::NONE, id, &context, Millis(0)).packed();
        let (key, outcome) = (snapshot.describe(id).unwrap().key(), decision.to_bits() >> 32);
        let measures = state.measures.as_mut().unwrap();
        measures.flag(snapshot, id).unwrap().set_generation(1);
        measures.decided(snapshot, id, decision, Some(unit), 2);
        rows.push(format!(r#"[2,"{key}",{outcome}]"#));
        for (times, failed, duration) in [(3, false, 12.5), (1, true, 900.0), (2, false, 801.0)] {
            rows.push(format!(r#"[{times},"{key}",{outcome},1,{failed},{duration}]"#));
            let (arm, variant) = (decision.arm(), decision.variant());
            let call = Outcome { arm, variant, unit: Some(unit), failed, missing: false, duration, generation: 0 };
            (0..times).for_each(|_| state.outcome(snapshot, id, &call, Millis(0)));
        }
    }
    let (digest, user) = (format!("{:016x}", snapshot.digest()), format!("{unit:016x}"));
    (state.drain(snapshot, header).unwrap(), of_snapshot(&digest, Some(&user), header, &rows))
}

/// The lines of what is counted of flags.
fn counted(metrics: &str) -> String {
    metrics.lines().filter(|line| line.contains("{flag=")).fold(String::new(), |mut all, line| {
        writeln!(all, "{line}").unwrap();
        all
    })
}

#[test]
fn counts_as_json_add_up_to_what_batches_add_up_to() {
    let folders = [(); 2].map(|()| TestFolder::new());
    let [by_batch, by_json] = folders.each_ref().map(Served::start);
    let bytes = by_json.ask(Role::Client, ("GET", "/flags"), COUNTS, b"").expect(200).body;
    let snapshot = Snapshot::from_bytes(bytes).unwrap();
    for user in 0..60 {
        let (bytes, json) = of_user(&snapshot, &format!("user-{user}"), user);
        by_batch.ask(Role::Client, ("POST", "/metrics"), BATCH, &bytes).expect(204);
        by_json.send(Role::Client, &json).expect(204);
    }
    let (wanted, found) = (counted(&by_batch.metrics()), counted(&by_json.metrics()));
    assert_eq!(found, wanted);
    assert_eq!(figure(&found, r#"flcm_users{flag="plain"}"#), 60, "{found}");
    for part in [r#"variant="wide""#, r#"variant="narrow""#, r#"arm="control",outcome="error""#, "outcome=\"slow\""] {
        assert!(found.contains(part), "{part}: {found}");
    }
}

#[test]
fn the_same_counts_count_once_whatever_their_form() {
    let folder = TestFolder::new();
    let served = Served::start(&folder);
    served.send(Role::Client, &decisions(header(7, 1), 5)).expect(204);
    served.send(Role::Client, &decisions(header(7, 1), 5)).expect(204);
    served.send(Role::Client, &decisions(Header { age: 900, ..header(7, 1) }, 5)).expect(204);
    let same = batch(header(7, 1), &[Tally { flag: "plain", decisions: 5, errors: 0, generation: 0 }]);
    served.ask(Role::Client, ("POST", "/metrics"), BATCH, &same).expect(204);
    assert_eq!((served.figure(PLAIN), served.figure("flcm_batches_repeated_total")), (5, 3));
    assert_eq!(served.send(Role::Client, &decisions(header(7, 3), 5)).expect(409).code(), "BATCH_GAP");
    served.send(Role::Client, &decisions(header(7, 2), 5)).expect(204);
    // What a stranger calls itself is no host with another key.
    served.send(Role::Server, &decisions(header(7, 1), 5)).expect(204);
    served.server.kill();
    let served = Served::start(&folder);
    served.send(Role::Client, &decisions(header(7, 2), 5)).expect(204);
    assert_eq!(served.figure(PLAIN), 15);
}

#[test]
fn counts_of_flags_that_are_unknown_or_cannot_be_are_dropped_and_counted() {
    let folder = TestFolder::new();
    let served = Served::start(&folder);
    let long = "k".repeat(300);
    let rows = ["removed", "", &long, "plain"].map(|flag| format!(r#"[1,"{flag}",{STATIC}]"#));
    served.send(Role::Client, &counts(header(1, 1), &rows)).expect(204);
    let metrics = served.metrics();
    assert_eq!((figure(&metrics, PLAIN), figure(&metrics, "flcm_unknown_flags_total")), (1, 3), "{metrics}");
    assert!(!metrics.contains("removed"), "{metrics}");
}

#[test]
fn counts_that_no_page_sends_are_refused_and_change_nothing() {
    let folder = TestFolder::new();
    let served = Served::start(&folder);
    let row = |row: &str| counts(header(1, 1), &[format!(r#"[1,"plain",{STATIC}]"#), row.to_owned()]);
    for text in [
        "",
        "[]",
        "{}",
        &row("[]"),
        &row(r#"[0,"plain",459000]"#),
        &row(r#"[1,"plain",4294967295]"#),
        &row(r#"[4294967296,"plain",459000]"#),
        &row(r#"[1,"plain",459000,1,true,-1]"#),
        &row(r#"[1,"plain",459000,1,true,1e999]"#),
        &counts(header(1, 1), &vec![format!(r#"[1,"plain",{STATIC}]"#); 1001]),
        &row(&"[".repeat(60_000)),
    ] {
        for role in [Role::Client, Role::Server] {
            let answer = served.send(role, text).expect(400);
            assert_eq!(answer.code(), "INVALID_BATCH");
            assert!(answer.body.len() < 1000, "{}", answer.text());
        }
    }
    let answer = served.send(Role::Client, &row(r#"[1,"plain"]"#)).expect(400).json();
    let detail = "the body is no counts: invalid length 2, expected [times, flag, outcome] or [times, flag, outcome, \
                  generation, failed, ms] at line 1 column 128";
    assert_eq!(answer["detail"], detail);
    assert_eq!((served.figure(PLAIN), served.figure("flcm_batches_refused_invalid_total")), (0, 23));
    let old = Header { age: 31 * 60_000, ..header(1, 1) };
    assert_eq!(served.send(Role::Client, &decisions(old, 1)).expect(422).code(), "BATCH_TOO_OLD");
}

/// Another type would need no preflight request, so that any page could send it to a server without keys.
#[test]
fn counts_have_a_type_of_their_own_and_need_a_key() {
    let folder = TestFolder::new();
    let served = Served::start(&folder);
    let good = decisions(header(1, 1), 1);
    for kind in ["text/plain", "application/json", "application/vnd.flcm.batch+json", ""] {
        let answer = served.ask(Role::Client, ("POST", "/metrics"), ("content-type", kind), good.as_bytes());
        assert_eq!(answer.expect(415).code(), "WRONG_TYPE", "{kind}");
    }
    let answer = ask(served.server.address, "POST", "/metrics", &[COUNTS], good.as_bytes()).unwrap();
    assert_eq!(answer.expect(401).code(), "UNAUTHORIZED");
    let kind = ("content-type", "application/vnd.flcm.counts+json; charset=utf-8");
    served.ask(Role::Client, ("POST", "/metrics"), kind, good.as_bytes()).expect(204);
}

/// With any key, because only pages send JSON.
#[test]
fn counts_are_small_as_json_and_as_a_batch() {
    let folder = TestFolder::new();
    let served = Served::start(&folder);
    let padded = |length: usize| {
        let good = decisions(header(1, 1), 1);
        " ".repeat(length - good.len()) + &good
    };
    for role in [Role::Client, Role::Server] {
        assert_eq!(served.send(role, &padded((64 << 10) + 1)).expect(413).code(), "TOO_LARGE");
        served.send(role, &padded(64 << 10)).expect(204);
    }
    // Many flags with durations, which take more bytes than their digits.
    let row = |flag: usize| format!(r#"[1,"{flag:0>36}",{TREATMENT},1,true,1]"#);
    let many = |count: usize| counts(header(2, 1), &(0..count).map(row).collect::<Vec<_>>());
    assert!(many(950).len() < 64 << 10);
    let answer = served.send(Role::Client, &many(950)).expect(413);
    assert_eq!(answer.code(), "TOO_LARGE");
    assert!(answer.json()["detail"].as_str().unwrap().contains("65536 are allowed"), "{}", answer.text());
    served.send(Role::Client, &many(500)).expect(204);
}

/// A client key gets a snapshot of its own, whose digest pages name.
#[test]
fn a_client_key_counts_only_what_pages_get() {
    let folder = TestFolder::new();
    let document = DOCUMENT.replace("    rollout", "    client: true\n    rollout");
    let served = Served::start_with(&folder, &format!("clients: listed\n{document}"));
    let narrow = TREATMENT & 0xffff_0000 | 1;
    let rows = [format!(r#"[5,"layout",{narrow}]"#), format!(r#"[7,"plain",{STATIC}]"#)];
    let etag = served.ask(Role::Client, ("GET", "/flags"), COUNTS, b"").header("etag").unwrap().to_owned();
    let send = |role, instance| served.send(role, &of_snapshot(&etag[1..17], None, header(instance, 1), &rows));
    send(Role::Client, 1).expect(204);
    let layout = r#"flcm_decisions_total{flag="layout",variant="narrow",reason="SPLIT"}"#;
    let metrics = served.metrics();
    assert_eq!([layout, PLAIN, "flcm_unknown_flags_total"].map(|name| figure(&metrics, name)), [5, 0, 1], "{metrics}");
    send(Role::Server, 2).expect(204);
    let metrics = served.metrics();
    assert_eq!([layout, PLAIN].map(|name| figure(&metrics, name)), [10, 7], "{metrics}");
}

/// A revision may number variants anew.
#[test]
fn variants_are_those_of_the_snapshot_that_the_page_had() {
    let server = TestFolder::new().serve_alone();
    server.put(DOCUMENT).expect(200);
    let digest = || {
        let answer = server.get("/flags");
        answer.header("etag").unwrap()[1..17].to_owned()
    };
    let old = digest();
    let turned = DOCUMENT.replace("wide", "other").replace("narrow", "wide").replace("other", "narrow");
    server.put(&turned).expect(200);
    assert_ne!(digest(), old);
    let rows = [format!(r#"[3,"layout",{}]"#, TREATMENT & 0xffff_0000 | 1)];
    let send = |digest: &str, instance| {
        let counts = of_snapshot(digest, None, header(instance, 1), &rows);
        ask(server.address, "POST", "/metrics", &[COUNTS], counts.as_bytes()).unwrap().expect(204);
    };
    let of = |variant: &str| {
        server.figure(&format!(r#"flcm_decisions_total{{flag="layout",variant="{variant}",reason="SPLIT"}}"#))
    };
    send(&digest(), 1);
    assert_eq!([of("wide"), of("narrow"), of("")], [3, 0, 0]);
    send(&old, 2);
    assert_eq!([of("wide"), of("narrow"), of("")], [3, 3, 0]);
    send("0123456789abcdef", 3);
    assert_eq!([of("wide"), of("narrow"), of("")], [3, 3, 3]);
}
