//! Whose outcomes are evidence: what a stranger with the public key of a page cannot do, and what pages can.

use std::net::Ipv4Addr;
use std::thread;
use std::time::Duration;

use flcm_flags::metrics::FlagMetrics;
use flcm_flags::metrics::batch::{Header, Writer};
use flcm_flags::{Arm, Sample};
use flcm_flags_server::Role;
use serde_json::{Value, json};

use crate::host::BATCH;
use crate::http::{Answer, ask_from};
use crate::page_counts::{CONTROL, COUNTS, TREATMENT, counts};
use crate::test_server::{TestFolder, TestServer, until};

const DOCUMENT: &str = "\
flags:
  of_both:
    rollout: { percentage: 50 }
    error_threshold: { rate: 0.05, evidence: [servers, pages] }
  of_servers:
    rollout: { percentage: 50 }
    error_threshold: { rate: 0.05 }
  probed:
    rollout: { percentage: 50 }
    error_threshold: { rate: 0.05, recovery: auto, cooldown: 1 }
";

/// A server with a key for each role.
struct World {
    folder: TestFolder,
    server: TestServer,
    keys: Vec<String>,
    /// Makes each batch that of another host.
    hosts: u64,
    /// Whether pages send JSON.
    is_json: bool,
}

impl World {
    fn new() -> Self {
        let folder = TestFolder::new();
        folder.file("flags.yaml", DOCUMENT);
        let keys = folder.write_keys(&Role::ALL, str::to_owned);
        let server = folder.serve_with(&["--keys", "keys.json"]);
        Self {
            server,
            folder,
            keys: keys.into_iter().map(|key| format!("Bearer {key}")).collect(),
            hosts: 0,
            is_json: false,
        }
    }

    fn of_json() -> Self {
        Self { is_json: true, ..Self::new() }
    }

    /// Ends the server as a power cut would, and starts it again.
    fn kill(self) -> Self {
        self.server.kill();
        Self { server: self.folder.serve_with(&["--keys", "keys.json"]), ..self }
    }

    fn ask(&self, from: Ipv4Addr, role: Role, what: (&str, &str), kind: &str, body: &[u8]) -> Answer {
        let headers = [("authorization", &*self.keys[role as usize]), ("content-type", kind)];
        ask_from(from, self.server.address, what.0, what.1, &headers, body).unwrap()
    }

    fn status(&self, flag: &str) -> Value {
        self.ask(Ipv4Addr::LOCALHOST, Role::Admin, ("GET", "/trips"), "", b"").expect(200).json()["flags"][flag].clone()
    }

    fn command(&self, flag: &str, command: &str) {
        let path = format!("/flags/{flag}/{command}");
        self.ask(Ipv4Addr::LOCALHOST, Role::Admin, ("POST", &path), "application/json", b"{}").expect(200);
    }

    /// Another host reports outcomes of the arms: how many, and how many of them failed.
    fn report(&mut self, from: Ipv4Addr, role: Role, flag: &str, treatment: (u32, u32), control: (u32, u32)) {
        self.hosts += 1;
        let generation = u32::try_from(self.status(flag)["generation"].as_u64().unwrap()).unwrap();
        let header = Header { instance: self.hosts, epoch: 1, sequence: 1, age: 0 };
        let arms = [(Arm::Treatment, treatment), (Arm::Control, control)];
        let (kind, body) = if self.is_json {
            (COUNTS.1, counts(header, &arms.map(|arm| rows(flag, generation, arm)).concat()).into_bytes())
        } else {
            (BATCH.1, batch(header, flag, generation, arms))
        };
        self.ask(from, role, ("POST", "/metrics"), kind, &body).expect(204);
    }

    fn server_reports(&mut self, flag: &str, treatment: (u32, u32), control: (u32, u32)) {
        self.report(Ipv4Addr::LOCALHOST, Role::Server, flag, treatment, control);
    }

    fn stranger_reports(&mut self, flag: &str, treatment: (u32, u32), control: (u32, u32)) {
        self.report(Ipv4Addr::LOCALHOST, Role::Client, flag, treatment, control);
    }

    /// A page of each of so many networks reports that the feature fails, until the flag is off or the time is up.
    fn pages_fail(&mut self, networks: u8, seconds: u64) -> Value {
        for _ in 0..seconds {
            for network in 1..=networks {
                self.report(Ipv4Addr::new(127, 0, network, 1), Role::Client, "of_both", (1, 1), (1, 0));
            }
            thread::sleep(Duration::from_secs(1));
            if self.status("of_both")["trip"] != "clear" {
                break;
            }
        }
        self.status("of_both")
    }
}

