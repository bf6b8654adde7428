//! Calls about breakers: outcomes in, news out. News are lines of text: see `news` in the contract.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use flcm_flags::breaker::{BreakerError, Mode, Plan, Scope, Units};
use flcm_flags::metrics::batch::Header;
use flcm_flags::orchestrate::Guard;
use flcm_flags::{Arm, BoundContext, Counts, FlagId, Millis, Sample};

use super::{Engine, FREED, Loaded, UNREADABLE, at, flag, millis, now};
use crate::frame::{Registers, Told};
use crate::guards::News;
use crate::lines;
use crate::measures::Measures;
use crate::room::can_allocate;
use crate::slots::Handle;

/// Bits of what is told about an outcome.
const FAILED: u8 = 1;
const MISSING: u8 = 2;

/// How many users are remembered for a minute.
pub(super) const UNITS: usize = 4096;

/// Calls that may take their time. What is asked of a handle that names nothing is `None` or false.
impl Engine {
    /// Gives each flag with a policy a breaker, over the outcomes of a `fleet` or of this `host`; false for another word, and
    /// when there is no memory for them.
    pub fn guard(&mut self, snapshot: Handle, scope: &str, now: f64) -> bool {
        let scope = match scope {
            "fleet" => Scope::Fleet,
            "host" => Scope::Host,
            _ => return false,
        };
        let Some(loaded) = self.snapshots.get_mut(snapshot) else { return false };
        // A guard, a plan, and its place.
        let breakers = loaded.snapshot.flags().len() * (size_of::<Guard>() + 2 * size_of::<Plan>() + 8);
        if !can_allocate(breakers + UNITS * size_of::<u64>()) {
            return false;
        }
        loaded.guards.guard(&loaded.snapshot, scope, millis(now));
        loaded.remember_units();
        true
    }

    /// Takes outcomes of a flag as ten numbers: generation and age in milliseconds; total, errors, slow and missing ones of
    /// the treatment; the same of the control. Answers what happened.
    pub fn record(&mut self, snapshot: Handle, flag: FlagId, numbers: &[u32], now: f64) -> Option<String> {
        let [generation, age, t0, t1, t2, t3, c0, c1, c2, c3] = *numbers.first_chunk()?;
        let sample = |[total, errors, slow, missing]: [u32; 4]| Sample { total, errors, slow, missing };
        let (treatment, control) = (sample([t0, t1, t2, t3]), sample([c0, c1, c2, c3]));
        let counts = Counts { generation, age, treatment, control };
        self.happened(snapshot, |loaded, news| {
            loaded.guards.record(&loaded.snapshot, flag, &counts, millis(now), news);
        })
    }

    /// Lets time pass for all breakers; answers what happened.
    pub fn poll(&mut self, snapshot: Handle, now: f64) -> Option<String> {
        self.happened(snapshot, |loaded, news| loaded.guards.poll(&loaded.snapshot, millis(now), news))
    }

    /// What happened and has not been asked for yet, while outcomes were told one by one.
    pub fn news(&mut self, snapshot: Handle) -> Option<String> {
        self.happened(snapshot, |_, _| {})
    }

    /// When to poll next, in milliseconds since 1970; `None` as well when there is nothing to wait for.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
    pub fn next_deadline(&self, snapshot: Handle) -> Option<f64> {
        self.snapshots.get(snapshot)?.guards.next_deadline().map(|at| at.0 as f64)
    }

    /// Holds a flag, lets it go, or only observes it; answers what happened. `None` for a word that is no mode as well.
    pub fn set_mode(&mut self, snapshot: Handle, flag: FlagId, mode: &str, now: f64) -> Option<String> {
        let mode = Mode::from_word(mode)?;
        self.happened(snapshot, |loaded, news| loaded.guards.set_mode(&loaded.snapshot, flag, mode, millis(now), news))
    }

    /// Lets a flag go on that was rolled back; answers what happened.
    pub fn acknowledge(&mut self, snapshot: Handle, flag: FlagId, generation: u32, now: f64) -> Option<String> {
        self.happened(snapshot, |loaded, news| {
            loaded.guards.acknowledge(&loaded.snapshot, flag, generation, millis(now), news);
        })
    }

    /// What the breaker of a flag knows.
    #[must_use]
    pub fn breaker(&self, snapshot: Handle, flag: FlagId) -> Option<String> {
        let (breaker, plan) = self.snapshots.get(snapshot)?.guards.breaker(flag)?;
        Some(lines::breaker(breaker, plan))
    }

    /// The breaker of a flag as bytes.
    #[must_use]
    pub fn save(&self, snapshot: Handle, flag: FlagId) -> Option<Vec<u8>> {
        self.snapshots.get(snapshot)?.guards.save(flag)
    }

    /// Goes on with a breaker that was kept; false without one to go on with. Where it was kept under another policy the evidence
    /// starts anew, which is among the next news.
    ///
    /// # Errors
    /// The bytes are no breaker; the one in use stays.
    pub fn restore(&mut self, snapshot: Handle, flag: FlagId, bytes: &[u8]) -> Result<bool, BreakerError> {
        let Some(loaded) = self.snapshots.get_mut(snapshot) else { return Ok(false) };
        loaded.guards.restore(flag, bytes, &mut loaded.news)
    }

