//! The oracle: a second implementation, which decides directly from a [`Config`] by plain recursion.
//!
//! It is slow on purpose. It has no tables, no interned strings, and no order that was computed before. To decide a
//! dependency, it decides that flag. To find a user, it searches the list. It computes every number from its formula.
//!
//! It shares no arithmetic with the core: `SipHash` comes from `siphasher`, times from `jiff`, versions from `semver`,
//! patterns from `regex`. Where a check applies, it returns, so the functions read in the order of the checks.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use flcm_flags::{Arm, ErrorCode, Reason, Serves, TripState};
use flcm_flags_config::config::{Config, Dependency, Expected, Flag, Override, Rule, Value};
use regex::Regex;

use crate::answer::{Answer, value_of};
use crate::{Attribute, OwnedContext};

mod condition;
mod hash;
mod rollout;
mod time;
mod version;

pub use hash::{gate_bucket, hash_of, mix, probe_bucket, sip, split_point};
pub use rollout::{is_inside, percentage_at};
pub use time::milliseconds;
pub use version::compare;

/// The probe share of a flag without `error_threshold`: 5 %, in thousandths of a percent.
const DEFAULT_PROBE: u32 = 5_000;

/// 100 %, in thousandths of a percent.
const WHOLE: u32 = 100_000;

/// Everything that a decision depends on but the configuration and the flag.
#[derive(Clone, Copy, Debug)]
pub struct Question<'q> {
    /// Who is asking.
    pub context: &'q OwnedContext,
    /// What breakers have decided; a flag that is not named is clear.
    pub trips: &'q BTreeMap<String, TripState>,
    /// Milliseconds since 1970.
    pub now: u64,
}

/// Decides the flags of one configuration.
#[derive(Debug)]
pub struct Oracle<'c> {
    config: &'c Config,
    /// Compiled regular expressions: the one thing that is cached, because compiling takes longer than all the rest.
    patterns: RefCell<HashMap<String, Regex>>,
}

impl<'c> Oracle<'c> {
    /// An oracle for a checked document.
    #[must_use]
    pub fn new(config: &'c Config) -> Self {
        Self { config, patterns: RefCell::default() }
    }

    /// Decides a flag: the checks in order, and the first that applies decides.
    #[must_use]
    pub fn decide(&self, key: &str, question: Question<'_>) -> Answer {
        // 1. The flag is unknown.
        let Some(flag) = self.config.flags.get(key) else { return error(ErrorCode::FlagNotFound) };
        // 2. The flag is malformed in the snapshot: there is no snapshot here, and a checked flag is well formed.
        // 3. The kill switch.
        if !flag.enabled {
            return off(flag, Reason::Disabled);
        }
        // 4. The breaker.
        if !passes_breaker(key, flag, question) {
            return off(flag, Reason::BreakerOpen);
        }
        // 5. Dependencies.
        if !flag.dependencies.iter().all(|dependency| self.is_met(dependency, question)) {
            return off(flag, Reason::PrerequisiteFailed);
        }
        // 6. Overrides, by the targeting key and nothing else.
        if let Some(served) = question.context.targeting_key.as_ref().and_then(|key| flag.overrides.get(key)) {
            return overridden(flag, served, question);
        }
        // 7. Rules.
        let mut left_out = false;
        for rule in &flag.rules {
            if !self.all_hold(&rule.conditions, question) {
                continue;
            }
            if let Some(answer) = apply(flag, rule, cap(key, question), question) {
                return answer;
            }
            left_out = true;
        }
        // 8. Nothing applied.
        let reason = if flag.rules.is_empty() { Reason::Static } else { Reason::Default };
        Answer { arm: if left_out { keyword(Arm::Control) } else { keyword(Arm::Outside) }, ..off(flag, reason) }
    }

    /// Whether another flag has decided as expected, for this same context. An error meets no expectation.
    fn is_met(&self, dependency: &Dependency, question: Question<'_>) -> bool {
        let answer = self.decide(&dependency.flag, question);
        match &dependency.expected {
            _ if answer.error_code.is_some() => false,
            Expected::Enabled(enabled) => answer.enabled == *enabled,
            Expected::Variant(name) => answer.variant.as_ref() == Some(name),
        }
    }

    /// Whether the user belongs to a cohort: never when in `except`; else when in `users`, when the host puts the user
    /// in it, or when `when` is present and holds.
    fn is_member(&self, name: &str, question: Question<'_>) -> bool {
        let Some(cohort) = self.config.cohorts.get(name) else { return false };
        let listed = |users: &[String]| question.context.targeting_key.as_ref().is_some_and(|key| users.contains(key));
        if listed(&cohort.except) {
            return false;
        }
        let host_says = match question.context.attributes.get("cohorts") {
            Some(Attribute::List(cohorts)) => cohorts.iter().any(|cohort| cohort == name),
            _ => false,
        };
        listed(&cohort.users)
            || host_says
            || cohort.when.as_ref().is_some_and(|conditions| self.all_hold(conditions, question))
    }
}

/// A cap passes everyone, off nobody; half-open passes the probe share, and nobody without a unit.
fn passes_breaker(key: &str, flag: &Flag, question: Question<'_>) -> bool {
    match question.trips.get(key).copied().unwrap_or_default() {
        TripState::Capped(_) | TripState::Clear => true,
        TripState::HeldOff => false,
        TripState::Probing => {
            let share = flag.error_threshold.map_or(DEFAULT_PROBE, |threshold| threshold.probe);
            unit(flag, question.context).is_some_and(|unit| probe_bucket(sip(unit.as_bytes()), &flag.salt) < share)
        }
    }
}

