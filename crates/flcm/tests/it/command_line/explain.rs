//! `flcm decide --explain`.

use super::run::{MENTOR, TestFolder};

fn explain(document: &str, arguments: &[&str]) -> String {
    let folder = TestFolder::new();
    folder.file("a.yaml", document);
    folder.run(&[&["decide", "a.yaml", "--explain", "--now", "2026-11-01T00:00:00Z"], arguments].concat()).well()
}

#[test]
fn a_miss_says_what_would_have_to_be_different() {
    assert_eq!(
        explain(MENTOR, &["--user", "alice", "--attr", "account_age_days=45"]),
        "\
v2_mentor_layer → off (DEFAULT)
├─ enabled: yes
├─ rule 1 (cohort beta_testers): no: alice is not listed, not named by the host
├─ rule 2 (cohort banned): no: alice is not listed, not named by the host
└─ rule 3: no
   ├─ account_age_days > 30: yes (is 45)
   └─ bucket 63.324 %, rollout 10 %: no; in at 63.325 % or more

"
    );
    assert_eq!(
        explain(MENTOR, &["--attr", "account_age_days=old"]),
        "\
v2_mentor_layer → off (DEFAULT)
├─ enabled: yes
├─ rule 1 (cohort beta_testers): no: a user without targeting key is not listed, not named by the host
├─ rule 2 (cohort banned): no: a user without targeting key is not listed, not named by the host
└─ rule 3: no
   ├─ account_age_days > 30: no (is \"old\")
   └─ no bucket without targeting key, rollout 10 %: no; in at 100 % or more

"
    );
}

#[test]
fn the_percentage_that_it_names_is_the_smallest() {
    let folder = TestFolder::new();
    let enabled = |percentage: &str| {
        folder.file("a.yaml", format!("flags: {{ v2_mentor_layer: {{ rollout: {{ percentage: {percentage} }} }} }}"));
        folder.run(&["decide", "a.yaml", "--json", "--user", "alice"]).well().contains("\"enabled\":true")
    };
    assert!(!enabled("63.324"));
    assert!(enabled("63.325"));
}

#[test]
fn a_hit_ends_the_tree() {
    let cohort = "--attr=cohorts=[\"beta_testers\"]";
    assert_eq!(
        explain(MENTOR, &["--user", "alice", cohort]),
        "\
v2_mentor_layer → on (TARGETING_MATCH)
├─ enabled: yes
├─ rule 1 (cohort beta_testers): yes: the host names alice as a member
└─ 2 more rules, not tried

"
    );
}

const TREE: &str = "\
cohorts:
  staff: { users: [bob], except: [mallory], when: [{ attribute: email, operator: ends_with, value: '@example.com' }] }
flags:
  base: { enabled: false }
  middle:
    dependencies: [{ flag: base, enabled: false }]
    rollout: { percentage: 0, schedule: [{ at: 2026-12-01T00:00:00Z, percentage: 100 }] }
  top:
    dependencies: [{ flag: base, enabled: false }, { flag: middle, enabled: false }]
    overrides: { olga: blue }
    rules:
      - name: insiders
        conditions: [{ any: [{ cohort: staff }, { not: { attribute: country, operator: exists } }, { flag: middle, enabled: true }] }]
        variant: blue
    rollout: { percentage: 100, by: company }
    variants: [{ name: red, weight: 1 }, { name: blue, weight: 1, value: { a: 1 } }]
";

#[test]
fn prerequisites_are_sub_trees_and_each_is_shown_once() {
    assert_eq!(
        explain(TREE, &["--flag", "top", "--user", "dora", "--attr", "country=DE", "--attr", "company=acme"]),
        "\
top → on, variant blue, value {\"a\":1} (SPLIT)
├─ enabled: yes
├─ needs flag base off: yes, it is off (DISABLED)
│  └─ enabled: no: the kill switch is off
├─ needs flag middle off: yes, it is off (DEFAULT)
│  ├─ enabled: yes
│  ├─ needs flag base off: yes (as above)
│  └─ rule 1: no
│     └─ bucket 1.163 %, rollout 0 %: no; in at 1.164 % or more, from 2026-12-01T00:00:00Z
├─ rule 1 (insiders): no
│  └─ any of: no
│     ├─ cohort staff: no: dora is not listed, not named by the host, and its conditions do not hold
│     │  └─ email ends_with \"@example.com\": no (is absent)
│     ├─ not: no
│     │  └─ country exists: yes (is \"DE\")
│     └─ flag middle on: no (as above)
└─ rule 2: yes
   ├─ rollout 100 %: yes
   └─ split point 1 of 2: variant blue

"
    );
}

#[test]
fn a_flag_that_nothing_narrows_has_a_line_that_says_so() {
    let document = "flags: { plain: {}, needs: { dependencies: [plain] } }";
    assert_eq!(
        explain(document, &["--flag", "needs", "--user", "alice"]),
        "\
needs → on (STATIC)
├─ enabled: yes
├─ needs flag plain on: yes, it is on (STATIC)
│  ├─ enabled: yes
│  └─ nothing narrows it: yes
└─ nothing narrows it: yes

"
    );
}

#[test]
fn overrides_and_exceptions_are_told() {
    let olga = explain(TREE, &["--flag", "top", "--user", "olga"]);
    assert!(olga.starts_with("top → on, variant blue, value {\"a\":1} (OVERRIDE)\n"), "{olga}");
    assert!(olga.ends_with("└─ override for olga: yes\n\n"), "{olga}");
    let mallory =
        explain(TREE, &["--flag", "top", "--user", "mallory", "--attr", "email=m@example.com", "--attr", "country=DE"]);
    assert!(mallory.contains("cohort staff: no: mallory is excepted\n"), "{mallory}");
    let bob = explain(TREE, &["--flag", "top", "--user", "bob"]);
    assert!(bob.contains("cohort staff: yes: bob is listed\n"), "{bob}");
}

#[test]
fn json_says_the_same() {
    let out = explain(TREE, &["--flag", "top", "--user", "dora", "--attr", "country=DE", "--json"]);
    assert!(out.starts_with("{\"flag\":\"top\",\"user\":\"dora\",\"enabled\":true,\"value\":"), "{out}");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let middle = &json["checks"][2];
    assert_eq!((&middle["check"], &middle["held"], &middle["expected"]), (&"flag".into(), &true.into(), &"off".into()));
    let rollout = &middle["explanation"]["checks"][2]["checks"][0];
    let expected = serde_json::json!({
        "check": "rollout", "by": "targeting key", "bucket": 1_163, "percentage": 0, "needed": 1_164,
        "from": 1_796_083_200_000_u64, "held": false,
    });
    assert_eq!(*rollout, expected);
    assert_eq!(json["checks"][3]["checks"][0]["checks"][1]["of"], "not");
}

#[test]
fn an_unknown_flag_has_no_tree() {
    let folder = TestFolder::new();
    folder.file("a.yaml", MENTOR);
    let ran = folder.run(&["decide", "a.yaml", "--explain", "--flag", "nobody"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), "nobody → error FLAG_NOT_FOUND\n"));
    let ran = folder.run(&["decide", "a.yaml", "--explain", "--json", "--flag", "nobody"]);
    let json: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!((&json["errorCode"], &json["checks"]), (&"FLAG_NOT_FOUND".into(), &serde_json::json!([])));
}
