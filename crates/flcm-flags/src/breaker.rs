//! The circuit breaker of a flag: outcomes go in, transitions come out.
//!
//! The pattern is that of Nygard, "Release It!", with two differences. It compares users who have the feature with
//! users who were left out by a percentage, and it weighs evidence instead of comparing a rate with a threshold.
//!
//! ```text
//!               evidence of harm: Tripped
//!        ┌───────────────────────────────────────▶ ┌──────┐
//!   ┌────┴───┐      Acknowledged by an operator    │      │
//!   │ closed │ ◀────────────────────────────────── │ open │ ◀──────────────────┐
//!   └────────┘                                     │      │                    │
//!        ▲                                         └──┬───┘                    │
//!        │                        after the cooldown: │ HalfOpened             │
//!        │                                            ▼                        │
//!        │                                     ┌───────────┐                   │
//!        └──────────────────────────────────── │ half-open │ ──────────────────┘
//!               healthy: Recovered             └───────────┘   failing: Reopened
//!                                                              no answer in ten minutes: ProbeInconclusive
//! ```
//!
//! # A breaker is a function
//!
//! State, plan, time and counts go in, and at most one transition comes out, with everything that explains it. There is
//! no clock, lock, callback or allocation. [`Breaker::record`] takes outcomes and [`Breaker::poll`] lets time pass.
//! [`Breaker::next_deadline`] is when to poll. Polling more often changes nothing.
//!
//! Outcomes of one second are added up as integers, and weighed when the second is over. So it makes no difference how
//! many hosts they came from, in which order they came (unless they are late), or how often anybody polled. Seconds
//! without outcomes add their part to the evidence when the next outcomes come.
//!
//! Evaluation knows nothing of breakers: their state reaches it as a [`TripState`].
//!
//! # Evidence instead of rates
//!
//! A rate over a window needs a minimum of outcomes. A small minimum trips healthy flags by chance, and a large one is
//! blind to flags with little traffic. Evidence has neither problem. Two statistics grow with failures and sink with
//! successes: one against the policy's threshold, one against the control. A rollback happens when one of them reaches
//! a limit, which follows from the number of false rollbacks per day that the policy allows. The private module
//! `sequential` has the formulas, the proof and the papers.
//!
//! The state of the test is ten running values per metric (five bets for each statistic), however long it has run. A
//! [`Window`] of latest outcomes is there for people to read, and for [`Detector::Rate`](crate::Detector::Rate).
//!
//! # Generations
//!
//! Each change of state, mode or policy begins a new *generation* without evidence. Decisions are made under a
//! generation, and outcomes of an older one are no evidence: a call that began before a rollback must not be counted
//! after it.
//!
//! # Time never goes back
//!
//! A clock that steps back stands still for the breaker, and [`Breaker::anomalies`] counts it. A time beyond
//! [`Millis::LATEST`] is ignored. Seconds are kept modulo 2^32 wherever only differences matter. So a breaker is 336
//! bytes beside its window, and a host can keep thousands of them.

mod bytes;
mod commands;
mod description;
mod machine;
mod plan;
mod ratio;
mod rollout;
mod sequential;
mod transition;
mod units;
mod window;

pub use bytes::BreakerError;
pub use description::{Description, TransitionId};
pub use plan::{INVENTED, Plan, Scope};
pub use ratio::{SAMPLE_RATIO_ALARM, sample_ratio};
pub use transition::{Cause, Event, Mode, Next, Report, State, Statistics, Transition};
pub use units::Units;
pub use window::{Arms, Window};

use sequential::{Evidence, Spread, Stratum};

use crate::bucket::BUCKETS;
use crate::counts::{Counts, Sample};
use crate::time::Millis;
use crate::trips::TripState;

/// Counts that a host has held back for longer than this, in milliseconds, are compared with each other alone. The
/// percentage or the error rate of the control may have changed since.
const LATE: u32 = 10_000;

/// Counts that are older than this, in milliseconds, are no evidence about the present.
const TOO_LATE: u32 = 120_000;

