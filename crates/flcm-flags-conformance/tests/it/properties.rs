//! Properties of decisions, each under its name, over generated data.

use std::mem::{offset_of, size_of};

use fastrand::Rng;
use flcm_flags::bucket::{BUCKETS, Draw, key, sip};
use flcm_flags::snapshot::index::checksum;
use flcm_flags::snapshot::wire;
use flcm_flags::{Decision, Millis, Snapshot, TripState, Trips, evaluate};
use flcm_flags_config::compile;
use flcm_flags_config::config::Condition;
use flcm_flags_conformance::generate::{self, Document, pools};
use flcm_flags_conformance::parity::{Tally, ask_core, trips_for};
use flcm_flags_conformance::vectors::run::load;
use flcm_flags_conformance::vectors::{files, format, read};
use flcm_flags_conformance::{Answer, OwnedContext, Question, oracle};
use serde_json::json;

type Loaded = Snapshot<Vec<u8>>;

fn snapshot(document: &serde_json::Value) -> Loaded {
    load(&document.to_string(), "a property's document").1
}

/// Asks for one flag on behalf of one user.
fn ask<T>(snapshot: &Loaded, flag: &str, user: &str, now: u64, read: impl FnOnce(Decision<'_>) -> T) -> T {
    let id = snapshot.flag(flag).unwrap_or_else(|| panic!("no flag `{flag}`"));
    OwnedContext::of(user)
        .with_core(|context| read(evaluate(snapshot, &Trips::NONE, id, &context.bind(snapshot), Millis(now))))
}

fn is_on(snapshot: &Loaded, flag: &str, user: &str) -> bool {
    ask(snapshot, flag, user, 0, |decision| decision.enabled())
}

fn users(count: u32) -> impl Iterator<Item = String> {
    (0..count).map(|index| format!("user-{index}"))
}

#[test]
fn raising_a_percentage_never_evicts() {
    let mut rng = Rng::with_seed(1);
    for _ in 0..20 {
        let mut percentages: Vec<u32> = (0..4).map(|_| rng.u32(0..=BUCKETS)).collect();
        percentages.sort_unstable();
        let flag = |thousandths: &u32| json!({ "rollout": { "percentage": f64::from(*thousandths) / 1000.0 } });
        let raised: Vec<Loaded> =
            percentages.iter().map(|percentage| snapshot(&json!({ "flags": { "f": flag(percentage) } }))).collect();
        for user in users(1_000) {
            let on: Vec<bool> = raised.iter().map(|snapshot| is_on(snapshot, "f", &user)).collect();
            assert!(on.is_sorted(), "{user} was evicted: {percentages:?} {on:?}");
        }
    }
}

#[test]
fn two_flags_are_independent() {
    // A hash without the flag in it gives both flags the same tenth of the users.
    let flag = json!({ "rollout": { "percentage": 10 } });
    let snapshot = snapshot(&json!({ "flags": { "a": flag, "b": flag } }));
    let both = users(100_000).filter(|user| is_on(&snapshot, "a", user) && is_on(&snapshot, "b", user)).count();
    assert!((850..1_150).contains(&both), "{both} of 100,000 users have both, and 1,000 should");
}

#[test]
fn gate_and_split_are_independent() {
    // One bucket for both gives all of a 25 % rollout to the first variant.
    let variants = json!([{ "name": "a", "weight": 50 }, { "name": "b", "weight": 50 }]);
    let flag = json!({ "rollout": { "percentage": 25 }, "variants": variants });
    let snapshot = snapshot(&json!({ "flags": { "f": flag } }));
    let variant = |user: String| ask(&snapshot, "f", &user, 0, |decision| decision.variant().map(str::to_owned));
    let (mut first, mut second) = (0_i32, 0_i32);
    for name in users(100_000).filter_map(variant) {
        if name == "a" { first += 1 } else { second += 1 }
    }
    assert!((24_000..26_000).contains(&(first + second)), "{first} + {second} of 100,000 are a quarter");
    assert!((first - second).abs() < 800, "{first} and {second} should be halves");
}

#[test]
fn the_order_of_flags_changes_nothing() {
    for seed in 0..60 {
        let mut rng = Rng::with_seed(seed);
        let document = Document::random(&mut rng);
        let bytes = |text: &str| compile(&load(text, text).0);
        let first = bytes(&generate::json(&mut rng, &document.value));
        for _ in 0..3 {
            let text = generate::yaml(&mut rng, &document.value);
            assert!(bytes(&text) == first, "seed {seed}: other bytes from\n{text}");
        }
    }
}

#[test]
fn removing_a_finished_rollout_changes_nothing_served() {
    let rests = [
        json!({}),
        json!({ "default": true }),
        json!({ "default": "old", "on": "new", "error_threshold": { "rate": 0.05 } }),
        json!({ "dependencies": ["half"], "overrides": { "user-1": true, "user-2": false } }),
        json!({ "conditions": [{ "attribute": "user_id", "operator": "ends_with", "value": "3" }] }),
        json!({ "variants": [{ "name": "a", "weight": 1 }, { "name": "b", "weight": 2 }] }),
        json!({ "enabled": false }),
    ];
    let trips = [TripState::Clear, TripState::Probing, TripState::Capped(30_000), TripState::HeldOff];
    for (rest, trip) in rests.iter().flat_map(|rest| trips.map(|trip| (rest, trip))) {
        let served = |finished: Option<u32>| {
            let mut flag = rest.clone();
            if let Some(percentage) = finished {
                flag["rollout"] = json!({ "percentage": percentage });
            }
            let half = json!({ "rollout": { "percentage": 50 } });
            let document = json!({ "flags": { "f": flag, "half": half } });
            let trips = std::collections::BTreeMap::from([("f".to_owned(), trip)]);
            let answer = |user: String| {
                let context = OwnedContext::of(&user);
                let question = Question { context: &context, trips: &trips, now: 0 };
                let answer = ask_core(&snapshot(&document), question, &["f".to_owned()], &mut Tally::default());
                let Answer { enabled, value, variant, rule, arm, .. } = answer.into_iter().flatten().next()?.1;
                Some((enabled, value, variant, rule, arm))
            };
            users(60).map(answer).collect::<Vec<_>>()
        };
        assert_eq!(served(Some(100)), served(None), "{rest} {trip}");
    }
}

#[test]
fn an_empty_any_of_a_configuration_never_holds() {
    let (mut config, _) = load("flags: { f: {} }", "a document");
    for (condition, on) in [(Condition::Any(Vec::new()), false), (Condition::All(Vec::new()), true)] {
        config.flags.get_mut("f").expect("the flag").rules[0].conditions = vec![condition];
        let snapshot = Snapshot::from_bytes(compile(&config)).expect("a snapshot");
        assert_eq!(is_on(&snapshot, "f", "alice"), on);
    }
}

#[test]
fn every_bucket_is_reached() {
    // `parseInt(md5, 16) % 100` in floating point reaches a quarter of its buckets.
    let flag = key("flag", "f");
    let mut reached = vec![false; usize::try_from(BUCKETS).expect("a small number")];
    for user in users(2_500_000) {
        reached[usize::try_from(Draw::new(sip(user.as_bytes()), flag).gate()).expect("a bucket")] = true;
    }
    let missing = reached.iter().filter(|reached| !**reached).count();
    assert_eq!(missing, 0, "buckets that 2,500,000 users never reach");
}

#[test]
fn text_is_hashed_as_utf8() {
    // The last bucket that is outside and the first that is inside, by a hash that is written down here alone.
    for user in ["Jürgen", "Ju\u{308}rgen", "李雷", "👩\u{200d}🚀", "\u{fffd}", "𐍈", "ключ", "a"] {
        for salt in ["f", "größe", "🧂"] {
            let hash = oracle::hash_of("flag", salt, oracle::sip(user.as_bytes()));
            let bucket = oracle::gate_bucket(hash);
            let flag = |thousandths| json!({ "salt": salt, "rollout": { "percentage": f64::from(thousandths) / 1000.0 }, "overrides": {} });
            let listed = json!({ "rollout": { "cohorts": { "c": true } } });
            let snapshot = snapshot(&json!({
                "cohorts": { "c": { "users": [user] } },
                "flags": { "out": flag(bucket), "in": flag(bucket + 1), "listed": listed },
            }));
            assert!(!is_on(&snapshot, "out", user) && is_on(&snapshot, "in", user), "{user} {salt}");
            assert!(is_on(&snapshot, "listed", user), "{user}");
        }
    }
}

/// The percentages of a linear ramp over the days of a schedule, at many times.
fn ramp(schedule: &[(u64, u32)]) -> Vec<u32> {
    let mut rng = Rng::with_seed(7);
    let entry = |(at, thousandths): &(u64, u32)| json!({ "at": pools::write_time(&mut rng, *at), "percentage": f64::from(*thousandths) / 1000.0 });
    let entries: Vec<_> = schedule.iter().map(entry).collect();
    let rollout = json!({ "percentage": 0, "ramp": "linear", "schedule": entries });
    let snapshot = snapshot(&json!({ "flags": { "f": { "rollout": rollout } } }));
    let flag = snapshot.describe(snapshot.flag("f").expect("the flag")).expect("the flag");
    let rule = flag.rules().next().expect("the rule");
    let (start, end) = (schedule[0].0, schedule[schedule.len() - 1].0);
    let around = schedule.iter().flat_map(|(at, _)| [at - 1, *at, at + 1]);
    let mut times: Vec<u64> = (0..500).map(|step| start + (end - start) * step / 500).chain(around).collect();
    times.sort_unstable();
    times.into_iter().map(|now| rule.percentage_at(Millis(now))).collect()
}

#[test]
fn a_ramp_is_never_zero_throughout() {
    for days in [1, 7, 365] {
        let percentages = ramp(&[(pools::BASE, 0), (pools::BASE + days * pools::DAY, BUCKETS)]);
        let between = percentages.iter().filter(|percentage| (1..BUCKETS).contains(*percentage)).count();
        assert!(between > percentages.len() * 9 / 10, "{days} days: {percentages:?}");
    }
}

#[test]
fn a_ramp_never_shrinks_when_its_second_stage_begins() {
    let mut rng = Rng::with_seed(3);
    for _ in 0..50 {
        let mut percentages: Vec<u32> = (0..3).map(|_| rng.u32(0..=BUCKETS)).collect();
        percentages.sort_unstable();
        let at = [0, rng.u64(1..10), rng.u64(10..20)].map(|day| pools::BASE + day * pools::DAY);
        let schedule: Vec<(u64, u32)> = at.into_iter().zip(percentages).collect();
        let percentages = ramp(&schedule);
        assert!(percentages.is_sorted(), "{schedule:?}: {percentages:?}");
    }
}

/// Sets the level of one flag in a snapshot's bytes, and makes the checksum right again.
fn with_level(bytes: &[u8], flag: usize, level: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let u16_at = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
    let u32_at = |at: usize| u32::from(u16_at(at)) | (u32::from(u16_at(at + 2)) << 16);
    let sections = usize::from(u16_at(offset_of!(wire::Header, sections)));
    let table = (0..sections).map(|index| size_of::<wire::Header>() + index * size_of::<wire::SectionRecord>());
    let flags = table
        .into_iter()
        .find(|at| u16_at(at + offset_of!(wire::SectionRecord, kind)) == wire::section::FLAGS)
        .expect("a section of flags");
    let start = usize::try_from(u32_at(flags + offset_of!(wire::SectionRecord, offset))).expect("an offset");
    let size = usize::from(u16_at(flags + offset_of!(wire::SectionRecord, size)));
    bytes[start + flag * size + offset_of!(wire::FlagRecord, level)] = level;
    let sum = checksum(&bytes[wire::UNCHECKED..]).to_le_bytes();
    let at = offset_of!(wire::Header, checksum);
    bytes[at..at + sum.len()].copy_from_slice(&sum);
    bytes
}

#[test]
fn one_flag_of_a_later_level_leaves_the_others_alone() {
    let mut compared = 0;
    for seed in 0..30 {
        let mut rng = Rng::with_seed(seed);
        let document = Document::random(&mut rng);
        let (_, before) = load(&document.text, "a random document");
        let keys: Vec<String> = before.flags().filter_map(|id| Some(before.describe(id)?.key().to_owned())).collect();
        let later = rng.usize(0..keys.len());
        let after =
            Snapshot::from_bytes(with_level(before.as_bytes(), later, wire::LEVEL + 1)).expect("bytes that load");
        let context = generate::context(&mut rng, document.many);
        let question =
            Question { context: &context, trips: &generate::trips(&mut rng, &keys), now: generate::now(&mut rng) };
        let [old, new] = [&before, &after].map(|snapshot| ask_core(snapshot, question, &keys, &mut Tally::default()));
        for (index, (key, (old, new))) in keys.iter().zip(old.iter().zip(&new)).enumerate() {
            let flag = before.describe(before.flag(key).expect("a flag")).expect("a flag");
            let needs_it = flag.closure().iter().any(|id| usize::try_from(id.get()) == Ok(later));
            if index == later {
                let errors = new.iter().all(|(_, answer)| answer.error_code.as_deref() == Some("PARSE_ERROR"));
                assert!(errors, "seed {seed}: `{key}` needs a later version: {new:?}");
            } else if needs_it {
                assert!(new.iter().all(|(_, answer)| answer.error_code.is_none()), "seed {seed}: `{key}`: {new:?}");
            } else {
                assert_eq!(old, new, "seed {seed}: `{key}` has nothing to do with `{}`", keys[later]);
                compared += 1;
            }
        }
    }
    assert!(compared > 100, "{compared} flags were compared");
}

#[test]
fn a_flag_of_a_later_level_meets_no_expectation() {
    let flags = json!({
        "later": {},
        "wants_on": { "dependencies": ["later"], "rollout": {} },
        "wants_off": { "dependencies": [{ "flag": "later", "enabled": false }], "rollout": {} },
        "asks": { "conditions": [{ "flag": "later", "enabled": false }] },
    });
    let before = snapshot(&json!({ "flags": flags }));
    let later = usize::try_from(before.flag("later").expect("the flag").0).expect("an index");
    let after = Snapshot::from_bytes(with_level(before.as_bytes(), later, 2)).expect("bytes that load");
    for (flag, reason) in
        [("wants_on", "PREREQUISITE_FAILED"), ("wants_off", "PREREQUISITE_FAILED"), ("asks", "DEFAULT")]
    {
        let answer: Answer = ask(&after, flag, "alice", 0, |decision| decision.into());
        assert_eq!((answer.enabled, answer.reason.as_str()), (false, reason), "{flag}");
    }
}

#[test]
fn deciding_and_binding_allocate_nothing() {
    let mut decisions = 0;
    for path in files("evaluate") {
        let file: format::Evaluate = read(&path);
        let (_, snapshot) = load(&file.document.text(), "a vector");
        for case in &file.cases {
            let Some(flag) = snapshot.flag(&case.flag) else { continue };
            let trips = trips_for(&snapshot, &case.trips());
            let now = Millis(case.now);
            let nothing = flcm_flags::PackedDecision::error(flcm_flags::ErrorCode::FlagNotFound);
            let mut outcomes = vec![nothing; snapshot.flags().len()];
            let allocations = case.context.with_core(|context| {
                allocation_counter::measure(|| {
                    let bound = context.bind(&snapshot);
                    let decision = evaluate(&snapshot, &trips, flag, &bound, now);
                    std::hint::black_box((decision.value(), decision.variant(), decision.rule()));
                    std::hint::black_box(flcm_flags::evaluate_all(&snapshot, &trips, &bound, now, &mut outcomes));
                })
            });
            assert_eq!(allocations.count_total, 0, "{}: {case:?}", path.display());
            decisions += 1;
        }
    }
    assert!(decisions > 200, "{decisions} decisions were measured");
    // The counter counts: a test that cannot fail is none.
    let counted = allocation_counter::measure(|| drop(std::hint::black_box(vec![0_u8; 100])));
    assert_eq!(counted.count_total, 1);
}
