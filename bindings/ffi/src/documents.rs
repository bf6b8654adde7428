//! What bindings call about documents: text and bytes in, text and bytes out, so that a binding only converts.
//!
//! What has a structure goes out as JSON text, which is byte-identical whoever asks.
//!
//! ```
//! use flcm_flags_ffi::documents;
//!
//! let compiled = documents::compile("flags: { beta: { rollout: { percentage: 10 } } }");
//! assert_eq!((compiled.diagnostics.as_str(), compiled.report.as_str()), ("[]", ""));
//! let snapshot = compiled.snapshot.unwrap();
//! let explained = documents::explain(&snapshot, &[], "beta", r#"{"targetingKey": "alice"}"#, 0.0)?;
//! assert!(explained.starts_with(r#"{"explanation":{"flag":"beta","user":"alice","enabled":false,"#));
//! # Ok::<(), documents::ExplainError>(())
//! ```

use std::fmt;

pub use flcm_flags_config::schema;

use flcm_flags::{Millis, Snapshot, SnapshotError, Trips};
use serde::Serialize;

use flcm_flags_config::{ContextError, OwnedContext};
use flcm_flags_config::{Diagnostics, Explanation, check, limits};

/// What documents are called in reports: a binding knows no file.
const NAME: &str = "document";

/// What became of a document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Compiled {
    /// The snapshot; `None` when there were errors.
    pub snapshot: Option<Vec<u8>>,
    /// All problems as a JSON array of [`Diagnostic`](flcm_flags_config::Diagnostic)s.
    pub diagnostics: String,
    /// All problems as text for people, without colours; empty when there are none.
    pub report: String,
}

/// Checks and compiles a document, YAML or JSON.
#[must_use]
pub fn compile(text: &str) -> Compiled {
    let (config, diagnostics) = check(text);
    Compiled {
        snapshot: config.as_ref().map(flcm_flags_config::compile),
        diagnostics: json(&diagnostics),
        report: report(&diagnostics, text),
    }
}

fn report(diagnostics: &Diagnostics, text: &str) -> String {
    diagnostics.render(NAME, text, false)
}

/// Decides a flag for a context, and explains how: `{"explanation": …, "text": …}`, an [`Explanation`] as JSON and as
/// lines.
///
/// `trips` are those of [`Trips`], four bytes a flag; none have tripped behind their end. `context` is the JSON of an
/// [`OwnedContext`], `now` counts milliseconds since 1970; a fraction of one is dropped. A flag that the snapshot does not
/// have is explained as well: it is an `ERROR` `FLAG_NOT_FOUND`.
///
/// # Errors
/// The bytes are no snapshot, the context is none, or `now` is no time.
pub fn explain(snapshot: &[u8], trips: &[u8], flag: &str, context: &str, now: f64) -> Result<String, ExplainError> {
    let snapshot = Snapshot::from_bytes(snapshot).map_err(ExplainError::Snapshot)?;
    let context = OwnedContext::from_json(context).map_err(ExplainError::Context)?;
    let now = millis(now)?;
    let explanation = match snapshot.flag(flag) {
        Some(id) => context
            .with_core(|context| Explanation::of(&snapshot, &Trips::new(trips), id, &context.bind(&snapshot), now)),
        None => Explanation::flag_not_found(flag, context.targeting_key.as_deref()),
    };
    let text = explanation.to_string();
    Ok(json(&Explained { explanation, text }))
}

#[derive(Serialize)]
struct Explained {
    explanation: Explanation,
    text: String,
}

/// Why nothing could be explained.
#[derive(Clone, Debug, PartialEq)]
pub enum ExplainError {
    /// The context cannot be read.
    Context(ContextError),
    /// The time is none.
    Now(f64),
    /// The bytes are no snapshot.
    Snapshot(SnapshotError),
}

impl ExplainError {
    /// The code, as JavaScript receives it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Context(_) => "INVALID_CONTEXT",
            Self::Now(_) => "INVALID_ARGUMENT",
            Self::Snapshot(_) => "INVALID_SNAPSHOT",
        }
    }
}

impl fmt::Display for ExplainError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Context(error) => error.fmt(formatter),
            Self::Now(now) => {
                write!(formatter, "`now` is {now} (give milliseconds since 1970, from 0 to 2^53)")
            }
            Self::Snapshot(error) => write!(formatter, "{error} (compile the document again)"),
        }
    }
}

impl std::error::Error for ExplainError {}

