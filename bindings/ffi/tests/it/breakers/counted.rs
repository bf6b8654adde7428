//! Decisions that are counted.

use flcm_flags::metrics::batch::Batch;
use flcm_flags::{FlagId, PackedDecision};
use flcm_flags_ffi::Engine;

use super::{DOCUMENT, FLAGS, NOW, Shared, decisions, flag, load, number};

#[test]
fn what_decides_and_what_is_told_is_counted() {
    let mut rng = fastrand::Rng::with_seed(6);
    let (mut engine, mut shared) = (Engine::new(), Shared::new());
    let handle = load(&mut engine, DOCUMENT);
    shared.bind(&mut engine, handle, 0, "alice");
    shared.ask(handle, 0, 0, 0, NOW);
    assert!(engine.decide(&mut shared.0) >= 0 && engine.count(&shared.0) == 0, "nothing is counted yet");
    assert!(engine.measure(handle) && engine.measure(handle));
    assert_eq!(decisions(&engine, handle).to_bits(), 0);
    let mut told = [0.0; FLAGS as usize];
    for _ in 0..5_000 {
        let (flag, times) = (rng.u32(0..FLAGS + 2), if rng.bool() { rng.i32(0..9) } else { -rng.i32(..).abs() });
        let place = if rng.u8(0..5) == 0 { 7 } else { 0 };
        let (answer, count) = match rng.u8(0..4) {
            0 => {
                let length = shared.context("bob");
                shared.ask(handle, place, flag, length, NOW);
                (engine.decide_once(&mut shared.0), 1.0)
            }
            1 => {
                shared.ask(handle, place, flag, times, NOW);
                shared.write(24, rng.u64(..).to_le_bytes());
                (engine.count(&shared.0), f64::from(times.max(0)))
            }
            2 => {
                shared.ask(handle, place, flag, 0, NOW);
                // Does not count, and does not fit.
                (engine.decide_all(&mut shared.0), 0.0)
            }
            _ => {
                shared.ask(handle, place, flag, times, NOW);
                (engine.decide(&mut shared.0), 1.0)
            }
        };
        if let Some(told) = told.get_mut(flag as usize).filter(|_| answer >= 0) {
            *told += count;
        }
    }
    assert!(engine.measure(handle), "what was counted stays");
    for (flag, told) in (0..).map(FlagId).zip(told) {
        let summary = engine.summary(handle, flag).expect("decisions");
        assert_eq!(number(&summary, "decisions").to_bits(), told.to_bits(), "{flag:?}");
        let tallies = summary.split("\n\n").skip(1).filter(|object| !object.is_empty());
        let listed: f64 = tallies.map(|object| number(object, "count")).sum();
        assert_eq!(listed.to_bits(), told.to_bits(), "{flag:?}");
    }
    let users = engine.summary(handle, FlagId(0)).map(|summary| number(&summary, "users").round());
    assert_eq!(users, Some(2.0));
}

#[test]
fn what_was_decided_no_times_has_no_user() {
    let (mut engine, mut shared) = (Engine::new(), Shared::new());
    let handle = load(&mut engine, DOCUMENT);
    assert!(engine.measure(handle));
    shared.bind(&mut engine, handle, 0, "alice");
    for (times, users) in [(0, 0.0), (-5, 0.0), (1, 1.0)] {
        shared.ask(handle, 0, 0, times, NOW);
        assert_eq!(engine.count(&shared.0), 0);
        let counted = engine.summary(handle, FlagId(0)).map_or(0.0, |summary| number(&summary, "users"));
        assert_eq!(counted.round().to_bits(), f64::to_bits(users), "{times} times");
    }
}

#[test]
fn a_count_is_as_often_as_it_says_and_of_what_was_decided() {
    let (mut engine, mut shared) = (Engine::new(), Shared::new());
    let handle = load(&mut engine, DOCUMENT);
    assert!(engine.measure(handle));
    let colours = flag(&engine, handle, "colours");
    shared.bind(&mut engine, handle, 0, "alice");
    shared.ask(handle, 0, colours.0, 41, NOW);
    let decided = engine.decide(&mut shared.0);
    assert!(decided >= 0 && engine.count(&shared.0) == 0);
    let bits = u64::from_le_bytes(shared.0[24..32].try_into().expect("eight bytes"));
    let words =
        engine.decision_text(handle, colours, 0, u32::try_from(bits >> 32).expect("an outcome")).expect("words");
    let lines: Vec<&str> = words.lines().collect();
    let summary = engine.summary(handle, colours).expect("decisions");
    assert_eq!(number(&summary, "decisions").to_bits(), 42_f64.to_bits());
    let tally = summary.split("\n\n").nth(1).expect("one tally");
    assert!(tally.contains(&format!("reason=s{}\n", lines[0])), "{tally}");
    assert_eq!(tally.contains("variant=s"), PackedDecision::from_bits(bits).variant().is_some());
}

/// Counts this and that; the engine, its snapshot, and how many decisions there were.
fn counted(seed: u64) -> (Engine, flcm_flags_ffi::Handle, f64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let (mut engine, mut shared) = (Engine::new(), Shared::new());
    let handle = load(&mut engine, DOCUMENT);
    assert!(engine.guard(handle, "fleet", NOW) && engine.measure(handle));
    for _ in 0..rng.u32(200..300) {
        shared.bind(&mut engine, handle, 0, &format!("user-{}", rng.u32(0..40)));
        let flag = rng.u32(0..FLAGS);
        shared.ask(handle, 0, flag, 0, NOW);
        assert!(engine.decide(&mut shared.0) >= 0);
        shared.tell(rng.u8(0..3), rng.u8(0..3), rng.f64() * 300.0);
        assert!(engine.outcome(&shared.0) >= 0);
    }
    assert!(engine.add(handle, "clicks", 41.0) && engine.observe(handle, "basket", 19.9));
    assert!(!engine.add(handle, "", 1.0), "no name");
    let total = decisions(&engine, handle);
    (engine, handle, total)
}

