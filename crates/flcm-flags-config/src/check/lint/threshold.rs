//! Warnings about `error_threshold`: no control group, a plain rate, keys without effect.

use flcm_flags::bucket::BUCKETS;
use flcm_flags::{Detector, Policy, Recovery, Serves, Source};

use crate::config::{Flag as ConfigFlag, Rule};
use crate::diagnostics::{Diagnostics, Path, Span};
use crate::parse::document::{At, ErrorThreshold, Flag};

/// Warns about the threshold of a flag.
pub(crate) fn threshold(key: &str, flag: &Flag, checked: &ConfigFlag, path: Path<'_>, diagnostics: &mut Diagnostics) {
    let (Some(written), Some(policy)) = (&flag.error_threshold, &checked.error_threshold) else { return };
    let path = path.key("error_threshold");
    if policy.detector == Detector::Evidence && !has_control(&checked.rules) {
        let message =
            format!("no percentage leaves users out of `{key}`, so there is no control to compare its errors with");
        diagnostics
            .warn(written.span, path, "threshold-without-control", message)
            .help("hold back 1 to 5 % while the threshold is set: `percentage: 99`");
    }
    if let Some(detector) = written.value.detector.filter(|detector| detector.value == Detector::Rate) {
        let message = "a plain error rate rolls back healthy flags by chance, and detects faults late";
        diagnostics
            .warn(detector.span, path.key("detector"), "rate-detector", message)
            .help("use `detector: evidence`, which limits false rollbacks; `flcm simulate` compares both");
    }
    without_effect(written, policy, path, diagnostics);
}

/// Whether a percentage leaves some users out whom no other rule serves; those are the control group. A flag that no
/// user gets needs none.
fn has_control(rules: &[Rule]) -> bool {
    let is_whole = |rule: &Rule| rule.percentage == BUCKETS && rule.schedule.iter().all(|(_, share)| *share == BUCKETS);
    let (whole, partial): (Vec<&Rule>, Vec<&Rule>) = rules
        .iter()
        .filter(|rule| matches!(rule.serves, Serves::Everyone | Serves::On))
        .partition(|rule| is_whole(rule));
    whole.is_empty() || !partial.is_empty() && whole.iter().all(|rule| !rule.conditions.is_empty())
}

/// A key, and its position when it is written.
type Key = (&'static str, Option<Span>);

/// Warns about keys that have no effect in combination with the others.
fn without_effect(threshold: &At<ErrorThreshold>, policy: &Policy, path: Path<'_>, diagnostics: &mut Diagnostics) {
    let At { value: written, span: whole } = threshold;
    // Inherited keys are not reported: they may have an effect in another flag.
    let is_own = |span: &Span| (whole.start..whole.end).contains(&span.start);
    for (keys, why, help) in idle_keys(written, policy) {
        for (key, span) in keys {
            let Some(span) = span.filter(is_own) else { continue };
            let message = format!("`{key}` has no effect {why}");
            diagnostics.warn(span, path.key(key), "threshold-without-effect", message).help(help);
        }
    }
}

/// The keys without effect, the reason, and the help.
fn idle_keys(written: &ErrorThreshold, policy: &Policy) -> Vec<(Vec<Key>, &'static str, &'static str)> {
    let mut idle = vec![by_detector(written, policy.detector)];
    if policy.slow_ms == 0 {
        let keys = vec![("slow_rate", position(written.slow_rate))];
        idle.push((keys, "without `slow_ms`", "remove it, or add `slow_ms`"));
    }
    let weighs = |source| policy.evidence.include(source);
    if policy.recovery == Recovery::Sticky && !weighs(Source::Pages) {
        let keys = vec![("cooldown", position(written.cooldown)), ("probe", position(written.probe))];
        idle.push((keys, "with `recovery: sticky`", "remove it, or remove `recovery: sticky`"));
    }
    if !weighs(Source::Servers) {
        let keys = vec![("recovery", position(written.recovery))];
        let help = "remove it: a flag that pages had rolled back always recovers by itself";
        idle.push((keys, "with `evidence: [pages]`", help));
    }
    idle
}

fn by_detector(written: &ErrorThreshold, detector: Detector) -> (Vec<Key>, &'static str, &'static str) {
    if detector == Detector::Evidence {
        let keys = vec![("min_samples", position(written.min_samples))];
        return (keys, "without `detector: rate`", "remove it, or add `detector: rate`");
    }
    let keys = vec![
        ("ratio", position(written.ratio)),
        ("margin", position(written.margin)),
        ("budget", position(written.budget)),
        ("shared", position(written.shared)),
    ];
    (keys, "with `detector: rate`", "remove it, or let `detector: evidence` decide")
}

fn position<T>(written: Option<At<T>>) -> Option<Span> {
    written.map(|written| written.span)
}
