//! Regular expressions as tables of a DFA, which `regex-automata` builds and the core walks.
//!
//! Only whether there is a match matters, so all accepting states become one state, which ends the search. Then
//! equivalent states are merged, and so are classes of bytes that all states treat the same.

use std::collections::{BTreeMap, HashMap};

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;

use crate::limits;

/// State 0 is dead, state 1 accepts; rows of transitions begin with state 2, where a search starts.
const FIXED: usize = 2;

/// A regular expression as a table of transitions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Pattern {
    /// The class of each byte.
    pub classes: [u8; 256],
    /// Columns of a row: one per class, and the last for the end of the text.
    pub stride: usize,
    /// Rows from state 2 on; each entry is the next state.
    pub transitions: Vec<u16>,
}

/// The patterns of a document so far.
#[derive(Debug, Default)]
pub(crate) struct Patterns(pub(crate) BTreeMap<String, Pattern>);

/// Code, message and help of an error.
pub(crate) type Refusal = (&'static str, String, &'static str);

impl Patterns {
    /// Compiles a pattern, unless it was compiled before.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), Refusal> {
        if !self.0.contains_key(text) {
            if self.0.len() >= limits::PATTERNS {
                let message = format!("more than the limit of {} different patterns", limits::PATTERNS);
                return Err(("limit-patterns", message, "use `starts_with`, `ends_with` or `in` where they suffice"));
            }
            self.0.insert(text.to_owned(), Pattern::compile(text)?);
        }
        Ok(())
    }
}

impl Pattern {
    fn compile(text: &str) -> Result<Self, Refusal> {
        if text.chars().count() > limits::PATTERN_CHARS {
            let message = format!("the pattern is longer than the limit of {} characters", limits::PATTERN_CHARS);
            return Err(("limit-pattern-chars", message, "split it into several conditions under `any`"));
        }
        regex_syntax_check(text)?;
        let pattern = Table::read(&build(text)?).minimised().merged().finish();
        let bytes = pattern.transitions.len() * 2;
        if bytes > limits::PATTERN_TABLE_BYTES || pattern.states() > usize::from(u16::MAX) {
            return Err(too_large());
        }
        Ok(pattern)
    }

    /// The number of states, including the two fixed ones.
    #[must_use]
    pub fn states(&self) -> usize {
        FIXED + self.transitions.len() / self.stride
    }
}

/// Determinises an expression, within the limits of memory.
fn build(text: &str) -> Result<dense::DFA<Vec<u32>>, Refusal> {
    let config = dense::Config::new()
        .start_kind(StartKind::Unanchored)
        .dfa_size_limit(Some(limits::PATTERN_BUILD_BYTES))
        .determinize_size_limit(Some(limits::PATTERN_BUILD_BYTES));
    let thompson = thompson::Config::new().nfa_size_limit(Some(limits::PATTERN_BUILD_BYTES));
    dense::Builder::new().thompson(thompson).configure(config).build(text).map_err(|error| {
        if error.to_string().contains("word bound") {
            let message = "Unicode word boundaries are not supported".to_owned();
            return ("wrong-pattern", message, "write (?-u:\\b) for a boundary between ASCII words");
        }
        too_large()
    })
}

fn too_large() -> Refusal {
    const HELP: &str = "simplify it: fewer repetitions, (?-u:\\w) or [a-z] in place of \\w, an anchor in front";
    let message = format!("the pattern needs a table larger than the limit of {} bytes", limits::PATTERN_TABLE_BYTES);
    ("limit-pattern-table", message, HELP)
}

fn regex_syntax_check(text: &str) -> Result<(), Refusal> {
    let Err(error) = regex_automata::util::syntax::parse(text) else { return Ok(()) };
    // The last line names the problem. The lines above it show the pattern, as the diagnostic does.
    let problem = error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    Err((
        "wrong-pattern",
        format!("not a regular expression: {problem}"),
        "use Rust's regex syntax, without look-around or back-references",
    ))
}

/// The class of each byte, and the first byte of each class.
fn byte_classes(dfa: &dense::DFA<Vec<u32>>) -> ([usize; 256], Vec<u8>) {
    let class = |byte: u8| dfa.byte_classes().get(byte);
    let first = |byte: u8| (0..byte).all(|lower| class(lower) != class(byte));
    let representatives: Vec<u8> = (0..=255).filter(|byte| first(*byte)).collect();
    let index = |byte: u8| representatives.iter().position(|other| class(*other) == class(byte)).unwrap_or(0);
    (std::array::from_fn(|byte| index(u8::try_from(byte).unwrap_or(0))), representatives)
}

