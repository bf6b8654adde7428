//! Series on their way into the database, the last ten minutes by the second, and incidents.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use flcm_flags::{FlagId, Millis};

use super::Fleet;
use super::touched::Touched;
use crate::event;
use crate::series::{EvidenceGauge, Gauge, Point, SeriesAnswer, TIERS};
use crate::store::{CountedSeries, StoredIncident};
use crate::totals::{Place, Totals};
use crate::transition::FleetTransition;

/// Seconds are kept for so long, of at most so many flags.
const SECONDS: u64 = 600;
const FLAGS: usize = 1000;

/// An incident has the seconds from before a transition to after it.
const BEFORE: u64 = 120;
const AFTER: u64 = 60;

/// At most so many incidents are waited for at a time; further ones are not kept.
const INCIDENTS: usize = 1000;

/// At most so many steps of a flag wait for the database; then the oldest are one.
const STEPS: usize = 360;

#[derive(Debug, Default)]
pub(super) struct Series {
    /// By place.
    flags: Vec<FlagSeries>,
    /// How many of them have seconds.
    with_seconds: usize,
    /// Flags that were counted, and of which no points were made yet; and when that was.
    counted: Vec<Place>,
    counted_at: Millis,
    incidents: Vec<OpenIncident>,
    /// Users of today and of the day before, by flag, about; and which day that is.
    users: HashMap<String, (u64, [u64; 2])>,
}

#[derive(Debug, Default)]
struct FlagSeries {
    /// What the next checkpoint stores.
    steps: BTreeMap<u64, Point>,
    /// The last seconds in which it was counted.
    seconds: VecDeque<(u64, Point)>,
}

#[derive(Debug)]
struct OpenIncident {
    incident: StoredIncident,
    is_stored: bool,
}

impl Series {
    /// Marks that a flag was counted.
    pub(super) fn mark(&mut self, place: Place, now: Millis) {
        self.counted.push(place);
        self.counted_at = now;
    }

    fn note(&mut self, Place(place): Place, point: Point, at: Millis) {
        if self.flags.len() <= place {
            self.flags.resize_with(place + 1, FlagSeries::default);
        }
        let flag = &mut self.flags[place];
        flag.add_to_step(at.0 / 1000 / TIERS[0].step, &point);
        if flag.seconds.is_empty() {
            if self.with_seconds >= FLAGS {
                return;
            }
            self.with_seconds += 1;
        }
        match flag.seconds.back_mut() {
            Some((last, sum)) if *last == at.0 / 1000 => sum.add(&point),
            _ => flag.seconds.push_back((at.0 / 1000, point)),
        }
    }

    /// Forgets seconds that are over.
    fn forget(&mut self, second: u64) {
        for seconds in self.flags.iter_mut().map(|flag| &mut flag.seconds).filter(|seconds| !seconds.is_empty()) {
            while seconds.front().is_some_and(|(first, _)| first + SECONDS < second) {
                seconds.pop_front();
            }
            self.with_seconds -= usize::from(seconds.is_empty());
        }
    }

    /// The seconds of a flag within these.
    fn seconds(&self, Place(place): Place, seconds: std::ops::RangeInclusive<u64>) -> Vec<(u64, Point)> {
        let kept = self.flags.get(place).into_iter().flat_map(|flag| &flag.seconds);
        kept.filter(|(second, _)| seconds.contains(second)).cloned().collect()
    }

