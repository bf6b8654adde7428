//! What an edit of a value gives, and which comments it leaves.

use flcm_flags_config::edit::{Edit, Step};
use serde_json::Value;

use super::{belongs, lines, steps};
use crate::generate::layout::{Place, Written};

/// The value at a path.
pub(super) fn at<'v>(value: &'v Value, path: &[Step]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Index(index) => value.as_array()?.get(*index),
        Step::Key(key) => value.as_object()?.get(key),
    })
}

/// The place at a path; keys that are not there are added.
fn reach<'v>(value: &'v mut Value, path: &[Step]) -> Option<&'v mut Value> {
    path.iter().try_fold(value, |value, step| match step {
        Step::Index(index) => value.as_array_mut()?.get_mut(*index),
        Step::Key(key) => {
            if value.is_null() {
                *value = Value::Object(serde_json::Map::new());
            }
            Some(value.as_object_mut()?.entry(key.as_str()).or_insert(Value::Null))
        }
    })
}

/// The value with an edit applied; `None` if that is not possible. Maps have no order.
pub(super) fn applied(value: &Value, edit: &Edit) -> Option<Value> {
    let mut value = value.clone();
    match edit {
        Edit::Set { path, value: new } => *reach(&mut value, path)? = new.clone(),
        Edit::Insert { path, key, index, value: new } => match (reach(&mut value, path)?, key) {
            (Value::Array(items), None) => items.insert(index.unwrap_or(items.len()), new.clone()),
            (Value::Object(map), Some(key)) => drop(map.insert(key.clone(), new.clone())),
            _ => return None,
        },
        Edit::Remove { path } => {
            let (last, parent) = path.split_last()?;
            match (reach(&mut value, parent)?, last) {
                (Value::Array(items), Step::Index(index)) => drop(items.remove(*index)),
                (Value::Object(map), Step::Key(key)) => drop(map.remove(key)?),
                _ => return None,
            }
        }
        Edit::Rename { path, key: new } => {
            let (Step::Key(old), parent) = path.split_last()? else { return None };
            let map = reach(&mut value, parent)?.as_object_mut()?;
            let inner = map.remove(old)?;
            map.insert(new.clone(), inner);
        }
        Edit::Move { path, index } => {
            let (last, parent) = path.split_last()?;
            if let (Value::Array(items), Step::Index(from)) = (reach(&mut value, parent)?, last) {
                let item = items.remove(*from);
                items.insert(*index, item);
            }
        }
    }
    Some(value)
}

/// Whether the comments of a text are those of before, but for those of what was removed.
pub(super) fn comments(written: &Written, edit: &Edit, text: &str) -> Result<(), String> {
    let (path, goes) = match edit {
        Edit::Remove { path } => (path, true),
        Edit::Set { path, .. } | Edit::Insert { path, .. } | Edit::Rename { path, .. } | Edit::Move { path, .. } => {
            (path, false)
        }
    };
    let path = steps(path);
    for (number, comment) in written.comments.iter().enumerate() {
        let count = times(text, number);
        let inside = comment.owner.len() > path.len() || comment.place == Place::Free;
        let may_go = match edit {
            Edit::Remove { .. } => belongs(comment, &path) || comment.owner == path,
            // Of a list or a map, items and entries may be removed.
            Edit::Set { .. } => comment.owner.starts_with(&path) && inside,
            _ => false,
        };
        let must_go = goes && belongs(comment, &path);
        // In brackets another value may stand on the line that the comment is above, or where the removed value ends.
        let end = written.extents.get(&path).map_or(written.text.len(), |extent| extent.end);
        let behind = written.text.get(end..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        let shared = || {
            let now = lines::below_comment(text, number).trim();
            lines::below_comment(&written.text, number).contains(now) || behind.contains(now)
        };
        if must_go && count > 0 && !shared() {
            return Err(format!("comment {number} belongs to what was removed"));
        }
        if count != 1 && !(may_go && count == 0) {
            return Err(format!("comment {number} is there {count} times"));
        }
    }
    Ok(())
}

/// How often a comment occurs.
fn times(text: &str, number: usize) -> usize {
    text.lines().filter(|line| lines::comment_of(line) == Some(number)).count()
}
