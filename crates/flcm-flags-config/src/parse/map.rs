//! Maps of a document, which are read key by key.

use super::Parser;
use crate::diagnostics::{Edit, Path};
use crate::parse::document::At;
use crate::parse::near_miss;
use crate::parse::source::{self, Node, NodeValue};

impl source::Key<'_> {
    /// The key as a name.
    pub(super) fn at(&self) -> At<String> {
        At { value: self.text.to_string(), span: self.span }
    }
}

/// A map whose keys are read one by one. A key that is never asked for is unknown.
pub(super) struct Map<'n, 'p> {
    pub(super) node: &'n Node<'n>,
    pub(super) path: Path<'p>,
    asked: [&'static str; MOST_KEYS],
    count: usize,
}

/// So many keys a map has at most.
const MOST_KEYS: usize = 18;

impl<'n, 'p> Map<'n, 'p> {
    pub(super) const fn new(node: &'n Node<'n>, path: Path<'p>) -> Self {
        Self { node, path, asked: [""; MOST_KEYS], count: 0 }
    }

    /// The keys that were asked for.
    fn asked(&self) -> &[&'static str] {
        &self.asked[..self.count]
    }

    pub(super) fn entries(&self) -> &'n [(source::Key<'n>, Node<'n>)] {
        if let NodeValue::Map(entries) = &self.node.value { entries } else { &[] }
    }

    /// The value of a key, as it was written.
    pub(super) fn value(&self, key: &str) -> Option<&'n Node<'n>> {
        self.entries().iter().find(|(name, _)| name.text == key).map(|(_, node)| node)
    }

    /// Reads an optional key.
    pub(super) fn get<'t, T>(
        &mut self,
        parser: &mut Parser<'t>,
        key: &'static str,
        read: impl FnOnce(&mut Parser<'t>, &'n Node<'n>, Path<'_>) -> Option<T>,
    ) -> Option<T> {
        self.asked[self.count] = key;
        self.count += 1;
        read(parser, self.value(key)?, self.path.key(key))
    }

    /// Reads a required key.
    pub(super) fn need<'t, T>(
        &mut self,
        parser: &mut Parser<'t>,
        key: &'static str,
        read: impl FnOnce(&mut Parser<'t>, &'n Node<'n>, Path<'_>) -> Option<T>,
    ) -> Option<T> {
        // A misspelt key is not missing as well.
        let is_there = self.entries().iter().any(|(name, _)| name.text == key);
        if !is_there && !self.entries().iter().any(|(name, _)| near_miss::key(&name.text, &[key]).is_some()) {
            let problem =
                parser.diagnostics.error(self.node.span, self.path, "missing-key", format!("`{key}` is missing"));
            problem.help(format!("add `{key}: …`"));
        }
        self.get(parser, key, read)
    }

    /// Reports the keys that were never asked for.
    pub(super) fn finish(self, parser: &mut Parser<'_>) {
        for (key, _) in self.entries() {
            if !self.asked().contains(&&*key.text) {
                self.unknown(key, parser);
            }
        }
    }

    fn unknown(&self, key: &source::Key<'_>, parser: &mut Parser<'_>) {
        if key.text == "<<" {
            // Reported as a merge key.
            return;
        }
        let meant = near_miss::key(&key.text, self.asked());
        // Of two keys that mean the same, none is certain.
        let is_one = |meant: &&'static str| {
            self.entries().iter().filter(|(key, _)| near_miss::key(&key.text, &[*meant]).is_some()).count() == 1
        };
        let fix = meant.filter(is_one).map(|meant| Edit::respell(parser.text, key.span, meant));
        let message = format!("unknown key `{}`", key.text);
        let problem = parser.diagnostics.error(key.span, self.path.key(&key.text), "unknown-key", message).fix(fix);
        problem.help(meant.map_or_else(|| self.known(&key.text), |meant| format!("did you mean `{meant}`?")));
    }

    /// Where a key belongs, or which ones are known here.
    fn known(&self, key: &str) -> String {
        if self.asked().contains(&"rollout") && near_miss::ROLLOUT.contains(&key) {
            return format!("`{key}` belongs into `rollout`: write `rollout: {{ {key}: … }}`");
        }
        format!("known keys: {}", self.asked().join(", "))
    }
}
