//! Decisions for one user, and how they went.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::Guard;
use flcm_flags::{BoundContext, Context, Decision, ErrorCode, Flag, FlagId, PackedDecision, Value};
use flcm_flags_host::Outcome;

use crate::active_flags::ActiveFlags;
use crate::in_use::InUse;

/// A user who is decided for, by the flags that were in use when this was made: for one request, say. Never waits.
// Its first fields, and what each decision reads of `bound`, lie in one line of the processor's cache.
#[repr(C)]
pub struct User<'f, 'c> {
    active: &'f Arc<ActiveFlags>,
    in_use: Guard<Option<Arc<InUse>>>,
    bound: Option<BoundContext<'c>>,
}

impl fmt::Debug for User<'_, '_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.bound.as_ref().and_then(BoundContext::targeting_key);
        formatter.debug_tuple("User").field(&key).finish()
    }
}

impl<'f, 'c> User<'f, 'c> {
    pub(crate) fn new(active: &'f Arc<ActiveFlags>, context: &Context<'c>) -> Self {
        let in_use = active.in_use();
        let bound = in_use.as_ref().map(|in_use| in_use.bind(context));
        Self { active, in_use, bound }
    }

    /// Whether the feature is on; false for a flag that is not there.
    #[must_use]
    pub fn is_enabled(&self, flag: &str) -> bool {
        self.outcome(flag).is_some_and(|(_, outcome)| outcome.enabled())
    }

    /// What is served, and why. Without flags in use no flag is found.
    #[must_use]
    pub fn decision(&self, flag: &str) -> Decision<'_> {
        match (self.outcome(flag), self.in_use.as_ref()) {
            (Some((id, outcome)), Some(in_use)) => Decision::new(&in_use.flags.snapshot, id, outcome),
            _ => Decision::flag_not_found(),
        }
    }

    /// The variant that is served; `None` without one.
    #[must_use]
    pub fn variant(&self, flag: &str) -> Option<&str> {
        self.decision(flag).variant()
    }

    /// The value that is served; `None` without one.
    #[must_use]
    pub fn value(&self, flag: &str) -> Option<Value<'_>> {
        self.decision(flag).value()
    }

    /// Decides a flag whose outcome will be recorded.
    pub fn decide(&self, flag: &str) -> Decided {
        self.decided(self.outcome(flag))
    }

    /// Records how a call went that the flag had decided before: the decision itself is not counted again.
    pub fn record(&self, flag: &str, outcome: CallOutcome) {
        let again = self.find(flag).map(|(in_use, bound, id)| (id, in_use.peek(id, bound, || self.active.clock.now())));
        self.decided(again).record(outcome);
    }

    /// Whether there is anything to decide by.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.in_use.is_some()
    }

    /// The revision of the document in use; 0 when it has none.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.in_use.as_ref().map_or(0, |in_use| in_use.flags.snapshot.revision())
    }

    /// How a flag is written, such as its salt.
    #[must_use]
    pub fn describe(&self, flag: &str) -> Option<Flag<'_>> {
        let snapshot = &self.in_use.as_ref()?.flags.snapshot;
        snapshot.describe(snapshot.flag(flag)?)
    }

    fn outcome(&self, flag: &str) -> Option<(FlagId, PackedDecision)> {
        let (in_use, bound, id) = self.find(flag)?;
        Some((id, in_use.decide(id, bound, || self.active.clock.now())))
    }

    fn find(&self, flag: &str) -> Option<(&Arc<InUse>, &BoundContext<'c>, FlagId)> {
        let in_use = self.in_use.as_ref()?;
        Some((in_use, self.bound.as_ref()?, in_use.flags.snapshot.flag(flag)?))
    }

    fn decided(&self, outcome: Option<(FlagId, PackedDecision)>) -> Decided {
        let by = self.in_use.as_ref().zip(outcome).map(|(in_use, (flag, outcome))| By {
            in_use: Arc::clone(in_use),
            flag,
            generation: in_use.generation(flag),
            outcome,
        });
        let unit = self.bound.as_ref().and_then(BoundContext::user_digest);
        Decided { active: Arc::clone(self.active), unit, by }
    }
}

/// How a call went.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CallOutcome {
    /// Whether it failed.
    pub failed: bool,
    /// How long it took, if that is known.
    pub duration: Option<Duration>,
}

impl CallOutcome {
    /// It went well.
    pub const SUCCESS: Self = Self { failed: false, duration: None };
    /// It failed.
    pub const FAILURE: Self = Self { failed: true, duration: None };

    /// It took so long.
    #[must_use]
    pub const fn after(self, duration: Duration) -> Self {
        Self { duration: Some(duration), ..self }
    }
}

/// A decision whose outcome will be recorded. It may be held while a call is under way, whatever is in use meanwhile.
#[must_use = "record how the call went"]
pub struct Decided {
    active: Arc<ActiveFlags>,
    unit: Option<u64>,
    by: Option<By>,
}

/// What was decided, by what.
struct By {
    in_use: Arc<InUse>,
    flag: FlagId,
    outcome: PackedDecision,
    generation: u32,
}

impl fmt::Debug for Decided {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Decided").field(&self.decision()).finish()
    }
}

impl Decided {
    /// Whether the feature is on.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.by.as_ref().is_some_and(|by| by.outcome.enabled())
    }

    /// What is served, and why.
    #[must_use]
    pub fn decision(&self) -> Decision<'_> {
        let found = self.by.as_ref().map(|by| Decision::new(&by.in_use.flags.snapshot, by.flag, by.outcome));
        found.unwrap_or_else(Decision::flag_not_found)
    }

    /// Records how the call went. What the breaker makes of it is in effect for the next decision.
    pub fn record(self, outcome: CallOutcome) {
        self.report(Some(outcome));
    }

    /// Records how the call went; `None` for one that never came to its end.
    fn report(&self, outcome: Option<CallOutcome>) {
        let Some(by) = &self.by else { return };
        if by.outcome.reason().error_code() == Some(ErrorCode::InvalidContext) {
            return;
        }
        let duration = outcome.and_then(|outcome| outcome.duration);
        let outcome = Outcome {
            arm: by.outcome.arm(),
            variant: by.outcome.variant(),
            unit: self.unit,
            failed: outcome.is_none_or(|outcome| outcome.failed),
            missing: outcome.is_none(),
            duration: duration.map_or(f64::NAN, |duration| duration.as_secs_f64() * 1000.0),
            generation: by.generation,
        };
        self.active.record(&by.in_use.flags, by.flag, &outcome);
    }
}

/// A call that is under way. When this is dropped before its end was reported, its outcome is missing.
pub(crate) struct Call {
    pub(crate) decided: Decided,
    start: Duration,
    is_reported: bool,
}

impl Call {
    pub(crate) fn new(decided: Decided) -> Self {
        let start = decided.active.clock.elapsed();
        Self { decided, start, is_reported: false }
    }

    pub(crate) fn report<T, E>(mut self, answer: Result<T, E>) -> Result<T, E> {
        let duration = self.decided.active.clock.elapsed().saturating_sub(self.start);
        self.is_reported = true;
        self.decided.report(Some(CallOutcome { failed: answer.is_err(), duration: Some(duration) }));
        answer
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.is_reported {
            self.decided.report(None);
        }
    }
}
