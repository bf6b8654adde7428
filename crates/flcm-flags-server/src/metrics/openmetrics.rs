//! Metrics as `OpenMetrics` text. (`prometheus-client` has no summaries, which our histograms give.)

use std::fmt::{Display, Write};

use flcm_flags::metrics::Durations;

use crate::metrics::catalog::{Kind, MetricSink};

/// Writes metrics as `OpenMetrics` text.
#[derive(Debug, Default)]
pub(crate) struct OpenMetricsText {
    text: String,
    name: &'static str,
    /// The suffix of the name, unless it is a summary.
    suffix: &'static str,
}

// Writing to a string cannot fail: the errors of `write!` are dropped below.
impl MetricSink for OpenMetricsText {
    fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        let (kind, suffix) = match kind {
            Kind::Counter => ("counter", "_total"),
            Kind::Gauge => ("gauge", ""),
            Kind::Summary => ("summary", ""),
        };
        (self.name, self.suffix) = (name, suffix);
        let _ = writeln!(self.text, "# TYPE {name} {kind}\n# HELP {name} {help}");
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

impl OpenMetricsText {
    /// The complete text.
    pub(crate) fn finish(mut self) -> String {
        self.text.push_str("# EOF\n");
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
    use super::OpenMetricsText;
    use crate::metrics::catalog::{Kind, MetricSink};

    #[test]
    fn labels_are_escaped_and_the_text_has_an_end() {
        let mut text = OpenMetricsText::default();
        text.family("flcm_users", Kind::Gauge, "Users.");
        text.float(&[("flag", "a\"b\\c\nd")], 1.5);
        text.int(&[], 2);
        let expected = "# TYPE flcm_users gauge\n# HELP flcm_users Users.\nflcm_users{flag=\"a\\\"b\\\\c\\nd\"} 1.5\nflcm_users 2\n# EOF\n";
        assert_eq!(text.finish(), expected);
    }
}
