//! Warnings about expectations of other flags that are settled already, whoever asks.

use std::fmt::Display;

use crate::check::Expectation;
use crate::config::{Expected, Flag, Value};
use crate::diagnostics::{Diagnostics, Span};

/// Warns about an expectation that never holds, and under `not` about one that always holds.
pub(crate) fn dependency(
    on: &Flag,
    Expectation { of, negated }: &Expectation,
    span: Span,
    path: impl Display,
    diagnostics: &mut Diagnostics,
) {
    let always_on = on.default == Value::Bool(true);
    let holds = match of.expected {
        Expected::Enabled(enabled) if always_on => enabled,
        Expected::Enabled(enabled) if !on.enabled => !enabled,
        Expected::Variant(_) if !on.enabled => false,
        _ => return,
    };
    let so = match (holds, negated) {
        (false, false) => "this never holds",
        (false, true) => "this never holds, and the `not` around it always does",
        (true, true) => "this always holds, and the `not` around it never does",
        (true, false) => return,
    };
    let (code, why, help) = match of.expected {
        Expected::Enabled(_) if always_on => {
            ("always-on-dependency", "is always on, because its `default` is `true`", "remove this")
        }
        // Enabling the flag would only begin to narrow what narrows nothing now.
        _ if holds != *negated => ("disabled-dependency", "is disabled", "remove this, which narrows nothing"),
        _ => ("disabled-dependency", "is disabled", "enable that flag, or remove this"),
    };
    let message = format!("flag `{}` {why}, so {so}", of.flag);
    diagnostics.warn(span, path, code, message).help(help);
}
