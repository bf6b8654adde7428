//! The JSON of counts, checked: what cannot be read as counts is refused as a whole, like a batch.

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};

use flcm_flags::PackedDecision;
use flcm_flags::metrics::batch::Header;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

/// The most rows: a page drops its oldest before it has more.
const ROWS: usize = 1000;

/// So many characters of an error are shown: it may repeat what was sent.
const SHOWN: usize = 200;

/// What a page has counted since its last batch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageCounts {
    /// The number that the page has chosen for itself.
    instance: u64,
    /// The number of its run.
    epoch: u64,
    /// Which batch of the epoch, from 1.
    #[schema(value_type = u64, minimum = 1)]
    sequence: NonZeroU64,
    /// For how long the page has held it back, in milliseconds.
    #[serde(default)]
    age: u32,
    /// The digest of the snapshot that has decided, in 16 hexadecimal digits.
    #[schema(value_type = String)]
    snapshot: Digest,
    /// The digest of the user's targeting key, in 16 hexadecimal digits. Without it, users are not counted.
    #[schema(value_type = Option<String>)]
    user: Option<Digest>,
    /// Decisions as `[times, flag, outcome]`, and calls as `[times, flag, outcome, generation, failed, ms]`: how often;
    /// the key of the flag; what the engine has answered; the generation of the fleet's breaker; whether the call has
    /// failed; and how long it took (or `null`).
    #[schema(value_type = Vec<Vec<serde_json::Value>>, max_items = 1000)]
    rows: Rows,
}

/// 64 bits in 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Digest(u64);

#[derive(Debug)]
struct Rows(Vec<Row>);

/// A decision or a call of the feature, and how often there was one.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) times: NonZeroU32,
    pub(super) flag: String,
    pub(super) decision: PackedDecision,
    pub(super) call: Option<Call>,
}

/// How a call of the feature went.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) generation: u32,
    pub(super) failed: bool,
    /// In milliseconds; not a number when it was not measured.
    pub(super) duration: f64,
}

impl PageCounts {
    /// Reads counts.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub(crate) fn from_json(text: &[u8]) -> Result<Self, String> {
        // serde would also accept a list of the fields.
        if text.trim_ascii_start().first() != Some(&b'{') {
            return Err("it is no JSON object".to_owned());
        }
        serde_json::from_slice(text).map_err(|error| error.to_string().chars().take(SHOWN).collect())
    }

    /// The header of the batch.
    pub(super) const fn header(&self) -> Header {
        Header { instance: self.instance, epoch: self.epoch, sequence: self.sequence.get(), age: self.age }
    }

    /// The digest of the snapshot.
    pub(super) const fn snapshot(&self) -> u64 {
        self.snapshot.0
    }

    /// The digest of the user.
    pub(super) fn user(&self) -> Option<u64> {
        self.user.map(|Digest(digest)| digest)
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows.0
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_digest = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u64::from_str_radix(&text, 16).ok().filter(|_| is_digest);
        number.map(Self).ok_or("a digest has 16 hexadecimal digits")
    }
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RowsVisitor)
    }
}

/// Stops at the first row that is one too many.
struct RowsVisitor;

impl<'de> Visitor<'de> for RowsVisitor {
    type Value = Rows;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Rows, A::Error> {
        let mut rows = Vec::new();
        while let Some(row) = list.next_element()? {
            if rows.len() == ROWS {
                return Err(A::Error::custom(format_args!("more than {ROWS} rows")));
            }
            rows.push(row);
        }
        Ok(Rows(rows))
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[times, flag, outcome] or [times, flag, outcome, generation, failed, ms]")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Row, A::Error> {
        let short = |length| move || A::Error::invalid_length(length, &RowVisitor);
        let times = list.next_element()?.ok_or_else(short(0))?;
        let flag = list.next_element()?.ok_or_else(short(1))?;
        let outcome: u32 = list.next_element()?.ok_or_else(short(2))?;
        let decision = PackedDecision::from_upper_half(outcome)
            .ok_or_else(|| A::Error::custom(format_args!("{outcome} is the outcome of no decision")))?;
        let Some(generation) = list.next_element()? else { return Ok(Row { times, flag, decision, call: None }) };
        let failed = list.next_element()?.ok_or_else(short(4))?;
        let duration: Option<f64> = list.next_element()?.ok_or_else(short(5))?;
        if duration.is_some_and(|duration| duration < 0.0) {
            return Err(A::Error::custom("a duration below 0"));
        }
        let call = Some(Call { generation, failed, duration: duration.unwrap_or(f64::NAN) });
        Ok(Row { times, flag, decision, call })
    }
}