    /// What the next checkpoint stores. `gauge` says how a flag is now.
    pub(super) fn unstored<'a>(
        &'a mut self,
        totals: &'a Totals,
        now: Millis,
        gauge: impl Fn(&str) -> Option<Gauge>,
    ) -> Vec<CountedSeries<'a>> {
        let day = now.0 / 86_400_000;
        let waiting = (0..).map(Place).zip(&mut self.flags).filter(|(_, flag)| !flag.steps.is_empty());
        let counted = waiting.filter_map(|(place, FlagSeries { steps, .. })| {
            let (flag, sketches) = (totals.at(place).key(), totals.at(place).recent()?);
            let mut last = steps.last_entry()?;
            last.get_mut().gauge = gauge(flag).unwrap_or_default();
            last.get_mut().measure(sketches);
            let points = steps.iter().map(|(step, point)| (*step, point.clone())).collect();
            Some(CountedSeries { flag, points, day, sketches })
        });
        counted.collect()
    }

    pub(super) fn mark_stored(&mut self, now: Millis, users: Vec<(String, u64)>) {
        self.flags.iter_mut().for_each(|flag| flag.steps.clear());
        let today = now.0 / 86_400_000;
        for (flag, count) in users {
            self.set_users(flag, today, count);
        }
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

impl FlagSeries {
    fn add_to_step(&mut self, step: u64, point: &Point) {
        self.steps.entry(step).or_default().add(point);
        if self.steps.len() > STEPS
            && let Some((_, oldest)) = self.steps.pop_first()
            && let Some(mut next) = self.steps.first_entry()
        {
            let mut sum = oldest;
            sum.add(next.get());
            next.insert(sum);
        }
    }
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

    /// Makes points of what was counted in another second.
    pub(super) fn settle_before(&mut self, now: Millis) {
        if self.series.counted_at.0 / 1000 != now.0 / 1000 {
            self.settle();
        }
    }

    /// Makes points of what was counted since the last time.
    pub(super) fn settle(&mut self) {
        let (mut counted, at) = (std::mem::take(&mut self.series.counted), self.series.counted_at);
        for place in counted.drain(..) {
            let mut point = self.totals.at_mut(place).take_point();
            point.gauge = self.gauge(self.totals.at(place).key()).unwrap_or_default();
            self.activity.note(place, &point, at);
            self.series.note(place, point, at);
        }
        self.series.counted = counted;
    }

    /// Completes the last second of flags that were counted in it, and sends it to pages that watch them.
    pub(super) fn complete_second(&mut self, touched: &Touched) {
        self.settle();
        let second = self.clock.now().0 / 1000;
        self.series.forget(second);
        let published = Arc::clone(&self.published);
        for id in touched.flags() {
            let Some(flag) = published.snapshot.describe(id) else { continue };
            let Some(Place(place)) = self.totals.of_flag(id) else { continue };
            let gauge = self.gauge_of(id);
            let seconds = self.series.flags.get_mut(place).map(|flag| &mut flag.seconds);
            let Some((at, point)) = seconds.and_then(VecDeque::back_mut).filter(|(at, _)| *at + 1 >= second) else {
                continue;
            };
            point.gauge = gauge;
            if self.shared.watched.has(flag.key()) {
                let answer = SeriesAnswer::new(flag.key().to_owned(), 1, &[(*at, point.clone())], Vec::new());
                let data = serde_json::to_string(&answer).unwrap_or_default();
                self.shared.watched.send(flag.key(), crate::serving::event("point", &data));
            }
        }
    }

    /// The last seconds of a flag.
    pub(super) fn seconds(&mut self, flag: &str, from: u64, to: u64) -> Vec<(u64, Point)> {
        self.settle();
        self.totals.find(flag).map(|place| self.series.seconds(place, from..=to)).unwrap_or_default()
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
        let is_over = |open: &OpenIncident| is_last || now > open.incident.at / 1000 + AFTER;
        let all = std::mem::take(&mut self.series.incidents).into_iter();
        let (mut due, waiting): (Vec<_>, Vec<_>) = all.partition(|open| !open.is_stored || is_over(open));
        self.series.incidents = waiting;
        if due.is_empty() {
            return;
        }
        for OpenIncident { incident, .. } in &mut due {
            let at = incident.at / 1000;
            incident.points = self.seconds(&incident.flag, at.saturating_sub(BEFORE), at + AFTER);
        }
        // One commit, however many flags are rolled back at once: batches and holds wait for it.
        let stored = self.store.put_incidents(due.iter().map(|open| &open.incident));
        if let Err(error) = &stored {
            self.log_store_failure("incidents could not be stored; trying again", error);
        }
        for mut open in due {
            open.is_stored = stored.is_ok();
            if !(is_over(&open) && open.is_stored) && now < open.incident.at / 1000 + SECONDS {
                self.series.incidents.push(open);
            }
        }
    }
}
