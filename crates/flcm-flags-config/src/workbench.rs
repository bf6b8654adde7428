//! Compares drafts of a document with the document that they are based on, which is compiled once.

use std::collections::BTreeMap;

use flcm_flags::{Millis, Snapshot, SnapshotError};
use serde::Serialize;

use crate::context::{ContextParser, LINE_BYTES, LineProblem};
use crate::diff::{ContextCounter, Difference, Moves, Status, Version, compare_all};
use crate::{Config, Diagnostics, check, compile};

/// A document, a draft of it, and what was counted for both.
///
/// ```
/// use flcm_flags::Millis;
/// use flcm_flags_config::Workbench;
///
/// let document = |percentage| format!("flags: {{ beta: {{ rollout: {{ percentage: {percentage} }} }} }}");
/// let mut workbench = Workbench::new(&document(0)).expect("a document without errors");
/// assert!(!workbench.draft(&document(100)).has_errors());
/// let difference = workbench.diff(Millis(0)).expect("a draft without errors");
/// assert_eq!(difference.flags[0].shares[0].gain.percent, 100.0);
/// let counted = workbench.count("{\"targetingKey\": \"alice\"}\n").expect("a difference");
/// assert_eq!((counted.contexts, counted.flags["beta"].gain), (1, 1));
/// ```
#[derive(Debug)]
pub struct Workbench {
    base: Compiled,
    draft: Option<Compiled>,
    comparison: Option<Comparison>,
}

/// A document without errors.
#[derive(Debug)]
struct Compiled {
    config: Config,
    snapshot: Snapshot<Vec<u8>>,
}

/// What is counted for.
#[derive(Debug)]
struct Comparison {
    now: Millis,
    /// Of all flags: some change for users although nothing shows it.
    difference: Difference,
    lines: u64,
    failed: u64,
    problems: Vec<ProblemOfLine>,
}

/// How many users of a file get something else, of all lines so far.
#[derive(Clone, Debug, Serialize)]
pub struct Counted {
    /// Lines that were read, blank ones as well.
    pub lines: u64,
    /// Contexts among them.
    pub contexts: u64,
    /// Lines that are no context.
    pub failed: u64,
    /// The first of these.
    pub problems: Vec<ProblemOfLine>,
    /// The contexts by what changes for them, for each flag that changes.
    pub flags: BTreeMap<String, Moves>,
}

/// A line that is no context.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct ProblemOfLine {
    /// From 1.
    pub line: u64,
    /// What is wrong with it.
    #[serde(flatten)]
    pub problem: LineProblem,
}

/// Lines that cannot be read are listed up to this many; further ones are only counted.
const LISTED: usize = 10;

const BYTE_ORDER_MARK: char = '\u{feff}';

impl Workbench {
    /// A workbench for drafts of this document.
    ///
    /// # Errors
    /// The document has errors.
    pub fn new(text: &str) -> Result<Self, Diagnostics> {
        let (base, diagnostics) = Compiled::new(text);
        Ok(Self { base: base.ok_or(diagnostics)?, draft: None, comparison: None })
    }

    /// Takes another draft instead of the one before. What was counted is forgotten.
    pub fn draft(&mut self, text: &str) -> Diagnostics {
        let (draft, diagnostics) = Compiled::new(text);
        self.draft = draft;
        self.comparison = None;
        diagnostics
    }

    /// The snapshot of the draft; `None` if there is no draft or it has errors.
    #[must_use]
    pub fn snapshot(&self) -> Option<&[u8]> {
        Some(self.draft.as_ref()?.snapshot.as_bytes())
    }

    /// Compares the draft with its base, and begins to count anew; `None` if there is no draft or it has errors.
    pub fn diff(&mut self, now: Millis) -> Option<Difference> {
        let (base, draft) = (&self.base, self.draft.as_ref()?);
        let difference = compare_all(&base.version("base"), &draft.version("draft"), now);
        let mut shown = difference.clone();
        shown.drop_same();
        self.comparison = Some(Comparison { now, difference, lines: 0, failed: 0, problems: Vec::new() });
        Some(shown)
    }

