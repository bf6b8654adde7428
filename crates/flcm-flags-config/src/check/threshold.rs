//! Checks `error_threshold`: its defaults, and the ranges of its numbers.

use std::fmt::Display;
use std::ops::RangeInclusive;

use flcm_flags::{Policy, Source, Sources};

use super::Checker;
use crate::diagnostics::Path;
use crate::parse::document::{At, Budget, ErrorThreshold};

impl Checker<'_> {
    pub(super) fn threshold(&mut self, threshold: &At<ErrorThreshold>, path: Path<'_>) -> Option<Policy> {
        if threshold.value.rate.is_none() {
            let problem = self.diagnostics.error(threshold.span, path, "missing-key", "`rate` is missing");
            problem.help("add `rate: 0.05` for 5 % errors");
            return None;
        }
        Some(self.policy(&threshold.value, path))
    }

    fn policy(&mut self, threshold: &ErrorThreshold, path: Path<'_>) -> Policy {
        let usual = Policy::DEFAULT;
        let budget = threshold.budget.map(|At { value: Budget(value), span }| At { value, span });
        self.at_least_one(threshold.slow_ms, path.key("slow_ms"));
        Policy {
            rate: self.rate(threshold.rate, "rate", usual.rate, path),
            window: self.within(threshold.window, 1..=86_400, "window", usual.window, path),
            detector: or(threshold.detector, usual.detector),
            ratio: self.within(threshold.ratio, 1.0..=100.0, "ratio", usual.ratio, path),
            margin: self.within(threshold.margin, 0.0..=1.0, "margin", usual.margin, path),
            budget: self.within(budget, 1e-9..=0.5, "budget", usual.budget, path),
            min_samples: or(threshold.min_samples, usual.min_samples),
            slow_ms: or(threshold.slow_ms, usual.slow_ms),
            slow_rate: self.rate(threshold.slow_rate, "slow_rate", usual.slow_rate, path),
            action: or(threshold.action, usual.action),
            shared: or(threshold.shared, usual.shared),
            evidence: self.sources(threshold.evidence.as_ref(), path.key("evidence")).unwrap_or(usual.evidence),
            recovery: or(threshold.recovery, usual.recovery),
            cooldown: or(threshold.cooldown, usual.cooldown),
            probe: threshold.probe.as_ref().map_or(usual.probe, |probe| self.percentage(probe, path.key("probe"))),
        }
    }

    /// Whose outcomes count, each named once.
    fn sources(&mut self, written: Option<&At<Vec<At<Source>>>>, path: Path<'_>) -> Option<Sources> {
        let At { value: list, span } = written?;
        let named = |source| list.iter().filter(move |one| one.value == source);
        for twice in Source::ALL.iter().flat_map(|source| named(*source).skip(1)) {
            let message = format!("`{}` is given twice", twice.value);
            self.diagnostics.error(twice.span, path, "duplicate-name", message).help("keep one of them");
        }
        let sources = Sources::of(named(Source::Servers).count() > 0, named(Source::Pages).count() > 0);
        if sources.is_none() {
            let problem = self.diagnostics.error(*span, path, "no-evidence", "`evidence` names nobody");
            problem.help("write `[servers]`, `[pages]` or `[servers, pages]`");
        }
        sources
    }

    /// A share of outcomes above 0 and below 1.
    fn rate(&mut self, written: Option<At<f64>>, key: &str, usual: f64, path: Path<'_>) -> f64 {
        if let Some(At { value, span }) = written.filter(|rate| !(rate.value > 0.0 && rate.value < 1.0)) {
            let message = format!("`{key}` is {value}, and must be between 0 and 1");
            self.diagnostics.error(span, path.key(key), "wrong-rate", message).help("write 5 % as 0.05");
        }
        or(written, usual)
    }

    fn within<T: Copy + Display + PartialOrd>(
        &mut self,
        written: Option<At<T>>,
        range: RangeInclusive<T>,
        key: &str,
        usual: T,
        path: Path<'_>,
    ) -> T {
        if let Some(At { value, span }) = written.filter(|number| !range.contains(&number.value)) {
            let message = format!("`{key}` is {value}, and must be {} to {}", range.start(), range.end());
            let problem = self.diagnostics.error(span, path.key(key), "wrong-number", message);
            problem.help(format!("the default is {usual}"));
        }
        or(written, usual)
    }

    /// A snapshot uses 0 for no limit; a document leaves the key out instead.
    fn at_least_one(&mut self, slow_ms: Option<At<u32>>, path: Path<'_>) {
        if let Some(At { value: 0, span }) = slow_ms {
            let problem = self.diagnostics.error(span, path, "wrong-number", "`slow_ms` is 0, and must be 1 or more");
            problem.help("leave it out if no call is slow");
        }
    }
}

/// The written value, or the default.
fn or<T>(written: Option<At<T>>, usual: T) -> T {
    written.map_or(usual, |written| written.value)
}
