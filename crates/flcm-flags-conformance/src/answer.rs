//! A decision as plain data, which any implementation can be asked for.

use flcm_flags::{Decision, Value};
use flcm_flags_config::config;
use serde::{Deserialize, Serialize};

/// What was decided, as it goes on the wire.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// Whether the feature is on for this user.
    pub enabled: bool,
    /// What is served; `null` where the caller's fallback applies.
    pub value: Option<serde_json::Value>,
    /// Name of the variant.
    pub variant: Option<String>,
    /// Why.
    pub reason: String,
    /// The code of an error.
    pub error_code: Option<String>,
    /// Name of the rule that applied.
    pub rule: Option<String>,
    /// The side of the breaker's comparison.
    pub arm: String,
}

impl From<Decision<'_>> for Answer {
    fn from(decision: Decision<'_>) -> Self {
        Self {
            enabled: decision.enabled(),
            value: decision.value().map(plain),
            variant: decision.variant().map(str::to_owned),
            reason: decision.reason().as_str().to_owned(),
            error_code: decision.reason().error_code().map(|code| code.as_str().to_owned()),
            rule: decision.rule().map(str::to_owned),
            arm: decision.arm().as_str().to_owned(),
        }
    }
}

/// A value of the core as JSON.
fn plain(value: Value<'_>) -> serde_json::Value {
    match value {
        Value::Bool(value) => value.into(),
        Value::Json(text) => json(text),
        Value::Number(value) => number(value),
        Value::String(text) => text.into(),
    }
}

/// A value of a configuration as JSON.
#[must_use]
pub fn value_of(value: &config::Value) -> serde_json::Value {
    match value {
        config::Value::Bool(value) => (*value).into(),
        config::Value::Json(text) => json(text),
        config::Value::Number(value) => number(*value),
        config::Value::String(text) => text.as_str().into(),
    }
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("an object must be JSON text: {error}: {text}"))
}

/// JSON has one kind of number, `serde_json` has two: what reads as an integer becomes one, on both sides.
fn number(value: f64) -> serde_json::Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if value.fract() == 0.0 && value.abs() < EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "an integer of magnitude below 2^53")]
        let whole = value as i64;
        return whole.into();
    }
    value.into()
}
