//! Metrics in fixed memory: decisions, users, outcomes and durations.
//!
//! 1. [`FlagMetrics`] counts for one flag. [`Custom`] counts under names of the application.
//! 2. [`Group`] is what is counted of the users of one arm and variant. [`Distinct`] (how many users) and [`Histogram`]
//!    (how long) are the sketches inside it.
//! 3. [`Summary`] is a flag's metrics in the few numbers that people read.
//! 4. [`batch`] carries metrics to a server, which adds every count up once.
//!
//! **Everything merges in any order and grouping to the same bits.** Counts and sums are integers, sketches are maxima
//! and integers. So it makes no difference which host counted what, or in which order batches arrive. Floats would add
//! up to slightly different sums each time.
//!
//! **Memory is bounded.** Counting allocates nothing by itself and cannot fail. A flag takes 44 bytes per variant and
//! about 4 KiB for each group that there is memory for (see [`Groups`]), however many users it has. Counts stop at the
//! largest number that they hold, and never wrap.
//!
//! **Evidence is a part of the outcomes.** All outcomes count for people. As evidence for a breaker, a user counts at
//! most once in a while (see [`Units`](crate::breaker::Units)), and only when they are in one of the two arms.

use crate::context::BoundContext;
use crate::counts::{Counts, Sample};
use crate::decision::{Arm, PackedDecision, Reason};

pub mod batch;
mod custom;
mod distinct;
mod group;
mod histogram;
mod summary;

pub use custom::{Custom, CustomValue};
pub use distinct::Distinct;
pub use group::{Arms, Group, Groups};
pub use histogram::Histogram;
pub use summary::{Durations, Summary};

/// Outcomes of a flag by arm.
///
/// ```
/// use flcm_flags::metrics::Outcomes;
/// use flcm_flags::{Arm, Sample};
///
/// let mut outcomes = Outcomes { control: Sample { total: 3, ..Sample::default() }, ..Outcomes::default() };
/// outcomes.add(&outcomes.clone());
/// assert_eq!(outcomes.of(Arm::Control).total, 6);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Outcomes {
    /// Users who were served the feature by a percentage.
    pub treatment: Sample,
    /// Users who were eligible, and left out by the percentage alone.
    pub control: Sample,
    /// All other users, such as those with an override.
    pub outside: Sample,
}

impl Outcomes {
    /// The outcomes of one arm.
    #[must_use]
    pub const fn of(&self, arm: Arm) -> &Sample {
        match arm {
            Arm::Control => &self.control,
            Arm::Outside => &self.outside,
            Arm::Treatment => &self.treatment,
        }
    }

    pub(crate) const fn of_mut(&mut self, arm: Arm) -> &mut Sample {
        match arm {
            Arm::Control => &mut self.control,
            Arm::Outside => &mut self.outside,
            Arm::Treatment => &mut self.treatment,
        }
    }

    /// Adds the outcomes of another host. Counts stop at the largest number.
    pub const fn add(&mut self, other: &Self) {
        self.treatment.add(&other.treatment);
        self.control.add(&other.control);
        self.outside.add(&other.outside);
    }
}

/// The metrics of one flag, over counters that the caller provides.
///
/// The number of counters depends on the flag's variants: see [`counters_for`](FlagMetrics::counters_for). An array
/// will do when it is known, otherwise a `Vec<u32>` or a slice. Likewise the [`Groups`]: without others, they are by
/// arm alone.
///
/// ```
/// use flcm_flags::metrics::FlagMetrics;
/// use flcm_flags::{Arm, Context, Millis, Reason, Sample, Snapshot, Trips, evaluate};
///
/// let text = "flags: { beta: { rollout: { percentage: 0 }, overrides: { alice: true } } }";
/// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
/// let snapshot = Snapshot::from_bytes(bytes)?;
/// let flag = snapshot.flag("beta").unwrap();
/// let alice = Context::new(Some("alice"), &[]).bind(&snapshot);
///
/// let mut metrics = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
/// let decision = evaluate(&snapshot, &Trips::NONE, flag, &alice, Millis(0));
/// metrics.decision(decision.packed(), &alice);
/// let failure = Sample { total: 1, errors: 1, ..Sample::default() };
/// metrics.outcome(decision.arm(), &failure, 12.5);
///
/// assert_eq!(metrics.count(None, Reason::Override), 1);
/// assert_eq!(metrics.outcomes().of(Arm::Outside), &failure);
/// assert_eq!(metrics.users().estimate().round(), 1.0);
/// # Ok::<(), flcm_flags::SnapshotError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FlagMetrics<C = [u32; Reason::COUNT], G = Arms> {
    /// By variant (none first, then in their order) and within it by the reason's code.
    counters: C,
    /// Evidence that was not sent to the fleet's breaker yet.
    evidence: Counts,
    groups: G,
}

