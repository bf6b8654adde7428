//! Decisions and flags in words, for callers that keep what they were told.

use alloc::string::String;

use flcm_flags::{Decision, Value};
use flcm_flags_host::text::hex;

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
