//! The state machine: what outcomes and the passing of time do to a breaker.
//!
//! Each second that is over is weighed once ([`Breaker::settle`]):
//!
//! 1. Closed, or open with a cap: the second is added to the evidence. If a statistic reaches the limit, the flag
//!    trips.
//! 2. Half-open: the second is added to the sequential test of the probe. It ends with recovery, or with another wait.
//! 3. Open without a cap: nobody has the feature, so there is nothing to weigh.
//!
//! Afterwards time alone may change the state ([`Breaker::change`]): a probe begins or ends, an operator is reminded,
//! or a rollout without users is reported.
//!
//! **Causes decide how a flag comes back.** When the treatment does worse than its control, the flag itself is at
//! fault, and waiting does not mend that: an operator must acknowledge the rollback. When the control fails as well,
//! something that both use is at fault, and the breaker probes until that is over. It probes as well after an absolute
//! fault, where the treatment fails more often than the threshold allows and nothing points to a cause.
//!
//! **No state lasts without an end.** Waits double up to half an hour, probing ends after ten minutes, and operators
//! are reminded once a day. After the third rollback within a day, or the fifth failed attempt, an operator must look,
//! because the flag would only flap.
//!
//! **The order of the checks matters.** Slow calls come last: a flag that is slow *and* fails is rolled back for its
//! errors. A cap is not enough for those.

use super::plan::{Bets, Plan, Scope};
use super::rollout::QUIET;
use super::sequential::{Evidence, MOST, Stratum};
use super::transition::{Cause, Event, Mode, Next, State, Transition};
use super::window::Arms;
use super::{Breaker, Pending, seconds, wrap};
use crate::bucket::mix;
use crate::counts::{Counts, Sample};
use crate::policy::{Action, Detector, Recovery, Shared};
use crate::time::Millis;

/// A stratum closes when it has this many outcomes of each arm. Whether they were failures must not matter: a rule that
/// stops at a failure would favour one arm.
const STRATUM: u32 = 3;
/// A stratum closes after this many seconds even with fewer outcomes.
const STRATUM_SECONDS: u8 = 30;

/// How long a probe may last, in milliseconds. Without a result by then the breaker opens again.
const PROBING: u64 = 600_000;

/// The longest wait for a probe, in milliseconds. A longer cooldown stays as it is, and does not grow.
const LONGEST_WAIT: u64 = 1_800_000;

/// Failed attempts to recover before an operator must look.
const ATTEMPTS: u8 = 5;

/// Rollbacks within a day before an operator must look.
const TRIPS_PER_DAY: u8 = 3;

const HOUR: u32 = 3_600;
const DAY: u32 = 86_400;
const DAY_MILLIS: u64 = 86_400_000;

/// The prior mass of a second: half a unit of mass is spread over the day.
const MASS_A_SECOND: f64 = 1.0 / 172_800.0;

impl Breaker {
    /// Lets time pass: some whole seconds, or up to what the state waits for.
    ///
    /// `before` is the second of the last call, and `passed` the number of seconds since then.
    #[inline(never)]
    pub(super) fn advance(&mut self, plan: &Plan, before: u64, passed: u64) -> Option<Transition> {
        let settled = if passed > 0 { self.settle(plan, before) } else { None };
        let passed = u32::try_from(passed).unwrap_or(u32::MAX);
        // What happened, happened in the second that was weighed: it is as long ago as that.
        self.gap = if settled.is_some() { passed } else { self.gap.saturating_add(passed) };
        self.window.move_to(seconds(self.now), plan.policy.window);
        settled.or_else(|| self.change(plan))
    }

    /// The change that is due by time alone, if any.
    fn change(&mut self, plan: &Plan) -> Option<Transition> {
        match self.state {
            State::Closed => self.no_data(plan),
            State::Open if self.mode != Mode::Auto || self.now < self.until => None,
            State::Open if self.sticky => Some(self.remind(plan)),
            State::Open => Some(self.half_open(plan)),
            State::HalfOpen if self.now < self.until => None,
            State::HalfOpen => Some(self.open_again(plan, Event::ProbeInconclusive)),
        }
    }

