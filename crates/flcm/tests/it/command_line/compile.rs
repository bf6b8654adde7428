//! `flcm compile` and `flcm inspect`.

use super::run::{MENTOR, TestFolder};

#[test]
fn a_snapshot_is_written_whole_or_not_at_all() {
    let folder = TestFolder::new();
    folder.file("a.yaml", format!("revision: 7\n{MENTOR}"));
    let ran = folder.run(&["compile", "a.yaml", "-o", "a.snapshot"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""));
    let bytes = folder.read("a.snapshot");
    assert!(bytes.starts_with(b"FLCMSNAP"));
    let digest = u64::from_le_bytes(bytes[8..16].try_into().unwrap());
    let said = format!("a.snapshot: 1 flag, {} bytes, digest {digest:016x}, revision 7\n", bytes.len());
    assert!(ran.err.ends_with(&said), "{}", ran.err);

    folder.file("a.yaml", "flags: { a: { rollout: { percentage: 101 } } }");
    let error = folder.run(&["compile", "a.yaml", "-o", "a.snapshot"]).failed();
    assert!(error.contains("a.yaml is refused: 1 error"), "{error}");
    assert_eq!(folder.read("a.snapshot"), bytes);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing is left beside them: {names:?}");
}

#[test]
fn a_target_that_cannot_be_written_is_left_alone() {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    std::fs::create_dir(folder.path().join("taken")).unwrap();
    let error = folder.run(&["compile", "a.yaml", "-o", "taken"]).failed();
    assert!(error.contains("error: cannot write taken: "), "{error}");
    let error = folder.run(&["compile", "a.yaml", "-o", "no/where"]).failed();
    assert!(error.contains("error: cannot write no/where: no such file"), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn a_snapshot_is_no_document() {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    folder.run(&["compile", "a.yaml", "-o", "a.snapshot"]).well();
    for command in [&["check", "a.snapshot"][..], &["compile", "a.snapshot", "-o", "b"], &["types", "a.snapshot"]] {
        assert!(folder.run(command).failed().contains("a.snapshot is a snapshot, not a document"));
    }
}

#[test]
fn inspect_shows_what_was_compiled() {
    let folder = TestFolder::new();
    folder.file("a.yaml", "\
revision: 3
flags:
  legacy: {}
  page:
    default: plain
    on: rich
    salt: pepper
    dependencies: [{ flag: legacy, enabled: false }]
    overrides: { alice: blue, bob: false }
    rollout: { by: company, schedule: [{ at: 2026-12-01T00:00:00Z, percentage: 12.5 }, { at: 2026-12-02T00:00:00Z, percentage: 100 }], ramp: linear }
    variants: [{ name: red, weight: 1 }, { name: blue, weight: 3, value: sky }]
    rules: [{ name: germans, conditions: [{ any: [{ attribute: country, operator: in, value: [DE, AT] }, { not: { cohort: beta } }] }], variant: red }]
    error_threshold: { rate: 0.05, window: 300 }
");
    folder.run(&["compile", "a.yaml", "-o", "a.snapshot"]).well();
    let json: serde_json::Value =
        serde_json::from_str(&folder.run(&["inspect", "--json", "a.snapshot"]).well()).unwrap();
    assert_eq!(json["version"], 2);
    assert_eq!(json["revision"], 3);
    assert_eq!(json["length"], folder.read("a.snapshot").len());
    let page = &json["flags"][1];
    let expected = serde_json::json!({
        "key": "page", "readable": true, "enabled": true, "salt": "pepper", "by": "company",
        "default": "plain", "on": "rich",
        "variants": [{ "name": "red", "value": null }, { "name": "blue", "value": "sky" }],
        "dependencies": ["legacy off"], "overrides": 2,
        "rules": [
            {
                "name": "germans", "serves": "on",
                "conditions": "(country in [\"AT\",\"DE\"] or not (cohort beta))",
                "percentage": 100, "schedule": [], "ramp": null, "weights": [{ "variant": "red", "weight": 1 }],
            },
            {
                "name": null, "serves": "on", "conditions": "", "percentage": 0,
                "schedule": [
                    { "at": "2026-12-01T00:00:00Z", "percentage": 12.5 },
                    { "at": "2026-12-02T00:00:00Z", "percentage": 100 },
                ],
                "ramp": "linear",
                "weights": [{ "variant": "red", "weight": 1 }, { "variant": "blue", "weight": 3 }],
            },
        ],
        "errorThreshold": {
            "rate": 0.05, "window": 300, "min_samples": 20, "cooldown": 60, "probe": 5,
            "detector": "evidence", "evidence": ["servers"], "ratio": 1.25, "margin": 0.001, "budget": 0.001, "slow_ms": null, "slow_rate": 0.5,
            "action": "disable", "shared": "roll_back", "recovery": "by_cause",
        },
    });
    assert_eq!(*page, expected);
    let text = folder.run(&["inspect", "a.snapshot"]).well();
    for part in [
        "revision    3\n",
        "\n2 flags\n",
        "  needs         legacy off\n",
        "  overrides     2 users\n",
        "  rule 1        germans: (country in [\"AT\",\"DE\"] or not (cohort beta)): 100 %\n",
        "  rule 2        everyone: 0 %, 12.5 % from 2026-12-01T00:00:00Z, 100 % from 2026-12-02T00:00:00Z, in a straight line\n",
        "                split red 1, blue 3\n",
        "  rolls back    error rate above 0.05 in 300 s, from 20 outcomes; cooldown 60 s, probe 5 %\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn inspect_shows_how_a_flag_rolls_back() {
    let folder = TestFolder::new();
    folder.file("a.yaml", "\
flags:
  usual: { error_threshold: { rate: 0.05 } }
  further:
    rollout: { percentage: 5 }
    error_threshold:
      { rate: 0.05, ratio: 2, margin: 0.25, budget: strict, slow_ms: 800, slow_rate: 0.125, action: step_back, shared: hold, recovery: auto }
  plain: { rollout: { percentage: 5 }, error_threshold: { rate: 0.05, detector: rate, recovery: sticky } }
");
    folder.run(&["compile", "a.yaml", "-o", "a.snapshot"]).well();
    let json: serde_json::Value =
        serde_json::from_str(&folder.run(&["inspect", "--json", "a.snapshot"]).well()).unwrap();
    assert_eq!(
        json["flags"][0]["errorThreshold"],
        serde_json::json!({
            "rate": 0.05, "window": 300, "min_samples": 20, "cooldown": 60, "probe": 5,
            "detector": "evidence", "evidence": ["servers"], "ratio": 2, "margin": 0.25, "budget": 0.0001, "slow_ms": 800, "slow_rate": 0.125,
            "action": "step_back", "shared": "hold", "recovery": "auto",
        })
    );
    let text = folder.run(&["inspect", "a.snapshot"]).well();
    for part in [
        "probe 5 %; ratio 2; margin 0.25; budget 0.0001 a day; slow above 800 ms; slow rate 0.125; action step_back; shared hold; recovery auto\n",
        "probe 5 %; detector rate; recovery sticky\n",
        "probe 5 %\n",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn damaged_bytes_are_refused() {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    folder.run(&["compile", "a.yaml", "-o", "a.snapshot"]).well();
    let mut bytes = folder.read("a.snapshot");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    folder.file("a.snapshot", bytes);
    for command in ["inspect", "decide"] {
        let error = folder.run(&[command, "a.snapshot"]).failed();
        assert!(error.contains("error: a.snapshot: invalid snapshot: "), "{error}");
    }
    folder.file("short", "FLCMSNAP");
    assert!(folder.run(&["inspect", "short"]).failed().contains("invalid snapshot"));
}
