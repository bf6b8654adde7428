//! `flcm check --fix`: applies the fixes that are certain, and replaces the file.

use std::path::Path;

use flcm_flags_config::Diagnostic;

use crate::failure::Failure;
use crate::replace;
use crate::source;

/// How often a text is checked again: a syntax error hides the next one, so each may take a round.
const ROUNDS: usize = 100;

/// Fixes a file and its text; what was fixed, a line each.
pub(super) fn file(path: &Path, name: &str, text: &mut String) -> Result<Vec<String>, Failure> {
    let mut fixed = Vec::new();
    let mut now = text.clone();
    for _ in 0..ROUNDS {
        let diagnostics = source::check_file(path, &now).1;
        let fix = diagnostics.fix(&now);
        if fix.applied.is_empty() {
            break;
        }
        fixed.extend(fix.applied.iter().map(|problem| line(name, problem, &now)));
        now = fix.text;
    }
    if fixed.is_empty() {
        return Ok(fixed);
    }
    // What someone saved in between must not be lost.
    if source::read_document(path)? != *text {
        return Err(Failure::new(format!("{name} changed while it was fixed"), "run the command again"));
    }
    replace::document(path, name, &now)?;
    *text = now;
    Ok(fixed)
}

fn line(name: &str, problem: &Diagnostic, text: &str) -> String {
    let edit = |edit: &flcm_flags_config::Edit| {
        let before = text.get(edit.start..edit.end).unwrap_or_default();
        match (before, edit.replacement.as_str()) {
            ("", new) => format!("added `{new}`"),
            (old, "") => format!("removed `{}`", shown(old)),
            (old, new) => format!("`{}` → `{new}`", shown(old)),
        }
    };
    let edits: Vec<String> = problem.fix.iter().map(edit).collect();
    let Diagnostic { line, column, message, .. } = problem;
    format!("{name}:{line}:{column}: fixed {message}: {}", edits.join(", "))
}

/// On one line.
fn shown(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
