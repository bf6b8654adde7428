//! `flcm diff`.

use super::run::TestFolder;

const OLD: &str = "\
flags:
  gone: { rollout: { percentage: 40 } }
  kept: { rollout: { percentage: 10 }, conditions: [{ attribute: n, operator: '>', value: 4 }] }
  below: { dependencies: [kept], variants: [{ name: a, weight: 1 }, { name: b, weight: 1 }] }
  still: { rollout: { percentage: 50 } }
";

const NEW: &str = "\
flags:
  kept: { rollout: { percentage: 25 }, conditions: [{ attribute: n, operator: '>', value: 4 }] }
  below: { dependencies: [kept], variants: [{ name: a, weight: 1 }, { name: b, weight: 3 }] }
  still: { rollout: { percentage: 50 } }
  young: { rollout: { percentage: 12.345 } }
";

fn folder() -> TestFolder {
    let folder = TestFolder::new();
    folder.file("old.yaml", OLD);
    folder.file("new.yaml", NEW);
    folder
}

#[test]
fn what_changes_is_told_with_exact_shares() {
    let out = folder().run(&["diff", "old.yaml", "new.yaml", "--now", "0"]).well();
    let (head, flags) = out.split_once("\n\n").unwrap();
    assert!(
        head.starts_with("old  old.yaml  revision 0  digest ") && head.ends_with("\nat   1970-01-01T00:00:00Z"),
        "{head}"
    );
    assert_eq!(
        flags,
        "\
below  changed through kept
  rule 1 split  a 1, b 1 → a 1, b 3
  where n > 4
    gain           15 %  ███▋····················
    switch        2.5 %  ▋·······················

gone  removed
  everyone
    lose           40 %  █████████▋··············

kept  changed
  rule 1 percentage  10 % → 25 %
  where n > 4
    gain           15 %  ███▋····················

young  added
  everyone
    gain       12.345 %  ███·····················

Shares are of users whose conditions hold for that rule and for no other rule with conditions;
overrides are left aside. Use --contexts to count real users.
"
    );
}

#[test]
fn a_share_that_depends_on_conditions_of_others_is_a_bound() {
    let folder = TestFolder::new();
    let document = |percentage| {
        let base = format!(
            "{{ rollout: {{ percentage: {percentage} }}, conditions: [{{ attribute: n, operator: '>', value: 4 }}] }}"
        );
        format!(
            "flags:\n  base: {base}\n  top: {{ dependencies: [base], rules: [{{ conditions: [{{ cohort: staff }}] }}] }}\n"
        )
    };
    folder.file("old.yaml", document(10));
    folder.file("new.yaml", document(25));
    let out = folder.run(&["diff", "old.yaml", "new.yaml", "--now", "0"]).well();
    let top = out.split("\n\n").find(|part| part.starts_with("top")).unwrap();
    assert!(top.contains("affected through base\n  where cohort staff\n    gain         ≤ 15 %  ███▋"), "{out}");
    assert!(out.contains("\nAt most (≤): how many users these are depends on conditions of the flags"), "{out}");
    let json = folder.run(&["diff", "old.yaml", "new.yaml", "--now", "0", "--json"]).well();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let bounds: Vec<_> = json["flags"].as_array().unwrap().iter().map(|flag| &flag["shares"][0]["atMost"]).collect();
    assert_eq!(bounds, [false, true]);
}

#[test]
fn exit_codes_are_those_of_git() {
    let folder = folder();
    assert_eq!(folder.run(&["diff", "old.yaml", "new.yaml"]).code, Some(0));
    assert_eq!(folder.run(&["diff", "old.yaml", "new.yaml", "--exit-code"]).code, Some(1));
    let same = folder.run(&["diff", "old.yaml", "old.yaml", "--exit-code"]).well();
    assert!(same.ends_with("\nno flag changes\n"), "{same}");
    assert_eq!(folder.run(&["diff", "old.yaml", "no.yaml"]).code, Some(1));
}

