//! How flags are used at present: for the dashboard's list.

use std::collections::BTreeMap;

use flcm_flags::breaker::{Mode, Next, State};
use flcm_flags::{Millis, TripState};
use serde::Serialize;
use utoipa::ToSchema;

use super::activity::{ArmCounts, Part};
use super::hosts::Disagreement;
use super::report::BreakerReport;
use super::touched::Touched;
use super::{FlagId, Fleet};

/// A flag is listed if a host has counted it within this time.
const RECENT_MS: u64 = 3_600_000;
const WEEK_MS: u64 = 7 * 24 * RECENT_MS;

/// What is far worse: so many failures at least, and more than so many times as often. Fewer are no alarm.
const MANY_FAILURES: u128 = 20;
const TIMES_AS_OFTEN: u128 = 2;

/// How flags are used at present.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct LiveOverview {
    /// The server's time, in milliseconds since 1970.
    at: u64,
    /// Counts the `live` events of `GET /events`.
    sequence: u64,
    hosts: HostsCount,
    /// Flags that hosts have counted within the hour, and flags that are held back or have another mode than `auto`.
    flags: BTreeMap<String, LiveFlag>,
    /// Flags that no host has counted within 7 days.
    unasked: Vec<String>,
}

/// How many hosts there are, pages left out.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HostsCount {
    /// Those that were seen within the hour.
    total: usize,
    /// Those that use the revision in use. One that names none is not among them.
    in_step: usize,
    /// The revision in use.
    revision: u64,
}

/// What has changed since the event before.
#[derive(Debug, Serialize)]
struct LiveChanges<'f> {
    at: u64,
    sequence: u64,
    flags: BTreeMap<&'f str, LiveFlag>,
}

/// How a flag is used.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LiveFlag {
    /// `closed`, `open` or `half_open`; `null` without a breaker.
    state: Option<&'static str>,
    /// The trip that hosts receive: `clear`, `probing`, `off`, or `capped` and thousandths of a percent.
    trip: String,
    /// The mode that an operator has set: `auto`, `held`, `forced_closed` or `observe`.
    mode: &'static str,
    /// Why it was rolled back, such as `relative`.
    cause: Option<&'static str>,
    /// What the breaker waits for: `nothing`, `probe`, `acknowledge` or `release`.
    next: &'static str,
    /// When it probes, in milliseconds since 1970.
    next_at: Option<u64>,
    /// When the state began, in milliseconds since 1970; 0 where nothing has happened yet.
    since: u64,
    /// Who caused the state: the name of a key, or `breaker`.
    by: Option<String>,
    /// The generation whose outcomes are evidence, for `acknowledge`; 0 without a breaker.
    generation: u32,
    /// The largest statistic, as a share of the rollback limit.
    evidence: f64,
    /// The percentage that had the feature within the hour, of those outcomes that are compared, or else of all
    /// decisions; `null` where there are none.
    served: Option<f64>,
    /// The percentage that the document asks for at present.
    asked: f64,
    /// Outcomes within the hour, for users who had the feature: all, failed, slow, missing.
    #[schema(value_type = Vec<u64>)]
    treatment: ArmCounts,
    /// The same, for users whom the percentage left out.
    #[schema(value_type = Vec<u64>)]
    control: ArmCounts,
    /// Users of today in UTC, or of the day before if these were more, about; `null` where that is not known.
    #[serde(rename = "users24h")]
    users: Option<u64>,
    /// The share of the treatment that failed, in 30 parts of two minutes, the oldest first; `null` without outcomes.
    spark: Vec<Option<f64>>,
    /// Whether nothing would switch it off, no operator has, and it fails far more often than what users have without
    /// it: at least 20 outcomes within the hour, and more than twice as often.
    unprotected: bool,
    /// Hosts that have not received a change yet.
    behind: usize,
    /// Hosts whose own breaker holds the flag back.
    stricter: usize,
    /// When a host counted it last, in milliseconds since 1970; `null` if none has.
    last_asked: Option<u64>,
}

impl Fleet {
    pub(super) fn live_overview(&mut self) -> LiveOverview {
        self.settle();
        let (snapshot, now) = (&self.published.snapshot, self.clock.now());
        let flags = snapshot.flags().filter_map(|id| {
            let key = snapshot.describe(id)?.key();
            self.is_live(key, id, now).then(|| Some((key.to_owned(), self.live_flag(key, id, now)?)))?
        });
        let keys = snapshot.flags().filter_map(|id| Some(snapshot.describe(id)?.key()));
        let unasked = keys.filter(|key| !self.was_counted_within(key, WEEK_MS, now)).map(str::to_owned).collect();
        LiveOverview {
            at: now.0,
            sequence: self.live_sequence,
            hosts: self.count_hosts(),
            flags: flags.collect(),
            unasked,
        }
    }

    /// Announces how flags are used that have been counted or commanded since the last time.
    pub(super) fn announce_live(&mut self, touched: &Touched) {
        if touched.is_empty() {
            return;
        }
        // Counted also while nobody listens: whoever connects again sees that changes were missed.
        self.live_sequence += 1;
        if self.shared.live.receiver_count() == 0 {
            return;
        }
        let (snapshot, now) = (&self.published.snapshot, self.clock.now());
        let flags = touched.flags().filter_map(|id| {
            let key = snapshot.describe(id)?.key();
            Some((key, self.live_flag(key, id, now)?))
        });
        let changes = LiveChanges { at: now.0, sequence: self.live_sequence, flags: flags.collect() };
        let data = serde_json::to_string(&changes).unwrap_or_default();
        self.shared.live.send_replace(crate::serving::event("live", &data));
    }

