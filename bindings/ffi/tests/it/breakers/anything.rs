//! Any call, with anything.

use flcm_flags::FlagId;
use flcm_flags_ffi::{Engine, Handle};

use super::{DOCUMENT, FLAGS, NOW, TIMES, all, events, load};

/// Makes one call with whatever comes; the answer in words, where nothing is "nothing".
fn call(engine: &mut Engine, handle: Handle, now: f64, rng: &mut fastrand::Rng, kept: &mut Vec<u8>) -> String {
    let flag = FlagId(if rng.u8(0..8) == 0 { rng.u32(..) } else { rng.u32(0..=FLAGS) });
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
        8 => said(engine.transitions(handle)),
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
    let mut rng = fastrand::Rng::with_seed(4);
    let mut engine = Engine::new();
    let (mut kept, mut answers) = (Vec::new(), std::collections::BTreeSet::new());
    let mut clock = NOW;
    let (mut handle, freed) = (load(&mut engine, DOCUMENT), load(&mut engine, DOCUMENT));
    assert!(engine.unload(freed));
    for round in 0..240_000 {
        if round % 300 == 0 {
            assert!(engine.unload(handle));
            (handle, clock) = (load(&mut engine, DOCUMENT), NOW);
        }
        clock += f64::from(rng.u32(0..200_000));
        // Seldom, because the latest times are the end of it.
        let now = if rng.u8(0..40) == 0 { TIMES[rng.usize(0..TIMES.len())] } else { clock };
        let wrong = [freed, Handle(-1), Handle(i32::MIN), Handle(i32::MAX), Handle(handle.0 ^ 1)];
        if rng.u8(0..10) == 0 {
            let before = all(&mut engine, handle);
            let nothing = wrong[rng.usize(0..wrong.len())];
            let answer = call(&mut engine, nothing, now, &mut rng, &mut kept);
            assert_eq!(answer, "nothing", "{nothing:?}");
            assert_eq!(all(&mut engine, handle), before, "{nothing:?}");
        } else {
            let answer = call(&mut engine, handle, now, &mut rng, &mut kept);
            answers.extend(events(&answer).into_iter().map(str::to_owned));
        }
    }
    for event in ["tripped", "half_opened", "mode_changed", "acknowledged", "no_data", "probe_inconclusive"] {
        assert!(answers.contains(event), "`{event}` was not reached: {answers:?}");
    }
}
