//! The fixed points of the hash, from outside of this repository where they are at hand.

use std::fs;
use std::hash::Hasher;

use flcm_flags_conformance::vectors::{format, read, root};
use serde::Deserialize;
use siphasher::sip::SipHasher13;

/// A fixed point as the file outside has it. The cohort is named like the salt.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Point {
    salt: String,
    key: String,
    digest: String,
    h: String,
    gate: u32,
    split_of_100: u32,
    probe: u32,
    member: String,
}

#[test]
fn the_primitive_is_siphash_1_3() {
    let mut hasher = SipHasher13::new_with_keys(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
    hasher.write(b"");
    assert_eq!(hasher.finish(), 0xabac_0158_050f_c4dc);
}

#[test]
fn our_fixed_points_are_those_from_outside() {
    let ours: format::Bucket = read(&root().join("tests/vectors/bucket/fixed-points.json"));
    assert_eq!(ours.cases.len(), 60);
    let path = root().join("../shared/design/bucket-vectors.json");
    let Ok(text) = fs::read_to_string(&path) else {
        println!("{} is absent: our copy alone was checked, among the vectors", path.display());
        return;
    };
    let points: Vec<Point> = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(points.len(), ours.cases.len());
    for (point, case) in points.iter().zip(&ours.cases) {
        assert_eq!((&point.salt, &point.key), (&case.salt, &case.unit));
        assert_eq!((&point.digest, &point.h, &point.member), (&case.digest, &case.hash, &case.member), "{point:?}");
        assert_eq!((point.gate, point.probe), (case.gate, case.probe), "{point:?}");
        assert_eq!(case.splits.get(&100), Some(&point.split_of_100), "{point:?}");
    }
}
