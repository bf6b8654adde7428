//! Outcomes, one by one.

use flcm_flags::FlagId;
use flcm_flags::metrics::batch::Batch;
use flcm_flags_ffi::Engine;

use super::{DOCUMENT, FLAGS, NOW, Shared, TIMES, events, flag, load, number};

#[test]
fn an_outcome_is_counted_once_or_refused_whatever_is_written() {
    let mut rng = fastrand::Rng::with_seed(5);
    let (mut engine, mut shared) = (Engine::new(), Shared::new());
    let handle = load(&mut engine, DOCUMENT);
    assert!(engine.guard(handle, "fleet", NOW) && engine.measure(handle));
    shared.bind(&mut engine, handle, 3, "alice");
    let mut told = 0.0;
    for _ in 0..20_000 {
        shared.0[..64].fill_with(|| rng.u8(..));
        if rng.u8(0..10) > 0 {
            shared.ask(handle, rng.i32(-1..5), rng.u32(0..=FLAGS), rng.i32(..), TIMES[rng.usize(0..TIMES.len())]);
            shared.tell_variant(rng.u8(0..4), rng.u8(..), rng.u16(..), f64::from_bits(rng.u64(..)));
            shared.write(36, rng.u32(0..3).to_le_bytes());
        }
        let snapshot = i32::from_le_bytes(shared.0[..4].try_into().expect("four bytes"));
        let flag = u32::from_le_bytes(shared.0[8..12].try_into().expect("four bytes"));
        let answer = engine.outcome(&shared.0);
        match (snapshot == handle.0, shared.0[32] < 3) {
            (true, true) => assert!(answer >= 0, "{answer}"),
            (true, false) => assert_eq!(answer, -3),
            _ => assert_eq!(answer, -1),
        }
        told += f64::from(u8::from(answer >= 0 && flag < FLAGS));
    }
    let mut total = 0.0;
    for flag in (0..FLAGS).map(FlagId) {
        let summary = engine.summary(handle, flag).expect("outcomes");
        for arm in ["", "control", "outside"] {
            let name = |part: &str| match arm {
                "" => part.to_lowercase(),
                arm => format!("{arm}{part}"),
            };
            let [all, errors, slow, missing] =
                ["Total", "Errors", "Slow", "Missing"].map(|part| number(&summary, &name(part)));
            assert!(errors + missing <= all && slow <= all, "{arm} of {flag:?}");
            total += all;
        }
    }
    assert!((10_000.0..20_000.0).contains(&told));
    assert_eq!(total.to_bits(), told.to_bits());
}

#[test]
fn one_user_counts_as_evidence_once_a_minute_and_as_an_outcome_each_time() {
    let (mut engine, mut shared) = (Engine::new(), Shared::new());
    let handle = load(&mut engine, DOCUMENT);
    assert!(engine.guard(handle, "host", NOW) && engine.measure(handle));
    let parent = flag(&engine, handle, "parent");
    shared.bind(&mut engine, handle, 0, "alice");
    for millisecond in 0..1_000 {
        shared.ask(handle, 0, parent.0, 0, NOW + f64::from(millisecond) * 30.0);
        shared.tell(1, 1, 5.0);
        assert_eq!(engine.outcome(&shared.0), 0, "a thousand failures of one user trip nothing");
    }
    let summary = engine.summary(handle, parent).expect("outcomes");
    assert_eq!(["total", "errors", "count"].map(|name| number(&summary, name).to_bits()), [1000_f64.to_bits(); 3]);
    let batch = engine.drain(handle, 1.0, 1.0, 1.0).expect("a batch");
    let evidence = Batch::from_bytes(&batch).expect("a batch").flags().next().expect("a flag").evidence();
    assert_eq!((evidence.treatment.total, evidence.treatment.errors), (1, 1));
    // Of nobody in particular each counts.
    let mut transitions = 0;
    for second in 40..50 {
        shared.ask(handle, -1, parent.0, 0, NOW + f64::from(second) * 1_000.0);
        shared.tell(1, 1, f64::NAN);
        transitions = engine.outcome(&shared.0);
    }
    assert_eq!(transitions, 1);
    assert_eq!(events(&engine.transitions(handle).expect("transitions")), ["tripped"]);
    assert_eq!(engine.transitions(handle).as_deref(), Some(""), "once");
    assert_eq!(engine.trip(handle, parent).as_deref(), Some("off"));
}

