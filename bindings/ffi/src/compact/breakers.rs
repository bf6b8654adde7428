//! Calls about breakers: outcomes in, transitions out.

use alloc::vec::Vec;

use flcm_flags::breaker::{Mode, Next, Plan, Report, Scope};
use flcm_flags::orchestrate::Guard;
use flcm_flags::{Arm, Counts, FlagId, Sample};
use flcm_flags_host::reserve::can_allocate;
use flcm_flags_host::{FlagTransition, HostState, Outcome, UNITS_BYTES};
use zerocopy::{FromBytes, IntoBytes};

use super::answer::Answer;
use super::{Compact, Loaded, at, flag_of, millis};
use crate::shared_memory::OutcomeRecord;
use crate::slots::Handle;
use crate::status::{FREED, UNREADABLE};

/// Bits of the flags of an outcome.
const FAILED: u8 = 1;
const MISSING: u8 = 2;

/// Stands for no variant, as in a packed decision.
const NO_VARIANT: u16 = u16::MAX;

/// Calls that answer how many transitions there are to take, or -1.
impl Compact {
    /// Gives each flag with a policy a breaker; false when there is no memory for them.
    pub fn guard(&mut self, snapshot: Handle, is_fleet: bool, now: f64) -> bool {
        let Some(loaded) = self.snapshots.get_mut(snapshot) else { return false };
        // A guard, a plan, and its index.
        let breakers = loaded.snapshot.flags().len() * (size_of::<Guard>() + 2 * size_of::<Plan>() + 8);
        if !can_allocate(breakers + UNITS_BYTES) {
            return false;
        }
        let scope = if is_fleet { Scope::Fleet } else { Scope::Host };
        loaded.state.guard(&loaded.snapshot, scope, millis(now));
        true
    }

    /// Takes outcomes of a flag as the ten numbers that were written: see `record` in the contract.
    pub fn record(&mut self, snapshot: Handle, flag: FlagId, now: f64) -> i32 {
        let Ok(numbers) = <[u32; 10]>::read_from_bytes(&self.input) else { return -1 };
        let [generation, age, t0, t1, t2, t3, c0, c1, c2, c3] = numbers;
        let sample = |[total, errors, slow, missing]: [u32; 4]| Sample { total, errors, slow, missing };
        let (treatment, control) = (sample([t0, t1, t2, t3]), sample([c0, c1, c2, c3]));
        let counts = Counts { generation, age, treatment, control };
        self.act(snapshot, |loaded, transitions| {
            loaded.state.guards.record(&loaded.snapshot, flag, &counts, millis(now), transitions);
        })
    }

    /// Lets time pass for all breakers.
    pub fn poll(&mut self, snapshot: Handle, now: f64) -> i32 {
        self.act(snapshot, |loaded, transitions| {
            loaded.state.guards.poll(&loaded.snapshot, millis(now), transitions);
        })
    }

    /// Holds a flag, lets it go, or only observes it: the mode whose keyword was written. -1 for an unknown one as
    /// well.
    pub fn set_mode(&mut self, snapshot: Handle, flag: FlagId, now: f64) -> i32 {
        let Some(mode) = core::str::from_utf8(&self.input).ok().and_then(Mode::from_keyword) else { return -1 };
        self.act(snapshot, |loaded, transitions| {
            loaded.state.guards.set_mode(&loaded.snapshot, flag, mode, millis(now), transitions);
        })
    }

    /// Lets a flag go on that was rolled back.
    pub fn acknowledge(&mut self, snapshot: Handle, flag: FlagId, generation: u32, now: f64) -> i32 {
        self.act(snapshot, |loaded, transitions| {
            loaded.state.guards.acknowledge(&loaded.snapshot, flag, generation, millis(now), transitions);
        })
    }

    /// Takes over breakers, external trips, and metrics from a snapshot that this one follows.
    pub fn carry(&mut self, from: Handle, to: Handle, now: f64) -> i32 {
        let Some([before, loaded]) = self.snapshots.0.get_two([from, to]) else { return -1 };
        loaded.state.take_over(&loaded.snapshot, (&mut before.state, &before.snapshot), millis(now));
        waiting(&loaded.state)
    }

    /// Counts the outcome that was written, of the user in the slot (none for -1): a hot call.
    pub fn outcome(&mut self) -> i32 {
        let registers = self.registers();
        let Some(loaded) = self.snapshots.get_mut(Handle(registers.snapshot.get())) else { return FREED };
        let call = OutcomeRecord::read(self.shared.as_bytes());
        let Some(arm) = Arm::from_code(call.arm) else { return UNREADABLE };
        let outcome = Outcome {
            arm,
            variant: Some(call.variant.get()).filter(|variant| *variant != NO_VARIANT),
            unit: at(&loaded.slots, registers.slot.get()).and_then(|bound| bound.resolved.user_digest()),
            failed: call.flags & FAILED != 0,
            missing: call.flags & MISSING != 0,
            duration: call.duration.get(),
            generation: call.generation.get(),
        };
        let now = millis(registers.now.get());
        loaded.state.outcome(&loaded.snapshot, flag_of(&registers), &outcome, now);
        waiting(&loaded.state)
    }

