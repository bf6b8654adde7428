//! The settings that change.

use std::collections::BTreeSet;
use std::fmt::Display;

use serde::Serialize;

use super::Version;
use crate::config::{Cohort, Config};
use crate::explain::text;
use crate::explain::view::{FlagView, RuleView, ThresholdView, VariantView};

/// One setting that changes.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Change {
    /// `enabled`, `rule 2 percentage`, `variant blue`, …
    pub what: String,
    /// The old value; `None` if there was none.
    pub from: Option<String>,
    /// The new value; `None` if it is removed.
    pub to: Option<String>,
    /// A consequence that is not obvious.
    pub note: Option<&'static str>,
}

/// Collects changes.
#[derive(Default)]
struct Changes(Vec<Change>);

impl Changes {
    fn compare<T: PartialEq>(&mut self, what: impl Display, from: &T, to: &T, text: impl Fn(&T) -> String) {
        if from != to {
            self.add(what, Some(text(from)), Some(text(to)));
        }
    }

    fn add(&mut self, what: impl Display, from: Option<String>, to: Option<String>) -> &mut Change {
        let index = self.0.len();
        self.0.push(Change { what: what.to_string(), from, to, note: None });
        &mut self.0[index]
    }
}

/// The settings that change between two versions of a flag.
pub(super) fn of(from: &FlagView, to: &FlagView) -> Vec<Change> {
    let mut changes = Changes::default();
    changes.compare("readable", &from.readable, &to.readable, |readable| text::yes_no(*readable).to_owned());
    changes.compare("enabled", &from.enabled, &to.enabled, |enabled| text::yes_no(*enabled).to_owned());
    changes.compare("default", &from.default, &to.default, |value| json_or_none(value.as_ref()));
    changes.compare("on", &from.on, &to.on, |value| json_or_none(value.as_ref()));
    draw(from, to, &mut changes);
    changes.compare("dependencies", &from.dependencies, &to.dependencies, |list| list_or_none(list));
    changes
        .compare("overrides", &from.overrides, &to.overrides, |count| text::plural((*count).into(), "user", "users"));
    variants(&from.variants, &to.variants, &mut changes);
    rules(&from.rules, &to.rules, &mut changes);
    changes.compare("error_threshold", &from.error_threshold, &to.error_threshold, |threshold| {
        threshold.as_ref().map_or_else(none, ThresholdView::describe)
    });
    changes.0
}

fn none() -> String {
    "none".to_owned()
}

fn json_or_none(value: Option<&serde_json::Value>) -> String {
    value.map_or_else(none, ToString::to_string)
}

fn list_or_none(list: &[String]) -> String {
    if list.is_empty() { none() } else { list.join(", ") }
}

/// The salt and the hashed attribute.
fn draw(from: &FlagView, to: &FlagView, changes: &mut Changes) {
    let before = changes.0.len();
    changes.compare("salt", &from.salt, &to.salt, Clone::clone);
    let by = |by: &Option<String>| by.as_deref().unwrap_or("targeting key").to_owned();
    changes.compare("by", &from.by, &to.by, by);
    changes.0[before..].iter_mut().for_each(|change| change.note = Some("reshuffles everyone"));
}

fn variants(from: &[VariantView], to: &[VariantView], changes: &mut Changes) {
    let value = |variant: &VariantView| {
        variant.value.as_ref().map_or_else(|| "the flag's `on`".to_owned(), ToString::to_string)
    };
    for variant in from {
        let what = format!("variant {}", variant.name);
        match to.iter().find(|other| other.name == variant.name) {
            Some(other) => changes.compare(what, variant, other, value),
            None => {
                changes.add(what, Some(value(variant)), None);
            }
        }
    }
    for variant in to.iter().filter(|variant| !from.iter().any(|other| other.name == variant.name)) {
        changes.add(format!("variant {}", variant.name), None, Some(value(variant)));
    }
}

/// Pairs the rules: those with equal conditions at the start and at the end, and the ones between in their order.
fn rules(from: &[RuleView], to: &[RuleView], changes: &mut Changes) {
    let alike = |(a, b): &(&RuleView, &RuleView)| (&a.conditions, a.serves) == (&b.conditions, b.serves);
    let start = from.iter().zip(to).take_while(alike).count();
    let end = from[start..].iter().rev().zip(to[start..].iter().rev()).take_while(alike).count();
    let (from_middle, to_middle) = (&from[start..from.len() - end], &to[start..to.len() - end]);
    for (index, (old, new)) in from[..start].iter().zip(to).enumerate() {
        rule(index + 1, old, new, changes);
    }
    for index in 0..from_middle.len().max(to_middle.len()) {
        let number = start + index + 1;
        match (from_middle.get(index), to_middle.get(index)) {
            (Some(old), Some(new)) => rule(number, old, new, changes),
            (old, new) => {
                changes.add(format!("rule {number}"), old.map(RuleView::describe), new.map(RuleView::describe));
            }
        }
    }
    for (index, (old, new)) in from[from.len() - end..].iter().zip(&to[to.len() - end..]).enumerate() {
        rule(to.len() - end + index + 1, old, new, changes);
    }
}

