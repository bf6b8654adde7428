//! What happened to a flag's breaker, in the one JSON form that webhooks, the audit and `GET /trips` have.

use flcm_flags::Sample;
use flcm_flags::breaker::{Next, Statistics, Transition};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that happened to the breaker of a flag.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BreakerEvent {
    /// Names the event: `flag:generation:sequence`. The same for each delivery.
    pub(crate) id: String,
    /// The flag key.
    pub(crate) flag: String,
    /// What happened, such as `tripped`.
    pub(crate) event: String,
    /// Why, such as `relative`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<String>,
    /// `closed`, `open` or `half_open`, before.
    pub(crate) from: String,
    /// The same, after.
    pub(crate) to: String,
    /// What a person has said: `auto`, `held`, `forced_closed` or `observe`.
    pub(crate) mode: String,
    /// Share of users who had the feature before, in percent.
    pub(crate) percent_before: f64,
    /// Share of users who have it now.
    pub(crate) percent_after: f64,
    /// Milliseconds since 1970.
    pub(crate) at: u64,
    /// Who did it: a key's name, or `breaker`.
    pub(crate) actor: String,
    /// A line for people.
    pub(crate) text: String,
    /// All that led to it.
    pub(crate) evidence: Evidence,
}

/// What a breaker knew.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Evidence {
    /// Under which outcomes are evidence from then on.
    pub(crate) generation: u32,
    /// Counts the events of the flag.
    pub(crate) sequence: u32,
    /// Attempts to recover.
    pub(crate) attempt: u8,
    /// Rollbacks within a day.
    pub(crate) trips: u8,
    /// What it waits for: `nothing`, `probe`, `acknowledge` or `release`.
    pub(crate) next: String,
    /// Milliseconds since 1970, with `probe`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_at: Option<u64>,
    /// Outcomes of the window for users who had the feature.
    pub(crate) treatment: Outcomes,
    /// The same for users whom the percentage left out.
    pub(crate) control: Outcomes,
    /// Against the threshold: a rollback at `limit`.
    pub(crate) absolute: f64,
    /// Against the control.
    pub(crate) relative: f64,
    /// The same for slow calls.
    pub(crate) slow_absolute: f64,
    /// The same for slow calls.
    pub(crate) slow_relative: f64,
    /// What a statistic must reach.
    pub(crate) limit: f64,
    /// What evidence is divided by because errors come in bursts.
    pub(crate) spread: f64,
}

/// Outcomes of one arm.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
pub(crate) struct Outcomes {
    /// All of them.
    pub(crate) total: u32,
    /// Those that failed.
    pub(crate) errors: u32,
    /// Those that took too long.
    pub(crate) slow: u32,
    /// Those that never reported.
    pub(crate) missing: u32,
}

impl From<Sample> for Outcomes {
    fn from(Sample { total, errors, slow, missing }: Sample) -> Self {
        Self { total, errors, slow, missing }
    }
}

impl BreakerEvent {
    pub(crate) fn new(flag: &str, transition: &Transition, actor: &str) -> Self {
        let Transition { generation, sequence, .. } = transition;
        Self {
            id: format!("{flag}:{generation}:{sequence}"),
            flag: flag.to_owned(),
            event: transition.event.as_str().to_owned(),
            cause: transition.cause.map(|cause| cause.as_str().to_owned()),
            from: transition.from.as_str().to_owned(),
            to: transition.to.as_str().to_owned(),
            mode: transition.mode.as_str().to_owned(),
            percent_before: percent(transition.percent_before),
            percent_after: percent(transition.percent_after),
            at: transition.at.0,
            actor: actor.to_owned(),
            text: transition.describe(flag).to_string(),
            evidence: Evidence::new(transition),
        }
    }

    /// Whether people are to hear of it: exposure goes up or down, or somebody is waited for.
    pub(crate) fn is_news(&self) -> bool {
        self.from != self.to || matches!(self.event.as_str(), "tripped" | "reminder" | "stage_held" | "would_trip")
    }
}

impl Evidence {
    fn new(transition: &Transition) -> Self {
        let report = &transition.report;
        let (Statistics { absolute, relative }, slow) = (report.errors, report.slow);
        Self {
            generation: transition.generation,
            sequence: transition.sequence,
            attempt: transition.attempt,
            trips: transition.trips,
            next: transition.next.as_str().to_owned(),
            next_at: if let Next::Probe(at) = transition.next { Some(at.0) } else { None },
            treatment: report.window.treatment.into(),
            control: report.window.control.into(),
            absolute: finite(absolute),
            relative: finite(relative),
            slow_absolute: finite(slow.absolute),
            slow_relative: finite(slow.relative),
            limit: finite(report.limit),
            spread: finite(report.spread),
        }
    }
}

/// JSON has no infinity.
pub(crate) fn finite(number: f64) -> f64 {
    number.clamp(f64::MIN, f64::MAX)
}

/// Thousandths of a percent as percent.
pub(crate) fn percent(thousandths: u32) -> f64 {
    f64::from(thousandths) / 1000.0
}
