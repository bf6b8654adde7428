//! Diagnostics: all problems of a document at once, each with a code, a path, a position, and how to fix it.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

use crate::limits;

mod fix;
mod range;

pub(crate) use fix::written;
pub use fix::{Edit, Fixed};
pub(crate) use range::Lines;
pub use range::{Position, Range as TextRange};

/// How bad a problem is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The document is rejected.
    Error,
    /// The document is accepted, but is probably not what was meant.
    Warning,
    /// The document is right, but one should know this about it. `--deny-warnings` does not mind.
    Hint,
}

impl Severity {
    /// `error`, `warning` or `hint`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Hint => "hint",
        }
    }
}

/// A position in a document's text: bytes from `start` up to `end`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }
}

/// One problem.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Diagnostic {
    /// Stable name of the kind of problem, such as `unknown-key`.
    pub code: &'static str,
    /// Whether the document is rejected for it.
    pub severity: Severity,
    /// The path in the document, such as `flags.checkout.rollout.percentage`.
    pub path: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// The position as editors count, with its end.
    pub range: TextRange,
    /// What is wrong.
    pub message: String,
    /// How to fix it.
    pub help: Option<String>,
    /// Edits that fix it, where it is certain what was meant; empty otherwise. Apply all of them or none.
    pub fix: Vec<Edit>,
    /// The position in the text.
    #[serde(skip)]
    pub span: Span,
}

/// The problems of one document, in the order of their positions.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Whether the document is rejected.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// The problems.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// Whether there is no problem at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many errors and how many warnings there are. Hints are not counted.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        let count = |severity| self.0.iter().filter(|diagnostic| diagnostic.severity == severity).count();
        (count(Severity::Error), count(Severity::Warning))
    }

    /// Errors and warnings alone.
    #[must_use]
    pub fn without_hints(self) -> Self {
        Self(self.0.into_iter().filter(|diagnostic| diagnostic.severity != Severity::Hint).collect())
    }

    /// Renders all problems as text, each with its line of the document.
    #[must_use]
    pub fn render(&self, name: &str, text: &str, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let rendered: Vec<String> = self.0.iter().map(|diagnostic| diagnostic.render(&renderer, name, text)).collect();
        rendered.join("\n\n")
    }

    /// Whether the limit of diagnostics is reached, so that no time need be spent on further ones.
    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= limits::DIAGNOSTICS
    }

    /// How many there are so far.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Those that were found after the first so many.
    pub(crate) fn since(&mut self, count: usize) -> &mut [Diagnostic] {
        &mut self.0[count..]
    }

    /// Forgets all but the first so many.
    pub(crate) fn truncate(&mut self, count: usize) {
        self.0.truncate(count);
    }

    pub(crate) fn error(
        &mut self,
        at: Span,
        path: impl fmt::Display,
        code: &'static str,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Severity::Error, at, path, code, message.into())
    }

    pub(crate) fn warn(
        &mut self,
        at: Span,
        path: impl fmt::Display,
        code: &'static str,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Severity::Warning, at, path, code, message.into())
    }

    pub(crate) fn hint(
        &mut self,
        at: Span,
        path: impl fmt::Display,
        code: &'static str,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Severity::Hint, at, path, code, message.into())
    }

    fn push(
        &mut self,
        severity: Severity,
        span: Span,
        path: impl fmt::Display,
        code: &'static str,
        message: String,
    ) -> &mut Diagnostic {
        let index = self.0.len();
        let path = path.to_string();
        self.0.push(Diagnostic {
            code,
            severity,
            path,
            line: 0,
            column: 0,
            range: TextRange::default(),
            message,
            help: None,
            fix: Vec::new(),
            span,
        });
        &mut self.0[index]
    }

    /// Gives every problem its line and column, and sorts them by position. Problems that are inherited several times
    /// are reported once, and problems past the limit are dropped.
    pub(crate) fn locate(&mut self, text: &str) {
        if self.0.is_empty() {
            return;
        }
        self.0.sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.severity));
        self.0
            .dedup_by(|next, first| (next.span, next.code, &next.message) == (first.span, first.code, &first.message));
        self.drop_consequences();
        self.limit(limits::DIAGNOSTICS);
        let (mut line, mut line_start, mut seen) = (1, 0, 0);
        let mut lines = Lines::new(text);
        for diagnostic in &mut self.0 {
            let start = text.floor_char_boundary(diagnostic.span.start);
            for (offset, byte) in text.as_bytes()[seen..start].iter().enumerate() {
                if *byte == b'\n' {
                    line += 1;
                    line_start = seen + offset + 1;
                }
            }
            seen = start;
            diagnostic.line = line;
            diagnostic.column = text[line_start..start].chars().count() + 1;
            diagnostic.range = lines.range(diagnostic.span);
        }
    }
}