    /// Weighs the outcomes of a second that is over; nothing if there were none.
    fn settle(&mut self, plan: &Plan, second: u64) -> Option<Transition> {
        if self.pending.is_empty() && !self.due {
            return None;
        }
        let pending = core::mem::take(&mut self.pending);
        let gap = core::mem::take(&mut self.gap);
        self.due = false;
        let again = self.data_again(&pending, wrap(second));
        let happened = match self.state {
            State::HalfOpen => self.probe(plan, &pending),
            State::Open if self.stage.cap == 0 => None,
            State::Closed | State::Open => {
                self.weigh(plan, &pending, second, gap);
                self.verdict(plan)
            }
        };
        // A held rollout stays held when the first outcomes after the silence are bad.
        if again && happened.is_none() {
            self.stage.cap = 0;
            return Some(self.transition(plan, Event::StageReleased, None));
        }
        happened
    }

    /// Adds a second to the evidence. `gap` is the number of seconds since the last one that had outcomes.
    fn weigh(&mut self, plan: &Plan, pending: &Pending, second: u64, gap: u32) {
        let before = second.saturating_sub(gap.into());
        let treated = pending.treatment > 0;
        self.spread.add(before, second, pending.control_failed, &mut self.spoiled, treated);
        let spread = self.spread_factor(plan);
        let mass = self.prior_mass(gap);
        self.errors.weigh(&plan.errors, pending.failed, pending.treatment, mass, spread);
        self.errors.treatment = self.errors.treatment.saturating_add(pending.failed);
        self.errors.control = self.errors.control.saturating_add(pending.control_failed);
        if let Some(bets) = &plan.slow {
            self.slow.weigh(bets, pending.slow, pending.treatment, mass, spread);
            self.slow.treatment = self.slow.treatment.saturating_add(pending.slow);
            self.slow.control = self.slow.control.saturating_add(pending.control_slow);
        }
        self.stratum.add(mass, pending);
        self.age = self.age.saturating_add(u8::try_from(gap).unwrap_or(u8::MAX));
        let full = self.stratum.treatment >= STRATUM && self.stratum.control >= STRATUM;
        if plan.scope != Scope::Host && (full || self.age >= STRATUM_SECONDS) {
            self.close_stratum(plan, spread);
        }
    }

    /// What divides the logarithms of bets. Pages count once a minute each, so their errors do not come in bursts, and
    /// a stranger who invents bursts must not make the breaker blind.
    pub(super) fn spread_factor(&self, plan: &Plan) -> f64 {
        if plan.scope == Scope::Pages { 1.0 } else { self.spread.factor() }
    }

    /// Compares the arms of the open stratum, and begins another one.
    fn close_stratum(&mut self, plan: &Plan, spread: f64) {
        let stratum = core::mem::take(&mut self.stratum);
        self.age = 0;
        self.errors.compare(plan, &stratum, spread);
        if plan.slow.is_some() {
            self.slow.compare(plan, &stratum, spread);
        }
    }

    /// Weighs late counts as a stratum of their own, beside the open one.
    ///
    /// They belong to no second that is still open. Compared with each other, treatment and control of the same batch
    /// are fair, whatever the percentage was at the time. The verdict follows when the current second is over.
    pub(super) fn weigh_late(&mut self, plan: &Plan, counts: &Counts) {
        let mut own = Pending::default();
        own.add(&counts.treatment, &counts.control);
        self.due = true;
        if own.treatment > 0 {
            self.last_treated = wrap(seconds(self.now));
        }
        if self.state == State::HalfOpen {
            self.errors.probe(&plan.errors, own.failed, own.treatment);
            if let Some(bets) = &plan.slow {
                self.slow.probe(bets, own.slow, own.treatment);
            }
            return;
        }
        let spread = self.spread_factor(plan);
        let stratum = Stratum { mass: 0.0, treatment: own.treatment, control: own.control };
        late(&mut self.errors, plan, &plan.errors, &stratum, (own.failed, own.control_failed), spread);
        if let Some(bets) = &plan.slow {
            late(&mut self.slow, plan, bets, &stratum, (own.slow, own.control_slow), spread);
        }
    }

