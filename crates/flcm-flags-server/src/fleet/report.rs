//! Reports of the fleet: the status of breakers, and everything for the metrics.

use std::collections::BTreeMap;

use flcm_flags::breaker::{Arms, Breaker, Mode, Plan, State};
use flcm_flags::metrics::{CustomValue, Durations};
use flcm_flags::{FlagId, Millis, Source, TripState};

use super::Fleet;
use super::hosts::Host;
use crate::store::CommandInForce;
use crate::totals::FlagCounts;
use crate::transition::FleetTransition;

/// The status of a flag.
#[derive(Clone, Debug)]
pub(crate) struct FlagReport {
    /// The trip that hosts receive.
    pub(crate) trip: TripState,
    /// `None` for a flag without a breaker, which an operator holds.
    pub(crate) breaker: Option<BreakerReport>,
    /// That of pages, where their outcomes are evidence.
    pub(crate) pages: Option<PagesReport>,
    /// Whether pages report outcomes that are no evidence.
    pub(crate) ignores_pages: bool,
    /// The command that is in force, if there is one.
    pub(crate) command: Option<CommandInForce>,
    /// Whether the flag is held without regard to its breaker, if it has one.
    pub(crate) is_held: bool,
    /// The last transition.
    pub(crate) last: Option<FleetTransition>,
    /// Hosts that disagree.
    pub(crate) hosts: Vec<Host>,
}

/// The status of a breaker.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BreakerReport {
    pub(crate) state: State,
    pub(crate) mode: Mode,
    pub(crate) generation: u32,
    /// The outcomes of the breaker's window.
    pub(crate) window: Arms,
    /// The largest statistic, as a share of the rollback limit.
    pub(crate) evidence: f64,
}

/// The status of the breaker that weighs the outcomes of pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PagesReport {
    pub(crate) breaker: BreakerReport,
    /// Networks that have reported what is not weighed yet.
    pub(crate) networks: usize,
}

/// What hosts have counted for a flag.
#[derive(Clone, Debug)]
pub(crate) struct FlagMetricsSnapshot {
    pub(crate) counts: FlagCounts,
    pub(crate) users: f64,
    /// Those who were served a variant, by its name.
    pub(crate) users_by_variant: Vec<(String, f64)>,
    pub(crate) durations: Durations,
    /// The sum of all durations, in milliseconds.
    pub(crate) duration_sum: f64,
}

/// The status of all breakers.
#[derive(Clone, Debug)]
pub(crate) struct BreakerStatuses {
    /// The revision in use.
    pub(crate) revision: u64,
    /// Flags with a breaker, and flags that an operator holds.
    pub(crate) flags: BTreeMap<String, FlagReport>,
    /// Whether everything that is in force is stored.
    pub(crate) stored: bool,
}

/// Everything that `GET /metrics` reports about hosts.
#[derive(Clone, Debug)]
pub(crate) struct MetricsSnapshot {
    pub(crate) breakers: BreakerStatuses,
    /// When the revision in use was published.
    pub(crate) published_at: Millis,
    pub(crate) flags: BTreeMap<String, FlagMetricsSnapshot>,
    pub(crate) counters: Vec<(String, u64)>,
    pub(crate) histograms: Vec<(String, Durations, f64)>,
    pub(crate) dropped: u64,
    pub(crate) ledgers: usize,
}

impl Fleet {
    pub(super) fn metrics_snapshot(&self) -> MetricsSnapshot {
        let flags = self.totals.flags().into_iter().map(|(key, totals)| {
            let sketches = totals.sketches();
            let histogram = sketches.durations();
            let of_variant = |name: &str| (name.to_owned(), sketches.of_variant(name).users().estimate());
            let snapshot = FlagMetricsSnapshot {
                counts: totals.counts.clone(),
                users: totals.users(&sketches),
                users_by_variant: sketches.variants().map(of_variant).collect(),
                durations: Durations::new(&histogram),
                duration_sum: histogram.sum(),
            };
            (key.to_owned(), snapshot)
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
        MetricsSnapshot {
            breakers: self.breaker_statuses(),
            published_at: self.published_at,
            flags: flags.collect(),
            counters,
            histograms,
            dropped: self.totals.customs.dropped(),
            ledgers: self.ledgers.len(),
        }
    }

    pub(super) fn breaker_statuses(&self) -> BreakerStatuses {
        let snapshot = &self.published.snapshot;
        let flags = self.fleet_flags();
        let report = |(key, flag): (&str, crate::serving::FleetFlag)| {
            let id = snapshot.flag(key);
            let guard = id.and_then(|id| self.guards.breaker(id));
            let report = FlagReport {
                trip: flag.trip,
                breaker: guard.map(|(breaker, plan)| BreakerReport::new(breaker, plan)),
                pages: id.and_then(|id| self.pages_report(id)),
                ignores_pages: self.ignored.contains(key),
                command: self.commands.get(key).cloned(),
                is_held: self.holds.contains_key(key),
                last: self.events.get(key).cloned(),
                hosts: self.hosts.of(key),
            };
            (key.to_owned(), report)
        };
        let flags = flags.into_iter().map(report).collect();
        BreakerStatuses { revision: self.published.number, flags, stored: self.unstored.is_empty() }
    }

    fn pages_report(&self, flag: FlagId) -> Option<PagesReport> {
        let (breaker, plan) = self.guards.breaker_of(Source::Pages, flag)?;
        Some(PagesReport { breaker: BreakerReport::new(breaker, plan), networks: self.guards.networks(flag) })
    }
}

impl BreakerReport {
    pub(super) fn new(breaker: &Breaker, plan: &Plan) -> Self {
        let report = breaker.report(plan);
        let statistics = [report.errors.absolute, report.errors.relative, report.slow.absolute, report.slow.relative];
        Self {
            state: breaker.state(),
            mode: breaker.mode(),
            generation: breaker.generation(),
            window: report.window,
            evidence: statistics.into_iter().fold(0.0, f64::max) / report.limit,
        }
    }
}