impl FlagMetrics {
    /// How many counters a flag with so many variants needs: one per reason for each variant, and for no variant.
    ///
    /// ```
    /// use flcm_flags::{Reason, metrics::FlagMetrics};
    /// assert_eq!(FlagMetrics::counters_for(0), Reason::COUNT);
    /// assert_eq!(FlagMetrics::counters_for(2), 3 * Reason::COUNT);
    /// ```
    #[must_use]
    pub const fn counters_for(variants: usize) -> usize {
        variants.saturating_add(1).saturating_mul(Reason::COUNT)
    }

    /// The index of the counter that counts such a decision.
    ///
    /// For a host that counts in memory of its own, such as atomics, and adds the counts later with
    /// [`tally`](FlagMetrics::tally).
    #[inline]
    #[must_use]
    pub fn counter_of(packed: PackedDecision) -> usize {
        counter_index(packed.variant(), packed.reason())
    }
}

impl<C: AsRef<[u32]> + AsMut<[u32]>> FlagMetrics<C> {
    /// Empty metrics over counters, which are set to zero, with groups by arm alone.
    ///
    /// With fewer counters than [`counters_for`](FlagMetrics::counters_for) the flag's variants, a decision for a
    /// variant that has no counter is counted as one without a variant. Without any counters, decisions are not
    /// counted.
    #[must_use]
    pub fn new(counters: C) -> Self {
        Self::with_groups(counters, [const { Group::new() }; 3])
    }
}

impl<C: AsRef<[u32]> + AsMut<[u32]>, G: Groups> FlagMetrics<C, G> {
    /// Like [`new`](FlagMetrics::new), with empty groups for variants too: see [`Group::count_for`].
    ///
    /// Users of a variant that has no group are counted in their arm without a variant.
    ///
    /// ```
    /// use flcm_flags::metrics::{FlagMetrics, Group};
    /// use flcm_flags::{Arm, Sample};
    ///
    /// let groups = [const { Group::new() }; Group::count_for(1)];
    /// let mut metrics = FlagMetrics::with_groups([0; FlagMetrics::counters_for(1)], groups);
    /// for variant in [Some(0), Some(1), None] {
    ///     metrics.outcome_of(Arm::Treatment, variant, &Sample { total: 1, ..Sample::default() }, f64::NAN);
    /// }
    /// let totals = metrics.groups().map(|(_, variant, group)| (variant, group.outcomes().total));
    /// assert_eq!(totals.collect::<Vec<_>>(), [(None, 2), (Some(0), 1)]);
    /// assert_eq!(metrics.outcomes().treatment.total, 3);
    /// ```
    #[must_use]
    pub fn with_groups(mut counters: C, groups: G) -> Self {
        counters.as_mut().fill(0);
        Self { counters, evidence: Counts::default(), groups }
    }

    /// Counts one decision, and its user where the context has a targeting key.
    #[inline]
    pub fn decision(&mut self, packed: PackedDecision, context: &BoundContext<'_>) {
        self.decisions(packed, context, 1);
    }

    /// Like [`decision`](Self::decision), for a decision that was made `times` times for the same user.
    #[inline]
    pub fn decisions(&mut self, packed: PackedDecision, context: &BoundContext<'_>, times: u32) {
        self.decisions_for(packed, context.user_digest(), times);
    }

    /// Like [`decisions`](Self::decisions), for a user by their [digest](BoundContext::user_digest).
    #[inline]
    pub fn decisions_for(&mut self, packed: PackedDecision, user: Option<u64>, times: u32) {
        self.tally(FlagMetrics::counter_of(packed), times);
        if let Some(digest) = user
            && let Some(group) = self.group_mut(Group::of(packed))
        {
            group.users.insert(digest);
        }
    }

    /// Counts users of a group, by its index, that the host has kept by register and rank: see [`Group::of`] and
    /// [`Distinct::register_and_rank`].
    pub fn see(&mut self, group: usize, register: usize, rank: u8) {
        if let Some(group) = self.group_mut(group) {
            group.users.raise(register, rank);
        }
    }

