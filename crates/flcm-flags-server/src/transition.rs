//! A transition of a flag's breaker, and who caused it: what the fleet stores and broadcasts.

use flcm_flags::Source;
use flcm_flags::breaker::{State, Transition};

/// A transition of the breaker of a flag.
#[derive(Clone, Debug)]
pub(crate) struct FleetTransition {
    /// The flag key.
    pub(crate) flag: String,
    /// Who caused it: the name of a key, or `breaker`.
    pub(crate) actor: String,
    /// Whose outcomes the breaker weighs.
    pub(crate) source: Source,
    pub(crate) transition: Transition,
}

impl FleetTransition {
    /// The same for each delivery. Both breakers of a flag count their transitions, so the source is part of it.
    pub(crate) fn id(&self) -> String {
        let id = self.transition.id(&self.flag);
        if self.source == Source::Pages { format!("{id}-pages") } else { id.to_string() }
    }

    /// One line for people.
    pub(crate) fn text(&self) -> String {
        self.transition.describe(&self.flag).to_string()
    }

    /// Whether the breaker was left in a state that holds the flag back.
    pub(crate) fn holds_back(&self) -> bool {
        self.transition.to != State::Closed
    }
}
