//! The calls about breakers and metrics, whatever they are given: no call panics, what names nothing changes nothing, and
//! what was counted stays counted.

use flcm_flags::metrics::batch::Batch;
use flcm_flags::{FlagId, Outcome};
use flcm_flags_engine::{Engine, Handle};

const DOCUMENT: &str = r#"
flags:
  a_child: { dependencies: [parent], error_threshold: { rate: 0.05, recovery: auto } }
  colours:
    variants: [{ name: blue, weight: 1 }, { name: red, weight: 1 }]
    rollout: { percentage: 60 }
    error_threshold: { rate: 0.05, slow_ms: 100 }
  parent: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05, recovery: auto } }
  plain: { rollout: { percentage: 50 } }
"#;

/// How many flags it has.
const FLAGS: u32 = 4;

/// Times that a host may name, by mistake or not.
const TIMES: [f64; 10] = [
    f64::NAN,
    f64::NEG_INFINITY,
    -1.0,
    0.0,
    0.5,
    1_800_000_000_000.0,
    1_800_000_001_000.0,
    9_007_199_254_740_992.0,
    1e300,
    f64::INFINITY,
];

const NOW: f64 = 1_800_000_000_000.0;

fn load(engine: &mut Engine, document: &str) -> Handle {
    let config = flcm_flags_config::check(document).0.expect("a valid document");
    engine.load(flcm_flags_config::compile(&config)).expect("a snapshot").expect("room")
}

fn flag(engine: &Engine, handle: Handle, key: &str) -> FlagId {
    engine.snapshot(handle).and_then(|snapshot| snapshot.flag(key)).expect("a flag")
}

/// The shared memory, as far as these calls read it.
struct Shared(Vec<u8>);

impl Shared {
    fn new() -> Self {
        Self(vec![0; 256])
    }

    fn write<const N: usize>(&mut self, place: usize, bytes: [u8; N]) {
        self.0[place..place + N].copy_from_slice(&bytes);
    }

    fn ask(&mut self, snapshot: Handle, place: i32, flag: u32, length: i32, now: f64) {
        for (index, number) in [snapshot.0, place, flag.cast_signed(), length].into_iter().enumerate() {
            self.write(4 * index, number.to_le_bytes());
        }
        self.write(16, now.to_le_bytes());
    }

    /// A context of a targeting key alone; its length.
    fn context(&mut self, key: &str) -> i32 {
        let length = i32::try_from(key.len()).expect("a short key");
        for (index, number) in [0, 4, 16, length].into_iter().enumerate() {
            self.write(64 + 4 * index, number.to_le_bytes());
        }
        self.0[80..80 + key.len()].copy_from_slice(key.as_bytes());
        16 + length
    }

    fn bind(&mut self, engine: &mut Engine, snapshot: Handle, place: i32, key: &str) {
        let length = self.context(key);
        self.ask(snapshot, place, 0, length, 0.0);
        assert_eq!(engine.bind(&self.0), 0);
    }

    /// An outcome of the user at a place: its arm, whether it failed or is missing, how long it took.
    fn tell(&mut self, arm: u8, flags: u8, duration: f64) {
        self.write(32, [arm, flags, 0, 0, 0, 0, 0, 0]);
        self.write(40, duration.to_le_bytes());
    }
}

/// The number of a name in the first object of lines.
fn number(text: &str, name: &str) -> f64 {
    let object = text.split("\n\n").next().expect("an object");
    let line = object.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("=d"));
    f64::from_bits(u64::from_str_radix(line.expect("the number"), 16).expect("hexadecimal digits"))
}

/// What happened, as the words of events.
fn events(news: &str) -> Vec<&str> {
    news.lines().filter_map(|line| line.strip_prefix("event=s")).collect()
}

/// Decisions that were counted, of all flags.
fn decisions(engine: &Engine, handle: Handle) -> f64 {
    let summaries = (0..FLAGS).filter_map(|flag| engine.summary(handle, FlagId(flag)));
    summaries.map(|summary| number(&summary, "decisions")).sum()
}

/// Everything that calls can change.
fn all(engine: &mut Engine, handle: Handle) -> impl PartialEq + std::fmt::Debug + use<> {
    let flags = || (0..FLAGS).map(FlagId);
    (
        engine.trips(handle).map(<[u8]>::to_vec),
        flags().map(|flag| engine.save(handle, flag)).collect::<Vec<_>>(),
        flags().map(|flag| engine.summary(handle, flag)).collect::<Vec<_>>(),
        engine.custom(handle),
        engine.next_deadline(handle).map(f64::to_bits),
    )
}