    /// Counts outcomes of the feature without a variant, and a duration in milliseconds.
    ///
    /// A duration that is negative or not finite is left out; pass `f64::NAN` when none was measured. Outcomes are no
    /// evidence by themselves: see [`add_evidence`](Self::add_evidence).
    #[inline]
    pub fn outcome(&mut self, arm: Arm, sample: &Sample, duration: f64) {
        self.outcome_of(arm, None, sample, duration);
    }

    /// Like [`outcome`](Self::outcome), for the variant with this index within the flag.
    #[inline]
    pub fn outcome_of(&mut self, arm: Arm, variant: Option<u16>, sample: &Sample, duration: f64) {
        self.add_outcomes(arm, variant, sample, duration, 1);
    }

    /// Like [`outcome_of`](Self::outcome_of), for outcomes that took this long each.
    pub fn outcomes_of(&mut self, arm: Arm, variant: Option<u16>, sample: &Sample, duration: f64) {
        self.add_outcomes(arm, variant, sample, duration, sample.total);
    }

    #[inline]
    fn add_outcomes(&mut self, arm: Arm, variant: Option<u16>, sample: &Sample, duration: f64, times: u32) {
        if let Some(group) = self.group_mut(Group::index(arm, variant)) {
            group.outcomes.add(sample);
            group.durations.record_times(duration, times);
        }
    }

    /// Counts outcomes as evidence for the fleet's breaker.
    ///
    /// Count a user at most once a minute, with [`Units`](crate::breaker::Units), so that a retry loop is one failure.
    /// Outcomes of [`Arm::Outside`] are ignored.
    #[inline]
    pub fn add_evidence(&mut self, arm: Arm, sample: &Sample) {
        match arm {
            Arm::Control => self.evidence.control.add(sample),
            Arm::Outside => {}
            Arm::Treatment => self.evidence.treatment.add(sample),
        }
    }

    /// Sets the generation of the breaker under which the flag is decided from now on.
    ///
    /// Evidence of another generation is dropped: the breaker would not accept it. Outcomes, decisions and users stay.
    pub fn set_generation(&mut self, generation: u32) {
        if generation != self.evidence.generation {
            self.evidence = Counts { generation, ..Counts::default() };
        }
    }

    /// Removes everything that was counted. The generation stays.
    pub fn clear(&mut self) {
        self.counters.as_mut().fill(0);
        self.evidence = Counts { generation: self.evidence.generation, ..Counts::default() };
        for index in 0..self.groups.count() {
            if self.groups.get(index).is_some()
                && let Some(group) = self.groups.get_mut(index)
            {
                group.clear();
            }
        }
    }

    /// Adds what another host has counted for the same flag.
    ///
    /// Evidence of an older generation than the latest of the two is dropped. Both must number the flag's variants
    /// alike; [`FlagBatch::merge_into`](batch::FlagBatch::merge_into) merges by name instead.
    ///
    /// ```
    /// use flcm_flags::{Reason, metrics::FlagMetrics};
    ///
    /// let [mut here, mut there] = [0, 0].map(|_| FlagMetrics::new([0; FlagMetrics::counters_for(1)]));
    /// there.tally(0, 5);
    /// here.merge(&there);
    /// assert_eq!((here.summary().decisions, here.count(None, Reason::BreakerOpen)), (5, 5));
    /// ```
    pub fn merge<D: AsRef<[u32]>, H: Groups>(&mut self, other: &FlagMetrics<D, H>) {
        self.merge_by(other, Some);
    }

