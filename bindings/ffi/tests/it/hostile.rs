//! Whatever JavaScript writes into the shared memory, and whatever handles it gives, no call panics, and an answer is
//! an outcome or an error.

use flcm_flags::FlagId;
use flcm_flags_ffi::{Engine, Handle, SIZE};

const DOCUMENT: &str = r#"
cohorts: { staff: { when: [{ attribute: tags, operator: contains, value: a }] } }
flags:
  a: { conditions: [{ attribute: age, operator: ">", value: 3 }, { attribute: name, operator: starts_with, value: x }] }
  b: { rollout: { percentage: 50, by: name, cohorts: { staff: true } }, dependencies: [a] }
"#;

pub(crate) fn snapshot() -> Vec<u8> {
    flcm_flags_config::compile(&flcm_flags_config::check(DOCUMENT).0.expect("a valid document"))
}

/// A context that can be read: registers, the targeting key, a number, a text, a list of two.
const READABLE: [i32; 16 + 6 * 4] = [
    0,
    0,
    1,
    400,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0, // registers
    5,
    4,
    192,
    9, // five entries, the key
    0,
    3,
    0,
    0x4024_0000, // 10.0
    1,
    4,
    200,
    3, // a text
    2,
    5,
    2,
    0, // a list
    0,
    4,
    192,
    1,
    0,
    4,
    193,
    2, // its items
];

/// Writes a readable context, and over it up to three numbers, small ones mostly.
pub(crate) fn scribble(rng: &mut fastrand::Rng, shared: &mut [u8]) {
    for (word, number) in shared.chunks_exact_mut(4).zip(READABLE) {
        word.copy_from_slice(&number.to_le_bytes());
    }
    shared[256..600].fill_with(|| b'a' + rng.u8(0..4));
    for _ in 0..rng.u32(0..4) {
        let number = match rng.u32(0..4) {
            0 => rng.i32(..),
            1 => -1,
            _ => rng.i32(0..400),
        };
        let at = rng.usize(0..READABLE.len()) * 4;
        shared[at..at + 4].copy_from_slice(&number.to_le_bytes());
        shared[rng.usize(256..600)] = rng.u8(..);
    }
}

#[test]
fn nothing_that_is_written_makes_a_call_panic() {
    let mut rng = fastrand::Rng::with_seed(7);
    let mut engine = Engine::new();
    let mut shared = vec![0_u64; SIZE / 8];
    let shared = zerocopy::IntoBytes::as_mut_bytes(shared.as_mut_slice());
    let mut handle = engine.load(snapshot()).expect("a snapshot").expect("room");
    assert!(engine.measure(handle));
    let mut outcomes = 0;
    for _ in 0..200_000 {
        scribble(&mut rng, shared);
        if rng.u32(0..4) > 0 {
            shared[..4].copy_from_slice(&handle.0.to_le_bytes());
        }
        let answer = match rng.u32(0..100) {
            0..20 => engine.bind(shared),
            20..50 => engine.decide(shared),
            50..80 => engine.decide_once(shared),
            80..86 => engine.decide_all(shared),
            86..90 => engine.count(shared),
            90..98 => engine.flag(shared),
            98 => i32::from(engine.unload(Handle(rng.i32(..)))),
            _ => {
                assert!(engine.unload(handle));
                handle = engine.load(snapshot()).expect("a snapshot").expect("room");
                i32::from(!engine.measure(handle))
            }
        };
        assert!(answer >= -3, "{answer}");
        outcomes += u32::from(answer > 100);
    }
    assert!(outcomes > 30_000, "some of it was decided: {outcomes}");
}

#[test]
fn numbers_that_name_nothing_get_nothing() {
    let mut engine = Engine::new();
    let handle = engine.load(snapshot()).expect("a snapshot").expect("room");
    for flag in [2, u32::MAX] {
        assert_eq!(engine.flag_key(handle, FlagId(flag)), None);
        assert_eq!(engine.flag_salt(handle, FlagId(flag)), None);
        assert_eq!(engine.is_static(handle, FlagId(flag)), None);
        assert_eq!(engine.reads(handle, FlagId(flag)), None);
        assert!(!engine.set_trip(handle, FlagId(flag), "off"));
    }
    assert!(!engine.set_trip(handle, FlagId(0), "tripped"));
    assert_eq!(
        engine.decision_text(handle, FlagId(u32::MAX), 0, 8 << 16).as_deref(),
        Some("ERROR\nFLAG_NOT_FOUND\noutside\n\n\n")
    );
    for rule in [0, 1, 7, u32::MAX] {
        for outcome in (0..1 << 29).step_by(65_521) {
            assert!(engine.decision_text(handle, FlagId(0), rule, outcome).is_some());
        }
    }
    assert!(engine.unload(handle) && !engine.unload(handle));
    assert_eq!((engine.digest(handle), engine.decision_text(handle, FlagId(0), 0, 0)), (None, None));
}

#[test]
fn memory_that_is_too_short_is_an_error() {
    let mut engine = Engine::new();
    for length in [0, 3, 24, 63, 64] {
        let mut shared = vec![0; length];
        assert!(engine.bind(&shared) < 0 && engine.flag(&shared) < 0);
        assert!(
            engine.decide(&mut shared) < 0 && engine.decide_once(&mut shared) < 0 && engine.decide_all(&mut shared) < 0
        );
    }
}

#[test]
fn a_flag_reads_what_its_conditions_cohorts_and_prerequisites_read() {
    let mut engine = Engine::new();
    let handle = engine.load(snapshot()).expect("a snapshot").expect("room");
    let names = |flag: u32| -> Vec<String> {
        let mut ids = engine.reads(handle, FlagId(flag)).expect("a flag");
        assert_eq!(ids.pop(), Some(0), "no schedule");
        let mut names: Vec<_> = ids.iter().filter_map(|id| engine.attribute(handle, *id).map(str::to_owned)).collect();
        names.sort();
        names
    };
    assert_eq!(
        (names(0), names(1)),
        (vec!["age".into(), "name".into()], vec!["age".into(), "name".into(), "tags".into()])
    );
}
