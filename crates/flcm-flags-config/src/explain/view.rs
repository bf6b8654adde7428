//! A flag of a snapshot as plain data, for `flcm inspect` and [`crate::diff`].

use std::fmt::Write;

use flcm_flags::{Expected, Flag, FlagId, Policy, Rule, Snapshot, Source, Variant};
use serde::Serialize;
use serde_json::Value as Json;

use crate::explain::text;

/// A flag.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FlagView {
    /// The flag key.
    pub key: String,
    /// Whether this version can decide the flag.
    pub readable: bool,
    /// The kill switch.
    pub enabled: bool,
    /// The salt of the user's bucket.
    pub salt: String,
    /// The attribute that is hashed; `None` for the targeting key.
    pub by: Option<String>,
    /// What is served when no rule applies.
    pub default: Option<Json>,
    /// What is served when a rule applies, unless a variant has a value of its own.
    pub on: Option<Json>,
    /// In the order of the document.
    pub variants: Vec<VariantView>,
    /// As text: `checkout on`.
    pub dependencies: Vec<String>,
    /// How many users are listed.
    pub overrides: u32,
    /// In the order in which they are tried.
    pub rules: Vec<RuleView>,
    /// `None` when the flag does not roll back.
    pub error_threshold: Option<ThresholdView>,
}

/// A variant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VariantView {
    /// What it is called.
    pub name: String,
    /// `None` when the flag's `on` is served.
    pub value: Option<Json>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleView {
    /// `None` for a rule without a name.
    pub name: Option<String>,
    /// `on`, `cohort on` or `cohort off`.
    pub serves: &'static str,
    /// As text; empty when there are none.
    pub conditions: String,
    /// Thousandths of a percent, before the schedule begins.
    #[serde(serialize_with = "as_percent")]
    pub percentage: u32,
    /// In the order of time; empty without a schedule.
    pub schedule: Vec<StageView>,
    /// `linear` or `step`; `None` without a schedule.
    pub ramp: Option<&'static str>,
    /// Empty when the rule has no split.
    pub weights: Vec<WeightView>,
}

/// An entry of a schedule.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StageView {
    /// As RFC 3339 in UTC.
    pub at: String,
    /// Thousandths of a percent.
    #[serde(serialize_with = "as_percent")]
    pub percentage: u32,
}

/// A variant's weight in a split.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WeightView {
    /// The variant's name.
    pub variant: String,
    /// Its part of the sum of all weights.
    pub weight: u32,
}

/// When and how a flag rolls back: a [`Policy`], with the keywords of documents.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ThresholdView {
    /// Error rate above which the flag is rolled back, between 0 and 1.
    #[serde(serialize_with = "crate::parse::json::serialize_number")]
    pub rate: f64,
    /// Seconds that are shown, and over which a rate is taken.
    pub window: u32,
    /// Outcomes before a rate counts.
    pub min_samples: u32,
    /// Seconds before the first probe.
    pub cooldown: u32,
    /// Share of users that passes half-open, in thousandths of a percent.
    #[serde(serialize_with = "as_percent")]
    pub probe: u32,
    /// How a fault is detected.
    pub detector: &'static str,
    /// How many times the control's error rate is tolerated.
    #[serde(serialize_with = "crate::parse::json::serialize_number")]
    pub ratio: f64,
    /// The error rate that is tolerated on top of that.
    #[serde(serialize_with = "crate::parse::json::serialize_number")]
    pub margin: f64,
    /// How many false rollbacks the flag may have in a day, on average.
    #[serde(serialize_with = "crate::parse::json::serialize_number")]
    pub budget: f64,
    /// Milliseconds above which a call is slow; `None` when no call is.
    pub slow_ms: Option<u32>,
    /// Share of slow calls above which the flag is rolled back, between 0 and 1.
    #[serde(serialize_with = "crate::parse::json::serialize_number")]
    pub slow_rate: f64,
    /// What a rollback does.
    pub action: &'static str,
    /// What happens when the control fails as well.
    pub shared: &'static str,
    /// Whose outcomes count: `servers`, `pages` or both.
    pub evidence: Vec<&'static str>,
    /// How the flag comes back.
    pub recovery: &'static str,
}

/// In percent, as documents have it. The division is exact to the three decimals.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn as_percent<S: serde::Serializer>(thousandths: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    match (thousandths % 1_000, thousandths / 1_000) {
        (0, whole) => serializer.serialize_u32(whole),
        _ => serializer.serialize_f64(f64::from(*thousandths) / 1_000.0),
    }
}

impl FlagView {
    /// Reads a flag of this snapshot.
    #[must_use]
    pub fn new<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, flag: Flag<'_>) -> Self {
        let dependencies = flag.dependencies().map(|(other, expected)| dependency(snapshot, other, expected));
        Self {
            key: flag.key().to_owned(),
            readable: flag.is_readable(),
            enabled: flag.enabled(),
            salt: flag.salt().to_owned(),
            by: flag.by().map(str::to_owned),
            default: flag.default_value().map(text::json_of_value),
            on: flag.on_value().map(text::json_of_value),
            variants: flag.variants().map(VariantView::new).collect(),
            dependencies: dependencies.collect(),
            overrides: flag.override_count(),
            rules: flag.rules().map(|rule| RuleView::new(snapshot, flag, rule)).collect(),
            error_threshold: flag.policy().map(ThresholdView::new),
        }
    }
}

