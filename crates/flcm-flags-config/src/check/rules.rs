//! The rules of a flag: those under `rules`, then those that the short form stands for.

use flcm_flags::Serves;
use flcm_flags::time::parse_rfc3339;

use crate::check::lint::{self, Part, Position};
use crate::check::{Checker, plain_rule};
use crate::config;
use crate::diagnostics::Path;
use crate::limits;
use crate::parse::document::{At, Condition, Flag, Ramp, Rollout, Rule, Stage};

impl Checker<'_> {
    pub(super) fn rules(&mut self, flag: &Flag, variants: &[config::Variant], path: Path<'_>) -> Vec<config::Rule> {
        let cohorts = flag.rollout.as_ref().and_then(|rollout| rollout.value.cohorts.as_ref());
        let count =
            flag.rules.as_ref().map_or(0, |rules| rules.value.len()) + cohorts.map_or(0, |all| all.value.len()) + 1;
        let mut rules = Vec::with_capacity(count);
        let mut positions = Vec::with_capacity(count);
        for (index, rule) in flag.rules.iter().flat_map(|rules| &rules.value).enumerate() {
            rules.push(self.rule(&rule.value, variants, path.key("rules").index(index)));
            positions.push(Position { span: rule.span, part: Part::Rule(index) });
        }
        if has_short_form(flag) {
            self.short_form(flag, path, &mut rules, &mut positions);
        } else if has_no_rules(flag) {
            // What narrows nothing reaches everyone.
            rules.push(plain_rule(Serves::Everyone, Vec::new()));
            positions.push(Position { span: flag.span_of_default(), part: Part::Flag });
        }
        self.rule_limit(&rules, flag, path);
        lint::rules(flag, &rules, &positions, path, self.diagnostics);
        rules
    }

    fn rule(&mut self, rule: &Rule, variants: &[config::Variant], path: Path<'_>) -> config::Rule {
        self.rule_name(rule, path);
        let mut checked = plain_rule(Serves::On, self.all_of(rule.conditions.as_ref(), path));
        checked.name = rule.name.as_ref().map(|name| name.value.clone());
        if let Some(percentage) = &rule.percentage {
            checked.percentage = self.percentage(percentage, path.key("percentage"));
            lint::idle(percentage, path.key("percentage"), self.diagnostics);
        }
        checked.split = self.split(rule, variants, path);
        checked
    }

    fn split(&mut self, rule: &Rule, variants: &[config::Variant], path: Path<'_>) -> Option<Vec<(String, u32)>> {
        if let (Some(variant), Some(_)) = (&rule.variant, &rule.variants) {
            let message = "`variant` and `variants` cannot be combined".to_owned();
            self.diagnostics.error(variant.span, path.key("variant"), "wrong-split", message).help("keep one of them");
        }
        match (&rule.variant, &rule.variants) {
            (Some(name), _) => {
                self.known_variant(&name.value, variants, name.span, path.key("variant"));
                Some(vec![(name.value.clone(), 1)])
            }
            (None, Some(list)) => Some(self.shares(list, variants, path.key("variants"))),
            (None, None) => None,
        }
    }

    fn all_of(&mut self, conditions: Option<&At<Vec<At<Condition>>>>, path: Path<'_>) -> Vec<config::Condition> {
        conditions.map(|list| self.conditions(list, path.key("conditions"), true)).unwrap_or_default()
    }

    /// One rule per listed cohort, in order, then one with the flag's conditions and percentage.
    fn short_form(
        &mut self,
        flag: &Flag,
        path: Path<'_>,
        rules: &mut Vec<config::Rule>,
        positions: &mut Vec<Position>,
    ) {
        let everyone = At { value: Rollout::default(), span: flag.span_of_default() };
        let At { value: rollout, span } = flag.rollout.as_ref().unwrap_or(&everyone);
        let rollout_path = path.key("rollout");
        let cohorts_path = rollout_path.key("cohorts");
        for (index, (cohort, on)) in rollout.cohorts.iter().flat_map(|cohorts| &cohorts.value).enumerate() {
            let condition = self.named_cohort(cohort, cohorts_path.index(index));
            rules.push(plain_rule(if on.value { Serves::CohortOn } else { Serves::CohortOff }, vec![condition]));
            positions.push(Position { span: cohort.span, part: Part::Cohort(index) });
        }
        let mut rule = plain_rule(Serves::On, self.all_of(flag.conditions.as_ref(), path));
        self.roll_out(&mut rule, rollout, rollout_path);
        rules.push(rule);
        lint::rollout(flag, rollout_path, self.diagnostics);
        // The position of the conditions is more precise than that of the flag.
        let span = flag.conditions.as_ref().map_or(*span, |conditions| conditions.span);
        positions.push(Position { span, part: Part::Flag });
    }

    /// Percentage and schedule of the short form, and the name of the attribute that is hashed.
    fn roll_out(&mut self, rule: &mut config::Rule, rollout: &Rollout, path: Path<'_>) {
        rule.percentage = match &rollout.percentage {
            Some(percentage) => self.percentage(percentage, path.key("percentage")),
            None if rollout.cohorts.is_some() || rollout.schedule.is_some() => 0,
            None => rule.percentage,
        };
        if let Some(by) = &rollout.by {
            self.name(by, path.key("by"));
        }
        rule.schedule = self.schedule(rollout, path.key("schedule"));
        rule.linear = rollout.ramp.is_some_and(|ramp| ramp.value == Ramp::Linear);
    }

    fn schedule(&mut self, rollout: &Rollout, path: Path<'_>) -> Vec<(u64, u32)> {
        let Some(stages) = &rollout.schedule else { return Vec::new() };
        if stages.value.len() > limits::SCHEDULE {
            let (count, most) = (stages.value.len(), limits::SCHEDULE);
            let message = format!("the schedule has {count} entries, more than the limit of {most}");
            let problem = self.diagnostics.error(stages.span, path, "limit-schedule", message);
            problem.help("use `ramp: linear` between fewer entries");
        }
        let mut schedule: Vec<(u64, u32)> = Vec::new();
        for (index, At { value: Stage { at, percentage }, .. }) in stages.value.iter().enumerate() {
            let path = path.index(index);
            let percentage = self.percentage(percentage, path.key("percentage"));
            let previous = schedule.last().map(|(previous, _)| *previous);
            schedule.extend(self.time(at, previous, path.key("at")).map(|time| (time, percentage)));
        }
        self.past_schedule(stages, schedule.last().copied(), path);
        schedule
    }

    /// A time, in milliseconds since 1970.
    pub(super) fn instant(&mut self, at: &At<String>, path: Path<'_>) -> Option<u64> {
        let parsed = parse_rfc3339(&at.value).and_then(|time| u64::try_from(time).ok());
        let time = parsed.filter(|time| *time <= limits::TIME);
        if time.is_none() {
            let message = format!("`{}` is not an RFC 3339 time since 1970", at.value);
            let problem = self.diagnostics.error(at.span, path, "wrong-time", message);
            problem.help("write it like 2026-12-01T00:00:00Z");
        }
        time
    }

    /// The time of an entry of a schedule, which comes after the previous one.
    fn time(&mut self, at: &At<String>, previous: Option<u64>, path: Path<'_>) -> Option<u64> {
        let time = self.instant(at, path);
        if time.is_some() && previous >= time {
            let message = "the entries of the schedule are not in the order of time".to_owned();
            let problem = self.diagnostics.error(at.span, path, "wrong-order", message);
            problem.help("sort the entries by `at`, and give each time once");
        }
        time
    }
}

/// The short form is there when the flag has `rollout` or `conditions`, or has `variants` but no rules.
fn has_short_form(flag: &Flag) -> bool {
    flag.rollout.is_some() || flag.conditions.is_some() || (flag.variants.is_some() && has_no_rules(flag))
}

/// An empty list of rules is like none.
fn has_no_rules(flag: &Flag) -> bool {
    flag.rules.as_ref().is_none_or(|rules| rules.value.is_empty())
}