    /// The prior mass of bets that begin now.
    ///
    /// Half of all mass is on the start of a generation and on the stages of the rollout, because that is when faults
    /// begin. The other half is spread over the day. A pause adds the mass of at most five minutes.
    #[expect(clippy::float_arithmetic, reason = "part of the statistic")]
    fn prior_mass(&mut self, gap: u32) -> f64 {
        // The j-th stage has 1 / (2 j (j + 1)), so those from i to j have together 1 / 2i - 1 / 2(j + 1).
        let share = |stage: u8| 0.5 / (f64::from(stage) + 1.0);
        let placed = share(self.started) - share(self.stages);
        self.started = self.stages;
        placed + MASS_A_SECOND * f64::from(gap.min(QUIET))
    }

    /// Acts on the evidence, if it is enough.
    fn verdict(&mut self, plan: &Plan) -> Option<Transition> {
        if self.held && !self.quiet && self.control_is_well(plan) {
            return self.release_stage(plan);
        }
        match self.fault(plan) {
            Some(Cause::Shared) if plan.policy.shared == Shared::Hold && self.acts(plan) => {
                // What is slow on top of it is another matter.
                if let Some(cause) = self.slow_fault(plan) { self.trip(plan, cause) } else { self.hold_stage(plan) }
            }
            Some(cause) => self.trip(plan, cause),
            None => None,
        }
    }

    /// The fault that the evidence shows, if it is certain enough. The comparison with the control comes first, because
    /// it shows most about the cause.
    fn fault(&self, plan: &Plan) -> Option<Cause> {
        if plan.policy.detector == Detector::Rate {
            return self.rate_exceeded(plan);
        }
        let exceeds = |statistic: f64| statistic >= plan.limit;
        if exceeds(self.errors.against_control()) {
            return Some(self.unless_missing(Cause::Relative));
        }
        if exceeds(self.errors.against_threshold()) {
            let shared = self.control_fails(plan);
            return Some(self.unless_missing(if shared { Cause::Shared } else { Cause::Absolute }));
        }
        self.slow_fault(plan)
    }

    /// The same for slow calls.
    fn slow_fault(&self, plan: &Plan) -> Option<Cause> {
        if self.slow.against_control() >= plan.limit {
            return Some(Cause::SlowRelative);
        }
        (self.slow.against_threshold() >= plan.limit).then_some(Cause::SlowAbsolute)
    }

    /// Whether there are enough outcomes of the control to know that it does not fail.
    fn control_is_well(&self, plan: &Plan) -> bool {
        self.window.control_now(plan.policy.window).total >= super::window::ENOUGH && !self.control_fails(plan)
    }

    /// Whether the control fails more often than the threshold allows, by its outcomes of the last minute.
    fn control_fails(&self, plan: &Plan) -> bool {
        let control = self.window.control_now(plan.policy.window);
        is_above(control.failures(), control.total, plan.errors.threshold)
    }

    /// The rule of [`Detector::Rate`]: a rate above the threshold, in a window with enough outcomes.
    fn rate_exceeded(&self, plan: &Plan) -> Option<Cause> {
        let treatment = self.window.total().treatment;
        if treatment.total < plan.policy.min_samples {
            return None;
        }
        if is_above(treatment.failures(), treatment.total, plan.errors.threshold) {
            return Some(self.unless_missing(Cause::Rate));
        }
        let slow = plan.slow.is_some_and(|bets| is_above(treatment.slow, treatment.total, bets.threshold));
        slow.then_some(Cause::SlowRate)
    }

    /// [`Cause::Missing`] in place of a cause, when most failures of the treatment are missing outcomes and those of
    /// the control are not: then the feature itself keeps outcomes from being reported, for example by a crash.
    fn unless_missing(&self, cause: Cause) -> Cause {
        let Arms { treatment, control } = self.window.total();
        let lost = |sample: Sample| sample.missing > sample.errors;
        if lost(treatment) && !lost(control) { Cause::Missing } else { cause }
    }

    /// Rolls the flag back, or reports that it would have been.
    ///
    /// `WouldTrip` is reported once in a generation. In mode `ForcedClosed` nothing happens at all.
    fn trip(&mut self, plan: &Plan, cause: Cause) -> Option<Transition> {
        if self.mode == Mode::ForcedClosed {
            return None;
        }
        if !self.acts(plan) {
            let reported = core::mem::replace(&mut self.noted, true);
            return (!reported).then(|| self.transition(plan, Event::WouldTrip, Some(plan.named(cause))));
        }
        let before = self.before(plan);
        self.count_trip();
        self.cause = plan.named(cause);
        self.sticky = self.needs_person(plan);
        let steps_back = (plan.policy.action == Action::StepBack || cause.is_slow()) && self.state == State::Closed;
        self.stage.cap = if steps_back { self.stage.good_below_now() } else { 0 };
        Some(self.enter(plan, State::Open, Event::Tripped, &before))
    }

