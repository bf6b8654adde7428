//! Hosts that use a later revision than the server has, as after an old backup was restored.

use std::net::SocketAddr;

use crate::http::ask;
use crate::test_server::{FLAGS, TestFolder, TestServer};

fn ask_as(address: SocketAddr, revision: &str) {
    ask(address, "GET", "/flags", &[("flcm-revision", revision)], b"").unwrap().expect(200);
}

fn ahead(server: &TestServer) -> serde_json::Value {
    server.get("/trips").json()["ahead"].clone()
}

#[test]
fn hosts_that_are_ahead_are_reported_and_change_no_number() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let in_use = server.get("/trips").json()["revision"].as_u64().unwrap();
    for harmless in ["", "nine", "-1", "0", "99999999999999999999999", &in_use.to_string()] {
        ask_as(server.address, harmless);
    }
    assert_eq!(ahead(&server), serde_json::json!([]));
    for later in [in_use + 5, u64::MAX] {
        ask_as(server.address, &later.to_string());
        let listed = ahead(&server);
        assert_eq!((&listed[0]["revision"], &listed[0]["address"]), (&later.into(), &"127.0.0.1".into()), "{listed}");
    }
    assert_eq!(server.figure("flcm_hosts_ahead"), 1);
    assert_eq!(server.log().matches("hosts use a later revision").count(), 1, "once a minute");
    // Anyone can claim to be ahead: numbers go by the clock alone.
    let next = server.put(&format!("{FLAGS}# again\n")).expect(200).json()["revision"].as_u64().unwrap();
    assert!(next < in_use + 100_000, "{next}");
}

/// Hosts have what was published after the backup. What is published next must be later.
#[test]
fn a_restored_backup_goes_on_above_what_hosts_have() {
    let folder = TestFolder::new();
    folder.serve().stop();
    // As if the backup were from two days ago.
    let hosts_have = {
        let database = folder.database();
        let now: i64 = database.query_row("SELECT max(number) FROM revisions", [], |row| row.get(0)).unwrap();
        database.execute("UPDATE revisions SET number = number - 172800", []).unwrap();
        database.execute("UPDATE facts SET number = number - 172800 WHERE name = 'file'", []).unwrap();
        now.cast_unsigned()
    };
    let server = folder.serve();
    let restored = server.get("/trips").json()["revision"].as_u64().unwrap();
    assert_eq!(restored, hosts_have - 172_800, "a start publishes nothing by itself");
    let next = server.put(&format!("{FLAGS}# again\n")).expect(200).json()["revision"].as_u64().unwrap();
    assert!(next >= hosts_have, "{next} {hosts_have}");
}
