//! A text while edits are applied to it, and the proof of each.

use serde_json::Value;

use crate::diagnostics::{Diagnostics, Span};
use crate::edit::changed::Changed;
use crate::edit::path::Step;
use crate::edit::plan::{Plan, Source, own};
use crate::edit::tree::{self, Change, alike};
use crate::edit::write::{self, Writer};
use crate::edit::{Edit, Reason, Result, insert, place, refuse, remove, reorder, replace};
use crate::limits;
use crate::parse::source::{self, Node, NodeValue, Style, Tree};

/// A text, its tree, and what has changed so far.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) text: String,
    pub(super) changed: Changed,
    tree: Tree<'static>,
    writer: Writer,
    /// How many changes the present edit has made.
    made: usize,
}

/// So many parts of one value are changed by themselves. Each is proven by reading the document, so a value with more
/// is written anew.
const MOST_PARTS: usize = 100;

impl Draft {
    pub(super) fn new(text: &str) -> Result<Self> {
        let tree = read(text)?;
        let writer = Writer::of(text, &tree.root, is_json(text));
        Ok(Self { text: text.to_owned(), changed: Changed::default(), tree, writer, made: 0 })
    }

    pub(super) fn apply(&mut self, edit: &Edit) -> Result<()> {
        self.made = 0;
        match edit {
            Edit::Insert { path, key, index, value } => self.insert(path, key.as_deref(), *index, value),
            Edit::Move { path, index } => {
                let (parent, from) = self.existing(path)?;
                self.is_place(&parent, *index)?;
                self.change(&Change::Move { parent, from, to: *index })
            }
            Edit::Remove { path } => {
                let (parent, index) = self.existing(path)?;
                self.change(&Change::Remove { parent, index })
            }
            Edit::Rename { path, key } => {
                let (parent, index) = self.existing(path)?;
                if self.has(&parent, key)? {
                    return refuse(Reason::Exists, self.node(&parent).span, format!("`{key}` is there already"));
                }
                self.change(&Change::Rename { parent, index, key })
            }
            Edit::Set { path, value } => self.set(path, value),
        }
    }

    fn insert(&mut self, path: &[Step], key: Option<&str>, index: Option<usize>, value: &Value) -> Result<()> {
        let parent = self.resolved(path)?;
        let node = self.node(&parent);
        let index = match (&node.value, key, index) {
            (NodeValue::List(items), None, index) if index.is_none_or(|index| index <= items.len()) => {
                index.unwrap_or(items.len())
            }
            (NodeValue::List(_), None, _) => return refuse(Reason::Missing, node.span, "the list has no such place"),
            (NodeValue::Map(_), Some(key), None) => {
                if self.has(&parent, key)? {
                    return refuse(Reason::Exists, node.span, format!("`{key}` is there already"));
                }
                insert::place_of_key(node, key)
            }
            (_, Some(_), _) => return refuse(Reason::Type, node.span, "only a map takes a key"),
            (_, None, _) => return refuse(Reason::Type, node.span, "only a list takes a value without a key"),
        };
        self.change(&Change::Insert { parent, index, key, value })
    }

    /// Sets a value. What is not there is added; of lists and maps only what differs is changed.
    fn set(&mut self, path: &[Step], value: &Value) -> Result<()> {
        match tree::resolve(&self.tree.root, path)? {
            Ok(at) => self.update(at, value),
            Err((parent, taken)) => {
                let keys = path[taken..].iter().rev();
                let mut value = value.clone();
                let mut last = None;
                for step in keys {
                    if let Some(key) = last.take() {
                        value = Value::Object([(key, value)].into_iter().collect());
                    }
                    let Step::Key(key) = step else {
                        return refuse(Reason::Missing, self.node(&parent).span, "a list is only made with its items");
                    };
                    last = Some(key.clone());
                }
                let key = last.unwrap_or_default();
                let node = self.node(&parent);
                if matches!(node.value, NodeValue::Null) {
                    let value = Value::Object([(key, value)].into_iter().collect());
                    return self.change(&Change::Replace { at: parent, value: &value });
                }
                let index = insert::place_of_key(node, &key);
                self.change(&Change::Insert { parent, index, key: Some(&key), value: &value })
            }
        }
    }

