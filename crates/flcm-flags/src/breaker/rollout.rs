//! The rollout as the breaker sees it: its stages, which of them were good, and when it must not rise.
//!
//! The host reports the flag's percentage whenever it changes. The breaker uses it for three things:
//!
//! - **Prior mass.** Faults mostly begin when a percentage is raised. Half of the prior mass is on those moments.
//! - **Stepping back.** A flag that becomes slow goes back to the last *good* percentage: one that was held for ten
//!   minutes without a fault before it was raised. Load is often the cause of slowness, and less of it the cure.
//! - **Silence.** A rollout above 0 % that treats nobody for five minutes is reported, and its percentage must not
//!   rise. No data is not health: the feature may crash before it reports.

use super::plan::BETS;
use super::plan::{Plan, Scope};
use super::transition::{Cause, Event, State, Transition};
use super::{Breaker, Pending, Stage, seconds, wrap};
use crate::bucket::BUCKETS;
use crate::time::Millis;

/// The number of seconds without a treated user after which there is no data. A pause adds the prior mass of at most
/// this many.
pub(super) const QUIET: u32 = 300;

/// The number of seconds for which a percentage must be held to be a good one.
const STAGE_HOLD: u32 = 600;

/// The capital of a bet after a shared fault: the prior mass of the first stage, 1/2 - 1/4.
const FRESH_START: f64 = 0.25;

impl Breaker {
    /// Reports the percentage of the rollout, in thousandths of a percent. Call it whenever the percentage may have
    /// changed.
    ///
    /// [`Flag::percentage_at`](crate::Flag::percentage_at) computes it. Reporting the same percentage again changes
    /// nothing.
    ///
    /// ```
    /// use flcm_flags::breaker::{Breaker, Event, Plan, Scope};
    /// use flcm_flags::{Millis, Policy, TripState};
    ///
    /// let plan = Plan::new(&Policy::DEFAULT, Scope::Fleet);
    /// let mut breaker = Breaker::new(7, Millis(0));
    /// breaker.stage(10_000, Millis(0));
    /// let silent = breaker.poll(&plan, Millis(300_000)).unwrap();
    /// assert_eq!(silent.event, Event::NoData);
    /// assert_eq!(breaker.trip_state(), TripState::Capped(10_000), "it must not rise");
    /// ```
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

    /// Holds the rollout at its percentage, because the control fails as well. One that was taken back stays there
    /// anyway.
    pub(super) fn hold_stage(&mut self, plan: &Plan) -> Option<Transition> {
        if core::mem::replace(&mut self.held, true) || self.state == State::Open {
            return None;
        }
        let before = self.before(plan);
        self.stage.cap = before.percent;
        Some(Transition {
            percent_before: before.percent,
            ..self.transition(plan, Event::StageHeld, Some(plan.named(Cause::Shared)))
        })
    }

    /// Ends the hold: what both arms use is well again.
    ///
    /// The failures that it caused in the treatment say nothing about the flag, so the evidence against the threshold
    /// starts anew.
    pub(super) fn release_stage(&mut self, plan: &Plan) -> Option<Transition> {
        self.errors.absolute = [FRESH_START; BETS];
        self.held = false;
        if self.state == State::Open {
            return None;
        }
        self.stage.cap = 0;
        Some(self.transition(plan, Event::StageReleased, None))
    }

    /// Whether silence would be a fault: the flag has a percentage above 0, and the breaker sees the outcomes of all
    /// hosts.
    pub(super) fn expects_data(&self, plan: &Plan) -> bool {
        plan.scope == Scope::Fleet && self.stage.percent > 0 && !self.quiet && self.acts(plan)
    }

    /// Reports that nobody was treated for a while, and caps the rollout at its percentage.
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

    /// Notes that somebody was treated. True if a rollout was held for lack of data, and may go on unless they failed.
    pub(super) fn data_again(&mut self, pending: &Pending, second: u32) -> bool {
        if pending.treatment == 0 {
            return false;
        }
        self.last_treated = second;
        core::mem::replace(&mut self.quiet, false) && !self.held && self.state == State::Closed
    }
}

impl Stage {
    /// Sets the percentage.
    ///
    /// A percentage becomes a good one when the rollout is raised beyond it after it was held long enough. `proves`
    /// says whether time counts at all: not while the breaker is open, or without data.
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

    /// The percentage to go back to: the last good one, if it is lower than the current one. 0 without any.
    pub(super) const fn good_below_now(&self) -> u32 {
        if self.last_good < self.percent { self.last_good } else { 0 }
    }

    /// After a rollback, what has been reached must prove itself anew.
    pub(super) const fn prove_anew(&mut self, second: u32) {
        self.since = second;
    }
}