#[test]
fn real_users_are_counted_as_both_versions_decide_them() {
    let folder = folder();
    let users: Vec<String> =
        (0..3_000).map(|user| format!("{{\"targetingKey\":\"u{user}\",\"n\":{}}}", user % 10)).collect();
    folder.file("users.jsonl", users.join("\n"));
    let out = folder.run(&["diff", "old.yaml", "new.yaml", "--contexts", "users.jsonl", "--json"]).well();
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["contexts"], 3_000);
    let decided = |source| {
        let out = folder.run(&["decide", source, "--contexts", "users.jsonl", "--json"]).well();
        let lines = out.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let flag = |line: &serde_json::Value| line["flag"].as_str().unwrap().to_owned();
        let user = |line: &serde_json::Value| line["user"].as_str().unwrap().to_owned();
        lines.map(|line| ((flag(&line), user(&line)), line)).collect::<std::collections::BTreeMap<_, _>>()
    };
    let (old, new) = (decided("old.yaml"), decided("new.yaml"));
    let off = serde_json::json!({ "enabled": false, "variant": null });
    let mut moved = 0;
    for difference in json["flags"].as_array().unwrap() {
        let flag = difference["flag"].as_str().unwrap();
        let (mut gain, mut lose, mut switch) = (0, 0, 0);
        for user in 0..3_000 {
            let key = (flag.to_owned(), format!("u{user}"));
            let (before, after) = (old.get(&key).unwrap_or(&off), new.get(&key).unwrap_or(&off));
            match (before["enabled"] == true, after["enabled"] == true) {
                (false, true) => gain += 1,
                (true, false) => lose += 1,
                _ => switch += i32::from(before["variant"] != after["variant"]),
            }
        }
        let counts = &difference["contexts"];
        assert_eq!(
            (&counts["gain"], &counts["lose"], &counts["switch"]),
            (&gain.into(), &lose.into(), &switch.into()),
            "{flag}"
        );
        moved += gain + lose + switch;
    }
    assert!(moved > 1_000);
    let names: Vec<_> = json["flags"].as_array().unwrap().iter().map(|flag| &flag["status"]).collect();
    assert_eq!(names, ["changed", "removed", "changed", "added"]);
}

#[test]
fn snapshots_compare_as_documents_do() {
    let folder = folder();
    folder.run(&["compile", "old.yaml", "-o", "old"]).well();
    folder.run(&["compile", "new.yaml", "-o", "new"]).well();
    let compare = |old, new| {
        let out = folder.run(&["diff", old, new, "--json", "--now", "0"]).well();
        serde_json::from_str::<serde_json::Value>(&out).unwrap()["flags"].clone()
    };
    assert_eq!(compare("old.yaml", "new.yaml"), compare("old", "new"));
    assert_eq!(compare("old.yaml", "new.yaml"), compare("old", "new.yaml"));
}

#[test]
fn what_a_snapshot_hides_is_said() {
    let folder = TestFolder::new();
    for (name, user) in [("old", "alice"), ("new", "bob")] {
        folder.file(
            "a.yaml",
            format!("cohorts: {{ c: {{ users: [{user}] }} }}\nflags: {{ a: {{ rollout: {{ cohorts: [c: true] }} }} }}"),
        );
        folder.run(&["compile", "a.yaml", "-o", name]).well();
        std::fs::rename(folder.path().join("a.yaml"), folder.path().join(format!("{name}.yaml"))).unwrap();
    }
    let hidden = folder.run(&["diff", "old", "new", "--exit-code"]);
    assert!(hidden.out.contains("the bytes differ, and no flag does"), "{}", hidden.out);
    assert_eq!(hidden.code, Some(1));
    let plain = folder.run(&["diff", "old.yaml", "new.yaml"]).well();
    assert!(plain.contains("a  changed\n  cohort c  1 user → 1 user\n"), "{plain}");
    folder.file(
        "users.jsonl",
        "{\"targetingKey\":\"alice\"}\n{\"targetingKey\":\"bob\"}\n{\"targetingKey\":\"carol\"}\n",
    );
    let counted = folder.run(&["diff", "old", "new", "--contexts", "users.jsonl"]).well();
    assert!(counted.contains("gain         33.3 %") && counted.contains("lose         33.3 %"), "{counted}");
}

