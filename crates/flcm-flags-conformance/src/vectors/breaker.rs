//! Vectors of kind `breaker`: what is done to the breaker of one flag, and what it reports. Statistics are compared by
//! their bits.

use std::path::Path;

use flcm_flags::breaker::{Mode, Next, Scope, Statistics, Transition};
use flcm_flags::{Counts, FlagId, Millis, Sample, Snapshot};
use flcm_flags_host::{FlagTransition, Guards};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::read;
use super::run::load;

/// A file of kind `breaker`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What is shown, in a sentence.
    pub about: String,
    /// `error_threshold` of the flag.
    pub policy: serde_json::Value,
    /// `rollout` of the flag.
    pub rollout: serde_json::Value,
    /// `fleet`, `host` or `pages`.
    pub scope: String,
    /// What is done, in order.
    pub steps: Vec<Step>,
}

/// Something that is done at a time, and what comes of it. Without anything that is done, time passes.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Step {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Milliseconds since 1970.
    pub at: u64,
    /// Outcomes of the treatment: total, errors, slow, missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub treatment: Option<[u32; 4]>,
    /// Outcomes of the control.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<[u32; 4]>,
    /// For how long they were held back, in milliseconds; default 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<u32>,
    /// The generation that they are marked with; default that of now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u32>,
    /// How often, a second apart; default once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// The mode that an operator sets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The generation that a person acknowledges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledge: Option<u32>,
    /// What comes of it; left out only until it has been filled in.
    #[serde(default)]
    pub then: Option<Then>,
}

/// What comes of a step.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Then {
    /// What happened.
    pub transitions: Vec<Happened>,
    /// Whether and how the flag is tripped.
    pub trip: String,
    /// When to poll next, in milliseconds since 1970.
    pub next_deadline: Option<u64>,
    /// Bits of the statistics, in hexadecimal: absolute, relative; of slow calls the same.
    pub statistics: [String; 4],
    /// SHA-256 of the breaker's bytes.
    pub bytes: String,
}

/// Something that happened.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Happened {
    /// What.
    pub event: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The state before.
    pub from: String,
    /// The state after.
    pub to: String,
    /// The generation after.
    pub generation: u32,
    /// How many events there were.
    pub sequence: u32,
    /// Milliseconds since 1970.
    pub at: u64,
    /// Attempts to recover.
    pub attempt: u8,
    /// Rollbacks within a day.
    pub trips: u8,
    /// Thousandths of a percent before and after.
    pub percent: [u32; 2],
    /// What the flag waits for.
    pub next: String,
    /// From when on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<u64>,
    /// Outcomes of the window: treatment, then control.
    pub window: [[u32; 4]; 2],
    /// Bits of the statistics that led to it.
    pub statistics: [String; 4],
}

/// The only flag of such a document.
const FLAG: FlagId = FlagId(0);

/// Runs a file.
#[must_use]
pub fn run(path: &Path) -> usize {
    let file: File = read(path);
    let name = path.display().to_string();
    for (index, (step, then)) in file.steps.iter().zip(play(&file, &name)).enumerate() {
        let wanted = step.then.as_ref().unwrap_or_else(|| panic!("{name}: step {index} is not filled in"));
        assert_eq!(&then, wanted, "{name}: step {index}: {:?}", step.note);
    }
    file.steps.len()
}

/// Does all steps; what comes of each.
#[must_use]
pub fn play(file: &File, name: &str) -> Vec<Then> {
    let document = json!({ "flags": { "f": { "rollout": file.rollout, "error_threshold": file.policy } } });
    let (_, snapshot) = load(&document.to_string(), name);
    let scope = match file.scope.as_str() {
        "fleet" => Scope::Fleet,
        "host" => Scope::Host,
        "pages" => Scope::Pages,
        other => panic!("{name}: `{other}` is no scope"),
    };
    let mut guards = Guards::none(1);
    guards.guard(&snapshot, scope, Millis(0));
    file.steps.iter().map(|step| take(step, &mut guards, &snapshot)).collect()
}

fn take(step: &Step, guards: &mut Guards, snapshot: &Snapshot<Vec<u8>>) -> Then {
    let (mut transitions, now) = (Vec::new(), Millis(step.at));
    if let Some(mode) = &step.mode {
        guards.set_mode(snapshot, FLAG, Mode::from_keyword(mode).expect("a mode"), now, &mut transitions);
    }
    if let Some(generation) = step.acknowledge {
        guards.acknowledge(snapshot, FLAG, generation, now, &mut transitions);
    }
    for time in 0..step.times.unwrap_or(1) {
        let now = Millis(step.at + u64::from(time) * 1000);
        guards.poll(snapshot, now, &mut transitions);
        if step.treatment.is_some() || step.control.is_some() {
            let generation = guards.breaker(FLAG).expect("a breaker").0.generation();
            let counts = Counts {
                generation: step.generation.unwrap_or(generation),
                age: step.age.unwrap_or(0),
                treatment: sample(step.treatment),
                control: sample(step.control),
            };
            guards.record(snapshot, FLAG, &counts, now, &mut transitions);
        }
    }
    then(guards, &transitions)
}

fn then(guards: &Guards, transitions: &[FlagTransition]) -> Then {
    let (breaker, plan) = guards.breaker(FLAG).expect("a breaker");
    let report = breaker.report(plan);
    Then {
        transitions: transitions.iter().map(|(_, transition)| happened(transition)).collect(),
        trip: guards.trips().state(FLAG).to_string(),
        next_deadline: guards.next_deadline().map(|at| at.0),
        statistics: bits(&report.errors, &report.slow),
        bytes: crate::cases::sha256(&breaker.to_bytes(plan)),
    }
}

fn happened(transition: &Transition) -> Happened {
    let numbers = |Sample { total, errors, slow, missing }: Sample| [total, errors, slow, missing];
    let report = &transition.report;
    Happened {
        event: transition.event.to_string(),
        cause: transition.cause.map(|cause| cause.to_string()),
        from: transition.from.to_string(),
        to: transition.to.to_string(),
        generation: transition.generation,
        sequence: transition.sequence,
        at: transition.at.0,
        attempt: transition.attempt,
        trips: transition.trips,
        percent: [transition.percent_before, transition.percent_after],
        next: transition.next.as_str().to_owned(),
        next_at: if let Next::Probe(at) = transition.next { Some(at.0) } else { None },
        window: [numbers(report.window.treatment), numbers(report.window.control)],
        statistics: bits(&report.errors, &report.slow),
    }
}

fn bits(errors: &Statistics, slow: &Statistics) -> [String; 4] {
    [errors.absolute, errors.relative, slow.absolute, slow.relative].map(|number| format!("{:016x}", number.to_bits()))
}

fn sample(numbers: Option<[u32; 4]>) -> Sample {
    let [total, errors, slow, missing] = numbers.unwrap_or_default();
    Sample { total, errors, slow, missing }
}
