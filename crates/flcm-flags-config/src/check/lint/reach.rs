//! Hints and warnings about flags that reach everyone, because nothing narrows them, or nobody, because nothing can
//! turn them on.

use flcm_flags::Serves;

use super::conflict;
use super::rules::highest;
use crate::config::Rule;
use crate::diagnostics::{Diagnostics, Path};
use crate::parse::document::{At, Flag, Literal, Override, Rollout};

/// Tells once that a flag is on for everyone because nothing narrows it. A rollout that is written out is on purpose.
pub(super) fn everyone(flag: &Flag, rules: &[Rule], path: Path<'_>, diagnostics: &mut Diagnostics) {
    let is_written = flag.rollout.is_some() || flag.variants.is_some() || is_listed(flag);
    if is_written || !is_enabled(flag) || is_on_by_default(flag) || !narrows_nothing(rules) {
        return;
    }
    if switches_on(flag) {
        let message = "nothing narrows this flag, so everyone gets it, and not only the users of `overrides`";
        let problem = diagnostics.warn(flag.span, path, "reaches-everyone", message);
        problem.help("add `rollout: { percentage: 0 }` for these users alone");
        return;
    }
    let needs = flag.dependencies.as_ref().is_some_and(|list| !list.value.is_empty());
    let who = if needs { "everyone for whom its dependencies hold" } else { "everyone" };
    let message = format!("nothing narrows this flag, so {who} gets it");
    let problem = diagnostics.hint(flag.span, path, "reaches-everyone", message);
    problem.help("right if that is meant; otherwise start dark with `rollout: { percentage: 0 }`");
}

fn narrows_nothing(rules: &[Rule]) -> bool {
    rules.iter().all(|rule| rule.conditions.is_empty())
}

/// Whether there is a list of rules that is not empty.
fn is_listed(flag: &Flag) -> bool {
    flag.rules.as_ref().is_some_and(|rules| !rules.value.is_empty())
}

/// Tells of a rollout that is complete: no condition, cohort, override or dependency leaves anybody out.
pub(super) fn finished(flag: &Flag, path: Path<'_>, diagnostics: &mut Diagnostics) {
    let Some(At { value: Rollout { percentage: Some(percentage), cohorts, schedule, .. }, .. }) = &flag.rollout else {
        return;
    };
    let plain = schedule.is_none()
        && flag.conditions.is_none()
        && flag.rules.is_none()
        && flag.variants.is_none()
        && flag.overrides.is_none()
        && flag.dependencies.is_none()
        && cohorts.iter().flat_map(|cohorts| &cohorts.value).all(|(_, on)| on.value);
    if is_enabled(flag) && plain && percentage.value >= 100.0 {
        let path = path.key("rollout");
        let message = "100 %: the rollout is complete";
        let problem = diagnostics.hint(percentage.span, path.key("percentage"), "standing-percentage", message);
        problem.help("remove the flag once the old code is gone");
    }
}

/// Warns about a flag that nothing can turn on; whether it is one. A percentage of 0 that is written down is a dark
/// start: somebody is going to raise it.
pub(super) fn nobody(flag: &Flag, rules: &[Rule], path: Path<'_>, diagnostics: &mut Diagnostics) -> bool {
    let conflicts: Vec<_> = rules.iter().map(|rule| conflict::of(&rule.conditions)).collect();
    let can_serve = |(rule, conflict): (&Rule, &Option<String>)| match rule.serves {
        Serves::CohortOff => false,
        Serves::CohortOn | Serves::Everyone => true,
        Serves::On => conflict.is_none() && (highest(rule) > 0 || is_dark(flag, rule)),
    };
    let is_on = !is_enabled(flag) || is_on_by_default(flag) || switches_on(flag);
    if is_on || rules.iter().zip(&conflicts).any(can_serve) {
        return false;
    }
    let (message, help) = match conflicts.into_iter().flatten().next() {
        Some(conflict) => (format!("nothing can turn this flag on: {conflict}"), "remove one of them"),
        None => ("nothing can turn this flag on: its percentage is 0, and nothing raises it".to_owned(), RAISE),
    };
    diagnostics.warn(flag.span, path, "never-on", message).help(help);
    true
}

const RAISE: &str = "write a percentage above 0: beside `cohorts` and `schedule` it is 0 unless it is written";

/// Whether the percentage of the rule is 0 on purpose: one that is written down, and that no schedule follows.
fn is_dark(flag: &Flag, rule: &Rule) -> bool {
    let rollout = flag.rollout.as_ref().map(|rollout| &rollout.value);
    let is_written = rollout.is_some_and(|rollout| rollout.percentage.is_some());
    // Of a rule under `rules` another warning tells.
    rule.schedule.is_empty() && (is_written || is_listed(flag))
}

fn is_enabled(flag: &Flag) -> bool {
    flag.enabled.is_none_or(|enabled| enabled.value)
}

fn is_on_by_default(flag: &Flag) -> bool {
    flag.default.as_ref().is_some_and(|default| default.value == Literal::Bool(true))
}

/// Whether some override serves on or a variant.
fn switches_on(flag: &Flag) -> bool {
    let overrides = flag.overrides.iter().flat_map(|overrides| &overrides.0);
    overrides.map(|(_, to)| &to.value).any(|to| !matches!(to, Override::Switch(false)))
}
