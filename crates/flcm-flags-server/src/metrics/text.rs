//! Metrics as text, in the two formats that Prometheus reads. (`prometheus-client` has no summaries, which our
//! histograms give.)

use std::fmt::{Display, Write};

use flcm_flags::metrics::Durations;

use crate::metrics::catalog::{Kind, MetricSink};

/// A format of text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TextFormat {
    /// `OpenMetrics` 1.0.0.
    OpenMetrics,
    /// The text format of Prometheus, 0.0.4.
    Prometheus,
}

/// Writes metrics as text.
#[derive(Debug)]
pub(crate) struct MetricsText {
    format: TextFormat,
    text: String,
    name: &'static str,
    /// The suffix of the name, unless it is a summary.
    suffix: &'static str,
}

// Writing to a string cannot fail: the errors of `write!` are dropped below.
impl MetricSink for MetricsText {
    fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        let (kind, suffix) = match kind {
            Kind::Counter => ("counter", "_total"),
            Kind::Gauge => ("gauge", ""),
            Kind::Summary => ("summary", ""),
        };
        (self.name, self.suffix) = (name, suffix);
        // A family of OpenMetrics is named without the suffix of its values.
        let suffix = if self.format == TextFormat::Prometheus { suffix } else { "" };
        let _ = writeln!(self.text, "# HELP {name}{suffix} {help}\n# TYPE {name}{suffix} {kind}");
    }

    fn int(&mut self, labels: &[(&str, &str)], value: u64) {
        self.line(self.suffix, labels, value);
    }

    fn float(&mut self, labels: &[(&str, &str)], value: f64) {
        self.line(self.suffix, labels, value);
    }

    fn summary(&mut self, label: (&str, &str), durations: &Durations, sum: f64) {
        for (quantile, value) in [("0.5", durations.p50), ("0.95", durations.p95), ("0.99", durations.p99)] {
            self.line("", &[label, ("quantile", quantile)], value);
        }
        self.line("_sum", &[label], sum);
        self.line("_count", &[label], durations.count);
    }
}

impl MetricsText {
    pub(crate) const fn new(format: TextFormat) -> Self {
        Self { format, text: String::new(), name: "", suffix: "" }
    }

    /// The complete text.
    pub(crate) fn finish(mut self) -> String {
        if self.format == TextFormat::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }

    fn line(&mut self, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        let _ = write!(self.text, "{}{suffix}", self.name);
        for (index, (name, value)) in labels.iter().enumerate() {
            let _ = write!(self.text, "{}{name}=\"", if index == 0 { '{' } else { ',' });
            escape(value, &mut self.text);
            self.text.push('"');
        }
        let _ = writeln!(self.text, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

fn escape(value: &str, text: &mut String) {
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MetricsText, TextFormat};
    use crate::metrics::catalog::{Kind, MetricSink};

    fn written(format: TextFormat) -> String {
        let mut text = MetricsText::new(format);
        text.family("flcm_users", Kind::Gauge, "Users.");
        text.float(&[("flag", "a\"b\\c\nd")], 1.5);
        text.family("flcm_batches", Kind::Counter, "Batches.");
        text.int(&[], 2);
        text.finish()
    }

    #[test]
    fn labels_are_escaped_and_open_metrics_has_an_end() {
        let expected = "# HELP flcm_users Users.\n# TYPE flcm_users gauge\nflcm_users{flag=\"a\\\"b\\\\c\\nd\"} 1.5\n\
            # HELP flcm_batches Batches.\n# TYPE flcm_batches counter\nflcm_batches_total 2\n# EOF\n";
        assert_eq!(written(TextFormat::OpenMetrics), expected);
    }

    #[test]
    fn prometheus_names_a_counter_with_its_suffix() {
        let expected = "# HELP flcm_users Users.\n# TYPE flcm_users gauge\nflcm_users{flag=\"a\\\"b\\\\c\\nd\"} 1.5\n\
            # HELP flcm_batches_total Batches.\n# TYPE flcm_batches_total counter\nflcm_batches_total 2\n";
        assert_eq!(written(TextFormat::Prometheus), expected);
    }
}
