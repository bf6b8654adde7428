//! Warnings about documents that are valid, but probably not what was meant.

use std::collections::BTreeSet;
use std::fmt::Display;

use flcm_flags::Serves;

use crate::config::graph::{all_leaves, cohort_name};
use crate::config::{Config, Dependency, Expected, Flag as ConfigFlag, Rule, Value};
use crate::diagnostics::{Diagnostics, Path, Span};
use crate::parse::document::{At, Document, Flag, Rollout};

mod threshold;

pub(crate) use threshold::threshold;

/// Cohorts and templates that are not used.
pub(crate) fn document(document: &Document, config: &Config, diagnostics: &mut Diagnostics) {
    unused_cohorts(document, config, diagnostics);
    unused_templates(document, diagnostics);
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

/// A dependency that can never hold, because the other flag is disabled.
pub(crate) fn dependency(
    on: &ConfigFlag,
    what: &Dependency,
    span: Span,
    path: impl Display,
    diagnostics: &mut Diagnostics,
) {
    let can_hold = match what.expected {
        Expected::Enabled(enabled) => enabled == (on.default == Value::Bool(true)),
        Expected::Variant(_) => false,
    };
    if !on.enabled && !can_hold {
        let message = format!("flag `{}` is disabled, so this can never hold", what.flag);
        diagnostics.warn(span, path, "disabled-dependency", message).help("enable that flag, or remove the dependency");
    }
}

/// A percentage of 0 or 100 that no schedule changes.
pub(crate) fn standing(percentage: &At<f64>, path: Path<'_>, diagnostics: &mut Diagnostics) {
    let (message, help) = match percentage.value {
        0.0 => ("0 % reaches no user", "raise the percentage, or remove the rule or the flag"),
        100.0 => ("100 %: the rollout is complete", "remove the percentage, or the flag once the old code is gone"),
        _ => return,
    };
    diagnostics.warn(percentage.span, path, "standing-percentage", message).help(help);
}

/// Keys of `rollout` that have no effect.
pub(crate) fn rollout(flag: &Flag, path: Path<'_>, diagnostics: &mut Diagnostics) {
    let Some(At { value: rollout, span }) = &flag.rollout else { return };
    let mut warn = |span, path, (message, help): (&str, &str)| {
        diagnostics.warn(span, path, "rollout-without-effect", message).help(help);
    };
    let stages = rollout.schedule.as_ref().map_or(0, |schedule| schedule.value.len());
    if rollout.percentage.is_none() && rollout.cohorts.is_none() && stages == 0 {
        warn(*span, path, WITHOUT_SHARE);
    }
    if let Some(by) = rollout.by.as_ref().filter(|_| !draws(flag, rollout)) {
        warn(by.span, path.key("by"), NOTHING_DRAWN);
    }
    if let Some(ramp) = rollout.ramp.filter(|_| stages < 2) {
        warn(ramp.span, path.key("ramp"), RAMP_ALONE);
    }
    if let Some(percentage) = rollout.percentage.as_ref().filter(|_| stages == 0) {
        standing(percentage, path.key("percentage"), diagnostics);
    }
}

// Messages of `rollout-without-effect`, each with its help.
const WITHOUT_SHARE: (&str, &str) =
    ("a rollout without percentage, cohorts or schedule reaches everyone", "add a percentage, or remove `rollout`");
const NOTHING_DRAWN: (&str, &str) =
    ("`by` has no effect, because all users get the same", "add a percentage or variants, or remove `by`");
const RAMP_ALONE: (&str, &str) = ("`ramp` needs a schedule with at least two entries", "add entries, or remove `ramp`");

/// Whether anything depends on a bucket or a split point.
fn draws(flag: &Flag, rollout: &Rollout) -> bool {
    let stages = rollout.schedule.as_ref().is_some_and(|schedule| !schedule.value.is_empty());
    let variants = flag.variants.as_ref().is_some_and(|variants| variants.value.len() > 1);
    stages || variants || rollout.percentage.is_some() || flag.rules.is_some()
}

/// Rules that never apply, because an earlier rule applies to all of their users.
///
/// All rules of a flag use the same bucket. So an earlier rule with the same or fewer conditions, and the same or a
/// higher percentage, takes every user of a later one.
pub(crate) fn unreachable(rules: &[Rule], positions: &[(Span, String)], diagnostics: &mut Diagnostics) {
    for (index, (rule, (span, path))) in rules.iter().zip(positions).enumerate() {
        let covers = |earlier: &&Rule| {
            let enough = earlier.serves != Serves::On || earlier.percentage >= highest(rule);
            enough
                && earlier.schedule.is_empty()
                && earlier.conditions.iter().all(|condition| rule.conditions.contains(condition))
        };
        // A rule is compared with the 100 before it only, so that the check stays linear.
        let Some(earlier) = rules[index.saturating_sub(100)..index].iter().find(covers) else { continue };
        let name = earlier.name.as_ref().map_or_else(|| "an earlier rule".to_owned(), |name| format!("rule `{name}`"));
        let message = format!("this rule never applies: {name} always applies first");
        diagnostics.warn(*span, path, "unreachable-rule", message).help("move it up, or remove it");
    }
}

fn highest(rule: &Rule) -> u32 {
    rule.schedule.iter().map(|(_, percentage)| *percentage).chain([rule.percentage]).max().unwrap_or(0)
}
