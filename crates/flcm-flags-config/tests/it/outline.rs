//! A flag or a cohort value by value.

use flcm_flags_config::outline;
use flcm_flags_config::outline::cohort;
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

fn place(range: &Value) -> String {
    let at = |place: &Value| format!("{}:{}", place["line"], place["character"]);
    format!("{}-{}", at(&range["start"]), at(&range["end"]))
}

/// The values, one a line.
fn lines(outline: &Value) -> Vec<String> {
    let line = |value: &Value| {
        let path: Vec<String> = value["path"].as_array().unwrap().iter().map(ToString::to_string).collect();
        let path = path.join(".").replace('"', "");
        let from = value["origin"]["from"][1].as_str().map_or_else(String::new, |from| format!(" {from}"));
        let kind = value["origin"]["kind"].as_str().unwrap();
        format!("{path} = {} at {} {kind}{from}", value["value"], place(&value["range"]))
    };
    outline["values"].as_array().unwrap().iter().map(line).collect()
}

/// References of a kind, with their places.
fn names(outline: &Value, key: &str) -> Vec<String> {
    let list = outline[key].as_array().unwrap().iter();
    list.map(|named| format!("{} {}", named["name"].as_str().unwrap(), place(&named["range"]))).collect()
}

#[test]
fn each_value_has_its_place_and_its_origin() {
    let outline = serde_json::to_value(outline(TEXT, "ü").unwrap()).unwrap();
    assert_eq!(
        lines(&outline),
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
    assert_eq!(names(&outline, "cohorts"), ["beta 14:18-14:22", "vip 6:35-6:38"]);
    assert_eq!(names(&outline, "flags"), ["other 6:50-6:55"]);
    assert_eq!(names(&outline, "dependents"), ["third 17:26-17:27", "third 17:68-17:71"]);
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

const COHORTS: &str = "\
cohorts:
  staff: # ours
    users: [&anna anna, \"bob\"]
    except:
      - *anna # left
    when:
      - any: [{ cohort: vip }, { not: { cohort: vip } }]
  vip: { when: [{ all: [{ cohort: staff }] }] }
  nobody:
templates: { t: { conditions: [{ not: { cohort: staff } }] } }
flags:
  one: { extends: t }
  two: { rollout: { cohorts: { nobody: true, staff: false } }, rules: [{ conditions: [{ cohort: staff }] }] }
  three: { conditions: [{ cohort: vip }] }
";

#[test]
fn a_cohort_has_its_values_and_who_names_it() {
    let outline = |name| serde_json::to_value(cohort(COHORTS, name).unwrap()).unwrap();
    let staff = outline("staff");
    assert_eq!((&staff["cohort"], place(&staff["range"])), (&json!("staff"), "1:2-6:56".to_owned()));
    assert_eq!(
        lines(&staff),
        [
            "users = null at 2:11-2:30 own",
            "users.0 = \"anna\" at 2:18-2:22 own",
            "users.1 = \"bob\" at 2:24-2:29 own",
            "except = null at 4:6-4:13 own",
            "except.0 = \"anna\" at 4:8-4:13 alias",
            "when = null at 6:6-6:56 own",
            "when.0 = null at 6:8-6:56 own",
            "when.0.any = null at 6:13-6:56 own",
            "when.0.any.0 = null at 6:14-6:29 own",
            "when.0.any.0.cohort = \"vip\" at 6:24-6:27 own",
            "when.0.any.1 = null at 6:31-6:55 own",
            "when.0.any.1.not = null at 6:38-6:53 own",
            "when.0.any.1.not.cohort = \"vip\" at 6:48-6:51 own",
        ]
    );
    assert_eq!(names(&staff, "cohorts"), ["vip 6:24-6:27", "vip 6:48-6:51"]);
    assert_eq!(names(&staff, "dependentCohorts"), ["vip 7:34-7:39"]);
    assert_eq!(names(&staff, "dependents"), ["one 9:48-9:53", "two 12:45-12:50", "two 12:96-12:101"]);
    assert_eq!(names(&outline("vip"), "dependents"), ["three 13:34-13:37"]);
    assert_eq!((lines(&outline("nobody")), place(&outline("nobody")["range"])), (vec![], "8:2-8:9".to_owned()));
}

#[test]
fn a_cohort_of_a_document_with_errors_has_an_outline() {
    let broken = COHORTS.replace("  three:", "  colour: 5\n  three:");
    assert_eq!(cohort(&broken, "staff").unwrap().dependents.len(), 3);
    for (text, name) in [(COHORTS, "one"), (COHORTS, "gone"), ("cohorts: [", "a"), ("flags: {}", "a")] {
        assert!(cohort(text, name).is_none(), "{text} {name}");
    }
}
