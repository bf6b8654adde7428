//! A file of contexts, one flat JSON object per line, read in constant memory.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use flcm_flags::{AttributeValue, BoundContext, Context, Snapshot};
use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::Failure;
use crate::{source, style};

mod line;
mod lines;

use line::{LineSeed, Slot};
use lines::{LINE_BYTES, Line, Lines};

/// Lines that cannot be read are reported up to this many; further ones are only counted.
const REPORTED: u64 = 10;

/// Lines between two updates of the progress bar: some tens of milliseconds of work.
const PROGRESS_LINES: u64 = 1 << 16;

/// Calls `decide` with every context of a file, and reports lines that cannot be read; whether there were none.
pub(super) fn each(
    path: &Path,
    snapshot: &Snapshot<Vec<u8>>,
    show_progress: bool,
    mut decide: impl FnMut(&BoundContext<'_>) -> Result<(), Failure>,
) -> Result<bool, Failure> {
    let mut parser = Parser::new(snapshot.attributes());
    let mut contexts = Contexts::open(path, show_progress)?;
    while contexts.advance()? {
        contexts.parse(&mut parser, |context| decide(&context.bind(snapshot)))?;
    }
    Ok(contexts.finish())
}

/// The contexts of a file, one at a time.
pub(crate) struct Contexts {
    name: String,
    lines: Lines<Box<dyn Read>>,
    /// The position of the current line.
    line: Range<usize>,
    number: u64,
    failed: u64,
    progress: ProgressBar,
}

impl Contexts {
    pub(crate) fn open(path: &Path, show_progress: bool) -> Result<Self, Failure> {
        if path.to_string_lossy().starts_with('{') && !path.exists() {
            let help = "name a file, or give attributes with `--attr NAME=VALUE`";
            return Err(Failure::new("`--contexts` takes a file, not a context", help));
        }
        let length = if source::is_stdin(path) { None } else { path.metadata().ok().map(|file| file.len()) };
        Ok(Self {
            name: source::display(path),
            lines: Lines::new(source::open(path)?),
            line: 0..0,
            number: 0,
            failed: 0,
            progress: progress(length, show_progress),
        })
    }

    /// Goes to the next line that is not blank; `false` at the end.
    pub(crate) fn advance(&mut self) -> Result<bool, Failure> {
        const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
        while let Some(line) = self.lines.next().map_err(|error| Failure::file("read", &self.name, &error))? {
            self.number += 1;
            if self.number.is_multiple_of(PROGRESS_LINES) {
                self.progress.set_position(self.lines.bytes);
            }
            let Line::At(mut range) = line else {
                self.refuse(None, &format!("longer than the limit of {LINE_BYTES} bytes"), "put one context on a line");
                continue;
            };
            if self.number == 1 && self.lines.text(range.clone()).starts_with(BYTE_ORDER_MARK) {
                range.start += BYTE_ORDER_MARK.len();
            }
            if !self.lines.text(range.clone()).trim_ascii_start().is_empty() {
                self.line = range;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Parses the current line as a context and passes it on. A line that is not a context is reported and skipped.
    pub(crate) fn parse(
        &mut self,
        parser: &mut Parser<'_>,
        mut pass: impl FnMut(&Context<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let problem = match std::str::from_utf8(self.lines.text(self.line.clone()).trim_ascii_end()) {
            Ok(line) => match parser.with(line, &mut pass) {
                Ok(passed) => return passed,
                Err(error) => line_problem(line, &error),
            },
            Err(error) => (Some(error.valid_up_to() + 1), "not UTF-8".to_owned(), "save the file as UTF-8".to_owned()),
        };
        let (column, what, help) = problem;
        self.refuse(column, &what, &help);
        Ok(())
    }

    /// Reports how many lines could not be read; whether there were none.
    pub(crate) fn finish(&self) -> bool {
        self.progress.finish_and_clear();
        if self.failed > 0 {
            let (failed, all) = (style::plural(self.failed, "line", "lines"), style::count(self.number));
            style::error(&if self.failed == self.number {
                format!("{}: none of {} could be read", self.name, style::plural(self.number, "line", "lines"))
            } else {
                format!("{}: {failed} of {all} could not be read; the others were decided", self.name)
            });
        }
        self.failed == 0
    }

    fn refuse(&mut self, column: Option<usize>, what: &str, help: &str) {
        self.failed += 1;
        let Self { name, number, .. } = self;
        let column = column.map_or_else(String::new, |column| format!(":{column}"));
        if self.failed <= REPORTED {
            let report = || {
                style::error(&format!("{name}:{number}{column}: {what}"));
                style::help(&help);
            };
            self.progress.suspend(report);
        } else if self.failed == REPORTED + 1 {
            self.progress.suspend(|| style::note(&"further lines that cannot be read are counted only"));
        }
    }
}

/// Column, what is wrong and how to fix it.
fn line_problem(line: &str, error: &serde_json::Error) -> (Option<usize>, String, String) {
    const FLAT: &str = "write a flat JSON object on one line: {\"targetingKey\": \"alice\", \"country\": \"DE\"}";
    const LIST: &str = "write one object on a line, without the brackets and commas of a list";
    let text = error.to_string().replace("EOF while parsing", "the line ends in the middle of");
    let column = error.column();
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    let is_of_list = line.starts_with('[') || line.ends_with([',', ']']);
    let (what, help) = what.split_once(line::HELP).unwrap_or((what, if is_of_list { LIST } else { FLAT }));
    ((column > 0).then_some(column), style::shown(what), help.to_owned())
}

fn progress(length: Option<u64>, show: bool) -> ProgressBar {
    const BAR: &str = "{bar:32} {percent:>3} %  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left";
    const SPINNER: &str = "{spinner} {bytes}  {bytes_per_sec}";
    if !show {
        return ProgressBar::hidden();
    }
    let (bar, template) = match length.filter(|length| *length > 0) {
        Some(length) => (ProgressBar::new(length), BAR),
        None => (ProgressBar::new_spinner(), SPINNER),
    };
    // `indicatif` itself draws nothing unless the standard error is a terminal.
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// Parses lines into buffers that it reuses, so that only strings with escapes are allocated.
pub(crate) struct Parser<'s> {
    /// Names of the attributes that flags read, sorted; others are only checked.
    names: Vec<&'s str>,
    slots: Vec<Slot<'static>>,
    items: Vec<Cow<'static, str>>,
    item_texts: Vec<&'static str>,
    attributes: Vec<(&'static str, AttributeValue<'static>)>,
}

impl<'s> Parser<'s> {
    pub(crate) fn new(attributes: impl Iterator<Item = &'s str>) -> Self {
        // `cohorts` names the cohorts of the user; it is not an attribute of the snapshot.
        let mut names: Vec<&str> = attributes.chain(["cohorts"]).collect();
        names.sort_unstable();
        names.dedup();
        Self { names, slots: Vec::new(), items: Vec::new(), item_texts: Vec::new(), attributes: Vec::new() }
    }

    /// Parses one line and calls `pass` with the context.
    pub(crate) fn with<T>(&mut self, text: &str, pass: impl FnOnce(&Context<'_>) -> T) -> Result<T, serde_json::Error> {
        let mut slots: Vec<Slot<'_>> = recycle(std::mem::take(&mut self.slots));
        slots.resize_with(self.names.len(), || Slot::Absent);
        let mut items: Vec<Cow<'_, str>> = recycle(std::mem::take(&mut self.items));
        let user = LineSeed { names: &self.names, slots: &mut slots, items: &mut items }.read(text);
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
        passed
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

    use super::{Parser, recycle};

    #[test]
    fn memory_is_recycled() {
        let vec: Vec<&str> = Vec::with_capacity(100);
        let pointer = vec.as_ptr();
        let recycled: Vec<&'static str> = recycle(vec);
        assert_eq!((recycled.as_ptr(), recycled.capacity()), (pointer, 100));
    }

    fn read(line: &str) -> Result<String, String> {
        let mut parser = Parser::new(["age", "list", "name"].into_iter());
        // Values of the line before must not show up.
        let _ = parser.with(r#"{"targetingKey": "x", "age": 1, "list": ["y"], "name": "z"}"#, |_| ());
        parser.with(line, |context| format!("{context:?}")).map_err(|error| error.to_string())
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
            ("{", "EOF"),
            ("", "EOF"),
        ] {
            let error = read(line).expect_err(line);
            assert!(error.contains(expected), "{line}: {error}");
        }
    }
}