    /// Whether faults lead to rollbacks, rather than to reports alone.
    pub(super) fn acts(&self, plan: &Plan) -> bool {
        self.mode == Mode::Auto && plan.policy.action != Action::Notify
    }

    /// Counts an attempt and a trip of the day. Each healthy hour before takes one attempt back.
    fn count_trip(&mut self) {
        let hours = if self.state == State::Closed { self.elapsed(self.since) / HOUR } else { 0 };
        let healthy = u8::try_from(hours).unwrap_or(u8::MAX);
        self.attempt = self.attempt.saturating_sub(healthy).saturating_add(1);
        if self.elapsed(self.first_trip) >= DAY || self.trips == 0 {
            self.first_trip = wrap(seconds(self.now));
            self.trips = 0;
        }
        self.trips = self.trips.saturating_add(1);
    }

    /// Whether an operator must acknowledge the rollback: by the policy, or because the flag has tripped too often.
    fn needs_person(&self, plan: &Plan) -> bool {
        let by_policy = match plan.policy.recovery {
            Recovery::Auto => false,
            Recovery::ByCause => self.cause.is_own_fault(),
            Recovery::Sticky => true,
        };
        plan.waits_for_operators() && (by_policy || self.trips >= TRIPS_PER_DAY || self.attempt > ATTEMPTS)
    }

    /// Begins to probe the flag.
    fn half_open(&mut self, plan: &Plan) -> Transition {
        let before = self.before(plan);
        self.enter(plan, State::HalfOpen, Event::HalfOpened, &before)
    }

    /// Weighs a second of a half-open flag. Errors and slow calls must both be healthy for the flag to recover.
    fn probe(&mut self, plan: &Plan, pending: &Pending) -> Option<Transition> {
        self.errors.probe(&plan.errors, pending.failed, pending.treatment);
        let mut healthy = self.errors.probe <= plan.close;
        let mut failed = self.errors.probe >= plan.reopen;
        if let Some(bets) = &plan.slow {
            self.slow.probe(bets, pending.slow, pending.treatment);
            healthy &= self.slow.probe <= plan.close;
            failed |= self.slow.probe >= plan.reopen;
        }
        if failed {
            self.attempt = self.attempt.saturating_add(1);
            return Some(self.open_again(plan, Event::Reopened));
        }
        healthy.then(|| self.close(plan, Event::Recovered))
    }

    /// Ends a probe that failed or had no result.
    fn open_again(&mut self, plan: &Plan, event: Event) -> Transition {
        let before = self.before(plan);
        self.sticky = self.needs_person(plan);
        self.enter(plan, State::Open, event, &before)
    }

    /// Closes the breaker, without a cap.
    pub(super) fn close(&mut self, plan: &Plan, event: Event) -> Transition {
        let before = self.before(plan);
        self.stage.cap = 0;
        self.sticky = false;
        self.enter(plan, State::Closed, event, &before)
    }

    /// Reminds operators of a rollback that waits for one of them, once a day.
    fn remind(&mut self, plan: &Plan) -> Transition {
        self.until = Millis(self.now.0.saturating_add(DAY_MILLIS));
        self.transition(plan, Event::Reminder, Some(self.cause))
    }

    /// Enters a state, with a new generation and without evidence. The transition carries the report from before.
    pub(super) fn enter(&mut self, plan: &Plan, state: State, event: Event, before: &Before) -> Transition {
        let report = before.report;
        self.state = state;
        self.since = wrap(seconds(self.now));
        self.forget();
        self.until = match state {
            State::Closed => Millis(0),
            State::Open if self.sticky || self.mode == Mode::Held => Millis(self.now.0.saturating_add(DAY_MILLIS)),
            State::Open => Millis(self.now.0.saturating_add(self.wait(plan))),
            State::HalfOpen => Millis(self.now.0.saturating_add(PROBING)),
        };
        let cause = if event == Event::ModeChanged { Cause::Manual } else { self.cause };
        let transition = self.transition(plan, event, Some(cause));
        Transition { from: before.state, percent_before: before.percent, report, ..transition }
    }