    fn update(&mut self, at: Vec<usize>, value: &Value) -> Result<()> {
        let node = self.node(&at);
        let wanted = write::node(value);
        if alike(node, &wanted) {
            return Ok(());
        }
        let both = match (&node.value, value) {
            (NodeValue::List(items), Value::Array(wanted)) => !items.is_empty() && !wanted.is_empty(),
            (NodeValue::Map(entries), Value::Object(wanted)) => !entries.is_empty() && !wanted.is_empty(),
            _ => false,
        };
        if both && node.style != Style::Alias {
            // Where a part cannot be changed by itself, the whole may be written anew.
            let mut parts = self.clone();
            if parts.parts(&at, value).is_ok() {
                *self = parts;
                return Ok(());
            }
        }
        self.change(&Change::Replace { at, value })
    }

    fn parts(&mut self, at: &[usize], value: &Value) -> Result<()> {
        match value {
            Value::Array(items) => self.items(at, items),
            Value::Object(map) => self.entries(at, map),
            _ => Ok(()),
        }
    }

    /// Items that are the same at both ends of a list stay.
    fn items(&mut self, at: &[usize], wanted: &[Value]) -> Result<()> {
        let NodeValue::List(items) = &self.node(at).value else { return Ok(()) };
        let same = |(item, wanted): (&Node, &Value)| alike(item, &write::node(wanted));
        let first = items.iter().zip(wanted).take_while(|pair| same(*pair)).count();
        let most = items.len().min(wanted.len()) - first;
        let last = items.iter().rev().zip(wanted.iter().rev()).take_while(|pair| same(*pair)).count().min(most);
        let (old_end, new_end) = (items.len() - last, wanted.len() - last);
        for (index, value) in wanted.iter().enumerate().take(new_end).skip(first) {
            if index < old_end {
                self.update([at, &[index]].concat(), value)?;
            } else {
                self.change(&Change::Insert { parent: at.to_vec(), index, key: None, value })?;
            }
        }
        for index in (new_end..old_end).rev() {
            self.change(&Change::Remove { parent: at.to_vec(), index })?;
        }
        Ok(())
    }

    fn entries(&mut self, at: &[usize], wanted: &serde_json::Map<String, Value>) -> Result<()> {
        for (key, value) in wanted {
            let NodeValue::Map(entries) = &self.node(at).value else { return Ok(()) };
            if let Some(index) = entries.iter().position(|(name, _)| name.text == *key) {
                self.update([at, &[index]].concat(), value)?;
                continue;
            }
            let index = insert::place_of_key(self.node(at), key);
            self.change(&Change::Insert { parent: at.to_vec(), index, key: Some(key), value })?;
        }
        let NodeValue::Map(entries) = &self.node(at).value else { return Ok(()) };
        let gone = |(name, _): &(source::Key<'_>, Node<'_>)| !wanted.contains_key(&*name.text);
        let gone: Vec<usize> = (0..entries.len()).rev().filter(|index| gone(&entries[*index])).collect();
        gone.into_iter().try_for_each(|index| self.change(&Change::Remove { parent: at.to_vec(), index }))
    }

