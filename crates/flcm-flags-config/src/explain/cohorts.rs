//! The cohorts of a document as plain data, for tools that show them.

use std::collections::BTreeMap;

use flcm_flags::{Serves, Snapshot};
use serde::Serialize;

use crate::compile;
use crate::config::{Client, Cohort, Condition, Config, Flag, Rule, Value};
use crate::explain::view::FlagView;

/// A cohort.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CohortView {
    /// What it is called.
    pub name: String,
    /// How many users are listed.
    pub users: usize,
    /// How many users never belong.
    pub except: usize,
    /// The conditions as text, all of which must hold.
    pub when: Vec<String>,
    /// The flags that use it, directly or through another cohort.
    pub named_by: Vec<String>,
}

/// The cohorts of a document, by name.
///
/// ```
/// use flcm_flags_config::explain::cohorts;
///
/// let text = "cohorts: { staff: { users: [anna], when: [{ attribute: age, operator: '>', value: 17 }] } }\nflags: {}";
/// let (config, _) = flcm_flags_config::check(text);
/// let staff = &cohorts::of(&config.unwrap())[0];
/// assert_eq!((staff.name.as_str(), staff.users, staff.when[0].as_str()), ("staff", 1, "age > 17"));
/// ```
#[must_use]
pub fn of(config: &Config) -> Vec<CohortView> {
    let mut texts = conditions(config);
    let mut named_by: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for flag in config.flags.keys() {
        for name in config.cohorts_of(flag) {
            named_by.entry(name).or_default().push(flag.clone());
        }
    }
    let view = |(name, cohort): (&String, &Cohort)| CohortView {
        name: name.clone(),
        users: cohort.users.len(),
        except: cohort.except.len(),
        when: texts.remove(name).unwrap_or_default(),
        named_by: named_by.remove(name).unwrap_or_default(),
    };
    config.cohorts.iter().map(view).collect()
}

/// The conditions of each cohort as text. Snapshots have their text, so each cohort becomes a flag, with a rule for
/// each of its conditions.
fn conditions(config: &Config) -> BTreeMap<String, Vec<String>> {
    let mut asked = config.clone();
    for (name, cohort) in &config.cohorts {
        asked.flags.insert(key(name), flag(cohort.when.as_deref().unwrap_or_default()));
    }
    let Ok(snapshot) = Snapshot::from_bytes(compile(&asked)) else { return BTreeMap::new() };
    let texts = |name: &String| {
        let flag = snapshot.describe(snapshot.flag(&key(name))?)?;
        let rules = FlagView::new(&snapshot, flag).rules;
        Some((name.clone(), rules.into_iter().map(|rule| rule.conditions).collect()))
    };
    config.cohorts.keys().filter_map(texts).collect()
}

/// No flag of a document has such a key: control characters are refused.
fn key(cohort: &str) -> String {
    format!("cohort\n{cohort}")
}

fn flag(when: &[Condition]) -> Flag {
    let rule = |condition: &Condition| Rule {
        name: None,
        serves: Serves::On,
        conditions: vec![condition.clone()],
        percentage: 0,
        schedule: Vec::new(),
        linear: false,
        split: None,
    };
    Flag {
        description: None,
        owner: None,
        tags: Vec::new(),
        kind: None,
        until: None,
        client: Client::Never,
        enabled: true,
        default: Value::Bool(false),
        on: Some(Value::Bool(true)),
        salt: String::new(),
        by: None,
        dependencies: Vec::new(),
        overrides: BTreeMap::new(),
        rules: when.iter().map(rule).collect(),
        variants: Vec::new(),
        error_threshold: None,
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    const TEXT: &str = "
cohorts:
  beta: { users: [a, b], except: [c] }
  staff:
    when:
      - { attribute: email, operator: ends_with, value: '@example.com' }
      - any: [{ cohort: beta }, { attribute: plan, operator: in, value: [pro, team] }]
  unused: {}
flags:
  one: { conditions: [{ not: { cohort: staff } }] }
  two: { rollout: { cohorts: [beta: true] } }
";

    #[test]
    fn cohorts_have_their_conditions_and_the_flags_that_use_them() {
        let (config, diagnostics) = crate::check(TEXT);
        let cohorts = serde_json::to_value(of(&config.unwrap_or_else(|| panic!("{diagnostics:?}")))).unwrap();
        let expected = serde_json::json!([
            { "name": "beta", "users": 2, "except": 1, "when": [], "namedBy": ["one", "two"] },
            {
                "name": "staff", "users": 0, "except": 0, "namedBy": ["one"],
                "when": ["email ends_with \"@example.com\"", "(cohort beta or plan in [\"pro\",\"team\"])"],
            },
            { "name": "unused", "users": 0, "except": 0, "when": [], "namedBy": [] },
        ]);
        assert_eq!(cohorts, expected);
    }
}