#[test]
fn every_kind_of_change_is_named() {
    let folder = TestFolder::new();
    folder.file("old.yaml", "\
flags:
  other: {}
  a:
    default: false
    variants: [{ name: x, weight: 1 }, { name: y, weight: 1, value: 1 }]
    overrides: { alice: true }
    rules: [{ name: first, conditions: [{ attribute: n, operator: exists }] }]
    rollout: { percentage: 5, schedule: [{ at: 2026-12-01T00:00:00Z, percentage: 10 }, { at: 2026-12-02T00:00:00Z, percentage: 20 }] }
");
    folder.file("new.yaml", "\
flags:
  other: {}
  a:
    enabled: false
    default: true
    salt: pepper
    dependencies: [{ flag: other, enabled: false }]
    variants: [{ name: y, weight: 1, value: 2 }, { name: z, weight: 1 }]
    overrides: { alice: true, bob: false }
    rules:
      - { name: prime, conditions: [{ attribute: m, operator: exists }] }
      - { name: more, conditions: [{ attribute: n, operator: '>', value: 3 }] }
    rollout: { percentage: 5, by: company, ramp: linear, schedule: [{ at: 2026-12-01T00:00:00Z, percentage: 10 }, { at: 2026-12-03T00:00:00Z, percentage: 20 }] }
    error_threshold: { rate: 0.5, window: 60 }
");
    let out = folder.run(&["diff", "old.yaml", "new.yaml", "--json", "--now", "0"]).well();
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let changes = json["flags"][0]["changes"].as_array().unwrap();
    let names: Vec<_> = changes.iter().map(|change| change["what"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "enabled",
            "default",
            "salt",
            "by",
            "dependencies",
            "overrides",
            "variant x",
            "variant y",
            "variant z",
            "rule 1 name",
            "rule 1 conditions",
            "rule 1 split",
            "rule 2",
            "rule 3 schedule",
            "rule 3 ramp",
            "rule 3 split",
            "error_threshold",
        ]
    );
    assert_eq!(changes[2]["note"], "reshuffles everyone");
    assert_eq!(changes[3]["note"], "reshuffles everyone");
}

#[test]
fn another_way_of_rolling_back_is_a_change() {
    let folder = TestFolder::new();
    let document = |more: &str| {
        format!("flags: {{ a: {{ rollout: {{ percentage: 5 }}, error_threshold: {{ rate: 0.05{more} }} }} }}")
    };
    folder.file("old.yaml", document(", budget: 0.001"));
    folder.file("same.yaml", document(""));
    folder.file("new.yaml", document(", budget: fast"));
    let changes = |new: &str| {
        let out = folder.run(&["diff", "old.yaml", new, "--json"]).well();
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        json["flags"][0]["changes"].clone()
    };
    assert_eq!(changes("same.yaml"), serde_json::Value::Null);
    let changed = changes("new.yaml");
    let [change] = &changed.as_array().unwrap()[..] else { panic!("one change") };
    assert_eq!(change["what"], "error_threshold");
    assert!(change["to"].as_str().unwrap().ends_with("; budget 0.01 a day"), "{change}");
    assert!(change["from"].as_str().unwrap().ends_with("probe 5 %"), "{change}");
}

#[test]
fn now_decides_what_a_schedule_has_reached() {
    let folder = TestFolder::new();
    folder.file(
        "old.yaml",
        "flags: { a: { rollout: { percentage: 0, schedule: [{ at: 2026-12-01T00:00:00Z, percentage: 10 }] } } }",
    );
    folder.file(
        "new.yaml",
        "flags: { a: { rollout: { percentage: 0, schedule: [{ at: 2026-12-01T00:00:00Z, percentage: 30 }] } } }",
    );
    let before = folder.run(&["diff", "old.yaml", "new.yaml", "--now", "2026-11-30T00:00:00Z"]).well();
    assert!(before.contains("at   2026-11-30T00:00:00Z") && !before.contains("gain"), "{before}");
    let after = folder.run(&["diff", "old.yaml", "new.yaml", "--now", "2026-12-01T00:00:00Z"]).well();
    assert!(after.contains("gain           20 %"), "{after}");
}
