//! Single values: booleans, text, numbers, keywords, and values of flags.

use super::Parser;
use super::keyword::Keyword;
use super::near_miss::{self, Unit};
use crate::diagnostics::{Diagnostic, Edit, Path, did_you_mean, written};
use crate::parse::document::{At, Client, Literal};
use crate::parse::json;
use crate::parse::source::{Node, NodeValue};

impl Parser<'_> {
    pub(super) fn wrong_type(&mut self, node: &Node<'_>, path: Path<'_>, expected: &str) -> &mut Diagnostic {
        let message = format!("expected {expected}, found {}", node.kind());
        let problem = self.diagnostics.error(node.span, path, "wrong-type", message);
        match node.value {
            NodeValue::Null => problem.help("give it a value, or remove the key"),
            _ => problem.help(format!("write {expected} here")),
        }
        problem
    }

    pub(super) fn boolean(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<bool>> {
        let value = match &node.value {
            NodeValue::Bool(value) => *value,
            NodeValue::String(text) if let Some(value) = near_miss::switch(text) => {
                self.wrong_type(node, path, "true or false").meant(node.span, &value.to_string());
                value
            }
            _ => {
                self.wrong_type(node, path, "true or false");
                return None;
            }
        };
        Some(At { value, span: node.span })
    }

    pub(super) fn text(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<String>> {
        let value = match &node.value {
            NodeValue::String(value) => value.to_string(),
            NodeValue::Bool(_) | NodeValue::Inexact(..) | NodeValue::Number(_) => self.unquoted(node, path)?,
            NodeValue::List(_) | NodeValue::Map(_) | NodeValue::Null => {
                self.wrong_type(node, path, "text");
                return None;
            }
        };
        Some(At { value, span: node.span })
    }

    /// A value that is text only in quotes. Its digits are taken as they are written, not as a float prints them.
    fn unquoted(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<String> {
        let written = written(self.text, node.span).map(str::to_owned);
        let problem = self.wrong_type(node, path, "text");
        problem.help("put it in quotes");
        let written = written?;
        problem.fix = vec![Edit::replace(node.span, format!("\"{written}\""))];
        problem.help(format!("put it in quotes: `\"{written}\"`"));
        Some(written)
    }

    /// One of a few keywords.
    pub(super) fn keyword<T: Keyword>(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<T>> {
        let NodeValue::String(written) = &node.value else {
            self.wrong_type(node, path, "text");
            return None;
        };
        let span = node.span;
        if let Some((_, value)) = T::keywords().find(|(keyword, _)| keyword == written) {
            return Some(At { value, span });
        }
        let message = format!("unknown value `{written}` for `{}`", T::KEY);
        let keywords: Vec<&str> = T::keywords().map(|(keyword, _)| keyword).collect();
        let known = || format!("allowed values: {}", keywords.join(", "));
        let problem = self.diagnostics.error(span, path, T::UNKNOWN, message);
        problem.help(did_you_mean(written, keywords.iter().copied()).unwrap_or_else(known));
        None
    }

    /// Whether pages get a flag: on, off, or a keyword.
    pub(super) fn client(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<Client>> {
        match node.value {
            NodeValue::Bool(true) => Some(At { value: Client::Snapshot, span: node.span }),
            NodeValue::Bool(false) => Some(At { value: Client::Never, span: node.span }),
            NodeValue::String(_) => self.keyword(node, path),
            _ => {
                self.wrong_type(node, path, "true, false or evaluated");
                None
            }
        }
    }

    pub(super) fn number(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<f64>> {
        self.number_of(node, path, Unit::Plain)
    }

    /// A number from 0 to 100, which is checked later.
    pub(super) fn percentage(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<f64>> {
        self.number_of(node, path, Unit::Percent)
    }

    /// A number from 0 to 1, which is checked later.
    pub(super) fn share_of_one(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<f64>> {
        self.number_of(node, path, Unit::Share)
    }

    fn number_of(&mut self, node: &Node<'_>, path: Path<'_>, unit: Unit) -> Option<At<f64>> {
        let value = match &node.value {
            // What a float drops of a rate or a percentage does not matter; `integer` and `literal` refuse it.
            NodeValue::Inexact(_, value) | NodeValue::Number(value) if value.is_finite() => *value,
            NodeValue::Inexact(..) | NodeValue::Number(_) => {
                let problem = self.diagnostics.error(node.span, path, "wrong-number", "a number must be finite");
                problem.help("write a finite number");
                return None;
            }
            NodeValue::String(text) => self.number_as_text(text, node, path, unit)?,
            _ => {
                self.wrong_type(node, path, "a number");
                return None;
            }
        };
        Some(At { value, span: node.span })
    }

    /// A number in quotes, or with a sign of percent.
    fn number_as_text(&mut self, text: &str, node: &Node<'_>, path: Path<'_>, unit: Unit) -> Option<f64> {
        let near = near_miss::number(text, unit);
        let problem = self.wrong_type(node, path, "a number");
        let (meant, is_percentage) = near?;
        problem.meant(node.span, &meant);
        problem.help(if is_percentage {
            let percent = text.trim().trim_end_matches('%').trim_end();
            format!("write {percent} % as `{meant}`")
        } else {
            format!("remove the quotes: `{meant}`")
        });
        meant.parse().ok()
    }

    /// A number in the place of a map, which was probably meant as the value of its main key.
    pub(super) fn alone(&mut self, node: &Node<'_>, path: Path<'_>, key: &str, unit: Unit) -> Option<At<f64>> {
        let (meant, value) = match &node.value {
            NodeValue::Number(value) if value.is_finite() => (value.to_string(), *value),
            NodeValue::String(text) => {
                let (meant, _) = near_miss::number(text, unit)?;
                let value = meant.parse().ok()?;
                (meant, value)
            }
            _ => return None,
        };
        let problem = self.wrong_type(node, path, "a map");
        problem.meant(node.span, &format!("{{ {key}: {meant} }}"));
        if matches!(unit, Unit::Share) && value >= 1.0 {
            problem.fix.clear();
            problem.help(format!("write `{{ {key}: 0.05 }}` for 5 %"));
            return None;
        }
        Some(At { value, span: node.span })
    }

    /// An integer from 0 to `most`.
    pub(super) fn integer<T: TryFrom<u64>>(&mut self, node: &Node<'_>, path: Path<'_>, most: u64) -> Option<At<T>> {
        let At { value, span } = self.number(node, path)?;
        // Beyond 2^53 a float has no unit digits.
        let most = most.min(1 << 53);
        let written = if let NodeValue::Inexact(written, _) = &node.value { Some(written) } else { None };
        #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
        let inside = written.is_none() && value.fract() == 0.0 && value >= 0.0 && value <= most as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an integer from 0 to 2^53")]
        let whole = inside.then_some(value as u64).and_then(|whole| T::try_from(whole).ok());
        if whole.is_none() {
            let found = written.map_or_else(|| value.to_string(), ToString::to_string);
            let message = format!("expected an integer from 0 to {most}, found {found}");
            self.diagnostics.error(span, path, "wrong-number", message).help("round it, or bring it into range");
        }
        whole.map(|value| At { value, span })
    }

    pub(super) fn u32(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<u32>> {
        self.integer(node, path, u32::MAX.into())
    }

    pub(super) fn literal(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<Literal>> {
        let value = match &node.value {
            NodeValue::Bool(value) => Literal::Bool(*value),
            NodeValue::Inexact(written, value) => {
                self.inexact(node, path, written, *value);
                // A number all the same, so that the value is not reported as missing, too.
                Literal::Number(value.clamp(f64::MIN, f64::MAX))
            }
            NodeValue::Number(_) => Literal::Number(self.number(node, path)?.value),
            NodeValue::String(value) => Literal::String(value.to_string()),
            NodeValue::List(_) | NodeValue::Map(_) => Literal::Json(self.canonical(node, path)?),
            NodeValue::Null => {
                self.wrong_type(node, path, "a value");
                return None;
            }
        };
        Some(At { value, span: node.span })
    }

    fn inexact(&mut self, node: &Node<'_>, path: Path<'_>, written: &str, value: f64) {
        let mut near = String::new();
        json::write_number(&mut near, value);
        let message = if value.is_finite() {
            format!("`{written}` would become {near}: numbers are floats of 64 bits")
        } else {
            format!("`{written}` is larger than any number: numbers are floats of 64 bits")
        };
        let problem = self.diagnostics.error(node.span, path, "number-precision", message);
        let mut round = String::new();
        if value.fract() != 0.0 && value.is_finite() {
            round = format!(", or round it to {near}");
            problem.fix([Edit::replace(node.span, near)]);
        }
        problem.help(format!("quote it{round}: text is kept as it is, and only equals text"));
    }

    fn canonical(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<String> {
        let before = self.diagnostics.counts().0;
        self.check_json(node, path);
        (self.diagnostics.counts().0 == before).then(|| json::canonical(node))
    }

    fn check_json(&mut self, node: &Node<'_>, path: Path<'_>) {
        match &node.value {
            NodeValue::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.check_json(item, path.index(index));
                }
            }
            NodeValue::Map(entries) => {
                self.check_unique(entries, path);
                for (key, node) in entries {
                    self.check_json(node, path.key(&key.text));
                }
            }
            NodeValue::Inexact(written, value) => self.inexact(node, path, written, *value),
            NodeValue::Number(_) => drop(self.number(node, path)),
            NodeValue::Bool(_) | NodeValue::Null | NodeValue::String(_) => {}
        }
    }
}