/// A time, as hosts give it.
fn millis(now: f64) -> Result<Millis, ExplainError> {
    #[expect(clippy::cast_precision_loss, reason = "a power of two")]
    const LAST: f64 = limits::TIME as f64;
    if !(0.0..=LAST).contains(&now) {
        return Err(ExplainError::Now(now));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range, and a fraction is dropped")]
    Ok(Millis(now as u64))
}

/// Our own types are JSON whatever they hold.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::{compile, explain};

    const DOCUMENT: &str = "\
flags:
  beta:
    conditions: [{ attribute: age, operator: '>', value: 17.5 }]
";

    fn snapshot() -> Vec<u8> {
        compile(DOCUMENT).snapshot.unwrap()
    }

    fn parsed(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_good_document_has_bytes_and_no_problems() {
        let compiled = compile(DOCUMENT);
        let (config, _) = flcm_flags_config::check(DOCUMENT);
        assert_eq!(compiled.snapshot, Some(flcm_flags_config::compile(&config.unwrap())));
        assert_eq!((&*compiled.diagnostics, &*compiled.report), ("[]", ""));
    }

    #[test]
    fn a_bad_document_has_problems_as_json_and_as_text() {
        let text = "flags: { beta: { colour: red } }";
        let compiled = compile(text);
        assert_eq!(compiled.snapshot, None);
        let (_, found) = flcm_flags_config::check(text);
        assert_eq!(compiled.diagnostics, serde_json::to_string(&found).unwrap());
        assert_eq!(parsed(&compiled.diagnostics)[0]["code"], "unknown-key");
        assert!(
            compiled.report.contains("document:1:18") && !compiled.report.contains('\u{1b}'),
            "{}",
            compiled.report
        );
    }

    #[test]
    fn warnings_leave_the_snapshot() {
        let compiled = compile("flags: { beta: { rollout: { percentage: 100 } } }");
        assert!(compiled.snapshot.is_some() && compiled.diagnostics != "[]" && !compiled.report.is_empty());
    }

    #[test]
    fn an_explanation_comes_as_json_and_as_text() {
        let explained = explain(&snapshot(), &[], "beta", r#"{"targetingKey":"alice","age":45}"#, 0.0).unwrap();
        let explained = parsed(&explained);
        assert_eq!(explained["explanation"]["reason"], "TARGETING_MATCH");
        assert_eq!(explained["explanation"]["user"], "alice");
        assert!(explained["text"].as_str().unwrap().starts_with("beta → on (TARGETING_MATCH)\n├─ enabled: yes\n"));
    }

    #[test]
    fn trips_are_looked_at() {
        let off = explain(&snapshot(), &2_u32.to_le_bytes(), "beta", "{}", 0.0).unwrap();
        assert_eq!(parsed(&off)["explanation"]["reason"], "BREAKER_OPEN");
    }

    #[test]
    fn a_flag_that_is_not_there_is_explained_as_an_error() {
        let explained = explain(&snapshot(), &[], "gamma", r#"{"targetingKey":"alice"}"#, 0.0).unwrap();
        let expected = json!({
            "explanation": {
                "flag": "gamma", "user": "alice", "enabled": false, "value": null, "variant": null, "reason": "ERROR",
                "errorCode": "FLAG_NOT_FOUND", "rule": null, "arm": "outside", "checks": [],
            },
            "text": "gamma → error FLAG_NOT_FOUND: the caller's fallback applies",
        });
        assert_eq!(parsed(&explained), expected);
    }

    #[test]
    fn what_cannot_be_explained_says_why() {
        let bytes = snapshot();
        let refuse = |bytes: &[u8], context: &str, now: f64| {
            let error = explain(bytes, &[], "beta", context, now).unwrap_err();
            (error.code(), error.to_string())
        };
        let (code, message) = refuse(&bytes[..bytes.len() - 1], "{}", 0.0);
        assert_eq!(code, "INVALID_SNAPSHOT");
        assert!(
            message.starts_with("invalid snapshot: ") && message.ends_with(" (compile the document again)"),
            "{message}"
        );
        let (code, message) = refuse(&bytes, r#"{"age":{"years":1}}"#, 0.0);
        assert_eq!(code, "INVALID_CONTEXT");
        assert!(message.starts_with("attribute `age` is an object"), "{message}");
        for (now, shown) in
            [(f64::NAN, "NaN"), (-1.0, "-1"), (9_007_199_254_740_994.0, "9007199254740994"), (f64::INFINITY, "inf")]
        {
            let message = format!("`now` is {shown} (give milliseconds since 1970, from 0 to 2^53)");
            assert_eq!(refuse(&bytes, "{}", now), ("INVALID_ARGUMENT", message));
        }
        assert!(explain(&bytes, &[], "beta", "{}", 9_007_199_254_740_992.0).is_ok());
        assert!(explain(&bytes, &[], "beta", "{}", 0.5).is_ok());
    }
}
