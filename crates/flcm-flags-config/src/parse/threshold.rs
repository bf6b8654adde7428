//! Parses `error_threshold`.

use super::Parser;
use super::near_miss::Unit;
use crate::diagnostics::Path;
use crate::parse::document::{At, Budget, ErrorThreshold};
use crate::parse::source::{Node, NodeValue};

impl Parser<'_> {
    pub(super) fn error_threshold(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<Box<At<ErrorThreshold>>> {
        if let Some(rate) = self.alone(node, path, "rate", Unit::Share) {
            let value = ErrorThreshold { rate: Some(rate), ..ErrorThreshold::default() };
            return Some(Box::new(At { value, span: node.span }));
        }
        let mut map = self.map(node, path)?;
        let value = ErrorThreshold {
            rate: map.get(self, "rate", Self::share_of_one),
            window: map.get(self, "window", Self::u32),
            detector: map.get(self, "detector", Self::keyword),
            ratio: map.get(self, "ratio", Self::number),
            margin: map.get(self, "margin", Self::share_of_one),
            budget: map.get(self, "budget", Self::budget),
            min_samples: map.get(self, "min_samples", Self::u32),
            slow_ms: map.get(self, "slow_ms", Self::u32),
            slow_rate: map.get(self, "slow_rate", Self::share_of_one),
            action: map.get(self, "action", Self::keyword),
            shared: map.get(self, "shared", Self::keyword),
            evidence: map.get(self, "evidence", |parser, node, path| parser.list(node, path, Self::keyword)),
            recovery: map.get(self, "recovery", Self::keyword),
            cooldown: map.get(self, "cooldown", Self::u32),
            probe: map.get(self, "probe", Self::percentage),
        };
        map.finish(self);
        Some(Box::new(At { value, span: node.span }))
    }

    /// A number, or a keyword.
    fn budget(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<Budget>> {
        if matches!(node.value, NodeValue::String(_)) {
            return self.keyword(node, path);
        }
        self.number(node, path).map(|At { value, span }| At { value: Budget(value), span })
    }
}
