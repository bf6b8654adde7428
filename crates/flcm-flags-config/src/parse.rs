//! From nodes to a [`Document`]: keys, types and ranges. Whatever is wrong is reported and left out, so that the rest
//! is still checked.

use std::collections::HashSet;

use crate::diagnostics::{Diagnostics, Edit, Path, written};
use crate::limits;
use crate::parse::document::{
    At, Cohort, Document, Entries, Flag, Override, Rollout, Rule, Share, Stage, Switches, Variant,
};

mod conditions;
pub mod document;
pub mod json;
pub(crate) mod keyword;
mod map;
pub(crate) mod near_miss;
pub mod number;
mod scalar;
pub(crate) mod schema;
pub(crate) mod source;
mod strict;
mod threshold;
mod weights;

use map::Map;
use near_miss::Unit;
use source::{Node, NodeValue, Tree};

impl Document {
    /// Reads a document (YAML or JSON). Problems are added to `diagnostics`; what could be read comes back, unless the
    /// text cannot be read at all.
    pub(crate) fn parse(text: &str, is_json: bool, diagnostics: &mut Diagnostics) -> Option<Self> {
        if is_json && text.len() <= limits::DOCUMENT_BYTES && !strict::is_json(text, diagnostics) {
            return None;
        }
        let mut parser = Parser { text, diagnostics: std::mem::take(diagnostics) };
        let document = match parser.flags() {
            Some((root, flags)) => parser.document(&root, Some(flags)),
            None => parser.whole(),
        };
        *diagnostics = parser.diagnostics;
        document
    }
}

/// A list with room for so many items from the start.
fn collect<T>(count: usize, items: impl Iterator<Item = T>) -> Vec<T> {
    let mut list = Vec::with_capacity(count);
    list.extend(items);
    list
}

/// Reads nodes, one method per part of a document.
struct Parser<'t> {
    text: &'t str,
    diagnostics: Diagnostics,
}

impl<'t> Parser<'t> {
    /// Reads each flag as soon as its nodes are there; the root is without what is in them. `None` if that takes the
    /// reader that knows all of YAML.
    fn flags(&mut self) -> Option<(Node<'t>, Entries<Flag>)> {
        let count = self.diagnostics.len();
        let mut flags = Entries::default();
        let path = Path::Root.key("flags");
        let tree = source::parse_flags(self.text, &mut |key, node| {
            let flag = self.flag(node, path.key(&key.text));
            flags.0.extend(flag.map(|flag| (key.at(), flag)));
        });
        if tree.is_none() {
            self.diagnostics.truncate(count);
        }
        Some((tree?.root, flags))
    }

    /// Reads the document from the nodes of its whole text.
    fn whole(&mut self) -> Option<Document> {
        let Tree { mut root, shared, .. } = source::parse_yaml(self.text, &mut self.diagnostics)?;
        if matches!(root.value, NodeValue::Null) {
            root.value = NodeValue::Map(Vec::new());
        }
        self.document(&root, None).map(|document| Document { shared, ..document })
    }
}

