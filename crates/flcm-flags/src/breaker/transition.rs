//! What a breaker reports when something happens: the transition, why, and what comes next. Hosts act on it; nothing
//! calls back.

use super::window::Arms;
use crate::policy::keywords;
use crate::time::Millis;

keywords! {
    /// Where a breaker stands.
    State {
        /// The flag decides as usual, and outcomes are weighed.
        Closed = "closed",
        /// The flag is off, or back at its last good percentage.
        Open = "open",
        /// A share of users tries whether the flag is well again.
        HalfOpen = "half_open",
    }
}

keywords! {
    /// The mode that an operator gives a breaker.
    Mode {
        /// The breaker decides.
        Auto = "auto",
        /// Off, whatever the outcomes.
        Held = "held",
        /// As usual, whatever the outcomes.
        ForcedClosed = "forced_closed",
        /// As usual; what would have happened is reported.
        Observe = "observe",
    }
}

keywords! {
    /// What happened.
    Event {
        /// The flag was rolled back.
        Tripped = "tripped",
        /// It would have been rolled back, but is only observed.
        WouldTrip = "would_trip",
        /// The first users try again.
        HalfOpened = "half_opened",
        /// They failed as well.
        Reopened = "reopened",
        /// They did well: the flag decides as usual.
        Recovered = "recovered",
        /// They were too few for a verdict.
        ProbeInconclusive = "probe_inconclusive",
        /// A person has seen it: the flag decides as usual.
        Acknowledged = "acknowledged",
        /// A person holds the flag, or lets it go.
        ModeChanged = "mode_changed",
        /// The policy is another one: evidence starts anew.
        Configured = "configured",
        /// The percentage does not rise any more, because the control fails as well.
        StageHeld = "stage_held",
        /// It may rise again.
        StageReleased = "stage_released",
        /// Nobody has used the flag for a while, which is not to be taken for health: the percentage does not rise.
        NoData = "no_data",
        /// A flag that was rolled back waits for a person, still.
        Reminder = "reminder",
    }
}

keywords! {
    /// Why a flag was rolled back.
    Cause {
        /// More errors than the threshold allows, but not more than the control has.
        Absolute = "absolute",
        /// More errors than the control has.
        Relative = "relative",
        /// More errors than the threshold allows, and the control as well: something that both use has failed.
        Shared = "shared",
        /// More slow calls than the threshold allows.
        SlowAbsolute = "slow_absolute",
        /// More slow calls than the control has.
        SlowRelative = "slow_relative",
        /// Most failures are outcomes that were never reported.
        Missing = "missing",
        /// A share of errors in the window: [`Detector::Rate`](crate::Detector::Rate).
        Rate = "rate",
        /// A share of slow calls in the window.
        SlowRate = "slow_rate",
        /// A person.
        Manual = "manual",
        /// Faults that pages report: strangers may have invented some of them.
        Pages = "pages",
    }
}

impl Cause {
    /// Whether calls were slow, rather than failing.
    #[must_use]
    pub const fn is_slow(self) -> bool {
        matches!(self, Self::SlowAbsolute | Self::SlowRelative | Self::SlowRate)
    }

    /// Whether the flag itself is at fault, which waiting does not mend.
    #[must_use]
    pub const fn is_own_fault(self) -> bool {
        matches!(self, Self::Relative | Self::SlowRelative | Self::Missing)
    }
}

/// What must happen for a breaker to close.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Next {
    /// Nothing: it is closed, or is being probed.
    Nothing,
    /// From this time on, a probe.
    Probe(Millis),
    /// A person acknowledges it.
    Acknowledge,
    /// A person lets it go.
    Release,
}

impl Next {
    /// The keyword on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Probe(_) => "probe",
            Self::Acknowledge => "acknowledge",
            Self::Release => "release",
        }
    }
}

/// Both statistics of one metric.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Against the threshold.
    pub absolute: f64,
    /// Against the control.
    pub relative: f64,
}

/// What a breaker knows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// The outcomes of the window.
    pub window: Arms,
    /// Evidence of errors.
    pub errors: Statistics,
    /// Evidence of slow calls.
    pub slow: Statistics,
    /// What a statistic must reach for a rollback.
    pub limit: f64,
    /// What evidence is divided by because errors come in bursts; 1 when they do not.
    pub spread: f64,
}

/// Something that happened to a breaker, with all that explains it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transition {
    /// What happened.
    pub event: Event,
    /// Why; `None` where nobody asked for it.
    pub cause: Option<Cause>,
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
    /// The mode that an operator has given the breaker.
    pub mode: Mode,
    /// The generation after: outcomes that were decided under an older one are no evidence any more.
    pub generation: u32,
    /// How many events there were, this one included: together with the flag the event's name.
    pub sequence: u32,
    /// When.
    pub at: Millis,
    /// Which attempt to recover is next, from 1.
    pub attempt: u8,
    /// Rollbacks within a day.
    pub trips: u8,
    /// Share of users who had the feature before, in thousandths of a percent, as far as the host has reported.
    pub percent_before: u32,
    /// The share after.
    pub percent_after: u32,
    /// What must happen for the flag to come back.
    pub next: Next,
    /// The outcomes and statistics that led to it.
    pub report: Report,
}

impl Transition {
    /// Whether it is worth a notification: exposure changes, or a person is waited for.
    ///
    /// That is so for each change of state, for `tripped` (also where the state stays, as when a rollout falls back further), for a
    /// `reminder`, for `stage_held`, and for `would_trip`. Webhooks of servers and of hosts follow this rule by default.
    #[must_use]
    pub fn is_notable(&self) -> bool {
        self.from != self.to
            || matches!(self.event, Event::Tripped | Event::WouldTrip | Event::StageHeld | Event::Reminder)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::ToString;

    use super::{Arms, Event, Mode, Next, Report, State, Statistics, Transition};
    use crate::time::Millis;

    fn transition(event: Event, from: State, to: State) -> Transition {
        let (errors, slow) = (Statistics::default(), Statistics::default());
        Transition {
            event,
            cause: None,
            from,
            to,
            mode: Mode::Auto,
            generation: 3,
            sequence: 7,
            at: Millis(1_700_000_000_123),
            attempt: 1,
            trips: 1,
            percent_before: 50_000,
            percent_after: 0,
            next: Next::Nothing,
            report: Report { window: Arms::default(), errors, slow, limit: 1.0, spread: 1.0 },
        }
    }

    #[test]
    fn each_change_of_state_is_notable() {
        for event in Event::ALL {
            assert!(transition(*event, State::Closed, State::Open).is_notable(), "{event}");
        }
    }

    #[test]
    fn without_a_change_of_state_only_what_waits_for_a_person_is_notable() {
        let notable = ["tripped", "would_trip", "stage_held", "reminder"];
        for event in Event::ALL {
            let is_notable = transition(*event, State::Open, State::Open).is_notable();
            assert_eq!(is_notable, notable.contains(&event.as_str()), "{event}");
        }
    }

    #[test]
    fn ids_differ_by_flag_and_fit_into_a_header() {
        let tripped = transition(Event::Tripped, State::Closed, State::Open);
        assert_eq!(tripped.id("new-checkout_2").to_string(), "new-checkout_2-3-7-1700000000123");
        assert_eq!(tripped.id("a.b").to_string(), "a%2Eb-3-7-1700000000123");
        assert_eq!(tripped.id("a%2Eb").to_string(), "a%252Eb-3-7-1700000000123");
        assert_eq!(tripped.id("\u{e4}\n").to_string(), "%C3%A4%0A-3-7-1700000000123");
    }
}