/// The most that a breaker leaves of any percentage.
fn cap(key: &str, question: Question<'_>) -> u32 {
    match question.trips.get(key) {
        Some(TripState::Capped(cap)) => *cap,
        _ => WHOLE,
    }
}

/// Serves what an override sets: off, a variant, or on by the flag's own split.
fn overridden(flag: &Flag, served: &Override, question: Question<'_>) -> Answer {
    match served {
        Override::Off => off(flag, Reason::Override),
        Override::On => on(flag, Reason::Override, own_split(flag, question).0),
        Override::Variant(name) => on(flag, Reason::Override, Some(name)),
    }
}

/// What a rule whose conditions hold serves; `None` to a user outside its percentage, which the cap limits.
fn apply(flag: &Flag, rule: &Rule, cap: u32, question: Question<'_>) -> Option<Answer> {
    let mut gated = false;
    if rule.serves == Serves::CohortOff {
        return Some(off(flag, Reason::TargetingMatch));
    }
    let is_cohort = rule.serves == Serves::CohortOn;
    if !is_cohort {
        let percentage = percentage_at(rule.percentage, &rule.schedule, rule.linear, question.now).min(cap);
        let hash = unit(flag, question.context).map(|unit| hash_of("flag", &flag.salt, sip(unit.as_bytes())));
        if !is_inside(hash.map(gate_bucket), percentage) {
            return None;
        }
        gated = percentage < WHOLE;
    }
    let (variant, drawn) = match &rule.split {
        None => own_split(flag, question),
        Some(weights) => split(flag, weights, question),
    };
    let matched = if rule.serves == Serves::Everyone { Reason::Static } else { Reason::TargetingMatch };
    let reason = if gated || drawn { Reason::Split } else { matched };
    let arm = if is_cohort { Arm::Outside } else { Arm::Treatment };
    Some(Answer { rule: rule.name.clone(), arm: keyword(arm), ..on(flag, reason, variant) })
}

/// The flag's own split.
fn own_split<'f>(flag: &'f Flag, question: Question<'_>) -> (Option<&'f str>, bool) {
    let weights: Vec<(String, u32)> =
        flag.variants.iter().map(|variant| (variant.name.clone(), variant.weight)).collect();
    split(flag, &weights, question)
}

/// The variant whose cumulative range holds the split point, and whether there was more than one to draw from. The ranges
/// lie in the order of the flag's variants, whatever order the weights are written in.
fn split<'f>(flag: &'f Flag, weights: &[(String, u32)], question: Question<'_>) -> (Option<&'f str>, bool) {
    let weight_of = |name: &str| weights.iter().find(|(other, _)| other == name).map_or(0, |(_, weight)| *weight);
    let shares: Vec<(&str, u32)> = flag
        .variants
        .iter()
        .map(|variant| (variant.name.as_str(), weight_of(&variant.name)))
        .filter(|(_, weight)| *weight > 0)
        .collect();
    let total: u32 = shares.iter().map(|(_, weight)| weight).sum();
    // Without a unit the first variant of positive weight is served: the one that holds point 0.
    let point = unit(flag, question.context)
        .map_or(0, |unit| split_point(hash_of("flag", &flag.salt, sip(unit.as_bytes())), total));
    let mut end = 0;
    let mut holder = None;
    for (name, weight) in &shares {
        end += weight;
        if holder.is_none() && point < end {
            holder = Some(*name);
        }
    }
    (holder, shares.len() > 1)
}

/// What is hashed: the targeting key, or the attribute that `by` names.
fn unit(flag: &Flag, context: &OwnedContext) -> Option<String> {
    let Some(by) = &flag.by else { return context.targeting_key.clone() };
    match read(context, by)? {
        Attribute::Text(text) => Some(text),
        // An integer of magnitude below 2^53 by its decimal text. Adding 0.0 takes the sign from a negative zero, and
        // without an exponent is how `Display` writes a float.
        Attribute::Number(number) if number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0 => {
            Some(format!("{}", number + 0.0))
        }
        Attribute::Bool(_) | Attribute::List(_) | Attribute::Number(_) => None,
    }
}

/// The value of an attribute; `None` when it is absent. `user_id` is always the targeting key, and a number that is not
/// finite counts as absent.
fn read(context: &OwnedContext, name: &str) -> Option<Attribute> {
    if name == "user_id" {
        return context.targeting_key.clone().map(Attribute::Text);
    }
    let value = context.attributes.get(name)?;
    if matches!(value, Attribute::Number(number) if !number.is_finite()) { None } else { Some(value.clone()) }
}

/// Nothing is served.
fn error(code: ErrorCode) -> Answer {
    Answer {
        enabled: false,
        value: None,
        variant: None,
        reason: Reason::Error(code).as_str().to_owned(),
        error_code: Some(code.as_str().to_owned()),
        rule: None,
        arm: keyword(Arm::Outside),
    }
}

/// The default is served, which is enabled when it is `true`.
fn off(flag: &Flag, reason: Reason) -> Answer {
    Answer {
        enabled: flag.default == Value::Bool(true),
        value: Some(value_of(&flag.default)),
        variant: None,
        reason: reason.as_str().to_owned(),
        error_code: None,
        rule: None,
        arm: keyword(Arm::Outside),
    }
}

/// The variant's value is served, or else the flag's `on`.
fn on(flag: &Flag, reason: Reason, variant: Option<&str>) -> Answer {
    let chosen = flag.variants.iter().find(|candidate| Some(candidate.name.as_str()) == variant);
    let value = chosen.and_then(|variant| variant.value.as_ref()).or(flag.on.as_ref());
    Answer { enabled: true, value: value.map(value_of), variant: variant.map(str::to_owned), ..off(flag, reason) }
}

fn keyword(arm: Arm) -> String {
    arm.as_str().to_owned()
}
