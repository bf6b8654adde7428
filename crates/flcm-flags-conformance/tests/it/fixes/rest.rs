//! What edits of a document leave alone.

use std::ops::Range;

use flcm_flags_config::Edit;
use granit_parser::{Event, Parser, StructureStyle};

/// Everything but what was edited is read as before.
pub(super) fn is_the_same(text: &str, edits: &[&Edit], fixed: &str) {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let (mut removed, mut added) = (0, 0);
    for Edit { start, end, replacement } in edits {
        let place = start + added - removed;
        before.push(*start..*end);
        after.push(place..place + replacement.len());
        removed += end - start;
        added += replacement.len();
    }
    let (before, after) = (outside(text, &before), outside(fixed, &after));
    let differs = before.iter().zip(&after).find(|(before, after)| before != after);
    assert!(differs.is_none() && before.len() == after.len(), "{differs:?}\n--- before\n{text}\n--- after\n{fixed}");
}

/// What YAML's parser reports outside of some ranges, and how deep it lies.
///
/// Where a list or map in the block style begins is not written, so its depth alone shows it.
fn outside(text: &str, ranges: &[Range<usize>]) -> Vec<(usize, String)> {
    let (mut depth, mut found) = (0, Vec::new());
    for (event, span) in Parser::new_from_str(text).map_while(Result::ok) {
        let Range { start, end } = span.byte_range().unwrap_or_default();
        let is_outside = ranges.iter().all(|range| end <= range.start || range.end <= start);
        match &event {
            Event::SequenceEnd | Event::MappingEnd => depth -= 1,
            Event::SequenceStart(StructureStyle::Block, ..) | Event::MappingStart(StructureStyle::Block, ..) => {
                depth += 1;
            }
            other => {
                found.extend(is_outside.then(|| (depth, format!("{other:?}"))));
                depth += usize::from(matches!(other, Event::SequenceStart(..) | Event::MappingStart(..)));
            }
        }
    }
    found
}
