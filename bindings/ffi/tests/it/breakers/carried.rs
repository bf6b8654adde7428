//! One snapshot follows another.

use flcm_flags::metrics::batch::Batch;
use flcm_flags_ffi::{Engine, Handle};

use super::{DOCUMENT, NOW, Shared, all, events, flag, load, number};

/// With other ids, one policy that has changed, other variants in another order, one flag more and one less.
const FOLLOWING: &str = r"
flags:
  a_before: { error_threshold: { rate: 0.05 } }
  a_child: { dependencies: [parent], error_threshold: { rate: 0.05, recovery: auto } }
  colours:
    variants: [{ name: green, weight: 1 }, { name: red, weight: 1 }]
    rollout: { percentage: 60 }
    error_threshold: { rate: 0.04, slow_ms: 100 }
  parent: { rollout: { percentage: 70 }, error_threshold: { rate: 0.05, recovery: auto } }
";

/// The parent has tripped, the colours are held by a person, and something was said and counted of each.
fn before(engine: &mut Engine) -> Handle {
    let (handle, mut shared) = (load(engine, DOCUMENT), Shared::new());
    assert!(engine.guard(handle, "fleet", NOW) && engine.measure(handle));
    let [child, colours, parent] = ["a_child", "colours", "parent"].map(|key| flag(engine, handle, key));
    assert!(engine.record(handle, parent, &[1, 0, 40, 40, 0, 0, 90, 1, 0, 0], NOW).is_some());
    assert_eq!(events(&engine.poll(handle, NOW + 1_000.0).expect("transitions")), ["tripped"]);
    assert!(engine.set_mode(handle, colours, "held", NOW + 1_000.0).is_some());
    assert!(engine.set_trip(handle, child, "capped 12500") && engine.set_trip(handle, colours, "probing"));
    for (user, variant) in (0..10_u32).zip([0_u64, 1].into_iter().cycle()) {
        shared.bind(engine, handle, 0, &format!("user-{user}"));
        shared.ask(handle, 0, colours.0, 3, NOW);
        shared.write(24, (variant << 32 | 5 << 48).to_le_bytes());
        assert_eq!(engine.count(&shared.0), 0);
        shared.tell(1, u8::from(user == 0), 200.0);
        assert!(engine.outcome(&shared.0) >= 0);
    }
    assert!(engine.add(handle, "clicks", 3.0) && engine.set_generation(handle, colours, 9));
    handle
}

#[test]
fn breakers_trips_and_counts_arrive_under_their_keys() {
    let mut engine = Engine::new();
    let from = before(&mut engine);
    let to = load(&mut engine, FOLLOWING);
    let [parent, child] = ["parent", "a_child"].map(|key| engine.save(from, flag(&engine, from, key)));
    let transitions = engine.carry(from, to, NOW + 2_000.0).expect("two snapshots");
    assert_eq!(events(&transitions), ["configured"]);
    assert!(
        transitions.starts_with(&format!("flag=d{:016x}\n", f64::from(flag(&engine, to, "colours").0).to_bits())),
        "{transitions}"
    );
    let of = |key| flag(&engine, to, key);
    assert_eq!(engine.save(to, of("parent")), parent, "as it was");
    assert_eq!(engine.save(to, of("a_child")), child, "as it was");
    let trip = |key| engine.trip(to, of(key)).expect("a flag");
    assert_eq!(["a_before", "a_child", "colours", "parent"].map(trip), ["clear", "capped 12500", "off", "off"]);
    let colours = engine.breaker(to, of("colours")).expect("a breaker");
    assert!(colours.starts_with("state=sopen\nmode=sheld\n"), "{colours}");
    assert!(engine.breaker(to, of("a_before")).is_some_and(|breaker| breaker.starts_with("state=sclosed\n")));

    let summary = engine.summary(to, of("colours")).expect("decisions");
    let numbers = ["decisions", "total", "errors", "slow", "count"].map(|name| number(&summary, name).to_bits());
    assert_eq!(numbers, [30_f64, 10.0, 1.0, 10.0, 10.0].map(f64::to_bits));
    assert_eq!(number(&summary, "users").round().to_bits(), 10_f64.to_bits());
    let tallies: Vec<_> = summary.split("\n\n").skip(1).filter(|object| !object.is_empty()).collect();
    assert_eq!(tallies.len(), 2, "{tallies:?}");
    // Blue is unknown here: it counts as no variant. Red has another place.
    assert!(tallies[0].starts_with("reason=sSPLIT\n") && tallies[1].starts_with("variant=sred\nreason=sSPLIT\n"));
    assert_eq!([tallies[0], tallies[1]].map(|object| number(object, "count").to_bits()), [15_f64.to_bits(); 2]);
    assert!(engine.custom(to).is_some_and(|custom| custom.contains("name=sclicks\n")));
    // What was counted has moved, rather than being copied: the other counts nothing any more.
    assert_eq!((engine.drain(from, 1.0, 1.0, 1.0), engine.custom(from)), (None, None));
}

#[test]
fn what_was_carried_goes_on() {
    let mut engine = Engine::new();
    let from = before(&mut engine);
    let to = load(&mut engine, FOLLOWING);
    assert!(engine.carry(from, to, NOW + 2_000.0).is_some() && engine.unload(from));
    let parent = flag(&engine, to, "parent");
    let probe = engine.next_deadline(to).expect("a probe");
    assert!((NOW + 40_000.0..NOW + 80_000.0).contains(&probe));
    assert_eq!(events(&engine.poll(to, probe).expect("transitions")), ["half_opened"]);
    assert_eq!(engine.trip(to, parent).as_deref(), Some("probing"));
    let generation = number(&engine.breaker(to, parent).expect("a breaker"), "generation");
    assert_eq!(generation.to_bits(), 3_f64.to_bits());
}

