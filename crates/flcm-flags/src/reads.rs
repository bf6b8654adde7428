//! What deciding a flag may look at, so that a host brings nothing else.

use crate::bucket::BUCKETS;
use crate::condition::{CohortId, Node, Nodes};
use crate::decision::Reason;
use crate::snapshot::wire::{CohortRecord, NONE};
use crate::snapshot::{AttributeId, Flag, FlagId, Layout, Reader, Rule};

impl Flag<'_> {
    /// Shows each attribute that deciding this flag may read, those of its prerequisites and cohorts included. One may
    /// come several times.
    ///
    /// ```
    /// let text = "flags: { beta: { conditions: [{ attribute: age, operator: '>', value: 30 }] } }";
    /// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
    /// let snapshot = flcm_flags::Snapshot::from_bytes(bytes)?;
    /// let mut read = Vec::new();
    /// snapshot.describe(snapshot.flag("beta").unwrap()).unwrap().reads(&mut |id| read.push(id));
    /// assert_eq!(read, [flcm_flags::AttributeId(0)]);
    /// # Ok::<(), flcm_flags::SnapshotError>(())
    /// ```
    pub fn reads(&self, show: &mut dyn FnMut(AttributeId)) {
        let mut walk = Walk { reader: self.reader, show };
        self.each_prerequisite(&mut |flag| {
            if flag.record.by.get() != NONE {
                (walk.show)(AttributeId(flag.record.by.get()));
            }
            for rule in flag.rules() {
                walk.nodes(rule.conditions(), true);
            }
        });
    }

    /// Whether time alone may change the decision: the flag, or one that it depends on, follows a schedule.
    #[must_use]
    pub fn changes_with_time(&self) -> bool {
        let mut changes = false;
        self.each_prerequisite(&mut |flag| changes |= flag.rules().any(|rule| rule.record.schedule_count.get() > 0));
        changes
    }

    /// Whether everyone is served the same, whatever is known of them and at any time; but for a breaker. What such a flag serves is
    /// `STATIC` to `OpenFeature`, although a rule decides.
    ///
    /// ```
    /// let text = "flags: { everyone: { rollout: { percentage: 100 } }, half: { rollout: { percentage: 50 } }, off: {} }";
    /// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
    /// let snapshot = flcm_flags::Snapshot::from_bytes(bytes)?;
    /// let is_static = |key| snapshot.describe(snapshot.flag(key).unwrap()).unwrap().is_static();
    /// assert_eq!(["everyone", "half", "off"].map(is_static), [true, false, true]);
    /// # Ok::<(), flcm_flags::SnapshotError>(())
    /// ```
    #[must_use]
    pub fn is_static(&self) -> bool {
        let for_everyone = |rule: &Rule<'_>| {
            let draws = rule.shares().map(|(_, share)| share).scan(0, |before, share| {
                let weight = share.saturating_sub(*before);
                *before = share;
                Some(weight)
            });
            rule.conditions().next().is_none()
                && rule.percentage() == BUCKETS
                && rule.record.schedule_count.get() == 0
                && draws.filter(|weight| *weight > 0).count() <= 1
        };
        let rest = self.override_count() == 0 && self.dependencies().next().is_none();
        !self.enabled() || (rest && self.rules().next().is_none_or(|rule| for_everyone(&rule)))
    }

    /// The reason of a decision in the sense of `OpenFeature`, to which a rule that serves everyone the same is no targeting.
    #[must_use]
    pub fn reason_in_open_feature(&self, reason: Reason) -> Reason {
        if reason == Reason::TargetingMatch && self.is_static() { Reason::Static } else { reason }
    }

    /// Looks at the flag and at all that it depends on.
    fn each_prerequisite(&self, look: &mut dyn FnMut(Flag<'_>)) {
        look(*self);
        for flag in self.closure().iter().filter_map(|id| self.reader.flag(FlagId(id.get()))) {
            look(flag);
        }
    }
}

struct Walk<'s, 'v> {
    reader: Reader<'s>,
    show: &'v mut dyn FnMut(AttributeId),
}

impl Walk<'_, '_> {
    /// `cohorts`: whether to go on to those that the conditions name.
    fn nodes(&mut self, nodes: Nodes<'_>, cohorts: bool) {
        for node in nodes {
            match node {
                Node::All(members) | Node::Any(members) | Node::Not(members) => self.nodes(members, cohorts),
                Node::Cohort(id) if cohorts => self.cohort(id),
                // The closure has it: the flag's, or that of the cohort at hand.
                Node::Cohort(_) | Node::Flag(..) => {}
                Node::Test(test) => (self.show)(test.attribute_id()),
            }
        }
    }

    /// A cohort and its closure: each cohort once, however they name each other.
    fn cohort(&mut self, id: CohortId) {
        let reader = self.reader;
        let Layout { cohorts, cohort_closures, .. } = reader.layout;
        let Some(cohort) = reader.get(cohorts, id.0) else { return };
        let closure = reader.range(cohort_closures, cohort.closure.get(), cohort.closure_count.get().into());
        self.own_conditions(cohort);
        for id in closure {
            if let Some(cohort) = reader.get(cohorts, id.get()) {
                self.own_conditions(cohort);
            }
        }
    }

    fn own_conditions(&mut self, cohort: &CohortRecord) {
        self.nodes(Nodes::new(self.reader, cohort.conditions.get(), cohort.condition_count.get()), false);
    }
}