#[test]
fn a_time_that_is_none_stops_no_breaker() {
    for wrong in [f64::NAN, f64::INFINITY, 1e300, 9_007_199_254_740_994.0] {
        let (mut engine, mut shared) = (Engine::new(), Shared::new());
        let handle = load(&mut engine, DOCUMENT);
        assert!(engine.guard(handle, "fleet", NOW));
        let parent = flag(&engine, handle, "parent");
        assert_eq!(engine.poll(handle, wrong).as_deref(), Some(""));
        assert!(engine.set_mode(handle, parent, "observe", wrong).is_some());
        assert!(engine.set_mode(handle, parent, "auto", wrong).is_some());
        shared.tell(1, 1, f64::NAN);
        for second in 0..6 {
            for now in [wrong, NOW + f64::from(second) * 1_000.0] {
                shared.ask(handle, -1, parent.0, 0, now);
                assert!(engine.outcome(&shared.0) >= 0);
            }
        }
        assert_eq!(events(&engine.transitions(handle).expect("transitions")), ["tripped"]);
        let deadline = engine.next_deadline(handle).expect("a probe");
        assert!((NOW..NOW + 100_000.0).contains(&deadline), "{deadline} after {wrong}");
    }
}

#[test]
fn what_failed_and_is_missing_is_one_failure() {
    let (mut engine, mut shared) = (Engine::new(), Shared::new());
    let handle = load(&mut engine, DOCUMENT);
    assert!(engine.guard(handle, "fleet", NOW) && engine.measure(handle));
    let colours = flag(&engine, handle, "colours");
    shared.ask(handle, -1, colours.0, 0, NOW);
    for flags in 0..4 {
        shared.tell(1, flags, if flags == 2 { 100.5 } else { 100.0 });
        assert_eq!(engine.outcome(&shared.0), 0);
    }
    let (summary, breaker) = (engine.summary(handle, colours), engine.breaker(handle, colours));
    for text in [summary.expect("outcomes"), breaker.expect("a breaker")] {
        let numbers = ["total", "errors", "slow", "missing"].map(|name| number(&text, name).to_bits());
        assert_eq!(numbers, [4_f64, 1.0, 1.0, 2.0].map(f64::to_bits));
    }
}

#[test]
fn what_was_decided_under_an_older_generation_is_an_outcome_and_no_evidence() {
    let (mut engine, mut shared) = (Engine::new(), Shared::new());
    let handle = load(&mut engine, DOCUMENT);
    assert!(engine.guard(handle, "host", NOW) && engine.measure(handle));
    let parent = flag(&engine, handle, "parent");
    assert!(engine.set_mode(handle, parent, "observe", NOW).is_some(), "which begins generation 2");
    shared.ask(handle, -1, parent.0, 0, NOW);
    for (generation, counted) in [(1_u32, 0.0), (3, 0.0), (2, 1.0), (0, 2.0)] {
        shared.tell(1, 1, f64::NAN);
        shared.write(36, generation.to_le_bytes());
        assert_eq!(engine.outcome(&shared.0), 0);
        let breaker = engine.breaker(handle, parent).expect("a breaker");
        assert_eq!(number(&breaker, "total").to_bits(), f64::to_bits(counted), "generation {generation}");
    }
    assert_eq!(number(&engine.summary(handle, parent).expect("outcomes"), "total").to_bits(), 4_f64.to_bits());
    let batch = engine.drain(handle, 1.0, 1.0, 1.0).expect("a batch");
    let counted = Batch::from_bytes(&batch).expect("a batch").flags().next().expect("a flag");
    assert_eq!((counted.evidence().treatment.total, counted.outcomes().treatment.total), (2, 4));
    // Nor does it take a user's turn.
    shared.bind(&mut engine, handle, 0, "alice");
    shared.ask(handle, 0, parent.0, 0, NOW);
    for (generation, counted) in [(1_u32, 2.0), (2, 3.0), (2, 3.0)] {
        shared.write(36, generation.to_le_bytes());
        assert_eq!(engine.outcome(&shared.0), 0);
        let breaker = engine.breaker(handle, parent).expect("a breaker");
        assert_eq!(number(&breaker, "total").to_bits(), f64::to_bits(counted), "generation {generation}");
    }
}

#[test]
fn an_outcome_is_that_of_its_variant() {
    let (mut engine, mut shared) = (Engine::new(), Shared::new());
    let handle = load(&mut engine, DOCUMENT);
    assert!(engine.measure(handle));
    let colours = flag(&engine, handle, "colours");
    shared.ask(handle, -1, colours.0, 0, NOW);
    for (arm, variant, count) in [(1, 0, 1), (1, 1, 2), (0, 1, 4), (2, u16::MAX, 8)] {
        for _ in 0..count {
            shared.tell_variant(arm, 1, variant, 5.0);
            assert_eq!(engine.outcome(&shared.0), 0);
        }
    }
    // One beyond the variants of the flag is none.
    shared.tell_variant(1, 0, 9, f64::NAN);
    assert_eq!(engine.outcome(&shared.0), 0);
    let bytes = engine.drain(handle, 1.0, 1.0, 1.0).expect("a batch");
    let batch = Batch::from_bytes(&bytes).expect("a batch");
    let groups = batch.flags().flat_map(|flag| flag.groups());
    let found: Vec<_> = groups.map(|group| (group.arm().code(), group.variant(), group.outcomes().total)).collect();
    let expected = [(1, None, 1), (2, None, 8), (1, Some("blue"), 1), (0, Some("red"), 4), (1, Some("red"), 2)];
    assert_eq!(found, expected);
}