/// The states of an automaton that have been found, and their numbers.
struct States<'d> {
    dfa: &'d dense::DFA<Vec<u32>>,
    ids: HashMap<StateID, usize>,
    found: Vec<StateID>,
}

impl States<'_> {
    fn number(&mut self, state: StateID) -> usize {
        if self.dfa.is_match_state(state) {
            return 1;
        }
        if self.dfa.is_dead_state(state) {
            return 0;
        }
        *self.ids.entry(state).or_insert_with(|| {
            self.found.push(state);
            self.found.len() - 1 + FIXED
        })
    }

    /// Where each class of bytes leads from a state, and the end of the text.
    fn row(&mut self, state: StateID, representatives: &[u8]) -> Vec<usize> {
        let dfa = self.dfa;
        let mut row: Vec<usize> =
            representatives.iter().map(|byte| self.number(dfa.next_state(state, *byte))).collect();
        row.push(self.number(dfa.next_eoi_state(state)));
        row
    }
}

/// A table whose columns are still classes of the automaton.
struct Table {
    classes: [usize; 256],
    stride: usize,
    rows: Vec<Vec<usize>>,
}

impl Table {
    /// All states that a search can reach, in the order in which they are found.
    fn read(dfa: &dense::DFA<Vec<u32>>) -> Self {
        let (classes, representatives) = byte_classes(dfa);
        let mut states = States { dfa, ids: HashMap::new(), found: Vec::new() };
        let stride = representatives.len() + 1;
        let mut rows = Vec::new();
        // Without look-behind, a search starts at the start of the text. No pattern id is asked for, so this cannot
        // fail; if it did, the pattern would match nothing.
        match dfa.start_state(&start::Config::new()) {
            Ok(start) if !dfa.is_dead_state(start) => drop(states.number(start)),
            _ => rows.push(vec![0; stride]),
        }
        let mut next = 0;
        while let Some(state) = states.found.get(next).copied() {
            next += 1;
            rows.push(states.row(state, &representatives));
        }
        Self { classes, stride, rows }
    }

    /// Merges equivalent states: blocks of states are split until all members of a block lead to the same blocks. A
    /// table that would take too long to minimise stays as it is, which is larger and equally correct.
    fn minimised(self) -> Self {
        const MOST_STEPS: usize = 50_000_000;
        let mut block = self.decided();
        let mut blocks = FIXED + 1;
        for _ in 0..MOST_STEPS / (self.rows.len() * self.stride) {
            let (split, count) = self.split(&block);
            block.truncate(FIXED);
            block.extend(split);
            if count == blocks {
                return self.with_blocks(&block, count);
            }
            blocks = count;
        }
        self
    }

    /// Splits blocks whose members lead to different blocks: the new block of each state, and the number of blocks.
    fn split(&self, block: &[usize]) -> (Vec<usize>, usize) {
        let mut numbers: HashMap<Vec<usize>, usize> = HashMap::new();
        let split = |(state, row): (usize, &Vec<usize>)| {
            if block[state + FIXED] < FIXED {
                return block[state + FIXED];
            }
            let fresh = numbers.len() + FIXED;
            *numbers.entry(row.iter().map(|next| block[*next]).collect()).or_insert(fresh)
        };
        let split = self.rows.iter().enumerate().map(split).collect();
        (split, numbers.len() + FIXED)
    }

    /// One row for each block. The start is the first row, so its block is the first block.
    fn with_blocks(self, block: &[usize], count: usize) -> Self {
        let mut rows = vec![Vec::new(); count - FIXED];
        for (row, at) in self.rows.iter().zip(&block[FIXED..]).filter(|(_, at)| **at >= FIXED) {
            rows[at - FIXED] = row.iter().map(|next| block[*next]).collect();
        }
        Self { rows, ..self }
    }

    /// The first block of each state: dead or accepting if every next byte leads there (the automaton sees a match one
    /// byte late), and one block for the rest. The start state keeps a row of its own.
    fn decided(&self) -> Vec<usize> {
        let mut block: Vec<usize> = (0..FIXED).chain(self.rows.iter().map(|_| FIXED)).collect();
        loop {
            let settled = |row: &[usize]| (0..FIXED).find(|fixed| row.iter().all(|next| block[*next] == *fixed));
            let found: Vec<(usize, usize)> = (FIXED + 1..block.len())
                .filter(|state| block[*state] == FIXED)
                .filter_map(|state| Some((state, settled(&self.rows[state - FIXED])?)))
                .collect();
            if found.is_empty() {
                return block;
            }
            for (state, fixed) in found {
                block[state] = fixed;
            }
        }
    }