fn rule(number: usize, from: &RuleView, to: &RuleView, changes: &mut Changes) {
    let name = |name: &Option<String>| name.as_deref().unwrap_or("none").to_owned();
    changes.compare(format!("rule {number} name"), &from.name, &to.name, name);
    changes.compare(format!("rule {number} serves"), &from.serves, &to.serves, |serves| (*serves).to_owned());
    changes.compare(format!("rule {number} conditions"), &from.conditions, &to.conditions, |conditions| {
        if conditions.is_empty() { "everyone".to_owned() } else { conditions.clone() }
    });
    changes.compare(format!("rule {number} percentage"), &from.percentage, &to.percentage, |percentage| {
        text::percent(*percentage)
    });
    changes.compare(format!("rule {number} schedule"), &from.schedule, &to.schedule, |schedule| {
        let stages = schedule.iter().map(|stage| format!("{} from {}", text::percent(stage.percentage), stage.at));
        if schedule.is_empty() { "none".to_owned() } else { stages.collect::<Vec<_>>().join(", ") }
    });
    if from.ramp.is_some() && to.ramp.is_some() {
        changes.compare(format!("rule {number} ramp"), &from.ramp, &to.ramp, |ramp| ramp.unwrap_or("none").to_owned());
    }
    if from.weights != to.weights {
        let split = |rule: &RuleView| if rule.weights.is_empty() { "none".to_owned() } else { rule.split() };
        changes.add(format!("rule {number} split"), Some(split(from)), Some(split(to)));
    }
}

/// Whether both documents say the same of a flag, and of the cohorts that it uses. Most flags of a large document stay
/// as they are, and a look at what was checked is much faster than one at what was compiled.
pub(super) fn is_written_alike<B>(old: &Version<'_, B>, new: &Version<'_, B>, key: &str) -> bool {
    let (Some(from), Some(to)) = (old.config, new.config) else { return false };
    let (Some(before), Some(after)) = (from.flags.get(key), to.flags.get(key)) else { return false };
    before == after && from.cohorts_of(key).iter().all(|name| from.cohorts.get(name) == to.cohorts.get(name))
}

/// What only documents show: overrides, and the members of the cohorts that the flag uses.
pub(super) fn of_documents<B>(old: &Version<'_, B>, new: &Version<'_, B>, key: &str) -> Vec<Change> {
    let (Some(from), Some(to)) = (old.config, new.config) else { return Vec::new() };
    let mut changes = Changes::default();
    let overrides = |config: &Config| config.flags.get(key).map(|flag| flag.overrides.clone()).unwrap_or_default();
    let (before, after) = (overrides(from), overrides(to));
    // If their number differs, the snapshots show it already.
    if before != after && before.len() == after.len() {
        let count = after.iter().filter(|(user, serve)| before.get(*user) != Some(serve)).count();
        let text = format!("{} different", text::plural(count as u64, "user", "users"));
        changes.add("overrides", None, Some(text));
    }
    let names: BTreeSet<String> = [from, to].into_iter().flat_map(|config| config.cohorts_of(key)).collect();
    for name in names {
        let (before, after) = (from.cohorts.get(&name), to.cohorts.get(&name));
        if before != after {
            changes.add(format!("cohort {name}"), before.map(describe), after.map(describe));
        }
    }
    changes.0
}

fn describe(cohort: &Cohort) -> String {
    let users = text::plural(cohort.users.len() as u64, "user", "users");
    let except = match cohort.except.len() {
        0 => String::new(),
        count => format!(", {count} excepted"),
    };
    let when = if cohort.when.is_some() { ", by conditions" } else { "" };
    format!("{users}{except}{when}")
}

/// What could not be compared.
pub(super) fn notes<B: AsRef<[u8]>>(old: &Version<'_, B>, new: &Version<'_, B>, any: bool) -> Vec<String> {
    let opaque = old.config.is_none() || new.config.is_none();
    if !opaque || old.snapshot.digest() == new.snapshot.digest() {
        return Vec::new();
    }
    let hidden = "a snapshot does not show overrides and the members of cohorts, so these were not compared: compare \
                  the documents, or count with --contexts";
    let note = if any { hidden.to_owned() } else { format!("the bytes differ, and no flag does; {hidden}") };
    vec![note]
}
