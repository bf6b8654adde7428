//! A flag value by value.

use flcm_flags_config::outline;
use serde_json::{Value, json};

const TEXT: &str = "\
cohorts: { beta: { users: [u] }, vip: {} }
templates:
  base: { description: no, salt: no, enabled: &off false, tags: [a] }
  mid:
    extends: base
    rollout: { percentage: 5, by: team }
    conditions: [{ any: [{ cohort: vip }, { flag: other }] }]
flags:
  ü: # mine
    extends: mid
    owner: anna # me
    tags: []
    rollout:
      percentage: 10
      cohorts: [{ beta: true }]
    overrides: { u: *off }
  other: { dependencies: [{ flag: third }] }
  third: { dependencies: [ü], rules: [{ conditions: [{ not: { flag: \"ü\" } }] }] }
";

#[test]
fn each_value_has_its_place_and_its_origin() {
    let outline = serde_json::to_value(outline(TEXT, "ü").unwrap()).unwrap();
    let place = |range: &Value| {
        let at = |place: &Value| format!("{}:{}", place["line"], place["character"]);
        format!("{}-{}", at(&range["start"]), at(&range["end"]))
    };
    let line = |value: &Value| {
        let path: Vec<String> = value["path"].as_array().unwrap().iter().map(ToString::to_string).collect();
        let path = path.join(".").replace('"', "");
        let from = value["origin"]["from"][1].as_str().map_or_else(String::new, |from| format!(" {from}"));
        let kind = value["origin"]["kind"].as_str().unwrap();
        format!("{path} = {} at {} {kind}{from}", value["value"], place(&value["range"]))
    };
    let lines: Vec<String> = outline["values"].as_array().unwrap().iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "extends = \"mid\" at 9:13-9:16 own",
            "owner = \"anna\" at 10:11-10:15 own",
            "tags = [] at 11:10-11:12 own",
            "rollout = null at 13:6-14:31 own",
            "rollout.percentage = 10 at 13:18-13:20 own",
            "rollout.cohorts = null at 14:15-14:31 own",
            "rollout.cohorts.0 = null at 14:16-14:30 own",
            "rollout.cohorts.0.beta = true at 14:24-14:28 own",
            "rollout.by = \"team\" at 5:34-5:38 inherited mid",
            "overrides = null at 15:15-15:26 own",
            "overrides.u = false at 15:20-15:24 alias",
            "conditions = null at 6:16-6:61 inherited mid",
            "conditions.0 = null at 6:17-6:60 inherited mid",
            "conditions.0.any = null at 6:24-6:58 inherited mid",
            "conditions.0.any.0 = null at 6:25-6:40 inherited mid",
            "conditions.0.any.0.cohort = \"vip\" at 6:35-6:38 inherited mid",
            "conditions.0.any.1 = null at 6:42-6:57 inherited mid",
            "conditions.0.any.1.flag = \"other\" at 6:50-6:55 inherited mid",
            "enabled = false at 2:51-2:56 inherited base",
        ]
    );
    assert_eq!(place(&outline["range"]), "8:2-15:26");
    assert_eq!(outline["parents"], json!(["mid", "base"]));
    let names = |key: &str| {
        let list = outline[key].as_array().unwrap().iter();
        list.map(|named| format!("{} {}", named["name"].as_str().unwrap(), place(&named["range"]))).collect::<Vec<_>>()
    };
    assert_eq!(names("cohorts"), ["beta 14:18-14:22", "vip 6:35-6:38"]);
    assert_eq!(names("flags"), ["other 6:50-6:55"]);
    assert_eq!(names("dependents"), ["third 17:26-17:27", "third 17:68-17:71"]);
}

#[test]
fn a_flag_that_is_not_there_has_no_outline() {
    assert!(outline(TEXT, "base").is_none());
    assert!(outline("flags: [", "a").is_none());
    assert!(outline("flags: { a: 5, b: { extends: b }, c: { extends: nobody } }", "a").unwrap().values.is_empty());
    for flag in ["b", "c"] {
        assert_eq!(outline("flags: { b: { extends: b }, c: { extends: nobody } }", flag).unwrap().parents.len(), 0);
    }
}