    /// Starts the evidence anew, under a new generation.
    fn forget(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        self.forget_evidence();
        self.pending = Pending::default();
        (self.noted, self.held, self.quiet) = (false, false, false);
        self.last_treated = wrap(seconds(self.now));
        self.stage.prove_anew(wrap(seconds(self.now)));
        self.window.clear();
    }

    /// Starts the evidence anew within the generation. The spread stays: it describes the control, not the flag.
    pub(super) fn forget_evidence(&mut self) {
        (self.errors, self.slow, self.stratum) = (Evidence::default(), Evidence::default(), Stratum::default());
        (self.stages, self.started, self.age, self.gap, self.due) = (1, 0, 0, 1, false);
    }

    /// Milliseconds until the next probe: exponential back-off with jitter.
    ///
    /// The wait doubles with each attempt. The jitter is a fifth more or less, so that not all flags probe at once. It
    /// is a hash of seed, generation and attempt, so the same breaker waits equally long on every host.
    fn wait(&self, plan: &Plan) -> u64 {
        let doublings = u32::from(self.attempt.saturating_sub(1).min(16));
        let cooldown = u64::from(plan.policy.cooldown).saturating_mul(1000);
        let wait = cooldown.saturating_mul(1 << doublings).min(cooldown.max(LONGEST_WAIT));
        let jitter = (u64::from(self.seed) << 32) ^ u64::from(self.generation) ^ (u64::from(self.attempt) << 40);
        // 800 to 1,200 thousandths.
        let thousandths = 800_u64.saturating_add(mix(jitter) % 401);
        wait.saturating_mul(thousandths) / 1000
    }

    /// What a transition reports of the time before it. Take it before anything changes.
    pub(super) fn before(&self, plan: &Plan) -> Before {
        Before { state: self.state, percent: self.exposure(plan), report: self.report(plan) }
    }

    /// A transition that describes the breaker as it is now, with the next sequence number.
    pub(super) fn transition(&mut self, plan: &Plan, event: Event, cause: Option<Cause>) -> Transition {
        self.sequence = self.sequence.wrapping_add(1);
        let percent = self.exposure(plan);
        Transition {
            event,
            cause,
            from: self.state,
            to: self.state,
            mode: self.mode,
            generation: self.generation,
            sequence: self.sequence,
            at: self.now,
            attempt: self.attempt,
            trips: self.trips,
            percent_before: percent,
            percent_after: percent,
            next: self.next(),
            report: self.report(plan),
        }
    }

    /// What must happen for the breaker to close.
    pub(super) const fn next(&self) -> Next {
        match self.state {
            State::Open if !matches!(self.mode, Mode::Auto) => Next::Release,
            State::Open if self.sticky => Next::Acknowledge,
            State::Open => Next::Probe(self.until),
            State::Closed | State::HalfOpen => Next::Nothing,
        }
    }
}

/// State, exposure and report before a transition.
pub(super) struct Before {
    state: State,
    pub(super) percent: u32,
    report: super::Report,
}

impl Stratum {
    #[expect(clippy::float_arithmetic, reason = "part of the statistic")]
    fn add(&mut self, mass: f64, pending: &Pending) {
        self.mass = (self.mass + mass).min(MOST);
        self.treatment = self.treatment.saturating_add(pending.treatment);
        self.control = self.control.saturating_add(pending.control);
    }
}

/// Weighs one metric of late counts. The counts of the open stratum are set aside meanwhile.
fn late(evidence: &mut Evidence, plan: &Plan, bets: &Bets, stratum: &Stratum, failed: (u32, u32), spread: f64) {
    evidence.weigh(bets, failed.0, stratum.treatment, 0.0, spread);
    if plan.scope != Scope::Host {
        let open = (evidence.treatment, evidence.control);
        (evidence.treatment, evidence.control) = failed;
        evidence.compare(plan, stratum, spread);
        (evidence.treatment, evidence.control) = open;
    }
}

/// Whether a share is above a threshold. It multiplies instead of dividing, so there is no division by zero.
#[expect(clippy::float_arithmetic, reason = "the plain rule, as documents write it")]
fn is_above(part: u32, whole: u32, threshold: f64) -> bool {
    f64::from(part) > threshold * f64::from(whole)
}
