//! Decisions and flags in words, for callers that keep what they were told.

use std::fmt::Write;

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
        // Writing to a string cannot fail.
        Some(Value::Number(number)) => drop(write!(words, "d{:016x}", number.to_bits())),
        Some(Value::String(text)) => words.extend(["s", text]),
    }
    words
}
