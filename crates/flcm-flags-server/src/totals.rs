//! The totals of all hosts: counts of 64 bits, and sketches of users and durations.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use flcm_flags::metrics::batch::{Batch, FlagBatch};
use flcm_flags::{FlagId, Reason};
use serde::{Deserialize, Serialize};

use crate::series::Point;
use crate::sketches::{Sketches, written};

mod customs;
mod tally;

pub(crate) use customs::Customs;
use tally::{Tally, add_sample};

/// The place of a flag among the totals: it stays the same until the server ends, whatever revisions come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Place(pub(crate) usize);

/// The totals of one flag.
#[derive(Debug)]
pub(crate) struct FlagTotals {
    key: String,
    pub(crate) counts: FlagCounts,
    /// Users and durations that are stored.
    stored: Sketches,
    /// Those that came later. Each batch is merged into one sketch, and each checkpoint merges that into the others.
    recent: Option<Box<Sketches>>,
    /// Outcomes that points of series contain already.
    pointed: [[u64; 4]; 3],
    /// Whether there are counts of which no point was made yet.
    is_counted: bool,
    /// Whether they have changed since they were stored.
    is_dirty: bool,
}

/// The counts of one flag.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct FlagCounts {
    /// By variant (`""` for none) and by the reason's code.
    decisions: BTreeMap<String, Tally>,
    /// When a host counted the flag last, in milliseconds since 1970.
    pub(crate) last_counted: u64,
    /// Outcomes by the arm's code: total, errors, slow, missing.
    pub(crate) outcomes: [[u64; 4]; 3],
}

/// What a batch has added to a flag.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Added {
    pub(crate) decisions: u32,
    /// Whether the host has held the flag back.
    pub(crate) held_back: bool,
}

/// The totals of all flags.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    /// None is ever removed.
    flags: Vec<FlagTotals>,
    places: HashMap<String, Place>,
    /// The places of the flags of the revision in use, as far as they were looked for.
    of_revision: Vec<Option<Place>>,
    pub(crate) customs: Customs,
}

/// The stored form of a flag's totals: its counts, and its sketches as a batch.
pub(crate) type Stored = (FlagCounts, Vec<u8>);

impl Totals {
    /// The place of a flag; a new one if it has none, but is known by the revision in use.
    pub(crate) fn place(&mut self, key: &str, flag: Option<FlagId>) -> Option<Place> {
        let Some(flag) = flag else { return self.find(key) };
        if let Some(Some(place)) = self.of_revision.get(flag.0 as usize) {
            return Some(*place);
        }
        let place = self.find(key).unwrap_or_else(|| self.insert(FlagTotals::new(key.to_owned())));
        if self.of_revision.len() <= flag.0 as usize {
            self.of_revision.resize(flag.0 as usize + 1, None);
        }
        self.of_revision[flag.0 as usize] = Some(place);
        Some(place)
    }

    /// Forgets the numbers of flags: those of the next revision are others.
    pub(crate) fn renumber(&mut self) {
        self.of_revision.clear();
    }

    /// The place of a flag of the revision in use, if it was counted since that is in use.
    pub(crate) fn of_flag(&self, flag: FlagId) -> Option<Place> {
        *self.of_revision.get(flag.0 as usize)?
    }

    /// The place of a flag, if it has totals.
    pub(crate) fn find(&self, key: &str) -> Option<Place> {
        self.places.get(key).copied()
    }

    fn insert(&mut self, totals: FlagTotals) -> Place {
        let place = Place(self.flags.len());
        self.places.insert(totals.key.clone(), place);
        self.flags.push(totals);
        place
    }

    pub(crate) fn at(&self, place: Place) -> &FlagTotals {
        &self.flags[place.0]
    }

    pub(crate) fn at_mut(&mut self, place: Place) -> &mut FlagTotals {
        &mut self.flags[place.0]
    }

    /// When a host counted a flag last.
    pub(crate) fn last_counted(&self, flag: &str) -> Option<u64> {
        self.find(flag).map(|place| self.at(place).counts.last_counted)
    }

    /// All flags that have totals, in the order of their keys.
    pub(crate) fn flags(&self) -> BTreeMap<&str, &FlagTotals> {
        self.flags.iter().map(|totals| (totals.key(), totals)).collect()
    }

    /// Flags whose totals have changed since they were stored.
    pub(crate) fn changed(&self) -> impl Iterator<Item = &str> {
        self.to_be_stored().map(FlagTotals::key)
    }

    /// The stored form of totals that have changed.
    pub(crate) fn to_store(&self) -> impl Iterator<Item = (&str, Stored)> {
        self.to_be_stored().map(|totals| (totals.key(), totals.to_store()))
    }

    fn to_be_stored(&self) -> impl Iterator<Item = &FlagTotals> {
        self.flags.iter().filter(|totals| totals.is_dirty)
    }

    /// Notes that all totals are stored.
    pub(crate) fn mark_stored(&mut self) {
        self.flags.iter_mut().filter(|totals| totals.is_dirty).for_each(FlagTotals::mark_stored);
    }

