//! Breakers and counters of the snapshot in use.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use flcm_flags::breaker::{Scope, Units};
use flcm_flags::metrics::batch::Header;
use flcm_flags::{Arm, Counts, FlagId, Millis, Sample, Snapshot};

use crate::breakers::{FlagTransition, Guards};
use crate::measures::{Counted, CustomMetrics, Measures};

/// How many users are remembered for a minute.
const UNITS: usize = 4096;

/// How many bytes the memory of users takes.
pub const UNITS_BYTES: usize = UNITS * size_of::<u64>();

/// How a call went that a flag had decided.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Who was served what.
    pub arm: Arm,
    /// The index of the variant within the flag; `None` for none, and when it was decided under another snapshot.
    pub variant: Option<u16>,
    /// The digest of the user, if it is known.
    pub unit: Option<u64>,
    /// Whether the call failed.
    pub failed: bool,
    /// Whether the call never came to an end.
    pub missing: bool,
    /// How long it took, in milliseconds; NaN when that is not known.
    pub duration: f64,
    /// The breaker's generation when it was decided; 0 for the current one.
    pub generation: u32,
}

/// Breakers of a snapshot's flags, and what is counted of them. Every call is given the same snapshot.
#[derive(Debug)]
pub struct HostState {
    /// The breakers.
    pub guards: Guards,
    /// Transitions that nobody has taken yet.
    pub transitions: Vec<FlagTransition>,
    /// Users whose outcomes have counted; empty while there is nothing to count for.
    units: Units<Vec<u64>>,
    /// Only while something is counted.
    pub measures: Option<Measures>,
    /// What was drained, where totals are held: a batch on its way is still part of a summary.
    drained: Option<Measures>,
}

impl HostState {
    /// Nothing is guarded, and nothing counted.
    #[must_use]
    pub fn none(flags: usize) -> Self {
        Self {
            guards: Guards::none(flags),
            transitions: Vec::new(),
            units: Units::new(Vec::new()),
            measures: None,
            drained: None,
        }
    }

    /// Gives each flag that has a policy a breaker.
    pub fn guard<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, scope: Scope, now: Millis) {
        self.guards.guard(snapshot, scope, now);
        self.remember_units();
    }

    /// Begins to count; false when there is no memory for it. What was counted stays.
    pub fn measure<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>) -> bool {
        if self.measures.is_none() {
            self.measures = Measures::new(snapshot.flags().len());
            if self.guards.scope().is_none() {
                self.remember_units();
            }
        }
        self.measures.is_some()
    }

    /// Begins to count, and keeps what is drained for summaries; false when there is no memory for it.
    pub fn measure_totals<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>) -> bool {
        if self.drained.is_none() {
            self.drained = Measures::new(snapshot.flags().len());
        }
        self.measure(snapshot) && self.drained.is_some()
    }

    /// Counts one outcome: in the metrics always, as evidence once a user and minute.
    pub fn outcome<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, flag: FlagId, outcome: &Outcome, now: Millis) {
        let arm = outcome.arm;
        let sample = Sample {
            total: 1,
            errors: (outcome.failed && !outcome.missing).into(),
            slow: self.is_slow(snapshot, flag, outcome.duration).into(),
            missing: outcome.missing.into(),
        };
        let Self { guards, measures, units, transitions, .. } = self;
        let failed = sample.failures() > 0;
        let current = guards.breaker(flag).map_or(0, |(breaker, _)| breaker.generation());
        let generation = if outcome.generation == 0 { current } else { outcome.generation };
        // What was decided before a rollback is no evidence after it, for the fleet as little as here.
        let counts =
            generation == current && outcome.unit.is_none_or(|unit| units.counts(key(flag, arm), unit, failed, now));
        if let Some(metrics) = measures.as_mut().and_then(|measures| measures.flag(snapshot, flag)) {
            metrics.outcome_of(arm, outcome.variant, &sample, outcome.duration);
            if counts {
                metrics.add_evidence(arm, &sample);
            }
        }
        let (mut treatment, mut control) = (Sample::default(), Sample::default());
        match arm {
            Arm::Treatment if counts => treatment = sample,
            Arm::Control if counts => control = sample,
            _ => {}
        }
        guards.record(snapshot, flag, &Counts { generation, age: 0, treatment, control }, now, transitions);
    }

    /// Goes on where the watch of another snapshot was, of which nothing is left then.
    pub fn take_over<B: AsRef<[u8]>>(
        &mut self,
        snapshot: &Snapshot<B>,
        (before, older): (&mut Self, &Snapshot<B>),
        now: Millis,
    ) {
        for (flag, transition) in before.transitions.drain(..) {
            let flag = older.describe(flag).and_then(|flag| snapshot.flag(flag.key()));
            self.transitions.extend(flag.map(|flag| (flag, transition)));
        }
        if let Some(scope) = before.guards.scope() {
            self.guards.guard(snapshot, scope, now);
        }
        self.guards.carry(snapshot, (&before.guards, older), now, &mut self.transitions);
        self.remember_units();
        if let Some(drained) = before.drained.take() {
            self.drained = self.drained.take().or_else(|| Measures::new(snapshot.flags().len()));
            if let Some(totals) = &mut self.drained {
                totals.take_over(snapshot, &drained, older);
            }
        }
        let Some(counted) = before.measures.take() else { return };
        self.measures = self.measures.take().or_else(|| Measures::new(snapshot.flags().len()));
        if let Some(measures) = &mut self.measures {
            measures.take_generations(snapshot, &counted, older);
            measures.take_over(snapshot, &counted, older);
        }
    }

    /// Takes all that was counted as a batch; `None` when nothing was.
    pub fn drain<B: AsRef<[u8]>>(&mut self, snapshot: &Snapshot<B>, header: Header) -> Option<Vec<u8>> {
        let measures = self.measures.as_mut().filter(|measures| !measures.is_empty())?;
        if let Some(drained) = &mut self.drained {
            drained.take_over(snapshot, measures, snapshot);
        }
        Some(measures.drain(snapshot, header))
    }

    /// What was counted of a flag: since the start where totals are held, else since it was drained.
    #[must_use]
    pub fn counted(&self, flag: FlagId) -> Option<Counted> {
        let of_flag =
            |measures: &Option<Measures>| measures.as_ref().and_then(|measures| measures.counted(flag).cloned());
        match (of_flag(&self.measures), of_flag(&self.drained)) {
            (Some(mut now), Some(drained)) => {
                now.merge(&drained);
                Some(now)
            }
            (now, drained) => now.or(drained),
        }
    }

    /// The custom metrics, of the same time as [`counted`](Self::counted); `None` while nothing is counted.
    #[must_use]
    pub fn custom(&self) -> Option<Box<CustomMetrics>> {
        Some(self.measures.as_ref()?.customs(self.drained.as_ref()))
    }

    /// Begins to remember whose outcomes have counted. Flags have other numbers in another snapshot, so this is never
    /// taken over: for a minute some users may count once more.
    fn remember_units(&mut self) {
        self.units = Units::new(vec![0; UNITS]);
    }

    fn is_slow<B: AsRef<[u8]>>(&self, snapshot: &Snapshot<B>, flag: FlagId, duration: f64) -> bool {
        let by_plan = self.guards.breaker(flag).map(|(_, plan)| *plan.policy());
        let policy = by_plan.or_else(|| snapshot.describe(flag)?.policy());
        policy.is_some_and(|policy| policy.is_slow(duration))
    }
}

/// Distinguishes flags and arms.
fn key(flag: FlagId, arm: Arm) -> u64 {
    u64::from(flag.0) << 8 | u64::from(arm.code())
}
