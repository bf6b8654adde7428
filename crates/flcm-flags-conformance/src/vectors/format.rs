//! The format of vectors. Unknown keys are errors, so that a misspelt one is not passed over.

use std::collections::BTreeMap;

use flcm_flags::{Millis, TripState};
use flcm_flags_config::{CheckOptions, TextRange};
use serde::{Deserialize, Serialize};

use crate::OwnedContext;
use crate::answer::Answer;

/// A document: JSON as it is, or YAML or JSON text as one string or as a list of lines.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub enum Document {
    /// Lines of text; each but the last ends in a line feed.
    Lines(Vec<String>),
    /// Text.
    Text(String),
    /// A JSON object.
    Json(serde_json::Value),
}

impl Document {
    /// The text that is checked.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Json(value) => value.to_string(),
            Self::Lines(lines) => lines.join("\n"),
            Self::Text(text) => text.clone(),
        }
    }
}

/// A file of kind `evaluate`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluate {
    /// What is shown, in a sentence.
    pub about: String,
    /// The document that all cases ask.
    pub document: Document,
    /// Questions and answers.
    pub cases: Vec<Decision>,
}

/// A question and its answer.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Why the answer is what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The flag that is asked for.
    pub flag: String,
    /// Who asks.
    #[serde(default)]
    pub context: OwnedContext,
    /// Milliseconds since 1970; default 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub now: u64,
    /// The trips of breakers, by flag key; default none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub trips: BTreeMap<String, Trip>,
    /// The whole answer; left out only until it has been filled in.
    #[serde(default)]
    pub answer: Option<Answer>,
}

impl Decision {
    /// The trips of breakers, as the core has them.
    #[must_use]
    pub fn trips(&self) -> BTreeMap<String, TripState> {
        self.trips.iter().map(|(key, trip)| (key.clone(), TripState::from(*trip))).collect()
    }
}

/// The trip of a flag.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trip {
    /// Taken back to a percentage, in thousandths.
    Capped(u32),
    /// Open, or held by a person.
    HeldOff,
    /// Half-open.
    Probing,
}

impl From<Trip> for TripState {
    fn from(trip: Trip) -> Self {
        match trip {
            Trip::Capped(cap) => Self::Capped(cap),
            Trip::HeldOff => Self::HeldOff,
            Trip::Probing => Self::Probing,
        }
    }
}

/// A file of kind `bucket`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bucket {
    /// What is shown, in a sentence.
    pub about: String,
    /// Numbers of the hash.
    pub cases: Vec<Draw>,
}

/// The numbers of the hash for one unit and one salt. Numbers of 64 bits are hexadecimal text, since not every reader of
/// JSON has them.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Draw {
    /// Why this one.
    pub note: Option<String>,
    /// The salt; also taken for the cohort's name and the flag key below.
    pub salt: String,
    /// The unit: a targeting key, or the text of an attribute.
    pub unit: String,
    /// `sip(unit)`.
    pub digest: String,
    /// `mix(digest ^ key("flag", salt))`.
    pub hash: String,
    /// The gate bucket, 0 to 99,999.
    pub gate: u32,
    /// Split points by the sum of the weights.
    pub splits: BTreeMap<u32, u32>,
    /// The probe bucket, 0 to 99,999.
    pub probe: u32,
    /// `mix(digest ^ key("cohort", salt))`.
    pub member: String,
    /// `mix(digest ^ key("override", salt))`.
    #[serde(rename = "override")]
    pub override_hash: Option<String>,
}

/// A file of kind `condition`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// What is shown, in a sentence.
    pub about: String,
    /// Tests of an attribute.
    pub cases: Vec<Test>,
}

/// A test of one attribute.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// What the attribute is; `null` for absent.
    pub attribute: Option<crate::Attribute>,
    /// The document's keyword.
    pub operator: String,
    /// The operand; `null` for `exists` and `not_exists`, which take none.
    pub value: serde_json::Value,
    /// Whether the condition holds.
    pub holds: bool,
}

/// A file of kind `schedule`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// What is shown, in a sentence.
    pub about: String,
    /// Rollouts.
    pub cases: Vec<Rollout>,
}

/// A rollout, and what its percentage is when.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// Why this one.
    pub note: String,
    /// `rollout` as a document has it.
    pub rollout: serde_json::Value,
    /// Times in milliseconds since 1970, each with thousandths of a percent.
    pub percentages: Vec<(u64, u32)>,
}

/// A file of kind `inherit`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inherit {
    /// What is shown, in a sentence.
    pub about: String,
    /// A document with `extends`.
    pub document: Document,
    /// Its equal without: both compile to the same bytes.
    pub equals: Document,
}

/// A file of kind `diff`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diff {
    /// What is shown, in a sentence.
    pub about: String,
    /// Pairs of documents.
    pub cases: Vec<Compared>,
}

/// Two versions of a document, and what is different.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// Why the answer is what it is.
    pub note: String,
    /// The old version.
    pub old: Document,
    /// The new version.
    pub new: Document,
    /// Milliseconds since 1970; default 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub now: u64,
    /// The flags that change, as `flcm diff --json` prints them; left out only until they have been filled in.
    #[serde(default)]
    pub flags: Option<serde_json::Value>,
}

/// A file of kind `diagnostics`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Diagnostics {
    /// What is shown, in a sentence.
    pub about: String,
    /// Documents and their problems.
    pub cases: Vec<Checked>,
}

/// A document and its problems.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// The document, as text: positions are counted in it.
    pub document: Document,
    /// Whether it must be JSON.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub json: bool,
    /// Milliseconds since 1970, if the check knows the time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<u64>,
    /// Whether the check hints at what pages can read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hint_clients: bool,
    /// All its problems, in the order of their positions; left out only until they have been filled in.
    #[serde(default)]
    pub diagnostics: Option<Vec<Problem>>,
}

impl Checked {
    /// What the check knows beside the text.
    #[must_use]
    pub fn options(&self) -> CheckOptions {
        CheckOptions { json: self.json, now: self.now.map(Millis), hint_clients: self.hint_clients }
    }
}

/// A problem. Messages and help are for people and may change.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// Stable name of the kind of problem.
    pub code: String,
    /// `error`, `warning` or `hint`.
    pub severity: String,
    /// Where in the document's structure.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// As editors count, with its end; left out where a vector does not hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<TextRange>,
}

/// A file of kind `snapshot`; the bytes are in the file of the same name that ends in `.snapshot`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// What is shown, in a sentence.
    pub about: String,
    /// Whether an older compiler wrote the bytes, and today's writes others. They load, and decide as ever.
    #[serde(default)]
    pub older: bool,
    /// The document that the bytes were compiled from.
    pub document: Document,
    /// The snapshot's digest, as hexadecimal text.
    pub digest: Option<String>,
    /// Questions and answers.
    pub cases: Vec<Decision>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}