    /// Restores stored totals. Points of them were stored with them.
    pub(crate) fn restore(&mut self, key: String, (counts, sketches): Stored) {
        let mut totals = FlagTotals { counts, stored: Sketches::from_bytes(&sketches), ..FlagTotals::new(key) };
        let _ = totals.take_point();
        self.insert(totals);
    }

    /// The stored form of custom metrics.
    pub(crate) fn stored_customs(&self) -> Vec<u8> {
        written(|writer| self.customs.write(writer))
    }

    pub(crate) fn restore_customs(&mut self, bytes: &[u8]) {
        if let Ok(batch) = Batch::from_own_bytes(bytes) {
            self.customs.add(&batch);
        }
    }
}

impl FlagTotals {
    fn new(key: String) -> Self {
        let (counts, pointed) = (FlagCounts::default(), Default::default());
        Self { key, counts, stored: Sketches::new(), recent: None, pointed, is_counted: false, is_dirty: false }
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Adds the counts of a batch. Decisions for a variant that `is_variant` does not know are counted without a
    /// variant, so that invented names cannot fill the memory.
    pub(crate) fn add(&mut self, flag: &FlagBatch<'_>, is_variant: impl Fn(&str) -> bool) -> Added {
        self.is_dirty = true;
        let added = self.counts.add_tallies(flag, &is_variant);
        let recent = self.recent.get_or_insert_with(|| Box::new(Sketches::new()));
        let mut decisions = u64::from(added.decisions);
        for group in flag.groups() {
            add_sample(&mut self.counts.outcomes[usize::from(group.arm().code())], group.outcomes());
            let variant = group.variant().map_or("", |name| {
                let (known, tally) = self.counts.of(name, &is_variant);
                if !known.is_empty() {
                    tally.add_outcomes(group.outcomes());
                }
                known
            });
            // Users and durations that the batch cannot have counted are left out.
            recent.add(&group, variant, &mut decisions);
        }
        added
    }

    /// Marks that there is something of which a point is to be made; whether it was not marked before.
    pub(crate) const fn mark_counted(&mut self) -> bool {
        !std::mem::replace(&mut self.is_counted, true)
    }

    /// What was counted since the last point: the difference of the totals then and now, so that batches need not be
    /// counted twice.
    pub(crate) fn take_point(&mut self) -> Point {
        self.is_counted = false;
        let mut point = Point::default();
        for (variant, tally) in &mut self.counts.decisions {
            let outcomes = tally.take(|reason, count| point.count(variant, reason, count));
            point.count_outcomes_of(variant, outcomes);
        }
        point.count_outcomes(&self.counts.outcomes, &std::mem::replace(&mut self.pointed, self.counts.outcomes));
        point
    }

    /// Users and durations since the last checkpoint.
    pub(crate) fn recent(&self) -> Option<&Sketches> {
        self.recent.as_deref()
    }

    /// All users and durations.
    pub(crate) fn sketches(&self) -> Cow<'_, Sketches> {
        let Some(recent) = &self.recent else { return Cow::Borrowed(&self.stored) };
        let mut all = self.stored.clone();
        all.merge(recent);
        Cow::Owned(all)
    }

    /// The number of users: no more than decisions.
    pub(crate) fn users(&self, sketches: &Sketches) -> f64 {
        let decisions = self.counts.decisions().fold(0_u64, |sum, (_, _, count)| sum.saturating_add(count));
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let most = decisions as f64;
        sketches.users().estimate().min(most)
    }

    fn to_store(&self) -> Stored {
        (self.counts.clone(), self.sketches().to_bytes(&self.key))
    }

    fn mark_stored(&mut self) {
        self.is_dirty = false;
        if let Some(recent) = self.recent.take() {
            self.stored.merge(&recent);
        }
    }
}

impl FlagCounts {
    /// Decisions by variant and reason.
    pub(crate) fn decisions(&self) -> impl Iterator<Item = (&str, Reason, u64)> {
        self.decisions.iter().flat_map(|(variant, counts)| {
            let known =
                (0..).zip(counts.decisions()).filter_map(|(code, count)| Some((Reason::from_code(code)?, *count)));
            known.filter(|(_, count)| *count > 0).map(move |(reason, count)| (variant.as_str(), reason, count))
        })
    }

    /// Outcomes by variant: total, errors, slow, missing.
    pub(crate) fn outcomes_by_variant(&self) -> impl Iterator<Item = (&str, &[u64; 4])> {
        let variants = self.decisions.iter().filter(|(variant, _)| !variant.is_empty());
        variants.map(|(variant, tally)| (variant.as_str(), tally.outcomes()))
    }

    /// Adds decisions. Tallies of one variant stand together, so each is looked for once.
    fn add_tallies(&mut self, flag: &FlagBatch<'_>, is_variant: impl Fn(&str) -> bool) -> Added {
        let mut tallies = flag.tallies().peekable();
        let mut added = Added::default();
        while let Some(&(variant, ..)) = tallies.peek() {
            let (_, counted) = self.of(variant.unwrap_or_default(), &is_variant);
            while let Some((_, reason, count)) = tallies.next_if(|(name, ..)| *name == variant) {
                counted.add(reason, count);
                added.decisions = added.decisions.saturating_add(count);
                added.held_back |= reason == Reason::BreakerOpen;
            }
        }
        added
    }

