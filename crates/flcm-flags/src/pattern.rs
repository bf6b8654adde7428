//! Searching texts: regular expressions as transition tables, and plain substrings.
//!
//! **Regular expressions are tables.** The compiler determinises a pattern with the crate `regex-automata`. All
//! accepting states become one, which ends the search at once. States and byte classes that nothing distinguishes are
//! merged. The core only walks the resulting table: one read per byte of the text, no backtracking, no memory. A
//! hostile pattern or text cannot make it slow, and no regular-expression engine is part of the core.
//!
//! **Substrings are found in linear time as well**, because both texts can come from strangers.

use core::cmp::Ordering;

use crate::snapshot::Reader;
use crate::snapshot::sections;
use crate::snapshot::wire::PatternRecord;

/// The state in which nothing can match any more.
const DEAD: u16 = 0;
/// The state in which a match was found.
const ACCEPT: u16 = 1;
/// The state in which a search starts. It is the first one with a row in the table.
const START: u16 = 2;

/// Whether the pattern is found anywhere in `text`, with one table read per byte.
///
/// The last column of a row is the end of the text, for patterns with `$`. A read outside of the table, which
/// validation rules out, counts as no match.
pub(crate) fn is_match(reader: Reader<'_>, pattern: &PatternRecord, text: &[u8]) -> bool {
    let Some(classes) = reader.range(sections::CLASSES, pattern.classes.get(), 256).first_chunk::<256>() else {
        return false;
    };
    let stride = usize::from(pattern.stride.get());
    let rows = u32::from(pattern.states.get().saturating_sub(START));
    let length = rows.saturating_mul(u32::from(pattern.stride.get()));
    let transitions = reader.range(sections::TRANSITIONS, pattern.transitions.get(), length);
    let next = |state: u16, class: usize| {
        let row = usize::from(state.wrapping_sub(START)).wrapping_mul(stride);
        transitions.get(row.wrapping_add(class)).map_or(DEAD, |next| next.get())
    };

    let mut state = START;
    for byte in text {
        let class = classes.get(usize::from(*byte)).map_or(0, |class| usize::from(*class));
        state = next(state, class);
        if state <= ACCEPT {
            return state == ACCEPT;
        }
    }
    next(state, stride.saturating_sub(1)) == ACCEPT
}

/// Whether `wanted` is found anywhere in `text`, in linear time and without memory of its own.
///
/// Crochemore, "String-matching on ordered alphabets", 1992: the maximal suffix of the part that has matched, and the
/// period of that suffix, give how far the search may move on. No byte is read more than a few times, whatever the
/// texts are.
///
/// A small module tries each place instead. Both texts fit its 8 KB of a context then.
pub(crate) fn contains(text: &[u8], wanted: &[u8]) -> bool {
    if cfg!(feature = "compact") {
        let mut rest = text;
        while !rest.starts_with(wanted) {
            let Some((_, behind)) = rest.split_first() else { return false };
            rest = behind;
        }
        return true;
    }
    let mut text = text;
    let mut matched = 0_usize;
    let mut suffix = Suffix::EMPTY;
    while text.len() >= wanted.len() {
        let ahead = text.iter().zip(wanted).skip(matched);
        matched = matched.saturating_add(ahead.take_while(|(byte, wanted)| byte == wanted).count());
        if matched == wanted.len() {
            return true;
        }
        let step;
        if matched == 0 {
            (step, suffix) = (1, Suffix::EMPTY);
        } else {
            suffix.extend(text.get(..=matched).unwrap_or_default());
            let Suffix { start, candidate, period, .. } = suffix;
            let head = text.get(..start).unwrap_or_default();
            if start <= period && text.get(period..).is_some_and(|rest| rest.starts_with(head)) {
                step = period;
                matched = matched.saturating_sub(period);
                suffix = suffix.behind(period);
            } else {
                let half = matched.saturating_sub(start).min(candidate.saturating_add(1));
                step = start.max(half).saturating_add(1);
                (matched, suffix) = (0, Suffix::EMPTY);
            }
        }
        text = text.get(step..).unwrap_or_default();
    }
    false
}

/// The maximal suffix of the part that has matched, in the order of bytes, and how far it is known.
#[derive(Clone, Copy)]
struct Suffix {
    start: usize,
    /// The byte ahead of the suffix that is compared with it.
    candidate: usize,
    /// How much of it has been compared, from 1.
    compared: usize,
    period: usize,
}

impl Suffix {
    const EMPTY: Self = Self { start: 0, candidate: 0, compared: 1, period: 1 };

    /// Goes on to the end of `text`.
    fn extend(&mut self, text: &[u8]) {
        while let Some(next) = text.get(self.candidate.wrapping_add(self.compared)) {
            let known = text.get(self.start.wrapping_add(self.compared).wrapping_sub(1)).unwrap_or(next);
            match known.cmp(next) {
                Ordering::Equal if self.compared < self.period => self.compared = self.compared.wrapping_add(1),
                Ordering::Equal => {
                    self.candidate = self.candidate.wrapping_add(self.period);
                    self.compared = 1;
                }
                Ordering::Greater => {
                    self.candidate = self.candidate.wrapping_add(self.compared);
                    self.compared = 1;
                    self.period = self.candidate.wrapping_sub(self.start).wrapping_add(1);
                }
                Ordering::Less => {
                    let start = self.candidate.wrapping_add(1);
                    *self = Self { start, candidate: start, ..Self::EMPTY };
                }
            }
        }
    }

    /// What is known of the suffix once the first `period` bytes are left behind.
    fn behind(self, period: usize) -> Self {
        match self.candidate.checked_sub(period) {
            Some(candidate) if candidate >= self.start => Self { candidate, ..self },
            _ => Self::EMPTY,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::contains;

    /// Every text over two characters up to a length.
    fn texts(longest: u32) -> impl Iterator<Item = Vec<u8>> {
        (0..=longest).flat_map(|length| {
            (0..1_u32 << length).map(move |bits| (0..length).map(|i| (bits >> i & 1) as u8).collect())
        })
    }

    #[test]
    fn texts_are_found_where_they_are_and_nowhere_else() {
        for wanted in texts(7) {
            for text in texts(12) {
                let found = wanted.is_empty() || text.windows(wanted.len()).any(|part| part == wanted);
                assert_eq!(contains(&text, &wanted), found, "{wanted:?} in {text:?}");
            }
        }
    }
    #[test]
    fn a_text_that_almost_matches_everywhere_takes_linear_time() {
        // Place by place this would take 10^10 comparisons: an hour in this profile.
        let text = std::vec![b'a'; 400_000];
        let mut wanted = text[..200_000].to_vec();
        for odd in [0, 100_000, 199_999] {
            wanted[odd] = b'b';
            assert!(!contains(&text, &wanted));
            wanted[odd] = b'a';
        }
        assert!(contains(&text, &wanted));
    }
}
