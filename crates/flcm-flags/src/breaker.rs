//! The breaker: outcomes come in, transitions come out. A pure function of its state, the plan, the time and the counts: no
//! clock, no lock, no callback, no allocation.
//!
//! [`Breaker::record`] takes outcomes and [`Breaker::poll`] the passing of time. Outcomes of one second are weighed together
//! when it is over, so that it does not matter how many hosts they came from. [`Breaker::next_deadline`] says when to
//! poll; polling more often changes nothing.
//!
//! Evaluation knows nothing of all this: what a breaker says reaches it as a [`TripState`].

mod bytes;
mod commands;
mod machine;
mod plan;
mod ratio;
mod rollout;
mod sequential;
mod transition;
mod units;
mod window;

pub use bytes::BreakerError;
pub use plan::{Plan, Scope};
pub use ratio::{SAMPLE_RATIO_ALARM, sample_ratio};
pub use transition::{Cause, Description, Event, Mode, Next, Report, State, Statistics, Transition, TransitionId};
pub use units::Units;
pub use window::{Arms, Window};

use sequential::{Evidence, Spread, Stratum};

use crate::bucket::BUCKETS;
use crate::counts::{Counts, Sample};
use crate::time::Millis;
use crate::trips::TripState;

/// Counts that a host held back for longer than this are compared for themselves: the percentage, or the time of day, may
/// have been another.
const LATE: u32 = 10_000;

/// Counts that are older than this say nothing about now.
const TOO_LATE: u32 = 120_000;

/// The breaker of one flag.
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
#[expect(clippy::struct_excessive_bools, reason = "each says that something was noticed, and they are few bytes")]
pub struct Breaker {
    /// Tells breakers apart, so that not all of a fleet probe at once.
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
    /// Waits for a person.
    sticky: bool,
    /// What would have happened was reported in this generation.
    noted: bool,
    /// The rollout is held, because the control fails as well.
    held: bool,
    /// That there is no data was reported.
    quiet: bool,
    /// Counts were weighed outside of a second, and their verdict is due.
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

/// Where the rollout stands; percentages in thousandths of a percent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Stage {
    /// The percentage now.
    percent: u32,
    /// A percentage that has been reached, and has not yet proved itself.
    candidate: u32,
    /// Second from which on.
    since: u32,
    /// The highest that has proved itself.
    last_good: u32,
    /// What percentages are limited to: open, the last good one; closed, where the rollout was held. 0: no limit.
    cap: u32,
}

/// The outcomes of one second.
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
    /// A closed breaker without evidence. `seed` tells it apart from others: the flag's hash key will do.
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

    /// Takes outcomes; answers what happened meanwhile, like [`poll`](Self::poll).
    ///
    /// Counts of another generation, or held back for more than two minutes, are no evidence. Counts that cannot be (more
    /// failures than outcomes) are refused as a whole.
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

    /// Lets time pass: weighs the second that is over, opens or closes when it is time to. At most one thing happens a call; when
    /// [`next_deadline`](Self::next_deadline) has passed already, call again.
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

    /// Time never goes back: a clock that does stands still for us, and so does one that shows what is no time, because until
    /// then nothing would be weighed.
    #[inline]
    fn clamp(&mut self, now: Millis) -> Millis {
        if now < self.now || now > Millis::LATEST {
            self.window.clock_back = self.window.clock_back.saturating_add(1);
        }
        self.at(now)
    }

    /// The time that a clock shows.
    #[inline]
    fn at(&self, now: Millis) -> Millis {
        if now > Millis::LATEST { self.now } else { now.max(self.now) }
    }

    /// When to poll next; `None` while there is nothing to wait for.
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

    /// What evaluation is to be told.
    #[must_use]
    pub const fn trip_state(&self) -> TripState {
        match (self.state, self.stage.cap) {
            (State::Closed, 0) => TripState::Clear,
            (State::HalfOpen, 0) => TripState::Probing,
            (State::Open, 0) => TripState::HeldOff,
            (_, cap) => TripState::Capped(cap),
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> State {
        self.state
    }

    /// What a person has said about it.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// What outcomes must be marked with to be evidence.
    #[must_use]
    pub const fn generation(&self) -> u32 {
        self.generation
    }

    /// The latest outcomes.
    #[must_use]
    pub const fn window(&self) -> &Window {
        &self.window
    }

    /// How often the clock went back or showed what is no time, and how often counts were refused.
    #[must_use]
    pub const fn complaints(&self) -> (u32, u32) {
        (self.window.clock_back, self.window.refused)
    }

    /// What it knows.
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
            spread: self.spread.factor(),
        }
    }

    /// Share of users who have the feature, in thousandths of a percent, as far as the host has said.
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

    /// Seconds since a second.
    const fn elapsed(&self, second: u32) -> u32 {
        wrap(seconds(self.now)).wrapping_sub(second)
    }
}

/// Whole seconds since 1970.
#[inline]
const fn seconds(now: Millis) -> u64 {
    now.0 / 1000
}

/// Modulo 2^32, for differences of less than a century.
#[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the remainder is what is wanted")]
const fn wrap(second: u64) -> u32 {
    second as u32
}
