//! What a flag may depend on: the attributes it reads, the time, or nothing at all.
//!
//! Hosts use it to do less. The bindings collect only attributes that the flag reads, decisions that no time can change
//! are cached, and flags that are the same for everyone are reported as `STATIC`.
//!
//! The functions read the records of the flag, of its prerequisites and of its cohorts. They cost about as much as a
//! few decisions, so a host calls them once per snapshot.

use crate::bucket::BUCKETS;
use crate::condition::{CohortId, Node, Nodes};
use crate::decision::Reason;
use crate::snapshot::sections;
use crate::snapshot::wire::{CohortRecord, NONE};
use crate::snapshot::{AttributeId, Flag, FlagId, Reader, Rule};

impl Flag<'_> {
    /// Passes each attribute that deciding this flag may read to `show`, those of its prerequisites and cohorts
    /// included.
    ///
    /// An attribute may come several times. No other attribute changes the decision, so a host need not collect others.
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
    ///
    /// If not, the decision for a context stays the same until a trip changes, and a host may cache it.
    ///
    /// ```
    /// let text = "
    /// flags:
    ///   launch: { rollout: { percentage: 0, schedule: [{ at: 2030-01-01T00:00:00Z, percentage: 100 }] } }
    ///   party: { dependencies: [launch] }
    ///   plain: {}";
    /// # let bytes = flcm_flags_config::compile(&flcm_flags_config::check(text).0.unwrap());
    /// let snapshot = flcm_flags::Snapshot::from_bytes(bytes)?;
    /// let changes = |key| snapshot.describe(snapshot.flag(key).unwrap()).unwrap().changes_with_time();
    /// assert_eq!(["launch", "party", "plain"].map(changes), [true, true, false]);
    /// # Ok::<(), flcm_flags::SnapshotError>(())
    /// ```
    #[must_use]
    pub fn changes_with_time(&self) -> bool {
        let mut changes = false;
        self.each_prerequisite(&mut |flag| changes |= flag.rules().any(|rule| rule.record.schedule_count.get() > 0));
        changes
    }

    /// Whether everyone is served the same, at any time and whatever their attributes. A breaker may still switch it
    /// off.
    ///
    /// What such a flag serves is `STATIC` to `OpenFeature`, also where a rule is written out.
    ///
    /// ```
    /// let text = "
    /// flags:
    ///   everyone: {}
    ///   half: { rollout: { percentage: 50 } }
    ///   off: { enabled: false }";
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

    /// The reason of a decision as `OpenFeature` defines it: [`Static`](Reason::Static) for a rule that serves everyone
    /// the same.
    ///
    /// Only [`TargetingMatch`](Reason::TargetingMatch) is replaced, and only for a flag that
    /// [is static](Self::is_static). The `OpenFeature` providers report this reason.
    #[must_use]
    pub fn reason_in_open_feature(&self, reason: Reason) -> Reason {
        if reason == Reason::TargetingMatch && self.is_static() { Reason::Static } else { reason }
    }

    /// Passes the flag and all that it depends on to `look`.
    fn each_prerequisite(&self, look: &mut dyn FnMut(Flag<'_>)) {
        look(*self);
        for flag in self.closure().iter().filter_map(|id| self.reader.flag(FlagId(id.get()))) {
            look(flag);
        }
    }
}

/// A walk over conditions that reports the attributes they read.
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
        let Some(cohort) = reader.get(sections::COHORTS, id.0) else { return };
        let closure = reader.range(sections::COHORT_CLOSURES, cohort.closure.get(), cohort.closure_count.get().into());
        self.own_conditions(cohort);
        for id in closure {
            if let Some(cohort) = reader.get(sections::COHORTS, id.get()) {
                self.own_conditions(cohort);
            }
        }
    }

    fn own_conditions(&mut self, cohort: &CohortRecord) {
        self.nodes(Nodes::new(self.reader, cohort.conditions.get(), cohort.condition_count.get()), false);
    }
}
