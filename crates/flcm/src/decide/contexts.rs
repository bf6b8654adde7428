//! A file of contexts, one flat JSON object per line, read in constant memory.

use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use flcm_flags::{BoundContext, Context, Snapshot};
use flcm_flags_config::context::{ContextParser, LineProblem};
use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::Failure;
use crate::{source, style};

mod lines;

use lines::{Line, Lines};

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
    let mut parser = ContextParser::new(snapshot.attributes());
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
                let LineProblem { column, message, help } = LineProblem::too_long();
                self.refuse(column, &message, &help);
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
        parser: &mut ContextParser<'_>,
        mut pass: impl FnMut(&Context<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let problem = match std::str::from_utf8(self.lines.text(self.line.clone()).trim_ascii_end()) {
            Ok(line) => match parser.with(line, &mut pass) {
                Ok(passed) => return passed,
                Err(problem) => (problem.column, style::shown(&problem.message), problem.help),
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
