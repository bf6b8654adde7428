//! Series on their way into the database, the last ten minutes by the second, and incidents.

use std::collections::{BTreeMap, HashMap, VecDeque};

use flcm_flags::metrics::batch::FlagBatch;
use flcm_flags::metrics::{Durations, FlagMetrics};
use flcm_flags::{FlagId, Millis};

use super::Fleet;
use super::touched::Touched;
use crate::event;
use crate::series::{EvidenceGauge, Gauge, Point, SeriesAnswer, TIERS};
use crate::store::{CountedSeries, StoredIncident};
use crate::transition::FleetTransition;

/// Seconds are kept for so long, of at most so many flags.
const SECONDS: u64 = 600;
const FLAGS: usize = 1000;

/// An incident has the seconds from before a transition to after it.
const BEFORE: u64 = 120;
const AFTER: u64 = 60;

/// At most so many incidents are waited for at a time; further ones have what is known when they happen.
const INCIDENTS: usize = 1000;

/// At most so many steps of a flag wait for the database; then the oldest are one.
const STEPS: usize = 360;

/// At most so many flags have their users and durations counted between two checkpoints.
const SKETCHES: usize = 10_000;

type Sketches = FlagMetrics<[u32; FlagMetrics::counters_for(0)]>;

#[derive(Debug, Default)]
pub(super) struct Series {
    /// What the next checkpoint stores. At most the flags of the document.
    pending: HashMap<String, Pending>,
    /// The last seconds in which each flag was counted.
    seconds: HashMap<String, VecDeque<(u64, Point)>>,
    incidents: Vec<OpenIncident>,
    /// Users of today and of the day before, by flag, about; and which day that is.
    users: HashMap<String, (u64, [u64; 2])>,
}

#[derive(Debug)]
struct Pending {
    steps: BTreeMap<u64, Point>,
    sketches: Box<Sketches>,
}

#[derive(Debug)]
struct OpenIncident {
    incident: StoredIncident,
    is_stored: bool,
}

impl Default for Pending {
    fn default() -> Self {
        Self { steps: BTreeMap::new(), sketches: Box::new(FlagMetrics::new([0; FlagMetrics::counters_for(0)])) }
    }
}

impl Series {
    pub(super) fn note(&mut self, flag: &str, counted: &FlagBatch<'_>, point: Point, now: Millis) {
        let second = now.0 / 1000;
        let is_full = self.pending.len() >= SKETCHES;
        let pending = slot(&mut self.pending, flag);
        pending.steps.entry(second / TIERS[0].step).or_default().add(&point);
        if pending.steps.len() > STEPS
            && let Some((_, oldest)) = pending.steps.pop_first()
            && let Some(mut next) = pending.steps.first_entry()
        {
            let mut sum = oldest;
            sum.add(next.get());
            next.insert(sum);
        }
        if !is_full {
            let _ = counted.merge_likely_sketches_into(&mut *pending.sketches);
        }
        if self.seconds.len() < FLAGS || self.seconds.contains_key(flag) {
            let seconds = slot(&mut self.seconds, flag);
            match seconds.back_mut() {
                Some((last, sum)) if *last == second => sum.add(&point),
                _ => seconds.push_back((second, point)),
            }
        }
    }

    /// Forgets seconds that are over.
    fn forget(&mut self, second: u64) {
        self.seconds.retain(|_, seconds| {
            while seconds.front().is_some_and(|(first, _)| first + SECONDS < second) {
                seconds.pop_front();
            }
            !seconds.is_empty()
        });
    }

    /// The seconds of a flag within these.
    fn seconds(&self, flag: &str, seconds: std::ops::RangeInclusive<u64>) -> Vec<(u64, Point)> {
        let kept = self.seconds.get(flag).into_iter().flatten();
        kept.filter(|(second, _)| seconds.contains(second)).cloned().collect()
    }

    /// What the next checkpoint stores. `gauge` says how a flag is now.
    pub(super) fn to_store(&mut self, now: Millis, gauge: impl Fn(&str) -> Option<Gauge>) -> Vec<CountedSeries<'_>> {
        let day = now.0 / 86_400_000;
        for (flag, Pending { steps, sketches }) in &mut self.pending {
            let Some(mut last) = steps.last_entry() else { continue };
            last.get_mut().gauge = gauge(flag).unwrap_or_default();
            let values = sketches.durations();
            last.get_mut().durations = (!values.is_empty()).then(|| quantiles(&Durations::new(values)));
        }
        let counted = self.pending.iter().map(|(flag, Pending { steps, sketches })| CountedSeries {
            flag,
            points: steps.iter().map(|(step, point)| (*step, point.clone())).collect(),
            day,
            sketches,
        });
        counted.collect()
    }

    pub(super) fn mark_stored(&mut self, now: Millis, users: Vec<(String, u64)>) {
        self.pending.clear();
        let today = now.0 / 86_400_000;
        users.into_iter().for_each(|(flag, count)| self.set_users(flag, today, count));
    }

    /// Notes how many users a flag has had on a day, about.
    pub(super) fn set_users(&mut self, flag: String, day: u64, count: u64) {
        let (known, counts) = self.users.entry(flag).or_insert((day, [0, 0]));
        if day > *known {
            let yesterday = if day == *known + 1 { counts[0] } else { 0 };
            (*known, *counts) = (day, [0, yesterday]);
        }
        counts[usize::from(day < *known)] = count;
    }

    /// The users of today or of the day before, whichever are more.
    pub(super) fn users(&self, flag: &str, now: Millis) -> Option<u64> {
        let today = now.0 / 86_400_000;
        let (day, [last, before]) = self.users.get(flag)?;
        match today.checked_sub(*day)? {
            0 => Some(*last.max(before)),
            1 => Some(*last),
            _ => None,
        }
    }
}

