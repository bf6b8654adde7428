//! `tests/vectors/host`: rules that the TypeScript runtime has as well. It runs the same files.

use std::collections::BTreeMap;
use std::path::Path;

use flcm_flags::{Millis, TripState};
use flcm_flags_host::schedule::{back_off, next_poll, number_of, phase_of};
use flcm_flags_host::{FleetFlag, Follows, Now, Overrides, PersistedState, Persistence, RevisionError, Revisions};
use serde::Deserialize;
use serde::de::DeserializeOwned;

#[derive(Deserialize)]
struct File<C> {
    cases: Vec<C>,
}

pub(crate) fn cases<C: DeserializeOwned>(name: &str) -> Vec<C> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/host").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let File { cases } = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(!cases.is_empty(), "{name}");
    cases
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Poll {
    instance: u64,
    interval_ms: u64,
    wall: u64,
    random: f64,
    phase: f64,
    wait_ms: u64,
}

#[test]
fn polls() {
    for Poll { instance, interval_ms, wall, random, phase, wait_ms } in cases("polls.json") {
        assert_eq!(phase_of(instance).to_bits(), phase.to_bits(), "{instance}");
        let now = Now { wall: Millis(wall), elapsed: 0, random };
        assert_eq!(next_poll(interval_ms, phase, now), wait_ms, "{instance} at {wall}");
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BackOff {
    failures: u32,
    first_ms: u64,
    longest_ms: u64,
    random: f64,
    wait_ms: u64,
    number: u64,
}

#[test]
fn back_offs() {
    for BackOff { failures, first_ms, longest_ms, random, wait_ms, number } in cases("back-offs.json") {
        assert_eq!(back_off(failures, first_ms, longest_ms, random), wait_ms, "{failures} failures, {random}");
        assert_eq!(number_of(random), number, "{random}");
    }
}

#[derive(Deserialize)]
struct Flag {
    trip: String,
    generation: Option<u32>,
}

/// Steps that are taken one after the other, and what holds then of each flag.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Override {
    note: String,
    #[serde(default)]
    stored_fleet: BTreeMap<String, String>,
    #[serde(default)]
    stored_held: Vec<String>,
    steps: Vec<Step>,
    external: BTreeMap<String, String>,
    #[serde(default)]
    generations: BTreeMap<String, u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Step {
    Fleet(BTreeMap<String, Flag>),
    Hold(String),
    Release(String),
}

fn trip(word: &str) -> TripState {
    TripState::parse(word).unwrap_or_else(|| panic!("`{word}` is no state of a trip"))
}

#[test]
fn overrides() {
    for case in cases::<Override>("overrides.json") {
        let stored = case.stored_fleet.iter();
        let fleet = stored.map(|(key, word)| (key.clone(), FleetFlag { trip: trip(word), generation: None })).collect();
        let mut overrides = Overrides::new(fleet, case.stored_held.iter().cloned().collect());
        for step in &case.steps {
            match step {
                Step::Fleet(flags) => {
                    let flags = flags.iter().map(|(key, Flag { trip: word, generation })| {
                        (key.clone(), FleetFlag { trip: trip(word), generation: *generation })
                    });
                    overrides.set_fleet(flags.collect());
                }
                Step::Hold(key) => drop(overrides.set_held(key, true)),
                Step::Release(key) => drop(overrides.set_held(key, false)),
            }
        }
        for (key, word) in &case.external {
            assert_eq!(overrides.external(key).to_string(), *word, "{}: `{key}`", case.note);
        }
        for key in case.external.keys() {
            assert_eq!(overrides.generation(key), case.generations.get(key).copied(), "{}: `{key}`", case.note);
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Write {
    note: String,
    /// The file that is there.
    existing: Option<String>,
    #[serde(default)]
    breakers: BTreeMap<String, Vec<u8>>,
    #[serde(default)]
    held: BTreeMap<String, bool>,
    fleet: Option<BTreeMap<String, String>>,
    /// The file that is written.
    written: String,
    /// Whether the file that was there could be read.
    is_readable: bool,
}

#[test]
fn persistence() {
    for case in cases::<Write>("persistence.json") {
        let existing = case.existing.as_ref().map(String::as_bytes);
        let readable = existing.is_none_or(|bytes| PersistedState::from_bytes(bytes).is_ok());
        assert_eq!(readable, case.is_readable, "{}", case.note);
        let mut host = Persistence::default();
        for (key, bytes) in &case.breakers {
            host.breaker(key, bytes.clone());
        }
        for (key, held) in &case.held {
            host.held(key, *held);
        }
        if let Some(fleet) = &case.fleet {
            host.fleet(fleet.iter().map(|(key, word)| (key.clone(), trip(word))).collect());
        }
        let written = String::from_utf8(host.begin_write(existing)).expect("text");
        assert_eq!(written, case.written, "{}", case.note);
        assert!(PersistedState::from_bytes(written.as_bytes()).is_ok(), "{}", case.note);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Trip {
    text: String,
    is_trip: bool,
}

#[test]
fn trips() {
    for Trip { text, is_trip } in cases("trips.json") {
        assert_eq!(TripState::parse(&text).is_some(), is_trip, "`{text}`");
    }
}

/// Answers of a source, one after the other.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answers {
    note: String,
    in_use: String,
    stored_older_since: Option<u64>,
    steps: Vec<Answer>,
    /// What is to be stored at the end.
    older_since: Option<u64>,
}

#[derive(Deserialize)]
struct Answer {
    at: u64,
    revision: String,
    then: Then,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase")]
enum Then {
    Jump,
    Newer,
    Older,
    Reset,
}

#[test]
fn revisions() {
    for case in cases::<Answers>("revisions.json") {
        let mut in_use: u64 = case.in_use.parse().unwrap();
        let mut revisions = Revisions::new(case.stored_older_since.map(Millis));
        for Answer { at, revision, then } in case.steps {
            let next = revision.parse().unwrap();
            let answered = match revisions.answered(next, in_use, Millis(at)) {
                Ok(Follows::Newer) => Then::Newer,
                Ok(Follows::Reset) => Then::Reset,
                Err(RevisionError::Jump { .. }) => Then::Jump,
                Err(RevisionError::Older { .. }) => Then::Older,
            };
            assert_eq!(answered, then, "{}: {revision} at {at}", case.note);
            if matches!(then, Then::Newer | Then::Reset) {
                in_use = next;
            }
        }
        assert_eq!(revisions.older_since(), case.older_since.map(Millis), "{}", case.note);
    }
}
