//! Commands: what operators, and the breakers of other flags, do to a breaker.
//!
//! An operator can always get a breaker out of its state, and a command that changes nothing returns `None`. Commands
//! that change the state begin a new generation: evidence from before an intervention says nothing about the time after
//! it.

use super::plan::Plan;
use super::transition::{Event, Mode, State, Transition};
use super::{Breaker, Pending, seconds, wrap};
use crate::time::Millis;

/// For how long a flag's evidence rests after a flag that it depends on has tripped, in milliseconds.
const REST: u64 = 30_000;

impl Breaker {
    /// Ends a rollback, or the hold of a percentage: an operator has looked at it, and the flag goes on.
    ///
    /// `generation` must be that of the rollback, as its transition names it. So an operator cannot acknowledge a
    /// rollback that happened after the one they saw. Attempts and trips of the day start at 0 again.
    ///
    /// ```
    /// use flcm_flags::breaker::{Breaker, Event, Next, Plan, Scope, State};
    /// use flcm_flags::{Counts, Millis, Policy, Sample};
    ///
    /// let plan = Plan::new(&Policy::DEFAULT, Scope::Fleet);
    /// let mut breaker = Breaker::new(7, Millis(0));
    /// let treatment = Sample { total: 50, errors: 50, ..Sample::default() };
    /// let control = Sample { total: 450, ..Sample::default() };
    /// let counts = Counts { generation: breaker.generation(), age: 0, treatment, control };
    /// let _ = breaker.record(&plan, &counts, Millis(0));
    /// let tripped = breaker.poll(&plan, Millis(1_000)).unwrap();
    /// assert_eq!(tripped.next, Next::Acknowledge, "it did worse than its control");
    ///
    /// assert_eq!(breaker.acknowledge(&plan, tripped.generation + 1, Millis(2_000)), None);
    /// let closed = breaker.acknowledge(&plan, tripped.generation, Millis(2_000)).unwrap();
    /// assert_eq!((closed.event, breaker.state()), (Event::Acknowledged, State::Closed));
    /// ```
    pub fn acknowledge(&mut self, plan: &Plan, generation: u32, now: Millis) -> Option<Transition> {
        let waits = self.state != State::Closed || self.stage.cap > 0 || self.noted;
        // Before the time is set: what changes nothing must not swallow the second that is still to be weighed.
        if generation != self.generation || self.mode == Mode::Held || !waits {
            return None;
        }
        self.now = self.clamp(now);
        (self.attempt, self.trips) = (0, 0);
        Some(self.close(plan, Event::Acknowledged))
    }

    /// Holds the flag off, whatever the outcomes, until an operator [releases](Self::release) it.
    ///
    /// ```
    /// use flcm_flags::breaker::{Breaker, Plan, Scope};
    /// use flcm_flags::{Millis, Policy, TripState};
    ///
    /// let plan = Plan::new(&Policy::DEFAULT, Scope::Fleet);
    /// let mut breaker = Breaker::new(7, Millis(0));
    /// assert!(breaker.hold(&plan, Millis(1_000)).is_some());
    /// assert_eq!(breaker.trip_state(), TripState::HeldOff);
    /// assert_eq!(breaker.hold(&plan, Millis(2_000)), None, "it is held already");
    /// assert!(breaker.release(&plan, Millis(3_000)).is_some());
    /// assert_eq!(breaker.trip_state(), TripState::Clear);
    /// ```
    pub fn hold(&mut self, plan: &Plan, now: Millis) -> Option<Transition> {
        self.set_mode(plan, Mode::Held, now)
    }

    /// Sets the mode back to [`Mode::Auto`]: the breaker decides again, from closed and without evidence.
    pub fn release(&mut self, plan: &Plan, now: Millis) -> Option<Transition> {
        self.set_mode(plan, Mode::Auto, now)
    }

    /// Sets the mode; `None` when the breaker is in that mode already.
    ///
    /// [`Mode::Held`] opens the breaker, every other mode closes it. Caps end, and the evidence starts anew.
    pub fn set_mode(&mut self, plan: &Plan, mode: Mode, now: Millis) -> Option<Transition> {
        if mode == self.mode {
            return None;
        }
        self.now = self.clamp(now);
        let before = self.before(plan);
        self.mode = mode;
        (self.stage.cap, self.sticky) = (0, false);
        let state = if mode == Mode::Held { State::Open } else { State::Closed };
        Some(self.enter(plan, state, Event::ModeChanged, &before))
    }

    /// Goes on under another policy: the state stays, and the evidence starts anew.
    ///
    /// A flag that was rolled back is not let on again by an edit of its document. A rollout that was held at its
    /// percentage may rise again. The time of the next probe stays.
    ///
    /// ```
    /// use flcm_flags::breaker::{Breaker, Plan, Scope};
    /// use flcm_flags::{Millis, Policy};
    ///
    /// let mut breaker = Breaker::new(7, Millis(0));
    /// let before = breaker.generation();
    /// let plan = Plan::new(&Policy { rate: 0.01, ..Policy::DEFAULT }, Scope::Fleet);
    /// assert_eq!(breaker.configure(&plan, Millis(1_000)).generation, before + 1);
    /// ```
    pub fn configure(&mut self, plan: &Plan, now: Millis) -> Transition {
        self.now = self.clamp(now);
        let (until, since) = (self.until, self.since);
        let before = self.before(plan);
        if self.state == State::Closed {
            self.stage.cap = 0;
        }
        let transition = self.enter(plan, self.state, Event::Configured, &before);
        (self.until, self.since) = (until, since);
        Transition { cause: None, next: self.next(), ..transition }
    }

    /// Takes over the numbers of another breaker of the same flag where they are higher. The evidence stays.
    ///
    /// Where servers and pages have a breaker each, hosts know one generation of the flag. So outcomes that were decided
    /// before the other breaker changed are no evidence here either, and no two events of the flag have the same
    /// identity.
    ///
    /// ```
    /// use flcm_flags::Millis;
    /// use flcm_flags::breaker::{Breaker, Plan, Scope};
    ///
    /// let plan = Plan::new(&flcm_flags::Policy::DEFAULT, Scope::Fleet);
    /// let (mut servers, mut pages) = (Breaker::new(7, Millis(0)), Breaker::new(7, Millis(0)));
    /// let _ = servers.hold(&plan, Millis(0));
    /// pages.follow(&servers);
    /// assert_eq!(pages.generation(), servers.generation());
    /// ```
    pub fn follow(&mut self, other: &Self) {
        self.generation = self.generation.max(other.generation);
        self.sequence = self.sequence.max(other.sequence);
    }

    /// Lets the evidence rest for half a minute, because something that this flag needs is off.
    ///
    /// Outcomes of the second that is not over are dropped: they may have been caused by the same fault.
    /// Until then, outcomes are no evidence, silence is not reported as missing data, and the flag is not probed. Call
    /// it again while the cause lasts: [`poll_all`](crate::orchestrate::poll_all) does.
    pub fn rest(&mut self, now: Millis) {
        let now = self.at(now);
        let end = Millis(now.0.saturating_add(REST));
        self.last_treated = wrap(seconds(now));
        if !self.pending.is_empty() || self.due {
            // A plain rate is taken over the window.
            self.window.forget_part();
            self.pending = Pending::default();
        }
        if self.due {
            // What came late is weighed already, and cannot be taken out again of what was known before.
            self.forget_evidence();
        }
        if self.state == State::Closed {
            self.until = end;
        } else if self.state == State::Open && !self.sticky {
            self.until = self.until.max(end);
        }
    }
}
