//! Makes the corpora of `breaker`, `batch`, `pages` and `statement`. Files that were added because of something that
//! was found stay.
//!
//! `cargo run -p flcm-flags-fuzz --example corpus`

use std::fs;
use std::path::Path;

use flcm_flags::breaker::{Breaker, Event, Mode, Plan, Scope};
use flcm_flags::bucket::mix;
use flcm_flags::metrics::batch::{Header, Writer};
use flcm_flags::metrics::{Custom, FlagMetrics, Group};
use flcm_flags::snapshot::index::checksum;
use flcm_flags::{
    Action, Arm, Context, Counts, Millis, PackedDecision, Policy, Recovery, Sample, Snapshot, TripState, Trips,
    evaluate,
};
use flcm_flags_host::text::{from_base64url, to_base64url};
use flcm_flags_host::{KeyId, Pin, Position, Statement};

fn main() {
    breakers();
    batches();
    pages();
    statements();
}

fn put(folder: &str, name: &str, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(folder);
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join(name), bytes).expect("a file");
}

const START: u64 = 1_800_000_000_000;

const fn sample(total: u32, errors: u32, slow: u32) -> Sample {
    Sample { total, errors, slow, missing: 0 }
}

/// A breaker of a flag at 10 %, and what becomes of it.
fn breakers() {
    let policy = Policy { slow_ms: 500, action: Action::StepBack, recovery: Recovery::Auto, ..Policy::DEFAULT };
    let plan = Plan::new(&policy, Scope::Fleet);
    let mut breaker = Breaker::new(7, Millis(START));
    breaker.stage(10_000, Millis(START));
    put("breaker", "accepted-new", &breaker.to_bytes(&plan));
    for time in [START, START + 500] {
        let (treatment, control) = (sample(10, 4, 2), sample(90, 1, 1));
        let counts = Counts { generation: breaker.generation(), age: 0, treatment, control };
        assert_eq!(breaker.record(&plan, &counts, Millis(time)), None);
    }
    put("breaker", "accepted-failing", &breaker.to_bytes(&plan));
    let tripped = breaker.poll(&plan, Millis(START + 1_000)).expect("a trip");
    assert_eq!((tripped.event, breaker.trip_state()), (Event::Tripped, TripState::HeldOff));
    put("breaker", "accepted-tripped", &breaker.to_bytes(&plan));
    let probed = breaker.next_deadline(&plan).expect("a probe");
    assert_eq!(breaker.poll(&plan, probed).map(|opened| opened.event), Some(Event::HalfOpened));
    // One file brings its own inputs; behind the others they are made up.
    let inputs: Vec<u8> = (0..=255_u8).map(|number| number.wrapping_mul(167) ^ 0x1d).collect();
    put("breaker", "accepted-half-open", &[&breaker.to_bytes(&plan)[..], &inputs].concat());
    put("breaker", "accepted-stepped-back", &stepped_back(&plan).to_bytes(&plan));
    let held = breaker.set_mode(&plan, Mode::Held, probed).expect("held");
    assert_eq!(held.mode, Mode::Held);
    put("breaker", "accepted-held", &breaker.to_bytes(&plan));
    damaged(&breaker.to_bytes(&plan), &plan);
}

/// A breaker that slow calls have taken back to 5 %.
fn stepped_back(plan: &Plan) -> Breaker {
    let mut breaker = Breaker::new(7, Millis(START));
    breaker.stage(5_000, Millis(START));
    breaker.stage(30_000, Millis(START + 700_000));
    let counts = Counts { generation: 1, age: 0, treatment: sample(300, 0, 300), control: sample(300, 0, 0) };
    let _ = breaker.record(plan, &counts, Millis(START + 701_000));
    let tripped = breaker.poll(plan, Millis(START + 702_000)).expect("a trip");
    assert_eq!((tripped.event, breaker.trip_state()), (Event::Tripped, TripState::Capped(5_000)));
    breaker
}

