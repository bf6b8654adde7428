//! The core and the oracle agree over random documents and contexts. `conformance random-parity` does it for longer.

use flcm_flags_conformance::parity;

#[test]
fn the_core_decides_as_the_oracle_does() {
    let tally = parity::compare(0, 50_000).unwrap_or_else(|disagreement| panic!("{disagreement}"));
    println!("{tally}");
    assert_everything_occurs(&tally);
}

/// Agreement on what never happens proves nothing.
fn assert_everything_occurs(tally: &parity::Tally) {
    let often = |counts: &std::collections::BTreeMap<String, u64>, names: &[&str]| {
        for name in names {
            let count = counts.get(*name).copied().unwrap_or(0);
            assert!(count >= 100, "`{name}` occurs only {count} times:\n{tally}");
        }
    };
    let reasons = [
        "BREAKER_OPEN",
        "DEFAULT",
        "DISABLED",
        "ERROR FLAG_NOT_FOUND",
        "OVERRIDE",
        "PREREQUISITE_FAILED",
        "SPLIT",
        "STATIC",
        "TARGETING_MATCH",
    ];
    often(&tally.reasons, &reasons);
    often(&tally.arms, &["control", "outside", "treatment"]);
    often(&tally.rules, &["named", "none or unnamed"]);
    often(&tally.served, &["a variant", "nothing", "off", "on"]);
    assert_eq!(tally.operators.len(), 22, "every operator is used:\n{tally}");
    for (operator, (held, all)) in &tally.operators {
        assert!(*held >= 50 && all - held >= 50, "`{operator}` must hold often, and often not:\n{tally}");
    }
}
