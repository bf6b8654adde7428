//! Decisions and flags in words, for callers that keep what they were told.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use flcm_flags::{Decision, TripState, Value};

/// A line each: reason, error code, arm, variant, rule (empty where there is none), value.
///
/// No name holds a line feed. A value is a letter and its text: `j` JSON, `s` a string, which is last because it may hold
/// anything, `d` the bits of a number in hexadecimal, so that nobody needs to print and read decimal digits.
pub(crate) fn of(decision: &Decision<'_>) -> String {
    let reason = decision.reason();
    let parts = [
        reason.as_str(),
        reason.error_code().map_or("", |code| code.as_str()),
        decision.arm().as_str(),
        decision.variant().unwrap_or_default(),
        decision.rule().unwrap_or_default(),
    ];
    let mut words = String::new();
    for part in &parts {
        words += part;
        words += "\n";
    }
    let number;
    let (letter, text) = match decision.value() {
        None => ("", ""),
        Some(Value::Bool(value)) => ("j", if value { "true" } else { "false" }),
        Some(Value::Json(text)) => ("j", text),
        Some(Value::Number(value)) => {
            number = hex(value.to_bits());
            ("d", &*number)
        }
        Some(Value::String(text)) => ("s", text),
    };
    words.push_str(letter);
    words.push_str(text);
    words
}

/// The state of a trip as its word, with a cap's percentage.
pub(crate) fn trip(state: TripState) -> String {
    let mut word = state.as_str().to_owned();
    if let TripState::Capped(cap) = state {
        word.push(' ');
        word.push_str(&decimal(cap));
    }
    word
}

/// Decimal digits, by hand like [`hex`].
fn decimal(number: u32) -> String {
    let digits = core::iter::successors(Some(number), |rest| (*rest > 9).then_some(rest / 10));
    let digits: Vec<char> = digits.filter_map(|rest| char::from_digit(rest % 10, 10)).collect();
    digits.iter().rev().collect()
}

/// 16 hexadecimal digits. By hand, because formatting would be a tenth of the wasm module.
pub(crate) fn hex(number: u64) -> String {
    let mut digits = [0; 16];
    for (index, digit) in (0_u32..).zip(digits.iter_mut().rev()) {
        let value = number.rotate_right(4 * index).to_le_bytes()[0] & 15;
        *digit = value + if value < 10 { b'0' } else { b'a' - 10 };
    }
    core::str::from_utf8(&digits).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{decimal, hex};

    #[test]
    fn hexadecimal_digits_are_those_of_the_standard_library() {
        for number in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            assert_eq!(hex(number), std::format!("{number:016x}"));
        }
    }

    #[test]
    fn decimal_digits_are_those_of_the_standard_library() {
        for number in [0, 9, 10, 12_500, 100_000, u32::MAX] {
            assert_eq!(decimal(number), std::format!("{number}"));
        }
    }
}
