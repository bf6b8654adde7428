//! Edits of the tree, to compare what the new text gives with what it must give.

use serde_json::Value;

use crate::diagnostics::Span;
use crate::edit::path::{Step, display};
use crate::edit::{Reason, Result, place, refuse, write};
use crate::parse::source::{Key, Node, NodeValue, Style};

/// A change of a tree, at the places that a path was resolved to.
#[derive(Clone, Debug)]
pub(super) enum Change<'e> {
    /// A new child, before the one that has its place.
    Insert { parent: Vec<usize>, index: usize, key: Option<&'e str>, value: &'e Value },
    /// A child at another place.
    Move { parent: Vec<usize>, from: usize, to: usize },
    /// A child less.
    Remove { parent: Vec<usize>, index: usize },
    /// Another key.
    Rename { parent: Vec<usize>, index: usize, key: &'e str },
    /// Another value.
    Replace { at: Vec<usize>, value: &'e Value },
}

/// Follows a path; `Ok(Err(..))` is the node that the path ends at, and how many steps it took, where a key of a map is
/// not there.
pub(super) type Resolved = std::result::Result<Vec<usize>, (Vec<usize>, usize)>;

pub(super) fn resolve(root: &Node, path: &[Step]) -> Result<Resolved> {
    let (mut node, mut places) = (root, Vec::with_capacity(path.len()));
    for (taken, step) in path.iter().enumerate() {
        if node.style == Style::Alias {
            return refuse(Reason::Alias, node.span, "the value comes from an alias");
        }
        let Some(place) = find(node, step, &path[..taken])? else { return Ok(Err((places, taken))) };
        places.push(place);
        node = place::child_of(node, place).map_or(node, |(_, child)| child);
    }
    Ok(Ok(places))
}

/// The place of a child; `None` for a key that is not there.
fn find(node: &Node, step: &Step, before: &[Step]) -> Result<Option<usize>> {
    match (&node.value, step) {
        (NodeValue::List(items), Step::Index(index)) if *index < items.len() => Ok(Some(*index)),
        (NodeValue::List(items), Step::Index(index)) => refuse(
            Reason::Missing,
            node.span,
            format!("`{}` has {} items, so none is {index}", display(before), items.len()),
        ),
        (NodeValue::Map(entries), Step::Key(name)) => {
            let mut places = entries.iter().enumerate().filter(|(_, (key, _))| key.text == *name);
            match (places.next(), places.next()) {
                (_, Some((_, (key, _)))) => refuse(Reason::Duplicate, key.span, format!("`{name}` is given twice")),
                (found, None) => Ok(found.map(|(place, _)| place)),
            }
        }
        (NodeValue::Null, Step::Key(_)) => Ok(None),
        _ => {
            let message = format!(
                "`{}` is {}, so it has no {}",
                display(before),
                node.kind(),
                display(std::slice::from_ref(step))
            );
            refuse(Reason::Type, node.span, message)
        }
    }
}

/// The node at a place.
pub(super) fn at<'n>(root: &'n Node<'n>, places: &[usize]) -> Option<&'n Node<'n>> {
    places.iter().try_fold(root, |node, place| place::child_of(node, *place).map(|(_, child)| child))
}

fn at_mut<'n, 't>(root: &'n mut Node<'t>, places: &[usize]) -> Option<&'n mut Node<'t>> {
    places.iter().try_fold(root, |node, place| match &mut node.value {
        NodeValue::List(items) => items.get_mut(*place),
        NodeValue::Map(entries) => entries.get_mut(*place).map(|(_, child)| child),
        _ => None,
    })
}

impl Change<'_> {
    /// Changes the tree. `None` if it has no such place.
    pub(super) fn apply(&self, root: &mut Node) -> Option<()> {
        match self {
            Self::Replace { at, value } => *at_mut(root, at)? = write::node(value),
            Self::Insert { parent, index, key, value } => match (&mut at_mut(root, parent)?.value, key) {
                (NodeValue::List(items), None) => items.insert(*index, write::node(value)),
                (NodeValue::Map(entries), Some(key)) => entries.insert(*index, (write::key(key), write::node(value))),
                _ => return None,
            },
            Self::Remove { parent, index } => match &mut at_mut(root, parent)?.value {
                NodeValue::List(items) => drop(items.remove(*index)),
                NodeValue::Map(entries) => drop(entries.remove(*index)),
                _ => return None,
            },
            Self::Move { parent, from, to } => match &mut at_mut(root, parent)?.value {
                NodeValue::List(items) => reorder(items, *from, *to),
                NodeValue::Map(entries) => reorder(entries, *from, *to),
                _ => return None,
            },
            Self::Rename { parent, index, key } => match &mut at_mut(root, parent)?.value {
                NodeValue::Map(entries) => entries.get_mut(*index)?.0.text = (*key).to_owned().into(),
                _ => return None,
            },
        }
        Some(())
    }
}

fn reorder<T>(items: &mut Vec<T>, from: usize, to: usize) {
    let item = items.remove(from);
    items.insert(to, item);
}

/// Whether two nodes are the same value, with their keys in the same order.
pub(super) fn alike(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (NodeValue::List(one), NodeValue::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (NodeValue::Map(one), NodeValue::Map(other)) => {
            let same = |(one, other): (&(Key<'_>, Node<'_>), &(Key<'_>, Node<'_>))| {
                one.0.text == other.0.text && alike(&one.1, &other.1)
            };
            one.len() == other.len() && one.iter().zip(other).all(same)
        }
        (NodeValue::Bool(one), NodeValue::Bool(other)) => one == other,
        (NodeValue::Null, NodeValue::Null) => true,
        (NodeValue::Inexact(one, _), NodeValue::Inexact(other, _))
        | (NodeValue::String(one), NodeValue::String(other)) => one == other,
        (NodeValue::Number(one), NodeValue::Number(other)) => one.to_bits() == other.to_bits(),
        _ => false,
    }
}

/// How deep a value nests, and how many values it has.
pub(super) fn size(value: &Value) -> (usize, usize) {
    let of = |inner: &mut dyn Iterator<Item = &Value>| {
        inner.map(size).fold((0, 0), |(depth, count), (inner, more)| (depth.max(inner), count + more))
    };
    let (depth, count) = match value {
        Value::Array(items) => of(&mut items.iter()),
        Value::Object(map) => of(&mut map.values()),
        _ => return (0, 1),
    };
    (depth + 1, count + 1)
}

/// Comments as texts.
pub(super) fn texts<'t>(text: &'t str, comments: &[Span]) -> Vec<&'t str> {
    comments.iter().filter_map(|comment| text.get(comment.start..comment.end)).collect()
}
