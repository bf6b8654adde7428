//! The rollout as the breaker sees it: its stages, which of them were good, and when it must not go on.

use super::plan::{Plan, Scope};
use super::sequential::BETS;
use super::transition::{Cause, Event, State, Transition};
use super::{Breaker, Pending, Stage, seconds, wrap};
use crate::bucket::BUCKETS;
use crate::time::Millis;

/// Seconds without a treated user after which there is no data. A pause adds no more prior mass than so many seconds.
pub(super) const QUIET: u32 = 300;

/// Seconds that a percentage must be held for to be a good one.
const STAGE_HOLD: u32 = 600;

/// The prior mass of a start.
const FRESH_START: f64 = 0.25;

impl Breaker {
    /// The percentage of the rollout, in thousandths of a percent, whenever it changes: raising it is when faults
    /// begin.
    pub fn stage(&mut self, percent: u32, now: Millis) {
        let (percent, second) = (percent.min(BUCKETS), wrap(seconds(self.at(now))));
        if percent > self.stage.percent {
            self.stages = self.stages.saturating_add(u8::from(self.stage.percent > 0));
        }
        if self.stage.percent == 0 {
            self.last_treated = second;
        }
        let proves = self.state == State::Closed && !self.quiet && !self.held;
        self.stage.set(percent, second, proves);
    }

    /// The rollout stays where it is; what has been taken back already stays there anyway.
    pub(super) fn hold_stage(&mut self, plan: &Plan) -> Option<Transition> {
        if core::mem::replace(&mut self.held, true) || self.state == State::Open {
            return None;
        }
        let before = self.before(plan);
        self.stage.cap = before.percent;
        Some(Transition {
            percent_before: before.percent,
            ..self.transition(plan, Event::StageHeld, Some(Cause::Shared))
        })
    }

    /// What both arms use is well again. What it has done to the treatment says nothing any more, so that the evidence
    /// against the threshold starts anew.
    pub(super) fn release_stage(&mut self, plan: &Plan) -> Option<Transition> {
        self.errors.absolute = [FRESH_START; BETS];
        self.held = false;
        if self.state == State::Open {
            return None;
        }
        self.stage.cap = 0;
        Some(self.transition(plan, Event::StageReleased, None))
    }

    /// Whether a fleet should be using the flag.
    pub(super) fn expects_data(&self, plan: &Plan) -> bool {
        plan.scope == Scope::Fleet && self.stage.percent > 0 && !self.quiet && self.acts(plan)
    }

    /// Nobody has been treated for a while: that is no health, and the rollout stays where it is.
    pub(super) fn no_data(&mut self, plan: &Plan) -> Option<Transition> {
        if !self.expects_data(plan) || self.elapsed(self.last_treated) < QUIET {
            return None;
        }
        self.quiet = true;
        if self.stage.cap == 0 {
            self.stage.cap = self.stage.percent;
        }
        Some(self.transition(plan, Event::NoData, None))
    }

    /// Takes down that somebody was treated; whether a rollout that had no data may go on, if they fared well.
    pub(super) fn data_again(&mut self, pending: &Pending, second: u32) -> bool {
        if pending.treatment == 0 {
            return false;
        }
        self.last_treated = second;
        core::mem::replace(&mut self.quiet, false) && !self.held && self.state == State::Closed
    }
}

impl Stage {
    /// Takes a percentage. One that has been reached becomes a good one when the rollout goes beyond it after it has
    /// been held for a while; `proves`: while users had it, and were seen to.
    fn set(&mut self, percent: u32, second: u32, proves: bool) {
        let held = proves && second.wrapping_sub(self.since) >= STAGE_HOLD;
        if percent < self.candidate {
            self.candidate = percent;
            self.since = second;
        } else if percent > self.candidate && (held || self.candidate == 0) {
            self.last_good = if held { self.candidate } else { self.last_good };
            self.candidate = percent;
            self.since = second;
        }
        if self.last_good >= percent {
            self.last_good = 0;
        }
        self.percent = percent;
    }

    /// The percentage to go back to: a good one that is lower than what is served now.
    pub(super) const fn good_below_now(&self) -> u32 {
        if self.last_good < self.percent { self.last_good } else { 0 }
    }

    /// After a rollback, what has been reached must prove itself anew.
    pub(super) const fn prove_anew(&mut self, second: u32) {
        self.since = second;
    }
}
