//! Edits of any text.

use flcm_flags_config::edit::{self, Declined, Edit, Edited};
use flcm_flags_config::parse::json;
use flcm_flags_config::{check, outline};
use serde_json::Value;

/// A line of edits as JSON, and below it the text of a document. The edits are declined at a place in the text, or they
/// give a text that can be read, and of which all lines that are not reported as changed are there as they were.
pub fn edit(bytes: &[u8]) {
    let Ok(all) = std::str::from_utf8(bytes) else { return };
    let (first, text) = all.split_once('\n').unwrap_or(("", all));
    let edits = serde_json::from_str(first).unwrap_or_else(|_| everywhere(text));
    match edit::edit(text, &edits) {
        Ok(edited) => applied(text, &edits, &edited),
        Err(Declined { edit, at, message, help, .. }) => {
            assert!(edit <= edits.len() && at.start <= at.end && !message.is_empty() && !help.is_empty());
        }
    }
    if let Some(Value::Object(flags)) = json::value(text).as_ref().and_then(|value| value.get("flags")) {
        for flag in flags.keys().take(4) {
            let _ = outline(text, flag);
        }
    }
}

fn applied(text: &str, edits: &[Edit], edited: &Edited) {
    assert!(json::value(&edited.text).is_some(), "the new text can be read");
    let _ = check(&edited.text);
    if let [Edit::Set { path, value }] = edits {
        let again = edit::edit(&edited.text, edits).expect("what was set can be set");
        assert_eq!(again.text, edited.text, "{path:?} has {value} already");
    }
    let new: Vec<&str> = edited.text.split_inclusive('\n').collect();
    let mut old = text.split_inclusive('\n');
    let mut line = 0;
    for range in &edited.changed {
        new[line..range.start].iter().for_each(|line| assert!(old.any(|old| old == *line), "{line:?} was not there"));
        line = range.end;
    }
    new[line..].iter().for_each(|line| assert!(old.any(|old| old == *line), "{line:?} was not there"));
}

/// One edit for each of the first values, where the line has none that can be read.
fn everywhere(text: &str) -> Vec<Edit> {
    let Some(Value::Object(map)) = json::value(text) else { return Vec::new() };
    let keys = map.into_iter().take(4);
    keys.map(|(key, value)| match value {
        Value::Array(_) => Edit::Insert { path: vec![key.as_str().into()], key: None, index: Some(0), value },
        Value::Object(_) => {
            let inner = Value::from("new: text");
            Edit::Insert { path: vec![key.as_str().into()], key: Some("k".to_owned()), index: None, value: inner }
        }
        _ => Edit::Set { path: vec![key.as_str().into()], value: Value::from(7) },
    })
    .collect()
}