    /// Like [`merge`](Self::merge), for a flag that numbers its variants otherwise: `index` answers the number here of
    /// a variant there. What belongs to a variant that is not here is counted without one.
    ///
    /// ```
    /// use flcm_flags::metrics::{FlagMetrics, Group};
    /// use flcm_flags::{Arm, Reason, Sample};
    ///
    /// let [mut here, mut there] = [0, 0].map(|_| {
    ///     let groups = [const { Group::new() }; Group::count_for(2)];
    ///     FlagMetrics::with_groups([0; FlagMetrics::counters_for(2)], groups)
    /// });
    /// for variant in [0, 1, 1] {
    ///     there.outcome_of(Arm::Treatment, Some(variant), &Sample { total: 1, ..Sample::default() }, f64::NAN);
    ///     there.tally((usize::from(variant) + 1) * Reason::COUNT, 1);
    /// }
    /// here.merge_by(&there, |variant| (variant == 1).then_some(0));
    /// let reason = Reason::from_code(0).unwrap();
    /// assert_eq!([Some(0), Some(1), None].map(|variant| here.count(variant, reason)), [2, 0, 1]);
    /// let totals = here.groups().map(|(_, variant, group)| (variant, group.outcomes().total));
    /// assert_eq!(totals.collect::<Vec<_>>(), [(None, 1), (Some(0), 2)]);
    /// ```
    pub fn merge_by<D: AsRef<[u32]>, H: Groups>(
        &mut self,
        other: &FlagMetrics<D, H>,
        index: impl Fn(u16) -> Option<u16>,
    ) {
        for (variant, reason, count) in other.tallies() {
            self.tally(counter_index(variant.and_then(&index), reason), count);
        }
        self.add_evidence_of(&other.evidence);
        for (arm, variant, group) in other.groups() {
            if let Some(own) = self.group_of(arm, variant.and_then(&index)) {
                own.merge(group);
            }
        }
    }

    /// Adds to the counter of an index from [`counter_of`](FlagMetrics::counter_of).
    ///
    /// An index beyond the counters counts for the same reason without a variant.
    #[inline]
    pub fn tally(&mut self, index: usize, count: u32) {
        if let Some(counter) = self.counters.as_mut().get_mut(index) {
            *counter = counter.saturating_add(count);
        } else {
            self.tally_without_variant(index % Reason::COUNT, count);
        }
    }

    /// Counts decisions without their variant, because there is no counter for it.
    #[cold]
    fn tally_without_variant(&mut self, index: usize, count: u32) {
        if let Some(counter) = self.counters.as_mut().get_mut(index) {
            *counter = counter.saturating_add(count);
        }
    }

    /// The group of an arm and of the variant with this index, to add to; without one of its own, that of the arm
    /// alone.
    pub fn group_of(&mut self, arm: Arm, variant: Option<u16>) -> Option<&mut Group> {
        self.group_mut(Group::index(arm, variant))
    }

    #[inline]
    fn group_mut(&mut self, index: usize) -> Option<&mut Group> {
        let index = if index < self.groups.count() { index } else { group::without_variant(index) };
        self.groups.get_mut(index)
    }

    fn add_evidence_of(&mut self, evidence: &Counts) {
        if evidence.generation > self.evidence.generation {
            self.set_generation(evidence.generation);
        }
        if evidence.generation == self.evidence.generation {
            self.evidence.treatment.add(&evidence.treatment);
            self.evidence.control.add(&evidence.control);
        }
    }
}

impl<C: AsRef<[u32]>, G: Groups> FlagMetrics<C, G> {
    /// Whether nothing was counted. The generation does not matter.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let evidence = [self.evidence.treatment, self.evidence.control];
        self.counters.as_ref().iter().all(|count| *count == 0)
            && evidence == [Sample::default(); 2]
            && self.groups().next().is_none()
    }

    /// The number of decisions for a variant, by its index within the flag, and a reason. `None` counts those without
    /// one.
    #[must_use]
    pub fn count(&self, variant: Option<u16>, reason: Reason) -> u32 {
        self.counters.as_ref().get(counter_index(variant, reason)).copied().unwrap_or(0)
    }

    /// The number of decisions for each variant and reason that has any.
    pub fn tallies(&self) -> impl Iterator<Item = (Option<u16>, Reason, u32)> + Clone {
        let counters = self.counters.as_ref().iter().enumerate().filter(|(_, count)| **count > 0);
        counters.filter_map(|(index, count)| {
            let reason = Reason::from_code(u8::try_from(index % Reason::COUNT).ok()?)?;
            let variant = (index / Reason::COUNT).checked_sub(1);
            Some((variant.and_then(|variant| u16::try_from(variant).ok()), reason, *count))
        })
    }

    /// The evidence since the generation began or the metrics were cleared, as [`Counts`] with an age of 0.
    #[must_use]
    pub const fn evidence(&self) -> Counts {
        self.evidence
    }

    /// The groups that have counted anything: arm, index of the variant within the flag, and what was counted.
    pub fn groups(&self) -> impl Iterator<Item = (Arm, Option<u16>, &Group)> + Clone {
        (0..self.groups.count()).filter_map(|index| self.group_at(index))
    }

    // Called in many places: in each of them it would make a page larger.
    #[inline(never)]
    fn group_at(&self, index: usize) -> Option<(Arm, Option<u16>, &Group)> {
        let ((arm, variant), group) = (Group::place(index)?, self.groups.get(index)?);
        (!group.is_empty()).then_some((arm, variant, group))
    }

    /// All outcomes, by arm.
    #[must_use]
    pub fn outcomes(&self) -> Outcomes {
        let mut outcomes = Outcomes::default();
        self.groups().for_each(|(arm, _, group)| outcomes.of_mut(arm).add(&group.outcomes));
        outcomes
    }

    /// The durations of all calls, in milliseconds.
    #[must_use]
    pub fn durations(&self) -> Histogram {
        let mut durations = Histogram::new();
        self.groups().for_each(|(.., group)| durations.merge(&group.durations));
        durations
    }

    /// All users that the flag was decided for, as a sketch that counts them.
    #[must_use]
    pub fn users(&self) -> Distinct {
        let mut users = Distinct::new();
        self.groups().for_each(|(.., group)| users.merge(&group.users));
        users
    }

    /// The metrics in the few numbers that people read.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary::new(self)
    }
}

