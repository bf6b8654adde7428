//! `flcm check`: reports all problems of documents.

use std::io::Write;
use std::path::PathBuf;

use flcm_flags_config::{Diagnostic, Diagnostics, check};
use serde::Serialize;

use crate::failure::Failure;
use crate::source;
use crate::style::{self, BAD, GOOD, NOTE, plural};

/// Check documents and report every problem at once
#[derive(Debug, clap::Args)]
#[command(after_help = "With --json the output is one array of objects: file, code, severity, path, line, column, \
                        message, help, fix. The exit code is 1 when a document has an error.")]
pub(crate) struct Options {
    /// The documents, YAML or JSON
    #[arg(required = true, value_name = "DOC")]
    documents: Vec<PathBuf>,
    /// Print the problems as one JSON array
    #[arg(long)]
    json: bool,
    /// Exit with code 1 for warnings, too
    #[arg(long)]
    deny_warnings: bool,
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
    diagnostics: Diagnostics,
}

pub(crate) fn run(options: &Options) -> Result<bool, Failure> {
    let mut readable = true;
    let mut problems = Vec::new();
    let mut totals = (0, 0);
    let mut array = Vec::new();
    for path in &options.documents {
        let text = match source::read_document(path) {
            Ok(text) => text,
            // The other files are checked all the same.
            Err(failure) => {
                failure.report();
                readable = false;
                continue;
            }
        };
        let diagnostics = check(&text).1;
        let checked = Checked { name: source::display(path), text, diagnostics };
        let (errors, warnings) = checked.diagnostics.counts();
        totals = (totals.0 + errors, totals.1 + warnings);
        if options.json {
            array.extend(json(&checked));
        } else {
            problems.extend(rendered(&checked));
        }
    }
    if options.json {
        writeln!(std::io::stdout(), "[{}]", array.join(","))?;
    } else {
        report(&problems, options.documents.len(), totals)?;
    }
    Ok(readable && totals.0 == 0 && !(options.deny_warnings && totals.1 > 0))
}

fn json(checked: &Checked) -> impl Iterator<Item = String> {
    let object = |diagnostic| serde_json::to_string(&Located { file: &checked.name, diagnostic });
    checked.diagnostics.iter().filter_map(move |diagnostic| object(diagnostic).ok())
}

fn rendered(checked: &Checked) -> Option<String> {
    let Checked { name, text, diagnostics } = checked;
    (!diagnostics.is_empty()).then(|| source::render(diagnostics, name, text, style::is_coloured()))
}

fn report(problems: &[String], documents: usize, (errors, warnings): (usize, usize)) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    for problem in problems {
        writeln!(out, "{problem}\n")?;
    }
    let documents = plural(documents as u64, "document", "documents");
    let (errors, warnings) = (errors as u64, warnings as u64);
    let style = match (errors, warnings) {
        (0, 0) => GOOD,
        (0, _) => NOTE,
        _ => BAD,
    };
    let (errors, warnings) = (plural(errors, "error", "errors"), plural(warnings, "warning", "warnings"));
    writeln!(out, "{style}{documents} checked: {errors}, {warnings}{style:#}")?;
    Ok(())
}
