//! What webhooks are sent: one form for everything that happens to flags and documents, that of Standard Webhooks.

use std::net::IpAddr;

use flcm_flags::breaker::{Event, Mode, Transition};
use flcm_flags_config::explain::text::rfc3339;
use serde::{Deserialize, Serialize};

use crate::event::BreakerEvent;
use crate::transition::FleetTransition;

/// The kinds of events among which a webhook chooses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EventKind {
    /// What operators do to flags: hold, release, observe, force.
    Hold,
    /// Revisions that are published or reverted to.
    Publish,
    /// Documents that are refused.
    Refused,
    /// What breakers do, such as a rollback, a probe or a recovery; and acknowledgements.
    Rollback,
}

impl EventKind {
    /// All of them, as options name them.
    pub const ALL: [(&'static str, Self); 4] =
        [("hold", Self::Hold), ("publish", Self::Publish), ("refused", Self::Refused), ("rollback", Self::Rollback)];
}

/// A webhook as the fleet knows it: its name, and the kinds of events that it receives.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) name: String,
    pub(crate) events: Vec<EventKind>,
}

/// Something that happened, as it is stored and sent.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Notification {
    /// The same for each delivery, and in the header `webhook-id`.
    pub(crate) id: String,
    /// What happened, such as `flag.rolled_back`.
    #[serde(rename = "type")]
    pub(crate) name: String,
    /// When, as RFC 3339 in UTC.
    pub(crate) timestamp: String,
    pub(crate) data: NotificationData,
}

/// The details; what does not apply is left out.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct NotificationData {
    /// A line for people.
    pub(crate) text: String,
    /// When, in milliseconds since 1970.
    pub(crate) at: u64,
    /// Who did it: a key's name, `file`, or `breaker`.
    pub(crate) actor: String,
    /// Why, as the actor wrote it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) flag: Option<String>,
    /// The revision that was published, or that stays in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<u64>,
    /// The flags that a revision removes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) removed: Vec<String>,
    /// Why a document was refused, such as `INVALID_DOCUMENT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// The transition of the flag's breaker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) breaker: Option<BreakerEvent>,
}

/// A document that was not published.
#[derive(Clone, Debug)]
pub(crate) struct RefusedDocument {
    /// Whose it was: a key's name, or `file`.
    pub(crate) author: String,
    /// Why the author wanted it published.
    pub(crate) reason: String,
    pub(crate) code: &'static str,
    /// What is wrong with it.
    pub(crate) detail: String,
    /// The address of the author, if it came by HTTP.
    pub(crate) address: Option<IpAddr>,
}

impl Notification {
    /// A notification that no breaker caused. `number` distinguishes those of one start of the server.
    pub(crate) fn new(name: &str, number: u64, data: NotificationData) -> Self {
        // Without a dot, by which Standard Webhooks divides what is signed.
        let id = format!("{}-{}-{number}", name.replace('.', "-"), data.at);
        Self { id, name: name.to_owned(), timestamp: rfc3339(data.at), data }
    }

    /// A transition of a breaker, and why an operator caused it.
    pub(crate) fn of_transition(happened: &FleetTransition, reason: &str) -> Self {
        let data = NotificationData {
            text: text_of(happened, reason),
            at: happened.transition.at.0,
            actor: happened.actor.clone(),
            reason: reason.to_owned(),
            flag: Some(happened.flag.clone()),
            breaker: Some(happened.into()),
            ..NotificationData::default()
        };
        let name = name_of(&happened.transition).to_owned();
        Self { id: happened.id(), name, timestamp: rfc3339(data.at), data }
    }
}

/// Whether a transition is worth a notification: those that [are notable](Transition::is_notable), and commands.
pub(crate) fn kind_of(transition: &Transition) -> Option<EventKind> {
    match transition.event {
        Event::ModeChanged => Some(EventKind::Hold),
        _ => transition.is_notable().then_some(EventKind::Rollback),
    }
}

const fn name_of(transition: &Transition) -> &'static str {
    match transition.event {
        Event::Acknowledged => "flag.acknowledged",
        Event::Configured => "flag.configured",
        Event::HalfOpened => "flag.probing",
        Event::ModeChanged => match transition.mode {
            Mode::Auto => "flag.released",
            Mode::ForcedClosed => "flag.forced",
            Mode::Held => "flag.held",
            Mode::Observe => "flag.observed",
        },
        Event::NoData => "flag.no_data",
        Event::ProbeInconclusive => "flag.probe_inconclusive",
        Event::Recovered => "flag.recovered",
        Event::Reminder => "flag.still_rolled_back",
        Event::Reopened => "flag.probe_failed",
        Event::StageHeld => "flag.stage_held",
        Event::StageReleased => "flag.stage_released",
        Event::Tripped => "flag.rolled_back",
        Event::WouldTrip => "flag.would_roll_back",
    }
}

fn text_of(happened: &FleetTransition, reason: &str) -> String {
    let done = match (happened.transition.event, happened.transition.mode) {
        (Event::Acknowledged, _) => "acknowledged the rollback of",
        (Event::ModeChanged, Mode::Auto) => "released",
        (Event::ModeChanged, Mode::ForcedClosed) => "switched off rollbacks of",
        (Event::ModeChanged, Mode::Held) => "held",
        (Event::ModeChanged, Mode::Observe) => "has rollbacks only reported of",
        _ => return happened.text(),
    };
    of_operator(&happened.actor, done, &happened.flag, reason)
}

/// What an operator did to a flag, as a line for people.
pub(crate) fn of_operator(actor: &str, done: &str, flag: &str, reason: &str) -> String {
    because(format!("{actor} {done} `{flag}`"), reason)
}

/// Adds a reason, if one was given.
pub(crate) fn because(text: String, reason: &str) -> String {
    if reason.is_empty() { text } else { format!("{text}: {reason}") }
}
