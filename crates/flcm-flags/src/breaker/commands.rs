//! What people, and the breakers of other flags, do to a breaker.

use super::plan::Plan;
use super::transition::{Event, Mode, State, Transition};
use super::{Breaker, Pending, seconds, wrap};
use crate::time::Millis;

/// Milliseconds for which a flag's evidence rests after a flag that it depends on has tripped.
const REST: u64 = 30_000;

impl Breaker {
    /// A person has seen that the flag was rolled back, or held at its percentage, and lets it go on. `generation` must
    /// be that of the rollback: one that happened since is not meant.
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

    /// Holds the flag off, whatever the outcomes, until somebody [releases](Self::release) it.
    pub fn hold(&mut self, plan: &Plan, now: Millis) -> Option<Transition> {
        self.set_mode(plan, Mode::Held, now)
    }

    /// Lets the breaker decide again.
    pub fn release(&mut self, plan: &Plan, now: Millis) -> Option<Transition> {
        self.set_mode(plan, Mode::Auto, now)
    }

    /// Does what a person says; `None` when that is so already. The evidence starts anew.
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

    /// Goes on under another policy: the state stays, the evidence starts anew.
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

    /// Something that this flag needs is off: outcomes of the next half minute are no evidence against it, that nobody
    /// uses it tells nothing, and it is not probed.
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
