//! The rules of a flag: those that are written, then those that the short form stands for.

use flcm_flags::Serves;
use flcm_flags::time::parse_rfc3339;

use crate::check::lint;
use crate::check::{Checker, plain_rule};
use crate::config;
use crate::diagnostics::{Path, Span};
use crate::limits;
use crate::parse::document::{At, Flag, Ramp, Rollout, Rule, Stage};

impl Checker<'_> {
    pub(crate) fn rules(&mut self, flag: &Flag, variants: &[config::Variant], path: Path<'_>) -> Vec<config::Rule> {
        let mut rules = Vec::new();
        let mut places = Vec::new();
        for (index, rule) in flag.rules.iter().flat_map(|rules| &rules.value).enumerate() {
            let rules_path = path.key("rules");
            rules.push(self.rule(&rule.value, variants, rules_path.index(index)));
            places.push((rule.span, rules_path.index(index).to_string()));
        }
        self.short_form(flag, path, &mut rules, &mut places);
        self.rule_limit(&rules, flag, path);
        lint::unreachable(&rules, &places, self.diagnostics);
        rules
    }

    fn rule(&mut self, rule: &Rule, variants: &[config::Variant], path: Path<'_>) -> config::Rule {
        self.rule_name(rule, path);
        let conditions = rule.conditions.as_ref().map(|list| self.conditions(list, path.key("conditions"), true));
        let mut checked = plain_rule(Serves::On, conditions.unwrap_or_default());
        checked.name = rule.name.as_ref().map(|name| name.value.clone());
        if let Some(percentage) = &rule.percentage {
            checked.percentage = self.percentage(percentage, path.key("percentage"));
            lint::standing(percentage, path.key("percentage"), self.diagnostics);
        }
        if let (Some(variant), Some(_)) = (&rule.variant, &rule.variants) {
            let message = "`variant` and `variants` together".to_owned();
            self.diagnostics.error(variant.span, path.key("variant"), "wrong-split", message).help("keep one of them");
        }
        checked.split = match (&rule.variant, &rule.variants) {
            (Some(name), _) => Some(self.single(name, variants, path.key("variant"))),
            (None, Some(list)) => Some(self.shares(list, variants, path.key("variants"))),
            (None, None) => None,
        };
        checked
    }

    /// One rule per listed cohort, in order, then one with the flag's conditions and percentage.
    ///
    /// The short form is there when the flag has `rollout` or `conditions`, or has `variants` but no `rules`.
    fn short_form(
        &mut self,
        flag: &Flag,
        path: Path<'_>,
        rules: &mut Vec<config::Rule>,
        places: &mut Vec<(Span, String)>,
    ) {
        if flag.rollout.is_none() && flag.conditions.is_none() && (flag.variants.is_none() || flag.rules.is_some()) {
            return;
        }
        let everyone = At { value: Rollout::default(), span: flag.span_of_default() };
        let At { value: rollout, span } = flag.rollout.as_ref().unwrap_or(&everyone);
        let rollout_path = path.key("rollout");
        for (index, (cohort, on)) in rollout.cohorts.iter().flat_map(|cohorts| &cohorts.value).enumerate() {
            let cohorts_path = rollout_path.key("cohorts");
            let condition = self.named_cohort(cohort, cohorts_path.index(index));
            rules.push(plain_rule(if on.value { Serves::CohortOn } else { Serves::CohortOff }, vec![condition]));
            places.push((cohort.span, cohorts_path.index(index).to_string()));
        }
        let conditions = flag.conditions.as_ref().map(|list| self.conditions(list, path.key("conditions"), true));
        let mut rule = plain_rule(Serves::On, conditions.unwrap_or_default());
        rule.percentage = match &rollout.percentage {
            Some(percentage) => self.percentage(percentage, rollout_path.key("percentage")),
            None if rollout.cohorts.is_some() => 0,
            None => rule.percentage,
        };
        rule.schedule = self.schedule(rollout, rollout_path.key("schedule"));
        rule.linear = rollout.ramp.as_ref().is_some_and(|ramp| ramp.value == Ramp::Linear);
        lint::rollout(flag, rollout_path, self.diagnostics);
        rules.push(rule);
        // Only an empty rollout spans the flag; a place of its own says more.
        let place = flag.conditions.as_ref().map_or(*span, |conditions| conditions.span);
        places.push((place, path.to_string()));
    }

    fn schedule(&mut self, rollout: &Rollout, path: Path<'_>) -> Vec<(u64, u32)> {
        let Some(At { value: stages, span }) = &rollout.schedule else { return Vec::new() };
        if stages.len() > limits::SCHEDULE {
            let message = format!("{} entries, more than the limit of {}", stages.len(), limits::SCHEDULE);
            self.diagnostics
                .error(*span, path, "limit-schedule", message)
                .help("use `ramp: linear` between fewer entries");
        }
        let mut schedule: Vec<(u64, u32)> = Vec::new();
        for (index, At { value: Stage { at, percentage }, .. }) in stages.iter().enumerate() {
            let path = path.index(index);
            let percentage = self.percentage(percentage, path.key("percentage"));
            let time =
                parse_rfc3339(&at.value).and_then(|time| u64::try_from(time).ok()).filter(|time| *time <= limits::TIME);
            let Some(time) = time else {
                let message = format!("`{}` is no RFC 3339 time since 1970", at.value);
                let problem = self.diagnostics.error(at.span, path.key("at"), "wrong-time", message);
                problem.help("write it like 2026-12-01T00:00:00Z");
                continue;
            };
            if schedule.last().is_some_and(|(previous, _)| *previous >= time) {
                let message = "the schedule goes back in time".to_owned();
                self.diagnostics
                    .error(at.span, path.key("at"), "wrong-order", message)
                    .help("sort the entries by `at`, each time once");
            }
            schedule.push((time, percentage));
        }
        schedule
    }
}
