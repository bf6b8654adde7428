//! What bindings call about documents: text and bytes in, so that a binding only converts.
//!
//! What has a structure goes out as a type of its own. A binding makes objects of it, or [`json`], which is
//! byte-identical whoever asks.
//!
//! ```
//! use flcm_flags_ffi::documents;
//!
//! let compiled = documents::compile("flags: { beta: { rollout: { percentage: 10 } } }");
//! assert!(compiled.diagnostics.is_empty() && compiled.report.is_empty());
//! let snapshot = compiled.snapshot.unwrap();
//! let explained = documents::explain(&snapshot, &[], "beta", r#"{"targetingKey": "alice"}"#, 0.0)?;
//! assert!(explained.text.starts_with("beta → off (DEFAULT)"));
//! # Ok::<(), documents::DocumentError>(())
//! ```

use std::collections::BTreeMap;

pub use flcm_flags_config::diff::Difference;
pub use flcm_flags_config::edit::{Declined, Edit, Edited};
pub use flcm_flags_config::explain::cohorts::CohortView;
pub use flcm_flags_config::outline::{CohortOutline, Outline, cohort as cohort_outline, outline};
pub use flcm_flags_config::simulate::{Report, Simulator};
pub use flcm_flags_config::workbench::{Counted, Workbench};
pub use flcm_flags_config::{Diagnostics, schema};

use flcm_flags::{Millis, Snapshot, TripState, Trips};
use flcm_flags_config::simulate::Scenario;
use flcm_flags_config::{Explanation, OwnedContext, check, limits};
use serde::{Deserialize, Serialize};

mod error;

pub use error::DocumentError;

/// What documents are called in reports: a binding knows no file.
const NAME: &str = "document";

/// What became of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Compiled {
    /// The snapshot; `None` when there were errors.
    pub snapshot: Option<Vec<u8>>,
    /// All problems.
    pub diagnostics: Diagnostics,
    /// All problems as text for people, without colours; empty when there are none.
    pub report: String,
}

/// Checks and compiles a document, YAML or JSON.
#[must_use]
pub fn compile(text: &str) -> Compiled {
    let (config, diagnostics) = check(text);
    let report = diagnostics.render(NAME, text, false);
    Compiled { snapshot: config.as_ref().map(flcm_flags_config::compile), diagnostics, report }
}

/// Decides a flag for a context, and explains how.
///
/// `trips` are those of [`Trips`], four bytes a flag; none have tripped behind their end. `context` is the JSON of an
/// [`OwnedContext`], `now` counts milliseconds since 1970; a fraction of one is dropped. A flag that the snapshot does
/// not have is explained as well: it is an `ERROR` `FLAG_NOT_FOUND`.
///
/// # Errors
/// The bytes are no snapshot, the context is none, or `now` is no time.
pub fn explain(snapshot: &[u8], trips: &[u8], flag: &str, context: &str, now: f64) -> Result<Explained, DocumentError> {
    let snapshot = Snapshot::from_bytes(snapshot).map_err(DocumentError::Snapshot)?;
    let context = OwnedContext::from_json(context).map_err(DocumentError::Context)?;
    let now = millis(now)?;
    let explanation = match snapshot.flag(flag) {
        Some(id) => context
            .with_core(|context| Explanation::of(&snapshot, &Trips::new(trips), id, &context.bind(&snapshot), now)),
        None => Explanation::flag_not_found(flag, context.targeting_key.as_deref()),
    };
    let text = explanation.to_string();
    Ok(Explained { explanation, text })
}

/// How a decision came about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explained {
    /// As a tree of checks.
    pub explanation: Explanation,
    /// As lines of text.
    pub text: String,
}

/// The bytes of [`Trips`] for a snapshot, from a JSON object of states by flag: `{"beta": "off"}`. Flags that the
/// snapshot does not have are passed over.
///
/// # Errors
/// The bytes are no snapshot, the text is no such object, or a state is none.
pub fn trips(snapshot: &[u8], states: &str) -> Result<Vec<u8>, DocumentError> {
    let snapshot = Snapshot::from_bytes(snapshot).map_err(DocumentError::Snapshot)?;
    let states: BTreeMap<String, String> = read("states", states)?;
    let mut trips = Trips::new(vec![0; Trips::bytes_for(snapshot.flags().len())]);
    for (flag, state) in states {
        let Some(parsed) = TripState::parse(&state) else { return Err(DocumentError::Trip(flag, state)) };
        if let Some(id) = snapshot.flag(&flag) {
            trips.set(id, parsed);
        }
    }
    Ok(trips.as_bytes().to_vec())
}

