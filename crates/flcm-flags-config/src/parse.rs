//! From nodes to a [`Document`]: keys, types and ranges. Whatever is wrong is reported and left out, so that the rest
//! is still checked.

use std::collections::HashSet;

use crate::diagnostics::{Diagnostics, Edit, Path, Span, did_you_mean};
use crate::limits;
use crate::parse::document::{
    AllOf, AnyOf, At, Cohort, Condition, Dependency, Document, Entries, Flag, FlagCondition, InCohort, Literal, NotOf,
    Operand, Override, Rollout, Rule, Share, Stage, Switches, Test, Variant,
};

pub mod document;
pub mod json;
pub(crate) mod keyword;
mod map;
pub(crate) mod schema;
mod source;
mod threshold;

use keyword::Keyword;
use map::Map;
use source::{Node, NodeValue};

impl Document {
    /// Reads a document (YAML or JSON). Problems are added to `diagnostics`; what could be read comes back, unless the
    /// text cannot be read at all.
    pub(crate) fn parse(text: &str, diagnostics: &mut Diagnostics) -> Option<Self> {
        let mut root = source::parse(text, diagnostics)?;
        // Nothing at all is an empty map, whose `flags` are missing.
        if matches!(root.value, NodeValue::Null) {
            root.value = NodeValue::Map(Vec::new());
        }
        let mut parser = Parser { text, diagnostics: std::mem::take(diagnostics) };
        let document = parser.document(&root);
        *diagnostics = parser.diagnostics;
        document
    }
}

/// Reads nodes, one method per part of a document.
struct Parser<'t> {
    text: &'t str,
    diagnostics: Diagnostics,
}