#[test]
fn what_is_drained_and_merged_keeps_its_totals() {
    let (mut engine, handle, total) = counted(1);
    let (summaries, custom) = (summaries(&engine, handle), engine.custom(handle));
    let batch = engine.drain(handle, 7.0, 8.0, 9.0).expect("a batch");
    let header = Batch::from_bytes(&batch).expect("a batch").header();
    assert_eq!((header.instance, header.epoch, header.sequence, header.age), (7, 8, 9, 0));
    assert_eq!(decisions(&engine, handle).to_bits(), 0, "it is forgotten here");
    assert_eq!(engine.drain(handle, 7.0, 8.0, 10.0), None, "nothing was counted since");
    // Nothing is known to a snapshot that counts nothing, and to one that is gone.
    let other = load(&mut engine, DOCUMENT);
    assert_eq!(engine.merge(other, &batch), Ok(None));
    assert!(engine.measure(other));
    assert_eq!(engine.merge(other, &batch), Ok(Some(0.0)));
    assert_eq!((self::summaries(&engine, other), engine.custom(other)), (summaries, custom));
    // Damaged bytes add nothing; good ones that come twice add twice, because the ledger is the server's.
    for place in 0..batch.len() {
        let mut damaged = batch.clone();
        damaged[place] ^= 1;
        assert!(engine.merge(other, &damaged).is_err(), "{place}");
    }
    assert_eq!(decisions(&engine, other).to_bits(), total.to_bits());
    assert_eq!(engine.merge(other, &batch), Ok(Some(0.0)));
    assert_eq!(decisions(&engine, other).to_bits(), (2.0 * total).to_bits());
    // Of flags and variants that are not there, it is said how many decisions were theirs.
    let narrow =
        load(&mut engine, "flags: { colours: { variants: [{ name: red, weight: 1 }, { name: green, weight: 1 }] } }");
    assert!(engine.measure(narrow));
    let unknown = engine.merge(narrow, &batch).expect("a batch").expect("a number");
    let colours = engine.summary(narrow, FlagId(0)).expect("decisions");
    let kept = number(&colours, "decisions");
    let blue: f64 = tallies(&engine, other, "variant=sblue\n").iter().sum::<f64>() / 2.0;
    assert!(kept > 30.0 && blue > 5.0 && total - kept > 100.0);
    assert_eq!(unknown.to_bits(), (total - kept + blue).to_bits());
}

fn summaries(engine: &Engine, handle: flcm_flags_ffi::Handle) -> Vec<Option<String>> {
    (0..FLAGS).map(|flag| engine.summary(handle, FlagId(flag))).collect()
}

/// How many decisions of the flag with variants have this in their words.
fn tallies(engine: &Engine, handle: flcm_flags_ffi::Handle, words: &str) -> Vec<f64> {
    let summary = engine.summary(handle, flag(engine, handle, "colours")).expect("decisions");
    let tallies = summary.split("\n\n").skip(1).filter(|object| format!("{object}\n").contains(words));
    tallies.map(|object| number(object, "count")).collect()
}

#[test]
fn what_was_drained_stays_in_summaries_where_totals_are_kept() {
    let (mut engine, mut shared) = (Engine::new(), Shared::new());
    let live = load(&mut engine, DOCUMENT);
    assert!(engine.measure_totals(live));
    shared.bind(&mut engine, live, 0, "alice");
    let colours = flag(&engine, live, "colours");
    let decide = |engine: &mut Engine, shared: &mut Shared| {
        shared.ask(live, 0, colours.0, 0, NOW);
        assert!(engine.decide(&mut shared.0) >= 0);
    };
    decide(&mut engine, &mut shared);
    assert!(engine.add(live, "baskets", 2.0));
    let batch = engine.drain(live, 1.0, 2.0, 3.0).expect("a batch");
    let aged = Engine::with_header(batch.clone(), 500, 0.0, -1.0, 0.0).expect("a batch");
    assert_eq!(Batch::from_bytes(&aged).expect("a batch").header().age, 500);
    let renamed = Engine::with_header(aged.clone(), 0, 7.0, 8.0, 1.0).expect("a batch");
    let header = Batch::from_bytes(&renamed).expect("a batch").header();
    assert_eq!((header.instance, header.epoch, header.sequence, header.age), (7, 8, 1, 0));
    assert!(aged.len() == batch.len() && Engine::with_header(vec![1; 99], 1, 0.0, -1.0, 0.0).is_err());
    decide(&mut engine, &mut shared);
    assert!(engine.add(live, "baskets", 5.0));

    let both = engine.summary(live, colours).expect("decisions");
    let counted = [number(&both, "decisions"), number(&both, "users").round()];
    assert_eq!(counted.map(f64::to_bits), [2_f64, 1.0].map(f64::to_bits), "it is the same user");
    let custom = engine.custom(live).expect("metrics");
    assert!(custom.contains(&format!("amount=d{:016x}\n", 7_f64.to_bits())), "{custom}");

    let next = load(&mut engine, "flags: { another: {}, colours: {} }");
    engine.carry(live, next, NOW).expect("two snapshots");
    let colours = flag(&engine, next, "colours");
    let summary = engine.summary(next, colours).expect("decisions");
    assert_eq!(number(&summary, "decisions").to_bits(), 2_f64.to_bits(), "an update loses none of it");
}
