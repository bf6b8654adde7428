//! The committed JSON Schema: what the parser takes, it takes, and the other way round.

use serde_json::{Value, json};

const COMMITTED: &str = include_str!("../../../../schema/feature-flags.json");

#[test]
fn the_committed_schema_is_what_the_code_makes() {
    // Not `assert_eq`: it would print both, a screenful each.
    assert!(COMMITTED == flcm_flags_config::schema(), "schema/feature-flags.json is out of date: run `just schema`");
}

/// A document with this one part in the place that the schema's definition describes.
fn place(definition: &str, part: &Value) -> Value {
    let flag = |flag: Value| json!({ "flags": { "f": flag } });
    match definition {
        "Document" => part.clone(),
        "Cohort" => json!({ "cohorts": { "c": part } }),
        "Flag" => flag(part.clone()),
        "FlagCondition" => flag(json!({ "dependencies": [part] })),
        "Rollout" => flag(json!({ "rollout": part })),
        "Stage" => flag(json!({ "rollout": { "schedule": [part] } })),
        "AllOf" | "AnyOf" | "NotOf" | "InCohort" | "Test" => flag(json!({ "conditions": [part] })),
        "Variant" => flag(json!({ "variants": [part] })),
        "Rule" => flag(json!({ "rules": [part] })),
        "Share" => flag(json!({ "rules": [{ "variants": [part] }] })),
        "ErrorThreshold" => flag(json!({ "error_threshold": part })),
        other => panic!("the schema has a definition `{other}` that this test does not place"),
    }
}

fn unknown_keys(document: &Value) -> Vec<String> {
    let (_, diagnostics) = flcm_flags_config::check(&document.to_string());
    let unknown = diagnostics.iter().filter(|diagnostic| diagnostic.code == "unknown-key");
    unknown.map(|diagnostic| diagnostic.message.clone()).collect()
}

/// Every key of the schema is known to the parser, and the parser's own list of known keys is no longer than the schema's.
#[test]
fn schema_and_parser_know_the_same_keys() {
    let schema: Value = serde_json::from_str(COMMITTED).unwrap();
    let definitions = schema["$defs"].as_object().unwrap().clone();
    let all = definitions.into_iter().chain([("Document".to_owned(), schema.clone())]);
    let mut tried = 0;
    for (name, definition) in all.filter(|(_, definition)| definition["properties"].is_object()) {
        let keys: Vec<&String> = definition["properties"].as_object().unwrap().keys().collect();
        let part: Value = keys.iter().map(|key| ((*key).clone(), json!([]))).collect::<serde_json::Map<_, _>>().into();
        assert_eq!(unknown_keys(&place(&name, &part)), Vec::<String>::new(), "keys of `{name}`");

        let mut with_unknown = part.as_object().unwrap().clone();
        with_unknown.insert("zzzzzzzzzzzzzzzz".to_owned(), json!([]));
        let (_, diagnostics) = flcm_flags_config::check(&place(&name, &with_unknown.into()).to_string());
        let help = diagnostics.iter().find(|diagnostic| diagnostic.code == "unknown-key").and_then(|d| d.help.clone());
        let known = help.unwrap_or_else(|| panic!("`{name}` takes any key"));
        let known: Vec<&str> = known.trim_start_matches("known keys: ").split(", ").collect();
        assert!(known.iter().all(|key| keys.iter().any(|listed| listed == key)), "`{name}`: {known:?} and {keys:?}");
        tried += 1;
    }
    assert!(tried >= 13, "only {tried} definitions");
}
