//! Documents that the parser takes are valid by the committed schema, and what the schema refuses the parser refuses.

use fastrand::Rng;
use flcm_flags_conformance::generate::Document;
use jsonschema::Validator;
use serde_json::{Value, json};

fn validator() -> Validator {
    let schema: Value = serde_json::from_str(include_str!("../../../../schema/feature-flags.json")).expect("JSON");
    jsonschema::validator_for(&schema).expect("a schema")
}

#[test]
fn what_the_parser_takes_the_schema_takes() {
    let validator = validator();
    let mut rng = Rng::with_seed(7);
    for _ in 0..500 {
        let document = Document::random(&mut rng);
        let problems: Vec<String> = validator.iter_errors(&document.value).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{problems:?}\n{}", document.value);
    }
}

#[test]
fn what_the_schema_refuses_the_parser_refuses() {
    let validator = validator();
    for document in [
        json!([]),
        json!({ "flag": {} }),
        json!({ "revision": -1 }),
        json!({ "flags": { "f": { "enabled": "yes" } } }),
        json!({ "flags": { "f": { "rollout": { "percentage": 101 } } } }),
        json!({ "flags": { "f": { "rollout": { "cohorts": { "c": 1 } } } } }),
        json!({ "flags": { "f": { "rollout": { "schedule": [{ "at": "2026-01-01T00:00:00Z" }] } } } }),
        json!({ "flags": { "f": { "conditions": [{ "attribute": "a", "operator": "=" }] } } }),
        json!({ "flags": { "f": { "conditions": [{ "all": {} }] } } }),
        json!({ "flags": { "f": { "variants": [{ "name": "v", "weight": 1.5 }] } } }),
        json!({ "flags": { "f": { "overrides": { "u": 1 } } } }),
        json!({ "flags": { "f": { "error_threshold": { "rate": 0.1, "window": 0 } } } }),
        json!({ "flags": { "f": { "error_threshold": { "rate": 0.1, "detector": "guess" } } } }),
        json!({ "flags": { "f": { "error_threshold": { "rate": 0.1, "ratio": 0.5 } } } }),
        json!({ "flags": { "f": { "error_threshold": { "rate": 0.1, "margin": 1.5 } } } }),
        json!({ "flags": { "f": { "error_threshold": { "rate": 0.1, "budget": "slow" } } } }),
        json!({ "flags": { "f": { "error_threshold": { "rate": 0.1, "budget": 0.6 } } } }),
        json!({ "flags": { "f": { "error_threshold": { "rate": 0.1, "slow_ms": 0 } } } }),
        json!({ "flags": { "f": { "error_threshold": { "rate": 0.1, "action": null } } } }),
        json!({ "cohorts": { "c": { "users": [1] } } }),
    ] {
        assert!(!validator.is_valid(&document), "the schema takes {document}");
        assert!(flcm_flags_config::check(&document.to_string()).0.is_none(), "the parser takes {document}");
    }
}
