//! Decisions and flags in words, for callers that keep what they were told.

use alloc::string::String;

use flcm_flags::{Decision, Value};

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
    for part in parts {
        words.push_str(part);
        words.push('\n');
    }
    match decision.value() {
        None => {}
        Some(Value::Bool(value)) => words.push_str(if value { "jtrue" } else { "jfalse" }),
        Some(Value::Json(text)) => words.extend(["j", text]),
        Some(Value::Number(number)) => words.extend(["d", &hex(number.to_bits())]),
        Some(Value::String(text)) => words.extend(["s", text]),
    }
    words
}

/// 16 hexadecimal digits. By hand, because formatting would be a tenth of the wasm module.
pub(crate) fn hex(number: u64) -> String {
    let digits = number.to_be_bytes().into_iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')).collect()
}

#[cfg(test)]
mod tests {
    use super::hex;

    #[test]
    fn hexadecimal_digits_are_those_of_the_standard_library() {
        for number in [0, 1, 0x0123_4567_89ab_cdef, u64::MAX] {
            assert_eq!(hex(number), std::format!("{number:016x}"));
        }
    }
}
