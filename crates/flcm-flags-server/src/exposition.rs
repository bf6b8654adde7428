//! The text that Prometheus reads. (`prometheus-client` knows no summaries, which is what our histograms give.)

use std::fmt::{Display, Write};

/// What a family of figures is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Summary,
}

/// Families of figures, as `OpenMetrics` text.
#[derive(Debug, Default)]
pub(crate) struct Exposition {
    text: String,
    name: &'static str,
}

// Writing to a string cannot fail: the errors of `write!` are dropped below.
impl Exposition {
    /// Begins a family; what follows belongs to it.
    pub(crate) fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Summary => "summary",
        };
        self.name = name;
        let _ = writeln!(self.text, "# TYPE {name} {kind}\n# HELP {name} {help}");
    }

    pub(crate) fn whole(&mut self, suffix: &str, labels: &[(&str, &str)], value: u64) {
        self.line(suffix, labels, value);
    }

    pub(crate) fn number(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) {
        self.line(suffix, labels, value);
    }

    /// The text, with its end.
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
    use super::{Exposition, Kind};

    #[test]
    fn labels_are_escaped_and_the_text_has_an_end() {
        let mut text = Exposition::default();
        text.family("flcm_users", Kind::Gauge, "Users.");
        text.number("", &[("flag", "a\"b\\c\nd")], 1.5);
        text.whole("", &[], 2);
        let expected = "# TYPE flcm_users gauge\n# HELP flcm_users Users.\nflcm_users{flag=\"a\\\"b\\\\c\\nd\"} 1.5\nflcm_users 2\n# EOF\n";
        assert_eq!(text.finish(), expected);
    }
}