/// `checkout on`, `checkout variant blue`.
fn dependency<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, flag: FlagId, expected: Expected) -> String {
    let key = snapshot.describe(flag).map_or("", |flag| flag.key());
    format!("{key} {}", text::expectation(snapshot, flag, expected))
}

impl VariantView {
    fn new(variant: Variant<'_>) -> Self {
        Self { name: variant.name().to_owned(), value: variant.value().map(text::json_of_value) }
    }
}

impl RuleView {
    fn new<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, flag: Flag<'_>, rule: Rule<'_>) -> Self {
        let stage = |(at, percentage)| StageView { at: text::rfc3339(at), percentage };
        let schedule: Vec<StageView> = rule.schedule().map(stage).collect();
        let ramp = if rule.is_linear() { "linear" } else { "step" };
        Self {
            name: rule.name().map(str::to_owned),
            serves: text::serves(rule.serves()),
            conditions: text::conditions(snapshot, rule.conditions()),
            percentage: rule.percentage(),
            ramp: (!schedule.is_empty()).then_some(ramp),
            schedule,
            weights: weights(flag, rule),
        }
    }

    /// Who gets what, as text.
    #[must_use]
    pub fn describe(&self) -> String {
        let Self { serves, conditions, percentage, schedule, ramp, .. } = self;
        let who = if conditions.is_empty() { "everyone" } else { conditions };
        let mut text = match *serves {
            "cohort off" => format!("{who}: off"),
            "cohort on" => format!("{who}: on"),
            _ => format!("{who}: {}", text::percent(*percentage)),
        };
        for StageView { at, percentage } in schedule {
            // Writing to a string cannot fail.
            let _ = write!(text, ", {} from {at}", text::percent(*percentage));
        }
        if *ramp == Some("linear") {
            text.push_str(", in a straight line");
        }
        text
    }

    /// The weights: `full_library 50, core_only 50`.
    #[must_use]
    pub fn split(&self) -> String {
        let weights: Vec<String> =
            self.weights.iter().map(|WeightView { variant, weight }| format!("{variant} {weight}")).collect();
        weights.join(", ")
    }
}

fn weights(flag: Flag<'_>, rule: Rule<'_>) -> Vec<WeightView> {
    let mut below = 0;
    let weight = |(index, cumulative): (u16, u32)| {
        let weight = cumulative - below;
        below = cumulative;
        let variant = flag.variant(index).map_or("", |variant| variant.name()).to_owned();
        WeightView { variant, weight }
    };
    rule.shares().map(weight).collect()
}

impl ThresholdView {
    fn new(policy: Policy) -> Self {
        Self {
            rate: policy.rate,
            window: policy.window,
            min_samples: policy.min_samples,
            cooldown: policy.cooldown,
            probe: policy.probe,
            detector: policy.detector.as_str(),
            ratio: policy.ratio,
            margin: policy.margin,
            budget: policy.budget,
            slow_ms: (policy.slow_ms > 0).then_some(policy.slow_ms),
            slow_rate: policy.slow_rate,
            action: policy.action.as_str(),
            shared: policy.shared.as_str(),
            evidence: Source::ALL
                .iter()
                .filter(|source| policy.evidence.include(**source))
                .map(|one| one.as_str())
                .collect(),
            recovery: policy.recovery.as_str(),
        }
    }

    /// One line. Settings that have their default are left out.
    #[must_use]
    pub fn describe(&self) -> String {
        let Self { rate, window, min_samples, cooldown, probe, .. } = self;
        let probe = text::percent(*probe);
        let mut text = format!(
            "error rate above {rate} in {window} s, from {min_samples} outcomes; cooldown {cooldown} s, probe {probe}"
        );
        let default = Self::new(Policy::DEFAULT).details();
        for (detail, _) in self.details().into_iter().zip(default).filter(|(own, default)| own != default) {
            text.push_str("; ");
            text.push_str(&detail);
        }
        text
    }

    fn details(&self) -> [String; 10] {
        let Self { detector, ratio, margin, budget, slow_ms, slow_rate, action, shared, evidence, recovery, .. } = self;
        [
            format!("detector {detector}"),
            format!("ratio {ratio}"),
            format!("margin {margin}"),
            format!("budget {budget} a day"),
            slow_ms.map_or_else(String::new, |slow_ms| format!("slow above {slow_ms} ms")),
            format!("slow rate {slow_rate}"),
            format!("action {action}"),
            format!("shared {shared}"),
            format!("evidence of {}", evidence.join(" and ")),
            format!("recovery {recovery}"),
        ]
    }
}