#[test]
fn what_has_been_counted_meanwhile_is_added_to_and_nothing_moves_twice() {
    let mut engine = Engine::new();
    let from = before(&mut engine);
    let (to, mut shared) = (load(&mut engine, FOLLOWING), Shared::new());
    assert!(engine.measure(to));
    shared.bind(&mut engine, to, 0, "alice");
    let colours = flag(&engine, to, "colours");
    for _ in 0..2 {
        shared.ask(to, 0, colours.0, 0, NOW);
        assert!(engine.decide(&mut shared.0) >= 0);
        assert!(engine.carry(from, to, NOW + 2_000.0).is_some());
    }
    let summary = engine.summary(to, colours).expect("decisions");
    assert_eq!(number(&summary, "decisions").to_bits(), 32_f64.to_bits());
    assert_eq!(number(&summary, "total").to_bits(), 10_f64.to_bits());
}

#[test]
fn from_or_to_what_is_not_there_nothing_is_carried() {
    let mut engine = Engine::new();
    let (from, to, gone) = (before(&mut engine), load(&mut engine, FOLLOWING), load(&mut engine, DOCUMENT));
    assert!(engine.unload(gone));
    let states = |engine: &mut Engine| (all(engine, from), all(engine, to));
    let before = states(&mut engine);
    for nothing in [gone, Handle(-1), Handle(i32::MAX), Handle(from.0 | 1 << 20)] {
        for (from, to) in [(from, nothing), (nothing, to), (nothing, nothing)] {
            assert_eq!(engine.carry(from, to, NOW), None);
        }
    }
    assert_eq!((engine.carry(from, from, NOW), engine.carry(to, to, f64::NAN)), (None, None));
    assert_eq!(states(&mut engine), before);
}

#[test]
fn without_breakers_and_counts_only_what_was_said_is_carried() {
    let mut engine = Engine::new();
    let (from, to) = (load(&mut engine, DOCUMENT), load(&mut engine, FOLLOWING));
    let [before, after] = [from, to].map(|handle| flag(&engine, handle, "parent"));
    assert!(engine.set_trip(from, before, "off"));
    assert_eq!(engine.carry(from, to, f64::INFINITY).as_deref(), Some(""));
    assert_eq!(engine.trip(to, after).as_deref(), Some("off"));
    assert_eq!((engine.breaker(to, after), engine.next_deadline(to)), (None, None));
    assert_eq!((engine.summary(to, after), engine.custom(to)), (None, None));
    // Nothing that is there already is lost for that.
    let guarded = load(&mut engine, FOLLOWING);
    assert!(engine.guard(guarded, "host", NOW) && engine.measure(guarded) && engine.add(guarded, "clicks", 1.0));
    let counted = engine.custom(guarded);
    assert_eq!(engine.carry(from, guarded, NOW).as_deref(), Some(""));
    assert!(engine.breaker(guarded, after).is_some() && engine.custom(guarded) == counted);
}

#[test]
fn what_was_said_of_either_stays_the_stricter_of_both() {
    let mut engine = Engine::new();
    for (before, after, stricter) in
        [("clear", "off", "off"), ("capped 20000", "capped 10000", "capped 10000"), ("probing", "clear", "probing")]
    {
        let (from, to) = (load(&mut engine, DOCUMENT), load(&mut engine, FOLLOWING));
        let [old, new] = [from, to].map(|handle| flag(&engine, handle, "parent"));
        assert!(engine.set_trip(from, old, before) && engine.set_trip(to, new, after));
        assert!(engine.carry(from, to, NOW).is_some());
        assert_eq!(engine.trip(to, new).as_deref(), Some(stricter), "{before}, {after}");
    }
}

#[test]
fn what_happened_and_was_not_asked_for_is_carried_as_well() {
    let (mut engine, mut shared) = (Engine::new(), Shared::new());
    let (from, to) = (load(&mut engine, DOCUMENT), load(&mut engine, FOLLOWING));
    let [before, after] = [from, to].map(|handle| flag(&engine, handle, "parent"));
    assert!(engine.guard(from, "fleet", NOW));
    shared.tell(1, 1, f64::NAN);
    for second in 0..6 {
        shared.ask(from, -1, before.0, 0, NOW + f64::from(second) * 1_000.0);
        assert!(engine.outcome(&shared.0) >= 0);
    }
    let transitions = engine.carry(from, to, NOW + 6_000.0).expect("two snapshots");
    assert_eq!(events(&transitions), ["tripped", "configured"]);
    assert!(transitions.starts_with(&format!("flag=d{:016x}\n", f64::from(after.0).to_bits())), "{transitions}");
    assert_eq!(engine.transitions(from).as_deref(), Some(""), "once");
}

#[test]
fn the_fleets_generation_is_carried_even_when_nothing_was_counted_under_it() {
    let mut engine = Engine::new();
    let (from, to) = (load(&mut engine, DOCUMENT), load(&mut engine, FOLLOWING));
    let [before, after] = [from, to].map(|handle| flag(&engine, handle, "parent"));
    assert!(engine.measure(from) && engine.set_generation(from, before, 7));
    assert!(engine.carry(from, to, NOW).is_some());
    let mut shared = Shared::new();
    shared.ask(to, -1, after.0, 0, NOW);
    shared.tell(1, 1, 5.0);
    assert_eq!(engine.outcome(&shared.0), 0);
    let batch = engine.drain(to, 1.0, 1.0, 1.0).expect("a batch");
    let evidence = Batch::from_bytes(&batch).expect("a batch").flags().next().expect("a flag").evidence();
    assert_eq!((evidence.generation, evidence.treatment.errors), (7, 1));
}
