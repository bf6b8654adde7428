//! Lines of a file of contexts: one flat JSON object on each.

use std::borrow::Cow;

use flcm_flags::{AttributeValue, Context};
use serde::Serialize;

use super::line::{self, LineSeed, Slot};

/// The longest line, in bytes: a context is small, and a file without line ends must not exhaust memory.
pub const LINE_BYTES: usize = 1 << 20;

/// Why a line cannot be read.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct LineProblem {
    /// Where in the line, from 1 and in bytes, if that is known.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// How to fix it.
    pub help: String,
}

impl LineProblem {
    /// A line of more than [`LINE_BYTES`] bytes.
    #[must_use]
    pub fn too_long() -> Self {
        let message = format!("longer than the limit of {LINE_BYTES} bytes");
        Self { column: None, message, help: "put one context on a line".to_owned() }
    }

    fn of(line: &str, error: &serde_json::Error) -> Self {
        const FLAT: &str = "write a flat JSON object on one line: {\"targetingKey\": \"alice\", \"country\": \"DE\"}";
        const LIST: &str = "write one object on a line, without the brackets and commas of a list";
        let text = error.to_string().replace("EOF while parsing", "the line ends in the middle of");
        let column = error.column();
        let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        let is_of_list = line.starts_with('[') || line.ends_with([',', ']']);
        let (what, help) = what.split_once(line::HELP).unwrap_or((what, if is_of_list { LIST } else { FLAT }));
        Self { column: (column > 0).then_some(column), message: what.to_owned(), help: help.to_owned() }
    }
}

/// Parses lines into buffers that it reuses, so that only strings with escapes are allocated.
#[derive(Debug)]
pub struct ContextParser<'s> {
    /// Names of the attributes that flags read, sorted; others are only checked.
    names: Vec<&'s str>,
    slots: Vec<Slot<'static>>,
    items: Vec<Cow<'static, str>>,
    item_texts: Vec<&'static str>,
    attributes: Vec<(&'static str, AttributeValue<'static>)>,
}

impl<'s> ContextParser<'s> {
    /// For flags that read these attributes.
    #[must_use]
    pub fn new(attributes: impl Iterator<Item = &'s str>) -> Self {
        // `cohorts` names the cohorts of the user; it is not an attribute of the snapshot.
        let mut names: Vec<&str> = attributes.chain(["cohorts"]).collect();
        names.sort_unstable();
        names.dedup();
        Self { names, slots: Vec::new(), items: Vec::new(), item_texts: Vec::new(), attributes: Vec::new() }
    }