    /// Takes over breakers, trips that were said, and metrics from a snapshot that this one follows; answers what happened.
    pub fn carry(&mut self, from: Handle, to: Handle, now: f64) -> Option<String> {
        let [before, loaded] = self.snapshots.get_two([from, to])?;
        loaded.take_over(before, millis(now));
        self.news(to)
    }

    /// Does something, and puts what happened into words.
    fn happened(&mut self, snapshot: Handle, act: impl FnOnce(&mut Loaded, &mut Vec<News>)) -> Option<String> {
        let loaded = self.snapshots.get_mut(snapshot)?;
        let mut news = core::mem::take(&mut loaded.news);
        act(loaded, &mut news);
        Some(lines::news(&news))
    }
}

/// Calls that must be fast. A negative answer is an error.
impl Engine {
    /// Counts the outcome that was written, of the user at the place (none for -1); answers how much news there is.
    pub fn outcome(&mut self, shared: &[u8]) -> i32 {
        let registers = Registers::read(shared);
        let Some(loaded) = self.snapshots.get_mut(Handle(registers.snapshot.get())) else { return FREED };
        let told = Told::read(shared);
        let Some(arm) = Arm::from_code(told.arm) else { return UNREADABLE };
        let unit = at(&loaded.places, &registers).and_then(BoundContext::user_digest);
        let duration = told.duration.get();
        let slow = loaded.is_slow(flag(&registers), duration);
        let (failed, missing) = (told.flags & FAILED != 0, told.flags & MISSING != 0);
        let sample =
            Sample { total: 1, errors: (failed && !missing).into(), slow: slow.into(), missing: missing.into() };
        let generation = told.generation.get();
        loaded.told(flag(&registers), unit, arm, &sample, (duration, generation), now(&registers));
        i32::try_from(loaded.news.len()).unwrap_or(i32::MAX)
    }
}

impl Loaded {
    /// Begins to remember whose outcomes have counted. Flags have other numbers in another snapshot, so this is never taken
    /// over: for a minute some users may count once more.
    pub(super) fn remember_units(&mut self) {
        self.units = Units::new(vec![0; UNITS]);
    }

    fn is_slow(&self, flag: FlagId, duration: f64) -> bool {
        let by_plan = self.guards.breaker(flag).map(|(_, plan)| *plan.policy());
        let policy = by_plan.or_else(|| self.snapshot.describe(flag)?.policy());
        policy.is_some_and(|policy| policy.is_slow(duration))
    }

    /// Counts one outcome: in the metrics always, as evidence once a user and minute.
    fn told(
        &mut self,
        flag: FlagId,
        unit: Option<u64>,
        arm: Arm,
        sample: &Sample,
        (duration, generation): (f64, u32),
        now: Millis,
    ) {
        let Self { snapshot, guards, measures, units, news, .. } = self;
        let failed = sample.failures() > 0;
        let current = guards.breaker(flag).map_or(0, |(breaker, _)| breaker.generation());
        let generation = if generation == 0 { current } else { generation };
        // What was decided before a rollback is no evidence after it, for the fleet as little as here.
        let counts = generation == current && unit.is_none_or(|unit| units.counts(key(flag, arm), unit, failed, now));
        if let Some(metrics) = measures.as_mut().and_then(|measures| measures.flag(snapshot, flag)) {
            metrics.outcome(arm, sample, duration);
            if counts {
                metrics.add_evidence(arm, sample);
            }
        }
        let (mut treatment, mut control) = (Sample::default(), Sample::default());
        match arm {
            Arm::Treatment if counts => treatment = *sample,
            Arm::Control if counts => control = *sample,
            _ => {}
        }
        guards.record(snapshot, flag, &Counts { generation, age: 0, treatment, control }, now, news);
    }

    /// Goes on where another snapshot was.
    fn take_over(&mut self, before: &mut Self, now: Millis) {
        for (flag, transition) in before.news.drain(..) {
            let flag = before.snapshot.describe(flag).and_then(|flag| self.snapshot.flag(flag.key()));
            self.news.extend(flag.map(|flag| (flag, transition)));
        }
        if let Some(scope) = before.guards.scope() {
            self.guards.guard(&self.snapshot, scope, now);
        }
        self.guards.carry(&self.snapshot, (&before.guards, &before.snapshot), now, &mut self.news);
        self.remember_units();
        let Some(mut counted) = before.measures.take() else { return };
        self.measures = self.measures.take().or_else(|| Measures::new(self.snapshot.flags().len()));
        let Some(measures) = &mut self.measures else { return };
        measures.take_generations(&self.snapshot, &counted, &before.snapshot);
        // Written just now: nothing can be wrong with it. What it says of flags that are gone is gone with them.
        let merged = measures.merge(&self.snapshot, &counted.drain(&before.snapshot, Header::default()));
        debug_assert!(merged.is_ok());
    }
}

/// Tells flags and arms apart.
fn key(flag: FlagId, arm: Arm) -> u64 {
    u64::from(flag.0) << 8 | u64::from(arm.code())
}