    /// Announces how many hosts there are, if that has changed.
    pub(super) fn announce_hosts(&self) {
        if self.shared.hosts.receiver_count() == 0 {
            // What was announced last may be old for whoever listens next.
            self.shared.hosts.send_replace(bytes::Bytes::new());
            return;
        }
        let data = serde_json::to_string(&self.count_hosts()).unwrap_or_default();
        let event = crate::serving::event("hosts", &data);
        self.shared.hosts.send_if_modified(|last| {
            let differs = *last != event;
            *last = event;
            differs
        });
    }

    fn count_hosts(&self) -> HostsCount {
        let revision = self.published.number;
        let (total, in_step) = self.shared.inventory.in_step(revision, crate::clock::wall());
        HostsCount { total, in_step, revision }
    }

    fn was_counted_within(&self, key: &str, time: u64, now: Millis) -> bool {
        self.totals.last_counted(key).is_some_and(|at| now.0.saturating_sub(at) < time)
    }

    /// Whether there is anything to say about a flag at present.
    fn is_live(&self, key: &str, flag: FlagId, now: Millis) -> bool {
        let asked = self.was_counted_within(key, RECENT_MS, now);
        let breaker = self.guards.breaker(flag).map(|(breaker, _)| (breaker.state(), breaker.mode()));
        let is_usual = breaker.is_none_or(|breaker| breaker == (State::Closed, Mode::Auto));
        asked || !is_usual || self.guards.trips().state(flag) != TripState::Clear
    }

    pub(super) fn live_flag(&self, key: &str, flag: FlagId, now: Millis) -> Option<LiveFlag> {
        let breaker = self.guards.breaker(flag).map(|(breaker, plan)| BreakerReport::new(breaker, plan));
        let trip = self.guards.trips().state(flag);
        // Without a breaker, an operator holds what is not clear.
        let unguarded = if trip == TripState::Clear { Mode::Auto } else { Mode::Held };
        let last = self.events.get(key).map(|event| (&event.transition, &event.actor));
        let command = self.commands.get(key);
        let hour = self.totals.find(key).and_then(|place| self.activity.of(place));
        let sum = hour.map(|hour| hour.sum(now)).unwrap_or_default();
        let hosts = self.hosts.of(key);
        let count = |kind| hosts.iter().filter(|host| host.disagreement == kind).count();
        Some(LiveFlag {
            state: breaker.map(|breaker| breaker.state.as_str()),
            trip: trip.to_string(),
            mode: breaker.map_or(unguarded, |breaker| breaker.mode).as_str(),
            cause: last.and_then(|(last, _)| last.cause).map(flcm_flags::breaker::Cause::as_str),
            next: last.map_or(Next::Nothing, |(last, _)| last.next).as_str(),
            next_at: last.and_then(|(last, _)| if let Next::Probe(at) = last.next { Some(at.0) } else { None }),
            since: command.map_or_else(|| last.map_or(0, |(last, _)| last.at.0), |command| command.at),
            by: command.map(|command| &command.actor).or(last.map(|(_, actor)| actor)).cloned(),
            generation: breaker.map_or(0, |breaker| breaker.generation),
            evidence: breaker.map_or(0.0, |breaker| breaker.evidence.clamp(0.0, f64::MAX)),
            served: served(&sum),
            asked: f64::from(self.published.snapshot.describe(flag)?.percentage_at(now)) / 1000.0,
            treatment: sum.treatment,
            control: sum.control,
            users: self.series.users(key, now),
            spark: hour.map(|hour| hour.parts(now).map(|part| failed(&part.treatment)).collect()).unwrap_or_default(),
            unprotected: breaker.is_none() && trip == TripState::Clear && is_far_worse(&sum),
            behind: count(Disagreement::Behind),
            stricter: count(Disagreement::Stricter),
            last_asked: self.totals.last_counted(key),
        })
    }
}

/// The percentage that had the feature.
fn served(sum: &Part) -> Option<f64> {
    let compared = sum.treatment[0] + sum.control[0];
    let (had, all) = if compared > 0 { (sum.treatment[0], compared) } else { (sum.on, sum.decisions) };
    share(had, all).map(|share| (share * 100_000.0).round() / 1000.0)
}

/// Whether users of the feature fail far more often than others.
fn is_far_worse(Part { treatment, control, .. }: &Part) -> bool {
    let [[all, failed], [old_all, old_failed]] = [treatment, control].map(|arm| [arm[0], arm[1]].map(u128::from));
    failed >= MANY_FAILURES && old_all > 0 && failed * old_all > TIMES_AS_OFTEN * old_failed * all
}

fn failed(arm: &ArmCounts) -> Option<f64> {
    share(arm[1], arm[0]).map(|share| (share * 10_000.0).round() / 10_000.0)
}

fn share(part: u64, all: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let share = part as f64 / all as f64;
    (all > 0).then_some(share)
}
