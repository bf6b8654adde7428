//! Flags that documents write alike are not compared any further: what was compiled of them must not differ either.

use fastrand::Rng;
use flcm_flags::{Millis, Snapshot};
use flcm_flags_config::diff::{Status, Version, compare_all};
use flcm_flags_config::parse::json;
use flcm_flags_config::{Config, check, compile};
use flcm_flags_conformance::generate::Document;
use serde_json::{Value, json};

/// The document with a flag switched off and a user more in a cohort.
fn changed(text: &str, rng: &mut Rng) -> String {
    let mut document = json::value(text).expect("a document");
    if let Some(flag) = one_of(&mut document["flags"], rng) {
        flag["enabled"] = json!(false);
    }
    if let Some(users) = one_of(&mut document["cohorts"], rng).and_then(|cohort| cohort["users"].as_array_mut()) {
        users.push(json!("somebody who is in no document"));
    }
    document.to_string()
}

fn one_of<'v>(map: &'v mut Value, rng: &mut Rng) -> Option<&'v mut Value> {
    let map = map.as_object_mut().filter(|map| !map.is_empty())?;
    let index = rng.usize(..map.len());
    map.values_mut().nth(index)
}

fn snapshot(config: &Config) -> Snapshot<Vec<u8>> {
    Snapshot::from_bytes(compile(config)).expect("a snapshot of our own")
}

#[test]
fn flags_that_are_written_alike_are_compiled_alike() {
    let (mut same, mut other) = (0, 0);
    for seed in 0..300 {
        let mut rng = Rng::with_seed(seed);
        let text = Document::random(&mut rng).text;
        let [Some(old), Some(new)] = [&text, &changed(&text, &mut rng)].map(|text| check(text).0) else { continue };
        let (before, after) = (snapshot(&old), snapshot(&new));
        let differences = |with_documents: bool| {
            let version = |snapshot, config| Version { name: "", snapshot, config: with_documents.then_some(config) };
            compare_all(&version(&before, &old), &version(&after, &new), Millis(0)).flags
        };
        for (written, compiled) in differences(true).iter().zip(differences(false)) {
            if written.status == Status::Same {
                assert_eq!(compiled.status, Status::Same, "seed {seed}: {}: {:?}", compiled.flag, compiled.changes);
                same += 1;
            } else {
                other += 1;
            }
        }
    }
    assert!(same > 300 && other > 150, "{same} flags were alike, {other} were not");
}