/// Makes one call with whatever comes; the answer in words, where nothing is "nothing".
fn call(engine: &mut Engine, handle: Handle, rng: &mut fastrand::Rng, kept: &mut Vec<u8>) -> String {
    let flag = FlagId(if rng.u8(0..8) == 0 { rng.u32(..) } else { rng.u32(0..=FLAGS) });
    let now = if rng.u8(0..4) == 0 { TIMES[rng.usize(0..TIMES.len())] } else { NOW + f64::from(rng.u32(..) >> 8) };
    let words = ["auto", "held", "forced_closed", "observe", "fleet", "host", "", "Auto", "capped 1", "\n=d", "größe"];
    let word = words[rng.usize(0..words.len())];
    let said = |answer: Option<String>| answer.unwrap_or_else(|| "nothing".into());
    let done = |done: bool| (if done { "done" } else { "nothing" }).to_owned();
    match rng.u32(0..20) {
        0 => done(engine.guard(handle, word, now)),
        1..=4 => {
            let small = rng.u8(0..4) > 0;
            let numbers: Vec<u32> =
                (0..rng.usize(8..12)).map(|_| if small { rng.u32(0..30) } else { rng.u32(..) }).collect();
            said(engine.record(handle, flag, &numbers, now))
        }
        5..=7 => said(engine.poll(handle, now)),
        8 => said(engine.news(handle)),
        9 => said(engine.set_mode(handle, flag, word, now)),
        10 => said(engine.acknowledge(handle, flag, rng.u32(0..20), now)),
        11 => said(engine.breaker(handle, flag)),
        12 => {
            let bytes = engine.save(handle, flag);
            let answer = done(bytes.is_some());
            *kept = bytes.unwrap_or_default();
            answer
        }
        13 => {
            let mut bytes = kept.clone();
            if let Some(byte) = rng.usize(..).checked_rem(bytes.len()).and_then(|place| bytes.get_mut(place)) {
                *byte = rng.u8(..);
            }
            engine.restore(handle, flag, &bytes).map_or_else(|error| error.to_string(), done)
        }
        14 => done(engine.measure(handle)),
        15 => {
            let batch = engine.drain(handle, now, -now, now / 3.0);
            let answer = done(batch.is_some());
            *kept = batch.unwrap_or_default();
            answer
        }
        16 => engine
            .merge(handle, kept)
            .map_or_else(|error| error.to_string(), |unknown| said(unknown.map(|unknown| unknown.to_string()))),
        17 => done(engine.set_generation(handle, flag, rng.u32(..))),
        18 => done(engine.add(handle, word, now) | engine.observe(handle, word, now)),
        _ => said(engine.summary(handle, flag).or_else(|| engine.custom(handle))),
    }
}

#[test]
fn no_call_panics_and_what_names_nothing_changes_nothing() {
    let mut rng = fastrand::Rng::with_seed(3);
    let mut engine = Engine::new();
    let (mut kept, mut answers) = (Vec::new(), std::collections::BTreeSet::new());
    let (mut handle, freed) = (load(&mut engine, DOCUMENT), load(&mut engine, DOCUMENT));
    assert!(engine.unload(freed));
    for round in 0..60_000 {
        if round % 300 == 0 {
            assert!(engine.unload(handle));
            handle = load(&mut engine, DOCUMENT);
        }
        let wrong = [freed, Handle(-1), Handle(i32::MIN), Handle(i32::MAX), Handle(handle.0 ^ 1)];
        if rng.u8(0..10) == 0 {
            let before = all(&mut engine, handle);
            let nothing = wrong[rng.usize(0..wrong.len())];
            let answer = call(&mut engine, nothing, &mut rng, &mut kept);
            assert_eq!(answer, "nothing", "{nothing:?}");
            assert_eq!(all(&mut engine, handle), before, "{nothing:?}");
        } else {
            let answer = call(&mut engine, handle, &mut rng, &mut kept);
            answers.extend(events(&answer).into_iter().map(str::to_owned));
        }
    }
    for event in ["tripped", "half_opened", "mode_changed", "acknowledged", "no_data", "probe_inconclusive"] {
        assert!(answers.contains(event), "`{event}` was not reached: {answers:?}");
    }
}

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
            // An outcome fails or is missing: not both.
            shared.tell(rng.u8(0..4), rng.u8(0..3), f64::from_bits(rng.u64(..)));
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
    let mut news = 0;
    for second in 40..50 {
        shared.ask(handle, -1, parent.0, 0, NOW + f64::from(second) * 1_000.0);
        shared.tell(1, 1, f64::NAN);
        news = engine.outcome(&shared.0);
    }
    assert_eq!(news, 1);
    assert_eq!(events(&engine.news(handle).expect("news")), ["tripped"]);
    assert_eq!(engine.news(handle).as_deref(), Some(""), "once");
    assert_eq!(engine.trip(handle, parent).as_deref(), Some("held off"));
}

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
    let words = engine.words(handle, colours, 0, u32::try_from(bits >> 32).expect("an outcome")).expect("words");
    let lines: Vec<&str> = words.lines().collect();
    let summary = engine.summary(handle, colours).expect("decisions");
    assert_eq!(number(&summary, "decisions").to_bits(), 42_f64.to_bits());
    let tally = summary.split("\n\n").nth(1).expect("one tally");
    assert!(tally.contains(&format!("reason=s{}\n", lines[0])), "{tally}");
    assert_eq!(tally.contains("variant=s"), Outcome::from_bits(bits).variant().is_some());
}

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
    assert_eq!(events(&engine.poll(handle, NOW + 1_000.0).expect("news")), ["tripped"]);
    assert_eq!(engine.trip(handle, parent).as_deref(), Some("held off"));
    // For a word that is no scope nothing changes.
    assert!(!engine.guard(handle, "Fleet", NOW));
    assert_eq!(engine.trip(handle, parent).as_deref(), Some("held off"));
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
    assert!(engine.set_mode(handle, parent, "held", NOW).is_some_and(|news| events(&news) == ["mode_changed"]));
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
    assert_eq!(engine.trip(handle, parent).as_deref(), Some("held off"));
}
