//! What was counted over time.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::host::{Host, Tally};
use crate::operator_commands;
use crate::test_server::{FLAGS, TestFolder, TestServer, until};

fn tally(flag: &str, decisions: u32) -> Tally<'_> {
    Tally { flag, decisions, errors: 1, generation: 0 }
}

/// Counts are in the series with the next checkpoint, which a revision makes at once.
fn checkpoint(server: &TestServer, round: u32) {
    server.put(&format!("{FLAGS}# {round}\n")).expect(200);
}

fn sum(series: &Value, arm: &str) -> u64 {
    series[arm]["failed"].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum()
}

fn decisions(series: &Value) -> u64 {
    let reasons = series["decisions"].as_object().unwrap().values();
    reasons.flat_map(|counts| counts.as_array().unwrap()).map(|count| count.as_u64().unwrap()).sum()
}

/// A range in which each tier is the finest that fits.
const TIERS: [(u64, &str); 3] = [(10, "points=2000"), (60, "points=300"), (900, "points=10")];

fn series(server: &TestServer, query: &str) -> Value {
    server.get(&format!("/flags/guarded/series?{query}")).expect(200).json()
}

#[test]
fn each_tier_has_all_that_was_counted() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let mut host = Host::new(1);
    for round in 0..3 {
        host.send(server.address, &[tally("guarded", 40), tally("plain", 9)]).unwrap().expect(204);
        checkpoint(&server, round);
    }
    for (step, query) in TIERS {
        let found = series(&server, query);
        assert_eq!((&found["step"], decisions(&found), sum(&found, "treatment")), (&step.into(), 120, 3), "{found}");
        let points = found["at"].as_array().unwrap().len();
        assert!((1..=3).contains(&points), "{found}");
        let at = found["at"][0].as_u64().unwrap();
        assert_eq!(at % (step * 1000), 0);
        for column in ["limit", "percent", "trip", "p50", "p95"] {
            assert_eq!(found[column].as_array().unwrap().len(), points, "{column}");
        }
        assert_eq!((&found["trip"][points - 1], &found["percent"][points - 1]), (&"clear".into(), &50.0.into()));
        assert!(found["limit"][points - 1].as_f64().unwrap() > 1.0 && found["p50"][points - 1].as_f64().is_some());
    }
    let now = series(&server, "points=300");
    let kinds: Vec<&Value> = now["marks"].as_array().unwrap().iter().map(|mark| &mark["kind"]).collect();
    assert_eq!(kinds, ["revision"], "only the first one has changed it");
    // The last seconds are there before any checkpoint.
    host.send(server.address, &[tally("guarded", 1)]).unwrap().expect(204);
    let to = now["at"][0].as_u64().unwrap() + 240_000;
    let seconds = series(&server, &format!("from={}&to={to}&points=2000", to - 300_000));
    assert_eq!((&seconds["step"], decisions(&seconds)), (&1.into(), 121), "{seconds}");
    let percent = seconds["percent"].as_array().unwrap();
    assert!(
        percent.iter().all(|percent| *percent == 50.0),
        "also before a revision, and in the present second: {seconds}"
    );
    assert_eq!(decisions(&series(&server, "from=1000&to=2000")), 0);
}

#[test]
fn the_size_that_history_bounds_is_that_of_the_rows_however_they_grow() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let mut host = Host::new(1);
    for round in 0..4 {
        host.send(server.address, &[tally("guarded", 1000 << (round * 4)), tally("plain", 9)]).unwrap().expect(204);
        checkpoint(&server, round);
    }
    server.stop();
    let number = |sql| folder.database().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let rows = number("SELECT sum(length(data)) + 16 * count(*) FROM series");
    assert_eq!(number("SELECT number FROM facts WHERE name = 'history'"), rows);
}

#[test]
fn a_crash_between_a_batch_and_the_checkpoint_counts_it_once() {
    let folder = TestFolder::new();
    let mut server = folder.serve();
    let mut host = Host::new(1);
    for round in 1..=3_u64 {
        host.send(server.address, &[tally("guarded", 40)]).unwrap().expect(204);
        server.kill();
        server = folder.serve();
        for (_, query) in TIERS {
            let found = series(&server, query);
            assert_eq!((decisions(&found), sum(&found, "treatment")), (40 * round, round), "{found}");
        }
    }
    server.kill();
    let server = folder.serve();
    assert_eq!(decisions(&series(&server, "points=2000")), 120);
    assert_eq!(server.get("/flags/guarded/users").json()["total"], 1);
}

