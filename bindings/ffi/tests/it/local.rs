//! What a host decides by itself: whatever it writes, nothing panics, and what can be read is counted.

use flcm_flags::FlagId;
use flcm_flags_ffi::{Engine, Handle, SIZE};

use crate::hostile::{scribble, snapshot};

#[test]
fn nothing_that_is_written_makes_a_call_of_a_host_panic() {
    let mut rng = fastrand::Rng::with_seed(11);
    let mut engine = Engine::new();
    let mut shared = vec![0_u64; SIZE / 8];
    let shared = zerocopy::IntoBytes::as_mut_bytes(shared.as_mut_slice());
    let handle = engine.load(snapshot()).expect("a snapshot").expect("room");
    assert!(engine.measure(handle));
    let mut left_out = 0;
    for _ in 0..50_000 {
        scribble(&mut rng, shared);
        shared[..4].copy_from_slice(&handle.0.to_le_bytes());
        if rng.bool() {
            shared[8..12].fill(0);
        }
        let bits = engine.left_out_by(shared);
        assert!((0..4).contains(&bits), "of two attributes: {bits}");
        left_out += bits.count_ones();
        assert!([0, -3].contains(&engine.count_written(shared)));
    }
    assert!(left_out > 1000, "some were left out: {left_out}");
}

/// Decisions as they are written for `count`: each a flag, an outcome, and a targeting key.
fn written(decisions: &[(i32, u32, Option<&str>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (flag, outcome, key) in decisions {
        bytes.extend(flag.to_le_bytes());
        bytes.extend(outcome.to_le_bytes());
        bytes.extend(key.map_or(-1, |key| i32::try_from(key.len()).expect("short")).to_le_bytes());
        bytes.extend(key.unwrap_or_default().bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

/// Has decisions counted of which so many bytes are said to be written.
fn count(engine: &mut Engine, handle: Handle, bytes: &[u8], length: i32) -> i32 {
    let mut shared = vec![0; 4096];
    for (at, number) in [(0, handle.0), (12, length)] {
        shared[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }
    shared[64..64 + bytes.len()].copy_from_slice(bytes);
    engine.count_written(&shared)
}

#[test]
fn decisions_that_are_written_count_up_to_the_first_that_cannot_be_read() {
    let mut engine = Engine::new();
    let handle = engine.load(snapshot()).expect("a snapshot").expect("room");
    let decisions = written(&[(0, 0xffff, Some("alice")), (9, 0xffff, Some("bob")), (-1, 0, None), (1, 0xffff, None)]);
    let length = i32::try_from(decisions.len()).expect("short");
    assert_eq!(count(&mut engine, handle, &decisions, length), 0, "nothing is counted yet");
    assert!(engine.summary(handle, FlagId(0)).is_none() && engine.measure(handle));
    for (unreadable, of_first) in [(1, 0), (11, 0), (13, 0), (19, 0), (21, 1), (5000, 1), (-1, 1)] {
        assert_eq!(count(&mut engine, handle, &decisions, unreadable), -3, "{unreadable} bytes");
        assert_eq!(engine.summary(handle, FlagId(0)).map_or(0, |_| 1), of_first, "{unreadable} bytes");
    }
    assert_eq!(count(&mut engine, handle, &decisions, length), 0);
    let [two, one] = [2.0_f64, 1.0].map(|number| format!("decisions=d{:016x}", number.to_bits()));
    let summary = |flag| engine.summary(handle, FlagId(flag)).expect("it was counted");
    assert!(summary(0).contains(&two) && summary(1).contains(&one), "{} {}", summary(0), summary(1));
}

#[test]
fn what_everyone_gets_depends_on_nobody() {
    let mut engine = Engine::new();
    let document = "flags: { all: {}, half: { rollout: { percentage: 50 } }, off: { enabled: false } }";
    let bytes = flcm_flags_config::compile(&flcm_flags_config::check(document).0.expect("a valid document"));
    let handle = engine.load(bytes).expect("a snapshot").expect("room");
    let mut everyone = |trip: &str| {
        (0..4).map(|flag| engine.set_trip(handle, FlagId(flag), trip)).count();
        [0, 1, 2, 3].map(|flag| engine.for_everyone(handle, FlagId(flag)).is_some())
    };
    assert_eq!(everyone("clear"), [true, false, true, false]);
    assert_eq!(everyone("off"), [true, false, true, false]);
    for depends in ["probing", "capped 50000"] {
        assert_eq!(everyone(depends), [false; 4], "{depends}");
    }
}
