//! What the fleet's server sees of hosts that do otherwise, and what an observed flag and a comparison of revisions
//! say.

use flcm_flags::metrics::FlagMetrics;
use flcm_flags::metrics::batch::{Header, Writer};
use flcm_flags::{Context, Millis, Snapshot, TripState, Trips, evaluate};

use crate::host::{BATCH, Host, Tally, batch, decisions};
use crate::http::ask;
use crate::test_server::{FLAGS, TestFolder, TestServer, until};

/// A batch of a host whose own breaker holds a flag back.
fn held_back(instance: u64, flag: &str) -> Vec<u8> {
    let snapshot = flcm_flags_config::compile(&flcm_flags_config::check(FLAGS).0.unwrap());
    let snapshot = Snapshot::from_bytes(snapshot).unwrap();
    let id = snapshot.flag(flag).unwrap();
    let mut trips = Trips::new(vec![0; Trips::bytes_for(snapshot.flags().len())]);
    trips.set(id, TripState::HeldOff);
    let alice = Context::new(Some("alice"), &[]).bind(&snapshot);
    let mut metrics = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
    metrics.decision(evaluate(&snapshot, &trips, id, &alice, Millis(0)).packed(), &alice);
    let mut bytes = Vec::new();
    let header = Header { instance, epoch: 1, sequence: 1, age: 0 };
    let mut writer = Writer::new(header, |written: &[u8]| bytes.extend_from_slice(written));
    writer.drain(flag, |_| None, &mut metrics);
    writer.finish();
    bytes
}

/// Which hosts do otherwise, and how.
fn disagreeing(server: &TestServer, flag: &str) -> Vec<(String, String)> {
    let hosts = server.trip(flag)["hosts"].clone();
    let text = |host: &serde_json::Value, name: &str| host[name].as_str().unwrap().to_owned();
    hosts.as_array().unwrap().iter().map(|host| (text(host, "instance"), text(host, "disagreement"))).collect()
}

#[test]
fn hosts_that_do_otherwise_are_seen() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let mut host = Host::new(7);
    ask(server.address, "POST", "/metrics", &[BATCH], &held_back(9, "guarded")).unwrap().expect(204);
    assert_eq!(disagreeing(&server, "guarded"), [("0000000000000009".to_owned(), "stricter".to_owned())]);
    for command in ["hold", "release"] {
        server.post(&format!("/flags/guarded/{command}"), "{}").expect(200);
    }
    let current = u32::try_from(server.trip("guarded")["generation"].as_u64().unwrap()).unwrap();
    let mut counts = |generation| {
        let tally = Tally { flag: "guarded", decisions: 1, errors: 1, generation };
        host.send(server.address, &[tally]).unwrap().expect(204);
    };
    counts(current - 1);
    assert!(disagreeing(&server, "guarded").contains(&("0000000000000007".to_owned(), "behind".to_owned())));
    counts(current);
    assert_eq!(disagreeing(&server, "guarded").len(), 1, "it has heard of it");
    assert_eq!(server.figure("flcm_disagreeing_hosts{flag=\"guarded\"}"), 1);
}

/// As if it had been away for years: only time that the server has seen pass makes a host's ledger stale.
#[test]
fn a_batch_from_before_a_long_absence_is_not_added_again() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let header = Header { instance: 3, epoch: 4, sequence: 1, age: 0 };
    let bytes = batch(header, &[Tally { flag: "plain", decisions: 5, errors: 0, generation: 0 }]);
    let send = |server: &TestServer| ask(server.address, "POST", "/metrics", &[BATCH], &bytes).unwrap().expect(204);
    send(&server);
    server.stop();
    assert_eq!(folder.database().execute("UPDATE ledgers SET last_seen = 0", []).unwrap(), 1);
    // The first start makes a checkpoint, the second finds what that has left.
    for _ in 0..2 {
        let server = folder.serve();
        send(&server);
        assert_eq!(server.figure(&decisions("plain")), 5);
        server.stop();
    }
}

#[test]
fn a_flag_that_is_observed_or_forced_stays_on() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let mut host = Host::new(1);
    for (command, mode) in [("observe", "observe"), ("force", "forced_closed")] {
        server.post(&format!("/flags/fragile/{command}"), "{}").expect(200);
        let report = server.trip("fragile");
        assert_eq!((&report["mode"], &report["trip"]), (&mode.into(), &"clear".into()), "{report}");
        let generation = u32::try_from(report["generation"].as_u64().unwrap()).unwrap();
        until("the failures are seen", || {
            let failing = Tally { flag: "fragile", decisions: 0, errors: 50, generation };
            host.send(server.address, &[failing]).unwrap().expect(204);
            (server.trip("fragile")["evidence"].as_f64().unwrap() > 1.0).then_some(())
        });
        assert_eq!(server.trip("fragile")["trip"], "clear");
    }
    let audit = server.get("/audit").json().to_string();
    assert!(audit.contains("would_trip") && !audit.contains("\"tripped\""), "{audit}");
}

#[test]
fn two_revisions_are_compared_as_diff_does() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let first = server.get("/revisions").json()[0]["number"].as_u64().unwrap();
    server
        .put(&FLAGS.replace("plain:\n    rollout: { percentage: 50 }", "plain:\n    rollout: { percentage: 80 }"))
        .expect(200);
    let difference = server.get(&format!("/revisions/{first}/diff")).expect(200).json();
    let [flag] = &difference["flags"].as_array().unwrap()[..] else { panic!("{difference}") };
    assert_eq!((&flag["flag"], &flag["shares"][0]["gain"]["percent"]), (&"plain".into(), &30.into()), "{flag}");
    let none = server.get(&format!("/revisions/{first}/diff?to={first}")).expect(200).json();
    assert_eq!(none["flags"], serde_json::json!([]));
}
