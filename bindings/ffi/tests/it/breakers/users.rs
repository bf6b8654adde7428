//! What a host says about single users, and what it asks about how flags are written.

use flcm_flags::{FlagId, Reason};
use flcm_flags_ffi::{Engine, Handle};

use super::{NOW, Shared, flag, load};

const USERS: &str = "
cohorts: { beta: { users: [alice] }, staff: { users: [carol] } }
flags:
  gone: { enabled: false }
  inner: { rollout: { cohorts: { beta: true } } }
  needs: { dependencies: [gone] }
  two: { rollout: { percentage: 0 }, variants: [{ name: blue, weight: 1 }, { name: red, weight: 1 }] }
";

/// Enabled, reason and variant of a decision that the host has said.
fn decided(engine: &mut Engine, handle: Handle, key: &str, serve: &str) -> Option<(bool, Reason, Option<u16>)> {
    let id = flag(engine, handle, key);
    let bits = engine.decide_as(handle, 0, id, serve, NOW)?;
    let outcome = flcm_flags::PackedDecision::from_bits(u64::from(bits) << 32 | 0xffff_ffff);
    Some((outcome.enabled(), outcome.reason(), outcome.variant()))
}

#[test]
fn a_host_overrides_what_comes_behind_overrides() {
    let (mut engine, mut shared) = (Engine::new(), Shared::new());
    let handle = load(&mut engine, USERS);
    shared.bind(&mut engine, handle, 0, "bob");
    let mut ask = |key, serve| decided(&mut engine, handle, key, serve);
    assert_eq!(ask("two", "red"), Some((true, Reason::Override, Some(1))));
    assert!(matches!(ask("two", "on"), Some((true, Reason::Override, Some(0 | 1)))));
    assert_eq!(ask("two", "off"), Some((false, Reason::Override, None)));
    assert_eq!(ask("two", "green"), None);
    assert_eq!(ask("gone", "on").map(|(_, reason, _)| reason), Some(Reason::Disabled));
    assert_eq!(ask("needs", "on").map(|(_, reason, _)| reason), Some(Reason::PrerequisiteFailed));
    let two = flag(&engine, handle, "two");
    assert!(engine.set_trip(handle, two, "off"));
    assert_eq!(decided(&mut engine, handle, "two", "red").map(|(_, reason, _)| reason), Some(Reason::BreakerOpen));
    assert_eq!(engine.decide_as(handle, 1, two, "on", NOW), None, "no context is bound there");
    assert_eq!(engine.decide_as(handle, 0, FlagId(99), "on", NOW), None);
}

#[test]
fn the_cohorts_of_a_user_are_named() {
    let (mut engine, mut shared) = (Engine::new(), Shared::new());
    let handle = load(&mut engine, USERS);
    for (place, (user, cohorts)) in (0..).zip([("alice", "beta\n"), ("bob", ""), ("carol", "staff\n")]) {
        shared.bind(&mut engine, handle, place, user);
        assert_eq!(engine.cohorts(handle, place.unsigned_abs()).as_deref(), Some(cohorts));
    }
    assert_eq!(engine.cohorts(handle, 7), None);
}

#[test]
fn flags_that_are_written_differently_are_told_from_those_that_are_not() {
    let mut engine = Engine::new();
    let before = load(&mut engine, USERS);
    let changed = |engine: &mut Engine, from: &str, to: &str| {
        let document = USERS.replacen(from, to, 1);
        assert_ne!(document, USERS);
        let handle = load(engine, &document);
        let flags = engine.changed(handle, before, 0, 99).expect("both are there");
        let keys: Vec<_> = (0..).zip(flags).filter(|(_, changed)| *changed == 1).map(|(id, _)| FlagId(id)).collect();
        keys.iter().map(|id| engine.flag_key(handle, *id).expect("a flag").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(changed(&mut engine, "percentage: 0", "percentage: 1"), ["two"]);
    assert_eq!(changed(&mut engine, "{ name: red, weight: 1 }", "{ name: red, weight: 2 }"), ["two"]);
    assert_eq!(changed(&mut engine, "users: [alice]", "users: [alice, bob]"), ["inner"], "its cohort is another one");
    assert_eq!(changed(&mut engine, "users: [carol]", "users: [dave]"), [""; 0], "no flag names this cohort");
    assert_eq!(changed(&mut engine, "cohorts: { beta", "cohorts: { alpha: { users: [alice] }, beta"), [""; 0]);
    assert_eq!(changed(&mut engine, "  gone: {", "  again: {}\n  gone: {"), ["again"]);
    assert_eq!(changed(&mut engine, "{ enabled: false }", "{ error_threshold: { rate: 0.1 } }"), ["gone"]);
    assert_eq!(changed(&mut engine, "[gone]", "[inner]"), ["needs"]);
    assert_eq!(engine.changed(before, before, 1, 2).as_deref(), Some(&[0, 0][..]));
}
