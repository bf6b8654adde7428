//! Names and values as lines of text, which JavaScript makes an object of: a name, a tag and the value. `s` is a text,
//! `d` the bits of a number in hexadecimal. An empty line ends an object.

use alloc::string::String;

use flcm_flags::breaker::{Breaker, Next, Plan, Report, Statistics, Transition};
use flcm_flags::metrics::{Custom, CustomValue, Durations, Histogram};
use flcm_flags::{Flag, Sample, Snapshot};

use flcm_flags_host::text::{hex, trip};
use flcm_flags_host::{Counted, FlagTransition};

/// Objects in the making.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, name: &str, tag: &str, value: &str) {
        for part in [name, "=", tag, value, "\n"] {
            self.0.push_str(part);
        }
    }

    fn text(&mut self, name: &str, value: &str) {
        self.line(name, "s", value);
    }

    fn number(&mut self, name: &str, value: f64) {
        self.line(name, "d", &hex(value.to_bits()));
    }

    fn count(&mut self, name: &str, value: u32) {
        self.number(name, value.into());
    }

    /// Thousandths of a percent as a percentage.
    fn percent(&mut self, name: &str, value: u32) {
        self.number(name, f64::from(value) / 1000.0);
    }

    #[expect(clippy::cast_precision_loss, reason = "times are at most 2^53, and counts are for people")]
    fn large(&mut self, name: &str, value: u64) {
        self.number(name, value as f64);
    }

    fn end(&mut self) {
        self.0.push('\n');
    }

    fn sample(&mut self, names: [&str; 4], sample: &Sample) {
        let values = [sample.total, sample.errors, sample.slow, sample.missing];
        names.iter().zip(values).for_each(|(name, value)| self.count(name, value));
    }

    fn statistics(&mut self, names: [&str; 2], statistics: &Statistics) {
        self.number(names[0], statistics.absolute);
        self.number(names[1], statistics.relative);
    }

    fn report(&mut self, report: &Report) {
        self.sample(["total", "errors", "slow", "missing"], &report.window.treatment);
        self.sample(["controlTotal", "controlErrors", "controlSlow", "controlMissing"], &report.window.control);
        self.statistics(["absolute", "relative"], &report.errors);
        self.statistics(["slowAbsolute", "slowRelative"], &report.slow);
        self.number("limit", report.limit);
        self.number("spread", report.spread);
    }

    fn transition(&mut self, transition: &Transition) {
        let Transition { event, cause, from, to, mode, next, .. } = transition;
        self.text("event", event.as_str());
        if let Some(cause) = cause {
            self.text("cause", cause.as_str());
        }
        self.text("from", from.as_str());
        self.text("to", to.as_str());
        self.text("mode", mode.as_str());
        self.count("generation", transition.generation);
        self.count("sequence", transition.sequence);
        self.large("at", transition.at.0);
        self.count("attempt", transition.attempt.into());
        self.count("trips", transition.trips.into());
        self.percent("percentBefore", transition.percent_before);
        self.percent("percentAfter", transition.percent_after);
        self.text("next", next.as_str());
        if let Next::Probe(at) = next {
            self.large("nextAt", at.0);
        }
        self.report(&transition.report);
    }

    /// What receivers of notifications need: a line for people, an identity, and whether it is worth one.
    fn notification(&mut self, flag: &str, transition: &Transition) {
        self.0.push_str("text=s");
        transition.describe(flag).write(&mut |piece| self.0.push_str(piece));
        self.0.push_str("\nid=s");
        transition.id(flag).write(&mut |piece| self.0.push_str(piece));
        self.0.push('\n');
        self.count("notable", transition.is_notable().into());
    }

    fn values(&mut self, values: &Histogram) {
        let Durations { count, mean, p50, p95, p99, min, max } = Durations::new(values);
        self.large("count", count);
        for (name, value) in [("mean", mean), ("p50", p50), ("p95", p95), ("p99", p99), ("min", min), ("max", max)] {
            self.number(name, value);
        }
    }
}

/// What happened, an object each.
pub(crate) fn transitions<B: AsRef<[u8]>>(snapshot: &Snapshot<B>, transitions: &[FlagTransition]) -> String {
    let mut lines = Lines::default();
    for (flag, transition) in transitions {
        lines.count("flag", flag.0);
        lines.transition(transition);
        let described = snapshot.describe(*flag);
        lines.notification(described.map_or("", |flag| flag.key()), transition);
        lines.end();
    }
    lines.0
}

/// What a breaker knows.
pub(crate) fn breaker(breaker: &Breaker, plan: &Plan) -> String {
    let mut lines = Lines::default();
    lines.text("state", breaker.state().as_str());
    lines.text("mode", breaker.mode().as_str());
    lines.text("trip", &trip(breaker.trip_state()));
    lines.count("generation", breaker.generation());
    let (clock_back, refused) = breaker.anomalies();
    lines.count("clockBack", clock_back);
    lines.count("refused", refused);
    lines.report(&breaker.report(plan));
    lines.end();
    lines.0
}

/// What was counted of a flag: the summary, then an object for each variant and reason.
pub(crate) fn summary(metrics: &Counted, flag: &Flag<'_>) -> String {
    let mut lines = Lines::default();
    let summary = metrics.summary();
    lines.large("decisions", summary.decisions);
    lines.number("users", summary.users);
    lines.number("errorRate", summary.treatment_error_rate);
    lines.number("controlErrorRate", summary.control_error_rate);
    let outcomes = metrics.outcomes();
    lines.sample(["total", "errors", "slow", "missing"], &outcomes.treatment);
    lines.sample(["controlTotal", "controlErrors", "controlSlow", "controlMissing"], &outcomes.control);
    lines.sample(["outsideTotal", "outsideErrors", "outsideSlow", "outsideMissing"], &outcomes.outside);
    lines.values(&metrics.durations());
    lines.end();
    for (variant, reason, count) in metrics.tallies() {
        let variant = variant.and_then(|variant| flag.variant(variant));
        if let Some(variant) = &variant {
            lines.text("variant", variant.name());
        }
        lines.text("reason", reason.as_str());
        lines.count("count", count);
        lines.end();
    }
    lines.0
}

/// Custom metrics, an object each; the first has the number of dropped ones.
pub(crate) fn custom<const C: usize, const H: usize>(metrics: &Custom<C, H>) -> String {
    let mut lines = Lines::default();
    lines.large("dropped", metrics.dropped());
    lines.end();
    for (name, value) in metrics.iter() {
        lines.text("name", name);
        match value {
            CustomValue::Counter(amount) => lines.large("amount", amount),
            CustomValue::Histogram(values) => lines.values(values),
        }
        lines.end();
    }
    lines.0
}
