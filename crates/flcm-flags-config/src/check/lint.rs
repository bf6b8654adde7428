//! Warnings about documents that are valid, but probably not what was meant.

use std::collections::BTreeSet;

use crate::check::inherit::Flat;
use crate::config::Config;
use crate::config::graph::{all_leaves, cohort_name};
use crate::diagnostics::{Diagnostics, Path};
use crate::parse::document::{At, Document, Flag, Rollout};

mod conflict;
mod dependency;
mod reach;
mod rules;
mod threshold;

pub(crate) use dependency::dependency;
pub(crate) use rules::{Part, Position, rules};
pub(crate) use threshold::threshold;

/// Cohorts and templates that are not used.
pub(crate) fn document(document: &Document, config: &Config, diagnostics: &mut Diagnostics) {
    unused_cohorts(document, config, diagnostics);
    unused_templates(document, diagnostics);
}

/// Flags that reach everyone. Hints come after all problems, so that any number of them leaves room for those.
pub(crate) fn hints(flags: &[Flat<'_>], config: &Config, diagnostics: &mut Diagnostics) {
    for (key, flag) in flags {
        let path = Path::Root.key("flags");
        let path = path.key(&key.value);
        let rules = config.flags.get(&key.value).map_or(&[][..], |checked| &checked.rules);
        reach::everyone(flag, rules, path, diagnostics);
        reach::finished(flag, path, diagnostics);
    }
}

fn unused_cohorts(document: &Document, config: &Config, diagnostics: &mut Diagnostics) {
    let cohorts: BTreeSet<&str> = all_leaves(config).filter_map(cohort_name).collect();
    let path = Path::Root.key("cohorts");
    for (name, _) in document.cohorts.0.iter().filter(|(name, _)| !cohorts.contains(name.value.as_str())) {
        let message = format!("cohort `{}` is not used", name.value);
        let problem = diagnostics.warn(name.span, path.key(&name.value), "unused-cohort", message);
        problem.help("use it in a flag, or remove it");
    }
}

fn unused_templates(document: &Document, diagnostics: &mut Diagnostics) {
    let all = document.flags.0.iter().chain(&document.templates.0);
    let parents: BTreeSet<&str> =
        all.filter_map(|(_, flag)| flag.extends.as_ref()).map(|extends| extends.value.as_str()).collect();
    let path = Path::Root.key("templates");
    for (name, _) in document.templates.0.iter().filter(|(name, _)| !parents.contains(name.value.as_str())) {
        let message = format!("template `{}` is not used", name.value);
        let problem = diagnostics.warn(name.span, path.key(&name.value), "unused-template", message);
        problem.help("extend it, or remove it");
    }
}

/// A rule with the percentage 0, which serves nobody.
pub(crate) fn idle(percentage: &At<f64>, path: Path<'_>, diagnostics: &mut Diagnostics) {
    if percentage.value == 0.0 {
        let problem = diagnostics.warn(percentage.span, path, "standing-percentage", "0 % reaches no user");
        problem.help("raise the percentage, or remove the rule");
    }
}

/// Keys of `rollout` that have no effect.
pub(crate) fn rollout(flag: &Flag, path: Path<'_>, diagnostics: &mut Diagnostics) {
    let Some(At { value: rollout, span }) = &flag.rollout else { return };
    let mut warn = |span, path, (message, help): (&str, &str)| {
        diagnostics.warn(span, path, "rollout-without-effect", message).help(help);
    };
    let stages = rollout.schedule.as_ref().map_or(0, |schedule| schedule.value.len());
    if rollout.percentage.is_none() && rollout.cohorts.is_none() && rollout.schedule.is_none() {
        warn(*span, path, WITHOUT_SHARE);
    }
    if let Some(by) = rollout.by.as_ref().filter(|_| !draws(flag, rollout)) {
        warn(by.span, path.key("by"), NOTHING_DRAWN);
    }
    if let Some(ramp) = rollout.ramp.filter(|_| stages < 2) {
        warn(ramp.span, path.key("ramp"), RAMP_ALONE);
    }
}

// Messages of `rollout-without-effect`, each with its help.
const WITHOUT_SHARE: (&str, &str) = (
    "a rollout without percentage, cohorts or schedule reaches everyone",
    "write `percentage: 100` to say so, or a smaller one",
);
const NOTHING_DRAWN: (&str, &str) =
    ("`by` has no effect, because all users get the same", "add a percentage or variants, or remove `by`");
const RAMP_ALONE: (&str, &str) = ("`ramp` needs a schedule with at least two entries", "add entries, or remove `ramp`");

/// Whether anything depends on a bucket or a split point.
fn draws(flag: &Flag, rollout: &Rollout) -> bool {
    let stages = rollout.schedule.as_ref().is_some_and(|schedule| !schedule.value.is_empty());
    let variants = flag.variants.as_ref().is_some_and(|variants| variants.value.len() > 1);
    stages || variants || rollout.percentage.is_some() || flag.rules.is_some()
}
