//! A transition as JSON: the one form that webhooks, the audit, `GET /trips` and the database have. Everything else
//! uses [`FleetTransition`].

use flcm_flags::breaker::{Arms, Cause, Event, Mode, Next, Report, State, Statistics, Transition};
use flcm_flags::{Millis, Sample, Source};
use serde::de::Error;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::transition::FleetTransition;

/// Something that happened to the breaker of a flag.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BreakerEvent {
    /// Identifies the event; the same for each delivery, and in the header `webhook-id`.
    pub(crate) id: String,
    /// The flag key.
    pub(crate) flag: String,
    /// What happened, such as `tripped`.
    pub(crate) event: String,
    /// Whose outcomes the breaker weighs: `servers` or `pages`.
    pub(crate) source: String,
    /// Why, such as `relative`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<String>,
    /// `closed`, `open` or `half_open`, before.
    pub(crate) from: String,
    /// The same, after.
    pub(crate) to: String,
    /// The mode that an operator has set: `auto`, `held`, `forced_closed` or `observe`.
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

impl From<Outcomes> for Sample {
    fn from(Outcomes { total, errors, slow, missing }: Outcomes) -> Self {
        Self { total, errors, slow, missing }
    }
}

impl From<&FleetTransition> for BreakerEvent {
    fn from(happened: &FleetTransition) -> Self {
        let transition = &happened.transition;
        Self {
            id: happened.id(),
            flag: happened.flag.clone(),
            event: transition.event.as_str().to_owned(),
            source: happened.source.as_str().to_owned(),
            cause: transition.cause.map(|cause| cause.as_str().to_owned()),
            from: transition.from.as_str().to_owned(),
            to: transition.to.as_str().to_owned(),
            mode: transition.mode.as_str().to_owned(),
            percent_before: percent(transition.percent_before),
            percent_after: percent(transition.percent_after),
            at: transition.at.0,
            actor: happened.actor.clone(),
            text: happened.text(),
            evidence: Evidence::from(transition),
        }
    }
}

impl From<&Transition> for Evidence {
    fn from(transition: &Transition) -> Self {
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

/// A transition as the text of an object.
pub(crate) fn to_json(happened: &FleetTransition) -> serde_json::Result<String> {
    serde_json::to_string(&BreakerEvent::from(happened))
}

/// The transition that such a text describes.
pub(crate) fn from_json(text: &str) -> serde_json::Result<FleetTransition> {
    let event: BreakerEvent = serde_json::from_str(text)?;
    let (source, transition) = (known(&event.source, Source::from_keyword)?, transition_of(&event)?);
    Ok(FleetTransition { flag: event.flag, actor: event.actor, source, transition })
}

fn transition_of(event: &BreakerEvent) -> serde_json::Result<Transition> {
    let evidence = &event.evidence;
    Ok(Transition {
        event: known(&event.event, Event::from_keyword)?,
        cause: event.cause.as_deref().map(|cause| known(cause, Cause::from_keyword)).transpose()?,
        from: known(&event.from, State::from_keyword)?,
        to: known(&event.to, State::from_keyword)?,
        mode: known(&event.mode, Mode::from_keyword)?,
        generation: evidence.generation,
        sequence: evidence.sequence,
        at: Millis(event.at),
        attempt: evidence.attempt,
        trips: evidence.trips,
        percent_before: thousandths(event.percent_before),
        percent_after: thousandths(event.percent_after),
        next: next_of(evidence)?,
        report: report_of(evidence),
    })
}

fn known<T>(keyword: &str, from_keyword: impl Fn(&str) -> Option<T>) -> serde_json::Result<T> {
    from_keyword(keyword).ok_or_else(|| serde_json::Error::custom(format!("`{keyword}` is not known")))
}

fn next_of(evidence: &Evidence) -> serde_json::Result<Next> {
    let probe = Next::Probe(Millis(evidence.next_at.unwrap_or_default()));
    let all = [Next::Nothing, probe, Next::Acknowledge, Next::Release];
    known(&evidence.next, |keyword| all.into_iter().find(|next| next.as_str() == keyword))
}

fn report_of(evidence: &Evidence) -> Report {
    Report {
        window: Arms { treatment: evidence.treatment.into(), control: evidence.control.into() },
        errors: Statistics { absolute: evidence.absolute, relative: evidence.relative },
        slow: Statistics { absolute: evidence.slow_absolute, relative: evidence.slow_relative },
        limit: evidence.limit,
        spread: evidence.spread,
    }
}

/// JSON has no infinity.
pub(crate) fn finite(number: f64) -> f64 {
    number.clamp(f64::MIN, f64::MAX)
}

/// Thousandths of a percent as percent.
fn percent(thousandths: u32) -> f64 {
    f64::from(thousandths) / 1000.0
}

/// Percent as thousandths of a percent.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "such a cast saturates")]
fn thousandths(percent: f64) -> u32 {
    (percent * 1000.0).round() as u32
}

#[cfg(test)]
mod tests {
    use flcm_flags::breaker::{Arms, Cause, Event, Mode, Next, Report, State, Statistics, Transition};
    use flcm_flags::{Millis, Sample, Source};

    use super::{FleetTransition, from_json, to_json};

    #[test]
    fn a_transition_survives_json() {
        let statistics = |absolute, relative| Statistics { absolute, relative };
        for (event, next) in Event::ALL.iter().zip([Next::Probe(Millis(9)), Next::Release].into_iter().cycle()) {
            let transition = Transition {
                event: *event,
                cause: Some(Cause::Relative),
                from: State::Closed,
                to: State::HalfOpen,
                mode: Mode::Observe,
                generation: 3,
                sequence: 7,
                at: Millis(1_700_000_000_123),
                attempt: 2,
                trips: 4,
                percent_before: 33_333,
                percent_after: 5,
                next,
                report: Report {
                    window: Arms {
                        treatment: Sample { total: 9, errors: 1, slow: 2, missing: 3 },
                        control: Sample { total: 8, errors: 4, slow: 5, missing: 6 },
                    },
                    errors: statistics(1.5, 0.25),
                    slow: statistics(2.5, 0.125),
                    limit: 3.5,
                    spread: 1.25,
                },
            };
            let (flag, actor) = ("a.b".to_owned(), "ci".to_owned());
            let happened = FleetTransition { flag, actor, source: Source::Pages, transition };
            let read = from_json(&to_json(&happened).unwrap()).unwrap();
            assert_eq!((read.flag, read.actor, read.transition), (happened.flag, happened.actor, transition));
            assert_eq!(read.source, Source::Pages);
        }
    }

    #[test]
    fn keywords_of_another_version_are_refused() {
        let error = super::known("sleeping", State::from_keyword).unwrap_err().to_string();
        assert!(error.contains("`sleeping`"), "{error}");
    }
}