/// The index of the counter of a variant and a reason: no variant first, and within a variant by the reason's code.
#[inline]
fn counter_index(variant: Option<u16>, reason: Reason) -> usize {
    let group = variant.map_or(0, |variant| usize::from(variant).saturating_add(1));
    group.saturating_mul(Reason::COUNT).saturating_add(reason.code().into())
}

#[cfg(test)]
mod tests {
    use super::{FlagMetrics, counter_index};
    use crate::counts::{Counts, Sample};
    use crate::decision::{Arm, Reason};

    #[test]
    fn every_variant_and_reason_has_a_counter_of_its_own() {
        let mut taken = std::vec![false; FlagMetrics::counters_for(256)];
        for variant in core::iter::once(None).chain((0..256).map(Some)) {
            for code in 0..=u8::MAX {
                let Some(reason) = Reason::from_code(code) else { continue };
                let index = counter_index(variant, reason);
                assert!(!taken[index], "{variant:?} {reason:?}");
                taken[index] = true;
            }
        }
        assert!(taken.iter().all(|taken| *taken), "`Reason::COUNT` is the number of reasons");
    }

    #[test]
    fn evidence_is_of_the_last_generation_alone() {
        let one = Sample { total: 1, errors: 1, ..Sample::default() };
        let mut metrics = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
        metrics.add_evidence(Arm::Treatment, &one);
        metrics.add_evidence(Arm::Outside, &one);
        metrics.set_generation(0);
        assert_eq!(metrics.evidence(), Counts { treatment: one, ..Counts::default() });
        metrics.set_generation(7);
        assert_eq!(metrics.evidence(), Counts { generation: 7, ..Counts::default() });
        metrics.add_evidence(Arm::Control, &one);
        let mut older = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
        older.add_evidence(Arm::Treatment, &one);
        for _ in 0..2 {
            metrics.merge(&older);
            assert_eq!(metrics.evidence(), Counts { generation: 7, control: one, ..Counts::default() });
        }
        metrics.outcome(Arm::Treatment, &one, f64::NAN);
        assert_eq!(metrics.evidence(), Counts { generation: 7, control: one, ..Counts::default() });
        metrics.clear();
        assert!(metrics.is_empty());
        assert_eq!(metrics.evidence().generation, 7, "the host goes on under the same generation");
    }

    #[test]
    fn counters_begin_at_zero() {
        assert!(FlagMetrics::new([7; FlagMetrics::counters_for(1)]).is_empty());
    }

    #[test]
    fn what_has_no_counter_is_counted_without_a_variant() {
        let mut wide = FlagMetrics::new([0; FlagMetrics::counters_for(3)]);
        wide.tally(counter_index(Some(2), Reason::Split), 5);
        let mut narrow = FlagMetrics::new([0; FlagMetrics::counters_for(0)]);
        narrow.merge(&wide);
        assert_eq!(narrow.count(None, Reason::Split), 5);
        let mut none = FlagMetrics::new([0; 0]);
        none.merge(&wide);
        assert_eq!(none.summary().decisions, 0);
    }
}
