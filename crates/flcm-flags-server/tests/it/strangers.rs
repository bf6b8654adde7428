//! What can be done with the key of a page, which anyone can read: send batches that no page would send.

use flcm_flags::metrics::batch::{Header, Writer};
use flcm_flags::metrics::{Custom, FlagMetrics};
use flcm_flags::{Arm, Sample};
use flcm_flags_server::Role;

use crate::host::{BATCH, Tally, batch, decisions};
use crate::http::{Answer, ask};
use crate::test_server::{TestFolder, TestServer, figure};

/// A server with keys, and one of each role.
struct Served {
    server: TestServer,
    keys: Vec<String>,
}

impl Served {
    fn start(folder: &TestFolder) -> Self {
        let keys = folder.write_keys(&Role::ALL, str::to_owned);
        let server = folder.serve_with(&["--keys", "keys.json"]);
        Self { server, keys }
    }

    fn ask(&self, role: Role, method: &str, path: &str, body: &[u8]) -> Answer {
        let bearer = format!("Bearer {}", self.keys[role as usize]);
        ask(self.server.address, method, path, &[BATCH, ("authorization", &bearer)], body).unwrap()
    }

    fn send(&self, role: Role, batch: &[u8]) -> Answer {
        self.ask(role, "POST", "/metrics", batch)
    }

    fn figure(&self, name: &str) -> u64 {
        figure(&self.ask(Role::Server, "GET", "/metrics", b"").text(), name)
    }
}

fn header(instance: u64, sequence: u64) -> Header {
    Header { instance, epoch: 1, sequence, age: 0 }
}

fn counted(instance: u64, sequence: u64) -> Vec<u8> {
    batch(header(instance, sequence), &[Tally { flag: "plain", decisions: 1, errors: 0, generation: 0 }])
}