    /// Counts further lines of a file of contexts, and returns what was counted so far. The lines are whole: the file
    /// is divided after line ends. `None` before [`diff`](Self::diff).
    pub fn count(&mut self, lines: &str) -> Option<Counted> {
        let (base, draft) = (&self.base, self.draft.as_ref()?);
        let comparison = self.comparison.as_mut()?;
        comparison.count(lines, [&base.snapshot, &draft.snapshot]);
        Some(comparison.counted())
    }
}

impl Compiled {
    fn new(text: &str) -> (Option<Self>, Diagnostics) {
        let (config, diagnostics) = check(text);
        (config.and_then(|config| Self::of(config).ok()), diagnostics)
    }

    /// A snapshot of our own loads.
    fn of(config: Config) -> Result<Self, SnapshotError> {
        let snapshot = Snapshot::from_bytes(compile(&config))?;
        Ok(Self { config, snapshot })
    }

    fn version<'v>(&'v self, name: &'v str) -> Version<'v, Vec<u8>> {
        Version { name, snapshot: &self.snapshot, config: Some(&self.config) }
    }
}

impl Comparison {
    fn count(&mut self, lines: &str, snapshots: [&Snapshot<Vec<u8>>; 2]) {
        let mut counter = ContextCounter::new(&self.difference, snapshots, self.now);
        let mut parser = ContextParser::new(snapshots.into_iter().flat_map(Snapshot::attributes));
        for line in lines.split_terminator('\n') {
            self.lines += 1;
            let line = if self.lines == 1 { line.trim_start_matches(BYTE_ORDER_MARK) } else { line };
            // Like the command line, which knows bytes: other kinds of white space are no JSON.
            let line = line.trim_ascii_end();
            if line.trim_ascii_start().is_empty() {
                continue;
            }
            if line.len() > LINE_BYTES {
                self.refuse(LineProblem::too_long());
            } else if let Err(problem) = parser.with(line, |context| counter.add(context)) {
                self.refuse(problem);
            }
        }
        counter.write_to(&mut self.difference);
    }

    fn refuse(&mut self, problem: LineProblem) {
        self.failed += 1;
        if self.problems.len() < LISTED {
            self.problems.push(ProblemOfLine { line: self.lines, problem });
        }
    }

