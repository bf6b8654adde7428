//! `flcm simulate`: how soon a flag would be rolled back, and how often for nothing.

use super::run::{MENTOR, TestFolder};

const GUARDED: &str = "flags: { guarded: { rollout: { percentage: 10 }, error_threshold: { rate: 0.05 } }, bare: {} }";

/// Few runs: each is a day, or seven hours.
const FEW: [&str; 4] = ["--runs", "40", "--days", "4"];

fn simulated(folder: &TestFolder, more: &[&str]) -> serde_json::Value {
    let base = ["simulate", "flags.yaml", "--flag", "guarded", "--json"];
    let out = folder.run(&[&base, more, &FEW].concat()).well();
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

#[test]
fn a_clear_fault_is_found_in_seconds_and_a_healthy_flag_stays() {
    let folder = TestFolder::new();
    folder.file("flags.yaml", GUARDED);
    let json = simulated(&folder, &["--error-rate", "0.5", "--rps", "100"]);
    assert_eq!((&json["sharePercent"], &json["runs"]), (&10.into(), &40.into()));
    let own = &json["rules"][0];
    let seconds = |row: &str| own[row]["medianSeconds"].as_u64().unwrap();
    assert!(seconds("fromStart") <= 5 && seconds("afterAnHour") <= 10, "{own}");
    assert_eq!((&own["fromStart"]["shareFound"], &own["falseDays"]), (&1.into(), &0.into()));
    assert_eq!(json["rules"].as_array().unwrap().len(), 3, "beside two plain rules");
    assert_eq!(json["rules"][1]["rule"], "plain rate, from 11 calls");
}

#[test]
fn the_same_seed_gives_the_same_runs() {
    let folder = TestFolder::new();
    folder.file("flags.yaml", GUARDED);
    let run = |seed| {
        simulated(&folder, &["--error-rate", "0.2", "--rps", "20", "--share", "30", "--seed", seed])["rules"].clone()
    };
    assert_eq!(run("1"), run("1"));
    assert_ne!(run("1"), run("2"));
}

#[test]
fn a_minimum_of_calls_is_blind_at_little_traffic() {
    let folder = TestFolder::new();
    folder.file("flags.yaml", GUARDED);
    let json = simulated(&folder, &["--error-rate", "1", "--rps", "1"]);
    assert_eq!(json["rules"][2]["fromStart"]["shareFound"], 0.0);
    assert_eq!(json["rules"][0]["fromStart"]["shareFound"], 1.0);
}

#[test]
fn for_people_there_are_bars_and_a_table() {
    let folder = TestFolder::new();
    folder.file("flags.yaml", GUARDED);
    let arguments = ["simulate", "flags.yaml", "--flag", "guarded", "--error-rate", "0.2", "--rps", "100"];
    let out = folder.run(&[&arguments[..], &FEW].concat()).well();
    for part in
        ["guarded\n", "100 requests/s, 10 % of them treated", "within    5 s  ", "this flag", "false rollbacks a day"]
    {
        assert!(out.contains(part), "`{part}` in:\n{out}");
    }
    assert!(!out.contains('\u{1b}'), "no colours in a pipe");
    let all = folder.run(&[&arguments[..], &FEW, &["--share", "100"]].concat()).well();
    assert!(all.contains("there is no control: hold back 1 to 5 %"), "{all}");
}

#[test]
fn what_cannot_be_simulated_is_said() {
    let folder = TestFolder::new();
    folder.file("flags.yaml", GUARDED);
    folder.file("mentor.yaml", MENTOR);
    let with = |file, flag, rate| {
        folder.run(&[
            "simulate",
            file,
            "--flag",
            flag,
            "--error-rate",
            rate,
            "--rps",
            "10",
            "--runs",
            "1",
            "--days",
            "1",
        ])
    };
    let err = with("flags.yaml", "guardde", "0.2").failed();
    assert!(err.contains("no flag `guardde`") && err.contains("did you mean `guarded`?"), "{err}");
    for (file, flag) in [("flags.yaml", "bare"), ("mentor.yaml", "v2_mentor_layer")] {
        let err = with(file, flag, "0.2").failed();
        assert!(err.contains("has no `error_threshold`") && err.contains("rate: 0.05"), "{err}");
    }
    for rate in ["20", "1.01", "x", "NaN"] {
        let ran = with("flags.yaml", "guarded", rate);
        assert!(ran.code == Some(2) && ran.err.contains("write 5 % as 0.05"), "{ran:?}");
    }
}

const SOURCES: &str = "\
flags:
  bare: {}
  both: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05, recovery: auto, evidence: [servers, pages] } }
  pages: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05, evidence: [pages] } }
  servers: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05, recovery: auto } }
";

fn attacked(more: &[&str]) -> String {
    let folder = TestFolder::new();
    folder.file("flags.yaml", SOURCES);
    let base = ["simulate", "flags.yaml", "--attack", "--runs", "1", "--rps", "40", "--networks", "100"];
    folder.run(&[&base, more].concat()).well()
}

#[test]
fn strangers_change_nothing_for_servers_and_need_many_networks_for_pages() {
    let out = attacked(&["--json"]);
    let flags: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [both, pages, servers] = &flags[..] else { panic!("{out}") };
    assert_eq!([both, pages, servers].map(|flag| flag["flag"].as_str().unwrap()), ["both", "pages", "servers"]);
    for flag in [both, servers] {
        let delays = flag["rollbackSeconds"]["failsOnServers"].as_array().unwrap();
        assert!(delays[0].is_u64() && delays.iter().all(|delay| *delay == delays[0]), "{flag}");
        assert_eq!(flag["endedProbes"], serde_json::json!([0, 0, 0, 0]), "{flag}");
    }
    assert_eq!(servers["rollbackSeconds"]["healthy"], serde_json::json!([null, null, null, null]));
    assert_eq!((&servers["networksNeeded"], &servers["rollbackSeconds"]["failsOnPages"]), (&().into(), &().into()));
    for flag in [both, pages] {
        assert!(flag["networksNeeded"].as_u64().unwrap() > 1, "{flag}");
        assert!(flag["rollbackSeconds"]["failsOnPages"][1].is_u64(), "one network hides nothing: {flag}");
        assert!(flag["rollbackSeconds"]["healthy"][1].is_null(), "one network switches nothing off: {flag}");
    }
}

#[test]
fn for_people_attacks_are_a_table() {
    let out = attacked(&["--flag", "both"]);
    for part in ["both\n", "evidence of servers, pages", "hides that it fails on servers", "networks switch it off"] {
        assert!(out.contains(part), "`{part}` in:\n{out}");
    }
}
