//! JSON that is nothing but JSON. The YAML parser also accepts comments, commas at the end and text without quotes,
//! which the other readers of a `.json` file do not.

use serde::de::IgnoredAny;

use crate::diagnostics::{Diagnostics, Edit, Span};

const QUOTES: &str = "put keys and text in double quotes, or name the file `.yaml`";
const COMMENT: &str = "JSON has no comments: remove it, or name the file `.yaml`";

/// Whether the text is JSON; what is wrong is reported.
pub(super) fn is_json(text: &str, diagnostics: &mut Diagnostics) -> bool {
    let json = text.trim_start_matches('\u{feff}');
    let Err(error) = serde_json::from_str::<IgnoredAny>(json) else { return true };
    let start = text.len() - json.len() + offset(json, error.line(), error.column());
    let text_of_error = error.to_string();
    let message = text_of_error.rsplit_once(" at line ").map_or(text_of_error.as_str(), |(message, _)| message);
    let before = text[..text.floor_char_boundary(start)].trim_end();
    let span = Span { start, end: start + 1 };
    if before.ends_with(',') && matches!(text.as_bytes().get(start), Some(b'}' | b']')) {
        let comma = Span { start: before.len() - 1, end: before.len() };
        let problem = diagnostics.error(span, "", "json-syntax", "JSON has no comma at the end");
        problem.fix([Edit::replace(comma, "")]).help("remove the comma");
        return false;
    }
    let problem = diagnostics.error(span, "", "json-syntax", message.to_lowercase());
    problem.help(match text.as_bytes().get(start) {
        Some(b'#' | b'/') => COMMENT,
        Some(b'\'' | b'a'..=b'z' | b'A'..=b'Z') => QUOTES,
        _ => "check quotes, commas and brackets before this position",
    });
    false
}

/// The position of a line and a column, which counts bytes from 1.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let line_start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (line_start + column.saturating_sub(1)).min(text.len())
}
