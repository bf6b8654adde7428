//! What the fleet knows, for people and for Prometheus.

use std::collections::BTreeMap;

use flcm_flags::breaker::{Breaker, Plan};
use flcm_flags::metrics::{CustomValue, Durations};
use serde::Serialize;
use utoipa::ToSchema;

use super::Fleet;
use super::hosts::Host;
use crate::event::{BreakerEvent, Outcomes, finite};
use crate::totals::FlagCounts;

/// Where the breaker of a flag stands.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FlagReport {
    /// What hosts are told: `clear`, `probing`, `held off`, or `capped` and thousandths of a percent.
    pub(crate) trip: String,
    /// `closed`, `open` or `half_open`; absent without a breaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
    /// What a person has said: `auto`, `held`, `forced_closed` or `observe`.
    pub(crate) mode: String,
    /// Under which outcomes are evidence; 0 without a breaker.
    pub(crate) generation: u32,
    /// The outcomes of the last minutes, of users who had the feature.
    pub(crate) treatment: Outcomes,
    /// The same of users whom the percentage left out.
    pub(crate) control: Outcomes,
    /// The largest statistic, as a share of what a rollback takes.
    pub(crate) evidence: f64,
    /// What happened last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub(crate) last: Option<BreakerEvent>,
    /// Hosts that do otherwise.
    pub(crate) hosts: Vec<Host>,
}

/// What was counted of a flag.
#[derive(Clone, Debug)]
pub(crate) struct FlagFigures {
    pub(crate) counts: FlagCounts,
    pub(crate) users: f64,
    pub(crate) durations: Durations,
    /// The sum of all durations, in milliseconds.
    pub(crate) duration_sum: f64,
}

/// Where all breakers stand.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Standing {
    /// The revision in use.
    pub(crate) revision: u64,
    /// Flags with a breaker, and those that a person holds.
    pub(crate) flags: BTreeMap<String, FlagReport>,
    /// Whether everything that is in force is stored.
    pub(crate) stored: bool,
}

/// Everything that is told.
#[derive(Clone, Debug)]
pub(crate) struct Figures {
    pub(crate) standing: Standing,
    pub(crate) flags: BTreeMap<String, FlagFigures>,
    pub(crate) counters: Vec<(String, u64)>,
    pub(crate) histograms: Vec<(String, Durations, f64)>,
    pub(crate) dropped: u64,
    pub(crate) ledgers: usize,
}

impl Fleet {
    pub(super) fn figures(&self) -> Figures {
        let flags = self.totals.flags().into_iter().map(|(key, totals)| {
            let histogram = totals.sketches.durations();
            let figures = FlagFigures {
                counts: totals.counts.clone(),
                users: totals.sketches.users().estimate(),
                durations: Durations::new(histogram),
                duration_sum: histogram.sum(),
            };
            (key.to_owned(), figures)
        });
        let (mut counters, mut histograms) = (Vec::new(), Vec::new());
        for (name, value) in self.totals.customs.iter() {
            match value {
                CustomValue::Counter(amount) => counters.push((name.to_owned(), amount)),
                CustomValue::Histogram(values) => {
                    histograms.push((name.to_owned(), Durations::new(values), values.sum()));
                }
            }
        }
        Figures {
            standing: self.standing(),
            flags: flags.collect(),
            counters,
            histograms,
            dropped: self.totals.customs.dropped(),
            ledgers: self.ledgers.len(),
        }
    }

    pub(super) fn standing(&self) -> Standing {
        let snapshot = &self.published.snapshot;
        let words = self.words();
        let report = |(key, word): (&str, crate::serving::Word)| {
            let guard = snapshot.flag(key).and_then(|id| self.guards.breaker(id));
            let mut report = guard.map_or_else(FlagReport::held, |(breaker, plan)| FlagReport::new(breaker, plan));
            report.trip = word.trip;
            report.last = self.events.get(key).cloned();
            report.hosts = self.hosts.of(key);
            (key.to_owned(), report)
        };
        let flags = words.into_iter().map(report).collect();
        Standing { revision: self.published.number, flags, stored: self.unsaved.is_empty() }
    }
}

impl FlagReport {
    /// Of a flag without a breaker, as far as that can tell.
    fn held() -> Self {
        Self { mode: "held".to_owned(), ..Self::default() }
    }

    /// Of a flag with one, as far as that knows.
    fn new(breaker: &Breaker, plan: &Plan) -> Self {
        let report = breaker.report(plan);
        let statistics = [report.errors.absolute, report.errors.relative, report.slow.absolute, report.slow.relative];
        Self {
            state: Some(breaker.state().as_str().to_owned()),
            mode: breaker.mode().as_str().to_owned(),
            generation: breaker.generation(),
            treatment: report.window.treatment.into(),
            control: report.window.control.into(),
            evidence: finite(statistics.into_iter().fold(0.0, f64::max) / report.limit),
            ..Self::default()
        }
    }
}