/// The breaker of one flag. See the [module](self) for how it works.
///
/// A host keeps one for each flag with a policy, and writes its [`trip_state`](Self::trip_state) into
/// [`Trips`](crate::Trips) after each transition. It is stored across restarts with [`to_bytes`](Self::to_bytes).
///
/// ```
/// use flcm_flags::breaker::{Breaker, Event, Plan, Scope};
/// use flcm_flags::{Counts, Millis, Policy, Sample, TripState};
///
/// let plan = Plan::new(&Policy::DEFAULT, Scope::Fleet);
/// let mut breaker = Breaker::new(7, Millis(0));
/// let failed = Sample { total: 1, errors: 1, ..Sample::default() };
/// let healthy = Sample { total: 9, ..Sample::default() };
/// for second in 0..4 {
///     let counts = Counts { generation: breaker.generation(), age: 0, treatment: failed, control: healthy };
///     assert_eq!(breaker.record(&plan, &counts, Millis(second * 1000)), None);
/// }
/// let tripped = breaker.poll(&plan, Millis(4000)).unwrap();
/// assert_eq!(tripped.event, Event::Tripped);
/// assert_eq!(breaker.trip_state(), TripState::HeldOff);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each notes that something was noticed, and they are few bytes")]
pub struct Breaker {
    /// A number of the flag. Waits are spread by it, so that not all flags of a fleet probe at once.
    seed: u32,
    generation: u32,
    sequence: u32,
    state: State,
    mode: Mode,
    /// Why it opened last.
    cause: Cause,
    /// Attempts to recover, one less for every healthy hour.
    attempt: u8,
    /// Rollbacks since `first_trip`.
    trips: u8,
    /// Waits for an operator.
    sticky: bool,
    /// `WouldTrip` was reported in this generation.
    noted: bool,
    /// The rollout is held, because the control fails as well.
    held: bool,
    /// `NoData` was reported.
    quiet: bool,
    /// Late counts were weighed, and the verdict on them is due.
    due: bool,
    /// Somebody was treated in the pair of blocks that the spread is learnt from.
    spoiled: bool,
    /// Stages that the rollout has had.
    stages: u8,
    /// Stages whose prior mass was placed.
    started: u8,
    /// Seconds that the stratum has been open.
    age: u8,
    now: Millis,
    /// Closed: outcomes before it are no evidence. Open: the first probe, or the next reminder. Half-open: its end.
    until: Millis,
    /// Second of the last change of state; like all seconds here modulo 2^32.
    since: u32,
    /// Second of the first of `trips`.
    first_trip: u32,
    /// Second of the last treated user.
    last_treated: u32,
    /// Seconds between the last second that was weighed and that of `pending`.
    gap: u32,
    stage: Stage,
    stratum: Stratum,
    pending: Pending,
    spread: Spread,
    errors: Evidence,
    slow: Evidence,
    window: Window,
}

/// The rollout as the breaker knows it; percentages in thousandths of a percent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Stage {
    /// The percentage now.
    percent: u32,
    /// A percentage that was reached and is not proved yet.
    candidate: u32,
    /// The second in which the candidate was reached.
    since: u32,
    /// The highest percentage that was held long enough without a fault.
    last_good: u32,
    /// The limit of percentages: the last good one when open, the one at which the rollout is held when closed. 0:
    /// none.
    cap: u32,
}

/// The outcomes of the second that is not over yet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Pending {
    treatment: u32,
    failed: u32,
    slow: u32,
    control: u32,
    control_failed: u32,
    control_slow: u32,
}

impl Pending {
    #[inline]
    const fn add(&mut self, treatment: &Sample, control: &Sample) {
        self.treatment = self.treatment.saturating_add(treatment.total);
        self.failed = self.failed.saturating_add(treatment.failures());
        self.slow = self.slow.saturating_add(treatment.slow);
        self.control = self.control.saturating_add(control.total);
        self.control_failed = self.control_failed.saturating_add(control.failures());
        self.control_slow = self.control_slow.saturating_add(control.slow);
    }

    const fn is_empty(&self) -> bool {
        self.treatment == 0 && self.control == 0
    }
}

impl Breaker {
    /// A closed breaker without evidence.
    ///
    /// `seed` should differ between flags and be the same for a flag on every host, such as a hash of the flag key. It
    /// spreads the times of probes. A time beyond [`Millis::LATEST`] counts as 0.
    #[must_use]
    pub fn new(seed: u64, now: Millis) -> Self {
        let now = if now > Millis::LATEST { Millis(0) } else { now };
        let second = wrap(seconds(now));
        Self {
            seed: u32::try_from(seed & 0xffff_ffff).unwrap_or(0),
            generation: 1,
            sequence: 0,
            state: State::Closed,
            mode: Mode::Auto,
            cause: Cause::Manual,
            attempt: 0,
            trips: 0,
            sticky: false,
            noted: false,
            held: false,
            quiet: false,
            due: false,
            spoiled: false,
            stages: 1,
            started: 0,
            age: 0,
            now,
            until: Millis(0),
            since: second,
            first_trip: second,
            last_treated: second,
            gap: 1,
            stage: Stage { since: second, ..Stage::default() },
            stratum: Stratum::default(),
            pending: Pending::default(),
            spread: Spread::default(),
            errors: Evidence::default(),
            slow: Evidence::default(),
            window: Window::new(seconds(now)),
        }
    }

