//! Breakers that are made, kept, and made anew.

use flcm_flags::FlagId;
use flcm_flags_ffi::Engine;

use super::{DOCUMENT, NOW, all, events, flag, load, number};

#[test]
fn a_second_guard_starts_anew() {
    let mut engine = Engine::new();
    let handle = load(&mut engine, DOCUMENT);
    let (parent, plain) = (flag(&engine, handle, "parent"), flag(&engine, handle, "plain"));
    assert!(engine.next_deadline(handle).is_none() && engine.save(handle, parent).is_none());
    assert!(engine.guard(handle, "fleet", NOW));
    let fresh = engine.save(handle, parent);
    assert!(engine.set_trip(handle, plain, "capped 7") && engine.set_trip(handle, parent, "capped 9"));
    assert!(engine.record(handle, parent, &[1, 0, 40, 40, 0, 0, 90, 1, 0, 0], NOW).is_some());
    assert_eq!(events(&engine.poll(handle, NOW + 1_000.0).expect("transitions")), ["tripped"]);
    assert_eq!(engine.trip(handle, parent).as_deref(), Some("off"));
    // For a word that is no scope nothing changes.
    assert!(!engine.guard(handle, "Fleet", NOW));
    assert_eq!(engine.trip(handle, parent).as_deref(), Some("off"));
    assert!(engine.guard(handle, "fleet", NOW));
    assert_eq!(engine.save(handle, parent), fresh);
    // What was said was not the breaker's.
    assert_eq!(engine.trip(handle, parent).as_deref(), Some("capped 9"));
    assert_eq!(engine.trip(handle, plain).as_deref(), Some("capped 7"));
    assert!(engine.guard(handle, "host", NOW));
    assert!(number(&engine.breaker(handle, parent).expect("a breaker"), "limit") > 100_000.0);
}

#[test]
fn a_breaker_that_was_kept_goes_on_and_other_bytes_change_nothing() {
    let mut engine = Engine::new();
    let handle = load(&mut engine, DOCUMENT);
    let (parent, plain) = (flag(&engine, handle, "parent"), flag(&engine, handle, "plain"));
    assert!(engine.guard(handle, "fleet", NOW));
    assert!(
        engine
            .set_mode(handle, parent, "held", NOW)
            .is_some_and(|transitions| events(&transitions) == ["mode_changed"])
    );
    let kept = engine.save(handle, parent).expect("bytes");
    assert!(engine.guard(handle, "fleet", NOW));
    assert_eq!(engine.trip(handle, parent).as_deref(), Some("clear"));
    let before = all(&mut engine, handle);
    for bytes in [&kept[1..], &[], &[0; 4096], &kept[..kept.len() - 1]] {
        assert!(engine.restore(handle, parent, bytes).is_err());
    }
    assert_eq!(engine.restore(handle, plain, &kept), Ok(false), "a flag without a breaker");
    assert_eq!(engine.restore(handle, FlagId(u32::MAX), &kept), Ok(false));
    assert_eq!(all(&mut engine, handle), before);
    assert_eq!(engine.restore(handle, parent, &kept), Ok(true));
    assert_eq!(engine.save(handle, parent), Some(kept));
    assert_eq!(engine.trip(handle, parent).as_deref(), Some("off"));
}

#[test]
fn under_another_policy_or_scope_the_state_is_kept_and_the_evidence_starts_anew() {
    let mut engine = Engine::new();
    let from = load(&mut engine, DOCUMENT);
    assert!(engine.guard(from, "fleet", NOW));
    let [colours, parent] = ["colours", "parent"].map(|key| flag(&engine, from, key));
    for (flag, errors) in [(colours, 3), (parent, 40)] {
        assert!(engine.record(from, flag, &[1, 0, 40, errors, 0, 0, 90, 1, 0, 0], NOW).is_some());
    }
    assert_eq!(events(&engine.poll(from, NOW + 1_000.0).expect("transitions")), ["tripped"]);
    let absolute = |engine: &Engine, handle| number(&engine.breaker(handle, colours).expect("a breaker"), "absolute");
    let evidence = absolute(&engine, from);
    assert!(evidence > 0.0);
    let kept = [colours, parent].map(|flag| (flag, engine.save(from, flag).expect("bytes")));
    for (document, scope, is_same) in [
        (DOCUMENT.to_owned(), "fleet", true),
        (DOCUMENT.to_owned(), "host", false),
        (DOCUMENT.replace("0.05", "0.04"), "fleet", false),
    ] {
        let to = load(&mut engine, &document);
        assert!(engine.guard(to, scope, NOW));
        for (flag, bytes) in &kept {
            assert_eq!(engine.restore(to, *flag, bytes), Ok(true));
        }
        assert_eq!(engine.trip(to, parent).as_deref(), Some("off"));
        assert_eq!(absolute(&engine, to).to_bits(), if is_same { evidence } else { 0.0 }.to_bits(), "{document}");
        let transitions = engine.transitions(to).expect("transitions");
        assert_eq!(events(&transitions), if is_same { vec![] } else { vec!["configured"; 2] }, "{document}");
        assert!(engine.unload(to));
    }
}