    /// Parses one line and calls `pass` with the context.
    ///
    /// # Errors
    /// The line is no flat JSON object.
    pub fn with<T>(&mut self, line: &str, pass: impl FnOnce(&Context<'_>) -> T) -> Result<T, LineProblem> {
        let mut slots: Vec<Slot<'_>> = recycle(std::mem::take(&mut self.slots));
        slots.resize_with(self.names.len(), || Slot::Absent);
        let mut items: Vec<Cow<'_, str>> = recycle(std::mem::take(&mut self.items));
        let user = LineSeed { names: &self.names, slots: &mut slots, items: &mut items }.read(line);
        let passed = user.map(|user| {
            let mut texts: Vec<&str> = recycle(std::mem::take(&mut self.item_texts));
            texts.extend(items.iter().map(|item| &**item));
            let mut attributes: Vec<(&str, AttributeValue<'_>)> = recycle(std::mem::take(&mut self.attributes));
            let present = self.names.iter().zip(&slots);
            attributes.extend(present.filter_map(|(name, slot)| Some((*name, slot.value(&texts)?))));
            let passed = pass(&Context::new(user.as_deref(), &attributes));
            self.attributes = recycle(attributes);
            self.item_texts = recycle(texts);
            passed
        });
        self.slots = recycle(slots);
        self.items = recycle(items);
        passed.map_err(|error| LineProblem::of(line, &error))
    }
}

/// Empties a vector and reuses its memory for elements that differ only in their lifetime.
fn recycle<A, B>(mut vec: Vec<A>) -> Vec<B> {
    vec.clear();
    // The standard library collects such an iterator in place. If it ever did not, this would cost an allocation.
    vec.into_iter().map(|_| unreachable!("it is empty")).collect()
}

#[cfg(test)]
mod tests {
    use flcm_flags::{AttributeValue, Context};

    use super::{ContextParser, recycle};

    #[test]
    fn memory_is_recycled() {
        let vec: Vec<&str> = Vec::with_capacity(100);
        let pointer = vec.as_ptr();
        let recycled: Vec<&'static str> = recycle(vec);
        assert_eq!((recycled.as_ptr(), recycled.capacity()), (pointer, 100));
    }

    fn read(line: &str) -> Result<String, String> {
        let mut parser = ContextParser::new(["age", "list", "name"].into_iter());
        // Values of the line before must not show up.
        let _ = parser.with(r#"{"targetingKey": "x", "age": 1, "list": ["y"], "name": "z"}"#, |_| ());
        parser.with(line, |context| format!("{context:?}")).map_err(|problem| problem.message)
    }

    #[expect(clippy::unnecessary_wraps, reason = "it stands beside `read`")]
    fn context(key: Option<&str>, attributes: &[(&str, AttributeValue<'_>)]) -> Result<String, String> {
        Ok(format!("{:?}", Context::new(key, attributes)))
    }

    #[test]
    fn lines_become_contexts() {
        assert_eq!(read("{}"), context(None, &[]));
        assert_eq!(read(r#"{"targetingKey": null, "age": null}"#), context(None, &[]));
        assert_eq!(read(r#"{"targetingKey":"a\"b","age":-3}"#), context(Some("a\"b"), &[("age", (-3).into())]));
        let list: &[&str; 2] = &["p", "q\n"];
        assert_eq!(read(r#" {"list":["p","q\n"],"other":[]} "#), context(None, &[("list", list.into())]));
        assert_eq!(read(r#"{"name":"\u00e4"}"#), context(None, &[("name", "ä".into())]));
        assert_eq!(read(r#"{"n\u0061me":"a"}"#), context(None, &[("name", "a".into())]));
    }

    #[test]
    fn the_last_of_two_counts() {
        assert_eq!(read(r#"{"age":1,"age":2}"#), context(None, &[("age", 2.into())]));
        assert_eq!(read(r#"{"age":1,"age":null}"#), context(None, &[]));
        assert_eq!(read(r#"{"targetingKey":"a","targetingKey":"b"}"#), context(Some("b"), &[]));
    }

    #[test]
    fn what_is_no_context_is_refused() {
        for (line, expected) in [
            (r#"{"age":{}}"#, "attribute `age` is an object"),
            (r#"{"unread":{"a":[{}]}}"#, "attribute `unread` is an object"),
            (r#"{"list":["a",1]}"#, "attribute `list` is a list with a number in it"),
            (r#"{"list":["a",["b"]]}"#, "attribute `list` is a list with a list in it"),
            (r#"{"targetingKey":5}"#, "`targetingKey` is a number"),
            (r#"{"age":1e999}"#, "number out of range"),
            (r#"{"age":NaN}"#, "expected value"),
            (r#"{"age":1,}"#, "trailing comma"),
            (r#"{"age":1}}"#, "trailing characters"),
            (r#"{"age":1} {"age":2}"#, "trailing characters"),
            (r#"{"unread":"\ud800"}"#, "escape"),
            ("[]", "invalid type: sequence, expected a JSON object"),
            ("{", "the line ends in the middle of"),
            ("", "the line ends in the middle of"),
        ] {
            let error = read(line).expect_err(line);
            assert!(error.contains(expected), "{line}: {error}");
        }
    }
}