    /// Adds outcomes. Time passes first, so it may return a transition, like [`poll`](Self::poll).
    ///
    /// The outcomes are weighed when their second is over. Counts of another generation, and counts that were held back
    /// for more than two minutes, are ignored. Counts that are not [valid](Counts::is_valid) are refused as a whole and
    /// counted in [`anomalies`](Self::anomalies).
    ///
    /// ```
    /// use flcm_flags::breaker::{Breaker, Plan, Scope};
    /// use flcm_flags::{Counts, Millis, Policy, Sample};
    ///
    /// let plan = Plan::new(&Policy::DEFAULT, Scope::Fleet);
    /// let mut breaker = Breaker::new(7, Millis(0));
    /// let treatment = Sample { total: 3, errors: 1, ..Sample::default() };
    /// let counts = Counts { generation: breaker.generation(), treatment, ..Counts::default() };
    /// assert_eq!(breaker.record(&plan, &counts, Millis(500)), None);
    ///
    /// let of_before = Counts { generation: breaker.generation() - 1, ..counts };
    /// let impossible = Counts { treatment: Sample { total: 1, errors: 2, ..Sample::default() }, ..counts };
    /// let _ = breaker.record(&plan, &of_before, Millis(600));
    /// let _ = breaker.record(&plan, &impossible, Millis(700));
    /// assert_eq!((breaker.window().total().treatment.total, breaker.anomalies()), (3, (0, 1)));
    /// ```
    #[inline]
    pub fn record(&mut self, plan: &Plan, counts: &Counts, now: Millis) -> Option<Transition> {
        let transition = self.poll(plan, now);
        if !counts.is_valid() {
            self.window.refused = self.window.refused.saturating_add(1);
            return transition;
        }
        if counts.generation != self.generation || counts.age > TOO_LATE {
            return transition;
        }
        if self.state == State::Closed && self.now < self.until {
            return transition;
        }
        self.window.add(counts);
        if counts.age > LATE {
            self.weigh_late(plan, counts);
        } else {
            self.pending.add(&counts.treatment, &counts.control);
        }
        transition
    }

    /// Lets time pass: weighs the second that is over, and changes the state when it is time to.
    ///
    /// At most one thing happens per call. While [`next_deadline`](Self::next_deadline) is in the past, call again.
    /// Calls before the deadline change nothing.
    ///
    /// ```
    /// use flcm_flags::breaker::{Breaker, Plan, Scope, State};
    /// use flcm_flags::{Counts, Millis, Policy, Sample, TripState};
    ///
    /// let plan = Plan::new(&Policy { cooldown: 60, ..Policy::DEFAULT }, Scope::Fleet);
    /// let mut breaker = Breaker::new(7, Millis(0));
    /// // Both arms fail, so something that both use is at fault: the flag is probed again by itself.
    /// let failed = Sample { total: 20, errors: 20, ..Sample::default() };
    /// let counts = Counts { generation: breaker.generation(), age: 0, treatment: failed, control: failed };
    /// let _ = breaker.record(&plan, &counts, Millis(0));
    /// let opened = breaker.poll(&plan, Millis(1_000)).unwrap();
    /// assert_eq!((opened.to, breaker.trip_state()), (State::Open, TripState::HeldOff));
    ///
    /// let deadline = breaker.next_deadline(&plan).unwrap();
    /// assert!((48_000..=73_000).contains(&deadline.0), "a minute, a fifth more or less");
    /// assert_eq!(breaker.poll(&plan, Millis(deadline.0 - 1)), None);
    /// let probed = breaker.poll(&plan, deadline).unwrap();
    /// assert_eq!((probed.to, breaker.trip_state()), (State::HalfOpen, TripState::Probing));
    /// ```
    #[inline]
    pub fn poll(&mut self, plan: &Plan, now: Millis) -> Option<Transition> {
        let (before, now) = (seconds(self.now), self.clamp(now));
        self.now = now;
        let passed = seconds(now).saturating_sub(before);
        if passed == 0 && (self.state == State::Closed || now < self.until) {
            return None;
        }
        self.advance(plan, before, passed)
    }

    /// Time never goes back. A clock that does stands still here, and so does one beyond the latest time: otherwise
    /// nothing would be weighed until that time.
    #[inline]
    fn clamp(&mut self, now: Millis) -> Millis {
        if now < self.now || now > Millis::LATEST {
            self.window.clock_back = self.window.clock_back.saturating_add(1);
        }
        self.at(now)
    }