/// The rows of an arm: calls that went well, and those that failed.
fn rows(flag: &str, generation: u32, (arm, (total, errors)): (Arm, (u32, u32))) -> Vec<String> {
    let outcome = if arm == Arm::Treatment { TREATMENT } else { CONTROL };
    let calls = [(total - errors, false), (errors, true)].into_iter().filter(|(times, _)| *times > 0);
    calls.map(|(times, failed)| format!(r#"[{times},"{flag}",{outcome},{generation},{failed},null]"#)).collect()
}

fn batch(header: Header, flag: &str, generation: u32, arms: [(Arm, (u32, u32)); 2]) -> Vec<u8> {
    let mut metrics = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
    metrics.set_generation(generation);
    for (arm, (total, errors)) in arms {
        let sample = Sample { total, errors, ..Sample::default() };
        metrics.outcome(arm, &sample, f64::NAN);
        metrics.add_evidence(arm, &sample);
    }
    let mut bytes = Vec::new();
    let mut writer = Writer::new(header, |written: &[u8]| bytes.extend_from_slice(written));
    writer.drain(flag, |_| None, &mut metrics);
    writer.finish();
    bytes
}

#[test]
fn a_public_key_hides_no_failure() {
    let mut world = World::new();
    until("the failing flag is rolled back", || {
        world.stranger_reports("of_servers", (100_000, 0), (100_000, 100_000));
        world.server_reports("of_servers", (10, 5), (10, 0));
        (world.status("of_servers")["trip"] == "off").then_some(())
    });
    assert_eq!(world.status("of_servers")["last"]["source"], "servers");
}

#[test]
fn a_public_key_ends_no_probe() {
    let mut world = World::new();
    until("the flag is probed", || {
        world.server_reports("probed", (20, 20), (20, 0));
        (world.status("probed")["state"] == "half_open").then_some(())
    });
    for _ in 0..3 {
        world.stranger_reports("probed", (100_000, 0), (100_000, 0));
        thread::sleep(Duration::from_millis(1_100));
        assert_eq!(world.status("probed")["state"], "half_open");
    }
    until("servers end the probe", || {
        world.server_reports("probed", (200, 0), (200, 0));
        (world.status("probed")["state"] == "closed").then_some(())
    });
}

#[test]
fn a_public_key_causes_no_rollback() {
    let mut world = World::new();
    for flag in ["of_servers", "of_both"] {
        for _ in 0..3 {
            world.stranger_reports(flag, (100_000, 100_000), (100_000, 0));
            thread::sleep(Duration::from_millis(1_100));
            assert_eq!(world.status(flag)["trip"], "clear", "{flag}");
        }
    }
    let figures = world.ask(Ipv4Addr::LOCALHOST, Role::Server, ("GET", "/metrics"), "", b"").text();
    let errors = crate::test_server::figure(&figures, &crate::host::errors("of_servers"));
    assert_eq!(errors, 300_000, "it is counted all the same");
    assert!(world.status("of_servers")["hint"].as_str().unwrap().contains("evidence: [servers, pages]"));
    assert_eq!(world.status("of_both")["hint"], Value::Null);
    let log = world.server.log();
    assert_eq!(log.matches("pages report outcomes").count(), 1, "{log}");
}

#[test]
fn pages_of_many_networks_switch_a_flag_off_and_a_kill_changes_nothing() {
    let mut world = World::new();
    let status = world.pages_fail(24, 30);
    assert_eq!((&status["trip"], &status["pages"]["state"]), (&json!("off"), &json!("open")), "{status}");
    let last = &status["last"];
    assert_eq!(
        (&last["source"], &last["cause"], &last["evidence"]["next"]),
        (&json!("pages"), &json!("pages"), &json!("probe"))
    );

    let world = world.kill();
    let again = world.status("of_both");
    assert_eq!((&again["trip"], &again["generation"]), (&json!("off"), &status["generation"]));
    assert_eq!((&again["pages"]["state"], &again["last"]["id"]), (&json!("open"), &last["id"]));

    world.command("of_both", "acknowledge");
    let closed = world.status("of_both");
    assert_eq!((&closed["trip"], &closed["pages"]["state"]), (&json!("clear"), &json!("closed")));
    let audit = world.ask(Ipv4Addr::LOCALHOST, Role::Admin, ("GET", "/audit"), "", b"").text();
    assert_eq!(audit.matches("\"action\":\"acknowledged\"").count(), 1, "{audit}");
}

#[test]
fn pages_of_a_few_networks_switch_nothing_off() {
    let mut world = World::new();
    let status = world.pages_fail(19, 5);
    assert_eq!((&status["trip"], &status["pages"]["networks"]), (&json!("clear"), &json!(19)), "{status}");
}

#[test]
fn counts_as_json_switch_a_flag_off_as_batches_do() {
    let mut world = World::of_json();
    let status = world.pages_fail(24, 30);
    assert_eq!((&status["trip"], &status["last"]["source"]), (&json!("off"), &json!("pages")), "{status}");
}

#[test]
fn counts_as_json_of_a_few_networks_switch_nothing_off() {
    let mut world = World::of_json();
    world.stranger_reports("of_servers", (100_000, 100_000), (100_000, 0));
    let status = world.pages_fail(19, 5);
    assert_eq!((&status["trip"], &status["pages"]["networks"]), (&json!("clear"), &json!(19)), "{status}");
    assert_eq!(world.status("of_servers")["trip"], "clear");
}

/// With the key of a server they are what a server says: one failure of each host.
#[test]
fn counts_as_json_with_a_server_key_are_evidence_of_servers() {
    let mut world = World::of_json();
    until("the failing flag is rolled back", || {
        (0..20).for_each(|_| world.server_reports("of_servers", (1, 1), (1, 0)));
        (world.status("of_servers")["trip"] == "off").then_some(())
    });
}

#[test]
fn operators_hold_and_release_both_breakers() {
    let mut world = World::new();
    assert_eq!(world.pages_fail(24, 30)["trip"], "off");
    for (command, trip, state) in
        [("hold", "off", "open"), ("release", "clear", "closed"), ("force", "clear", "closed")]
    {
        world.command("of_both", command);
        let status = world.status("of_both");
        assert_eq!((&status["trip"], &status["pages"]["state"]), (&json!(trip), &json!(state)), "{command}");
    }
}
