//! The calls about breakers and metrics, whatever they are given: no call panics, what names nothing changes nothing,
//! and what was counted stays counted.

mod anything;
mod carried;
mod counted;
mod outcomes;
mod stored;
mod users;

use flcm_flags::FlagId;
use flcm_flags_ffi::{Engine, Handle};

const DOCUMENT: &str = r"
flags:
  a_child: { dependencies: [parent], error_threshold: { rate: 0.05, recovery: auto } }
  colours:
    variants: [{ name: blue, weight: 1 }, { name: red, weight: 1 }]
    rollout: { percentage: 60 }
    error_threshold: { rate: 0.05, slow_ms: 100 }
  parent: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05, recovery: auto } }
  plain: { rollout: { percentage: 50 } }
";

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
        self.tell_variant(arm, flags, u16::MAX, duration);
    }

    /// The same for the variant with this index.
    fn tell_variant(&mut self, arm: u8, flags: u8, variant: u16, duration: f64) {
        let [low, high] = variant.to_le_bytes();
        self.write(32, [arm, flags, low, high, 0, 0, 0, 0]);
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
fn events(transitions: &str) -> Vec<&str> {
    transitions.lines().filter_map(|line| line.strip_prefix("event=s")).collect()
}

/// Decisions that were counted, of all flags.
fn decisions(engine: &Engine, handle: Handle) -> f64 {
    let summaries = (0..FLAGS).filter_map(|flag| engine.summary(handle, FlagId(flag)));
    summaries.fold(0.0, |sum, summary| sum + number(&summary, "decisions"))
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
