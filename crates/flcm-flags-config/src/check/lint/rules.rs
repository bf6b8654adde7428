//! Warnings about the rules of a flag: those that never apply, and what they come to all together.

use flcm_flags::Serves;

use super::{conflict, reach};
use crate::config::Rule;
use crate::diagnostics::{Diagnostics, Path, Span};
use crate::parse::document::Flag;

/// Where a rule is written.
pub(crate) struct Position {
    pub(crate) span: Span,
    pub(crate) part: Part,
}

/// What a rule stands for.
pub(crate) enum Part {
    Cohort(usize),
    Flag,
    Rule(usize),
}

impl Position {
    /// The path of the rule, below that of its flag.
    fn path(&self, flag: Path<'_>) -> String {
        match self.part {
            Part::Cohort(index) => flag.key("rollout").key("cohorts").index(index).to_string(),
            Part::Flag => flag.to_string(),
            Part::Rule(index) => flag.key("rules").index(index).to_string(),
        }
    }
}

/// Warns about the rules of a flag, each of which has a position.
pub(crate) fn rules(
    flag: &Flag,
    rules: &[Rule],
    positions: &[Position],
    path: Path<'_>,
    diagnostics: &mut Diagnostics,
) {
    if !reach::nobody(flag, rules, path, diagnostics) {
        contradictory(rules, positions, path, diagnostics);
    }
    unreachable(rules, positions, path, diagnostics);
}

/// Rules whose conditions exclude each other.
fn contradictory(rules: &[Rule], positions: &[Position], path: Path<'_>, diagnostics: &mut Diagnostics) {
    for (rule, position) in rules.iter().zip(positions) {
        let Some(conflict) = conflict::of(&rule.conditions) else { continue };
        let message = format!("this rule never applies: {conflict}");
        diagnostics
            .warn(position.span, position.path(path), "unreachable-rule", message)
            .help("remove one of them, or the rule");
    }
}

/// Rules that never apply, because an earlier rule applies to all of their users.
///
/// All rules of a flag use the same bucket. So an earlier rule with the same or fewer conditions, and the same or a
/// higher percentage, takes every user of a later one.
fn unreachable(rules: &[Rule], positions: &[Position], path: Path<'_>, diagnostics: &mut Diagnostics) {
    for (index, (rule, position)) in rules.iter().zip(positions).enumerate() {
        let covers = |earlier: &&Rule| {
            let enough = earlier.serves != Serves::On || earlier.percentage >= highest(rule).max(1);
            enough
                && earlier.schedule.is_empty()
                && earlier.conditions.iter().all(|condition| rule.conditions.contains(condition))
        };
        // A rule is compared with the 100 before it only, so that the check stays linear.
        let Some(earlier) = rules[index.saturating_sub(100)..index].iter().find(covers) else { continue };
        let name = earlier.name.as_ref().map_or_else(|| "an earlier rule".to_owned(), |name| format!("rule `{name}`"));
        let message = format!("this rule never applies: {name} always applies first");
        diagnostics
            .warn(position.span, position.path(path), "unreachable-rule", message)
            .help("remove it, which changes nothing; if it should apply, move it up");
    }
}

/// The highest percentage of a rule, at any time.
pub(super) fn highest(rule: &Rule) -> u32 {
    rule.schedule.iter().map(|(_, percentage)| *percentage).chain([rule.percentage]).max().unwrap_or(0)
}