impl Diagnostics {
    /// Drops what is past the limit: hints before warnings, and warnings before errors.
    fn limit(&mut self, most: usize) {
        let mut free = most;
        for severity in [Severity::Error, Severity::Warning, Severity::Hint] {
            self.0.retain(|diagnostic| {
                let keep = diagnostic.severity != severity || free > 0;
                free -= usize::from(diagnostic.severity == severity && keep);
                keep
            });
        }
    }

    /// Drops warnings and hints about a position that also has an error, which may be the cause.
    fn drop_consequences(&mut self) {
        let errors = self.0.iter().filter(|diagnostic| diagnostic.severity == Severity::Error);
        let starts: Vec<usize> = errors.map(|error| error.span.start).collect();
        self.0.retain(|diagnostic| {
            let Span { start, end } = diagnostic.span;
            let first = starts.partition_point(|error| *error < start);
            diagnostic.severity == Severity::Error || starts.get(first).is_none_or(|error| *error >= end)
        });
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl Diagnostic {
    /// Says how to fix it.
    pub(crate) fn help(&mut self, help: impl Into<String>) {
        self.help = Some(help.into());
    }

    /// Says what was meant in the place of what stands there, which is certain.
    pub(crate) fn meant(&mut self, span: Span, meant: &str) {
        self.fix = vec![Edit::replace(span, meant)];
        self.help(format!("write `{meant}`"));
    }

    /// Fixes it: only where it is certain what was meant, and never so that an accepted document serves anything else.
    pub(crate) fn fix(&mut self, edits: impl IntoIterator<Item = Edit>) -> &mut Self {
        self.fix.extend(edits);
        self
    }

    fn render(&self, renderer: &Renderer, name: &str, text: &str) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Hint => Level::INFO.with_name(Severity::Hint.as_str()),
        };
        let group = Group::with_title(level.primary_title(&self.message).id(self.code));
        let mut group = match self.quoted(text) {
            Some((line, span)) => {
                let annotation = AnnotationKind::Primary.span(span).label(&self.path);
                group.element(Snippet::source(line).path(name).line_start(self.line).annotation(annotation))
            }
            None => group.element(Origin::path(name).line(self.line).char_column(self.column)),
        };
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help));
        }
        renderer.render(&[group])
    }
}

impl Diagnostic {
    /// The line to show, and the part of it to point at; `None` for a very long line, such as minified JSON.
    fn quoted<'t>(&self, text: &'t str) -> Option<(&'t str, Range<usize>)> {
        const LONGEST_LINE: usize = 1_000;
        // A parser may point into the middle of a character.
        let start = text.floor_char_boundary(self.span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |end| end + 1);
        let line = text[line_start..].lines().next().unwrap_or_default();
        let start = start - line_start;
        let end = line.ceil_char_boundary((self.span.end.max(line_start) - line_start).min(line.len()));
        (line.len() <= LONGEST_LINE).then_some((line, start.min(line.len())..end.max(start.min(line.len()))))
    }
}

impl fmt::Display for Diagnostic {
    /// One line, for logs.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = self.severity.as_str();
        write!(formatter, "{}:{}: {severity}[{}]: {}: {}", self.line, self.column, self.code, self.path, self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(formatter, " ({help})"))
    }
}

/// A path in the document. It lies on the stack, and is only formatted for a problem.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Path<'p> {
    Root,
    Key(&'p Path<'p>, &'p str),
    Index(&'p Path<'p>, usize),
}

impl<'p> Path<'p> {
    pub(crate) const fn key(&'p self, key: &'p str) -> Self {
        Self::Key(self, key)
    }

    pub(crate) const fn index(&'p self, index: usize) -> Self {
        Self::Index(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Self::Root, key) => formatter.write_str(key),
            Self::Key(parent, key) => write!(formatter, "{parent}.{key}"),
            Self::Index(parent, index) => write!(formatter, "{parent}[{index}]"),
        }
    }
}

/// How many names are compared for a guess: thousands of unknown names among thousands of names would take minutes.
const COMPARED: usize = 1_000;

/// `did you mean …` for the nearest of the names that exist, if one is near.
#[must_use]
pub fn did_you_mean<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(wanted, names).map(|name| format!("did you mean `{name}`?"))
}

/// The nearest of the names that exist, if one is near.
pub(crate) fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // At most a third of the characters may differ, or the guess is too often wrong.
    let length = wanted.chars().count();
    let most = (length / 3).max(1).min(length.saturating_sub(1));
    // The number of edits is at least the difference in length; a character has at most four bytes.
    let is_near = |name: &&str| name.len().abs_diff(wanted.len()) <= most * 4;
    let near = names.into_iter().filter(is_near).take(COMPARED);
    let (distance, name) = near.map(|name| (strsim::damerau_levenshtein(wanted, name), name)).min()?;
    (distance <= most).then_some(name)
}