/// Prepares to simulate how soon a flag would be rolled back. `scenario` is the JSON of a [`Scenario`].
///
/// # Errors
/// The bytes are no snapshot, the scenario is none, its flag has no threshold, or `now` is no time.
pub fn simulator(snapshot: &[u8], scenario: &str, now: f64) -> Result<Simulator, DocumentError> {
    let snapshot = Snapshot::from_bytes(snapshot).map_err(DocumentError::Snapshot)?;
    let scenario: Scenario = read("scenario", scenario)?;
    Simulator::new(&snapshot, &scenario, millis(now)?).map_err(DocumentError::Scenario)
}

/// Edits a document's text, and keeps its comments and layout. `edits` is the JSON of a list of [`Edit`]s.
///
/// # Errors
/// The text is no such list.
pub fn edit(text: &str, edits: &str) -> Result<EditAnswer, DocumentError> {
    let edits: Vec<Edit> = read("edits", edits)?;
    Ok(flcm_flags_config::edit::edit(text, &edits)
        .map_or_else(|declined| EditAnswer::Declined { declined }, EditAnswer::Edited))
}

/// The cohorts of a document; `None` when it has errors.
#[must_use]
pub fn cohorts(text: &str) -> Option<Vec<CohortView>> {
    check(text).0.as_ref().map(flcm_flags_config::explain::cohorts::of)
}

/// What became of edits.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum EditAnswer {
    /// All were applied.
    Edited(Edited),
    /// None was applied.
    Declined {
        /// Which one, and why.
        declined: Declined,
    },
}

/// A workbench for drafts of a document.
///
/// # Errors
/// The document has errors.
pub fn workbench(base: &str) -> Result<Workbench, DocumentError> {
    Workbench::new(base).map_err(DocumentError::Base)
}

/// Compares the draft of a workbench with its base; `None` if there is no draft or it has errors.
///
/// # Errors
/// `now` is no time.
pub fn diff(workbench: &mut Workbench, now: f64) -> Result<Option<Difference>, DocumentError> {
    Ok(workbench.diff(millis(now)?))
}

fn read<'t, T: Deserialize<'t>>(what: &'static str, text: &'t str) -> Result<T, DocumentError> {
    serde_json::from_str(text).map_err(|error| DocumentError::Text(what, error.to_string()))
}

