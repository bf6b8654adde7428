//! Regular expressions, as the transition tables that the compiler wrote.

use crate::snapshot::Reader;
use crate::snapshot::wire::PatternRecord;

/// Nothing can match any more.
const DEAD: u16 = 0;
/// A match has been seen.
const ACCEPT: u16 = 1;
/// Where a search starts, and the first state with a row.
const START: u16 = 2;

/// Whether the pattern is found anywhere in `text`: one table read per byte.
pub(crate) fn is_match(reader: Reader<'_>, pattern: &PatternRecord, text: &str) -> bool {
    let classes = reader.range(&reader.layout.classes, pattern.classes.get(), 256);
    let stride = usize::from(pattern.stride.get());
    let rows = u32::from(pattern.states.get().saturating_sub(START));
    let length = rows.saturating_mul(u32::from(pattern.stride.get()));
    let transitions = reader.range(&reader.layout.transitions, pattern.transitions.get(), length);
    let next = |state: u16, class: usize| {
        let row = usize::from(state.wrapping_sub(START)).wrapping_mul(stride);
        transitions.get(row.wrapping_add(class)).map_or(DEAD, |next| next.get())
    };

    let mut state = START;
    for byte in text.bytes() {
        let class = classes.get(usize::from(byte)).map_or(0, |class| usize::from(*class));
        state = next(state, class);
        if state <= ACCEPT {
            return state == ACCEPT;
        }
    }
    next(state, stride.saturating_sub(1)) == ACCEPT
}
