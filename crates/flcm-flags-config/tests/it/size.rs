//! Sizes and sameness of snapshots.

#[path = "../../benches/workload.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the benches, which use all of it")]
mod workload;

use std::io::Write;

use flate2::{Compression, write::GzEncoder};

#[test]
fn the_snapshot_of_1000_ordinary_flags_is_at_most_40_kb_gzipped() {
    let snapshot = workload::snapshot(&workload::mixed(1_000));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(9));
    encoder.write_all(snapshot.as_bytes()).unwrap();
    let gzipped = encoder.finish().unwrap().len();
    println!("{} bytes, {gzipped} gzipped", snapshot.as_bytes().len());
    assert!(gzipped <= 40_000, "{gzipped} bytes");
}

#[test]
fn the_same_document_gives_the_same_bytes_in_any_order() {
    let forward = "flags: { a: { rollout: { percentage: 5 } }, b: { conditions: [{ cohort: y }] } }\ncohorts: { x: { users: [u] }, y: { when: [{ cohort: x }] } }";
    let backward = "cohorts: { y: { when: [{ cohort: x }] }, x: { users: [u] } }\nflags: { b: { conditions: [{ cohort: y }] }, a: { rollout: { percentage: 5 } } }";
    assert_eq!(workload::snapshot(forward).as_bytes(), workload::snapshot(backward).as_bytes());
    assert_ne!(workload::snapshot(forward).digest(), workload::snapshot("flags: {}").digest());
}

#[test]
fn listed_users_are_not_in_the_snapshot() {
    let text = "cohorts: { c: { users: [very-secret-user], except: [other-secret-user] } }\nflags: { f: { conditions: [{ cohort: c }], overrides: { third-secret-user: true } } }";
    let snapshot = workload::snapshot(text);
    let holds = |needle: &str| snapshot.as_bytes().windows(needle.len()).any(|window| window == needle.as_bytes());
    assert!(holds("cohort") || holds("f"), "texts are plain in the snapshot");
    assert!(!holds("secret"));
}
