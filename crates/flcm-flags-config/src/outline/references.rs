//! The cohorts and flags that a flag or a cohort names.

use crate::parse::document::{At, Cohort, Condition, Dependency, Flag};

/// The cohorts that a flag names, in its rollout and in its conditions.
pub(super) fn cohorts(flag: &Flag) -> Vec<&At<String>> {
    let switches = flag.rollout.iter().filter_map(|rollout| rollout.value.cohorts.as_ref());
    let mut named: Vec<&At<String>> = switches.flat_map(|cohorts| &cohorts.value).map(|(name, _)| name).collect();
    each(flag, &mut |condition| {
        if let Condition::Cohort(cohort) = condition {
            named.push(&cohort.cohort);
        }
    });
    named
}

/// The cohorts that the conditions of a cohort name.
pub(super) fn of_cohort(cohort: &Cohort) -> Vec<&At<String>> {
    let mut named = Vec::new();
    for condition in cohort.when.iter().flat_map(|when| &when.value) {
        within(&condition.value, &mut |condition| {
            if let Condition::Cohort(cohort) = condition {
                named.push(&cohort.cohort);
            }
        });
    }
    named
}

/// The flags that a flag names, in its dependencies and in its conditions.
pub(super) fn flags(flag: &Flag) -> Vec<At<String>> {
    let dependencies = flag.dependencies.iter().flat_map(|dependencies| &dependencies.value);
    let name = |At { value, span }: &At<Dependency>| match value {
        Dependency::Expects(condition) => condition.flag.clone(),
        Dependency::Key(key) => At { value: key.clone(), span: *span },
    };
    let mut named: Vec<At<String>> = dependencies.map(name).collect();
    each(flag, &mut |condition| {
        if let Condition::Flag(condition) = condition {
            named.push(condition.flag.clone());
        }
    });
    named
}

/// Shows all conditions of a flag and of its rules.
fn each<'f>(flag: &'f Flag, show: &mut impl FnMut(&'f Condition)) {
    let rules = flag.rules.iter().flat_map(|rules| &rules.value).filter_map(|rule| rule.value.conditions.as_ref());
    for condition in flag.conditions.iter().chain(rules).flat_map(|conditions| &conditions.value) {
        within(&condition.value, show);
    }
}

fn within<'f>(condition: &'f Condition, show: &mut impl FnMut(&'f Condition)) {
    show(condition);
    match condition {
        Condition::All(group) => group.all.iter().for_each(|inner| within(&inner.value, show)),
        Condition::Any(group) => group.any.iter().for_each(|inner| within(&inner.value, show)),
        Condition::Not(not) => within(&not.not.value, show),
        Condition::Cohort(_) | Condition::Flag(_) | Condition::Test(_) => {}
    }
}
