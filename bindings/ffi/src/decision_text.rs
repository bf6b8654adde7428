//! Decisions as text, for callers that cache it.

use alloc::string::String;

use flcm_flags::{Decision, Value};
use flcm_flags_host::text::hex;

/// A line each: reason, error code, arm, variant, rule (empty where there is none), value.
///
/// No name holds a line feed. A value is a tag and its text: `j` JSON, `s` a string, which is last because it may hold
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
    let mut lines = String::new();
    for part in &parts {
        lines += part;
        lines += "\n";
    }
    let number;
    let (tag, text) = match decision.value() {
        None => ("", ""),
        Some(Value::Bool(value)) => ("j", if value { "true" } else { "false" }),
        Some(Value::Json(text)) => ("j", text),
        Some(Value::Number(value)) => {
            number = hex(value.to_bits());
            ("d", &*number)
        }
        Some(Value::String(text)) => ("s", text),
    };
    lines.push_str(tag);
    lines.push_str(text);
    lines
}