/// One thing wrong in each.
fn damaged(good: &[u8], plan: &Plan) {
    put("breaker", "refused-short", &good[..good.len() - 1]);
    let changed = |place: usize, bytes: &[u8]| {
        let mut changed = good.to_vec();
        changed[place..place + bytes.len()].copy_from_slice(bytes);
        Some(changed).filter(|bytes| Breaker::from_bytes(bytes, plan).is_err())
    };
    // Behind the magic and three numbers stand three codes, five small numbers, and then truths. The last number that must
    // be finite belongs to the evidence of slow calls.
    let infinity = f64::INFINITY.to_le_bytes();
    for (name, bytes) in [
        ("refused-version", changed(3, &[1])),
        ("refused-state", changed(16, &[3])),
        ("refused-truth", changed(24, &[2])),
        ("refused-infinite", (0..good.len() - 8).rev().find_map(|place| changed(place, &infinity))),
    ] {
        put("breaker", name, &bytes.unwrap_or_else(|| panic!("{name} is accepted")));
    }
}

/// Batches with nothing, with everything, and with the same twice.
fn batches() {
    let nothing = written(|_| {});
    put("batch", "accepted-nothing", &nothing);
    let mut custom: Custom<4, 4> = Custom::new();
    assert!(custom.add("clicks", 1_000) && custom.observe("basket", 19.9) && !custom.add("", 1));
    let everything = written(|writer| {
        flag(writer, "checkout", &counted(3, 12));
        flag(writer, "größe", &counted(0, 5));
        writer.custom(&custom);
    });
    put("batch", "accepted-everything", &everything);
    let twice = written(|writer| {
        for generation in [3, 4, 2] {
            flag(writer, "f", &counted(generation, 4));
            writer.custom(&custom);
        }
    });
    put("batch", "refused-twice", &twice);
    put("batch", "refused-truncated", &everything[..everything.len() / 2]);
    let mut flipped = everything;
    flipped[100] ^= 1;
    put("batch", "refused-checksum", &flipped);
    let mut version = unsealed(&nothing).to_vec();
    version[8] += 1;
    put("batch", "refused-version", &sealed(&version));
    entries(unsealed(&nothing));
}

/// Entries that no writer writes.
fn entries(header: &[u8]) {
    let zero_and_five = [0_f64.to_bits().to_le_bytes(), 5_f64.to_bits().to_le_bytes()].concat();
    for (name, entries) in [
        // A flag of which nothing is said but a generation, a counter of nothing, and nothing dropped.
        ("accepted-hollow", &[1, 1, b'f', 0xac, 2, 0, 2, 1, b'c', 0, 4, 0][..]),
        ("refused-kind", &[5]),
        ("refused-tally-of-nothing", &[1, 1, b'f', 1, 4, 1, 0, 0, 0]),
        ("refused-groups", &[&[1, 1, b'f', 1, 8, 52][..], &[0; 104]].concat()),
        ("refused-part-beyond-the-whole", &[1, 1, b'f', 1, 1, 1, 1, 0, 1]),
        // A histogram with one value in its first bucket, the largest of which is 5.
        ("refused-extremes", &[&[3, 1, b'h', 1, 0, 1, 5], &zero_and_five[..]].concat()),
    ] {
        put("batch", name, &sealed(&[header, entries].concat()));
    }
}

const VARIANTS: [&str; 2] = ["off", "grün"];

type Metrics = FlagMetrics<Vec<u32>, Vec<Group>>;

