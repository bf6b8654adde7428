//! What a flag or a cohort says, value by value: where each is written, and from where it is inherited.
//!
//! ```
//! let text = "templates:\n  t: { rollout: { percentage: 5 } }\nflags:\n  beta: { extends: t, enabled: false }\n";
//! let outline = flcm_flags_config::outline(text, "beta").unwrap();
//! let inherited = outline.values.iter().find(|value| value.value == Some(5.into())).unwrap();
//! assert_eq!(serde_json::to_string(&inherited.origin).unwrap(), r#"{"kind":"inherited","from":["templates","t"]}"#);
//! assert_eq!(inherited.range.start.line, 1);
//! ```

use std::collections::HashSet;

use serde::Serialize;
use serde_json::Value;

use crate::check::inherit;
use crate::diagnostics::{Diagnostics, Lines, Span, TextRange};
use crate::edit::Step;
use crate::limits;
use crate::parse::document::{At, Document};
use crate::parse::json::value_of;
use crate::parse::source::{self, Key, Node, NodeValue, Style};

mod cohort;
mod references;

pub use cohort::{CohortOutline, cohort};

/// A flag of a document.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outline {
    /// The flag key.
    pub flag: String,
    /// The whole flag in the text, from its key on.
    pub range: TextRange,
    /// The templates and flags that it inherits from, the nearest first.
    pub parents: Vec<String>,
    /// Its values, lists and maps before what they contain.
    pub values: Vec<Written>,
    /// The cohorts that it names.
    pub cohorts: Vec<Reference>,
    /// The flags that it names.
    pub flags: Vec<Reference>,
    /// The flags that name it.
    pub dependents: Vec<Reference>,
}

/// A value of a flag or a cohort.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Written {
    /// The path in the flag or cohort, such as `rollout`, `percentage`.
    pub path: Vec<Step>,
    /// The value that is in effect; `None` for a list or map that contains something, which follows.
    pub value: Option<Value>,
    /// Where it is written.
    pub range: TextRange,
    /// How the flag or cohort comes by it.
    pub origin: Origin,
}

/// How a flag or a cohort comes by a value.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Origin {
    /// By an alias, which repeats a value that is written elsewhere.
    Alias,
    /// From a template or another flag.
    Inherited {
        /// Its path in the document.
        from: Vec<Step>,
    },
    /// It is written in the flag or cohort itself.
    Own,
}

/// A place in which something is named.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reference {
    /// The cohort or the flag.
    pub name: String,
    /// Where it is named.
    pub range: TextRange,
}

/// Describes a flag. `None` if the text cannot be read, or has no such flag. The document may have errors.
#[must_use]
pub fn outline(text: &str, flag: &str) -> Option<Outline> {
    let mut ignored = Diagnostics::default();
    let tree = source::parse(text, &mut ignored)?;
    let (key, node) = entry(&tree.root, "flags", flag)?;
    let chain = chain(&tree.root, flag, node);
    let mut lines = Lines::new(text);
    let values = Walk::values(&mut lines, &chain);
    let range = lines.range(Span { start: key.span.start, end: node.end_after(key, text) });
    let parents = chain.iter().skip(1).filter_map(Layer::name).collect();
    let mut outline = Outline {
        flag: flag.to_owned(),
        range,
        parents,
        values,
        cohorts: Vec::new(),
        flags: Vec::new(),
        dependents: Vec::new(),
    };
    if let Some(document) = Document::parse(text, false, &mut ignored) {
        outline.refer(&inherit::flatten(&document, &mut ignored), &mut lines);
    }
    Some(outline)
}

impl Outline {
    fn refer(&mut self, flags: &[inherit::Flat<'_>], lines: &mut Lines<'_>) {
        let mut reference = |name: &At<String>| Reference { name: name.value.clone(), range: lines.range(name.span) };
        for (key, flag) in flags {
            if key.value == self.flag {
                self.cohorts = references::cohorts(flag).into_iter().map(&mut reference).collect();
                self.flags = references::flags(flag).iter().map(&mut reference).collect();
                continue;
            }
            let named = references::flags(flag).into_iter().filter(|named| named.value == self.flag);
            let by = |named: At<String>| At { value: key.value.clone(), span: named.span };
            self.dependents.extend(named.map(by).map(|named| reference(&named)));
        }
    }
}

/// The flag or one that it inherits from.
struct Layer<'n> {
    path: Vec<Step>,
    node: &'n Node<'n>,
}

impl Layer<'_> {
    fn name(&self) -> Option<String> {
        match self.path.last() {
            Some(Step::Key(name)) => Some(name.clone()),
            _ => None,
        }
    }
}

fn entries<'n>(node: &'n Node<'n>) -> &'n [(Key<'n>, Node<'n>)] {
    if let NodeValue::Map(entries) = &node.value { entries } else { &[] }
}