    fn node(&self, at: &[usize]) -> &Node<'_> {
        tree::at(&self.tree.root, at).unwrap_or(&self.tree.root)
    }

    fn resolved(&self, path: &[Step]) -> Result<Vec<usize>> {
        match tree::resolve(&self.tree.root, path)? {
            Ok(at) => Ok(at),
            Err((parent, _)) => refuse(
                Reason::Missing,
                self.node(&parent).span,
                format!("there is no `{}`", super::path::display(path)),
            ),
        }
    }

    /// The parent of what a path names, and its place there.
    fn existing(&self, path: &[Step]) -> Result<(Vec<usize>, usize)> {
        let mut at = self.resolved(path)?;
        match at.pop() {
            Some(index) => Ok((at, index)),
            None => refuse(Reason::Type, self.tree.root.span, "the path is empty"),
        }
    }

    fn is_place(&self, parent: &[usize], index: usize) -> Result<()> {
        let node = self.node(parent);
        if index < place::count(node) {
            return Ok(());
        }
        refuse(Reason::Missing, node.span, format!("there are {} places, so none is {index}", place::count(node)))
    }

    fn has(&self, parent: &[usize], name: &str) -> Result<bool> {
        match &self.node(parent).value {
            NodeValue::Map(entries) => Ok(entries.iter().any(|(key, _)| key.text == name)),
            _ => refuse(Reason::Type, self.node(parent).span, "only a map has keys"),
        }
    }

    /// Changes the text, and proves that the change is what was meant.
    fn change(&mut self, change: &Change<'_>) -> Result<()> {
        self.made += 1;
        if self.made > MOST_PARTS {
            return refuse(Reason::Limit, Span::default(), "too many parts of the value are different");
        }
        let plan = self.plan(change)?;
        let text = plan.apply(&self.text);
        let span = plan.patches.first().map_or(Span::default(), |(span, _)| *span);
        let unproven = |message: &str| refuse(Reason::Proof, span, message);
        let Ok(tree) = read(&text) else { return unproven("the new text could not be read") };
        if self.writer.json && !is_json(&text) {
            return unproven("the new text would not be JSON");
        }
        if !self.keeps_comments(change, &plan, &text, &tree.comments) {
            return unproven("a comment would be lost");
        }
        // The old tree is not needed any more: where the proof fails, the whole draft is given up.
        let old = std::mem::replace(&mut self.tree, tree);
        let mut expected = old.root;
        if change.apply(&mut expected).is_none() || !alike(&expected, &self.tree.root) {
            return unproven("the new text would say something else");
        }
        self.changed.add(&self.text, &text);
        self.text = text;
        Ok(())
    }

    fn plan(&self, change: &Change<'_>) -> Result<Plan> {
        let source = Source { text: &self.text, comments: &self.tree.comments, writer: self.writer };
        let changed = match change {
            Change::Replace { at, .. } => at,
            Change::Insert { parent, .. }
            | Change::Move { parent, .. }
            | Change::Remove { parent, .. }
            | Change::Rename { parent, .. } => parent,
        };
        let node = self.node(changed);
        self.is_own(change, node)?;
        match change {
            Change::Insert { index, key, value, .. } => {
                fits(changed.len() + 1, value, node)?;
                insert::plan(source, node, *index, *key, value)
            }
            Change::Move { from, to, .. } => reorder::plan(source, node, *from, *to),
            Change::Remove { index, .. } => remove::plan(source, node, *index),
            Change::Rename { index, key, .. } => replace::rename(source, node, *index, key),
            Change::Replace { at, value } => {
                fits(at.len(), value, node)?;
                let parent = at.split_last().map(|(index, parent)| (self.node(parent), *index));
                replace::plan(source, parent, node, value)
            }
        }
    }

    /// Refuses to change what comes from an alias, or what one repeats.
    fn is_own(&self, change: &Change<'_>, node: &Node) -> Result<()> {
        let touched = match change {
            Change::Remove { index, .. } | Change::Rename { index, .. } => place::child_of(node, *index),
            _ => None,
        };
        let shared = &self.tree.shared;
        // An alias itself may be replaced and removed.
        match (touched, change) {
            (Some((_, child)), Change::Remove { .. }) if child.style != Style::Alias => own(shared, child)?,
            (None, Change::Replace { .. }) if node.style == Style::Alias => return Ok(()),
            _ => {}
        }
        if node.style == Style::Alias {
            return refuse(Reason::Alias, node.span, "the value comes from an alias");
        }
        let Span { start, end } = node.span;
        let around = |span: &Span| span.start <= start && end <= span.end;
        if shared.iter().any(around) {
            return refuse(Reason::Alias, node.span, "an alias repeats the value");
        }
        if matches!(change, Change::Replace { .. }) { own(shared, node) } else { Ok(()) }
    }

    /// Whether the comments of the new text are those of before, but for those that are removed on purpose.
    fn keeps_comments(&self, change: &Change<'_>, plan: &Plan, text: &str, comments: &[Span]) -> bool {
        let removed = |comment: &&Span| plan.removed.start <= comment.start && comment.end <= plan.removed.end;
        let kept: Vec<Span> = self.tree.comments.iter().filter(|comment| !removed(comment)).copied().collect();
        let (mut old, mut new) = (tree::texts(&self.text, &kept), tree::texts(text, comments));
        if matches!(change, Change::Move { .. }) {
            old.sort_unstable();
            new.sort_unstable();
        }
        old == new
    }
}

/// Refuses a value that would nest too deep, or is too large.
fn fits(depth: usize, value: &Value, node: &Node) -> Result<()> {
    let (inner, count) = tree::size(value);
    if depth + inner > limits::NODE_DEPTH || count > limits::NODES {
        return refuse(Reason::Limit, node.span, format!("lists and maps may nest {} deep", limits::NODE_DEPTH));
    }
    Ok(())
}

fn read(text: &str) -> Result<Tree<'static>> {
    let mut diagnostics = Diagnostics::default();
    let tree = source::parse_with_comments(text, &mut diagnostics);
    tree.map_or_else(
        || {
            let problem = diagnostics.iter().next();
            let (span, message) = problem.map_or((Span::default(), "the text cannot be read"), |problem| {
                (problem.span, problem.message.as_str())
            });
            refuse(Reason::Syntax, span, message)
        },
        |tree| Ok(tree.into_owned()),
    )
}

/// Whether a text is JSON: what is added to one must be JSON, too.
fn is_json(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    text.trim_start().starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}
