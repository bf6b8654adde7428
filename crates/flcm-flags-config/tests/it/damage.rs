//! Damaged snapshots give an error, or decide; they never panic. With the checksum mended, the checks behind it are what
//! is tried.

use flcm_flags::snapshot::{index, wire};
use flcm_flags::{
    AttributeValue, Context, ErrorCode, Millis, PackedDecision, Snapshot, TripState, Trips, evaluate_all,
};
use flcm_flags_config::{check, compile};

/// Every section of the format has a record in it.
const DOCUMENT: &str = r#"
revision: 7
cohorts:
  a: { users: [alice, bob], except: [carol], when: [{ attribute: n, operator: in, value: [1, 2] }] }
  b: { when: [{ cohort: a }] }
flags:
  one:
    overrides: { dave: true, erin: x }
    variants: [{ name: x, weight: 1, value: { k: [1] } }, { name: y, weight: 2 }]
    rollout: { percentage: 10, by: s, schedule: [{ at: 2026-01-01T00:00:00Z, percentage: 50 }, { at: 2027-01-01T00:00:00Z, percentage: 60 }], ramp: linear }
    conditions:
      - any: [{ attribute: s, operator: matches, value: "^a+b" }, { not: { attribute: s, operator: starts_with, value: [q, r] } }]
      - { cohort: b }
    error_threshold: { rate: 0.05, window: 300, ratio: 2, slow_ms: 500 }
  two: { default: 1, on: 2.5, dependencies: [one, { flag: three, enabled: false }], conditions: [{ flag: one, variant: x }, { attribute: s, operator: "==", value: t }] }
  three: { enabled: false, rules: [{ name: r, variant: z }], variants: [{ name: z, weight: 1 }] }
"#;

fn bytes() -> Vec<u8> {
    let (config, diagnostics) = check(DOCUMENT);
    compile(&config.unwrap_or_else(|| panic!("{}", diagnostics.render("document", DOCUMENT, false))))
}

/// Loads and decides everything; says whether the bytes were taken.
fn decides(bytes: &[u8]) -> bool {
    let Ok(snapshot) = Snapshot::from_bytes(bytes) else { return false };
    let list = ["a"];
    let attributes = [("s", "aab".into()), ("n", 1.into()), ("cohorts", AttributeValue::List(&list))];
    for context in [Context::new(Some("alice"), &attributes), Context::default()] {
        let bound = context.bind(&snapshot);
        for state in [TripState::Clear, TripState::Probing, TripState::Capped(30_000)] {
            let mut trips = Trips::new([0; Trips::bytes_for(16)]);
            snapshot.flags().for_each(|flag| trips.set(flag, state));
            let mut out = vec![PackedDecision::error(ErrorCode::FlagNotFound); snapshot.flags().len()];
            evaluate_all(&snapshot, &trips, &bound, Millis(1_800_000_000_000), &mut out);
            for flag in snapshot.flags() {
                let decision = flcm_flags::evaluate(&snapshot, &trips, flag, &bound, Millis(1));
                let _ = (decision.value(), decision.variant(), decision.rule());
            }
        }
    }
    true
}

fn mend(bytes: &mut [u8]) {
    let checksum = index::checksum(&bytes[wire::UNCHECKED..]);
    bytes[8..16].copy_from_slice(&checksum.to_le_bytes());
}

#[test]
fn every_section_is_tried() {
    let bytes = bytes();
    let snapshot = Snapshot::from_bytes(&bytes).unwrap();
    assert_eq!(snapshot.sections().count(), 27, "a new section needs a record in the document above");
    assert!(decides(&bytes));
}

#[test]
fn truncation_at_every_length_is_refused() {
    let bytes = bytes();
    for length in 0..bytes.len() {
        assert!(Snapshot::from_bytes(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(Snapshot::from_bytes(&longer).is_err());
}

#[test]
fn truncation_with_the_length_and_checksum_mended_does_not_panic() {
    let bytes = bytes();
    for length in 40..bytes.len() {
        let mut short = bytes[..length].to_vec();
        short[20..24].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
        mend(&mut short);
        assert!(!decides(&short), "{length} of {} bytes", bytes.len());
    }
}

#[test]
fn every_single_bit_flip_is_refused() {
    let bytes = bytes();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(Snapshot::from_bytes(&flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn every_single_bit_flip_with_the_checksum_mended_decides_or_is_refused() {
    let bytes = bytes();
    let mut taken = 0;
    for bit in wire::UNCHECKED * 8..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        mend(&mut flipped);
        taken += u32::from(decides(&flipped));
    }
    // Flips in hashes, texts and percentages give another valid snapshot.
    assert!(taken > 1_000, "only {taken} of the flips were decided: the test no longer gets past the checks");
}

#[test]
fn random_bytes_over_a_valid_snapshot_do_not_panic() {
    let bytes = bytes();
    let mut random = fastrand::Rng::with_seed(1);
    for _ in 0..20_000 {
        let mut damaged = bytes.clone();
        for _ in 0..random.usize(1..8) {
            let (at, length) = (random.usize(wire::UNCHECKED..bytes.len()), random.usize(1..8));
            damaged[at..]
                .iter_mut()
                .take(length)
                .for_each(|byte| *byte = *random.choice([0, 1, 2, 0x7f, 0xff].iter()).unwrap());
        }
        mend(&mut damaged);
        decides(&damaged);
    }
}