fn child<'n>(node: &'n Node<'n>, name: &str) -> Option<(&'n Key<'n>, &'n Node<'n>)> {
    entries(node).iter().find(|(key, _)| key.text == name).map(|(key, node)| (key, node))
}

fn entry<'n>(root: &'n Node<'n>, section: &str, name: &str) -> Option<(&'n Key<'n>, &'n Node<'n>)> {
    child(child(root, section)?.1, name)
}

/// The flag and what it inherits from, as far as the chain of `extends` goes.
fn chain<'n>(root: &'n Node<'n>, flag: &str, node: &'n Node<'n>) -> Vec<Layer<'n>> {
    let mut chain = vec![Layer { path: vec!["flags".into(), flag.into()], node }];
    while chain.len() <= limits::EXTENDS_DEPTH {
        let last = &chain[chain.len() - 1];
        let Some(NodeValue::String(name)) = child(last.node, "extends").map(|(_, node)| &node.value) else { break };
        // A template comes before a flag of its name.
        let sections = ["templates", "flags"];
        let parent = sections.iter().find_map(|section| Some((*section, entry(root, section, name)?.1)));
        let Some((section, node)) = parent else { break };
        let path = vec![section.into(), (&**name).into()];
        if chain.iter().any(|layer| layer.path == path) {
            break;
        }
        chain.push(Layer { path, node });
    }
    chain
}

/// Lists values, with the path at which it is.
struct Walk<'w, 't> {
    lines: &'w mut Lines<'t>,
    values: Vec<Written>,
    path: Vec<Step>,
}

impl<'w, 't> Walk<'w, 't> {
    fn values(lines: &'w mut Lines<'t>, chain: &[Layer<'_>]) -> Vec<Written> {
        let mut walk = Self { lines, values: Vec::new(), path: Vec::new() };
        walk.layers(chain);
        walk.values
    }

    /// The values of a flag: of each key the nearest one.
    fn layers(&mut self, chain: &[Layer<'_>]) {
        let mut seen = HashSet::new();
        for (depth, layer) in chain.iter().enumerate() {
            for (key, node) in entries(layer.node) {
                let is_inherited = depth == 0 || !inherit::NEVER.contains(&&*key.text);
                if is_inherited && seen.insert(key.text.clone()) {
                    self.key(key, node, chain, depth);
                }
            }
        }
    }

    fn key(&mut self, key: &Key, node: &Node, chain: &[Layer<'_>], depth: usize) {
        self.path.push((&*key.text).into());
        self.push(node, &origin(chain, depth, node));
        if !inherit::MERGED.contains(&&*key.text) || !matches!(node.value, NodeValue::Map(_)) {
            self.inside(node, &origin(chain, depth, node));
            self.path.pop();
            return;
        }
        let mut seen = HashSet::new();
        for (depth, layer) in chain.iter().enumerate().skip(depth) {
            let Some((_, layer)) = child(layer.node, &key.text) else { continue };
            for (key, node) in entries(layer).iter().filter(|(key, _)| seen.insert(key.text.clone())) {
                self.path.push((&*key.text).into());
                let own = if layer.style == Style::Alias { Origin::Alias } else { origin(chain, depth, node) };
                self.push(node, &own);
                self.inside(node, &own);
                self.path.pop();
            }
        }
        self.path.pop();
    }

    fn push(&mut self, node: &Node, origin: &Origin) {
        let is_filled = match &node.value {
            NodeValue::List(items) => !items.is_empty(),
            NodeValue::Map(entries) => !entries.is_empty(),
            _ => false,
        };
        let value = (!is_filled).then(|| value_of(node));
        let range = self.lines.range(node.span);
        self.values.push(Written { path: self.path.clone(), value, range, origin: origin.clone() });
    }

    fn inside(&mut self, node: &Node, around: &Origin) {
        let children: Vec<(Step, &Node)> = match &node.value {
            NodeValue::List(items) => items.iter().enumerate().map(|(index, item)| (index.into(), item)).collect(),
            NodeValue::Map(entries) => entries.iter().map(|(key, node)| ((&*key.text).into(), node)).collect(),
            _ => return,
        };
        for (step, node) in children {
            let origin = if node.style == Style::Alias { &Origin::Alias } else { around };
            self.path.push(step);
            self.push(node, origin);
            self.inside(node, origin);
            self.path.pop();
        }
    }
}

fn origin(chain: &[Layer<'_>], depth: usize, node: &Node) -> Origin {
    match chain.get(depth) {
        _ if node.style == Style::Alias => Origin::Alias,
        Some(layer) if depth > 0 => Origin::Inherited { from: layer.path.clone() },
        _ => Origin::Own,
    }
}
