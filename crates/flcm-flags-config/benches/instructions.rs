//! Runs one workload a given number of times: `instructions CASE TIMES`. `just bench instructions` runs it under
//! callgrind with two numbers of times; the difference, divided, is exact and does not depend on the machine's load.

#[allow(dead_code, reason = "shared with the benches of time, which use all of it")]
mod workload;

use std::hint::black_box;

use flcm_flags::breaker::{Breaker, Plan, Scope};
use flcm_flags::{
    Context, Counts, ErrorCode, Millis, PackedDecision, Policy, Sample, Snapshot, Trips, evaluate, evaluate_all,
};
use flcm_flags_config::{check, compile};
use workload::{ATTRIBUTES, KINDS, USER, mixed, snapshot};

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let (Some(case), Some(times)) = (arguments.next(), arguments.next().and_then(|times| times.parse().ok())) else {
        return;
    };
    run(&case, times);
}

/// From the text of a document to the bytes of its snapshot.
fn read(text: &str, times: u32) {
    for _ in 0..times {
        let (config, diagnostics) = check(black_box(text));
        let config = config.unwrap_or_else(|| panic!("{}", diagnostics.render("document", text, false)));
        black_box(compile(&config).len());
    }
}

fn run(case: &str, times: u32) {
    if let Some((format, flags)) = case.split_once("-document-") {
        return read(&targeted(flags.parse().unwrap_or(1), format == "json"), times);
    }
    let snapshot = snapshot(if case.ends_with("-many") { mixed(1000) } else { KINDS.to_owned() }.as_str());
    let context = Context::new(Some(USER), &ATTRIBUTES);
    let bound = context.bind(&snapshot);
    let flag = snapshot.flag(case);
    let mut out = vec![PackedDecision::error(ErrorCode::FlagNotFound); 1000];
    let (plan, mut breaker, mut now) = (Plan::new(&Policy::DEFAULT, Scope::Fleet), Breaker::new(1, Millis(0)), 0);
    let outcomes = Counts {
        generation: 1,
        age: 0,
        treatment: Sample { total: 10, ..Sample::default() },
        control: Sample { total: 90, errors: 1, ..Sample::default() },
    };
    for _ in 0..times {
        match (case, flag) {
            (_, Some(flag)) => {
                black_box(evaluate(&snapshot, &Trips::NONE, black_box(flag), &bound, Millis(0)).packed());
            }
            ("bind", _) => {
                black_box(black_box(context).bind(&snapshot));
            }
            ("breaker-step", _) => {
                now += 1000;
                black_box(breaker.record(&plan, black_box(&outcomes), Millis(now)));
            }
            ("breaker-idle", _) => {
                now += 1000;
                black_box(breaker.poll(&plan, black_box(Millis(now))));
            }
            ("breaker-outcome", _) => {
                black_box(breaker.record(&plan, black_box(&outcomes), Millis(500)));
            }
            ("look-up-many", _) => {
                black_box(snapshot.flag(black_box("team-12.feature-00532")));
            }
            ("decide-all-many", _) => {
                black_box(evaluate_all(&snapshot, &Trips::NONE, &bound, Millis(0), &mut out).len());
            }
            ("load-many", _) => {
                black_box(Snapshot::from_bytes(black_box(snapshot.as_bytes())).is_ok());
            }
            _ => return,
        }
    }
}

/// Flags with three conditions and a split, as `tests/bench-peers` writes them for W6: as JSON, or as the YAML that
/// people write.
fn targeted(flags: usize, json: bool) -> String {
    let flag = |index: usize| {
        if json {
            format!("\"w3_{index}\":{}", TARGETED_JSON.replace(['\n', ' '], ""))
        } else {
            format!("  w3_{index}:\n{TARGETED_YAML}")
        }
    };
    let all: Vec<String> = (0..flags).map(flag).collect();
    if json {
        format!("{{\"cohorts\":{{}},\"flags\":{{{}}}}}", all.join(","))
    } else {
        format!("flags:\n{}", all.concat())
    }
}

const TARGETED_JSON: &str = r#"{
  "conditions": [
    { "attribute": "country", "operator": "==", "value": "DE" },
    { "attribute": "age", "operator": ">", "value": 30 },
    { "attribute": "plan", "operator": "in", "value": ["pro", "team", "enterprise"] }
  ],
  "rollout": { "percentage": 25 },
  "variants": [{ "name": "A", "weight": 50, "value": "A" }, { "name": "B", "weight": 50, "value": "B" }],
  "default": "off"
}"#;

const TARGETED_YAML: &str = r#"    conditions:
      - { attribute: country, operator: "==", value: DE }
      - { attribute: age, operator: ">", value: 30 }
      - { attribute: plan, operator: in, value: [pro, team, enterprise] }
    rollout: { percentage: 25 }
    variants:
      - { name: A, weight: 50, value: A }
      - { name: B, weight: 50, value: B }
    default: "off"
"#;