/// The value of a key. Most keys have one: then the key need not be copied.
fn slot<'m, T: Default>(map: &'m mut HashMap<String, T>, key: &str) -> &'m mut T {
    if !map.contains_key(key) {
        map.insert(key.to_owned(), T::default());
    }
    map.get_mut(key).expect("it was inserted")
}

fn quantiles(durations: &Durations) -> [f32; 2] {
    #[expect(clippy::cast_possible_truncation, reason = "a figure for people")]
    [durations.p50 as f32, durations.p95 as f32]
}

impl Fleet {
    /// How a flag is now.
    pub(super) fn gauge(&self, key: &str) -> Option<Gauge> {
        let flag = self.published.snapshot.flag(key)?;
        Some(self.gauge_of(flag))
    }

    fn gauge_of(&self, flag: FlagId) -> Gauge {
        let evidence = self.guards.breaker(flag).map(|(breaker, plan)| {
            let report = breaker.report(plan);
            let statistics =
                [report.errors.absolute, report.errors.relative, report.slow.absolute, report.slow.relative];
            #[expect(clippy::cast_possible_truncation, reason = "a figure for people")]
            let narrow = |number: f64| (number as f32).clamp(f32::MIN, f32::MAX);
            EvidenceGauge { statistics: statistics.map(narrow), limit: narrow(report.limit) }
        });
        let percent = self.published.snapshot.describe(flag).map_or(0, |flag| flag.percentage_at(self.clock.now()));
        Gauge { evidence, percent, trip: self.guards.trips().state(flag) }
    }

    /// Completes the last second of flags that were counted in it, and sends it to pages that watch them.
    pub(super) fn complete_second(&mut self, touched: &Touched) {
        let second = self.clock.now().0 / 1000;
        self.series.forget(second);
        let published = std::sync::Arc::clone(&self.published);
        for id in touched.flags() {
            let Some(flag) = published.snapshot.describe(id) else { continue };
            let gauge = self.gauge_of(id);
            let Some((at, point)) = self.series.seconds.get_mut(flag.key()).and_then(VecDeque::back_mut) else {
                continue;
            };
            if *at + 1 < second {
                continue;
            }
            point.gauge = gauge;
            if self.shared.watched.has(flag.key()) {
                let answer = SeriesAnswer::new(flag.key().to_owned(), 1, &[(*at, point.clone())], Vec::new());
                let data = serde_json::to_string(&answer).unwrap_or_default();
                self.shared.watched.send(flag.key(), crate::serving::event("point", &data));
            }
        }
    }

    /// The last seconds of a flag.
    pub(super) fn seconds(&self, flag: &str, from: u64, to: u64) -> Vec<(u64, Point)> {
        self.series.seconds(flag, from..=to)
    }

    /// Begins an incident if a breaker has changed its state.
    pub(super) fn begin_incident(&mut self, happened: &FleetTransition) {
        let transition = &happened.transition;
        if transition.from == transition.to || self.series.incidents.len() >= INCIDENTS {
            return;
        }
        let Ok(event) = event::to_json(happened) else { return };
        let incident = StoredIncident {
            id: happened.id(),
            flag: happened.flag.clone(),
            at: transition.at.0,
            event,
            points: Vec::new(),
        };
        self.series.incidents.push(OpenIncident { incident, is_stored: false });
    }

    /// Stores incidents: at once, and again when they are over. One that cannot be stored is tried again.
    pub(super) fn store_incidents(&mut self, is_last: bool) {
        let now = self.clock.now().0 / 1000;
        for mut open in std::mem::take(&mut self.series.incidents) {
            let at = open.incident.at / 1000;
            let is_over = is_last || now > at + AFTER;
            if open.is_stored && !is_over {
                self.series.incidents.push(open);
                continue;
            }
            open.incident.points = self.series.seconds(&open.incident.flag, at.saturating_sub(BEFORE)..=at + AFTER);
            open.is_stored = self.store.put_incident(&open.incident).is_ok();
            if !(is_over && open.is_stored) && now < at + SECONDS {
                self.series.incidents.push(open);
            }
        }
    }
}
