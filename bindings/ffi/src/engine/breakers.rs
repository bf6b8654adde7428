//! Calls about breakers: outcomes in, transitions out. Transitions are lines of text: see `transitions` in the
//! contract.

use alloc::string::String;
use alloc::vec::Vec;

use flcm_flags::breaker::{BreakerError, Mode, Plan, Scope};
use flcm_flags::orchestrate::Guard;
use flcm_flags::{Arm, BoundContext, Counts, FlagId, Sample};

use super::{Engine, Loaded, at, flag, millis, now};
use crate::key_values;
use crate::shared_memory::{self, Registers};
use crate::slots::Handle;
use crate::status::{FREED, UNREADABLE};
use flcm_flags_host::FlagTransition;
use flcm_flags_host::reserve::can_allocate;
use flcm_flags_host::{Outcome, UNITS_BYTES};

/// Bits of the flags of an outcome.
const FAILED: u8 = 1;
const MISSING: u8 = 2;

/// Stands for no variant, as in a packed decision.
const NO_VARIANT: u16 = u16::MAX;

/// Calls that may take their time. What is asked of a handle that names nothing is `None` or false.
impl Engine {
    /// Gives each flag with a policy a breaker, over the outcomes of a `fleet` or of this `host`; false for another
    /// scope, and when there is no memory for them.
    pub fn guard(&mut self, snapshot: Handle, scope: &str, now: f64) -> bool {
        let scope = match scope {
            "fleet" => Scope::Fleet,
            "host" => Scope::Host,
            _ => return false,
        };
        let Some(loaded) = self.snapshots.get_mut(snapshot) else { return false };
        // A guard, a plan, and its index.
        let breakers = loaded.snapshot.flags().len() * (size_of::<Guard>() + 2 * size_of::<Plan>() + 8);
        if !can_allocate(breakers + UNITS_BYTES) {
            return false;
        }
        loaded.state.guard(&loaded.snapshot, scope, millis(now));
        true
    }

    /// Takes outcomes of a flag as ten numbers: generation and age in milliseconds; total, errors, slow and missing
    /// ones of the treatment; the same of the control. Answers what happened.
    pub fn record(&mut self, snapshot: Handle, flag: FlagId, numbers: &[u32], now: f64) -> Option<String> {
        let [generation, age, t0, t1, t2, t3, c0, c1, c2, c3] = *numbers.first_chunk()?;
        let sample = |[total, errors, slow, missing]: [u32; 4]| Sample { total, errors, slow, missing };
        let (treatment, control) = (sample([t0, t1, t2, t3]), sample([c0, c1, c2, c3]));
        let counts = Counts { generation, age, treatment, control };
        self.happened(snapshot, |loaded, transitions| {
            loaded.state.guards.record(&loaded.snapshot, flag, &counts, millis(now), transitions);
        })
    }

    /// Lets time pass for all breakers; answers what happened.
    pub fn poll(&mut self, snapshot: Handle, now: f64) -> Option<String> {
        self.happened(snapshot, |loaded, transitions| {
            loaded.state.guards.poll(&loaded.snapshot, millis(now), transitions);
        })
    }

    /// What happened and has not been asked for yet, while outcomes were recorded one by one.
    pub fn transitions(&mut self, snapshot: Handle) -> Option<String> {
        self.happened(snapshot, |_, _| {})
    }

    /// When to poll next, in milliseconds since 1970; `None` as well when there is nothing to wait for.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
    pub fn next_deadline(&self, snapshot: Handle) -> Option<f64> {
        self.snapshots.get(snapshot)?.state.guards.next_deadline().map(|at| at.0 as f64)
    }

    /// Holds a flag, lets it go, or only observes it; answers what happened. `None` for an unknown mode as well.
    pub fn set_mode(&mut self, snapshot: Handle, flag: FlagId, mode: &str, now: f64) -> Option<String> {
        let mode = Mode::from_keyword(mode)?;
        self.happened(snapshot, |loaded, transitions| {
            loaded.state.guards.set_mode(&loaded.snapshot, flag, mode, millis(now), transitions);
        })
    }

    /// Lets a flag go on that was rolled back; answers what happened.
    pub fn acknowledge(&mut self, snapshot: Handle, flag: FlagId, generation: u32, now: f64) -> Option<String> {
        self.happened(snapshot, |loaded, transitions| {
            loaded.state.guards.acknowledge(&loaded.snapshot, flag, generation, millis(now), transitions);
        })
    }

    /// What the breaker of a flag knows.
    #[must_use]
    pub fn breaker(&self, snapshot: Handle, flag: FlagId) -> Option<String> {
        let (breaker, plan) = self.snapshots.get(snapshot)?.state.guards.breaker(flag)?;
        Some(key_values::breaker(breaker, plan))
    }

    /// The breaker of a flag as bytes.
    #[must_use]
    pub fn save(&self, snapshot: Handle, flag: FlagId) -> Option<Vec<u8>> {
        self.snapshots.get(snapshot)?.state.guards.save(flag)
    }

    /// Restores a stored breaker; false for a flag without one. Where it was stored under another policy the evidence
    /// starts anew, which is among the next transitions.
    ///
    /// # Errors
    /// The bytes are no breaker; the one in use stays.
    pub fn restore(&mut self, snapshot: Handle, flag: FlagId, bytes: &[u8]) -> Result<bool, BreakerError> {
        let Some(loaded) = self.snapshots.get_mut(snapshot) else { return Ok(false) };
        loaded.state.guards.restore(flag, bytes, &mut loaded.state.transitions)
    }

    /// Takes over breakers, external trips, and metrics from a snapshot that this one follows; answers what happened.
    pub fn carry(&mut self, from: Handle, to: Handle, now: f64) -> Option<String> {
        let [before, loaded] = self.snapshots.get_two([from, to])?;
        loaded.state.take_over(&loaded.snapshot, (&mut before.state, &before.snapshot), millis(now));
        self.transitions(to)
    }

    /// Does something, and returns what happened as text.
    fn happened(
        &mut self,
        snapshot: Handle,
        act: impl FnOnce(&mut Loaded, &mut Vec<FlagTransition>),
    ) -> Option<String> {
        let loaded = self.snapshots.get_mut(snapshot)?;
        let mut transitions = core::mem::take(&mut loaded.state.transitions);
        act(loaded, &mut transitions);
        Some(key_values::transitions(&loaded.snapshot, &transitions))
    }
}

/// Calls that must be fast. A negative answer is an error.
impl Engine {
    /// Counts the outcome that was written, of the user in the slot (none for -1); answers how many transitions there
    /// are to take.
    pub fn outcome(&mut self, shared: &[u8]) -> i32 {
        let registers = Registers::read(shared);
        let Some(loaded) = self.snapshots.get_mut(Handle(registers.snapshot.get())) else { return FREED };
        let call = shared_memory::OutcomeRecord::read(shared);
        let Some(arm) = Arm::from_code(call.arm) else { return UNREADABLE };
        let outcome = Outcome {
            arm,
            variant: Some(call.variant.get()).filter(|variant| *variant != NO_VARIANT),
            unit: at(&loaded.slots, &registers).and_then(BoundContext::user_digest),
            failed: call.flags & FAILED != 0,
            missing: call.flags & MISSING != 0,
            duration: call.duration.get(),
            generation: call.generation.get(),
        };
        loaded.state.outcome(&loaded.snapshot, flag(&registers), &outcome, now(&registers));
        i32::try_from(loaded.state.transitions.len()).unwrap_or(i32::MAX)
    }
}
