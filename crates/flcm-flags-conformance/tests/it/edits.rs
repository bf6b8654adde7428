//! Edits of random texts keep all that they should. `conformance random-edits` tries more of them.

use flcm_flags_conformance::edits;

#[test]
fn edits_change_what_they_should_and_nothing_else() {
    let tally = edits::compare(0, 6_000).unwrap_or_else(|fault| panic!("{fault}"));
    println!("{tally}");
    for kind in ["insert", "move", "remove", "rename", "set"] {
        let applied = tally.applied.get(kind).copied().unwrap_or_default();
        assert!(applied > 150, "{kind} is applied {applied} times only:\n{tally}");
    }
    let declined: u64 = tally.declined.values().sum();
    assert!(declined * 2 < tally.edits, "most edits are applied:\n{tally}");
}