    /// Merges equal columns. The end of the text keeps its own column, the last.
    fn merged(self) -> Self {
        let end = self.stride - 1;
        let column = |class: usize| -> Vec<usize> { self.rows.iter().map(|row| row[class]).collect() };
        let mut numbers: HashMap<Vec<usize>, usize> = HashMap::new();
        let mut unique = Vec::new();
        let merged: Vec<usize> = (0..end)
            .map(|class| {
                *numbers.entry(column(class)).or_insert_with(|| {
                    unique.push(class);
                    unique.len() - 1
                })
            })
            .collect();
        unique.push(end);
        let rows = self.rows.iter().map(|row| unique.iter().map(|class| row[*class]).collect()).collect();
        Self { classes: self.classes.map(|class| merged[class]), stride: unique.len(), rows }
    }

    fn finish(self) -> Pattern {
        // States beyond 16 bits make a table that the caller refuses.
        let narrow = |state: &usize| u16::try_from(*state).unwrap_or(u16::MAX);
        Pattern {
            classes: self.classes.map(|class| u8::try_from(class).unwrap_or(u8::MAX)),
            stride: self.stride,
            transitions: self.rows.iter().flatten().map(narrow).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn is_match(pattern: &Pattern, text: &str) -> bool {
        let next =
            |state: usize, column: usize| usize::from(pattern.transitions[(state - 2) * pattern.stride + column]);
        let mut state = 2;
        for byte in text.bytes() {
            state = next(state, usize::from(pattern.classes[usize::from(byte)]));
            if state < 2 {
                return state == 1;
            }
        }
        next(state, pattern.stride - 1) == 1
    }

    #[test]
    fn tables_decide_like_the_expression() {
        for (text, yes, no) in [
            ("", vec!["", "a"], vec![]),
            ("^$", vec![""], vec!["a"]),
            ("ab", vec!["ab", "xxabxx"], vec!["", "a", "ba"]),
            ("^ab$", vec!["ab"], vec!["xab", "abx"]),
            ("^v[0-9]+(\\.[0-9]+)*$", vec!["v1", "v1.20.3"], vec!["v", "v1.", "1.2"]),
            ("(?i)straße", vec!["STRAßE", "Straße 1"], vec!["strasse"]),
            ("\\w+@example\\.com$", vec!["jürgen@example.com"], vec!["@example.com", "a@example.com."]),
            ("[a&&b]", vec![], vec!["", "a", "b"]),
            ("a|b|", vec!["", "c"], vec![]),
            ("(?-u:\\b)cat(?-u:\\b)", vec!["a cat sat"], vec!["concatenate"]),
        ] {
            let pattern = Pattern::compile(text).unwrap();
            assert!(yes.iter().all(|text| is_match(&pattern, text)), "{text}");
            assert!(!no.iter().any(|text| is_match(&pattern, text)), "{text}");
        }
    }

    #[test]
    fn tables_are_minimal() {
        // Two fixed states and the start; one class for the digits, one for the rest, one column for the end.
        let pattern = Pattern::compile("[0-9]").unwrap();
        assert_eq!((pattern.states(), pattern.stride), (3, 3));
        // `a` or not: the accepting state ends the search, so `ab*` needs no more than `a`.
        assert_eq!(Pattern::compile("ab*").unwrap(), Pattern::compile("a").unwrap());
    }

    #[test]
    fn refusals_name_their_limit_and_the_way_out() {
        for (text, code) in [
            ("(", "wrong-pattern"),
            ("(?=a)", "wrong-pattern"),
            ("\\bword\\b", "wrong-pattern"),
            ("[ab]*a[ab]{30}", "limit-pattern-table"),
            ("(\\w{1,100}){1,100}", "limit-pattern-table"),
        ] {
            let (found, message, help) = Pattern::compile(text).unwrap_err();
            assert_eq!(found, code, "{text}: {message}");
            assert!(!help.is_empty());
        }
        assert_eq!(Pattern::compile(&"a".repeat(1_001)).unwrap_err().0, "limit-pattern-chars");
    }
}