    /// The counts of a variant and its name; those without one, and `""`, if it is unknown.
    fn of<'v>(&mut self, variant: &'v str, is_variant: impl Fn(&str) -> bool) -> (&'v str, &mut Tally) {
        if !variant.is_empty() && (self.decisions.contains_key(variant) || is_variant(variant)) {
            if !self.decisions.contains_key(variant) {
                self.decisions.insert(variant.to_owned(), Tally::default());
            }
            return (variant, self.decisions.get_mut(variant).expect("it was inserted"));
        }
        ("", self.decisions.entry(String::new()).or_default())
    }
}

#[cfg(test)]
mod tests {
    use flcm_flags::metrics::batch::Batch;
    use flcm_flags::metrics::{FlagMetrics, Group};
    use flcm_flags::{Arm, FlagId, Reason, Sample};

    use super::{FlagTotals, Point, Totals, written};

    /// The group of the treatment with the first variant.
    const GREEN: usize = 4;

    /// A batch of one flag with decisions for `green`, as many outcomes that took so long, and a user of its own.
    fn batch(count: u32, milliseconds: f64) -> Vec<u8> {
        let groups = [const { Group::new() }; Group::count_for(1)];
        let mut metrics = FlagMetrics::with_groups([0; FlagMetrics::counters_for(1)], groups);
        metrics.tally(FlagMetrics::counters_for(0) + usize::from(Reason::Split.code()), count);
        metrics.see(GREEN, count as usize, 1);
        for _ in 0..count {
            let sample = Sample { total: 1, ..Sample::default() };
            metrics.outcome_of(Arm::Treatment, Some(0), &sample, milliseconds);
        }
        written(|writer| _ = writer.flag("beta", |_| Some("green"), &metrics))
    }

    fn add(totals: &mut FlagTotals, bytes: &[u8]) {
        let batch = Batch::from_bytes(bytes).unwrap();
        batch.flags().for_each(|flag| _ = totals.add(&flag, |_| true));
    }

    fn point(count: u32) -> Point {
        let mut point = Point::default();
        point.count("green", Reason::Split, count.into());
        point.count_outcomes_of("green", [count.into(), 0, 0, 0]);
        let mut outcomes = [[0; 4]; 3];
        outcomes[usize::from(Arm::Treatment.code())][0] = count.into();
        point.count_outcomes(&outcomes, &[[0; 4]; 3]);
        point
    }

    #[test]
    fn a_point_is_what_came_since_the_last_one() {
        let mut totals = Totals::default();
        let place = totals.place("beta", Some(FlagId(3))).unwrap();
        assert_eq!((totals.place("beta", None), totals.of_flag(FlagId(3))), (Some(place), Some(place)));
        let beta = totals.at_mut(place);
        assert!(beta.mark_counted() && !beta.mark_counted());
        add(beta, &batch(5, 10.0));
        add(beta, &batch(7, 10.0));
        assert_eq!(beta.take_point(), point(12));
        assert!(beta.mark_counted(), "there can be another one");
        add(beta, &batch(1, 10.0));
        assert_eq!((beta.take_point(), beta.take_point()), (point(1), Point::default()));
        // What is stored is in points already.
        add(beta, &batch(2, 10.0));
        let stored = beta.to_store();
        let mut restored = Totals::default();
        restored.restore("beta".to_owned(), stored);
        let beta = restored.at_mut(restored.find("beta").unwrap());
        assert_eq!(beta.take_point(), Point::default());
        assert_eq!(beta.counts.decisions().collect::<Vec<_>>(), [("green", Reason::Split, 15)]);
    }

    #[test]
    fn users_and_durations_since_the_checkpoint_are_known_apart() {
        let mut beta = FlagTotals::new("beta".to_owned());
        add(&mut beta, &batch(5, 10.0));
        beta.mark_stored();
        assert!(beta.recent().is_none());
        add(&mut beta, &batch(7, 99.0));
        let (recent, all) = (beta.recent().unwrap(), beta.sketches());
        assert_eq!((recent.durations().count(), recent.durations().min()), (7, 99.0));
        assert_eq!((all.durations().count(), all.durations().min(), all.durations().max()), (12, 10.0, 99.0));
        assert_eq!((recent.users().estimate().round(), all.users().estimate().round()), (1.0, 2.0));
        let stored = beta.to_store();
        let mut restored = Totals::default();
        restored.restore("beta".to_owned(), stored);
        let beta = restored.at(restored.find("beta").unwrap());
        let all = beta.sketches();
        assert_eq!((all.durations().count(), beta.users(&all).round()), (12, 2.0));
        let (green, treatment, control) =
            (all.of_variant("green"), all.of_arm(Arm::Treatment), all.of_arm(Arm::Control));
        assert_eq!((green.durations().count(), green.users().estimate().round()), (12, 2.0));
        assert!(treatment == green && control.is_empty() && all.variants().eq(["green"]));
    }
}