    fn act(&mut self, snapshot: Handle, act: impl FnOnce(&mut Loaded, &mut Vec<FlagTransition>)) -> i32 {
        let Some(loaded) = self.snapshots.get_mut(snapshot) else { return -1 };
        let mut transitions = core::mem::take(&mut loaded.state.transitions);
        act(loaded, &mut transitions);
        loaded.state.transitions = transitions;
        waiting(&loaded.state)
    }
}

fn waiting(state: &HostState) -> i32 {
    i32::try_from(state.transitions.len()).unwrap_or(i32::MAX)
}

impl Compact {
    /// Takes the first transition that waits; whether there was one.
    pub fn transition(&mut self, snapshot: Handle) -> bool {
        let Some(Loaded { snapshot, state, .. }) = self.snapshots.get_mut(snapshot) else {
            return false;
        };
        if state.transitions.is_empty() {
            return false;
        }
        let (id, transition) = state.transitions.remove(0);
        let flag = snapshot.describe(id);
        let key = flag.map_or("", |flag| flag.key());
        self.output.clear();
        transition.describe(key).write(&mut |piece| self.output.extend_from_slice(piece.as_bytes()));
        let end = self.output.len();
        transition.id(key).write(&mut |piece| self.output.extend_from_slice(piece.as_bytes()));
        let (text, name) = self.output.split_at(end);
        let answer = self.answer.begin();
        answer
            .text(transition.event.as_str().as_bytes())
            .text(transition.cause.map_or("", |cause| cause.as_str()).as_bytes())
            .text(transition.from.as_str().as_bytes())
            .text(transition.to.as_str().as_bytes())
            .text(transition.mode.as_str().as_bytes())
            .text(transition.next.as_str().as_bytes())
            .text(text)
            .text(name)
            .integer(id.0)
            .integer(transition.generation)
            .integer(transition.sequence)
            .large(transition.at.0)
            .integer(transition.attempt.into())
            .integer(transition.trips.into())
            .number(f64::from(transition.percent_before) / 1000.0)
            .number(f64::from(transition.percent_after) / 1000.0)
            .integer(transition.is_notable().into());
        report(answer, &transition.report);
        if let Next::Probe(at) = transition.next {
            answer.large(at.0);
        } else {
            answer.number(f64::NAN);
        }
        true
    }

    /// When to poll next, in milliseconds since 1970; not a number when there is nothing to wait for.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "at most 2^53")]
    pub fn next_deadline(&self, snapshot: Handle) -> f64 {
        let deadline = self.snapshots.get(snapshot).and_then(|loaded| loaded.state.guards.next_deadline());
        deadline.map_or(f64::NAN, |at| at.0 as f64)
    }

    /// What the breaker of a flag knows; whether there is one.
    pub fn breaker(&mut self, snapshot: Handle, flag: FlagId) -> bool {
        let Some(loaded) = self.snapshots.get(snapshot) else { return false };
        let Some((breaker, plan)) = loaded.state.guards.breaker(flag) else { return false };
        let (clock_back, refused) = breaker.anomalies();
        let answer = self.answer.begin();
        answer
            .text(breaker.state().as_str().as_bytes())
            .text(breaker.mode().as_str().as_bytes())
            .trip(breaker.trip_state())
            .integer(breaker.generation())
            .integer(clock_back)
            .integer(refused);
        report(answer, &breaker.report(plan));
        true
    }

    /// The breaker of a flag as bytes; whether there is one.
    pub fn save(&mut self, snapshot: Handle, flag: FlagId) -> bool {
        let saved = self.snapshots.get(snapshot).and_then(|loaded| loaded.state.guards.save(flag));
        self.answer_bytes(saved)
    }

    /// Restores the stored breaker that was written: 1, or 0 for a flag without one; 2 for bytes that are none, and the
    /// answer is a text that says why.
    pub fn restore(&mut self, snapshot: Handle, flag: FlagId) -> u32 {
        let Some(loaded) = self.snapshots.get_mut(snapshot) else { return 0 };
        match loaded.state.guards.restore(flag, &self.input, &mut loaded.state.transitions) {
            Ok(restored) => restored.into(),
            Err(error) => {
                self.answer.begin().text(error.as_str().as_bytes());
                2
            }
        }
    }

    pub(super) fn answer_bytes(&mut self, bytes: Option<Vec<u8>>) -> bool {
        let found = bytes.is_some();
        self.output = bytes.unwrap_or_default();
        self.answer.begin().text(&self.output);
        found
    }
}

fn report(answer: &mut Answer, report: &Report) {
    let Report { window, errors, slow, limit, spread } = report;
    answer.sample(&window.treatment).sample(&window.control);
    for number in [errors.absolute, errors.relative, slow.absolute, slow.relative, *limit, *spread] {
        answer.number(number);
    }
}