impl Parser<'_> {
    /// Another word in the place of one, in the same quotes.
    fn respell(&self, span: Span, word: &str) -> Edit {
        let quote = self.text[span.start..].chars().next().filter(|first| matches!(first, '"' | '\''));
        let quote = quote.map(String::from).unwrap_or_default();
        Edit::replace(span, format!("{quote}{word}{quote}"))
    }

    fn wrong_type(&mut self, node: &Node, path: Path<'_>, expected: &str) {
        let message = format!("expected {expected}, found {}", node.kind());
        let problem = self.diagnostics.error(node.span, path, "wrong-type", message);
        match node.value {
            NodeValue::Number(_) | NodeValue::Bool(_) if expected == "text" => problem.help("put it in quotes"),
            NodeValue::Null => problem.help("give it a value, or remove the key"),
            _ => problem.help(format!("write {expected} here")),
        }
    }

    /// A map without duplicate keys.
    fn map<'n, 'p>(&mut self, node: &'n Node, path: Path<'p>) -> Option<Map<'n, 'p>> {
        let NodeValue::Map(entries) = &node.value else {
            self.wrong_type(node, path, "a map");
            return None;
        };
        self.check_unique(entries, path);
        Some(Map { node, path, asked: Vec::new() })
    }

    fn check_unique(&mut self, entries: &[(source::Key, Node)], path: Path<'_>) {
        let mut seen = HashSet::with_capacity(entries.len());
        for (key, _) in entries {
            if !seen.insert(key.text.as_str()) {
                let message = format!("`{}` is given twice", key.text);
                self.diagnostics
                    .error(key.span, path.key(&key.text), "duplicate-key", message)
                    .help("keep one of them");
            }
        }
    }

    fn entries<T>(
        &mut self,
        node: &Node,
        path: Path<'_>,
        read: impl Fn(&mut Self, &Node, Path<'_>) -> Option<T>,
    ) -> Option<Entries<T>> {
        let map = self.map(node, path)?;
        let entry = |(key, node): &(source::Key, Node)| {
            let value = read(self, node, path.key(&key.text))?;
            Some((At { value: key.text.clone(), span: key.span }, value))
        };
        Some(Entries(map.entries().iter().filter_map(entry).collect()))
    }

    fn list<T>(
        &mut self,
        node: &Node,
        path: Path<'_>,
        read: impl Fn(&mut Self, &Node, Path<'_>) -> Option<T>,
    ) -> Option<At<Vec<T>>> {
        let NodeValue::List(items) = &node.value else {
            self.wrong_type(node, path, "a list");
            return None;
        };
        let value = items.iter().enumerate().filter_map(|(index, item)| read(self, item, path.index(index))).collect();
        Some(At { value, span: node.span })
    }

    fn boolean(&mut self, node: &Node, path: Path<'_>) -> Option<At<bool>> {
        if let NodeValue::Bool(value) = node.value {
            return Some(At { value, span: node.span });
        }
        self.wrong_type(node, path, "true or false");
        None
    }

    fn text(&mut self, node: &Node, path: Path<'_>) -> Option<At<String>> {
        if let NodeValue::String(value) = &node.value {
            return Some(At { value: value.clone(), span: node.span });
        }
        self.wrong_type(node, path, "text");
        None
    }

    /// One of a few keywords.
    fn keyword<T: Keyword>(&mut self, node: &Node, path: Path<'_>) -> Option<At<T>> {
        let At { value: written, span } = self.text(node, path)?;
        if let Some((_, value)) = T::keywords().find(|(keyword, _)| *keyword == written) {
            return Some(At { value, span });
        }
        let message = format!("unknown value `{written}` for `{}`", T::KEY);
        let keywords: Vec<&str> = T::keywords().map(|(keyword, _)| keyword).collect();
        let known = || format!("allowed values: {}", keywords.join(", "));
        let problem = self.diagnostics.error(span, path, T::UNKNOWN, message);
        problem.help(did_you_mean(&written, keywords.iter().copied()).unwrap_or_else(known));
        None
    }

    fn number(&mut self, node: &Node, path: Path<'_>) -> Option<At<f64>> {
        match node.value {
            NodeValue::Number(value) if value.is_finite() => return Some(At { value, span: node.span }),
            NodeValue::Number(_) => {
                self.diagnostics
                    .error(node.span, path, "wrong-number", "a number must be finite")
                    .help("write a finite number");
            }
            _ => self.wrong_type(node, path, "a number"),
        }
        None
    }

    /// An integer from 0 to `most`.
    fn integer<T: TryFrom<u64>>(&mut self, node: &Node, path: Path<'_>, most: u64) -> Option<At<T>> {
        let At { value, span } = self.number(node, path)?;
        // Beyond 2^53 a float has no unit digits.
        let most = most.min(1 << 53);
        #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
        let inside = value.fract() == 0.0 && value >= 0.0 && value <= most as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an integer from 0 to 2^53")]
        let whole = inside.then_some(value as u64).and_then(|whole| T::try_from(whole).ok());
        if whole.is_none() {
            let message = format!("expected an integer from 0 to {most}, found {value}");
            self.diagnostics.error(span, path, "wrong-number", message).help("round it, or bring it into range");
        }
        whole.map(|value| At { value, span })
    }

    fn u32(&mut self, node: &Node, path: Path<'_>) -> Option<At<u32>> {
        self.integer(node, path, u32::MAX.into())
    }

    fn literal(&mut self, node: &Node, path: Path<'_>) -> Option<At<Literal>> {
        let value = match &node.value {
            NodeValue::Bool(value) => Literal::Bool(*value),
            NodeValue::Number(_) => Literal::Number(self.number(node, path)?.value),
            NodeValue::String(value) => Literal::String(value.clone()),
            NodeValue::List(_) | NodeValue::Map(_) => Literal::Json(self.canonical(node, path)?),
            NodeValue::Null => {
                self.wrong_type(node, path, "a value");
                return None;
            }
        };
        Some(At { value, span: node.span })
    }

    fn canonical(&mut self, node: &Node, path: Path<'_>) -> Option<String> {
        let before = self.diagnostics.counts().0;
        self.check_json(node, path);
        (self.diagnostics.counts().0 == before).then(|| json::canonical(node))
    }

    fn check_json(&mut self, node: &Node, path: Path<'_>) {
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
            NodeValue::Number(_) => drop(self.number(node, path)),
            NodeValue::Bool(_) | NodeValue::Null | NodeValue::String(_) => {}
        }
    }

    fn document(&mut self, root: &Node) -> Option<Document> {
        let mut map = self.map(root, Path::Root)?;
        let document = Document {
            revision: map.get(self, "revision", |parser, node, path| parser.integer(node, path, u64::MAX)),
            cohorts: map
                .get(self, "cohorts", |parser, node, path| parser.entries(node, path, Self::cohort))
                .unwrap_or_default(),
            templates: map
                .get(self, "templates", |parser, node, path| parser.entries(node, path, Self::flag))
                .unwrap_or_default(),
            flags: map
                .get(self, "flags", |parser, node, path| parser.entries(node, path, Self::flag))
                .unwrap_or_default(),
            removed: map.get(self, "removed", |parser, node, path| parser.list(node, path, Self::text)),
        };
        let flags = map.value("flags");
        map.finish(self);
        self.check_flags(root, flags);
        Some(document)
    }

    /// A document without flags turns everything off. Mostly it was meant otherwise: the file was emptied, or only a
    /// part of it has arrived.
    fn check_flags(&mut self, root: &Node, flags: Option<&Node>) {
        match flags.map(|node| (&node.value, node.span)) {
            // Another error may be the cause, such as a misspelt `flags`.
            None if self.diagnostics.has_errors() => {}
            None => {
                let problem = self.diagnostics.error(root.span, Path::Root, "no-flags", "the document has no flags");
                problem.help("restore the flags, or write `flags: {}` if there are none on purpose");
            }
            Some((NodeValue::Map(flags), span)) if flags.is_empty() => {
                let message = "there is no flag: everything is off";
                let problem = self.diagnostics.warn(span, Path::Root.key("flags"), "empty-flags", message);
                problem.help("add a flag, unless this is on purpose");
            }
            Some(_) => {}
        }
    }

    fn cohort(&mut self, node: &Node, path: Path<'_>) -> Option<Cohort> {
        let mut map = self.map(node, path)?;
        let cohort = Cohort {
            users: map.get(self, "users", Self::members),
            when: map.get(self, "when", Self::conditions),
            except: map.get(self, "except", Self::members),
        };
        map.finish(self);
        Some(cohort)
    }

    fn members(&mut self, node: &Node, path: Path<'_>) -> Option<Vec<At<String>>> {
        let members = self.list(node, path, Self::text)?.value;
        if members.len() > limits::MEMBERS {
            let message = format!("{} users, more than the limit of {}", members.len(), limits::MEMBERS);
            self.diagnostics
                .error(node.span, path, "limit-members", message)
                .help("supply the members in the host instead");
        }
        Some(members)
    }

    fn flag(&mut self, node: &Node, path: Path<'_>) -> Option<Flag> {
        let mut map = self.map(node, path)?;
        let flag = Flag {
            description: map.get(self, "description", Self::text),
            extends: map.get(self, "extends", Self::text),
            enabled: map.get(self, "enabled", Self::boolean),
            default: map.get(self, "default", Self::literal),
            on: map.get(self, "on", Self::literal),
            salt: map.get(self, "salt", Self::text),
            dependencies: map.get(self, "dependencies", |parser, node, path| parser.list(node, path, Self::dependency)),
            overrides: map.get(self, "overrides", |parser, node, path| parser.entries(node, path, Self::override_)),
            rollout: map.get(self, "rollout", Self::rollout),
            conditions: map.get(self, "conditions", Self::conditions),
            variants: map.get(self, "variants", |parser, node, path| parser.list(node, path, Self::variant)),
            rules: map.get(self, "rules", |parser, node, path| parser.list(node, path, Self::rule)),
            error_threshold: map.get(self, "error_threshold", Self::error_threshold),
            span: node.span,
        };
        map.finish(self);
        Some(flag)
    }

    fn dependency(&mut self, node: &Node, path: Path<'_>) -> Option<At<Dependency>> {
        let value = match &node.value {
            NodeValue::String(key) => Dependency::Key(key.clone()),
            NodeValue::Map(_) => Dependency::Expects(self.flag_condition(node, path)?),
            _ => {
                self.wrong_type(node, path, "a flag key or a map");
                return None;
            }
        };
        Some(At { value, span: node.span })
    }

    fn flag_condition(&mut self, node: &Node, path: Path<'_>) -> Option<FlagCondition> {
        let mut map = self.map(node, path)?;
        let flag = map.need(self, "flag", Self::text);
        let enabled = map.get(self, "enabled", Self::boolean);
        let variant = map.get(self, "variant", Self::text);
        map.finish(self);
        Some(FlagCondition { flag: flag?, enabled, variant })
    }

    fn override_(&mut self, node: &Node, path: Path<'_>) -> Option<At<Override>> {
        let value = match &node.value {
            NodeValue::Bool(on) => Override::Switch(*on),
            NodeValue::String(name) => Override::Variant(name.clone()),
            _ => {
                self.wrong_type(node, path, "true, false or the name of a variant");
                return None;
            }
        };
        Some(At { value, span: node.span })
    }

    fn rollout(&mut self, node: &Node, path: Path<'_>) -> Option<At<Rollout>> {
        let mut map = self.map(node, path)?;
        let value = Rollout {
            percentage: map.get(self, "percentage", Self::number),
            by: map.get(self, "by", Self::text),
            cohorts: map.get(self, "cohorts", Self::cohort_switches),
            schedule: map.get(self, "schedule", |parser, node, path| parser.list(node, path, Self::stage)),
            ramp: map.get(self, "ramp", Self::keyword),
        };
        map.finish(self);
        Some(At { value, span: node.span })
    }

    /// One map, or a list of one-key maps: the list is for those to whom the order should show.
    fn cohort_switches(&mut self, node: &Node, path: Path<'_>) -> Option<At<Switches>> {
        let value = match &node.value {
            NodeValue::Map(_) => self.entries(node, path, Self::boolean)?.0,
            NodeValue::List(items) => {
                let maps = items.iter().enumerate();
                maps.filter_map(|(index, item)| self.entries(item, path.index(index), Self::boolean))
                    .flat_map(|map| map.0)
                    .collect()
            }
            _ => {
                self.wrong_type(node, path, "a list of cohorts, each `name: true` or `name: false`");
                return None;
            }
        };
        Some(At { value, span: node.span })
    }

    fn stage(&mut self, node: &Node, path: Path<'_>) -> Option<At<Stage>> {
        let mut map = self.map(node, path)?;
        let at = map.need(self, "at", Self::text);
        let percentage = map.need(self, "percentage", Self::number);
        map.finish(self);
        Some(At { value: Stage { at: at?, percentage: percentage? }, span: node.span })
    }

    fn conditions(&mut self, node: &Node, path: Path<'_>) -> Option<At<Vec<At<Condition>>>> {
        self.list(node, path, Self::condition)
    }

    fn condition(&mut self, node: &Node, path: Path<'_>) -> Option<At<Condition>> {
        let mut map = self.map(node, path)?;
        let has = |key: &str| map.entries().iter().any(|(name, _)| name.text == key);
        let value = if has("all") {
            map.get(self, "all", Self::conditions).map(|all| Condition::All(AllOf { all: all.value }))
        } else if has("any") {
            map.get(self, "any", Self::conditions).map(|any| Condition::Any(AnyOf { any: any.value }))
        } else if has("not") {
            map.get(self, "not", Self::condition).map(|not| Condition::Not(NotOf { not: Box::new(not) }))
        } else if has("cohort") {
            map.get(self, "cohort", Self::text).map(|cohort| Condition::Cohort(InCohort { cohort }))
        } else if has("flag") {
            return Some(At { value: Condition::Flag(self.flag_condition(node, path)?), span: node.span });
        } else {
            self.test(&mut map).map(Condition::Test)
        };
        map.finish(self);
        Some(At { value: value?, span: node.span })
    }

    fn test(&mut self, map: &mut Map<'_, '_>) -> Option<Test> {
        let attribute = map.need(self, "attribute", Self::text);
        let operator = map.need(self, "operator", Self::text);
        let value = map.get(self, "value", Self::operand);
        Some(Test { attribute: attribute?, operator: operator?, value })
    }

    fn operand(&mut self, node: &Node, path: Path<'_>) -> Option<At<Operand>> {
        let value = match &node.value {
            NodeValue::List(_) => Operand::Many(self.list(node, path, Self::literal)?.value),
            _ => Operand::One(self.literal(node, path)?.value),
        };
        Some(At { value, span: node.span })
    }

    fn variant(&mut self, node: &Node, path: Path<'_>) -> Option<At<Variant>> {
        let mut map = self.map(node, path)?;
        let name = map.need(self, "name", Self::text);
        let weight = map.need(self, "weight", Self::weight);
        let value = map.get(self, "value", Self::literal);
        map.finish(self);
        Some(At { value: Variant { name: name?, weight: weight?, value }, span: node.span })
    }

    fn weight(&mut self, node: &Node, path: Path<'_>) -> Option<At<u32>> {
        self.integer(node, path, limits::WEIGHT.into())
    }

    fn rule(&mut self, node: &Node, path: Path<'_>) -> Option<At<Rule>> {
        let mut map = self.map(node, path)?;
        let value = Rule {
            name: map.get(self, "name", Self::text),
            conditions: map.get(self, "conditions", Self::conditions),
            percentage: map.get(self, "percentage", Self::number),
            variant: map.get(self, "variant", Self::text),
            variants: map.get(self, "variants", |parser, node, path| parser.list(node, path, Self::share)),
        };
        map.finish(self);
        Some(At { value, span: node.span })
    }

    fn share(&mut self, node: &Node, path: Path<'_>) -> Option<At<Share>> {
        let mut map = self.map(node, path)?;
        let name = map.need(self, "name", Self::text);
        let weight = map.need(self, "weight", Self::weight);
        map.finish(self);
        Some(At { value: Share { name: name?, weight: weight? }, span: node.span })
    }
}
