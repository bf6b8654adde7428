//! Writes vector files: lines of a document one by one, and a case a line, so that a difference is seen.

use serde::Serialize;
use serde_json::Value;

use super::breaker;
use super::format::{Diagnostics, Diff, Document, Evaluate, Snapshot};

impl Evaluate {
    /// The file as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        object(&[("about", quoted(&self.about)), ("document", document(&self.document)), ("cases", cases(&self.cases))])
    }
}

impl Snapshot {
    /// The file as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let about = [("about", quoted(&self.about))];
        let older = self.older.then(|| ("older", "true".to_owned()));
        let document = [("document", document(&self.document))];
        let digest = self.digest.as_ref().map(|digest| ("digest", quoted(digest)));
        let cases = [("cases", cases(&self.cases))];
        let all: Vec<_> = about.into_iter().chain(older).chain(document).chain(digest).chain(cases).collect();
        object(&all)
    }
}

impl breaker::File {
    /// The file as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        object(&[
            ("about", quoted(&self.about)),
            ("policy", self.policy.to_string()),
            ("rollout", self.rollout.to_string()),
            ("scope", quoted(&self.scope)),
            ("steps", cases(&self.steps)),
        ])
    }
}

impl Diff {
    /// The file as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        object(&[("about", quoted(&self.about)), ("cases", cases(&self.cases))])
    }
}

impl Diagnostics {
    /// The file as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        object(&[("about", quoted(&self.about)), ("cases", cases(&self.cases))])
    }
}

fn object(entries: &[(&str, String)]) -> String {
    let lines: Vec<String> = entries.iter().map(|(key, value)| format!("  \"{key}\": {value}")).collect();
    format!("{{\n{}\n}}\n", lines.join(",\n"))
}

fn document(document: &Document) -> String {
    match document {
        Document::Lines(lines) => list(&lines.iter().map(|line| quoted(line)).collect::<Vec<_>>()),
        Document::Text(text) => quoted(text),
        Document::Json(value) => {
            let pretty = serde_json::to_string_pretty(value).expect("a value is JSON");
            pretty.replace('\n', "\n  ")
        }
    }
}

fn cases<T: Serialize>(cases: &[T]) -> String {
    list(&cases.iter().map(|case| serde_json::to_string(case).expect("a case is JSON")).collect::<Vec<_>>())
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "[]".to_owned() } else { format!("[\n    {}\n  ]", items.join(",\n    ")) }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
