//! Outcomes, users and durations by arm and by variant.

use flcm_flags::metrics::batch::{Header, Writer};
use flcm_flags::metrics::{FlagMetrics, Group};
use flcm_flags::{Arm, Reason, Sample};
use serde_json::{Value, json};

use crate::host::BATCH;
use crate::http::ask;
use crate::test_server::{FLAGS, TestFolder, TestServer};

/// Three variants, in an order of their own.
const LAYOUT: &str = "\
  \x20 layout:
    rollout: { percentage: 50 }
    variants: [{ name: wide, weight: 2 }, { name: narrow, weight: 1 }, { name: plain, weight: 0 }]
";

/// The groups of an arm alone, and of its variants with the indices 0 and 1, in the order of [`Group`].
const CONTROL: usize = 2;
const WIDE: usize = 4;
const NARROW: usize = 7;

/// Ten users of the control, forty with one variant and twenty with the other, half of whose calls fail.
fn counted() -> FlagMetrics<Vec<u32>, Vec<Group>> {
    let groups = vec![Group::new(); Group::count_for(2)];
    let mut metrics = FlagMetrics::with_groups(vec![0; FlagMetrics::counters_for(2)], groups);
    for (variant, count) in [(0, 10), (1, 40), (2, 20)] {
        metrics.tally(FlagMetrics::counters_for(0) * variant + usize::from(Reason::Split.code()), count);
    }
    for (group, users) in [(CONTROL, 0..10), (WIDE, 100..140), (NARROW, 200..220)] {
        users.for_each(|register| metrics.see(group, register, 1));
    }
    let sample = |total, errors| Sample { total, errors, slow: 1, missing: 0 };
    metrics.outcome_of(Arm::Control, None, &sample(10, 1), 5.0);
    metrics.outcome_of(Arm::Treatment, Some(0), &sample(40, 0), 10.0);
    metrics.outcome_of(Arm::Treatment, Some(1), &sample(20, 10), 80.0);
    metrics
}

fn send(server: &TestServer, sequence: u64, names: [&str; 2]) {
    let mut bytes = Vec::new();
    let header = Header { instance: 9, epoch: 1, sequence, age: 0 };
    let mut writer = Writer::new(header, |part: &[u8]| bytes.extend_from_slice(part));
    writer.flag("layout", |variant| names.get(usize::from(variant)).copied(), &counted());
    writer.finish();
    ask(server.address, "POST", "/metrics", &[BATCH], &bytes).unwrap().expect(204);
}

/// Counts are in the database with the next checkpoint, which a revision makes at once.
fn checkpoint(server: &TestServer, round: u32) {
    server.put(&format!("{FLAGS}{LAYOUT}# {round}\n")).expect(200);
}

fn total(of: &Value, column: &str) -> u64 {
    of[column].as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum()
}

#[test]
fn each_arm_and_variant_has_outcomes_users_and_durations() {
    let folder = TestFolder::new();
    let mut server = folder.serve();
    checkpoint(&server, 0);
    for round in 1..=2_u64 {
        send(&server, round, ["wide", "narrow"]);
        // What no checkpoint contains yet is counted again from its batch, once.
        server.kill();
        server = folder.serve();
        let series = server.get("/flags/layout/series?points=2000").expect(200).json();
        let figures = |of: &Value| (total(of, "total"), total(of, "failed"), total(of, "slow"));
        assert_eq!(figures(&series["variants"]["wide"]), (40 * round, 0, round), "{series}");
        assert_eq!(figures(&series["variants"]["narrow"]), (20 * round, 10 * round, round), "{series}");
        assert_eq!(figures(&series["treatment"]), (60 * round, 10 * round, 2 * round), "{series}");
        assert_eq!(figures(&series["control"]), (10 * round, round, round), "{series}");
        assert_eq!(total(&series["variants"]["wide"], "decisions"), 40 * round);
        assert!(series["variants"]["plain"].is_null() && total(&series["outside"], "total") == 0, "{series}");
        let whole = |of: &Value| (of["whole"]["failed"].clone(), of["whole"]["p95"].as_f64().unwrap().round());
        assert_eq!(whole(&series["variants"]["wide"]), (json!(0.0), 10.0), "{series}");
        assert_eq!(whole(&series["variants"]["narrow"]), (json!(0.5), 80.0), "{series}");
        assert_eq!(whole(&series["control"]), (json!(0.1), 5.0), "{series}");
    }
    let users = server.get("/flags/layout/users?days=3").expect(200).json();
    let of = |users: &Value| users["total"].as_u64().unwrap();
    assert!(of(&users).abs_diff(70) <= 2 && users["variants"]["plain"].is_null(), "{users}");
    for (part, expected) in [("wide", 40), ("narrow", 20)] {
        assert!(of(&users["variants"][part]).abs_diff(expected) <= 1, "{users}");
    }
    for (part, expected) in [("control", 10), ("treatment", 60), ("outside", 0)] {
        assert!(of(&users["arms"][part]).abs_diff(expected) <= 2, "{users}");
        assert_eq!(users["arms"][part]["users"].as_array().unwrap().len(), 3);
    }
    let figure = |name: &str| server.figure(name);
    assert_eq!(figure(r#"flcm_variant_outcomes_total{flag="layout",variant="narrow",outcome="error"}"#), 20);
    assert!(figure(r#"flcm_variant_users{flag="layout",variant="wide"}"#).abs_diff(40) <= 1);
    assert_eq!(figure(r#"flcm_outcomes_total{flag="layout",arm="treatment",outcome="error"}"#), 20);
}

#[test]
fn a_variant_that_no_document_has_is_counted_by_arm_alone() {
    let server = TestFolder::new().serve_alone();
    checkpoint(&server, 0);
    send(&server, 1, ["made_up", "narrow"]);
    checkpoint(&server, 1);
    let series = server.get("/flags/layout/series?points=2000").expect(200).json();
    let names = |of: &Value| of["variants"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!((names(&series), total(&series["treatment"], "total")), (vec!["narrow".to_owned()], 60), "{series}");
    let users = server.get("/flags/layout/users?days=3").expect(200).json();
    assert_eq!(names(&users), ["narrow"], "{users}");
    assert!(users["arms"]["treatment"]["total"].as_u64().unwrap().abs_diff(60) <= 2, "{users}");
    assert!(!server.get("/metrics").text().contains("made_up"));
}

/// A revision may number variants anew, and rename them.
#[test]
fn variants_are_known_by_name() {
    let server = TestFolder::new().serve_alone();
    checkpoint(&server, 0);
    send(&server, 1, ["wide", "narrow"]);
    let turned = "[{ name: narrow, weight: 1 }, { name: wide, weight: 2 }, { name: plain, weight: 0 }]";
    let turned = format!("  layout: {{ rollout: {{ percentage: 50 }}, variants: {turned} }}\n");
    server.put(&format!("{FLAGS}{turned}")).expect(200);
    send(&server, 2, ["wide", "narrow"]);
    server.put(&format!("{FLAGS}{turned}# again\n")).expect(200);
    let variants = server.get("/flags/layout/series?points=2000").expect(200).json()["variants"].clone();
    assert_eq!((total(&variants["wide"], "total"), total(&variants["narrow"], "total")), (80, 40), "{variants}");
    assert_eq!((total(&variants["wide"], "failed"), total(&variants["narrow"], "failed")), (0, 20), "{variants}");
}
