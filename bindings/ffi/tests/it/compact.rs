//! The compact engine: whatever JavaScript writes and asks, no call panics; and what it decides is what the other one
//! decides.

use std::sync::Mutex;

use flcm_flags::FlagId;
use flcm_flags_ffi::{Compact, Engine, Handle, SIZE, Text};
use zerocopy::IntoBytes;

use crate::hostile::{scribble, snapshot};

/// Flags whose decisions hang on each part of a context.
const DOCUMENT: &str = r#"
flags:
  a: { conditions: [{ attribute: age, operator: ">", value: 3 }] }
  b: { rollout: { percentage: 50, by: name } }
  c: { rollout: { percentage: 50 } }
  d: { conditions: [{ attribute: tags, operator: contains, value: a }], rollout: { percentage: 50 } }
"#;

/// Too large for a stack.
static ENGINE: Mutex<Compact> = Mutex::new(Compact::new());
static DECIDING: Mutex<Compact> = Mutex::new(Compact::new());

fn loaded(engine: &mut Compact, snapshot: &[u8]) -> Handle {
    give(engine, snapshot);
    let handle = Handle(engine.load());
    assert!(handle.0 >= 0 && engine.guard(handle, true, 0.0) && engine.measure(handle, true));
    handle
}

fn give(engine: &mut Compact, bytes: &[u8]) {
    engine.room(bytes.len()).expect("room").copy_from_slice(bytes);
}

/// A call that may take its time, of any handle, flag and number.
fn cold(engine: &mut Compact, rng: &mut fastrand::Rng, known: Handle) -> i32 {
    let handle = if rng.u32(0..4) > 0 { known } else { Handle(rng.i32(..)) };
    let flag = FlagId(if rng.u32(0..4) > 0 { rng.u32(0..3) } else { rng.u32(..) });
    let now = [0.0, 1e3, 1e12, f64::NAN, -1.0, f64::INFINITY, rng.f64() * 1e16][rng.usize(0..7)];
    let texts: [&[u8]; 7] = [b"", b"on", b"held", b"off", b"capped 5", b"\xff", b"clicks"];
    match rng.u32(0..4) {
        0 => give(engine, &[(); 40].map(|()| rng.u8(..))),
        _ => give(engine, texts[rng.usize(0..7)]),
    }
    match rng.u32(0..32) {
        0 => engine.load(),
        1 => engine.text(handle, Text::Key, flag.0).into(),
        2 => engine.text(handle, Text::Attribute, flag.0).into(),
        3 => engine.is_static(handle, flag).into(),
        4 => engine.reads(handle, flag),
        5 => engine.trip(handle, flag).into(),
        6 => engine.set_trip(handle, flag).into(),
        7 => engine.bytes(handle, rng.bool()).into(),
        8 => engine.words(handle, flag, rng.u32(..), rng.u32(..)).into(),
        9 => engine.record(handle, flag, now),
        10 => engine.poll(handle, now),
        11 => engine.transition(handle).into(),
        12 => i32::from(engine.next_deadline(handle) > 0.0),
        13 => engine.set_mode(handle, flag, now),
        14 => engine.acknowledge(handle, flag, rng.u32(0..3), now),
        15 => engine.breaker(handle, flag).into(),
        16 => engine.save(handle, flag).into(),
        17 => i32::try_from(engine.restore(handle, flag)).unwrap(),
        18 => engine.carry(handle, known, now),
        19 => engine.drain(handle, now, now, now).into(),
        20 => engine.with_header(rng.u32(..), now, now, now).into(),
        21 => engine.summary(handle, flag).into(),
        22 => engine.variant(handle, flag, rng.u32(..)).into(),
        23 => {
            engine.set_generation(handle, flag, rng.u32(..));
            0
        }
        24..26 => engine.add(handle, now, rng.bool()).into(),
        26 => i32::from(engine.customs(handle) > 0.0),
        27 => i32::try_from(engine.custom(rng.usize(0..4))).unwrap(),
        28 => engine.decide_as(handle, rng.i32(-1..33), flag, now),
        29 => engine.cohorts(handle, rng.i32(-1..33)).into(),
        30 => engine.changed(handle, known, rng.u32(0..3), rng.u32(..)).into(),
        _ => engine.outcome(),
    }
}

#[test]
fn nothing_that_is_written_makes_a_call_panic() {
    let engine = &mut *ENGINE.lock().unwrap();
    let mut rng = fastrand::Rng::with_seed(7);
    let mut handle = loaded(engine, &snapshot());
    let mut outcomes = 0;
    for _ in 0..100_000 {
        let shared = engine.shared_mut().as_mut_bytes();
        scribble(&mut rng, shared);
        if rng.u32(0..4) > 0 {
            shared[..4].copy_from_slice(&handle.0.to_le_bytes());
        }
        let answer = match rng.u32(0..100) {
            0..20 => engine.bind(),
            20..40 => engine.decide(),
            40..60 => engine.decide_once(),
            60..64 => engine.decide_all(),
            64..68 => engine.count(),
            68..72 => engine.flag(),
            72..99 => cold(engine, &mut rng, handle),
            _ => {
                assert!(engine.unload(handle));
                handle = loaded(engine, &snapshot());
                0
            }
        };
        assert!(answer >= -3, "{answer}");
        outcomes += u32::from(answer > 100);
    }
    assert!(outcomes > 15_000, "some of it was decided: {outcomes}");
}

#[test]
fn what_the_other_engine_can_read_is_decided_alike() {
    let compact = &mut *DECIDING.lock().unwrap();
    let mut full = Engine::new();
    let mut shared = vec![0_u64; SIZE / 8];
    let shared = shared.as_mut_bytes();
    let snapshot = flcm_flags_config::compile(&flcm_flags_config::check(DOCUMENT).0.expect("a valid document"));
    let handles = (loaded(compact, &snapshot), full.load(snapshot).expect("a snapshot").expect("room"));
    assert_eq!(handles.0, handles.1, "both count from 0");
    let mut rng = fastrand::Rng::with_seed(8);
    let mut enabled = [0, 0];
    for _ in 0..50_000 {
        scribble(&mut rng, shared);
        // The compact engine knows the items of a list by their id.
        for item in [4, 5] {
            shared[64 + 16 * item..][..4].copy_from_slice(&(-2_i32).to_le_bytes());
        }
        shared[..4].copy_from_slice(&handles.1.0.to_le_bytes());
        shared[8..12].copy_from_slice(&rng.i32(-1..5).to_le_bytes());
        compact.shared_mut().as_mut_bytes()[..600].copy_from_slice(&shared[..600]);
        let (one, other) = (full.decide_once(shared), compact.decide_once());
        if one >= 0 {
            assert_eq!(one, other);
            enabled[usize::from(one & 1 << 24 != 0)] += 1;
        }
    }
    assert!(enabled.iter().all(|times| *times > 5_000), "{enabled:?}");
}
