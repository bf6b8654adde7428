//! `flcm check`: reports all problems of documents, and fixes those whose fix is certain.

use std::io::Write;
use std::path::{Path, PathBuf};

use flcm_flags_config::{Config, Diagnostic, Diagnostics, TextRange};
use serde::Serialize;

use crate::failure::Failure;
use crate::source;
use crate::style::{self, BAD, GOOD, NOTE, plural};

mod client;
mod fix;

/// Check documents and report every problem at once
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[derive(Debug, clap::Args)]
#[command(after_help = "\
A file named `.json` must be JSON, without comments and without commas at the end.

With --json the output is one array of objects: file, code, severity, path, line, column, range, message, help, fix. \
A range has start and end, each with line and character from 0, in units of UTF-16. A fix is a list of edits: start \
and end, in bytes, and replacement. A file that cannot be read is there as well, as \
`unreadable`. The exit code is 1 when a document has an error.

With --fix each file is replaced at once, by a new file beside it that is renamed. Only fixes that are certain are \
made: they never change what an accepted document serves. What was fixed is listed, and what is left is reported.")]
pub(crate) struct Options {
    /// The documents, YAML or JSON
    #[arg(required = true, value_name = "DOC")]
    documents: Vec<PathBuf>,
    /// Print the problems as one JSON array
    #[arg(long)]
    json: bool,
    /// Exit with code 1 for warnings, too, but not for hints
    #[arg(long)]
    deny_warnings: bool,
    /// Fix what is certain, in the files themselves
    #[arg(long)]
    fix: bool,
    /// Print every text of a document that pages get: keys, values, attributes, operands, patterns
    #[arg(long, conflicts_with_all = ["json", "fix"])]
    show_client: bool,
}

/// A problem with the name of its document.
#[derive(Serialize)]
struct Located<'d> {
    file: &'d str,
    #[serde(flatten)]
    diagnostic: &'d Diagnostic,
}

/// A document that was checked.
struct Checked {
    name: String,
    text: String,
    config: Option<Config>,
    diagnostics: Diagnostics,
    /// What was fixed before, a line each.
    fixed: Vec<String>,
}

/// What all documents come to.
#[derive(Default)]
struct Totals {
    unreadable: usize,
    errors: usize,
    warnings: usize,
    fixed: usize,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    if options.fix && options.documents.iter().any(|path| source::is_stdin(path)) {
        return Err(Failure::new("the standard input cannot be fixed", "name a file"));
    }
    let mut problems = Vec::new();
    let mut shown = Vec::new();
    let mut totals = Totals::default();
    for path in &options.documents {
        match Checked::read(path, options.fix) {
            Ok(checked) => {
                totals.add(&checked);
                shown.extend(checked.config.as_ref().filter(|_| options.show_client).map(client::texts));
                problems.extend(if options.json { json(&checked) } else { text(&checked) });
            }
            // The other files are checked all the same.
            Err(failure) => {
                totals.unreadable += 1;
                if options.json {
                    problems.extend(unreadable(path, &failure));
                } else {
                    let _ = failure.report();
                }
            }
        }
    }
    if options.json {
        writeln!(std::io::stdout(), "[{}]", problems.join(","))?;
    } else {
        shown.iter().try_for_each(|texts| write!(anstream::stdout(), "{texts}"))?;
        report(&problems, options.documents.len() - totals.unreadable, &totals)?;
    }
    Ok(totals.unreadable == 0 && totals.errors == 0 && !(options.deny_warnings && totals.warnings > 0))
}

impl Checked {
    fn read(path: &Path, fixes: bool) -> Result<Self, Failure> {
        let name = source::display(path);
        let mut text = source::read_document(path)?;
        let fixed = if fixes { fix::file(path, &name, &mut text)? } else { Vec::new() };
        let (config, diagnostics) = source::check_file(path, &text);
        Ok(Self { name, text, config, diagnostics, fixed })
    }
}

impl Totals {
    fn add(&mut self, checked: &Checked) {
        let (errors, warnings) = checked.diagnostics.counts();
        self.errors += errors;
        self.warnings += warnings;
        self.fixed += checked.fixed.len();
    }
}

fn json(checked: &Checked) -> Vec<String> {
    checked.fixed.iter().for_each(|line| style::note(line));
    let object = |diagnostic| serde_json::to_string(&Located { file: &checked.name, diagnostic });
    checked.diagnostics.iter().filter_map(|diagnostic| object(diagnostic).ok()).collect()
}

fn text(checked: &Checked) -> Vec<String> {
    let Checked { name, text, diagnostics, fixed, .. } = checked;
    let problems = (!diagnostics.is_empty()).then(|| source::render(diagnostics, name, text, style::is_coloured()));
    fixed.iter().cloned().chain(problems).collect()
}

/// A file that cannot be read, in the form of a problem. It has no position, so the first one stands in.
fn unreadable(path: &Path, failure: &Failure) -> Option<String> {
    let Failure::Problem { what, help } = failure else { return None };
    let file = source::display(path);
    let problem = serde_json::json!({
        "file": file, "code": "unreadable", "severity": "error", "path": "", "line": 1, "column": 1,
        "range": TextRange::default(), "message": what, "help": help, "fix": [],
    });
    Some(problem.to_string())
}

fn report(problems: &[String], documents: usize, totals: &Totals) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    for problem in problems {
        writeln!(out, "{problem}\n")?;
    }
    let count = |number: usize, one, many| plural(number as u64, one, many);
    let style = match (totals.errors + totals.unreadable, totals.warnings) {
        (0, 0) => GOOD,
        (0, _) => NOTE,
        _ => BAD,
    };
    let documents = count(documents, "document", "documents");
    let (errors, warnings) = (count(totals.errors, "error", "errors"), count(totals.warnings, "warning", "warnings"));
    let fixed = match totals.fixed {
        0 => String::new(),
        fixed => format!("; {} fixed", count(fixed, "problem", "problems")),
    };
    let unreadable = match totals.unreadable {
        0 => String::new(),
        count => format!("; {count} could not be read"),
    };
    writeln!(out, "{style}{documents} checked: {errors}, {warnings}{fixed}{unreadable}{style:#}")?;
    Ok(())
}