    /// The time of a clock, never earlier than the one before and never beyond the latest.
    #[inline]
    fn at(&self, now: Millis) -> Millis {
        if now > Millis::LATEST { self.now } else { now.max(self.now) }
    }

    /// The time at which to poll next; `None` while there is nothing to wait for.
    ///
    /// It is the end of the second when outcomes are waiting, the next probe or reminder when open, the end of probing
    /// when half-open, and in [`Scope::Fleet`] the time at which a silent rollout is reported. It may be in the past.
    #[must_use]
    pub fn next_deadline(&self, plan: &Plan) -> Option<Millis> {
        let whole = Millis(seconds(self.now).saturating_add(1).saturating_mul(1000));
        let weigh = (!self.pending.is_empty() || self.due).then_some(whole);
        let change = match self.state {
            State::Open if self.mode == Mode::Auto => Some(self.until),
            State::HalfOpen => Some(self.until),
            State::Closed if self.expects_data(plan) => {
                let left = rollout::QUIET.saturating_sub(self.elapsed(self.last_treated)).max(1);
                Some(Millis(seconds(self.now).saturating_add(left.into()).saturating_mul(1000)))
            }
            State::Closed | State::Open => None,
        };
        [weigh, change].into_iter().flatten().min()
    }

    /// What the next evaluation must know: write it into [`Trips`](crate::Trips).
    ///
    /// Where an operator or the fleet has set a trip as well, write [the stricter](TripState::stricter) of both.
    #[must_use]
    pub const fn trip_state(&self) -> TripState {
        match (self.state, self.stage.cap) {
            (State::Closed, 0) => TripState::Clear,
            (State::HalfOpen, 0) => TripState::Probing,
            (State::Open, 0) => TripState::HeldOff,
            (_, cap) => TripState::Capped(cap),
        }
    }

    /// The state: closed, open or half-open.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// The mode that an operator has set.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// The current generation. Only [`Counts`] with this generation are evidence.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// The latest outcomes, as reports show them.
    #[must_use]
    pub const fn window(&self) -> &Window {
        &self.window
    }

    /// How often the clock went back or was beyond the latest time, and how often counts were refused.
    ///
    /// Both should be 0. A host exports them as metrics, because each points to a fault of the host.
    #[must_use]
    pub const fn anomalies(&self) -> (u32, u32) {
        (self.window.clock_back, self.window.refused)
    }

    /// The outcomes and statistics now, as a transition would carry them.
    ///
    /// ```
    /// use flcm_flags::breaker::{Breaker, Plan, Scope};
    /// use flcm_flags::{Millis, Policy};
    ///
    /// let plan = Plan::new(&Policy::DEFAULT, Scope::Fleet);
    /// let report = Breaker::new(7, Millis(0)).report(&plan);
    /// assert_eq!((report.errors.absolute, report.limit, report.spread), (0.0, 2_000.0, 1.0));
    /// ```
    #[must_use]
    pub fn report(&self, plan: &Plan) -> Report {
        let statistics = |evidence: &Evidence| Statistics {
            absolute: evidence.against_threshold(),
            relative: evidence.against_control(),
        };
        Report {
            window: self.window.total(),
            errors: statistics(&self.errors),
            slow: statistics(&self.slow),
            limit: plan.limit,
            spread: self.spread_factor(plan),
        }
    }

    /// The share of users who have the feature, in thousandths of a percent, by the percentage that the host has
    /// reported.
    fn exposure(&self, plan: &Plan) -> u32 {
        match self.trip_state() {
            TripState::Clear => self.stage.percent,
            TripState::HeldOff => 0,
            TripState::Capped(cap) => self.stage.percent.min(cap),
            TripState::Probing => {
                let share = u64::from(self.stage.percent).wrapping_mul(plan.policy.probe.into());
                u32::try_from(share.checked_div(BUCKETS.into()).unwrap_or(0)).unwrap_or(0)
            }
        }
    }

    /// The seconds that have passed since a second.
    const fn elapsed(&self, second: u32) -> u32 {
        wrap(seconds(self.now)).wrapping_sub(second)
    }
}

/// Whole seconds since 1970.
#[inline]
const fn seconds(now: Millis) -> u64 {
    now.0 / 1000
}

/// A second modulo 2^32: enough for differences of less than a century.
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the remainder is what is wanted")]
const fn wrap(second: u64) -> u32 {
    second as u32
}