fn written(header: Header, write: impl FnOnce(&mut Writer<&mut dyn FnMut(&[u8])>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut sink = |part: &[u8]| bytes.extend_from_slice(part);
    let mut writer = Writer::new(header, &mut sink as &mut dyn FnMut(&[u8]));
    write(&mut writer);
    writer.finish();
    bytes
}

/// Counters under these names.
fn named(header: Header, names: &[&str]) -> Vec<u8> {
    let mut custom: Box<Custom<300, 1>> = Box::default();
    for name in names {
        assert!(custom.add(name, 5));
    }
    written(header, |writer| writer.custom(&custom))
}

#[test]
fn what_no_host_writes_is_refused() {
    let folder = TestFolder::new();
    let served = Served::start(&folder);
    let tally = |flag| Tally { flag, decisions: 1, errors: 0, generation: 0 };
    for flags in [["plain", "plain"], ["plain", "guarded"]] {
        let answer = served.send(Role::Server, &batch(header(1, 1), &flags.map(tally)));
        assert_eq!(answer.expect(400).code(), "INVALID_BATCH", "{flags:?}");
    }
    served.send(Role::Server, &batch(header(1, 1), &["guarded", "plain"].map(tally))).expect(204);
    assert_eq!((served.figure(&decisions("plain")), served.figure("flcm_batches_refused_invalid_total")), (1, 2));
}

#[test]
fn large_batches_need_a_server_key() {
    let folder = TestFolder::new();
    let served = Served::start(&folder);
    let mut metrics = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
    metrics.tally(0, 1);
    let large = |flags: u32| {
        written(header(1, 1), |writer| {
            (0..flags).for_each(|flag| assert!(writer.flag(&format!("{flag:0200}"), |_| None, &metrics)));
        })
    };
    assert_eq!(served.send(Role::Client, &large(320)).expect(413).code(), "TOO_LARGE");
    served.send(Role::Client, &large(300)).expect(204);
    served.send(Role::Server, &large(320)).expect(204);
}

#[test]
fn a_page_can_neither_name_metrics_nor_claim_users() {
    let folder = TestFolder::new();
    let served = Served::start(&folder);
    let names: Vec<String> = (0..256).map(|name| format!("made_up_{name}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    served.send(Role::Client, &named(header(1, 1), &names)).expect(204);
    served.send(Role::Server, &named(header(2, 1), &["orders"])).expect(204);
    let text = served.ask(Role::Server, "GET", "/metrics", b"").text();
    assert_eq!(figure(&text, "flcm_custom_total{name=\"orders\"}"), 5);
    assert_eq!(figure(&text, "flcm_custom_dropped_total"), 256);
    assert!(!text.contains("made_up"), "{text}");

    let mut claimed = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
    claimed.tally(0, 1);
    claimed.outcome(Arm::Outside, &Sample { total: 1, ..Sample::default() }, f64::MAX);
    (0..2048).for_each(|register| claimed.see(0, register, 54));
    let bytes = written(header(1, 2), |writer| _ = writer.flag("plain", |_| None, &claimed));
    served.send(Role::Client, &bytes).expect(204);
    // What can be is added: one user of one decision, and one duration of one outcome.
    let mut honest = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
    honest.tally(0, 1);
    honest.outcome(Arm::Outside, &Sample { total: 1, ..Sample::default() }, 5.0);
    honest.see(0, 7, 1);
    let bytes = written(header(1, 3), |writer| _ = writer.flag("plain", |_| None, &honest));
    served.send(Role::Client, &bytes).expect(204);
    let text = served.ask(Role::Server, "GET", "/metrics", b"").text();
    assert_eq!(figure(&text, "flcm_users{flag=\"plain\"}"), 1, "{text}");
    assert_eq!(figure(&text, "flcm_duration_seconds_count{flag=\"plain\"}"), 1, "{text}");
}

#[test]
fn an_admin_removes_a_metric_for_good() {
    let folder = TestFolder::new();
    let served = Served::start(&folder);
    served.send(Role::Server, &named(header(1, 1), &["orders", "a name/with %"])).expect(204);
    assert_eq!(served.ask(Role::Server, "DELETE", "/metrics/orders", b"").expect(403).code(), "FORBIDDEN");
    for name in ["orders", "a%20name%2Fwith%20%25"] {
        served.ask(Role::Admin, "DELETE", &format!("/metrics/{name}"), b"").expect(204);
        let again = served.ask(Role::Admin, "DELETE", &format!("/metrics/{name}"), b"");
        assert_eq!(again.expect(404).code(), "METRIC_NOT_FOUND");
    }
    assert!(served.ask(Role::Admin, "GET", "/audit", b"").text().contains("remove_metric"));
    served.server.kill();
    let served = Served::start(&folder);
    assert_eq!(served.figure("flcm_custom_total{name=\"orders\"}"), 0);
    served.send(Role::Server, &named(header(1, 2), &["orders"])).expect(204);
    assert_eq!(served.figure("flcm_custom_total{name=\"orders\"}"), 5);
}

#[test]
fn a_page_cannot_speak_for_a_host_with_a_server_key() {
    let folder = TestFolder::new();
    let served = Served::start(&folder);
    for sequence in 1..=3 {
        served.send(Role::Client, &counted(7, sequence)).expect(204);
    }
    served.send(Role::Server, &counted(7, 1)).expect(204);
    assert_eq!((served.figure(&decisions("plain")), served.figure("flcm_batches_repeated_total")), (4, 0));
    // Both are known after a kill: each counts once.
    served.server.kill();
    let served = Served::start(&folder);
    served.send(Role::Client, &counted(7, 3)).expect(204);
    served.send(Role::Server, &counted(7, 1)).expect(204);
    assert_eq!((served.figure(&decisions("plain")), served.figure("flcm_batches_repeated_total")), (4, 2));
}

#[test]
fn a_batch_of_a_page_waits_for_half_an_hour_at_most() {
    let folder = TestFolder::new();
    let served = Served::start(&folder);
    let old = Header { age: 31 * 60_000, ..header(1, 1) };
    let bytes = batch(old, &[]);
    assert_eq!(served.send(Role::Client, &bytes).expect(422).code(), "BATCH_TOO_OLD");
    served.send(Role::Server, &bytes).expect(204);
}