/// A time, as hosts give it.
fn millis(now: f64) -> Result<Millis, DocumentError> {
    #[expect(clippy::cast_precision_loss, reason = "a power of two")]
    const LAST: f64 = limits::TIME as f64;
    if !(0.0..=LAST).contains(&now) {
        return Err(DocumentError::Now(now));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range, and a fraction is dropped")]
    Ok(Millis(now as u64))
}

/// As JSON text. Our own types are JSON whatever they hold.
#[must_use]
pub fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::{compile, diff, edit, explain, simulator, trips, workbench};

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
        assert!(compiled.diagnostics.is_empty() && compiled.report.is_empty());
    }

    #[test]
    fn a_bad_document_has_problems_as_json_and_as_text() {
        let text = "flags: { beta: { colour: red } }";
        let compiled = compile(text);
        assert_eq!(compiled.snapshot, None);
        let (_, found) = flcm_flags_config::check(text);
        assert_eq!(compiled.diagnostics, found);
        assert_eq!(parsed(&super::json(&compiled.diagnostics))[0]["code"], "unknown-key");
        assert!(
            compiled.report.contains("document:1:18") && !compiled.report.contains('\u{1b}'),
            "{}",
            compiled.report
        );
    }

    #[test]
    fn warnings_leave_the_snapshot() {
        let compiled = compile("flags: { beta: { rollout: { percentage: 100 } } }");
        assert!(compiled.snapshot.is_some() && !compiled.diagnostics.is_empty() && !compiled.report.is_empty());
    }

    #[test]
    fn an_explanation_comes_as_json_and_as_text() {
        let explained = explain(&snapshot(), &[], "beta", r#"{"targetingKey":"alice","age":45}"#, 0.0).unwrap();
        let explained = parsed(&super::json(&explained));
        assert_eq!(explained["explanation"]["reason"], "TARGETING_MATCH");
        assert_eq!(explained["explanation"]["user"], "alice");
        assert!(explained["text"].as_str().unwrap().starts_with("beta → on (TARGETING_MATCH)\n├─ enabled: yes\n"));
    }

    #[test]
    fn trips_are_looked_at() {
        let off = explain(&snapshot(), &2_u32.to_le_bytes(), "beta", "{}", 0.0).unwrap();
        assert_eq!(off.explanation.reason, "BREAKER_OPEN");
    }

    #[test]
    fn trips_are_written_by_flag() {
        let bytes = compile("flags: { alpha: {}, beta: {} }").snapshot.unwrap();
        let states = r#"{"beta":"off","gone":"probing"}"#;
        let off = trips(&bytes, states).unwrap();
        assert_eq!(off.len(), 8);
        assert_eq!(explain(&bytes, &off, "beta", "{}", 0.0).unwrap().explanation.reason, "BREAKER_OPEN");
        assert_ne!(explain(&bytes, &off, "alpha", "{}", 0.0).unwrap().explanation.reason, "BREAKER_OPEN");
        let refuse = |states: &str| trips(&bytes, states).unwrap_err().to_string();
        let states = "give `clear`, `probing`, `off` or `capped N`, in thousandths of a percent";
        assert_eq!(refuse(r#"{"beta":"of"}"#), format!("flag `beta` has the trip `of` ({states})"));
        assert!(refuse("[]").starts_with("the states cannot be read: invalid type"), "{}", refuse("[]"));
        assert_eq!(trips(&bytes[1..], "{}").unwrap_err().code(), "INVALID_SNAPSHOT");
    }

    #[test]
    fn a_scenario_is_read_and_checked() {
        let bytes = compile("flags: { a: { error_threshold: { rate: 0.05 } } }").snapshot.unwrap();
        let scenario = r#"{"flag":"a","errorRate":1,"requestsPerSecond":9,"sharePercent":50}"#;
        let report = simulator(&bytes, scenario, 0.0).unwrap().advance(2, Some(0));
        assert_eq!((report.runs, report.rules[0].from_start.falsely), (2, 0));
        assert!(report.rules[0].from_start.median_seconds.is_some());
        for (scenario, message) in [
            (r#"{"flag":"a"}"#, "the scenario cannot be read: missing field `errorRate`"),
            (r#"{"flag":"a","errorRate":2,"requestsPerSecond":9}"#, "`errorRate` is 2 (give a number from 0, up to 1)"),
            (r#"{"flag":"a","errors":2}"#, "the scenario cannot be read: unknown field `errors`"),
        ] {
            let error = simulator(&bytes, scenario, 0.0).unwrap_err();
            assert!(error.to_string().starts_with(message) && error.code() == "INVALID_ARGUMENT", "{error}");
        }
        assert_eq!(simulator(&bytes, scenario, -1.0).unwrap_err().code(), "INVALID_ARGUMENT");
    }

    #[test]
    fn edits_are_read_and_applied() {
        let apply = |edits: &str| parsed(&super::json(&edit("flags:\n  a: {} # why\n", edits).unwrap()));
        let edited = apply(r#"[{"op":"set","path":["flags","a","enabled"],"value":false}]"#);
        let text = edited["text"].as_str().unwrap();
        assert!(text.contains("enabled: false") && text.contains("# why"), "{text}");
        assert_eq!(edited["changed"], json!([{ "start": 1, "end": 2 }]));
        let declined = apply(r#"[{"op":"remove","path":["flags","b"]}]"#);
        assert_eq!((&declined["declined"]["reason"], &declined["declined"]["edit"]), (&json!("missing"), &json!(0)));
        let error = edit("", r#"[{"op":"paint"}]"#).unwrap_err();
        assert!(error.to_string().starts_with("the edits cannot be read: unknown variant `paint`"), "{error}");
    }

    #[test]
    fn a_base_with_errors_is_refused() {
        let error = workbench("flags: { a: { colour: red } }").unwrap_err();
        assert!(error.to_string().starts_with("the base has an error in line 1: "), "{error}");
        let mut good = workbench(DOCUMENT).unwrap();
        assert!(diff(&mut good, 0.0).unwrap().is_none());
        assert_eq!(diff(&mut good, f64::NAN).unwrap_err().code(), "INVALID_ARGUMENT");
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
        assert_eq!(parsed(&super::json(&explained)), expected);
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