#[test]
fn a_revision_that_numbers_flags_anew_mixes_up_no_counts() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let mut host = Host::new(1);
    let mut send = |decisions| {
        let tallies =
            ["fragile", "guarded", "plain"].map(|flag| tally(flag, decisions + u32::try_from(flag.len()).unwrap()));
        host.send(server.address, &tallies).unwrap().expect(204);
    };
    send(10);
    server.put(&FLAGS.replace("flags:\n", "flags:\n  a_first: { rollout: { percentage: 50 } }\n")).expect(200);
    send(20);
    let of = |flag: &str| decisions(&server.get(&format!("/flags/{flag}/series?points=2000")).expect(200).json());
    checkpoint(&server, 1);
    for flag in ["fragile", "guarded", "plain"] {
        assert_eq!(of(flag), 30 + 2 * flag.len() as u64, "{flag}");
        assert_eq!(server.get("/overview/live").json()["flags"][flag]["treatment"], json!([2, 2, 0, 0]));
        let asking = server.get(&format!("/flags/{flag}/hosts")).expect(200).json();
        assert_eq!(asking[0]["decisions24h"], 30 + 2 * flag.len(), "{asking}");
    }
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let server = TestFolder::new().serve_alone();
    for wrong in ["points=0", "points=2001", "from=2&to=1", "from=yesterday", "from=1&to=1"] {
        let answer = server.get(&format!("/flags/guarded/series?{wrong}"));
        assert_eq!(answer.expect(400).code(), "INVALID_REQUEST", "{wrong}");
    }
    for wrong in ["users?days=0", "users?days=31", "incidents?limit=0", "incidents?limit=101"] {
        server.get(&format!("/flags/guarded/{wrong}")).expect(400);
    }
    for path in ["series", "users", "incidents"] {
        assert_eq!(server.get(&format!("/flags/nothing/{path}")).expect(404).code(), "FLAG_NOT_FOUND", "{path}");
    }
    assert_eq!(decisions(&series(&server, "from=0&to=99999999999999&points=1")), 0);
}

#[test]
fn users_are_counted_once_a_day_however_often_they_come() {
    let folder = TestFolder::new();
    let server = folder.serve();
    for instance in 1..=3 {
        Host::new(instance).send(server.address, &[tally("guarded", 40)]).unwrap().expect(204);
    }
    checkpoint(&server, 1);
    let users = server.get("/flags/guarded/users?days=7").expect(200).json();
    assert_eq!(users["days"].as_array().unwrap().len(), 7);
    let counts = users["users"].as_array().unwrap();
    // Alice, who may have come at midnight.
    assert!(counts.iter().map(|count| count.as_u64().unwrap()).sum::<u64>() >= 1 && counts[0] == 0, "{users}");
    assert_eq!((&users["total"], &users["error"]), (&1.into(), &0.023.into()));
    let live = server.get("/overview/live").json();
    assert_eq!(live["flags"]["guarded"]["users24h"], 1, "{live}");
}

#[test]
fn history_is_bounded() {
    let folder = TestFolder::new();
    let flags: Vec<String> = (0..200).map(|number| format!("flag_{number:03}")).collect();
    let document = flags.iter().fold("flags:\n".to_owned(), |mut text, key| {
        let _ = writeln!(text, "  {key}: {{ rollout: {{ percentage: 50 }} }}");
        text
    });
    folder.file("flags.yaml", &document);
    let size = |history: &str| {
        let server = folder.serve_with(&["--history", history]);
        let mut host = Host::new(u64::from(server.id()));
        let tallies: Vec<Tally<'_>> = flags.iter().map(|flag| tally(flag, 5)).collect();
        host.send(server.address, &tallies).unwrap().expect(204);
        server.stop();
        let sql = "SELECT coalesce(sum(length(data)) + 16 * count(*), 0) FROM series";
        folder.database().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert!(size("256M") > 3 * 200 * 20);
    assert!(size("8K") <= 8 << 10);
    let (code, said) = folder.fails(&["flags.yaml", "--history", "much"]);
    assert!(code == 2 && said.contains("256M"), "{said}");
    let _ = std::fs::remove_file(folder.path("flags.db"));
    assert_eq!(size("0"), 0);
}

#[test]
fn a_rollback_keeps_the_seconds_around_it() {
    let folder = TestFolder::new();
    let server = folder.serve();
    let mut host = Host::new(1);
    operator_commands::trip(&server, &mut host);
    let stored = || {
        let found = server.get("/flags/fragile/incidents").expect(200).json();
        found.as_array().unwrap().first().cloned()
    };
    let incident = until("the incident is stored", stored);
    assert_eq!((&incident["event"]["event"], &incident["step"]), (&"tripped".into(), &1.into()), "{incident}");
    assert_eq!(incident["id"], incident["event"]["id"]);
    let audit = server.get("/audit?flag=fragile&action=tripped").json();
    assert_eq!(audit[0]["detail"]["id"], incident["id"]);
    let points = &incident["points"];
    assert!(sum(points, "treatment") > 0 && points["percent"][0] == 50.0, "{incident}");
    assert!(points["limit"][0].as_f64().unwrap() > 1.0, "{incident}");
    server.stop();
    let server = folder.serve();
    let again = server.get("/flags/fragile/incidents?limit=1").json();
    assert_eq!((again.as_array().unwrap().len(), &again[0]["event"]), (1, &incident["event"]));
    let at = incident["event"]["at"].as_u64().unwrap();
    assert_eq!(server.get(&format!("/flags/fragile/incidents?before={at}")).json(), json!([]));
}