impl Parser<'_> {
    /// A map without duplicate keys.
    fn map<'n, 'p>(&mut self, node: &'n Node<'n>, path: Path<'p>) -> Option<Map<'n, 'p>> {
        let NodeValue::Map(entries) = &node.value else {
            self.wrong_type(node, path, "a map");
            return None;
        };
        self.check_unique(entries, path);
        Some(Map::new(node, path))
    }

    fn check_unique(&mut self, entries: &[(source::Key<'_>, Node<'_>)], path: Path<'_>) {
        // To compare a few keys is faster than to hash them.
        let is_short = entries.len() <= 16;
        let mut seen = HashSet::with_capacity(if is_short { 0 } else { entries.len() });
        for (index, (key, _)) in entries.iter().enumerate() {
            if key.text == "<<" && written(self.text, key.span) == Some("<<") {
                self.merge_key(key, path);
            }
            let is_known = if is_short {
                entries[..index].iter().any(|(earlier, _)| earlier.text == key.text)
            } else {
                !seen.insert(&*key.text)
            };
            if is_known {
                let message = format!("`{}` is given twice", key.text);
                self.diagnostics
                    .error(key.span, path.key(&key.text), "duplicate-key", message)
                    .help("keep one of them");
            }
        }
    }

    fn merge_key(&mut self, key: &source::Key<'_>, path: Path<'_>) {
        let problem = self.diagnostics.error(key.span, path.key(&key.text), "merge-key", "`<<` does not merge keys");
        problem.help("YAML 1.2 has no merge keys: use `extends` with a template, or write the keys out");
    }

    fn entries<T>(
        &mut self,
        node: &Node<'_>,
        path: Path<'_>,
        read: impl Fn(&mut Self, &Node<'_>, Path<'_>) -> Option<T>,
    ) -> Option<Entries<T>> {
        let map = self.map(node, path)?;
        let entry = |(key, node): &(source::Key<'_>, Node<'_>)| {
            let value = read(self, node, path.key(&key.text))?;
            Some((key.at(), value))
        };
        Some(Entries(collect(map.entries().len(), map.entries().iter().filter_map(entry))))
    }

    fn list<T>(
        &mut self,
        node: &Node<'_>,
        path: Path<'_>,
        read: impl Fn(&mut Self, &Node<'_>, Path<'_>) -> Option<T>,
    ) -> Option<At<Vec<T>>> {
        let NodeValue::List(items) = &node.value else {
            return self.list_of_one(node, path, read);
        };
        let read = |(index, item)| read(self, item, path.index(index));
        let value = collect(items.len(), items.iter().enumerate().filter_map(read));
        Some(At { value, span: node.span })
    }

    /// A value in the place of a list, which was probably meant as its only item if it can be read as one.
    fn list_of_one<T>(
        &mut self,
        node: &Node<'_>,
        path: Path<'_>,
        read: impl Fn(&mut Self, &Node<'_>, Path<'_>) -> Option<T>,
    ) -> Option<At<Vec<T>>> {
        let count = self.diagnostics.len();
        let item = read(self, node, path.index(0)).filter(|_| self.diagnostics.len() == count);
        self.diagnostics.truncate(count);
        let is_map = matches!(node.value, NodeValue::Map(_));
        let written = written(self.text, node.span).filter(|written| match written.as_bytes()[0] {
            b'{' | b'"' | b'\'' => true,
            _ => !is_map && !written.contains([',', '[', ']', '{', '}']),
        });
        let one = written.filter(|_| item.is_some()).map(|written| format!("[{written}]"));
        let problem = self.wrong_type(node, path, "a list");
        match one {
            Some(one) => problem.meant(node.span, &one),
            None if is_map || item.is_some() => problem.help("write a list here: begin each item with `- `"),
            None => {}
        }
        item.map(|item| At { value: vec![item], span: node.span })
    }

    /// Reads the document, but for flags that were read before.
    fn document(&mut self, root: &Node<'_>, flags: Option<Entries<Flag>>) -> Option<Document> {
        let mut map = self.map(root, Path::Root)?;
        let document = Document {
            revision: map.get(self, "revision", |parser, node, path| parser.integer(node, path, u64::MAX)),
            clients: map.get(self, "clients", Self::keyword),
            cohorts: map
                .get(self, "cohorts", |parser, node, path| parser.entries(node, path, Self::cohort))
                .unwrap_or_default(),
            templates: map
                .get(self, "templates", |parser, node, path| parser.entries(node, path, Self::flag))
                .unwrap_or_default(),
            flags: map
                .get(self, "flags", |parser, node, path| match flags {
                    Some(flags) => parser.map(node, path).map(|_| flags),
                    None => parser.entries(node, path, Self::flag),
                })
                .unwrap_or_default(),
            shared: Vec::new(),
            removed: map.get(self, "removed", |parser, node, path| parser.list(node, path, Self::text)),
        };
        let flags = map.value("flags");
        map.finish(self);
        self.check_flags(root, flags);
        Some(document)
    }

    /// A document without flags turns everything off. Mostly it was meant otherwise: the file was emptied, or only a
    /// part of it has arrived.
    fn check_flags(&mut self, root: &Node<'_>, flags: Option<&Node<'_>>) {
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

    fn cohort(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<Cohort> {
        let mut map = self.map(node, path)?;
        let cohort = Cohort {
            users: map.get(self, "users", Self::members),
            when: map.get(self, "when", Self::conditions),
            except: map.get(self, "except", Self::members),
        };
        map.finish(self);
        Some(cohort)
    }

    fn members(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<Vec<At<String>>> {
        let members = self.list(node, path, Self::text)?.value;
        if members.len() > limits::MEMBERS {
            let message = format!("{} users, more than the limit of {}", members.len(), limits::MEMBERS);
            self.diagnostics
                .error(node.span, path, "limit-members", message)
                .help("supply the members in the host instead");
        }
        Some(members)
    }

    fn flag(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<Flag> {
        let mut map = self.map(node, path)?;
        let flag = Flag {
            description: map.get(self, "description", Self::text),
            extends: map.get(self, "extends", Self::text),
            owner: map.get(self, "owner", Self::text),
            tags: map.get(self, "tags", |parser, node, path| parser.list(node, path, Self::text)),
            kind: map.get(self, "kind", Self::keyword),
            until: map.get(self, "until", Self::text),
            client: map.get(self, "client", Self::client),
            enabled: map.get(self, "enabled", Self::boolean),
            default: map.get(self, "default", Self::literal),
            on: map.get(self, "on", Self::literal),
            salt: map.get(self, "salt", Self::text),
            dependencies: map.get(self, "dependencies", |parser, node, path| parser.list(node, path, Self::dependency)),
            overrides: map.get(self, "overrides", |parser, node, path| parser.entries(node, path, Self::override_)),
            rollout: map.get(self, "rollout", Self::rollout),
            conditions: map.get(self, "conditions", Self::conditions),
            variants: map.get(self, "variants", |parser, node, path| parser.weighted(node, path, Self::variant)),
            rules: map.get(self, "rules", |parser, node, path| parser.list(node, path, Self::rule)),
            error_threshold: map.get(self, "error_threshold", Self::error_threshold),
            span: node.span,
        };
        map.finish(self);
        Some(flag)
    }

    fn override_(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<Override>> {
        let value = match &node.value {
            NodeValue::Bool(on) => Override::Switch(*on),
            NodeValue::String(name) => Override::Variant(name.to_string()),
            _ => {
                self.wrong_type(node, path, "true, false or the name of a variant");
                return None;
            }
        };
        Some(At { value, span: node.span })
    }

    fn rollout(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<Rollout>> {
        if let Some(percentage) = self.alone(node, path, "percentage", Unit::Percent) {
            return Some(At { value: Rollout { percentage: Some(percentage), ..Rollout::default() }, span: node.span });
        }
        let mut map = self.map(node, path)?;
        let value = Rollout {
            percentage: map.get(self, "percentage", Self::percentage),
            by: map.get(self, "by", Self::text),
            cohorts: map.get(self, "cohorts", Self::cohort_switches),
            schedule: map.get(self, "schedule", |parser, node, path| parser.list(node, path, Self::stage)),
            ramp: map.get(self, "ramp", Self::keyword),
        };
        map.finish(self);
        Some(At { value, span: node.span })
    }

    /// One map, or a list of one-key maps: the list is for those to whom the order should show.
    fn cohort_switches(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<Switches>> {
        let value = match &node.value {
            NodeValue::Map(_) => self.entries(node, path, Self::boolean)?.0,
            NodeValue::List(items) => {
                let items = items.iter().enumerate();
                items.filter_map(|(index, item)| self.cohort_switch(item, path.index(index))).flatten().collect()
            }
            NodeValue::String(_) => self.cohort_switch(node, path)?,
            _ => {
                self.wrong_type(node, path, "a list of cohorts, each `name: true` or `name: false`");
                return None;
            }
        };
        Some(At { value, span: node.span })
    }

    /// An item of the list. A name alone was probably meant as on.
    fn cohort_switch(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<Switches> {
        let NodeValue::String(name) = &node.value else {
            return self.entries(node, path, Self::boolean).map(|map| map.0);
        };
        let meant = written(self.text, node.span).map(|name| format!("{{ {name}: true }}"));
        let problem = self.wrong_type(node, path, "a map");
        if let Some(meant) = meant {
            problem.meant(node.span, &meant);
        }
        Some(vec![(At { value: name.to_string(), span: node.span }, At { value: true, span: node.span })])
    }

    fn stage(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<Stage>> {
        let mut map = self.map(node, path)?;
        let at = map.need(self, "at", Self::text);
        let percentage = map.need(self, "percentage", Self::percentage);
        map.finish(self);
        Some(At { value: Stage { at: at?, percentage: percentage? }, span: node.span })
    }

    fn variant(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<Variant>> {
        let mut map = self.map(node, path)?;
        let name = map.need(self, "name", Self::text);
        let weight = map.need(self, "weight", Self::weight);
        let value = map.get(self, "value", Self::literal);
        map.finish(self);
        Some(At { value: Variant { name: name?, weight: weight?, value }, span: node.span })
    }

    /// A list of items with weights. Fractions were probably meant as shares of the whole.
    fn weighted<T>(
        &mut self,
        node: &Node<'_>,
        path: Path<'_>,
        read: impl Fn(&mut Self, &Node<'_>, Path<'_>) -> Option<T>,
    ) -> Option<At<Vec<T>>> {
        let count = self.diagnostics.len();
        let list = self.list(node, path, read);
        let Some((factor, edits)) = weights::as_integers(node) else { return list };
        let is_fraction = |span| edits.iter().any(|edit: &Edit| edit.start == span);
        let found = self.diagnostics.since(count).iter_mut();
        let mut fractions = found.filter(|problem| problem.code == "wrong-number" && is_fraction(problem.span.start));
        if let Some(first) = fractions.next() {
            first.fix(edits.iter().cloned());
            first.help(format!("weights are integers: multiply all of them by {factor}"));
        }
        list
    }

    #[expect(clippy::unnecessary_wraps, reason = "the signature of all readers")]
    fn weight(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<u32>> {
        // One that is wrong counts as 1, so that its variant is known.
        Some(self.integer(node, path, limits::WEIGHT.into()).unwrap_or(At { value: 1, span: node.span }))
    }

    fn rule(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<Rule>> {
        let mut map = self.map(node, path)?;
        let value = Rule {
            name: map.get(self, "name", Self::text),
            conditions: map.get(self, "conditions", Self::conditions),
            percentage: map.get(self, "percentage", Self::percentage),
            variant: map.get(self, "variant", Self::text),
            variants: map.get(self, "variants", |parser, node, path| parser.weighted(node, path, Self::share)),
        };
        map.finish(self);
        Some(At { value, span: node.span })
    }

    fn share(&mut self, node: &Node<'_>, path: Path<'_>) -> Option<At<Share>> {
        let mut map = self.map(node, path)?;
        let name = map.need(self, "name", Self::text);
        let weight = map.need(self, "weight", Self::weight);
        map.finish(self);
        Some(At { value: Share { name: name?, weight: weight? }, span: node.span })
    }
}