/// What is counted of so many users, and some outcomes.
fn counted(generation: u32, users: u16) -> Metrics {
    let bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/snapshot/shop")).expect("a snapshot");
    let snapshot = Snapshot::from_bytes(bytes).expect("a snapshot of our own");
    let groups = vec![Group::new(); Group::count_for(VARIANTS.len())];
    let mut metrics = FlagMetrics::with_groups(vec![0; FlagMetrics::counters_for(VARIANTS.len())], groups);
    metrics.set_generation(generation);
    for user in 0..users {
        let name = format!("user-{user}");
        let context = Context::new(Some(&name), &[]).bind(&snapshot);
        let decided = evaluate(&snapshot, &Trips::NONE, flcm_flags::FlagId(0), &context, Millis(0)).packed();
        let variant = [u16::MAX, 0, 1][usize::from(user % 3)];
        let bits = decided.to_bits() & !(0xffff << 32) | u64::from(variant) << 32;
        metrics.decision(PackedDecision::from_bits(bits), &context);
    }
    for (arm, variant, duration) in [
        (Arm::Treatment, Some(1), 12.5),
        (Arm::Control, None, 0.0),
        (Arm::Outside, Some(0), 1e9),
        (Arm::Treatment, None, -1.0),
    ] {
        metrics.outcome_of(arm, variant, &Sample { missing: 1, ..sample(9, 2, 1) }, duration);
        metrics.add_evidence(arm, &sample(9, 2, 1));
    }
    metrics
}

/// Takes the parts of a batch.
type Sink<'s> = &'s mut dyn FnMut(&[u8]);

fn flag(writer: &mut Writer<Sink<'_>>, key: &str, metrics: &Metrics) {
    assert!(writer.flag(key, |variant| VARIANTS.get(usize::from(variant)).copied(), metrics));
}

fn written(write: impl FnOnce(&mut Writer<Sink<'_>>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut sink = |part: &[u8]| bytes.extend_from_slice(part);
    let mut writer = Writer::new(Header { instance: 7, epoch: 1, sequence: 1, age: 250 }, &mut sink as Sink<'_>);
    write(&mut writer);
    writer.finish();
    bytes
}

/// All but the checksum.
fn unsealed(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len() - 8]
}

fn sealed(body: &[u8]) -> Vec<u8> {
    let sum = body.chunks(256).fold(0, |sum, block| mix(sum ^ checksum(block)));
    [body, &sum.to_le_bytes()].concat()
}

/// What is done to a fleet is made up behind a few bytes.
fn pages() {
    for seed in 0..8_u8 {
        let inputs: Vec<u8> = (0..64).map(|number: u8| number.wrapping_mul(seed.wrapping_mul(34) | 1) ^ seed).collect();
        put("pages", &format!("made-up-{seed}"), &inputs);
    }
}

/// Statements, and what is none.
fn statements() {
    let position = Position { epoch: 3, revision: 7, issued: Millis(START) };
    let (audience, key, sha512) = ([1; 32], KeyId([2; 8]), [3; 64]);
    let statement = Statement { audience, key, position, expires: Millis(START + 1), length: 50, sha512 };
    let latest = Statement { expires: Millis(1 << 53), length: u64::MAX, ..statement };
    let text = statement.to_text(&[4; 64]);
    put("statement", "accepted-usual", text.as_bytes());
    put("statement", "accepted-latest", latest.to_text(&[0; 64]).as_bytes());
    put(
        "statement",
        "accepted-first",
        Statement { position: Position::default(), ..statement }.to_text(&[255; 64]).as_bytes(),
    );
    let late = Statement { expires: Millis((1 << 53) + 1), ..statement };
    put("statement", "refused-late", late.to_text(&[4; 64]).as_bytes());
    put("statement", "refused-short", &text.as_bytes()[..text.len() - 4]);
    put("statement", "refused-list", format!("{text}, {text}").as_bytes());
    put("statement", "refused-padded", format!("{text}=").as_bytes());
    put("statement", "refused-pin", Pin([9; 32]).to_string().as_bytes());
    let mut bytes = from_base64url(&text).expect("a text of our own");
    put("statement", "refused-bytes", &[&bytes, &b"a snapshot"[..]].concat());
    bytes[16] = 1;
    put("statement", "refused-domain", to_base64url(&bytes).as_bytes());
}
