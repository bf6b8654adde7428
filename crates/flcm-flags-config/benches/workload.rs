//! What the benches decide: the same documents and contexts for time and for instructions.

use std::fmt::Write;

use flcm_flags::{AttributeValue, Snapshot};
use flcm_flags_config::{check, compile};

/// A user id of 36 characters, as UUIDs are.
pub(crate) const USER: &str = "550e8400-e29b-41d4-a716-446655440000";

/// Five attributes: three strings, two numbers.
pub(crate) const ATTRIBUTES: [(&str, AttributeValue<'static>); 5] = [
    ("country", AttributeValue::Text("DE")),
    ("plan", AttributeValue::Text("premium")),
    ("app_version", AttributeValue::Text("2.4.1")),
    ("account_age_days", AttributeValue::Number(45.0)),
    ("orders", AttributeValue::Number(12.0)),
];

/// One flag of each kind that has an aim of its own.
pub(crate) const KINDS: &str = r#"
flags:
  percentage: { rollout: { percentage: 50 } }
  targeted:
    conditions:
      - { attribute: country, operator: in, value: [AT, CH, DE] }
      - { attribute: plan, operator: "==", value: premium }
      - { attribute: account_age_days, operator: ">", value: 30 }
    rollout: { percentage: 99.999 }
    variants: [{ name: a, weight: 50 }, { name: b, weight: 30 }, { name: c, weight: 20 }]
  dependent: { dependencies: [percentage], rollout: { percentage: 50 } }
  pattern: { conditions: [{ attribute: app_version, operator: matches, value: "^2\\.[0-9]+\\." }] }
  version: { conditions: [{ attribute: app_version, operator: semver_gte, value: "2.4.0" }] }
"#;

pub(crate) fn snapshot(text: &str) -> Snapshot<Vec<u8>> {
    let (config, diagnostics) = check(text);
    let config = config.unwrap_or_else(|| panic!("{}", diagnostics.render("workload", text, false)));
    Snapshot::from_bytes(compile(&config)).expect("a snapshot of our own")
}

/// Flags as teams have them: a third of them percentages alone, a third with conditions, the rest with variants,
/// cohorts, dependencies or switched off.
pub(crate) fn mixed(flags: usize) -> String {
    let mut text =
        String::from("cohorts:\n  staff: { when: [{ attribute: plan, operator: \"==\", value: staff }] }\nflags:\n");
    for index in 0..flags {
        let percentage = index * 7 % 99 + 1;
        let rollout = format!("rollout: {{ percentage: {percentage} }}");
        let country = "{ attribute: country, operator: in, value: [AT, CH, DE] }";
        let age = "{ attribute: account_age_days, operator: \">\", value: 30 }";
        let body = match index % 12 {
            0..=3 => rollout,
            4..=5 => format!("{rollout}, conditions: [{country}]"),
            6..=7 => format!("{rollout}, conditions: [{country}, {age}]"),
            8 => format!("{rollout}, variants: [{{ name: control, weight: 50 }}, {{ name: fresh, weight: 50 }}]"),
            9 => format!("rollout: {{ percentage: {percentage}, cohorts: {{ staff: true }} }}"),
            10 => format!("{rollout}, dependencies: [team-{:02}.feature-{:05}]", (index - 1) % 40, index - 1),
            _ => format!("{rollout}, enabled: false"),
        };
        let _ = writeln!(text, "  team-{:02}.feature-{index:05}: {{ {body} }}", index % 40);
    }
    text
}

/// A cohort of so many listed users.
pub(crate) fn listed(users: usize) -> String {
    let mut text =
        String::from("flags: { listed: { conditions: [{ cohort: many }] } }\ncohorts:\n  many:\n    users:\n");
    for user in 0..users {
        let _ = writeln!(text, "      - user-{user}");
    }
    text
}
