//! Thresholds that see less than they might, and keys of one that change nothing.

use flcm_flags::bucket::BUCKETS;
use flcm_flags::{Detector, Policy, Recovery, Serves};

use crate::config::{Flag as ConfigFlag, Rule};
use crate::diagnostics::{Diagnostics, Path, Span};
use crate::parse::document::{At, ErrorThreshold, Flag};

/// Warns about the threshold of a flag.
pub(crate) fn threshold(key: &str, flag: &Flag, checked: &ConfigFlag, path: Path<'_>, diagnostics: &mut Diagnostics) {
    let (Some(written), Some(policy)) = (&flag.error_threshold, &checked.error_threshold) else { return };
    let path = path.key("error_threshold");
    if policy.detector == Detector::Evidence && !has_control(&checked.rules) {
        let message =
            format!("no percentage leaves anybody out of `{key}`, so there is no control to compare its errors with");
        diagnostics
            .warn(written.span, path, "threshold-without-control", message)
            .help("hold back 1 to 5 % while the threshold is set: `percentage: 99`");
    }
    if let Some(detector) = written.value.detector.filter(|detector| detector.value == Detector::Rate) {
        let message = "a rate over a window rolls a healthy flag back by chance, and finds a fault late";
        diagnostics
            .warn(detector.span, path.key("detector"), "rate-detector", message)
            .help("`detector: evidence` bounds both; `flcm simulate` shows them");
    }
    without_effect(written, policy, path, diagnostics);
}

/// Whether a percentage alone may leave somebody out, whom no other rule then serves. A flag that nobody gets has no need
/// of one.
fn has_control(rules: &[Rule]) -> bool {
    let is_whole = |rule: &Rule| rule.percentage == BUCKETS && rule.schedule.iter().all(|(_, share)| *share == BUCKETS);
    let (whole, partial): (Vec<&Rule>, Vec<&Rule>) =
        rules.iter().filter(|rule| rule.serves == Serves::On).partition(|rule| is_whole(rule));
    whole.is_empty() || !partial.is_empty() && whole.iter().all(|rule| !rule.conditions.is_empty())
}

/// A key, and its place when it is written.
type Key = (&'static str, Option<Span>);

fn without_effect(threshold: &At<ErrorThreshold>, policy: &Policy, path: Path<'_>, diagnostics: &mut Diagnostics) {
    let At { value: written, span: whole } = threshold;
    // What is inherited may have its effect elsewhere, and this flag cannot take it back.
    let is_own = |span: &Span| (whole.start..whole.end).contains(&span.start);
    let mut idle = |keys: &[Key], why: &str, help: &str| {
        for (key, span) in keys {
            let Some(span) = span.filter(is_own) else { continue };
            let message = format!("`{key}` does nothing {why}");
            diagnostics.warn(span, path.key(key), "threshold-without-effect", message).help(help);
        }
    };
    if policy.detector == Detector::Rate {
        let keys = [
            ("ratio", place(written.ratio)),
            ("margin", place(written.margin)),
            ("budget", place(written.budget)),
            ("shared", place(written.shared)),
        ];
        idle(&keys, "with `detector: rate`", "remove it, or let `detector: evidence` decide");
    } else {
        let keys = [("min_samples", place(written.min_samples))];
        idle(&keys, "without `detector: rate`", "remove it, or add `detector: rate`");
    }
    if policy.slow_ms == 0 {
        idle(&[("slow_rate", place(written.slow_rate))], "without `slow_ms`", "remove it, or add `slow_ms`");
    }
    if policy.recovery == Recovery::Sticky {
        let keys = [("cooldown", place(written.cooldown)), ("probe", place(written.probe))];
        idle(&keys, "with `recovery: sticky`", "remove it, or `recovery: sticky`");
    }
}

fn place<T>(written: Option<At<T>>) -> Option<Span> {
    written.map(|written| written.span)
}