    fn counted(&self) -> Counted {
        let of = |moves: &Option<Moves>| moves.clone().unwrap_or_default();
        let flags = self.difference.flags.iter().map(|flag| (flag, of(&flag.contexts)));
        let changed = flags.filter(|(flag, moves)| flag.status != Status::Same || moves.moved());
        Counted {
            lines: self.lines,
            contexts: self.difference.contexts.unwrap_or(0),
            failed: self.failed,
            problems: self.problems.clone(),
            flags: changed.map(|(flag, moves)| (flag.flag.clone(), moves)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use flcm_flags::Millis;

    use super::Workbench;
    use crate::OwnedContext;
    use crate::diff::{Version, compare_for};

    const BASE: &str = "\
cohorts:
  staff: { users: [carol] }
flags:
  beta: { rollout: { percentage: 10, cohorts: [staff: true] } }
  other: { rollout: { percentage: 50 } }
  child: { dependencies: [beta], conditions: [{ attribute: country, operator: '==', value: DE }] }
";

    fn drafted(draft: &str) -> Workbench {
        let mut workbench = Workbench::new(BASE).unwrap();
        assert!(!workbench.draft(draft).has_errors());
        workbench
    }

    fn raised() -> String {
        BASE.replace("percentage: 10", "percentage: 25")
    }

    fn users(count: u32) -> Vec<String> {
        (0..count).map(|user| format!("{{\"targetingKey\": \"user {user}\", \"country\": \"DE\"}}")).collect()
    }

    #[test]
    fn a_difference_is_that_of_compare() {
        let difference = serde_json::to_value(drafted(&raised()).diff(Millis(5))).unwrap();
        let compiled = |text: &str| super::Compiled::new(text).0.unwrap();
        let (base, draft) = (compiled(BASE), compiled(&raised()));
        let (base, draft) = (base.version("base"), draft.version("draft"));
        assert_eq!(difference, serde_json::to_value(crate::diff::compare(&base, &draft, Millis(5))).unwrap());
        assert_eq!(difference["flags"][0]["flag"], "beta");
    }

    #[test]
    fn without_a_good_draft_there_is_nothing_to_compare() {
        let mut workbench = drafted(&raised());
        assert!(workbench.count("{}").is_none(), "not compared yet");
        assert!(workbench.diff(Millis(0)).is_some() && workbench.count("{}").is_some());
        assert!(workbench.draft("flags: { beta: { colour: red } }").has_errors());
        assert!(
            workbench.diff(Millis(0)).is_none() && workbench.count("{}").is_none() && workbench.snapshot().is_none()
        );
        assert!(Workbench::new("flags: [").is_err());
    }

    #[test]
    fn users_are_counted_as_all_at_once_however_the_file_is_divided() {
        let lines = users(500);
        let mut workbench = drafted(&raised());
        workbench.diff(Millis(0));
        for part in lines.chunks(77) {
            workbench.count(&(part.join("\n") + "\n"));
        }
        let counted = workbench.count("").unwrap();
        let contexts: Vec<OwnedContext> = lines.iter().map(|line| OwnedContext::from_json(line).unwrap()).collect();
        let draft = workbench.draft.as_ref().unwrap();
        let old = Version { name: "old", snapshot: &workbench.base.snapshot, config: Some(&workbench.base.config) };
        let new = Version { name: "new", snapshot: &draft.snapshot, config: Some(&draft.config) };
        let all = compare_for(&old, &new, Millis(0), &contexts);
        assert_eq!((counted.lines, counted.contexts, counted.failed), (500, 500, 0));
        assert_eq!(counted.flags.len(), all.flags.len());
        for flag in &all.flags {
            let (found, expected) = (&counted.flags[&flag.flag], flag.contexts.as_ref().unwrap());
            assert_eq!(serde_json::to_value(found).unwrap(), serde_json::to_value(expected).unwrap(), "{}", flag.flag);
        }
        assert!(counted.flags["beta"].gain > 40 && counted.flags["child"].gain == counted.flags["beta"].gain);
    }

    #[test]
    fn lines_that_are_no_contexts_are_listed() {
        let mut workbench = drafted(&raised());
        workbench.diff(Millis(0));
        let counted = workbench.count("\u{feff}{}\r\n\n \t\n[]\n{\"country\": {}}").unwrap();
        assert_eq!((counted.lines, counted.contexts, counted.failed), (5, 1, 2));
        let listed: Vec<String> =
            counted.problems.iter().map(|at| format!("{}: {}", at.line, at.problem.message)).collect();
        assert_eq!(listed[1], "5: attribute `country` is an object");
        assert!(listed[0].starts_with("4: invalid type: sequence"), "{listed:?}");
        let counted = workbench.count(&"x\n".repeat(100)).unwrap();
        assert_eq!((counted.lines, counted.failed, counted.problems.len()), (105, 102, super::LISTED));
        let counted = workbench.count(&format!("{{\"a\": \"{}\"}}", "x".repeat(1 << 20))).unwrap();
        assert_eq!((counted.lines, counted.failed), (106, 103));
    }

    #[test]
    fn counting_begins_anew_with_each_difference() {
        let mut workbench = drafted(&raised());
        workbench.diff(Millis(0));
        workbench.count("{}\nx\n");
        workbench.diff(Millis(0));
        let counted = workbench.count("{}\n").unwrap();
        assert_eq!((counted.lines, counted.contexts, counted.failed, counted.problems.len()), (1, 1, 0, 0));
    }
}
